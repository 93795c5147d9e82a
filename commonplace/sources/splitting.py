"""A JSON file of conversations, cut into the bytes of one conversation each, without decoding them.

msgspec does this at the speed of a scan, but refuses the whole file for one lone surrogate, a NaN, deep nesting or a
missing end. Then our own splitter takes over. It follows strings and brackets only, so it finds the items of any valid
JSON and all complete items of a file that is cut off. Nothing here holds more than the buffer it is given.
"""

from __future__ import annotations

import mmap
import re
from collections.abc import Iterable, Iterator

import msgspec

Buffer = bytes | bytearray | mmap.mmap | memoryview

BOM = b"\xef\xbb\xbf"
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_TO_BRACKET = re.compile(rb'(?:[^"\[\]{}]++|"(?:[^"\\]++|\\.)*+")*+([\[\]{}"]?)', re.DOTALL)
_STRING_OR_BRACKET = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[\[\]{}"]', re.DOTALL)
_SCALAR = re.compile(rb"[^,\[\]{}\"\s]++")
_BLANK = re.compile(rb"[\s,:]*+")
_PADDING = re.compile(rb"[\s\0]*+")

_raw_list = msgspec.json.Decoder(list[msgspec.Raw])


class Flaw(msgspec.Struct, frozen=True):
    """A place where a file does not hold what it should: how many items came before it, and what is wrong."""

    index: int
    reason: str


class _Wrapped(msgspec.Struct):
    conversations: list[msgspec.Raw] | msgspec.UnsetType = msgspec.UNSET


_raw_object = msgspec.json.Decoder(_Wrapped)


def split(data: Buffer) -> Iterable[memoryview | Flaw]:
    """The bytes of each item of a list, of the list under `conversations`, or of a lone object."""
    view = without_bom(data)
    try:
        return _split_fast(view)
    except (msgspec.DecodeError, RecursionError):
        return split_tolerantly(view)


def without_bom(data: Buffer) -> memoryview:
    view = memoryview(data)
    return view[len(BOM) :] if view[: len(BOM)] == BOM else view


def _split_fast(view: memoryview) -> Iterable[memoryview]:
    start = _skip(_PADDING, view, 0)
    if bytes(view[start : start + 1]) != b"{":
        return map(memoryview, _raw_list.decode(view))
    wrapped = _raw_object.decode(view)
    if wrapped.conversations is msgspec.UNSET:
        return [view]
    return map(memoryview, wrapped.conversations)


def split_tolerantly(view: memoryview) -> Iterator[memoryview | Flaw]:
    """What `split` does, for files that strict parsers refuse."""
    start = _skip(_PADDING, view, 0)
    opening = bytes(view[start : start + 1])
    if opening == b"[":
        yield from _items(view, start)
    elif opening == b"{":
        listed = _value_of(view, start, b"conversations")
        if listed is not None and bytes(view[listed : listed + 1]) == b"[":
            yield from _items(view, listed)
        else:
            end = _end_of_value(view, start)
            yield Flaw(0, "the file ends inside this item") if end is None else view[start:end]
    else:
        yield Flaw(0, "the file is empty" if not opening else "this is not JSON")


def _items(view: memoryview, start: int) -> Iterator[memoryview | Flaw]:
    """The items of the list that opens at `start`; a flaw for what is cut off or follows the outermost end."""
    position = start + 1
    index = 0
    while True:
        position = _skip(_BLANK, view, position)
        if position >= len(view):
            yield Flaw(index, "the file ends before the list of conversations does")
            return
        if view[position] == 0x5D:  # ]
            break
        end = _end_of_value(view, position)
        if end is None:
            yield Flaw(index, "the file ends inside this item")
            return
        yield view[position:end]
        position, index = end, index + 1
    if view[_skip(_PADDING, view, 0)] == 0x5B and _skip(_PADDING, view, position + 1) < len(view):
        yield Flaw(index, "something follows the end of the list of conversations")


def _end_of_value(view: memoryview, start: int) -> int | None:
    """Where the value that begins at `start` ends, or None if the file ends first."""
    first = view[start]
    if first == 0x22:  # "
        string = _STRING.match(view, start)
        return string.end() if string else None
    if first not in b"[{":
        scalar = _SCALAR.match(view, start)
        return scalar.end() if scalar else start + 1
    depth = 0
    for match in _TO_BRACKET.finditer(view, start):
        token = match[1]
        if not token or token == b'"':
            return None
        depth += 1 if token in b"[{" else -1
        if depth == 0:
            return match.end()
    return None


def _value_of(view: memoryview, start: int, wanted: bytes) -> int | None:
    """Where the value of the key `wanted` begins in the object that opens at `start`."""
    position = start + 1
    while True:
        position = _skip(_BLANK, view, position)
        key = _STRING.match(view, position)
        if key is None:
            return None
        position = _skip(_BLANK, view, key.end())
        if key[0][1:-1] == wanted:
            return position
        if position >= len(view):
            return None
        end = _end_of_value(view, position)
        if end is None:
            return None
        position = end


def _skip(pattern: re.Pattern[bytes], view: memoryview, position: int) -> int:
    match = pattern.match(view, position)
    return match.end() if match else position


def keys_at_start(prefix: bytes) -> tuple[set[str], set[str]]:
    """The top level's keys and the first items' keys, as far as the first bytes of a file show them.

    Enough to tell whose export it is without reading it: a complete first item, or whatever the prefix holds of it.
    """
    outer: set[str] = set()
    inner: set[str] = set()
    stack: list[bytes] = []
    in_item = b"["
    for match in _STRING_OR_BRACKET.finditer(prefix):
        token = match[0]
        if token in (b"{", b"["):
            stack.append(token)
        elif token in (b"}", b"]"):
            if stack:
                stack.pop()
            if inner and len(stack) <= (1 if in_item == b"[" else 2):
                break
        elif token != b'"' and _is_key(prefix, match.end()):
            name = token[1:-1].decode("utf-8", "replace")
            if stack == [b"{"]:
                outer.add(name)
            elif stack == [b"[", b"{"] or stack == [b"{", b"[", b"{"]:
                in_item = stack[0]
                inner.add(name)
    return outer, inner


def _is_key(prefix: bytes, end: int) -> bool:
    return prefix[end : end + 16].lstrip()[:1] == b":"
