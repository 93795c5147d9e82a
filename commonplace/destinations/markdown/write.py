"""Notes into a folder: created, brought up to date, renamed, never twice, and never over what a person wrote.

Writing a note can be repeated safely, because a note is found by its id. So nothing is announced to the ledger before;
what was written is noted once the whole batch is safe on disk. A kill at any point leaves notes that the next run
finds.
"""

from __future__ import annotations

import errno
import os
import posixpath
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import msgspec

from commonplace.destinations.contract import Capabilities, Document, Edit, Files, Ledger
from commonplace.destinations.markdown import edits, indexes, names, render
from commonplace.destinations.markdown.copies import keep_edited
from commonplace.destinations.markdown.note import Note, compose, read_note
from commonplace.destinations.markdown.settings import RENDERER_VERSION, MarkdownSettings
from commonplace.destinations.markdown.vault import Vault, vault_at
from commonplace.errors import Halt
from commonplace.model import Attachment, LedgerEntry, Outcome
from commonplace.moments import zone_named

CONFLICT = "A person changed the text between our marks: their version is kept beside it as an edited copy."
_HALTING = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.ENODEV, errno.ESTALE, errno.EMFILE}


class _Settled(msgspec.Struct, frozen=True):
    """What the ledger is told of a document once the batch is safe on disk."""

    document: Document
    detail: Mapping[str, Any]
    is_conflict: bool = False


class MarkdownDestination:
    """A folder of notes. `files` gives the bytes of attachments."""

    capabilities = Capabilities(renderer_version=RENDERER_VERSION, supports_pull=True)

    def __init__(self, settings: MarkdownSettings, files: Files | None = None) -> None:
        root = Path(settings.folder).expanduser().absolute()
        self.instance = f"markdown:{root}"
        self.settings_hash = settings.written_hash
        self.requests_sent = 0
        self.location = str(root)
        self._settings = settings
        self._zone = zone_named(settings.timezone)
        self._files = files
        self._vault: Vault = vault_at(root, shared=settings.shared)

    def check(self, ledger: Ledger) -> list[str]:
        """What stands in the way of writing to the folder; nothing is written."""
        problem = obstacle(self._vault.root)
        return [problem] if problem else []

    def write(self, batch: Sequence[Document], ledger: Ledger) -> list[Outcome]:
        """Bring every document of the batch into the folder."""
        self._require_folder(ledger)
        entries = ledger.get([document.conversation.id for document in batch])
        settled: list[_Settled] = []
        try:
            return [self._write(document, entries.get(document.conversation.id), ledger, settled) for document in batch]
        finally:
            self._vault.sync()
            for one in settled:
                self._tell(ledger, one)

    def pull(self, ledger: Ledger, since: int | None) -> Iterator[Edit]:
        """What people changed in the notes' properties; which files to read, their own times tell."""
        if not self._vault.root.is_dir():
            return iter(())
        return edits.pull(self._vault, ledger)

    def finish(self, outcomes: Sequence[Outcome], ledger: Ledger) -> list[Outcome]:
        """Bring the pages of projects and categories up to date."""
        if not self._vault.root.is_dir():
            return []
        ledger.check()
        try:
            self.requests_sent += indexes.write_all(self._vault, ledger)
        except OSError as exc:
            raise self._halt(exc) from exc
        finally:
            self._vault.sync()
        return []

    def estimate(self, new: int, pending: int) -> str:
        return f"{pending} notes, {new} of them new"

    def close(self) -> None:
        """Nothing is kept open."""

    def _require_folder(self, ledger: Ledger) -> None:
        """A folder that was written to and is gone is more likely a disk that is not mounted."""
        root = self._vault.root
        if root.is_dir():
            return
        if next(iter(ledger.remote_ids()), None) is not None:
            raise Halt(
                f"The folder {root} is not there any more.",
                hint="Mount its disk, or create it empty to have everything written again with --force.",
            )
        try:
            self._vault.make_folder(root)
        except OSError as exc:
            raise self._halt(exc) from exc

    def _write(self, document: Document, entry: LedgerEntry | None, ledger: Ledger, settled: list[_Settled]) -> Outcome:
        ledger.check()
        try:
            try:
                return self._bring(document, entry, ledger, settled)
            except FileNotFoundError:  # moved by a person since we looked
                self._vault.look_again()
                return self._bring(document, entry, ledger, settled)
        except OSError as exc:
            if exc.errno in _HALTING or not self._vault.root.is_dir():
                raise self._halt(exc) from exc
            reason = f"The note could not be written: {exc.strerror or type(exc).__name__}."
            ledger.fail(document.conversation.id, document.input_hash, reason)
            return Outcome(conversation_id=document.conversation.id, state="failed", reason=reason)

    def _bring(self, document: Document, entry: LedgerEntry | None, ledger: Ledger, settled: list[_Settled]) -> Outcome:
        """Write one note; what the ledger is to be told goes onto `settled`."""
        id = document.conversation.id
        recorded = dict(entry.detail) if entry else {}
        path = self._vault.find(id, preferred=recorded.get("path"))
        if path is None:
            if entry and entry.remote_id and entry.state != "intent" and self._settings.on_deleted == "skip":
                settled.append(_Settled(document, recorded))
                return Outcome(conversation_id=id, state="skipped", remote_id=id, reason="A person deleted its note.")
            path = self._create(document)
            settled.append(_Settled(document, self._detail(document, path, recorded)))
            return Outcome(conversation_id=id, state="created", remote_id=id)
        stamp = self._vault.stamp(path)
        text = self._vault.read(path)
        note = read_note(text)
        is_conflict = note.is_edited
        if is_conflict:
            self.requests_sent += keep_edited(self._vault, id, path, text)
            ledger.intend(id, document.input_hash, {**recorded, "conflict": True})
        elif entry and entry.state == "intent":
            is_conflict = bool(recorded.get("conflict"))  # killed after it was replaced, before it was reported
        moved, changed = self._update(document, note, text, path)
        detail = self._detail(document, moved, recorded)
        settled.append(_Settled(document, detail if changed else {**detail, edits.STAMP: stamp}, is_conflict))
        if is_conflict:
            return Outcome(conversation_id=id, state="conflict", remote_id=id, reason=CONFLICT)
        return Outcome(conversation_id=id, state="updated" if changed else "unchanged", remote_id=id)

    def _create(self, document: Document) -> str:
        wanted = self._wanted(document)
        path = self._vault.create(
            document.conversation.id,
            self._compose(document, None, wanted[0], wanted),
            _candidates(*wanted, document.conversation.id),
        )
        self.requests_sent += 1
        return path

    def _update(self, document: Document, note: Note, text: str, path: str) -> tuple[str, bool]:
        """Where the note is now, and whether it changed. A name and a folder that a person chose stay."""
        id = document.conversation.id
        folder, stem = posixpath.dirname(path), posixpath.basename(path)[:-3]
        wanted_folder, wanted_name = wanted = self._wanted(document)
        old_name = stem if note.was_named(stem, names.short_id(id)) else ""
        old_folder = folder if note.was_put_into(folder) else ""
        new_folder, new_name = wanted_folder if old_folder else folder, wanted_name if old_name else stem
        new_text = self._compose(document, note, new_folder, wanted, old_name=old_name, old_folder=old_folder)
        if new_text != text:  # before the rename, so that a note always knows which names were ours
            self._vault.replace(path, new_text)
            self.requests_sent += 1
        moved = self._vault.rename(id, path, _candidates(new_folder, new_name, id))
        return moved, new_text != text or moved != path

    def _wanted(self, document: Document) -> tuple[str, str]:
        """The folder and the name that the note would get if it were new."""
        return (
            render.folder_of(document, self._settings, self._zone),
            render.name_of(document, self._settings, self._zone),
        )

    def _compose(self, document: Document, note: Note | None, folder: str, wanted: tuple[str, str], **old: str) -> str:
        """The whole note, for the folder that it lies in; its attachments are copied on the way."""
        region = render.region_of(
            document, self._settings, folder, self._attach, indexes.finder(self._vault), self._zone
        )
        return compose(
            note,
            render.properties_of(document, self._settings, self._zone),
            region,
            facts=render.FACTS,
            folder=wanted[0],
            name=wanted[1],
            **old,
        )

    def _attach(self, attachment: Attachment) -> str | None:
        source = self._files.path_of(attachment) if self._files else None
        if source is None or attachment.sha256 is None:
            return None
        path = f"{render.ATTACHMENTS}/{names.attachment_name(attachment, attachment.sha256)}"
        self.requests_sent += self._vault.copy_in(source, path)
        return path

    def _detail(self, document: Document, path: str, recorded: Mapping[str, Any]) -> dict[str, Any]:
        """What the pages of projects and categories show, where the note was last, and how we left it."""
        return {
            "path": path,
            "title": render.title_of(document),
            "project": document.project_name,
            "category": document.category,
            "created": document.conversation.created_at or document.conversation.updated_at,
            edits.TAGS: [tag for tag in document.tags if render.tag(tag) != tag],
            edits.STAMP: self._vault.written_stamp(path),
            edits.PULLED: edits.still_refused(recorded, document),
        }

    def _tell(self, ledger: Ledger, one: _Settled) -> None:
        id, input_hash = one.document.conversation.id, one.document.input_hash
        path = one.detail.get("path")
        ledger.done(id, input_hash, id, (self._vault.root / path).as_uri() if path else None, one.detail)
        if one.is_conflict:
            ledger.conflict(id, input_hash, CONFLICT, one.detail)

    def _halt(self, exc: OSError) -> Halt:
        return Halt(
            f"Nothing can be written to {self._vault.root} ({exc.strerror or type(exc).__name__}).",
            hint="Make room or make the folder reachable, then run the sync again: it goes on where it stopped.",
        )


def open_markdown(settings: MarkdownSettings, files: Files | None = None) -> MarkdownDestination:
    """The folder that the settings name. It is made when the first note is written."""
    return MarkdownDestination(settings, files)


def obstacle(root: Path) -> str:
    """What stands in the way of writing to a folder, with what to do; empty if nothing does."""
    if root.exists() and not root.is_dir():
        return f"{root} is a file. Choose another folder for the notes."
    nearest = next(folder for folder in (root, *root.parents) if folder.exists())
    if not os.access(nearest, os.W_OK | os.X_OK):
        return f"{nearest} is not writable. Choose another folder, or change its permissions."
    return ""


def _candidates(folder: str, name: str, id: str) -> Iterator[str]:
    """Paths to try: the name alone, then with what tells the conversation from others of its title."""
    short = names.short_id(id)
    yield f"{folder}/{name}.md".lstrip("/")
    yield f"{folder}/{names.with_suffix(name, short)}.md".lstrip("/")
    for number in count(2):
        yield f"{folder}/{names.with_suffix(name, f'{short} {number}')}.md".lstrip("/")
