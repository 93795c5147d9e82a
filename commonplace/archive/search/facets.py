"""What the conversations that were found have in common, counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from commonplace.archive.rows import batched
from commonplace.archive.schema import conversations, projects
from commonplace.archive.search.hits import role_of
from commonplace.model import origin
from commonplace.moments import DAY, to_iso

MOST_VALUES = 50
_AT_ONCE = 10_000


class Facet(msgspec.Struct, frozen=True):
    """How many conversations have a value."""

    value: str
    count: int


def count(
    connection: Connection, owner: str, found: Mapping[int, Sequence[int]], weight: float = 1.0
) -> dict[str, list[Facet]]:
    """Counts by value, the largest first; months in their order. Each conversation counts for `weight`.

    `found` has the conversations' keys and their hits, by which it is known who said what was found. A source counts
    all of its accounts, and those that have names count beside it.
    """
    counts: dict[str, Counter[Any]] = {
        name: Counter() for name in ("category", "project", "topic", "source", "role", "model", "month", "has")
    }
    for row in _rows(connection, list(found)):
        for name, value in (("category", row[1]), ("project", row[2]), ("source", row[3]), ("model", row[4])):
            if value is not None:
                counts[name][value] += 1
        if row[10]:
            counts["source"][origin(row[3], row[10])] += 1
        if row[5] is not None:
            counts["month"][row[5] // DAY] += 1
        counts["topic"].update(msgspec.json.decode(row[6], type=set[str]))
        for kind, has in zip(("code", "image", "file"), row[7:10], strict=True):
            counts["has"][kind] += bool(has)
    for hits in found.values():
        counts["role"].update({role_of(hit) for hit in hits})
    counts["project"] = _named(connection, owner, counts["project"])
    counts["month"] = _months(counts["month"])
    return {name: _facets(counter, weight, by_value=name == "month") for name, counter in counts.items()}


def _rows(connection: Connection, keys: Sequence[int]) -> list[Any]:
    table = conversations.c
    query = select(
        table.key,
        table.category,
        table.project_id,
        table.source,
        table.model,
        table.updated_at,
        table.tags,
        table.has_code,
        table.has_image,
        table.has_file,
        table.account,
    )
    rows: list[Any] = []
    for some in batched(keys, _AT_ONCE):
        rows += connection.execute(query.where(table.key.in_(some))).all()
    return rows


def _named(connection: Connection, owner: str, by_id: Counter[Any]) -> Counter[Any]:
    table = projects.c
    asked = select(table.id, table.name).where(table.owner == owner)
    names = {row.id: row.name for row in connection.execute(asked)} if by_id else {}
    named: Counter[Any] = Counter()
    for id, number in by_id.items():
        named[names.get(id, id)] += number
    return named


def _months(by_day: Counter[Any]) -> Counter[Any]:
    months: Counter[Any] = Counter()
    for day, number in by_day.items():
        months[(to_iso(day * DAY) or "")[:7]] += number
    return months


def _facets(counter: Counter[Any], weight: float, *, by_value: bool) -> list[Facet]:
    counted = [Facet(value, round(number * weight)) for value, number in counter.items() if number]
    if by_value:
        return sorted(counted, key=lambda facet: facet.value)
    return sorted(counted, key=lambda facet: (-facet.count, facet.value))[:MOST_VALUES]
