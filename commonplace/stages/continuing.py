"""Going on with a conversation: a question in it, answered with what was said before.

Where it is at OpenAI, it goes on there, and the turn comes back as everything said there does. Else its path is shown
to the model, which keeps nothing, and the turn is kept here. Without keeping, nothing stays anywhere.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import uuid4

from commonplace.archive import leases
from commonplace.archive.conversations.merge import merge
from commonplace.archive.conversations.reading import load_conversation, load_filed
from commonplace.archive.ledger import ArchiveLedger
from commonplace.destinations.openai import OpenAIDestination
from commonplace.errors import Refused, Retryable
from commonplace.meaning.passages import clean
from commonplace.model import SAID_AT, Conversation, LedgerEntry, Message, Role, digest_of
from commonplace.moments import now
from commonplace.openai.pricing import Counted
from commonplace.openai.replies import SAYS
from commonplace.openai.streams import Prompt
from commonplace.openai.tokens import estimate_tokens
from commonplace.session import Session
from commonplace.stages.answering import ROOM, Answering, check_cost, opened
from commonplace.stages.asking import INTERRUPTED, LONGEST_QUESTION, OWN, Answer
from commonplace.stages.syncing.destinations import names, open_destination, sections
from commonplace.stages.syncing.pull import take_in
from commonplace.stages.work import leased

INSTRUCTIONS = "Go on with the conversation."
KIND = "openai"
Heard = Callable[[str], object]


def project_of(session: Session, conversation_id: str) -> str | None:
    """Whose assistant answers."""
    return next((filed.project_id for filed in load_filed(session.archive, [conversation_id])), None)


def go_on(
    session: Session,
    using: Answering,
    conversation_id: str,
    question: str,
    *,
    heard: Heard = lambda piece: None,
    is_kept: bool = True,
) -> Answer:
    """The answer, which `heard` is told in pieces as it comes."""
    if not using.model:
        raise Refused("Nobody can answer.", hint="Set OPENAI_API_KEY or OPENAI_BASE_URL, or give --model.")
    started, asked = time.monotonic(), clean(question, LONGEST_QUESTION)
    if is_kept:
        with _there(session, conversation_id) as found:
            if found is not None:
                return _timed(_in_place(session, using, found, conversation_id, asked, heard), started)
    conversation = _loaded(session, conversation_id)
    told = _speak(session, using, _path(conversation, room=using.context), asked, heard)
    if is_kept and told.answer:
        _keep(session, conversation, asked, told)
    return _timed(told, started)


@contextmanager
def _there(
    session: Session, conversation_id: str
) -> Iterator[tuple[OpenAIDestination, LedgerEntry, ArchiveLedger] | None]:
    """Where it is at OpenAI, under the lease of whoever writes there; None where it is not."""
    settings, environment, archive = session
    for name in dict.fromkeys([*names(settings, archive), KIND]):
        if sections(settings, name)[0] != KIND:
            continue
        with open_destination(settings, environment, archive, name) as (destination, _):
            entry = ArchiveLedger(archive, destination.instance).get([conversation_id]).get(conversation_id)
            if isinstance(destination, OpenAIDestination) and entry is not None and entry.remote_id:
                with leased(session, leases.syncing(session.archive.owner, destination.instance)) as ours:
                    yield destination, entry, ArchiveLedger(ours.archive, destination.instance)
                return
    yield None


def _in_place(
    session: Session,
    using: Answering,
    found: tuple[OpenAIDestination, LedgerEntry, ArchiveLedger],
    conversation_id: str,
    asked: str,
    heard: Heard,
) -> Answer:
    destination, entry, known = found
    take_in(session.archive, destination.pull_one(conversation_id, entry, known))
    read = _path(_loaded(session, conversation_id), room=None)  # by the service, whole
    try:
        told = _speak(session, using, read, asked, heard, there=entry.remote_id or "")
    finally:
        take_in(session.archive, destination.pull_one(conversation_id, entry, known))
    told.id = conversation_id
    return told


def _speak(
    session: Session, using: Answering, history: tuple[dict[str, str], ...], asked: str, heard: Heard, there: str = ""
) -> Answer:
    wanted = Prompt(
        model=using.model,
        instructions=using.assistant.instructions or INSTRUCTIONS,
        question=asked,
        room=ROOM,
        temperature=using.assistant.temperature,
        history=() if there else history,
        conversation=there,
    )
    tokens = sum(estimate_tokens(turn["content"]) for turn in history)
    tokens += estimate_tokens(asked) + estimate_tokens(wanted.instructions)
    check_cost(using, tokens)
    spoken, said, error = opened(session.archive, using, wanted, tokens), "", ""
    try:
        for piece in spoken:
            said += piece
            heard(piece)
    except Retryable as broke:
        error = f"The answer broke off: {broke}"
    except KeyboardInterrupt:
        error = INTERRUPTED
    reply = spoken.reply
    if not error and reply.problem:
        error = f"The answer is not whole: {SAYS[reply.problem]}."
    counted = reply.counted if reply.counted.total else Counted(input=tokens, output=estimate_tokens(said))
    cost = round(counted.usage(using.price).cost_usd, 6)
    return Answer(answer=said, sources=[], model=using.model, cost_usd=cost, error=error)


def _path(conversation: Conversation, *, room: int | None) -> tuple[dict[str, str], ...]:
    """The end of the path, as much of it as fits into so many tokens; None is all of it."""
    turns: list[dict[str, str]] = []
    for message in reversed(conversation.messages):
        if message.is_active and not message.is_hidden and message.role in ("user", "assistant") and message.text:
            text = clean(message.text, len(message.text))
            room = None if room is None else room - estimate_tokens(text)
            if room is not None and room < 0 and turns:
                break
            turns.append({"role": message.role, "content": text})
    return tuple(reversed(turns))


def _keep(session: Session, conversation: Conversation, asked: str, told: Answer) -> None:
    """The turn, behind what was last."""
    active = [message for message in conversation.messages if message.is_active]
    first, second, moment = f"{OWN}:{uuid4().hex}", f"{OWN}:{uuid4().hex}", now()
    turn = [
        _message(first, "user", asked, active[-1].id if active else None, moment),
        _message(second, "assistant", told.answer, first, moment + 1),
    ]
    turn[1].model = told.model
    arriving = Conversation(
        source=conversation.source,
        external_id=conversation.external_id,
        account=conversation.account,
        updated_at=max(moment, conversation.updated_at or 0),
        messages=turn,
        current_message_id=second,
    )
    merge(session.archive, None, [arriving])
    told.id = conversation.id


def _message(id: str, role: Role, text: str, parent_id: str | None, moment: int) -> Message:
    return Message(
        id=id,
        role=role,
        text=text,
        digest=digest_of(role, text),
        parent_id=parent_id,
        created_at=moment,
        extra={SAID_AT: OWN},
    )


def _loaded(session: Session, conversation_id: str) -> Conversation:
    conversation = load_conversation(session.archive, conversation_id)
    if conversation is None:
        raise Refused(f"There is no conversation {conversation_id!r}.", hint="`commonplace search` shows their ids.")
    return conversation


def _timed(told: Answer, started: float) -> Answer:
    told.seconds = round(time.monotonic() - started, 3)
    return told
