"""Verify: everything that can go wrong is found and named, and a sound archive is called sound."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from sqlalchemy import delete, insert, update

from commonplace.archive import schema
from commonplace.archive.care.verify import verify
from commonplace.archive.conversations.merge import merge
from commonplace.archive.core import Archive
from commonplace.archive.files.files import path_of, put_file
from commonplace.archive.leases import hold
from commonplace.archive.search import text_index
from commonplace.model import Attachment
from tests.archive.builders import chat, message, simple_chat


def _filled(archive: Archive) -> str:
    sha256 = put_file(archive, io.BytesIO(b"picture"), kind="attachment", name="picture.png")
    shown = Attachment(id="file-1", kind="image", sha256=sha256)
    merge(archive, None, [chat("a", [message("a-1", "look", attachments=[shown]), message("a-2", "yes")])])
    merge(archive.of("you"), None, [simple_chat(f"{n:04}", "question", "answer") for n in range(600)])
    return sha256


def _problems(archive: Archive, *, read_files: bool = True) -> dict[str, list[str]]:
    return {finding.problem: finding.examples for finding in verify(archive, read_files=read_files).findings}


def _import(archive: Archive, id: str, status: str, counts: str) -> None:
    row = {"owner": "me", "source": "chatgpt", "name": "x", "started_at": 1, "status": status, "counts": counts}
    with archive.write() as connection:
        connection.execute(insert(schema.imports).values(id=id, **row))


def test_a_sound_archive_is_called_sound(archive: Archive) -> None:
    _filled(archive)
    _import(archive, "i", "completed", '{"read": 3, "new": 1, "failed": 2}')
    report = verify(archive)
    assert report.findings == []
    assert report.is_well
    assert report.checked["conversations"] == 601
    assert (report.checked["imports"], report.checked["files"], report.checked["attachments"]) == (1, 1, 1)


@pytest.mark.parametrize(
    "text", ["a" * 2_000_000, "so " + "é" * 300, "漢" * 300, f"{'x' * 199} {'y' * 199}", "👩\u200d🚀" * 99]
)
def test_words_of_any_length_are_sound(archive: Archive, text: str) -> None:
    merge(archive, None, [simple_chat("1", text)])
    assert verify(archive).findings == []


def test_content_that_was_changed_behind_our_back_is_found(archive: Archive) -> None:
    _filled(archive)
    with archive.write() as connection:
        connection.execute(update(schema.messages).where(schema.messages.c.id == "a-2").values(digest=b"other"))
    assert _problems(archive) == {"The content is not what its hash says.": ["chatgpt:a"]}


def test_lost_messages_are_found(archive: Archive) -> None:
    _filled(archive)
    lost = [f"{number:04}-{n}" for number in range(7) for n in range(2)]
    with archive.write() as connection:
        connection.execute(delete(schema.messages).where(schema.messages.c.id.in_(lost)))
    finding = verify(archive).findings[0]
    assert (finding.problem, finding.count) == ("A conversation has no messages.", 7)
    assert finding.examples == [f"chatgpt:{number:04}" for number in range(5)]
    assert finding.remedy


def test_files_that_are_gone_or_damaged_are_found(archive: Archive) -> None:
    sha256 = _filled(archive)
    path = path_of(archive, sha256)
    assert path is not None
    path.write_bytes(b"PICTURE")
    assert _problems(archive) == {"A kept file is not what it was.": [sha256]}
    assert _problems(archive, read_files=False) == {}
    path.unlink()
    for read_files in (True, False):
        assert _problems(archive, read_files=read_files) == {"A kept file is not in the files location.": [sha256]}
    with archive.write() as connection:
        connection.execute(delete(schema.files))
    assert _problems(archive) == {"An attachment's file was never kept.": [sha256]}


def test_imports_that_do_not_balance_or_were_interrupted_are_found(archive: Archive) -> None:
    _import(archive, "odd", "completed", '{"read": 3, "new": 1}')
    _import(archive, "left", "running", "{}")
    with hold(archive, "import:me"):
        assert _problems(archive) == {"The counts of an import do not balance.": ["odd"]}
    assert _problems(archive)["An import was interrupted."] == ["left"]


def test_a_damaged_database_file_is_found(sqlite_archive: Archive) -> None:
    _filled(sqlite_archive)
    with sqlite_archive.write() as connection:
        connection.exec_driver_sql("PRAGMA writable_schema = ON")
        connection.exec_driver_sql(
            "UPDATE sqlite_schema SET sql = replace(sql, '(owner, updated_at)', '(owner, created_at)') "
            "WHERE name = 'ix_conversations_updated'"
        )
        connection.exec_driver_sql("PRAGMA writable_schema = RESET")
    sqlite_archive.engine.dispose()
    assert "The database file is damaged." in _problems(sqlite_archive)


def test_rows_that_point_nowhere_are_found(sqlite_archive: Archive) -> None:
    _filled(sqlite_archive)
    with sqlite_archive.engine.connect() as connection:
        connection.rollback()
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.execute("PRAGMA foreign_keys = OFF")
        driver.execute("DELETE FROM conversations WHERE id = 'chatgpt:a'")
        driver.execute("PRAGMA foreign_keys = ON")
    assert "Rows refer to rows that are not there." in _problems(sqlite_archive)
    assert Path(str(sqlite_archive.engine.url.database)).exists()


def test_a_text_index_that_was_set_aside_is_found(archive: Archive) -> None:
    _filled(archive)
    text_index.suspend(archive)
    finding = verify(archive).findings[0]
    assert finding.subject == "text index"
    assert str(finding).endswith(f"{finding.problem} {finding.remedy}")
    text_index.rebuild(archive)
    assert verify(archive).is_well


@pytest.mark.parametrize(
    "harm",
    [
        "DELETE FROM messages_fts_docsize WHERE id IN (SELECT id FROM messages_fts_docsize LIMIT 1)",
        "INSERT INTO messages_fts (rowid, text) VALUES (1, 'nobody said this')",
        "INSERT INTO titles_fts (titles_fts) VALUES ('delete-all')",
        "DELETE FROM messages_fts_data WHERE id > 10",
    ],
)
def test_an_index_out_of_step_is_found_and_mended(sqlite_archive: Archive, harm: str) -> None:
    _filled(sqlite_archive)
    with sqlite_archive.write() as connection:
        connection.exec_driver_sql("UPDATE conversations SET title = 'Bread' WHERE key % 2")
        connection.exec_driver_sql(harm)
    assert text_index.check(sqlite_archive)
    text_index.renew(sqlite_archive)
    assert text_index.check(sqlite_archive) == []


def test_the_index_is_made_anew_on_either_database(archive: Archive) -> None:
    _filled(archive)
    text_index.renew(archive)
    assert verify(archive).is_well
