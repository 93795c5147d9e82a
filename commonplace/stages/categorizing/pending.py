"""Which conversations have to be judged: a join of what is there with the verdicts.

A conversation is done when there is a verdict on its content as it is, under the taxonomy as it is. Whose verdict does
not matter, unless the judge's own is asked for (`upgrade`): adding a key must never spend unattended. The local judge,
which costs nothing, takes up again what it said before it learned last (learning.py), except where a person has spoken.
"""

from __future__ import annotations

import msgspec
from sqlalchemy import ColumnElement, and_, func, or_, select, true

from commonplace.archive.core import Archive
from commonplace.archive.schema import conversations, corrections, verdicts
from commonplace.archive.verdicts.current import make_current, refresh_missing
from commonplace.archive.verdicts.learned import learned
from commonplace.archive.verdicts.titles import shown_title
from commonplace.categorize.contract import Taxonomy
from commonplace.stages.categorizing.changes import counts_as_made_with, settle
from commonplace.stages.selection import Selection

REVIEW_BELOW = 0.5
LOCAL = "local/"
"""How the keys of the judge begin that learns and costs nothing."""


class Pending(msgspec.Struct, frozen=True, kw_only=True):
    """One conversation that has to be judged, and why: `new`, or `changed` (its content or the taxonomy)."""

    conversation_id: str
    title: str | None
    content_hash: str
    state: str


class Stale(msgspec.Struct, frozen=True):
    """A conversation that the local judge judged before it learned, and what it said then."""

    conversation_id: str
    category: str | None


def pending(
    archive: Archive,
    judge_key: str,
    taxonomy: Taxonomy,
    selection: Selection = Selection(),
    *,
    upgrade: bool = False,
    review_below: float = REVIEW_BELOW,
) -> list[Pending]:
    """What has no verdict, the newest conversations first: they are what a person looks at."""
    table = conversations.c
    is_done = _has_verdict(taxonomy, _is_current(archive, judge_key, taxonomy, upgrade, review_below))
    query = (
        select(table.id, shown_title(), table.content_hash, _has_verdict(taxonomy).label("is_known"))
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


def _has_verdict(taxonomy: Taxonomy, *conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """A conversation has a verdict under the taxonomy of that name, for which the conditions hold."""
    of_it = (
        verdicts.c.owner == conversations.c.owner,
        verdicts.c.conversation_id == conversations.c.id,
        verdicts.c.taxonomy == taxonomy.name,
    )
    return select(verdicts.c.judge).where(*of_it, *conditions).exists()


def _is_current(
    archive: Archive, judge_key: str, taxonomy: Taxonomy, upgrade: bool, review_below: float
) -> ColumnElement[bool]:
    judge = verdicts.c.judge
    current = and_(
        verdicts.c.content_hash == conversations.c.content_hash,
        counts_as_made_with(archive, taxonomy, review_below),
    )
    if not judge_key.startswith(LOCAL):
        return and_(current, judge == judge_key) if upgrade else current
    # The local judge is nobody's upgrade but its own older version's.
    is_good_enough = ~judge.startswith(LOCAL) if upgrade else ~_is_stale(archive, taxonomy)
    return and_(current, or_(judge == judge_key, is_good_enough))


def _is_stale(archive: Archive, taxonomy: Taxonomy, *, learned_now: bool = False) -> ColumnElement[bool]:
    """A verdict is the local judge's from before it learned last, and nobody corrected it."""
    word = corrections.c
    is_corrected = (
        select(word.field)
        .where(
            word.owner == verdicts.c.owner,
            word.conversation_id == verdicts.c.conversation_id,
            word.field == "category",
            word.taxonomy.in_(["", taxonomy.name]),
        )
        .exists()
    )
    is_older = true() if learned_now else verdicts.c.judged_at < learned(archive, taxonomy.name).trained_at
    return and_(verdicts.c.judge.startswith(LOCAL), is_older, ~is_corrected)


def stale(archive: Archive, taxonomy: Taxonomy, *, learned_now: bool = False) -> list[Stale]:
    """What the local judge takes up again because it has learned, or would if it learned now. Where another judge has
    spoken as well, its word stays."""
    table, said = conversations.c, verdicts.c
    is_current = and_(said.content_hash == table.content_hash, said.taxonomy_hash == taxonomy.hash)
    joined = conversations.join(verdicts, and_(said.owner == table.owner, said.conversation_id == table.id))
    others = _has_verdict(taxonomy, ~verdicts.c.judge.startswith(LOCAL)).correlate(conversations)
    query = (
        select(table.id, table.category)
        .select_from(joined)
        .where(table.owner == archive.owner, said.taxonomy == taxonomy.name, is_current)
        .where(_is_stale(archive, taxonomy, learned_now=learned_now), ~others)
        .distinct()
        .order_by(table.id)
    )
    with archive.read() as connection:
        return [Stale(row.id, row.category) for row in connection.execute(query)]


def _in_scope(archive: Archive, selection: Selection) -> ColumnElement[bool]:
    return and_(selection.clause(archive), conversations.c.message_count > 0)


def count_done(
    archive: Archive,
    judge_key: str,
    taxonomy: Taxonomy,
    selection: Selection,
    *,
    upgrade: bool = False,
    review_below: float = REVIEW_BELOW,
) -> int:
    """How many conversations have a verdict that is left as it is: none, where everything is to be judged again."""
    if selection.force:
        return 0
    is_done = _has_verdict(taxonomy, _is_current(archive, judge_key, taxonomy, upgrade, review_below))
    query = select(func.count()).select_from(conversations).where(_in_scope(archive, selection), is_done)
    with archive.read() as connection:
        return int(connection.execute(query).scalar_one())


def prepare(archive: Archive, taxonomy: Taxonomy, *, review_below: float = REVIEW_BELOW) -> int:
    """Make verdicts hold that are there already: of conversations made again, of a taxonomy one comes back to, and of
    one that was changed where it does not concern them."""
    settle(archive, taxonomy, review_below)
    restored = refresh_missing(archive, review_below=review_below)
    return restored + make_current(archive, taxonomy.name, taxonomy.hash, review_below=review_below)
