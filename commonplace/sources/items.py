"""The items of an export's JSON files, one by one: skipped, read, or told as a defect; none ends the others."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from hashlib import blake2b
from itertools import islice
from typing import Any, TypeVar

import msgspec

from commonplace.errors import Defect
from commonplace.model import Conversation
from commonplace.sources.containers import Unreadable
from commonplace.sources.contents import Contents
from commonplace.sources.contract import Item, Known, NotAConversation, Skipped
from commonplace.sources.decoding import Undecodable, decode
from commonplace.sources.splitting import UNDER, Buffer, Flaw, split, without_bom

Each = TypeVar("Each")

_CHUNK = 256
_MAX_BYTES = 100_000_000
_MAX_VALUES = 1_000_000
"""A hundred times what the longest conversations hold. Decoded, each takes a hundred bytes and more."""
_FEW_BYTES = 8_000_000
_THOUSAND_VALUES = re.compile(rb'(?:(?:[^",{\[]++|"(?:[^"\\]++|\\.)*+")*+[,{\[]){1000}', re.DOTALL)
"""Roughly: what opens a value or stands between two."""


Split = Callable[[memoryview], Iterable[memoryview | Flaw]]


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
    under: str | None = None
    """The key of the object around a list, where the file's beginning does not tell it."""
    is_whole: bool = False
    """Whether each file is one item, whatever is in it."""
    decode: Callable[[memoryview], Any] = decode
    """An item's bytes as a value. Raises `Undecodable`."""
    split: Split | None = None
    """How a file that is no JSON is cut into items."""
    wholes: dict[str, bytes] = {}
    """Filled with the digest of each file that is one item."""

    def conversations(self, contents: Contents, members: Iterable[str], known: Known | None) -> Iterator[Item]:
        """Every item of these members, in their order."""
        for some in _batches(members):
            unchanged = {name: contents.unchanged[name].digest for name in some if name in contents.unchanged}
            skipped = known(list(unchanged.values())) if known and unchanged else frozenset()
            for member in some:
                if unchanged.get(member) in skipped:
                    yield Skipped(unchanged[member])
                else:
                    yield from self._of_member(contents, member, known)

    def _of_member(self, contents: Contents, member: str, known: Known | None) -> Iterator[Item]:
        try:
            data = contents.load(member)
        except Unreadable as exc:
            yield Defect(member, "", str(exc))
        else:
            yield from self.items_of(member, self._pieces(contents, member, data), known)

    def _pieces(self, contents: Contents, member: str, data: Buffer) -> Iterable[memoryview | Flaw]:
        if self.split is not None:
            return self.split(without_bom(data))
        if self.is_whole:
            return [without_bom(data)]
        return split(data, self.under or contents.head(member).under or UNDER)

    def items_of(self, member: str, pieces: Iterable[memoryview | Flaw], known: Known | None) -> Iterator[Item]:
        """Every item of a file that is cut already."""
        for chunk in _batches(enumerate(pieces)):
            items = [(index, piece, self._digest(piece)) for index, piece in chunk if isinstance(piece, memoryview)]
            skipped = known([digest for _, _, digest in items]) if known and items else frozenset()
            for index, piece, digest in items:
                item = Skipped(digest) if digest in skipped else self._read(member, index, piece, digest)
                if self.is_whole and not isinstance(item, Defect):
                    self.wholes[member] = digest
                yield item
            flaws = [piece for _, piece in chunk if isinstance(piece, Flaw)]
            yield from (Defect(member, f"#{flaw.index}", flaw.reason) for flaw in flaws)

    def _read(self, member: str, index: int, piece: memoryview, digest: bytes) -> Conversation | Defect:
        if too_large := _too_large(piece):
            return Defect(member, self._name(index, piece[:_FEW_BYTES]), too_large)
        try:
            conversation = self.read(self.decode(piece))
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


def _batches(them: Iterable[Each]) -> Iterator[list[Each]]:
    waiting = iter(them)
    while some := list(islice(waiting, _CHUNK)):
        yield some


def _too_large(piece: memoryview) -> str | None:
    """Why an item is not decoded: it would not fit into what an import may take."""
    if len(piece) <= _FEW_BYTES:
        return None
    if len(piece) > _MAX_BYTES:
        return f"larger than {_MAX_BYTES:,} bytes, which no conversation is"
    thousands = sum(1 for _ in islice(_THOUSAND_VALUES.finditer(piece), _MAX_VALUES // 1000))
    return f"more than {_MAX_VALUES:,} values, which no conversation has" if thousands == _MAX_VALUES // 1000 else None
