"""What a source is: bytes in, conversations out, and nothing that ends an import halfway."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from enum import IntEnum
from typing import BinaryIO, Protocol

import msgspec

from commonplace.errors import Defect
from commonplace.model import Conversation
from commonplace.sources.contents import Contents


class Skipped(msgspec.Struct, frozen=True):
    """An item that was not decoded, because the caller knows its digest: it was merged before."""

    digest: bytes


Item = Conversation | Defect | Skipped
Known = Callable[[Sequence[bytes]], Set[bytes]]
"""Told some hundred digests, gives back those whose items need not be read again."""


class NotAConversation(ValueError):
    """An item that is no conversation of this source. The message says what it is instead, without quoting it."""


class Sure(IntEnum):
    """How sure a source is that something is one of its exports. The surest one opens it."""

    NO = 0
    PERHAPS = 1
    """A file is named as its are, but holds nothing to go by."""
    LIKELY = 2
    """Conversations of its shape, in files of other names."""
    CERTAIN = 3
    """Conversations of its shape, where its exports have them."""


class Source(Protocol):
    """One assistant's exports. A package with these names is one, and one line of the registry makes it known.

    An assistant that sends conversations one at a time has no files to detect: it builds `Conversation`s of what it
    got, and the import takes them as it takes those of an export.
    """

    name: str
    """The first half of its conversations' identity, as in `chatgpt:6707a308`."""
    title: str
    """What people call it."""
    reader_version: str
    """A reader that would read the same bytes otherwise has another one."""

    def detect(self, contents: Contents) -> Sure:
        """By what the files hold, as far as their beginnings show. Reads no file to its end, raises nothing."""

    def open(self, contents: Contents) -> Export:
        """The export in `contents`, which stay open as long as it is read. Raises `Refused`."""


class Export(Protocol):
    """One export, open for reading."""

    @property
    def source(self) -> str:
        """The name of the source that reads it."""

    @property
    def reader_version(self) -> str:
        """That source's, as part of every item's digest."""

    @property
    def members(self) -> Mapping[str, int]:
        """Every file in it, with the size that is stated for it."""

    @property
    def left_out(self) -> Sequence[str]:
        """What of it is not taken in, by name, with the reason where there is one to tell.

        Files that nobody reads are there from the beginning; complete it is when every conversation was read.
        """

    @property
    def unfamiliar(self) -> Mapping[str, int]:
        """Words and fields that the reader does not know, as `type.key`, and how many of them it met so far."""

    def conversations(self, known: Known | None = None) -> Iterator[Item]:
        """Every item of the export once, in its order: read, defective, or skipped because `known` gave its digest.

        An item's digest covers its bytes, the reader's version, and whatever else of the export tells about it. A bad
        item is a `Defect` that says which one and why, and the next one follows. A conversation without any content
        has `messages == []`. Only what makes all of it unusable is raised, as `Refused`.
        """

    def open_member(self, name: str) -> BinaryIO:
        """The bytes of a file, such as an `Attachment.member`. Reading beyond the limits raises `Refused`."""
