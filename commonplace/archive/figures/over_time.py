"""What there was more of when: conversations by month, for the largest values of a dimension."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, tzinfo

import msgspec
from sqlalchemy import ColumnElement, func, literal, select

from commonplace.archive.core import Archive
from commonplace.archive.figures.clocks import clock_of, month_of
from commonplace.archive.figures.statistics import QUARTER
from commonplace.archive.schema import conversations, projects
from commonplace.archive.scope import Scope
from commonplace.moments import DAY

DIMENSIONS = ("tag", "project", "category", "model", "source")
MOST_VALUES, MOST_MONTHS = 12, 36


class OverTime(msgspec.Struct, frozen=True):
    """The months one after the other, the last of them at most; each line has a count for each month."""

    months: list[str]
    lines: list[tuple[str, list[int]]]


def over_time(
    archive: Archive, dimension: str, *, zone: tzinfo = UTC, since: int | None = None, until: int | None = None
) -> OverTime:
    """By the month in which a conversation began, the largest values first."""
    counts: Counter[tuple[str, str]] = Counter()

    shown = clock_of(zone)
    for value, moment, chats in _rows(archive, dimension, Scope(since=since, until=until).clause(archive)):
        counts[value, month_of(shown(moment) // DAY)] += chats
    months = _all_between({name for _, name in counts})[-MOST_MONTHS:]
    totals: Counter[str] = Counter()
    for (value, name), chats in counts.items():
        totals[value] += chats if name in months else 0
    largest = sorted((value for value in totals if totals[value]), key=lambda value: (-totals[value], value))
    return OverTime(months, [(value, [counts[value, name] for name in months]) for value in largest[:MOST_VALUES]])


def _rows(archive: Archive, dimension: str, scope: ColumnElement[bool]) -> Iterator[tuple[str, int, int]]:
    """Value, quarter of an hour and count; a conversation counts for each of its tags."""
    table = conversations.c
    began = func.coalesce(table.created_at, table.updated_at)
    quarter = (began - began % literal(QUARTER)).label("quarter")
    value = table[{"tag": "tags", "project": "project_id"}.get(dimension, dimension)].label("value")
    called = _names(archive) if dimension == "project" else {}
    query = select(value, quarter, func.count()).where(scope, value.is_not(None), began.is_not(None))
    with archive.read() as connection:
        for found, moment, chats in connection.execute(query.group_by("value", "quarter")):
            values = msgspec.json.decode(found, type=set[str]) if dimension == "tag" else {called.get(found, found)}
            for each in values:
                yield each, int(moment), int(chats)


def _names(archive: Archive) -> dict[str, str]:
    table = projects.c
    with archive.read() as connection:
        found = connection.execute(select(table.id, table.name).where(table.owner == archive.owner))
        return {row.id: row.name for row in found if row.name is not None}


def _all_between(months: set[str]) -> list[str]:
    """The first, the last, and those between them."""
    if not months:
        return []
    first, last = (int(name[:4]) * 12 + int(name[5:]) - 1 for name in (min(months), max(months)))
    return [f"{at // 12:04}-{at % 12 + 1:02}" for at in range(max(first, last - MOST_MONTHS + 1), last + 1)]
