"""One ChatGPT export, open for reading: its conversations one by one, its attachments, and what else is in it."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from commonplace.errors import Defect, Refused
from commonplace.model import Conversation
from commonplace.sources.chatgpt.containers import Container, Unreadable, open_container
from commonplace.sources.chatgpt.conversations import NotAConversation, read_conversation
from commonplace.sources.chatgpt.decoding import Undecodable, decode
from commonplace.sources.chatgpt.layout import Layout, survey
from commonplace.sources.chatgpt.limits import Limits
from commonplace.sources.chatgpt.splitting import Flaw, split
from commonplace.sources.contract import Skipped

READER_VERSION = b"chatgpt/1"
"""Part of every item's digest: a reader that would read the same bytes otherwise has another one."""

_CHUNK = 256
_MAX_ITEM = 500_000_000
_CONVERSATION_ID = re.compile(rb'"conversation_id"\s*:\s*"([^"\\]{1,100})"')

Known = Callable[[Sequence[bytes]], Set[bytes]]
Item = tuple[int, memoryview, bytes]


class Export:
    """What `open_export` gives. It reads from its path as long as it is open."""

    def __init__(self, container: Container, layout: Layout) -> None:
        self._container = container
        self._layout = layout
        self.members = container.members
        """Every file in the export, with the size that is stated for it."""
        self.unknown_files = layout.unknown
        """The files that are not read, with the reason where there is one to tell."""
        self.extras: dict[str, Any] = layout.extras
        """What the export says of the account: `user.json`."""

    def conversations(self, known: Known | None = None) -> Iterator[Conversation | Defect | Skipped]:
        """Every item of the export once: read, defective, or skipped because `known` returned its digest.

        `known` is asked with some hundred digests at a time. An item's digest covers its bytes, the version of this
        reader, and the export's other files as far as they tell about it: a newly arrived attachment is a change.
        """
        yield from self._layout.missing
        for member in self._layout.conversations:
            try:
                data = self._container.load(member)
            except Unreadable as exc:
                yield Defect(member, "", str(exc))
                continue
            yield from self._items_of(member, iter(split(data)), known)

    def _items_of(
        self, member: str, pieces: Iterator[memoryview | Flaw], known: Known | None
    ) -> Iterator[Conversation | Defect | Skipped]:
        numbered = enumerate(pieces)
        while chunk := list(islice(numbered, _CHUNK)):
            items = [(index, piece, self._digest(piece)) for index, piece in chunk if isinstance(piece, memoryview)]
            skipped = known([digest for _, _, digest in items]) if known and items else frozenset()
            for index, piece, digest in items:
                yield Skipped(digest) if digest in skipped else self._read(member, index, piece, digest)
            flaws = [piece for _, piece in chunk if isinstance(piece, Flaw)]
            yield from (Defect(member, f"#{flaw.index}", flaw.reason) for flaw in flaws)

    def _read(self, member: str, index: int, piece: memoryview, digest: bytes) -> Conversation | Defect:
        if len(piece) > _MAX_ITEM:
            return Defect(member, f"#{index}", f"larger than {_MAX_ITEM:,} bytes")
        try:
            conversation = read_conversation(decode(piece), self._layout.assets, self._layout.said)
        except (Undecodable, NotAConversation) as exc:
            return Defect(member, _item_name(index, piece), str(exc))
        except Exception as exc:  # a record that we did not foresee must not end an import; its text stays out
            return Defect(member, _item_name(index, piece), f"could not be read ({type(exc).__name__})")
        conversation.item_digest = digest
        return conversation

    def _digest(self, piece: memoryview) -> bytes:
        state = blake2b(piece, digest_size=16, person=READER_VERSION)
        for told in self._told_elsewhere(piece):
            state.update(told)
        return state.digest()

    def _told_elsewhere(self, piece: memoryview) -> Iterable[bytes]:
        """What other files of the export add to this conversation, in a fixed order."""
        assets, said = self._layout.assets, self._layout.said
        if not (assets or said.feedback or said.shared):
            return
        item = bytes(piece)
        found = _CONVERSATION_ID.search(item, max(0, item.rfind(b'"conversation_id"')))
        conversation_id = found[1].decode("utf-8", "replace") if found else ""
        if assets:
            yield from assets.mentions(item, conversation_id)
        for told in (said.feedback.get(conversation_id), said.shared.get(conversation_id)):
            if told:
                yield orjson.dumps(told, option=orjson.OPT_SORT_KEYS)

    def open_member(self, name: str) -> BinaryIO:
        """The bytes of a file, such as an `Attachment.member`. Reading beyond the limits raises `Refused`."""
        if name not in self.members:
            raise Refused(f"There is no {name!r} in the export.")
        try:
            return self._container.open(name)
        except Unreadable as exc:
            raise Refused(f"{name!r} {exc}.") from exc


def _item_name(index: int, piece: memoryview) -> str:
    found = _CONVERSATION_ID.search(piece)
    return f"#{index} {found[1].decode('utf-8', 'replace')}" if found else f"#{index}"


@contextlib.contextmanager
def open_export(path: Path, *, limits: Limits | None = None) -> Iterator[Export]:
    """The export at `path`: a zip, a folder or a json. Raises `Refused` if it is hostile or no ChatGPT export."""
    container = open_container(path, limits or Limits())
    try:
        layout = survey(container)
        if not layout.conversations and not layout.missing:
            raise Refused(f"{path.name!r} holds no ChatGPT conversations{_what_instead(layout)}.", hint=_HINT)
        yield Export(container, layout)
    finally:
        container.close()


_HINT = "Give the zip that ChatGPT sent (Settings, Data controls, Export), its folder or a json of it."


def _what_instead(layout: Layout) -> str:
    return f", but some of {' and '.join(sorted(layout.others))}" if layout.others else ""


def read(path: Path) -> Iterator[Conversation | Defect]:
    """Every conversation of the export at `path`, as `sources.contract.Source` promises."""
    with open_export(path) as export:
        for item in export.conversations():
            if not isinstance(item, Skipped):
                yield item
