"""What a judge would cost for conversations that are not here yet: those that are, stand for them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import msgspec

from commonplace.archive.conversations.reading import list_conversations
from commonplace.archive.core import Archive
from commonplace.categorize import registry
from commonplace.categorize.contract import Subject, Turn
from commonplace.errors import CommonplaceError
from commonplace.model import Conversation
from commonplace.session import Session
from commonplace.sources.registry import open_export
from commonplace.stages.categorizing.judges import open_batches, open_judging
from commonplace.stages.categorizing.subjects import LONGEST_TURN, subjects

LOOKED_AT = 100
MOST_COUNTED = 20_000
TYPICAL = (400, 1_600, 300, 1_600)
"""Characters of the turns of a conversation, where there is none to look at."""


class Foreseen(msgspec.Struct, frozen=True, kw_only=True):
    """What a judge would be asked, and what that would cost; None where it cannot be asked."""

    judge: str
    conversations: int
    is_all: bool
    """False: there are more, which were not counted."""
    cost_usd: float | None


def is_free(judge: str) -> bool:
    return registry.kind_named(judge).learns


def of_files(session: Session, judge: str, paths: Sequence[Path]) -> Foreseen:
    """For all that is in some exports. What is sorted already costs less: it is not judged again."""
    count, some = 0, list[Subject]()
    for said in islice(_conversations(paths), MOST_COUNTED):
        count += 1
        if len(some) < LOOKED_AT:
            some.append(_subject(said))
    each = _price(session, judge, some) if some else 0.0
    cost = None if each is None else each * count / 1_000
    return Foreseen(judge=judge, conversations=count, is_all=count < MOST_COUNTED, cost_usd=cost)


def per_thousand(session: Session) -> list[tuple[str, float | None]]:
    """Of each judge, US dollars for a thousand conversations like the newest here; None where it cannot be asked, and
    free judges cost 0."""
    some = _examples(session.archive)
    return [(judge, _price(session, judge, some)) for judge in registry.kinds()]


def _price(session: Session, judge: str, some: Sequence[Subject]) -> float | None:
    kind = registry.kind_named(judge)
    if kind.learns:
        return 0.0
    opening = open_batches if kind.answers_later else open_judging
    try:
        with opening(session, judge=judge) as using:
            return 1_000 * using.judge.estimate(some, using.taxonomy).cost_usd / len(some)
    except CommonplaceError:
        return None


def _examples(archive: Archive) -> list[Subject]:
    newest = list_conversations(archive, limit=LOOKED_AT)
    return subjects(archive, [one.id for one in newest]) or [_typical()]


def _conversations(paths: Sequence[Path]) -> Iterator[Conversation]:
    for path in paths:
        with open_export(path) as export:
            found = export.conversations(lambda digests: frozenset())
            yield from (one for one in found if isinstance(one, Conversation))


def _subject(said: Conversation) -> Subject:
    seen = (each for each in said.messages if each.is_active and not each.is_hidden and each.text)
    turns = tuple(
        Turn(role=each.role, text=each.text[:LONGEST_TURN])
        for each in seen
        if each.role == "user" or each.role == "assistant"
    )
    return Subject(conversation_id=said.id, content_hash="", title=said.title, turns=turns)


def _typical() -> Subject:
    turns = tuple(
        Turn(role="user" if place % 2 == 0 else "assistant", text="word " * (length // 5))
        for place, length in enumerate(TYPICAL)
    )
    return Subject(conversation_id="", content_hash="", title="A title of some words", turns=turns)
