"""What there was more of when."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from commonplace.archive.conversations.merge import merge
from commonplace.archive.core import Archive
from commonplace.archive.figures.over_time import DIMENSIONS, MOST_MONTHS, MOST_VALUES, over_time
from commonplace.archive.verdicts.verdicts import correct
from commonplace.moments import from_datetime
from tests.archive.builders import simple_chat


def at(*parts: int) -> int:
    return from_datetime(datetime(*parts, tzinfo=UTC))  # type: ignore[arg-type,misc]


@pytest.fixture
def filled(archive: Archive) -> Archive:
    began = {"a": at(2026, 1, 31, 23, 30), "b": at(2026, 2, 1, 10), "c": at(2026, 4, 1)}
    merge(archive, None, [simple_chat(id, "one", created_at=moment, model=f"m-{id}") for id, moment in began.items()])
    merge(archive, None, [simple_chat("none", "one", created_at=None, updated=None)])
    merge(archive.of("another"), None, [simple_chat("d", "theirs", created_at=at(2020, 1, 1), model="m-d")])
    for id in "ab":
        correct(archive, f"chatgpt:{id}", "tags", ["bread", id], origin="cli")
    return archive


def test_each_value_has_a_count_for_each_month_between_the_first_and_the_last(filled: Archive) -> None:
    found = over_time(filled, "tag")
    assert found.months == ["2026-01", "2026-02"]
    assert found.lines == [("bread", [1, 1]), ("a", [1, 0]), ("b", [0, 1])]
    models = over_time(filled, "model")
    assert models.months == ["2026-01", "2026-02", "2026-03", "2026-04"]
    assert dict(models.lines)["m-c"] == [0, 0, 0, 1]
    assert over_time(filled, "tag", zone=ZoneInfo("Europe/Berlin")).lines[0] == ("bread", [2])
    assert over_time(filled, "model", since=at(2100, 1, 1)).lines == []


def test_every_dimension_can_be_asked_and_what_is_shown_is_bounded(filled: Archive) -> None:
    assert all(over_time(filled, name) for name in DIMENSIONS)
    chats = [simple_chat(f"x{n}", "one", created_at=at(1970 + n, 1, 2), model=f"x{n}") for n in range(40)]
    merge(filled, None, chats)
    found = over_time(filled, "model")
    assert len(found.months) == MOST_MONTHS
    assert found.months[-1] == "2026-04"
    assert [value for value, _ in found.lines] == ["m-a", "m-b", "m-c"]  # what came before is none of these months'
    many = [simple_chat(f"y{n}", "one", created_at=at(2026, 3, 1), model=f"y{n}") for n in range(20)]
    merge(filled, None, many)
    assert len(over_time(filled, "model").lines) == MOST_VALUES
