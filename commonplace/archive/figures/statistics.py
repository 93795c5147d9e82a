"""How much there is: conversations and messages by month, hour, model, project and the like, as plain rows.

Everything is counted in SQL. Databases know little of time zones, so moments are grouped there by quarters of an hour,
of which every zone's offset is a multiple today, and these few are sorted into the zone's months and hours here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, tzinfo
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, and_, case, distinct, func, literal, select

from commonplace.archive.core import Archive
from commonplace.archive.figures.clocks import clock_of, month_of
from commonplace.archive.schema import conversations, projects
from commonplace.archive.scope import Scope
from commonplace.moments import DAY, HOUR, to_iso

DIMENSIONS = ("month", "weekday", "hour", "model", "project", "category", "tag", "source", "account", "length")
"""What can be counted by."""

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
LENGTHS = ((2, "1-2"), (5, "3-5"), (10, "6-10"), (20, "11-20"), (50, "21-50"), (100, "51-100"))
LONGEST = "over 100"
"""Lengths are in visible messages."""

MOST_TAGS = 100
"""The commonest; most of the others were said once."""

QUARTER = HOUR // 4
THURSDAY = 3
"""What 1970 began with."""
_LOCAL: dict[str, Callable[[int], str]] = {
    "month": lambda moment: month_of(moment // DAY),
    "weekday": lambda moment: WEEKDAYS[(moment // DAY + THURSDAY) % 7],
    "hour": lambda moment: f"{moment % DAY // HOUR:02}",
}
"""Of what a clock shows."""


class Count(msgspec.Struct, frozen=True):
    """One line: `value` is None for conversations that have none."""

    value: str | None
    conversations: int
    messages: int


def count_by(
    archive: Archive, dimension: str, *, zone: tzinfo = UTC, since: int | None = None, until: int | None = None
) -> list[Count]:
    """Conversations and their visible messages by one of DIMENSIONS, those updated in the half-open bounds.

    Months, weekdays, hours and lengths come in their own order, everything else by size; months, weekdays and hours
    are those in which a conversation began, in `zone`. Weekdays, hours and lengths without any are there, with zeros. A
    conversation counts for each of its tags.
    """
    scope = Scope(since=since, until=until).clause(archive)
    if dimension in _LOCAL:
        return _count_by_time(archive, dimension, zone, scope)
    if dimension == "length":
        return _complete(_grouped(archive, _length(), scope), [name for _, name in LENGTHS] + [LONGEST])
    if dimension == "project":
        return _by_size(_by_project(archive, scope))
    if dimension == "tag":
        return _by_tag(archive, scope)
    if dimension == "account":
        return _by_size(_grouped(archive, _account(), scope))
    if dimension in DIMENSIONS:
        return _by_size(_grouped(archive, conversations.c[dimension], scope))
    raise ValueError(f"no such dimension: {dimension}")


def totals(
    archive: Archive, *, zone: tzinfo = UTC, since: int | None = None, until: int | None = None
) -> Mapping[str, int | str | None]:
    """The whole in a few numbers, of the conversations updated in the half-open bounds."""
    table = conversations.c
    query = select(
        func.count().label("conversations"),
        func.coalesce(func.sum(table.message_count), 0).label("messages"),
        func.coalesce(func.sum(table.character_count), 0).label("characters"),
        func.count(distinct(table.project_id)).label("projects"),
        func.count(distinct(table.category)).label("categories"),
        func.min(func.coalesce(table.created_at, table.updated_at)).label("first"),
        func.max(table.updated_at).label("last"),
    ).where(Scope(since=since, until=until).clause(archive))
    with archive.read() as connection:
        found = connection.execute(query).one()._mapping
    counts = {name: int(found[name]) for name in ("conversations", "messages", "characters", "projects", "categories")}
    return {**counts, "first": to_iso(found["first"], zone), "last": to_iso(found["last"], zone)}


def _grouped(archive: Archive, value: ColumnElement[Any], scope: ColumnElement[bool]) -> list[Count]:
    table = conversations.c
    query = (
        select(value.label("value"), func.count(), func.coalesce(func.sum(table.message_count), 0))
        .where(scope)
        .group_by("value")
    )
    with archive.read() as connection:
        return [Count(value, int(chats), int(said)) for value, chats, said in connection.execute(query)]


def _by_project(archive: Archive, scope: ColumnElement[bool]) -> list[Count]:
    """By name: two of one name count together. Names are looked up for what was counted, not for each conversation."""
    table = conversations.c
    said = func.coalesce(func.sum(table.message_count), 0)
    counted = select(table.project_id, func.count().label("chats"), said.label("said")).where(scope)
    found = counted.group_by(table.project_id).subquery()
    named = and_(projects.c.owner == archive.owner, projects.c.id == found.c.project_id)
    name = func.coalesce(projects.c.name, found.c.project_id)
    query = select(name, found.c.chats, found.c.said).select_from(found.outerjoin(projects, named))
    with archive.read() as connection:
        return _summed(Count(value, int(chats), int(said)) for value, chats, said in connection.execute(query))


def _account() -> ColumnElement[Any]:
    table = conversations.c
    return case((table.account == "", table.source), else_=table.source + "@" + table.account)


def _by_tag(archive: Archive, scope: ColumnElement[bool]) -> list[Count]:
    table = conversations.c
    chats: Counter[str | None] = Counter()
    said: Counter[str | None] = Counter()
    with archive.read() as connection:
        for tags, messages in connection.execute(select(table.tags, table.message_count).where(scope)):
            for tag in msgspec.json.decode(tags, type=set[str]) or (None,):
                chats[tag] += 1
                said[tag] += messages
    return _by_size(Count(tag, chats[tag], said[tag]) for tag in chats)[:MOST_TAGS]


def _count_by_time(archive: Archive, dimension: str, zone: tzinfo, scope: ColumnElement[bool]) -> list[Count]:
    began = func.coalesce(conversations.c.created_at, conversations.c.updated_at)
    quarters = _grouped(archive, began - began % literal(QUARTER), scope)
    name, shown = _LOCAL[dimension], clock_of(zone)
    sums = _summed(
        Count(None if row.value is None else name(shown(int(row.value))), row.conversations, row.messages)
        for row in quarters
    )
    if dimension == "month":
        return sorted(sums, key=lambda row: row.value or "")
    return _complete(sums, WEEKDAYS if dimension == "weekday" else [f"{hour:02}" for hour in range(24)])


def _summed(rows: Iterable[Count]) -> list[Count]:
    chats: Counter[str | None] = Counter()
    said: Counter[str | None] = Counter()
    for row in rows:
        chats[row.value] += row.conversations
        said[row.value] += row.messages
    return [Count(value, chats[value], said[value]) for value in chats]


def _complete(rows: Iterable[Count], values: Iterable[str]) -> list[Count]:
    """Every value in its order, also those that nothing has, and what has no value first."""
    found = {row.value: row for row in rows}
    without = [found[None]] if None in found else []
    return without + [found.get(value, Count(value, 0, 0)) for value in values]


def _by_size(rows: Iterable[Count]) -> list[Count]:
    return sorted(rows, key=lambda row: (-row.conversations, row.value is None, row.value or ""))


def _length() -> ColumnElement[str]:
    said = conversations.c.message_count
    return case(*((said <= most, name) for most, name in LENGTHS), else_=LONGEST)
