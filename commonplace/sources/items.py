"""The items of an export's JSON files, one by one: skipped, read, or told as a defect; none ends the others."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from hashlib import blake2b
from itertools import islice
from typing import Any, NamedTuple, TypeVar

import msgspec

from commonplace.errors import Defect
from commonplace.model import Conversation
from commonplace.sources.containers import Unreadable
from commonplace.sources.contents import Contents
from commonplace.sources.contract import Item, Known, NotAConversation, Skipped
from commonplace.sources.decoding import FOR_GOOD, TEXT, Undecodable, decode
from commonplace.sources.splitting import UNDER, Flaw, split, without_bom
from commonplace.sources.unfamiliar import name_of

Each = TypeVar("Each")

_CHUNK = 256
_MAX_BYTES = 100_000_000
_MAX_VALUES = 1_000_000
"""A hundred times what the longest conversations hold. Decoded, each takes a hundred bytes and more."""
_FEW_BYTES = 8_000_000
_THOUSAND_VALUES = re.compile(rf'(?:[^",{{\[]*+(?:{TEXT}[^",{{\[]*+){FOR_GOOD}[,{{\[]){{1000}}'.encode(), re.DOTALL)
"""Roughly: what opens a value or stands between two."""


_an_object = msgspec.json.Decoder(dict[str, msgspec.Raw])
_a_list = msgspec.json.Decoder(list[msgspec.Raw])

Split = Callable[[memoryview], Iterable[memoryview | Flaw]]


class Located(NamedTuple):
    """An item's bytes, and where they stand."""

    member: str
    place: int
    piece: memoryview
    is_all: bool
    """Whether the file holds nothing else."""


Cut = Located | Defect


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
    beside: dict[str, int] = {}
    """Filled with the other lists that the objects around the items hold, and how many things are in each."""

    def conversations(self, contents: Contents, members: Iterable[str], known: Known | None) -> Iterator[Item]:
        """Every item of these members, in their order; of some hundred files, those that are unchanged come first."""
        for some in _batches(members):
            unchanged = {name: contents.unchanged[name].digest for name in some if name in contents.unchanged}
            skipped = known(list(unchanged.values())) if known and unchanged else frozenset()
            yield from (Skipped(digest) for digest in unchanged.values() if digest in skipped)
            to_open = [name for name in some if unchanged.get(name) not in skipped]
            for light in _light(to_open, contents.members):
                yield from self._items((cut for name in light for cut in self._cut(contents, name)), known)

    def items_of(self, member: str, pieces: Iterable[memoryview | Flaw], known: Known | None) -> Iterator[Item]:
        """Every item of a file that is cut already."""
        return self._items(_located(member, pieces), known)

    def _cut(self, contents: Contents, member: str) -> Iterable[Cut]:
        try:
            data = without_bom(contents.load(member))
        except Unreadable as exc:
            return [Defect(member, "", str(exc))]
        under = self.under or contents.head(member).under
        pieces: Iterable[memoryview | Flaw] = [data]
        if self.split is not None:
            pieces = self.split(data)
        elif not self.is_whole:
            pieces = split(data, under or UNDER)
        if not self.is_whole:
            self.beside.update((f"{member}: {key}", size) for key, size in _lists_beside(data, under))
        return _located(member, pieces, size=len(data))

    def _items(self, found: Iterable[Cut], known: Known | None) -> Iterator[Item]:
        for chunk in _batches(found):
            digests = [b"" if isinstance(cut, Defect) else self._digest(cut.piece) for cut in chunk]
            skipped = known(list(filter(None, digests))) if known and any(digests) else frozenset()
            for cut, digest in zip(chunk, digests, strict=True):
                if isinstance(cut, Defect):
                    yield cut
                    continue
                item = Skipped(digest) if digest in skipped else self._read(cut.member, cut.place, cut.piece, digest)
                if cut.is_all and not isinstance(item, Defect):
                    self.wholes[cut.member] = digest
                yield item

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


def _located(member: str, pieces: Iterable[memoryview | Flaw], size: int | None = None) -> Iterator[Cut]:
    for index, piece in enumerate(pieces):
        if isinstance(piece, Flaw):
            yield Defect(member, f"#{piece.index}", piece.reason)
        else:
            yield Located(member, index, piece, len(piece) == size)


def _lists_beside(data: memoryview, under: str | None) -> Iterator[tuple[str, int]]:
    if under is None:
        return
    with suppress(msgspec.DecodeError, RecursionError):
        found = _an_object.decode(data)
        for key, told in found.items():
            is_other = under in found and key != under and bytes(memoryview(told)[:1]) == b"["
            if is_other and (size := len(_a_list.decode(told))):
                yield name_of(key), size


def _light(members: Iterable[str], sizes: Mapping[str, int]) -> Iterator[list[str]]:
    """Files that are asked about together: so many as fit into memory together, or one that is large."""
    some: list[str] = []
    for name in members:
        if some and sum(map(sizes.__getitem__, some)) + sizes[name] > _FEW_BYTES:
            yield some
            some = []
        some.append(name)
    if some:
        yield some


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
