"""Counting what there is."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import update

from commonplace.archive.conversations.merge import merge
from commonplace.archive.core import Archive
from commonplace.archive.figures import statistics
from commonplace.archive.figures.charts import chart, draw
from commonplace.archive.figures.statistics import Count, count_by, totals
from commonplace.archive.schema import conversations, projects
from commonplace.errors import Refused
from commonplace.moments import from_datetime
from tests.archive.builders import simple_chat


def at(*parts: int) -> int:
    return from_datetime(datetime(*parts, tzinfo=UTC))  # type: ignore[arg-type,misc]


@pytest.fixture
def filled(archive: Archive) -> Archive:
    merge(
        archive,
        None,
        [
            simple_chat("a", "one", "two", "three", created_at=at(2026, 1, 31, 23, 30), updated=at(2026, 2, 3)),
            simple_chat("b", "one", "two", created_at=at(2026, 2, 1, 10), updated=at(2026, 2, 1, 11), model="gpt-x"),
            simple_chat("c", "one", created_at=None, updated=at(2026, 3, 7, 5)),
        ],
    )
    merge(archive.of("another"), None, [simple_chat("d", "theirs", updated=at(2026, 1, 1))])
    with archive.write() as connection:
        row = {"owner": "me", "id": "p1", "name": "Garden", "name_source": "person", "created_at": 0, "updated_at": 0}
        connection.execute(projects.insert().values(**row))
        connection.execute(update(conversations).where(conversations.c.id == "chatgpt:a").values(project_id="p1"))
    return archive


def test_months_begin_when_they_do_in_the_zone_that_is_asked_for(filled: Archive) -> None:
    assert count_by(filled, "month") == [Count("2026-01", 1, 3), Count("2026-02", 1, 2), Count("2026-03", 1, 1)]
    berlin = count_by(filled, "month", zone=ZoneInfo("Europe/Berlin"))
    assert berlin == [Count("2026-02", 2, 5), Count("2026-03", 1, 1)]


def test_zones_that_are_off_by_quarters_of_an_hour_have_their_own_hours(filled: Archive) -> None:
    busy = {row.value: row.conversations for row in count_by(filled, "hour", zone=ZoneInfo("Asia/Kathmandu"))}
    assert {hour: busy[hour] for hour in busy if busy[hour]} == {"05": 1, "10": 1, "15": 1}
    assert len(busy) == 24


def test_all_weekdays_are_there_and_in_order(filled: Archive) -> None:
    rows = count_by(filled, "weekday")
    assert [row.value for row in rows] == list(statistics.WEEKDAYS)
    assert {row.value for row in rows if row.conversations} == {"Saturday", "Sunday"}


def test_what_has_no_value_is_counted_too(filled: Archive) -> None:
    assert count_by(filled, "project") == [Count(None, 2, 3), Count("Garden", 1, 3)]
    assert count_by(filled, "model") == [Count(None, 2, 4), Count("gpt-x", 1, 2)]
    assert count_by(filled, "source") == [Count("chatgpt", 3, 6)]


def test_a_conversation_counts_for_each_of_its_topics(filled: Archive) -> None:
    with filled.write() as connection:
        for id, tags in (("chatgpt:a", '["bread", "ovens"]'), ("chatgpt:b", '["bread"]')):
            connection.execute(update(conversations).where(conversations.c.id == id).values(tags=tags))
    assert count_by(filled, "tag") == [Count("bread", 2, 5), Count("ovens", 1, 3), Count(None, 1, 1)]


def test_lengths_are_all_there(filled: Archive) -> None:
    rows = {row.value: row for row in count_by(filled, "length")}
    assert rows["1-2"] == Count("1-2", 2, 3)
    assert rows["3-5"] == Count("3-5", 1, 3)
    assert rows["over 100"] == Count("over 100", 0, 0)


@pytest.mark.parametrize("dimension", statistics.DIMENSIONS)
def test_every_dimension_counts_every_conversation_within_the_bounds_once(filled: Archive, dimension: str) -> None:
    assert sum(row.conversations for row in count_by(filled, dimension)) == 3
    bounded = count_by(filled, dimension, since=at(2026, 2, 1, 11), until=at(2026, 3, 7, 5))
    assert sum(row.conversations for row in bounded) == 2


def test_totals_say_how_much_there_is_and_from_when(filled: Archive) -> None:
    found = totals(filled)
    assert (found["conversations"], found["messages"], found["projects"]) == (3, 6, 1)
    assert (found["first"], found["last"]) == ("2026-01-31T23:30:00Z", "2026-03-07T05:00:00Z")


def test_an_empty_archive_has_empty_statistics(archive: Archive) -> None:
    assert count_by(archive, "month") == []
    assert count_by(archive, "model") == []
    assert totals(archive)["conversations"] == 0
    assert totals(archive)["first"] is None


def test_an_unknown_dimension_is_a_mistake_of_the_caller(sqlite_archive: Archive) -> None:
    with pytest.raises(ValueError, match="colour"):
        count_by(sqlite_archive, "colour")


ROWS = [Count("2026-01", 12, 90), Count("2026-02", 30, 200), Count(None, 1, 2)]


def test_a_chart_is_a_picture_with_its_values() -> None:
    picture = draw(ROWS, "month", "svg")
    assert picture.startswith(b"<svg")
    assert b"Conversations by month" in picture
    assert b"2026-02" in picture
    assert draw(ROWS, "project", "png").startswith(b"\x89PNG")


def test_a_chart_of_very_many_names_sums_up_the_smallest() -> None:
    rows = [Count(f"project {n}", 100 - n, 0) for n in range(60)]
    (bars,) = chart(rows, "project").to_dict()["datasets"].values()
    assert len(bars) == 25
    assert bars[-1] == {"value": "36 others", "conversations": sum(100 - n for n in range(24, 60))}


def test_a_chart_of_nothing_is_still_a_picture() -> None:
    assert draw([], "month").startswith(b"<svg")


def test_an_unknown_kind_of_picture_is_refused() -> None:
    with pytest.raises(Refused, match="gif"):
        draw(ROWS, "month", "gif")
