"""Files on their way in: each in a folder of its own that only this user of the machine can read.

How much of one has arrived is the size of its file, and nothing else: a server that was killed, or a browser that was
closed, goes on from there. The name that a browser gave is shown and never used.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import msgspec

from commonplace.archive.conversations import imports
from commonplace.archive.core import Archive
from commonplace.archive.faults import NO_ROOM, writing
from commonplace.errors import Refused
from commonplace.moments import now
from commonplace.web.arriving.straight import Buffer, Write

KEPT_SECONDS = 7 * 86_400
"""How long one that nobody goes on with, or imports, is kept."""
SPARE = 256 << 20
"""Bytes that stay free on the disk."""
LONGEST_NAME = 200
SUFFIXES = {".zip", ".json", ".jsonl", ".csv", ".html", ".txt", ".md"}
_ABOUT, _ID = "about.json", re.compile(r"[0-9a-f]{32}")
BEGINNING = 4096
"""Bytes at the beginning of a file that tell whether it is text."""
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")


class NoRoom(Refused):
    """The disk, or what one person may have on it, does not hold that."""


class OutOfStep(Refused):
    """It goes on elsewhere: more or less has arrived than the sender thinks, or somebody else sends it now."""


class Damaged(Refused):
    """It is not what was sent."""


class Checksum(NamedTuple):
    """What a piece should be."""

    algorithm: str
    digest: bytes

    def begun(self) -> Any:
        return hashlib.new(self.algorithm, usedforsecurity=False)


class Upload(msgspec.Struct, frozen=True, kw_only=True):
    """A file that arrives, or has."""

    id: str
    owner: str
    name: str
    size: int
    created_at: int
    kind: str = ""
    """What was recognised in it, once it is whole."""
    refusal: str = ""
    """Why it cannot be imported."""
    run: str = ""
    """The run that imports it."""

    @property
    def expires_at(self) -> int:
        return self.created_at + KEPT_SECONDS * 1_000_000

    @property
    def file_name(self) -> str:
        """Under which imports know it."""
        suffix = PurePosixPath(self.name).suffix.lower()
        return f"{self.id}{suffix if suffix in SUFFIXES else ''}"


class Uploads:
    """Those of one home. `most_bytes` is what one person may have here."""

    def __init__(self, folder: Path, *, most_bytes: int) -> None:
        self.folder, self.most_bytes = folder, most_bytes
        self._senders: dict[str, object] = {}

    def create(self, owner: str, name: str, size: int) -> Upload:
        """Room for a file of this size. Refused where there is none."""
        taken = sum(upload.size for upload in self.list(owner))
        if size < 0 or taken + size > self.most_bytes:
            raise NoRoom(
                f"That would be more than the {self.most_bytes >> 30:,} GB that one person may upload.",
                hint="Remove what you do not need, or raise uploads_gb under [server].",
            )
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        free = shutil.disk_usage(self.folder).free
        if free < size + SPARE:
            raise NoRoom(
                f"The disk has {free >> 20:,} MB left, and the file needs {size >> 20:,} MB.", hint="Make room first."
            )
        shown = "".join(char for char in name if char.isprintable())[-LONGEST_NAME:] or "export"
        upload = Upload(id=secrets.token_hex(16), owner=owner, name=shown, size=size, created_at=now())
        self._folder(upload.id).mkdir(mode=0o700)
        self.keep(upload)
        os.close(os.open(self.path(upload), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        return upload

    def find(self, owner: str, id: str) -> Upload | None:
        """One of this person's."""
        upload = self._read(id) if _ID.fullmatch(id) else None
        return upload if upload and upload.owner == owner else None

    def list(self, owner: str) -> list[Upload]:
        """This person's, the newest first."""
        found = [upload for upload in self._all() if upload.owner == owner]
        return sorted(found, key=lambda upload: (-upload.created_at, upload.id))

    def not_imported(self, owner: str) -> Sequence[tuple[Upload, int]]:
        """Those that wait for their person, and how much of each is here."""
        return [(upload, self.arrived(upload)) for upload in self.list(owner) if not upload.run]

    def path(self, upload: Upload) -> Path:
        return self._folder(upload.id) / upload.file_name

    def arrived(self, upload: Upload) -> int:
        """How much of it is here."""
        return self.path(upload).stat().st_size

    def is_whole(self, upload: Upload) -> bool:
        return self.arrived(upload) == upload.size

    def interrupt(self, upload: Upload) -> int:
        """How much is here, now that whoever sent it before sends no more."""
        self._senders.pop(upload.id, None)
        return self.arrived(upload)

    @contextmanager
    def going_on(self, upload: Upload, offset: int, checksum: Checksum | None = None) -> Iterator[Write]:
        """What takes more of it from there on, as it comes. Where a block ends, all that it took is kept, unless there
        is a checksum of the whole that differs."""
        self._senders[upload.id] = sender = object()
        with self.path(upload).open("r+b", buffering=0) as file:
            if offset != file.seek(0, os.SEEK_END):
                raise OutOfStep("It goes on elsewhere.", hint="Ask how much has arrived.")
            running, is_damaged = checksum.begun() if checksum else None, False
            beginning = b""

            def write(piece: Buffer) -> None:
                nonlocal beginning
                if self._senders.get(upload.id) is not sender:
                    raise OutOfStep("Somebody else sends it now.")
                if file.tell() + len(piece) > upload.size:
                    raise Refused("More arrived than was announced.")
                if not offset and len(beginning) < BEGINNING:
                    beginning += bytes(piece[:BEGINNING])
                    check_beginning(beginning, upload.name)
                if running:
                    running.update(piece)
                _write(file, piece)

            try:
                yield write
            finally:
                if checksum and running:
                    is_damaged = running.digest() != checksum.digest
                if is_damaged and self._senders.get(upload.id) is sender:
                    file.truncate(offset)
            if is_damaged:
                raise Damaged("What arrived is not what was sent.", hint="Send the piece again.")

    def holds(self, upload: Upload, offset: int, piece: bytes) -> bool:
        """Whether what has arrived has this very piece at this place: names and sizes are alike by chance."""
        if offset + len(piece) > self.arrived(upload):
            return False
        with self.path(upload).open("rb") as file:
            file.seek(offset)
            return file.read(len(piece)) == piece

    def finish(self, upload: Upload) -> Upload:
        """Look at what has arrived, and note what it is."""
        from commonplace.stages.importing.inspection import inspect

        try:
            looked = msgspec.structs.replace(upload, kind=str(inspect(self.path(upload))["source"]), refusal="")
        except Refused as refused:
            told = " ".join(filter(None, (refused.message, refused.hint))).replace(upload.file_name, upload.name)
            looked = msgspec.structs.replace(upload, refusal=told)
        self.keep(looked)
        return looked

    def keep(self, upload: Upload) -> None:
        """Note what is known of it."""
        about = self._folder(upload.id) / _ABOUT
        fresh = about.with_suffix(".new")
        with writing("An upload", only=NO_ROOM), os.fdopen(_private(fresh), "wb") as out:
            out.write(msgspec.json.encode(upload))
        fresh.replace(about)

    def remove(self, upload: Upload) -> None:
        self._senders.pop(upload.id, None)
        shutil.rmtree(self._folder(upload.id), ignore_errors=True)

    def prune(self, archive: Archive) -> None:
        """Remove what was imported, and what nobody goes on with."""
        for upload in list(self._all()):
            is_in = bool(upload.run) and imports.is_in(archive.of(upload.owner), upload.file_name)
            is_old = not upload.run and upload.expires_at < now()
            if is_in or is_old:
                self.remove(upload)

    def _all(self) -> Iterator[Upload]:
        for folder in self.folder.glob("*") if self.folder.is_dir() else ():
            if upload := self._read(folder.name):
                yield upload

    def _read(self, id: str) -> Upload | None:
        """What is noted of the one in this folder, as long as its file is there too."""
        with suppress(FileNotFoundError, msgspec.DecodeError):
            upload = msgspec.json.decode((self._folder(id) / _ABOUT).read_bytes(), type=Upload)
            return upload if upload.id == id and self.path(upload).exists() else None
        return None

    def _folder(self, id: str) -> Path:
        return self.folder / id


def _write(file: FileIO, piece: Buffer) -> None:
    """All of it, where the file stands: whoever sent it before, and is not quite done, writes the same there."""
    left = memoryview(piece)
    with writing("An upload", only=NO_ROOM):
        while left:
            left = left[file.write(left) :]


def check_beginning(first: bytes, name: str) -> None:
    """Refuse at once what cannot be an export: exports are zips, or files of text."""
    if not first.startswith(_ZIP) and b"\0" in first:
        raise Refused(f"{name!r} is no export.", hint="An export is the zip as it came, or a json file of it.")


def _private(path: Path) -> int:
    return os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
