"""What a judge would cost for conversations that are not here yet: those that are, stand for them."""

from __future__ import annotations

from collections.abc import Sequence

from commonplace.archive.conversations.reading import list_conversations
from commonplace.archive.core import Archive
from commonplace.categorize import registry
from commonplace.categorize.contract import Subject, Turn
from commonplace.errors import CommonplaceError
from commonplace.session import Session
from commonplace.stages.categorizing.judges import open_batches, open_judging
from commonplace.stages.categorizing.subjects import subjects

LOOKED_AT = 100
TYPICAL = (400, 1_600, 300, 1_600)
"""Characters of the turns of a conversation, where there is none to look at."""


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


def _typical() -> Subject:
    turns = tuple(
        Turn(role="user" if place % 2 == 0 else "assistant", text="word " * (length // 5))
        for place, length in enumerate(TYPICAL)
    )
    return Subject(conversation_id="", content_hash="", title="A title of some words", turns=turns)
