"""A damaged archive has a way back, and what was forgotten stays forgotten."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from commonplace.archive import schema
from commonplace.archive.care.backup import backup
from commonplace.archive.care.forget import forget
from commonplace.archive.care.restore import check_backup, restore, restore_at
from commonplace.archive.care.verify import verify
from commonplace.archive.conversations.merge import merge
from commonplace.archive.conversations.reading import conversation_ids
from commonplace.archive.core import Archive
from commonplace.archive.faults import Damaged
from commonplace.archive.opening import open_archive
from commonplace.archive.search.search import search
from commonplace.errors import Refused
from tests.archive.builders import simple_chat


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """An archive with a backup of it, and one more conversation since."""
    with open_archive(str(tmp_path / "archive.db")) as archive:
        merge(archive, None, [simple_chat(str(n), "bread " * 300) for n in range(40)])
        backup(archive, tmp_path / "good.commonplace")
        merge(archive, None, [simple_chat("later", "words")])
    return tmp_path


def _no_database(path: Path) -> None:
    path.write_bytes(b"no database " * 5000)


def _rows_overwritten(path: Path) -> None:
    """It can be opened; what is further back is gone."""
    whole = path.read_bytes()
    half = len(whole) // 2
    path.write_bytes(whole[:half] + b"\xaa" * (len(whole) - half))


def _cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: 4096 * 20])


HARM = [_no_database, _rows_overwritten, _cut_short]


def _restore(place: Path, *, force: bool) -> str:
    database, kept = str(place / "archive.db"), place / "good.commonplace"
    return restore_at(database, kept, files=str(place / "files"), owner="me", force=force).set_aside


@pytest.mark.parametrize("harm", HARM)
def test_a_damaged_archive_is_replaced_by_force_and_kept_beside(place: Path, harm: Callable[[Path], None]) -> None:
    harm(place / "archive.db")
    spoiled = (place / "archive.db").read_bytes()
    aside = _restore(place, force=True)
    with open_archive(str(place / "archive.db")) as archive:
        assert len(conversation_ids(archive)) == 40
        assert search(archive, "bread").total == 40
        assert verify(archive).is_well
    assert (place / aside).read_bytes() == spoiled
    assert [path.name for path in place.glob(".*")] == []


def test_a_damaged_archive_is_not_replaced_unasked(place: Path) -> None:
    _no_database(place / "archive.db")
    with pytest.raises(Damaged, match="damaged") as told:
        _restore(place, force=False)
    assert "--force" in (told.value.hint or "")
    assert (place / "archive.db").read_bytes().startswith(b"no database")


def test_a_damaged_backup_leaves_even_a_damaged_archive_alone(place: Path) -> None:
    _no_database(place / "archive.db")
    (place / "good.commonplace").write_bytes(b"no backup")
    with pytest.raises(Refused, match="damaged"):
        _restore(place, force=True)
    assert (place / "archive.db").read_bytes().startswith(b"no database")


def test_a_sound_archive_is_replaced_in_its_own_file(place: Path) -> None:
    number = (place / "archive.db").stat().st_ino
    assert _restore(place, force=True) == ""
    assert (place / "archive.db").stat().st_ino == number


@pytest.mark.parametrize("harm", [_rows_overwritten, _cut_short])
def test_verify_says_damaged_instead_of_crashing(place: Path, harm: Callable[[Path], None]) -> None:
    harm(place / "archive.db")
    try:
        with open_archive(str(place / "archive.db")) as archive:
            report = verify(archive)
    except Damaged:  # so much that it cannot be opened
        return
    assert "The database file is damaged." in [finding.problem for finding in report.findings]
    assert not report.is_well


def test_what_was_forgotten_later_is_forgotten_in_what_comes_back(archive: Archive, tmp_path: Path) -> None:
    merge(archive, None, [simple_chat("a", "secret"), simple_chat("b", "words")])
    merge(archive.of("you"), None, [simple_chat("a", "yours")])
    backup(archive, tmp_path / "before.commonplace")
    forget(archive, ids=["chatgpt:a"])
    restore(archive, tmp_path / "before.commonplace", force=True)
    assert conversation_ids(archive) == ["chatgpt:b"]
    assert conversation_ids(archive.of("you")) == ["chatgpt:a"]
    assert search(archive, "secret").total == 0
    merge(archive, None, [simple_chat("a", "secret")])
    assert conversation_ids(archive) == ["chatgpt:b"]
    with archive.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM tombstones")).scalar_one() == 1


def test_a_damaged_archive_still_knows_what_was_forgotten(place: Path) -> None:
    with open_archive(str(place / "archive.db")) as archive:
        forget(archive, ids=["chatgpt:7"])
        with archive.write() as connection:
            connection.execute(schema.messages.delete())
            connection.exec_driver_sql("PRAGMA writable_schema = ON")
            connection.exec_driver_sql(
                "UPDATE sqlite_schema SET sql = replace(sql, '(owner, updated_at)', '(owner, created_at)') "
                "WHERE name = 'ix_conversations_updated'"
            )
    assert _restore(place, force=True)
    with open_archive(str(place / "archive.db")) as archive:
        assert len(conversation_ids(archive)) == 39
        assert "chatgpt:7" not in conversation_ids(archive)


def test_a_backup_can_be_checked_and_a_folder_is_none(place: Path) -> None:
    assert check_backup(place / "good.commonplace").rows["conversations"] == 40
    with pytest.raises(Refused, match="cannot be read"):
        check_backup(place)
