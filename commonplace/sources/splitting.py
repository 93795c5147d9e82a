"""A JSON file of conversations, cut into the bytes of one conversation each, without decoding them.

msgspec does this at the speed of a scan, but refuses the whole file for one lone surrogate, a NaN, deep nesting or a
missing end. Then our own splitter takes over. It follows strings and brackets only, so it finds the items of any valid
JSON and all complete items of a file that is cut off. Nothing here holds more than the buffer it is given.

What counts as an item: those of a list, those of a list under a key of the object around it, an object by itself, and
objects that follow one another (JSON Lines), of which a damaged line costs no other.
"""

from __future__ import annotations

import mmap
import re
from collections.abc import Generator, Iterable, Iterator
from functools import cache
from typing import Any

import msgspec

from commonplace.sources.decoding import FOR_GOOD, PLAIN, TEXT, TO_BRACKET

Buffer = bytes | bytearray | mmap.mmap | memoryview

UNDER = "conversations"
"""The usual key."""

BOM = b"\xef\xbb\xbf"
_STRING = re.compile(TEXT.encode(), re.DOTALL)
_TO_BRACKET = re.compile(TO_BRACKET.encode(), re.DOTALL)
_KEY_OR_BRACKET = re.compile(
    rf'{PLAIN}(?:{TEXT}(?!\s{{0,16}}+:){PLAIN}){FOR_GOOD}({TEXT}|[\[\]{{}}"]|\Z)'.encode(), re.DOTALL
)
"""The next of them, values left aside; the end, so that nothing is looked at twice."""
_SCALAR = re.compile(rb"[^,\[\]{}\"\s]++")
_BLANK = re.compile(rb"[\s,:]*+")
_PADDING = re.compile(rb"[\s\0]*+")
_LINE = re.compile(rb"\{[^\n]*+(?:(?=\n[ \t}\]])\n[^\n]*+)*+|[^\n]*\S[^\n]*")
"""An object and what is indented below it; else whatever a line holds."""
_REST_OF_LINE_IS_BLANK = re.compile(rb"[ \t\r]*\n\s*\{")

_raw_list = msgspec.json.Decoder(list[msgspec.Raw])


class Flaw(msgspec.Struct, frozen=True):
    """A place where a file does not hold what it should: how many items came before it, and what is wrong."""

    index: int
    reason: str


def split(data: Buffer, under: str = UNDER) -> Iterable[memoryview | Flaw]:
    """The bytes of each item; `under` is the key that holds the list, should there be an object around it."""
    view = without_bom(data)
    try:
        return _split_fast(view, under)
    except (msgspec.DecodeError, RecursionError):
        return split_tolerantly(view, under)


def without_bom(data: Buffer) -> memoryview:
    view = memoryview(data)
    return view[len(BOM) :] if view[: len(BOM)] == BOM else view


def _split_fast(view: memoryview, under: str) -> Iterable[memoryview]:
    if _at(view, _skip(_PADDING, view, 0)) != b"{":
        return map(memoryview, _raw_list.decode(view))
    items = _raw_object(under).decode(view).items
    return [view] if items is msgspec.UNSET else map(memoryview, items)


@cache
def _raw_object(under: str) -> msgspec.json.Decoder[Any]:
    """Decodes an object as far as the list under one of its keys."""
    field = ("items", list[msgspec.Raw] | msgspec.UnsetType, msgspec.UNSET)
    return msgspec.json.Decoder(msgspec.defstruct("Wrapped", [field], rename={"items": under}))


def split_tolerantly(view: memoryview, under: str = UNDER) -> Iterator[memoryview | Flaw]:
    """What `split` does, for files that strict parsers refuse: on and on while values follow."""
    position = _skip(_PADDING, view, 0)
    if position == len(view):
        yield Flaw(0, "the file is empty")
    elif _is_lines(view, position, under):
        yield from (view[slice(*line.span())] for line in _LINE.finditer(view, position))
        return
    index = 0
    while position < len(view):
        opening, end = _at(view, position), None
        listed = _value_of(view, position, under.encode()) if opening == b"{" else None
        if opening == b"[":
            end, index = yield from _items(view, position, index)
        elif listed is not None and _at(view, listed) == b"[":
            end, index = yield from _items(view, listed, index)
            end = end and _end_of_brackets(view, end, depth=1)
        elif opening == b"{":
            end = _end_of_brackets(view, position)
            yield Flaw(index, "the file ends inside this item") if end is None else view[position:end]
            index += 1
        else:
            yield Flaw(index, "something that is no JSON follows" if index else "this is not JSON")
        if end is None:
            return
        position = _skip(_PADDING, view, end)


def _is_lines(view: memoryview, start: int, under: str) -> bool:
    """Whether the first line is a whole object and another one begins on the next."""
    if _at(view, start) != b"{" or _value_of(view, start, under.encode()) is not None:
        return False
    end = _end_of_value(view, start)
    return end is not None and _REST_OF_LINE_IS_BLANK.match(view, end) is not None


def _items(view: memoryview, start: int, index: int) -> Generator[memoryview | Flaw, None, tuple[int | None, int]]:
    """The items of the list that opens at `start`, counted from `index`. Returns where it ends, and the next index.

    What is cut off is a flaw, and ends nowhere.
    """
    position = start + 1
    while True:
        position = _skip(_BLANK, view, position)
        if position >= len(view):
            yield Flaw(index, "the file ends before the list of conversations does")
            return None, index
        if view[position] == 0x5D:  # ]
            return position + 1, index
        end = _end_of_value(view, position)
        if end is None:
            yield Flaw(index, "the file ends inside this item")
            return None, index
        yield view[position:end]
        position, index = end, index + 1


def value_at(view: memoryview, start: int) -> memoryview | None:
    """The bytes of the value that begins at `start`; None if they end before it does."""
    end = _end_of_value(view, start)
    return None if end is None else view[start:end]


def _end_of_value(view: memoryview, start: int) -> int | None:
    """Where the value that begins at `start` ends, or None if the file ends first."""
    first = view[start]
    if first == 0x22:  # "
        string = _STRING.match(view, start)
        return string.end() if string else None
    if first not in b"[{":
        scalar = _SCALAR.match(view, start)
        return scalar.end() if scalar else start + 1
    return _end_of_brackets(view, start)


def _end_of_brackets(view: memoryview, start: int, *, depth: int = 0) -> int | None:
    """Where as many brackets are closed as were opened, `depth` of them before `start`."""
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


def _at(view: memoryview, position: int) -> bytes:
    return bytes(view[position : position + 1])


def _skip(pattern: re.Pattern[bytes], view: memoryview, position: int) -> int:
    match = pattern.match(view, position)
    return match.end() if match else position


class Found(msgspec.Struct):
    """An object that may be an item."""

    under: str | None
    """The key of the object around it that holds the list, if there is one."""
    keys: set[str]
    start: int
    end: int


_AROUND_ITEMS = ([b"[", b"{"], [b"{", b"[", b"{"])


def items_at_start(prefix: bytes) -> Iterator[Found]:
    """The objects among the first bytes of a file that may be its items, each when it ends or the bytes do.

    Enough to tell whose export it is without reading it: complete first items, or whatever the prefix holds of one.
    """
    stack: list[bytes] = []
    open_items: list[tuple[int, Found]] = []
    innermost = 0
    key = under = None
    for match in _KEY_OR_BRACKET.finditer(prefix):
        token = match[1]
        if len(token) > 1:
            if innermost == len(stack) > 0:
                key = token[1:-1].decode("utf-8", "replace")
                open_items[-1][1].keys.add(key)
        elif token == b"{" or token == b"[":
            stack.append(token)
            if stack == [b"{", b"["]:
                under = key
            if token == b"{" and (len(stack) == 1 or stack in _AROUND_ITEMS):
                innermost = len(stack)
                open_items.append(
                    (innermost, Found(under if innermost == 3 else None, set(), match.start(1), len(prefix)))
                )
        elif token == b"}" or token == b"]":
            if token == b"}" and innermost == len(stack) > 0:
                _, found = open_items.pop()
                innermost = open_items[-1][0] if open_items else 0
                found.end = match.end()
                yield found
            if stack:
                stack.pop()
    yield from (found for _, found in reversed(open_items))
