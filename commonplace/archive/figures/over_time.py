"""What there was more of when: conversations by month, for the largest values of a dimension."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, tzinfo
from functools import cache

import msgspec
from sqlalchemy import ColumnElement, and_, func, literal, select

from commonplace.archive.core import Archive
from commonplace.archive.figures.statistics import QUARTER
from commonplace.archive.schema import conversations, projects
from commonplace.archive.scope import Scope
from commonplace.moments import to_datetime

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

    @cache
    def month(moment: int) -> str:
        return f"{to_datetime(moment, zone):%Y-%m}"

    for value, moment, chats in _rows(archive, dimension, Scope(since=since, until=until).clause(archive)):
        counts[value, month(moment)] += chats
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
    named = and_(projects.c.owner == table.owner, projects.c.id == table.project_id)
    project = func.coalesce(projects.c.name, table.project_id)
    value = {"tag": table.tags, "project": project}.get(dimension)
    value = (table[dimension] if value is None else value).label("value")
    query = select(value, quarter, func.count()).where(scope, value.is_not(None), began.is_not(None))
    query = query.select_from(conversations.outerjoin(projects, named)).group_by("value", "quarter")
    with archive.read() as connection:
        for found, moment, chats in connection.execute(query):
            for each in msgspec.json.decode(found, type=set[str]) if dimension == "tag" else (found,):
                yield each, int(moment), int(chats)


def _all_between(months: set[str]) -> list[str]:
    """The first, the last, and those between them."""
    if not months:
        return []
    first, last = (int(name[:4]) * 12 + int(name[5:]) - 1 for name in (min(months), max(months)))
    return [f"{at // 12:04}-{at % 12 + 1:02}" for at in range(max(first, last - MOST_MONTHS + 1), last + 1)]
