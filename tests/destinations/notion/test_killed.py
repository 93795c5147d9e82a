"""kill -9 at any request, before Notion has done it or after: the next run makes it whole, nothing is there twice."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from commonplace.destinations.contract import Document
from commonplace.destinations.notion import open_notion
from tests.destinations.notion.world import FileLedger, document, settings_for
from tests.fakes.notion import FakeNotion

LONG = [("word " * 2000).strip() for _ in range(100)]


class Victim:
    """A process that writes, and the moment at which it dies."""

    def __init__(self, notion: FakeNotion, source: str, folder: Path) -> None:
        self.settings = settings_for(notion, source)
        self.ledger = folder / "ledger.db"
        self._documents = folder / "documents.json"
        self._process: subprocess.Popen[bytes] | None = None

    def write(self, documents: list[Document]) -> int:
        """The exit code of a run over these documents."""
        self._documents.write_bytes(msgspec.json.encode(documents))
        arguments = [msgspec.json.encode(self.settings).decode(), str(self.ledger), str(self._documents)]
        self._process = subprocess.Popen([sys.executable, "-m", "tests.destinations.notion.killed", *arguments])
        return self._process.wait(60)

    def kill(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()


def some_slow(steps: range, *, quick: set[int]) -> list[Any]:
    """A process of its own takes seconds: the others are for `make test-all`."""
    return [step if step in quick else pytest.param(step, marks=pytest.mark.slow) for step in steps]


def first(long: bool) -> list[Document]:
    return [document(1, texts=LONG) if long else document(1), document(2)]


def later(long: bool) -> list[Document]:
    return [document(1, texts=[*LONG, "One more."] if long else None, turns=5, category="New"), document(2, turns=3)]


@pytest.fixture
def victim(notion: FakeNotion, source: str, tmp_path: Path) -> Victim:
    FileLedger(tmp_path / "ledger.db")
    return Victim(notion, source, tmp_path)


@pytest.mark.parametrize("committed", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", some_slow(range(5), quick={2, 3}))
def test_a_first_sync_that_was_killed_is_completed(
    notion: FakeNotion, victim: Victim, step: int, committed: bool
) -> None:
    documents = first(long=step >= 3)
    notion.fail_next("call", skip=step, committed=committed, call=victim.kill)
    assert victim.write(documents) in (-signal.SIGKILL, 0)
    complete(notion, victim, documents)


@pytest.mark.parametrize("committed", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", some_slow(range(4), quick={0, 2}))
def test_an_update_that_was_killed_is_completed(notion: FakeNotion, victim: Victim, step: int, committed: bool) -> None:
    write(victim, first(long=False))
    notion.fail_next("call", on="PATCH", skip=step, committed=committed, call=victim.kill)
    assert victim.write(later(long=False)) == -signal.SIGKILL
    complete(notion, victim, later(long=False))


@pytest.mark.slow
@pytest.mark.parametrize("committed", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", range(8))
def test_an_update_of_long_bodies_that_was_killed_is_completed(
    notion: FakeNotion, victim: Victim, step: int, committed: bool
) -> None:
    write(victim, first(long=True))
    notion.fail_next("call", skip=step, committed=committed, call=victim.kill)
    victim.write(later(long=True))
    complete(notion, victim, later(long=True))


def write(victim: Victim, documents: list[Document]) -> None:
    destination = open_notion(victim.settings)
    outcomes = destination.write(documents, FileLedger(victim.ledger))
    destination.close()
    assert {outcome.state for outcome in outcomes} <= {"created", "updated", "unchanged"}


def complete(notion: FakeNotion, victim: Victim, documents: list[Document]) -> None:
    """A run after the kill leaves every page once, whole, and known."""
    write(victim, documents)
    assert len(notion.rows()) == len(documents)
    assert FileLedger(victim.ledger).states() == ["done"] * len(documents)
    for wanted in documents:
        page = notion.row(wanted.conversation.id)
        said = [line for line in page.text.split("\n") if line not in ("You", "Assistant")]
        assert said == [message.text for message in wanted.conversation.messages]
        assert page.value("Category") == wanted.category
    before = notion.count()
    write(victim, documents)
    assert notion.count() == before
