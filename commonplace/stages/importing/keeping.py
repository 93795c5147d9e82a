"""What an import keeps beside the conversations: the export as it came, and the bytes of its attachments."""

from __future__ import annotations

import io
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from hashlib import blake2b
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import msgspec

from commonplace.archive.conversations import imports
from commonplace.archive.conversations.imports import ImportRecord
from commonplace.archive.core import Archive
from commonplace.archive.files import files
from commonplace.errors import Defect, Refused
from commonplace.model import Attachment, Conversation
from commonplace.sources.registry import readers_version

OpenMember = Callable[[str], BinaryIO]
"""The bytes of a file that came with a conversation."""

_LONG_AGO = (1980, 1, 1, 0, 0, 0)


class Signature(msgspec.Struct, frozen=True):
    """By which the same file is recognised without reading it. `size` is the part that copies of it share."""

    size: str
    whole: str


def signature(path: Path) -> Signature:
    """From the place, size, time and inode of a file, or of every file in a folder; and the readers' version."""
    total, state = 0, blake2b(digest_size=16)
    for file in _files(path):
        found = file.stat()
        total += found.st_size
        state.update(f"{file}\0{found.st_size}\0{found.st_mtime_ns}\0{found.st_ino}\0".encode("utf-8", "replace"))
    size = f"{readers_version()}:{total}:"
    return Signature(size, size + state.hexdigest())


def _files(path: Path) -> list[Path]:
    whole = path.absolute()
    within = whole.rglob("*") if whole.is_dir() else [whole]
    return sorted(file for file in within if file.is_file() and (file == whole or not file.is_symlink()))


def has_lost_files(archive: Archive, record: ImportRecord) -> bool:
    """Whether the kept export, or an attachment that came with it, is not in the files location any more."""
    wanted = imports.files_of(archive, record)
    return bool(wanted) and not wanted <= files.there(archive)


class Keeper:
    """Hashes an export, and keeps it, on a thread of its own: both wait for the disk while conversations are read."""

    def __init__(self, archive: Archive, path: Path, *, keep: bool) -> None:
        self._archive = archive
        self._path = path
        self._keep = keep
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="keeper")
        self._kept: Future[str] | None = None

    def __enter__(self) -> Keeper:
        self._kept = self._thread.submit(self._store)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.shutdown(wait=True)

    def sha256(self) -> str | None:
        """Of the file's bytes, or of the folder packed into one file. Waits until the export is kept."""
        return self._kept.result() if self._kept else None

    def _store(self) -> str:
        if not self._path.is_dir():
            return self._store_file(self._path)
        with tempfile.TemporaryDirectory(prefix="commonplace-") as folder:
            packed = Path(folder) / "export.zip"
            _pack(self._path, packed)
            return self._store_file(packed)

    def _store_file(self, file: Path) -> str:
        if not self._keep:
            return files.hash_file(file)
        return files.put_file(self._archive, file, kind=files.EXPORT, name=self._path.name)


def _pack(folder: Path, target: Path) -> None:
    """A zip that is the same for the same files, whenever it is made."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as packed:
        for file in _files(folder):
            name = file.relative_to(folder.absolute()).as_posix()
            inside = zipfile.ZipInfo(name, _LONG_AGO)
            with file.open("rb") as source, packed.open(inside, "w", force_zip64=True) as out:
                shutil.copyfileobj(source, out, files.CHUNK)


class AttachmentStore:
    """Stores attachments' bytes, each file of the export once however many messages show it."""

    def __init__(self, archive: Archive, open_member: OpenMember | None) -> None:
        self._archive = archive
        self._open_member = open_member
        self._stored: dict[str, str | None] = {}

    def store(self, conversations: Iterable[Conversation]) -> list[Defect]:
        """Set `sha256` of the attachments whose bytes or text there is. What cannot be read is a defect, no more."""
        defects: list[Defect] = []
        with files.receive(self._archive, kind=files.ATTACHMENT) as receiving:
            for conversation in conversations:
                for message in conversation.messages:
                    for attachment in message.attachments:
                        if attachment.sha256 is None:
                            attachment.sha256 = self._sha256(attachment, receiving, defects)
        return defects

    def _sha256(self, attachment: Attachment, receiving: files.Receiving, defects: list[Defect]) -> str | None:
        member, open_member = attachment.member, self._open_member
        if member is None or open_member is None:
            if attachment.text is None:
                return None
            written = attachment.text.encode("utf-8", "replace")
            return receiving.put(io.BytesIO(written), attachment.name or attachment.id)
        if member not in self._stored:
            try:
                with closing(open_member(member)) as stream:
                    self._stored[member] = receiving.put(stream, attachment.name or attachment.id)
            except Refused as exc:
                self._stored[member] = None
                defects.append(Defect(member, attachment.id, exc.message))
        return self._stored[member]
