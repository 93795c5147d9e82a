"""Ask with a model: what was found is shown to it as data, and what it says arrives in pieces, its citations checked.

Question and answer are kept as a conversation of our own, also where the answer broke off: it was paid for.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import uuid4

import msgspec

from commonplace.answers import prompt
from commonplace.answers.citations import Citations
from commonplace.answers.sources import Source, chosen
from commonplace.archive.conversations.merge import merge
from commonplace.archive.core import Archive
from commonplace.archive.memory import recall, remember
from commonplace.archive.projects.assistants import Assistant, assistant_of
from commonplace.archive.projects.lookup import find_project
from commonplace.archive.search.filters import Filters
from commonplace.bounds import Dollars, within
from commonplace.errors import Halt, Retryable
from commonplace.meaning.passages import clean
from commonplace.model import Conversation, Message, Role, digest_of
from commonplace.moments import now
from commonplace.openai.client import Client, account_of
from commonplace.openai.errors import About
from commonplace.openai.pricing import Counted, Price, price_to_reckon_with, unknown_price
from commonplace.openai.replies import SAYS
from commonplace.openai.streams import Api, Prompt, Spoken, speak
from commonplace.openai.tokens import estimate_tokens
from commonplace.session import Session
from commonplace.stages.asking import LONGEST_QUESTION, OWN, Answer, cited, retrieve
from commonplace.stages.searching import Searcher

NOBODY = "none"
"""The model that quotes and says nothing."""
CONTEXT, CONTEXT_AT_HOME = 12_000, 3_000
ROOM = 1_000
"""Tokens of an answer."""
SETTING = "[answers] model"


class Answering(msgspec.Struct, frozen=True, kw_only=True):
    """Who answers, within which limits."""

    client: Client
    model: str
    price: Price | None
    max_cost: float
    context: int
    assistant: Assistant


def model_for(session: Session, model: str | None, project: str | None) -> str:
    """Who answers: as asked for, as the project's assistant or the settings say. Empty: nobody, or nobody can."""
    settings = session.settings
    account = account_of(settings, session.environment)
    wanted = model or _assistant(session, project).model or settings.answers.model or settings.categorize.model
    is_asked_for = bool(model or settings.answers.model)
    return wanted if wanted != NOBODY and (is_asked_for or account.api_key.strip() or account.base_url) else ""


@contextmanager
def open_answering(
    session: Session, model: str, *, project: str | None = None, max_cost: float | None = None
) -> Iterator[Answering]:
    """As the settings say; a key or an address is missed by the first question."""
    settings = session.settings
    account = account_of(settings, session.environment)
    is_own = bool(account.base_url)
    with Client(account) as client:
        yield Answering(
            client=client,
            model=model,
            price=price_to_reckon_with(model, settings, is_own=is_own),
            max_cost=settings.answers.max_cost if max_cost is None else within(max_cost, Dollars, name="max_cost"),
            context=settings.answers.context or (CONTEXT_AT_HOME if is_own else CONTEXT),
            assistant=_assistant(session, project),
        )


def answer(
    session: Session,
    searcher: Searcher,
    using: Answering,
    question: str,
    *,
    filters: Filters = Filters(),
    heard: Callable[[str], object] = lambda piece: None,
    is_kept: bool = True,
) -> Answer:
    """What the model makes of what was found. `heard` is given each piece that can be shown."""
    started = time.monotonic()
    asked = clean(question, LONGEST_QUESTION)
    found, note = retrieve(session, searcher, question, filters=filters)
    sources = chosen(found, room=using.context, size=estimate_tokens)
    told = Answer(answer=prompt.NOT_THERE, sources=[], note=note)
    if sources:
        told = _spoken(session.archive, using, asked, sources, note, heard)
    told.seconds = round(time.monotonic() - started, 3)
    if is_kept and told.model:
        told.id = _keep(session.archive, asked, told)
    return told


def _spoken(
    archive: Archive, using: Answering, asked: str, sources: list[Source], note: str, heard: Callable[[str], object]
) -> Answer:
    fence = f"source-{secrets.token_hex(6)}"
    wanted = Prompt(
        model=using.model,
        instructions=prompt.instructions(fence, using.assistant.instructions),
        question=prompt.question(asked, sources, fence),
        room=ROOM,
        temperature=using.assistant.temperature,
    )
    tokens = estimate_tokens(wanted.instructions) + estimate_tokens(wanted.question)
    check_cost(using, tokens)
    spoken = opened(archive, using, wanted, tokens)
    checked, said, error = Citations(len(sources)), "", ""

    def show(piece: str) -> None:
        nonlocal said
        said += piece
        heard(piece)

    try:
        for piece in spoken:
            show(checked.feed(piece))
    except Retryable as broke:
        error = f"The answer broke off: {broke}"
    show(checked.finish())
    reply = spoken.reply
    if not error and reply.problem:
        error = f"The answer is not whole: {SAYS[reply.problem]}."
    counted = reply.counted if reply.counted.total else Counted(input=tokens, output=estimate_tokens(said))
    return Answer(
        answer=said,
        sources=[cited(sources[number - 1]) for number in sorted(checked.cited)],
        model=using.model,
        cost_usd=round(counted.usage(using.price).cost_usd, 6),
        note=" ".join(filter(None, (note, _removed(checked.removed)))),
        error=error,
    )


def check_cost(using: Answering, tokens: int) -> None:
    if using.price is None:
        raise Halt(unknown_price(using.model, "[answers]"))
    most = using.price.of(Counted(input=tokens, output=ROOM))
    if most > using.max_cost:
        raise Halt(
            f"This answer may cost ${most:.4f}, and the limit is ${using.max_cost:.4f}.",
            hint="Raise --max-cost or [answers] max_cost, or show the model less with [answers] context.",
        )


def opened(archive: Archive, using: Answering, wanted: Prompt, tokens: int) -> Spoken:
    """Which kind of question a server knows is found out once, and kept."""
    about = About(model=using.model, setting=SETTING, what="an answer")
    account = using.client.account
    apis: tuple[Api, ...] = ("responses", "chat") if account.base_url else ("responses",)
    if wanted.conversation:  # which chat completions know nothing of
        return speak(using.client, about, wanted, ("responses",), tokens=tokens + ROOM)
    name = f"speaks:{account.identity}"
    known = recall(archive, name)
    spoken = speak(using.client, about, wanted, ("chat",) if known == "chat" else apis, tokens=tokens + ROOM)
    if account.base_url and known != spoken.api:
        remember(archive, name, spoken.api)
    return spoken


def _removed(numbers: list[int]) -> str:
    marks = ", ".join(f"[{number}]" for number in numbers)
    return f"The answer cited {marks}, which it was not shown; that was taken out." if numbers else ""


def _keep(archive: Archive, asked: str, told: Answer) -> str:
    """Question and answer as a conversation; its id."""
    moment, external_id = now(), uuid4().hex
    listed = "\n".join(f"[{source.number}] {source.title} ({source.date}), {source.id}" for source in told.sources)
    said = "\n\n".join(filter(None, (told.answer, listed)))
    question, answered = f"{external_id}-question", f"{external_id}-answer"
    conversation = Conversation(
        source=OWN,
        external_id=external_id,
        title=" ".join(asked.split())[:80],
        created_at=moment,
        updated_at=moment,
        model=told.model,
        current_message_id=answered,
        messages=[
            _message(question, "user", asked, moment),
            msgspec.structs.replace(
                _message(answered, "assistant", said, moment), parent_id=question, model=told.model
            ),
        ],
    )
    merge(archive, None, [conversation])
    return conversation.id


def _message(id: str, role: Role, text: str, moment: int) -> Message:
    return Message(id=id, role=role, text=text, digest=digest_of(role, text), created_at=moment)


def _assistant(session: Session, project: str | None) -> Assistant:
    return assistant_of(session.archive, find_project(session.archive, project)) if project else Assistant()
