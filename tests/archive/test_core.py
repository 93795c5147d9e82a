"""Opening an archive."""

from typing import Any

import pytest
from sqlalchemy import bindparam, func, select, text, update

from commonplace.archive import schema
from commonplace.archive.conversations.merge import merge
from commonplace.archive.core import Archive
from commonplace.archive.migrate import current_revision
from commonplace.archive.migrations import HEAD
from commonplace.archive.opening import open_archive
from commonplace.archive.prepared import Prepared
from commonplace.errors import Retryable
from tests.archive.builders import simple_chat


def test_a_new_archive_is_at_the_newest_revision(archive: Archive) -> None:
    with archive.read() as connection:
        assert current_revision(connection) == HEAD


def test_opening_it_again_changes_nothing(archive: Archive, archive_url: str) -> None:
    with open_archive(archive_url) as again, again.read() as connection:
        assert current_revision(connection) == HEAD


def test_a_reader_sees_one_state_while_others_write(archive: Archive) -> None:
    with archive.read() as connection:
        count = select(func.count()).select_from(schema.conversations)
        assert connection.execute(count).scalar_one() == 0
        merge(archive, None, [simple_chat("a", "one")])
        assert connection.execute(count).scalar_one() == 0
    with archive.read() as connection:
        assert connection.execute(count).scalar_one() == 1


def test_who_is_in_a_hurry_gives_up_where_another_one_writes(archive: Archive) -> None:
    hurried = archive.in_a_hurry(0.05)
    lock = text("LOCK TABLE tombstones") if not archive.is_sqlite else text("SELECT 1")
    with archive.write() as connection:
        connection.execute(lock)
        with pytest.raises(Retryable, match="busy"), hurried.of("you").write() as waiting:
            waiting.execute(lock)
    with hurried.write() as connection:
        connection.execute(lock)


_TITLED = Prepared(select(schema.conversations.c.title).where(schema.conversations.c.id == bindparam("id")))


def test_a_question_to_the_driver_stands_alone_and_leaves_a_connection_that_takes_back(archive: Archive) -> None:
    merge(archive, None, [simple_chat("a", "one", title="Before")])
    renamed = update(schema.conversations).values(title="After")
    for _ in range(2):
        assert _TITLED.one(archive, id="chatgpt:a") == {"title": "Before"}
        with archive.engine.connect() as connection:
            connection.execute(renamed)
            connection.rollback()
    assert _TITLED.one(archive, id="chatgpt:b") is None


def test_after_a_question_that_failed_another_connection_answers(archive: Archive) -> None:
    drivers: list[Any] = []

    def fail(driver: Any) -> None:
        drivers.append(driver)
        driver.cursor().execute("SELECT 1")
        raise ValueError("wrong")

    with pytest.raises(ValueError, match="wrong"), archive.drive() as driver:
        fail(driver)
    with archive.drive() as other:
        assert other is not drivers[0]
        assert other.cursor().execute("SELECT 1").fetchone() == (1,)
