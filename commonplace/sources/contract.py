"""What a source is: bytes in, conversations out, and nothing that ends an import halfway."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence, Set
from enum import IntEnum
from typing import BinaryIO, Protocol

import msgspec

from commonplace.errors import Defect, LeftOut
from commonplace.model import Conversation
from commonplace.sources.contents import Contents

ANOTHER_PART = "another part of this export: import it too"
"""Why a zip that another one lists is left out."""


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
    """One assistant's exports. A package has one as `SOURCE`, and one line of the registry makes it known.

    A device or assistant that sends conversations one at a time has no files to detect: see `Sender`.
    """

    @property
    def name(self) -> str:
        """The first half of its conversations' identity, as in `chatgpt:6707a308`."""

    @property
    def title(self) -> str:
        """What people call it."""

    @property
    def reader_version(self) -> str:
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
    def title(self) -> str:
        """What people call that source."""

    @property
    def reader_version(self) -> str:
        """That source's, as part of every item's digest."""

    @property
    def members(self) -> Mapping[str, int]:
        """Every file in it, with the size that is stated for it."""

    @property
    def left_out(self) -> Sequence[LeftOut]:
        """What of it is not taken in, and why.

        Files that nobody reads are there from the beginning; complete it is when every conversation was read.
        """

    @property
    def unfamiliar(self) -> Mapping[str, int]:
        """Words and fields that the reader does not know, as `type.key`, and how many of them it met so far."""

    @property
    def wholes(self) -> Mapping[str, bytes]:
        """Files that are a single item, with its digest, as far as they were read without a defect."""

    def conversations(self, known: Known | None = None) -> Iterator[Item]:
        """Every item of the export once, in its order: read, defective, or skipped because `known` gave its digest.

        An item's digest covers its bytes, the reader's version, and whatever else of the export tells about it. A bad
        item is a `Defect` that says which one and why, and the next one follows. A conversation without any content
        has `messages == []`. Only what makes all of it unusable is raised, as `Refused`.
        """

    def open_member(self, name: str) -> BinaryIO:
        """The bytes of a file, such as an `Attachment.member`. Reading beyond the limits raises `Refused`."""


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was sent to us, or fetched from an API: as it came, and from whom when."""

    kind: str
    uid: str
    body: bytes
    received_at: int
    session: str = ""


class Received(msgspec.Struct, kw_only=True):
    """What an event says."""

    conversation: Conversation
    files: dict[str, bytes] = {}
    """The bytes of attachments that came with it, by `Attachment.member`."""
    unnamed: frozenset[str] = frozenset()
    """Messages whose ids we made up: told in another way, the same ones may have others."""
    unattributed: frozenset[str] = frozenset()
    """Messages of which it does not say whether the owner spoke."""
    is_withdrawn: bool = False
    """The sender takes it back: it is not taken in, and marked as archived where it was."""


class Sender(Protocol):
    """What sends conversations one at a time, by a webhook or an API. It knows bodies, and nothing of how they came.

    Some kinds of event hold a whole conversation, others a piece of one that is still going on. Pieces wait until the
    whole arrives; when it does not, they are assembled to what there is of it.
    """

    name: str
    title: str
    reader_version: str
    wholes: Collection[str]
    pieces: Collection[str]

    def read(self, event: Event, *, keep_location: bool) -> Received:
        """A whole one. Raises `NotAConversation`."""

    def sittings(self, pieces: Sequence[Event]) -> list[Sequence[Event]]:
        """Pieces of one uid, in the order they came, put together by the conversation that they seem to be of."""

    def assemble(self, pieces: Sequence[Event]) -> Received:
        """What there is of a conversation in its pieces. Raises `NotAConversation`."""

    def covers(self, conversation: Conversation) -> tuple[int, int] | None:
        """Between which moments pieces came that a whole one stands for; None for one that stands for none."""

    def is_assembled(self, conversation_id: str) -> bool:
        """Whether a conversation was made of pieces."""
