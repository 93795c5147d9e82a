"""What an import keeps beside the conversations: the export as it came, and the bytes of its attachments."""

from __future__ import annotations

import io
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from commonplace.archive.conversations import imports, seen
from commonplace.archive.conversations.imports import ImportRecord
from commonplace.archive.core import Archive
from commonplace.archive.files import files
from commonplace.errors import Defect, Refused
from commonplace.model import Attachment, Conversation
from commonplace.sources.contents import Unchanged
from commonplace.stages.importing.signing import Signature, files_at, name_in

OpenMember = Callable[[str], BinaryIO]
"""The bytes of a file that came with a conversation."""

_LONG_AGO = (1980, 1, 1, 0, 0, 0)


def unchanged_since(archive: Archive, path: Path, now: Signature, *, keep: bool) -> dict[str, Unchanged]:
    """The files of a folder that are as they were when they were merged, and are kept if they are to be."""
    if not now.files:
        return {}
    noted = seen.below(archive, str(path.absolute()))
    kept = files.there(archive) if noted and keep else set()
    return {
        name: Unchanged(file.title, file.digest)
        for name, file in noted.items()
        if (state := now.files.get(name)) is not None
        and file.state.startswith(state)
        and (not keep or file.state.removeprefix(state) in kept)
    }


def note_seen(
    archive: Archive, path: Path, then: Signature, wholes: Mapping[str, bytes], *, title: str, kept_in: str
) -> None:
    """What was read of a folder, in the state that it had before it was read: what was added meanwhile is a change.

    `kept_in`: the hash of the kept export that has it, if one has. It ends the noted state.
    """
    files = {
        name: seen.SeenFile(f"{then.files[name]}{kept_in}", title, digest)
        for name, digest in wholes.items()
        if name in then.files
    }
    seen.note(archive, str(path.absolute()), files)


def has_lost_files(archive: Archive, record: ImportRecord) -> bool:
    """Whether the kept export, or an attachment that came with it, is not in the files location any more."""
    wanted = imports.files_of(archive, record)
    return bool(wanted) and not wanted <= files.there(archive)


class Keeper:
    """Hashes an export, and keeps it, on a thread of its own: both wait for the disk while conversations are read."""

    def __init__(self, archive: Archive, path: Path, *, keep: bool, without: Collection[str] = ()) -> None:
        """`without`: files of a folder that an earlier import kept as they are."""
        self._archive = archive
        self._path = path
        self._keep = keep
        self._without = without
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
            _pack(self._path, packed, self._without)
            return self._store_file(packed)

    def _store_file(self, file: Path) -> str:
        if not self._keep:
            return files.hash_file(file)
        return files.put_file(self._archive, file, kind=files.EXPORT, name=self._path.name)


def _pack(folder: Path, target: Path, without: Collection[str]) -> None:
    """A zip that is the same for the same files, whenever it is made."""
    whole = folder.absolute()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as packed:
        for file, _ in files_at(whole):
            if (name := name_in(whole, file)) not in without:
                inside = zipfile.ZipInfo(name, _LONG_AGO)
                with Path(file).open("rb") as source, packed.open(inside, "w", force_zip64=True) as out:
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
