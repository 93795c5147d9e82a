"""Which conversations have to be judged: a join of what is there with the verdicts.

A conversation is done when there is a verdict on its content as it is, under the taxonomy as it is. Whose verdict does
not matter, unless the judge's own is asked for (`upgrade`): adding a key must never spend unattended.
"""

from __future__ import annotations

import msgspec
from sqlalchemy import ColumnElement, and_, func, or_, select

from commonplace.archive.core import Archive
from commonplace.archive.schema import conversations, verdicts
from commonplace.archive.verdicts.current import make_current, refresh_missing
from commonplace.categorize.contract import Taxonomy
from commonplace.stages.selection import Selection

REVIEW_BELOW = 0.5


class Pending(msgspec.Struct, frozen=True, kw_only=True):
    """One conversation that has to be judged, and why: `new`, or `changed` (its content or the taxonomy)."""

    conversation_id: str
    title: str | None
    content_hash: str
    state: str


def pending(
    archive: Archive, judge_key: str, taxonomy: Taxonomy, selection: Selection = Selection(), *, upgrade: bool = False
) -> list[Pending]:
    """What has no verdict, the newest conversations first: they are what a person looks at."""
    table = conversations.c
    known = and_(
        verdicts.c.owner == table.owner, verdicts.c.conversation_id == table.id, verdicts.c.taxonomy == taxonomy.name
    )
    has_any = select(verdicts.c.judge).where(known).exists()
    is_done = select(verdicts.c.judge).where(known, _is_current(judge_key, taxonomy, upgrade)).exists()
    query = (
        select(table.id, table.title, table.content_hash, has_any.label("is_known"))
        .where(_in_scope(archive, selection))
        .order_by(table.updated_at.desc().nulls_last(), table.id)
    )
    if not selection.force:
        query = query.where(~is_done)
    with archive.read() as connection:
        return [
            Pending(
                conversation_id=row.id,
                title=row.title,
                content_hash=row.content_hash,
                state="changed" if row.is_known else "new",
            )
            for row in connection.execute(query.limit(selection.limit))
        ]


def _is_current(judge_key: str, taxonomy: Taxonomy, upgrade: bool) -> ColumnElement[bool]:
    judge = verdicts.c.judge
    current = and_(verdicts.c.content_hash == conversations.c.content_hash, verdicts.c.taxonomy_hash == taxonomy.hash)
    if not upgrade:
        return current
    # The local judge is nobody's upgrade but its own older version's.
    at_least = ~judge.startswith("local/") if judge_key.startswith("local/") else judge == judge_key
    return and_(current, or_(judge == judge_key, at_least))


def _in_scope(archive: Archive, selection: Selection) -> ColumnElement[bool]:
    return and_(selection.clause(archive), conversations.c.message_count > 0)


def count_in_scope(archive: Archive, selection: Selection) -> int:
    """How many conversations should have a verdict."""
    query = select(func.count()).select_from(conversations).where(_in_scope(archive, selection))
    with archive.read() as connection:
        return int(connection.execute(query).scalar_one())


def prepare(archive: Archive, taxonomy: Taxonomy, *, review_below: float = REVIEW_BELOW) -> int:
    """Make verdicts hold that are there already: of conversations made again, and of a taxonomy one comes back to."""
    restored = refresh_missing(archive, review_below=review_below)
    return restored + make_current(archive, taxonomy.name, taxonomy.hash, review_below=review_below)
