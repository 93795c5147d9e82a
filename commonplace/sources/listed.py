"""Sources whose conversations are the items of files that look like theirs: which is nearly every one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import PurePosixPath
from typing import Any, BinaryIO

import msgspec

from commonplace.errors import LeftOut, first_of
from commonplace.model import Conversation
from commonplace.sources.contents import Contents
from commonplace.sources.contract import ANOTHER_PART, Item, Known, NotAConversation, Skipped, Sure
from commonplace.sources.decoding import decode
from commonplace.sources.items import ItemReader, Split
from commonplace.sources.linked import last_of
from commonplace.sources.shapes import whose
from commonplace.sources.turns import Around

_OF_DATA = frozenset({".json", ".jsonl", ".ndjson", ".csv", ".html", ".txt"})

_NOTHING = (b"[]", b"{}", b"null")

Read = Callable[[Any, Around], Conversation]
"""The conversation in a decoded item. Raises `NotAConversation`."""


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """Items of one kind, and how one of them is read."""

    read: Read
    identity: re.Pattern[bytes]
    under: str | None = None
    is_whole: bool = False
    """Whether each file is one item."""
    decode: Callable[[memoryview], Any] = decode
    split: Split | None = None
    """How a file that is no JSON is cut into items."""

    def reader(self, version: str, around: Around, wholes: dict[str, bytes], beside: dict[str, int]) -> ItemReader:
        return ItemReader(
            version=version,
            wholes=wholes,
            beside=beside,
            read=lambda item: self.read(item, around),
            identity=self.identity,
            under=self.under,
            is_whole=self.is_whole,
            decode=self.decode,
            split=self.split,
        )


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """See `sources.contract.Source`."""

    name: str
    title: str
    reader_version: str
    kind: Kind
    others: Callable[[PurePosixPath], Kind | None] = lambda path: None
    """How a file of other things that are words is read."""
    tells: frozenset[str] = frozenset()
    """Files that tell of the account, and of no conversation."""

    def detect(self, contents: Contents) -> Sure:
        if any(contents.head(name).owner == self.title for name in contents.members):
            return Sure.CERTAIN
        return Sure.PERHAPS if self.title in contents.whose_names else Sure.NO

    def open(self, contents: Contents) -> ListedExport:
        return ListedExport(self, contents)


class ListedExport:
    """See `sources.contract.Export`."""

    def __init__(self, source: Listed, contents: Contents) -> None:
        self.source = source.name
        self.title = source.title
        self.reader_version = source.reader_version
        self.members = contents.members
        self._contents = contents
        self._around = Around(files={_known_as(name): name for name in contents.members})
        self.unfamiliar = self._around.unfamiliar
        self.wholes: dict[str, bytes] = {}
        self._to_read: list[tuple[Kind, str]] = []
        self._unread: list[str] = []
        self._has_skipped = False
        self._beside: dict[str, int] = {}
        for name in sorted(contents.members):
            is_its = contents.head(name).owner == source.title
            kind = source.kind if is_its else source.others(PurePosixPath(name))
            if kind is not None:
                self._to_read.append((kind, name))
            elif last_of(name) not in source.tells and contents.members[name]:
                self._unread.append(name)

    @property
    def left_out(self) -> list[LeftOut]:
        around, contents = self._around, self._contents
        unread = (LeftOut(name, self._why_not_read(name)) for name in self._unread if not self._is_shown(name))
        lacking = (LeftOut(name, "named by a message, but not in the export") for name in around.lacking)
        parts = (LeftOut(name, ANOTHER_PART) for name in contents.lacking_parts)
        beside = (LeftOut(f"{name} ({size})", "not read by this version") for name, size in self._beside.items())
        return first_of([*parts, *contents.left_out, *unread, *beside, *lacking])

    def conversations(self, known: Known | None = None) -> Iterator[Item]:
        for kind, names in _runs(self._to_read):
            reader = kind.reader(self.reader_version, self._around, self.wholes, self._beside)
            yield from self._watched(reader.conversations(self._contents, names, known))

    def _watched(self, items: Iterable[Item]) -> Iterator[Item]:
        for item in items:
            self._has_skipped = self._has_skipped or isinstance(item, Skipped)
            yield item

    def _why_not_read(self, name: str) -> str:
        start = self._contents.start(name)
        if not start:
            return "it cannot be read"
        if start.strip() in _NOTHING:
            return "there is nothing in it"
        owner = self._contents.head(name).owner
        return f"conversations of {owner}" if owner else "not read by this version"

    def _is_shown(self, name: str) -> bool:
        """Whether a message shows it, or one that was skipped may."""
        return name in self._around.shown or (self._has_skipped and PurePosixPath(name).suffix not in _OF_DATA)

    def open_member(self, name: str) -> BinaryIO:
        return self._contents.open_member(name)


def _known_as(name: str) -> str:
    """By what a message names a file: its name, or that of the folder that holds nothing else."""
    return last_of(name.removesuffix("/content"))


def _runs(files: Iterable[tuple[Kind, str]]) -> Iterator[tuple[Kind, list[str]]]:
    """Files of the same kind together: what is known is asked for once for many of them."""
    by_kind: dict[int, tuple[Kind, list[str]]] = {}
    for kind, name in files:
        by_kind.setdefault(id(kind), (kind, []))[1].append(name)
    yield from by_kind.values()


def an_object(item: object, title: str) -> dict[str, Any]:
    """`item`, if it may be a conversation of the source that is called so."""
    if not isinstance(item, dict):
        raise NotAConversation("not an object")
    owner = whose(item)
    if owner not in (None, title):
        raise NotAConversation(f"a {owner} conversation, not one of {title}")
    return item
