"""The items of an export's JSON files, one by one: skipped, read, or told as a defect; none ends the others."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from hashlib import blake2b
from itertools import islice
from typing import Any

import msgspec

from commonplace.errors import Defect
from commonplace.model import Conversation
from commonplace.sources.containers import Unreadable
from commonplace.sources.contents import Contents
from commonplace.sources.contract import Item, Known, NotAConversation, Skipped
from commonplace.sources.decoding import Undecodable, decode
from commonplace.sources.splitting import UNDER, Flaw, split

_CHUNK = 256
_MAX_ITEM = 500_000_000


def _nothing(_: memoryview) -> Iterable[bytes]:
    return ()


class ItemReader(msgspec.Struct, frozen=True, kw_only=True):
    """What is particular to a source whose conversations are items of lists."""

    version: str
    read: Callable[[Any], Conversation]
    """The conversation in a decoded item. Raises `NotAConversation`."""
    identity: re.Pattern[bytes]
    """Finds an item's id in its bytes, so that a defect can name it."""
    told_elsewhere: Callable[[memoryview], Iterable[bytes]] = _nothing
    """What other files of the export add to an item, in a fixed order: it is part of the item's digest."""

    def conversations(self, contents: Contents, members: Iterable[str], known: Known | None) -> Iterator[Item]:
        """Every item of these members, in their order."""
        for member in members:
            try:
                data = contents.load(member)
            except Unreadable as exc:
                yield Defect(member, "", str(exc))
                continue
            yield from self._items_of(member, iter(split(data, contents.head(member).under or UNDER)), known)

    def _items_of(self, member: str, pieces: Iterator[memoryview | Flaw], known: Known | None) -> Iterator[Item]:
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
            conversation = self.read(decode(piece))
        except (Undecodable, NotAConversation) as exc:
            return Defect(member, self._name(index, piece), str(exc))
        except Exception as exc:  # a record that we did not foresee must not end an import; its text stays out
            return Defect(member, self._name(index, piece), f"could not be read ({type(exc).__name__})")
        conversation.item_digest = digest
        return conversation

    def _digest(self, piece: memoryview) -> bytes:
        state = blake2b(piece, digest_size=16, person=self.version.encode())
        for told in self.told_elsewhere(piece):
            state.update(told)
        return state.digest()

    def _name(self, index: int, piece: memoryview) -> str:
        found = self.identity.search(piece)
        return f"#{index} {found[1].decode('utf-8', 'replace')}" if found else f"#{index}"
