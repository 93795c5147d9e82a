"""Ask with a model: what was found is shown to it as data, and what it says arrives in pieces, its citations checked.

Question and answer are kept as a conversation of our own, also where the answer broke off: it was paid for.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from uuid import uuid4

import msgspec

from commonplace.answers import prompt
from commonplace.answers.citations import Citations
from commonplace.answers.sources import Piece, Said, Source, chosen
from commonplace.archive.conversations.merge import merge
from commonplace.archive.conversations.reading import load_filed
from commonplace.archive.core import Archive
from commonplace.archive.memory import recall, remember
from commonplace.archive.projects.assistants import Assistant, assistant_of
from commonplace.archive.projects.lookup import find_project
from commonplace.archive.search.filters import Filters
from commonplace.bounds import Dollars, within
from commonplace.errors import Halt, Retryable
from commonplace.meaning.passages import clean
from commonplace.model import Conversation, Message, Role, digest_of
from commonplace.moments import now, to_iso
from commonplace.openai.client import Client, account_of
from commonplace.openai.errors import About, BadRequest, Missing, NotAllowed, NotOffered
from commonplace.openai.pricing import SEARCH_PRICE, Counted, Price, price_to_reckon_with, unknown_price
from commonplace.openai.replies import SAYS
from commonplace.openai.streams import MOST_FOUND, MOST_SEARCHES, Api, Prompt, Spoken, speak
from commonplace.openai.tokens import estimate_tokens
from commonplace.session import Session
from commonplace.stages.asking import INTERRUPTED, LONGEST_QUESTION, OWN, Answer, Cited, cited, retrieve
from commonplace.stages.searching import Searcher
from commonplace.stages.stores.known import KnownStore, store_of

NOBODY = "none"
"""The model that quotes and says nothing."""
CONTEXT, CONTEXT_AT_HOME = 12_000, 3_000
ROOM = 1_000
"""Tokens of an answer."""
FOUND = MOST_FOUND * 900
"""Tokens of what a search in a vector store finds, at most."""
SETTING = "[answers] model"


class Answering(msgspec.Struct, frozen=True, kw_only=True):
    """Who answers, within which limits."""

    client: Client
    model: str
    price: Price | None
    max_cost: float
    context: int
    assistant: Assistant
    store: KnownStore | None = None
    """What the assistant searches at OpenAI by itself."""
    search_price: float = 0.0


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
            store=store_of(session, find_project(session.archive, project).id) if project else None,
            search_price=0.0 if is_own else SEARCH_PRICE,
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
    told, note = _from_store(session, using, asked, filters, heard)
    if told is None:
        found, also = retrieve(session, searcher, question, filters=filters)
        note = " ".join(filter(None, (note, also)))
        sources = chosen(found, room=using.context, size=estimate_tokens)
        told = Answer(answer=prompt.NOT_THERE, sources=[], note=note)
        if sources:
            told = _spoken(session.archive, using, asked, sources, note, heard)
    told.seconds = round(time.monotonic() - started, 3)
    if is_kept and told.model and told.answer.strip():
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
    checked = Citations(len(sources))
    told = _heard(using, spoken, checked, tokens, heard)
    told.sources = [cited(sources[number - 1]) for number in sorted(checked.cited)]
    told.note = " ".join(filter(None, (note, _removed(checked.removed))))
    return told


def _from_store(
    session: Session, using: Answering, asked: str, filters: Filters, heard: Callable[[str], object]
) -> tuple[Answer | None, str]:
    """What the model makes of what it finds in the project's own store; or None, and why it could not."""
    store = using.store
    if store is None or filters != Filters(project=filters.project):
        return None, ""
    wanted = Prompt(
        model=using.model,
        instructions=prompt.search_instructions(using.assistant.instructions),
        question=asked,
        room=ROOM,
        temperature=using.assistant.temperature,
        store=store.store_id,
    )
    told = estimate_tokens(wanted.instructions) + estimate_tokens(wanted.question)
    tokens = (MOST_SEARCHES + 1) * told + FOUND * MOST_SEARCHES * (MOST_SEARCHES + 1) // 2
    check_cost(using, tokens, searches=MOST_SEARCHES)
    try:
        spoken = opened(session.archive, using, wanted, tokens)
    except (Missing, BadRequest, NotOffered, NotAllowed) as error:
        hint = "`commonplace openai store PROJECT` makes it anew."
        return None, f"The project's vector store could not be searched: {error} {hint}"
    checked, numbers, removed = Citations(0), dict[str, int](), False

    def cite(file_id: str) -> str:
        nonlocal removed
        conversation_id = store.conversation_of.get(file_id)
        if conversation_id is None or conversation_id in store.left:
            removed = True
            return ""
        return f" [{numbers.setdefault(conversation_id, len(numbers) + 1)}]"

    answer = _heard(using, spoken, checked, tokens, heard, cite=cite)
    passages = {store.conversation_of.get(file_id): text for file_id, text in spoken.found.items()}
    answer.sources = _sources(session, numbers, passages)
    if store.waiting:
        behind = f"{store.waiting:,} conversations are not in the project's vector store as they are now."
        answer.note = f"{behind} `commonplace openai store` brings it up to date."
    if removed:
        answer.note = f"{answer.note} The answer cited a file that is not of the project; that was taken out.".strip()
    return answer, ""


def _sources(session: Session, numbers: dict[str, int], passages: Mapping[str | None, str]) -> list[Cited]:
    """What was cited, by its number."""
    found: list[Cited] = []
    for filed in load_filed(session.archive, list(numbers)):
        about = filed.conversation
        day = (to_iso(about.updated_at or about.created_at, session.settings.zone) or "")[:10]
        piece = Piece(
            conversation_id=about.id,
            message_id=None,
            title=filed.title or "Untitled",
            date=day,
            said=(Said(passages.get(about.id, "")),),
        )
        found.append(cited(Source(number=numbers[about.id], piece=piece)))
    return sorted(found, key=lambda source: source.number)


def _heard(
    using: Answering,
    spoken: Spoken,
    checked: Citations,
    tokens: int,
    heard: Callable[[str], object],
    *,
    cite: Callable[[str], str] = lambda file_id: "",
) -> Answer:
    """What is said, as it comes, and what it cost; sources and notes are the caller's to add."""
    said, error = "", ""

    def show(piece: str) -> None:
        nonlocal said
        said += piece
        heard(piece)

    def show_citation(file_id: str) -> None:
        mark = cite(file_id)
        show(checked.finish() + ("" if said.endswith(mark) else mark))

    spoken.cites = show_citation
    try:
        for piece in spoken:
            show(checked.feed(piece))
    except Retryable as broke:
        error = f"The answer broke off: {broke}"
    except KeyboardInterrupt:
        error = INTERRUPTED
    show(checked.finish())
    reply = spoken.reply
    if not error and reply.problem:
        error = f"The answer is not whole: {SAYS[reply.problem]}."
    counted = reply.counted if reply.counted.total else Counted(input=tokens, output=estimate_tokens(said))
    cost = counted.usage(using.price).cost_usd + spoken.searches * using.search_price
    return Answer(answer=said, sources=[], model=using.model, cost_usd=round(cost, 6), error=error)


def check_cost(using: Answering, tokens: int, *, searches: int = 0) -> None:
    if using.price is None:
        raise Halt(unknown_price(using.model, "[answers]"))
    most = using.price.of(Counted(input=tokens, output=ROOM)) + searches * using.search_price
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
    if wanted.conversation or wanted.store:  # which chat completions know nothing of
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
