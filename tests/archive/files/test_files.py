"""The files location, as a folder and as an object store."""

from __future__ import annotations

import hashlib
import io
import os
import stat
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import insert, select, update

from commonplace.archive.core import Archive
from commonplace.archive.files.files import (
    AttachmentFiles,
    delete_unreferenced,
    has_file,
    path_of,
    put_file,
    remove_files,
)
from commonplace.archive.opening import open_archive
from commonplace.archive.schema import attachments, conversations, files
from commonplace.model import Attachment
from tests.archive.builders import bytes_of

TEXT = b"a picture, let us say"
HASH = hashlib.sha256(TEXT).hexdigest()


@pytest.fixture(params=["folder", "object store"])
def kept(request: pytest.FixtureRequest, archive_url: str, tmp_path: Path) -> Iterator[Archive]:
    """An archive with either kind of files location."""
    location = str(tmp_path / "kept")
    if request.param == "object store":
        pytest.importorskip("obstore", reason="obstore is not installed")
        Path(location).mkdir()
        location = f"file://{location}"
    with open_archive(archive_url, files=location) as opened:
        yield opened


def _show(archive: Archive, sha256: str) -> None:
    """A message that shows the file."""
    with archive.write() as connection:
        key = connection.execute(
            insert(conversations)
            .values(owner="me", id="chatgpt:1", source="chatgpt", external_id="1", content_hash="c1:", imported_at=1)
            .returning(conversations.c.key)
        ).scalar_one()
        connection.execute(
            insert(attachments).values(conversation_key=key, message_id="m", id="a", kind="image", sha256=sha256)
        )


def test_a_file_is_found_by_its_hash(kept: Archive, tmp_path: Path) -> None:
    source = tmp_path / "picture.png"
    source.write_bytes(TEXT)
    assert put_file(kept, source, kind="attachment", name="picture.png") == HASH
    assert put_file(kept, io.BytesIO(TEXT), kind="attachment", name="again.png") == HASH
    assert bytes_of(kept, HASH) == TEXT
    assert AttachmentFiles(kept).path_of(Attachment(id="a", sha256=HASH)) == path_of(kept, HASH)
    assert AttachmentFiles(kept).path_of(Attachment(id="a")) is None
    with kept.read() as connection:
        assert [(row.name, row.size) for row in connection.execute(select(files))] == [("picture.png", len(TEXT))]


def test_what_is_not_there_is_not_there(kept: Archive) -> None:
    assert path_of(kept, HASH) is None
    assert not has_file(kept, HASH)


def test_what_no_message_shows_is_removed_after_a_while(kept: Archive) -> None:
    put_file(kept, io.BytesIO(TEXT), kind="attachment", name="shown")
    loose = put_file(kept, io.BytesIO(b"loose"), kind="attachment", name="loose")
    export = put_file(kept, io.BytesIO(b"export"), kind="export", name="export.zip")
    _show(kept, HASH)
    assert delete_unreferenced(kept) == []
    assert delete_unreferenced(kept, older_than_seconds=0) == [loose]
    assert path_of(kept, loose) is None
    assert path_of(kept, HASH) is not None
    assert path_of(kept, export) is not None


def test_named_files_are_removed_unless_a_message_shows_them(kept: Archive) -> None:
    put_file(kept, io.BytesIO(TEXT), kind="attachment", name="shown")
    export = put_file(kept, io.BytesIO(b"export"), kind="export", name="export.zip")
    _show(kept, HASH)
    assert remove_files(kept, [HASH, export]) == []
    assert remove_files(kept, [HASH, export], exports=True) == [export]
    assert path_of(kept, export) is None


def test_a_file_is_readable_by_its_owner_only(sqlite_archive: Archive) -> None:
    put_file(sqlite_archive, io.BytesIO(TEXT), kind="attachment", name="x")
    path = path_of(sqlite_archive, HASH)
    assert path is not None
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert path == Path(sqlite_archive.files_location) / HASH[:2] / HASH


def test_a_source_that_breaks_leaves_nothing_behind(sqlite_archive: Archive) -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell():
                raise OSError("the disk is gone")
            return super().read(1)

    with pytest.raises(OSError, match="gone"):
        put_file(sqlite_archive, Broken(TEXT), kind="attachment", name="x")
    assert [path for path in Path(sqlite_archive.files_location).rglob("*") if path.is_file()] == []


def test_leftovers_of_a_killed_process_are_swept(sqlite_archive: Archive) -> None:
    put_file(sqlite_archive, io.BytesIO(TEXT), kind="attachment", name="x")
    root = Path(sqlite_archive.files_location)
    partial, stray = root / "partial" / "tmp1", root / HASH[:2] / ("0" * 64)
    for path in (partial, stray):
        path.write_bytes(b"half")
        os.utime(path, (1, 1))
    with sqlite_archive.write() as connection:
        connection.execute(update(files).values(stored_at=1))
    _show(sqlite_archive, HASH)
    assert delete_unreferenced(sqlite_archive) == ["0" * 64]
    assert not partial.exists()
    assert path_of(sqlite_archive, HASH) is not None


def test_storing_and_removing_at_once_never_parts_row_and_file(archive: Archive, archive_url: str) -> None:
    rounds, is_over = 40, threading.Event()

    def store() -> None:
        with open_archive(archive_url, files=archive.files_location) as mine:
            for _ in range(rounds):
                put_file(mine, io.BytesIO(TEXT), kind="attachment", name="x")
        is_over.set()

    def clean() -> None:
        with open_archive(archive_url, files=archive.files_location) as mine:
            while not is_over.is_set():
                remove_files(mine, [HASH])
                with mine.read() as connection:
                    connection.execute(select(files)).all()

    with ThreadPoolExecutor(3) as threads:
        for future in [threads.submit(store), threads.submit(clean), threads.submit(clean)]:
            future.result(timeout=300)
    with archive.read() as connection:
        has_row = bool(connection.execute(select(files)).all())
    assert (path_of(archive, HASH) is not None) == has_row
