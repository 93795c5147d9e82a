"""Backups: consistent while others write, verified before they are restored, and at home in either database."""

from __future__ import annotations

import hashlib
import io
import json
import stat
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select

from commonplace.archive import schema
from commonplace.archive.care.backup import backup
from commonplace.archive.care.restore import check_backup, restore
from commonplace.archive.conversations.merge import merge
from commonplace.archive.core import Archive
from commonplace.archive.files.files import path_of, put_file
from commonplace.archive.leases import hold
from commonplace.archive.ledger import ArchiveLedger
from commonplace.archive.memory import mark_of
from commonplace.archive.opening import open_archive
from commonplace.errors import Refused
from commonplace.model import Attachment
from tests.archive.builders import bytes_of, chat, message, simple_chat
from tests.conftest import DIALECTS


@pytest.fixture(params=DIALECTS)
def other(request: pytest.FixtureRequest, new_database: Callable[[str], str], tmp_path: Path) -> Iterator[Archive]:
    """Another empty archive, on each dialect, so that every direction is tried."""
    with open_archive(new_database(request.param), files=tmp_path / "other files") as opened:
        yield opened


def _fill(archive: Archive) -> str:
    sha256 = put_file(archive, io.BytesIO(b"picture"), kind="attachment", name="picture.png")
    attachment = Attachment(id="file-1", kind="image", name="picture.png", sha256=sha256)
    raw = message("a-1", 'Grüße 😀 \u2028 \\ " \t', attachments=[attachment], raw=b"\x00\xff raw", at=5)
    merge(archive, None, [chat("a", [raw], title="Ünïcode", item_digest=b"\x00\x01")])
    merge(archive.of("you"), None, [simple_chat(f"{n}", "question", "answer") for n in range(30)])
    ArchiveLedger(archive, "notion:1").done("chatgpt:a", "h", "page-1", detail={"blocks": [1, 2]})
    features = {"kind": "words", "content_hash": "c1:", "vector": bytes(range(256))}
    with archive.write() as connection:
        connection.execute(insert(schema.features).values(owner="me", conversation_id="chatgpt:a", **features))
    return sha256


def _rows(archive: Archive) -> dict[str, list[tuple[Any, ...]]]:
    with archive.read() as connection:
        return {
            table.name: [tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key.columns))]
            for table in schema.BACKED_UP
            if table is not schema.settings
        }


def test_a_restored_archive_is_the_same_in_either_database(archive: Archive, other: Archive, tmp_path: Path) -> None:
    _fill(archive)
    manifest = backup(archive, tmp_path / "archive.zip")
    assert manifest.rows["conversations"] == 31
    assert stat.S_IMODE((tmp_path / "archive.zip").stat().st_mode) == 0o600
    report = restore(other, tmp_path / "archive.zip")
    assert _rows(other) == _rows(archive)
    assert report.rows["messages"] == 61
    assert (report.files, report.files_missing) == (0, 1)


def test_a_restored_archive_goes_on_from_there(archive: Archive, other: Archive, tmp_path: Path) -> None:
    _fill(archive)
    backup(archive, tmp_path / "archive.zip")
    restore(other, tmp_path / "archive.zip")
    assert [merged.outcome for merged in merge(other, None, [simple_chat("new", "a", "b")])] == ["new"]


def test_files_come_along_if_they_are_wanted(archive: Archive, other: Archive, tmp_path: Path) -> None:
    sha256 = _fill(archive)
    gone = put_file(archive, io.BytesIO(b"gone"), kind="export", name="export.zip")
    path = path_of(archive, gone)
    assert path is not None
    path.unlink()
    manifest = backup(archive, tmp_path / "archive.zip", include_files=True)
    assert (manifest.files, manifest.missing_files) == ([sha256], [gone])
    report = restore(other, tmp_path / "archive.zip")
    assert (report.files, report.files_missing) == (1, 1)
    assert bytes_of(other, sha256) == b"picture"


def test_it_is_one_state_although_others_write(archive: Archive, archive_url: str, tmp_path: Path) -> None:
    """Each batch adds ten conversations of two messages: any other proportion would be half a batch."""
    merge(archive, None, [simple_chat(f"first-{n}", "q", "a") for n in range(10)])
    is_over, has_begun = threading.Event(), threading.Event()

    def write() -> None:
        with open_archive(archive_url, files=archive.files_location) as mine:
            number = 0
            while not is_over.is_set():
                merge(mine, None, [simple_chat(f"{number}-{n}", "q", "a") for n in range(10)])
                number += 1
                has_begun.set()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert has_begun.wait(30)
        manifests = [backup(archive, tmp_path / f"{n}.zip") for n in range(4)]
    finally:
        is_over.set()
        writer.join()
    for number, manifest in enumerate(manifests):
        assert manifest.rows["messages"] == 2 * manifest.rows["conversations"]
        assert manifest.rows["conversations"] % 10 == 0
        assert check_backup(tmp_path / f"{number}.zip") == manifest


def test_an_archive_that_holds_anything_is_replaced_only_by_force(archive: Archive, tmp_path: Path) -> None:
    _fill(archive)
    backup(archive, tmp_path / "archive.zip")
    before = _rows(archive)
    merge(archive, None, [simple_chat("later", "words")])
    with pytest.raises(Refused, match="not empty"):
        restore(archive, tmp_path / "archive.zip")
    restore(archive, tmp_path / "archive.zip", force=True)
    assert _rows(archive) == before


def test_nothing_is_restored_while_something_runs(sqlite_archive: Archive, tmp_path: Path) -> None:
    backup(sqlite_archive, tmp_path / "archive.zip")
    with hold(sqlite_archive, "sync:notion:1"), pytest.raises(Refused, match="is running"):
        restore(sqlite_archive, tmp_path / "archive.zip")


def test_a_damaged_backup_changes_nothing(sqlite_archive: Archive, tmp_path: Path) -> None:
    _fill(sqlite_archive)
    good, bad = tmp_path / "good.zip", tmp_path / "bad.zip"
    backup(sqlite_archive, good, include_files=True)
    before = _rows(sqlite_archive)
    for spoiled in _spoiled(good):
        bad.write_bytes(spoiled)
        with pytest.raises(Refused, match=r"damaged|not a backup|newer"):
            restore(sqlite_archive, bad, force=True)
        assert _rows(sqlite_archive) == before


def _spoiled(good: Path) -> Iterator[bytes]:
    whole = good.read_bytes()
    yield b"not a zip"
    yield whole[: len(whole) // 2]
    with zipfile.ZipFile(good) as packed:
        spot = packed.getinfo("tables/messages.jsonl")
        flipped = bytearray(whole)
        flipped[spot.header_offset + 60 + spot.compress_size // 2] ^= 0xFF
        yield bytes(flipped)
        members = {name: packed.read(name) for name in packed.namelist()}
    manifest = json.loads(members["manifest.json"])
    lines = members["tables/messages.jsonl"]
    for name, content in (
        ("tables/messages.jsonl", lines[: lines.index(b"\n") + 1]),
        ("tables/messages.jsonl", lines.replace(b"answer", b"ANSWER")),
        (next(name for name in members if name.startswith("files/")), b"another picture"),
        ("manifest.json", json.dumps({**manifest, "version": 99}).encode()),
        ("manifest.json", json.dumps({**manifest, "revision": "9999"}).encode()),
        ("manifest.json", json.dumps({**manifest, "format": "something else"}).encode()),
        ("manifest.json", b"{}"),
    ):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as changed:
            for member, told in {**members, name: content}.items():
                changed.writestr(member, told)
        yield out.getvalue()


def test_an_existing_file_is_not_overwritten_and_a_failed_backup_leaves_none(
    sqlite_archive: Archive, tmp_path: Path
) -> None:
    folder = tmp_path / "backups"
    backup(sqlite_archive, folder / "archive.zip")
    with pytest.raises(Refused, match="already"):
        backup(sqlite_archive, folder / "archive.zip")
    sqlite_archive.files_location = "nowhere://bucket"
    put = insert(schema.files).values(sha256="0" * 64, kind="export", name="x", size=1, stored_at=1)
    with sqlite_archive.write() as connection:
        connection.execute(put)
    with pytest.raises(Refused, match="COMMONPLACE_FILES"):
        backup(sqlite_archive, folder / "second.zip", include_files=True)
    assert [path.name for path in folder.iterdir()] == ["archive.zip"]


def test_a_backup_from_before_a_column_was_added_is_restored(
    sqlite_archive: Archive, other: Archive, tmp_path: Path
) -> None:
    _fill(sqlite_archive)
    good, older = tmp_path / "good.zip", tmp_path / "older.zip"
    backup(sqlite_archive, good)
    with zipfile.ZipFile(good) as packed:
        members = {name: packed.read(name) for name in packed.namelist()}
    manifest = json.loads(members["manifest.json"])
    table = next(table for table in manifest["tables"] if table["name"] == "conversations")
    assert table["columns"].pop() == "project_id"
    rows = [json.dumps(json.loads(line)[:-1]) for line in members["tables/conversations.jsonl"].splitlines()]
    members["tables/conversations.jsonl"] = "".join(f"{row}\n" for row in rows).encode()
    table["sha256"] = hashlib.sha256(members["tables/conversations.jsonl"]).hexdigest()
    members["manifest.json"] = json.dumps(manifest).encode()
    with zipfile.ZipFile(older, "w") as changed:
        for name, content in members.items():
            changed.writestr(name, content)
    restore(other, older)
    assert _rows(other) == _rows(sqlite_archive)


def test_what_is_restored_is_the_same_archive_to_whoever_it_writes_to(
    archive: Archive, other: Archive, tmp_path: Path
) -> None:
    backup(archive, tmp_path / "kept")
    assert mark_of(other) != mark_of(archive)
    restore(other, tmp_path / "kept")
    assert mark_of(other) == mark_of(archive)
    assert mark_of(other.of("you")) != mark_of(other)
