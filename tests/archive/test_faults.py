"""What goes wrong around a database is told as what it is and what to do, on either."""

from __future__ import annotations

import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text

from commonplace.archive import engine, schema
from commonplace.archive.conversations.merge import merge
from commonplace.archive.conversations.reading import list_conversations
from commonplace.archive.core import Archive
from commonplace.archive.faults import Damaged
from commonplace.archive.opening import open_archive
from commonplace.archive.search.search import search
from commonplace.errors import CommonplaceError, Halt, Retryable
from tests.archive.builders import simple_chat
from tests.unprivileged import unprivileged


def _garbage(path: Path) -> None:
    path.write_bytes(b"this is no database " * 1000)


def _hole(path: Path) -> None:
    with open_archive(str(path)) as archive:
        merge(archive, None, [simple_chat(str(n), "words " * 500) for n in range(50)])
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + b"\xaa" * (len(whole) - 8192) + whole[-4096:])


@pytest.mark.parametrize("harm", [_garbage, _hole])
def test_a_damaged_file_is_called_damaged(tmp_path: Path, harm: Callable[[Path], None]) -> None:
    harm(tmp_path / "archive.db")
    with pytest.raises(Damaged, match="damaged") as told, open_archive(str(tmp_path / "archive.db")) as archive:
        search(archive, "words")
    assert "restore" in (told.value.hint or "")


def test_a_damaged_text_index_is_told_apart(sqlite_archive: Archive) -> None:
    merge(sqlite_archive, None, [simple_chat("a", "words")])
    with sqlite_archive.write() as connection:
        connection.exec_driver_sql("UPDATE messages_fts_data SET block = x'ffffffffffff' WHERE id > 1")
    with pytest.raises(Halt, match="searches look into") as told:
        search(sqlite_archive, "words")
    assert "--rebuild-index" in (told.value.hint or "")


def test_a_full_disk_halts_and_keeps_what_was_committed(sqlite_archive: Archive) -> None:
    merge(sqlite_archive, None, [simple_chat("a", "words")])
    much = [{"name": str(n), "value": "x" * 10_000} for n in range(100)]

    def write() -> None:
        with sqlite_archive.write() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count = 1")  # as if there were no room for another page
            connection.execute(schema.settings.insert(), much)

    with pytest.raises(Halt, match="disk of the archive is full"):
        write()
    with sqlite_archive.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM messages")).scalar_one() == 1


def test_a_server_that_is_away_may_be_back_later(postgres_url: str) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        nowhere = f"postgresql://nobody@127.0.0.1:{unused.getsockname()[1]}/none?connect_timeout=5"
        for url in (nowhere, postgres_url.replace("/postgres?", "/no_such_database?")):
            with pytest.raises(Retryable, match="does not answer") as told:
                open_archive(url)
            assert "COMMONPLACE_DATABASE_URL" in (told.value.hint or "")


def test_a_server_that_ends_in_the_middle_may_be_back_later(new_database: Callable[[str], str]) -> None:
    def write(archive: Archive) -> None:
        with archive.write() as connection:
            mine = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
            with archive.engine.connect() as other:
                other.execute(text("SELECT pg_terminate_backend(:it)"), {"it": mine})
            connection.execute(text("SELECT 1"))

    with open_archive(new_database("postgresql")) as archive, pytest.raises(Retryable, match="does not answer"):
        write(archive)


def test_a_connection_that_nobody_used_for_long_is_made_anew(
    new_database: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def backend(archive: Archive) -> int:
        with archive.look() as connection:
            return int(connection.execute(text("SELECT pg_backend_pid()")).scalar_one())

    with open_archive(new_database("postgresql")) as archive:
        first = backend(archive)
        assert backend(archive) == first
        monkeypatch.setattr(engine, "QUIET_SECONDS", -1.0)
        assert backend(archive) != first


@pytest.mark.parametrize("name", ["what?", "a#b", "100%", "50%25", "sp ace", "ünï"])
def test_a_folder_of_any_name_holds_an_archive(tmp_path: Path, name: str) -> None:
    from commonplace.config import load

    settings, _ = load({"COMMONPLACE_HOME": str(tmp_path / name)}, folder=tmp_path)
    for location in (settings.database_url, str(tmp_path / name / "archive.db")):
        with open_archive(location) as archive:
            merge(archive, None, [simple_chat("a", "words")])
    assert {path.name for path in tmp_path.iterdir()} == {name, "home"}
    assert (tmp_path / name / "archive.db").is_file()


def test_a_file_in_the_way_of_the_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "home.txt").write_text("a file")
    with pytest.raises(Halt, match="cannot be made in"):
        open_archive(str(tmp_path / "home.txt" / "archive.db"))
    (tmp_path / "archive.db").mkdir()
    with pytest.raises(Halt, match="cannot be opened"):
        open_archive(str(tmp_path / "archive.db"))


@pytest.fixture
def shared_folder() -> Iterator[Path]:
    """A folder that another user may enter."""
    with tempfile.TemporaryDirectory(prefix="commonplace-", dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@contextmanager
def _read_only(folder: Path) -> Iterator[None]:
    """Nothing in the folder can be changed; root is somebody else meanwhile, because nothing stops root."""
    paths = [*folder.iterdir(), folder]
    for path in paths:
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        with unprivileged():
            yield
    finally:
        folder.chmod(0o755)


@pytest.mark.parametrize("is_in_use", [False, True])
def test_a_folder_that_is_read_only_can_be_read(shared_folder: Path, is_in_use: bool) -> None:
    database = shared_folder / "archive.db"
    archive = open_archive(str(database))
    merge(archive, None, [simple_chat("a", "bread"), simple_chat("b", "butter")])
    search(archive, "bread")
    if not is_in_use:
        archive.close()
    with _read_only(shared_folder), open_archive(str(database)) as reader:
        assert reader.is_read_only
        assert len(list_conversations(reader)) == 2
        assert search(reader, "bread").total == 1
        with pytest.raises(Halt, match="cannot be written"):
            merge(reader, None, [simple_chat("c", "jam")])
    archive.close()


def test_an_older_archive_that_is_read_only_says_what_it_needs(shared_folder: Path) -> None:
    database = shared_folder / "archive.db"
    with open_archive(str(database)) as archive, archive.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    with _read_only(shared_folder), pytest.raises(Halt, match="brought up to date"):
        open_archive(str(database))


def test_a_home_that_is_read_only_and_empty_is_told(shared_folder: Path) -> None:
    with _read_only(shared_folder), pytest.raises(Halt, match="cannot be made"):
        open_archive(str(shared_folder / "archive.db"))


def test_errors_of_ours_pass_through_as_they_are(archive: Archive) -> None:
    with pytest.raises(CommonplaceError) as told, archive.write():
        raise Halt("ours")
    assert told.value.message == "ours"
