"""A fake server per test, a small taxonomy, and judges that ask the one about the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from commonplace.categorize.contract import Category, Subject, Taxonomy, Turn
from commonplace.categorize.openai.compatible import CompatibleJudge
from commonplace.categorize.openai.packing import Plan
from commonplace.categorize.openai.realtime import OpenAIJudge
from commonplace.errors import Defect
from commonplace.model import Verdict
from commonplace.openai.client import Account, Client
from commonplace.openai.limiter import Governor
from tests.fakes.openai import FakeOpenAI

ONE_EACH = Plan(1500, 1, 6000)
"""A plan: each conversation is asked about alone."""
NAMES = ["Coding", "Cooking", "Reisen & Urlaub", "Other"]


def subject(number: int, text: str = "", *, category: str = "Coding", title: str | None = None) -> Subject:
    """A conversation that the fake recognises by `ref-<number>` and sorts by the category in brackets."""
    said = text or f"How do I do this? ref-{number:05d}. [[{category}]]"
    return Subject(
        conversation_id=f"chatgpt:{number:05d}",
        content_hash=f"hash-{number}",
        title=title or f"Chat {number}",
        turns=(Turn("user", said), Turn("assistant", "Like this, in three steps.")),
    )


def subjects(count: int) -> list[Subject]:
    return [subject(number, category=NAMES[number % 3]) for number in range(count)]


def verdicts(answers: Iterable[Verdict | Defect]) -> list[Verdict]:
    return [answer for answer in answers if isinstance(answer, Verdict)]


def defects(answers: Iterable[Verdict | Defect]) -> list[Defect]:
    return [answer for answer in answers if isinstance(answer, Defect)]


@pytest.fixture
def taxonomy() -> Taxonomy:
    described = [
        Category(name=name, description=f"Everything about {name}", examples=("an example",)) for name in NAMES
    ]
    return Taxonomy(name="small", categories=tuple(described))


@pytest.fixture
def fake() -> Iterator[FakeOpenAI]:
    with FakeOpenAI() as running:
        yield running


def connect(server: FakeOpenAI, api_key: str | None = None, **options: Any) -> Client:
    """A client of the fake, without a limit of its own and with next to no waiting between tries."""
    account = Account(api_key=api_key or server.api_key, base_url=server.url, timeout=300)
    return Client(account, **{"governor": Governor(), "first_delay": 0.001, **options})


@pytest.fixture
def openai_judge(fake: FakeOpenAI) -> Iterator[Callable[..., OpenAIJudge]]:
    """Makes judges that ask the fake."""
    made: list[OpenAIJudge] = []

    def make(**options: Any) -> OpenAIJudge:
        server: FakeOpenAI = options.pop("server", fake)
        connection = {name: options.pop(name) for name in ("api_key", "governor") if name in options}
        made.append(OpenAIJudge(connect(server, **connection), **{"concurrency": 8, **options}))
        return made[-1]

    yield make
    for judge in made:
        judge.close()


@pytest.fixture
def compatible_judge(fake: FakeOpenAI) -> Iterator[Callable[..., CompatibleJudge]]:
    made: list[CompatibleJudge] = []

    def make(**options: Any) -> CompatibleJudge:
        server: FakeOpenAI = options.pop("server", fake)
        made.append(CompatibleJudge(connect(server), "gpt-6-luna", **options))
        return made[-1]

    yield make
    for judge in made:
        judge.close()
