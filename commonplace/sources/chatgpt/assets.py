"""Which file a pointer means: its real name, its type, and where its bytes are in the export.

Messages name files in several ways: `file-service://file-AbC`, `sediment://file_00ab#frame`, bare ids. Members are
named after the ids (`file_00ab.dat`, `file-AbC-photo.png`), and two lists give the real names and the messages they
belong to.
"""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

import msgspec

from commonplace.sources.fields import count, first_text, text
from commonplace.sources.file_types import type_by_magic

ASSET_NAME = re.compile(r"(file[-_][A-Za-z0-9]{8,})(?:([-.#].*)|$)", re.DOTALL)
ASSET_IN_BYTES = re.compile(rb"file[-_][A-Za-z0-9]{8,}")
_MOST_KEPT = 100_000
_UNSAFE_IN_ID = re.compile(r"[^\w.-]+")


class Asset(msgspec.Struct, frozen=True, kw_only=True):
    """What the export's lists and members tell of one file."""

    id: str
    name: str | None = None
    mime_type: str | None = None
    size: int | None = None
    member: str | None = None


def asset_id(pointer: object) -> str | None:
    """The bare id in a pointer: without scheme, fragment and `.dat`; None if there is none."""
    if not isinstance(pointer, str):
        return None
    bare = pointer.split("://", 1)[-1].split("#", 1)[0].split("?", 1)[0].strip().removesuffix(".dat")
    return _UNSAFE_IN_ID.sub("_", bare) or None


class Assets:
    """The files of one export, found by id, by message or by name."""

    def __init__(
        self,
        members: Iterable[str] = (),
        *,
        names: Mapping[str, str] | None = None,
        library: Iterable[dict[str, Any]] = (),
        first_bytes: Callable[[str], bytes] = lambda _: b"",
    ) -> None:
        self._first_bytes = first_bytes
        self._members: dict[str, str] = {}
        self._names = {key: name for base, name in (names or {}).items() if (key := asset_id(base))}
        self._library: dict[str, dict[str, Any]] = {}
        self._of_message: dict[str, list[str]] = {}
        self._of_thread: dict[str, list[str]] = {}
        self._described: dict[str, Asset] = {}
        self._linked: set[str] = set()
        self.lacking: dict[str, None] = {}
        """What messages point to without its being there: the first of it, in their order."""
        for member in members:
            self._add_member(member)
        for record in library:
            self._add_record(record)

    def __bool__(self) -> bool:
        return bool(self._members or self._names or self._library)

    def _add_member(self, member: str) -> None:
        base = PurePosixPath(member).name
        self._members.setdefault(PurePosixPath(base).stem, member)
        prefixed = ASSET_NAME.match(base)
        if prefixed:
            self._members.setdefault(prefixed[1], member)

    def _add_record(self, record: dict[str, Any]) -> None:
        key = asset_id(record.get("file_id") or record.get("id"))
        if key is None:
            return
        self._library[key] = record
        for holder, index in (
            (record.get("origination_message_id"), self._of_message),
            (record.get("origination_thread_id"), self._of_thread),
        ):
            if isinstance(holder, str) and key not in index.setdefault(holder, []):
                index[holder].append(key)

    def link(self, files: Mapping[str, str]) -> None:
        """Pointers whose files were found otherwise than by their names."""
        for pointer, member in files.items():
            if key := asset_id(pointer):
                self._members.setdefault(key, member)
                self._linked.add(member)

    def is_asset(self, member: str) -> bool:
        """Whether a member is one of the files that messages point to, rather than a file nobody knows."""
        base = PurePosixPath(member).name
        stem = PurePosixPath(base).stem
        is_named = ASSET_NAME.match(base) is not None or stem in self._names or stem in self._library
        return is_named or member in self._linked

    def of_message(self, message_id: str) -> list[str]:
        return self._of_message.get(message_id, [])

    def named(self, name: str, message_id: str, conversation_id: str) -> str | None:
        """The file of that name that came with a message, else with its conversation: `sandbox:` links name files."""
        keys: list[str] = [*self.of_message(message_id), *self._of_thread.get(conversation_id, ())]
        for key in keys:
            if self.describe(key).name == name:
                return key
        return None

    def describe(self, key: str) -> Asset:
        found = self._described.get(key)
        if found is None:
            found = self._describe(key)
            if found.member or len(self._described) < _MOST_KEPT:
                self._described[key] = found
        return found

    def shown(self, key: str) -> Asset:
        """`describe`, for what a message shows: it is noted where its bytes are not there."""
        found = self.describe(key)
        if found.member is None and len(self.lacking) < _MOST_KEPT:
            self.lacking[key] = None
        return found

    def unclaimed(self) -> list[str]:
        """The files that nothing asked for so far."""
        claimed = {asset.member for asset in self._described.values()}
        return [name for name in dict.fromkeys(self._members.values()) if name not in claimed and self.is_asset(name)]

    def _describe(self, key: str) -> Asset:
        record = self._library.get(key, {})
        member = self._members.get(key)
        name = self._names.get(key) or first_text(record, "file_name") or _name_in_member(member)
        mime_type = first_text(record, "mime_type") or (mimetypes.guess_type(name)[0] if name else None)
        if member and mime_type is None:
            mime_type = type_by_magic(self._first_bytes(member))
        size = count(record.get("file_size_bytes"))
        return Asset(id=key, name=name, mime_type=mime_type, size=size, member=member)

    def mentions(self, item: bytes, conversation_id: str | None) -> Iterator[bytes]:
        """All that the lists and members add to one conversation's own bytes, in a fixed order."""
        ids: set[str] = set()
        if any(hint in item for hint in (b"asset_pointer", b'"attachments"', b"image_url")):
            ids.update(match.decode() for match in ASSET_IN_BYTES.findall(item))
        ids.update(self._of_thread.get(conversation_id or "", ()))
        for key in sorted(ids):
            asset = self.describe(key)
            if asset.name or asset.member:
                yield f"{key}\0{asset.name}\0{asset.member}\n".encode("utf-8", "replace")


def _name_in_member(member: str | None) -> str | None:
    """The original name at the end of `file-AbC-photo.png`; a `.dat` or a bare id has none."""
    if member is None:
        return None
    base = PurePosixPath(member).name
    prefixed = ASSET_NAME.match(base)
    if prefixed is None:
        return None if base.endswith(".dat") else base
    rest = prefixed[2] or ""
    if rest.startswith("-") and PurePosixPath(rest).stem not in ("-", "-sanitized"):
        return text(rest[1:])
    return None if rest in ("", ".dat") else base
