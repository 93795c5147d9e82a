"""JSON into Python values, also the JSON that strict parsers refuse.

orjson does nearly all of it. What it refuses is mended and read with the standard library: lone surrogates become
U+FFFD, surrogate pairs that were encoded one by one (CESU-8) are joined, NaN is null, other bytes that are not UTF-8
become U+FFFD, and what is nested deeper than anything a person wrote is kept as the text it is.
"""

from __future__ import annotations

import json
import re
import sys
from typing import Any

import orjson

MAX_DEPTH = 120
_MAX_DIGITS = 300
_CESU_PAIR = re.compile(rb"\xed([\xa0-\xaf])([\x80-\xbf])\xed([\xb0-\xbf])([\x80-\xbf])")
_LONE_SURROGATE = re.compile(rb"\xed[\xa0-\xbf][\x80-\xbf]")
_ESCAPE = re.compile(
    r"\\(?:(?P<pair>u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|(?P<lone>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
FOR_GOOD = "*+" if sys.version_info >= (3, 11, 5) else "*"
"""What is repeated for good takes no memory; before 3.11.5, Python forgets where it was if a round fails half-way."""
TEXT = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
PLAIN = r'[^"\[\]{}]*+'
TO_BRACKET = rf'{PLAIN}(?:{TEXT}{PLAIN}){FOR_GOOD}([\[\]{{}}"]?)'
_TO_BRACKET = re.compile(TO_BRACKET, re.DOTALL)


class Undecodable(ValueError):
    """Not JSON, whatever one does. The message names a place, never the text there."""


def decode(data: bytes | bytearray | memoryview) -> Any:
    """The value that `data` holds; raises `Undecodable`."""
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return _decode_mended(bytes(data))


def _decode_mended(data: bytes) -> Any:
    text = _LONE_SURROGATE.sub(b"\xef\xbf\xbd", _CESU_PAIR.sub(_join, data)).decode("utf-8", "replace")
    text = _ESCAPE.sub(lambda match: "\\ufffd" if match["lone"] else match[0], text.removeprefix("\ufeff"))
    try:
        return json.loads(_flattened(text), strict=False, parse_constant=_nothing, parse_int=_integer)
    except json.JSONDecodeError as exc:
        raise Undecodable(f"not valid JSON: {exc.msg} at character {exc.pos}") from None
    except RecursionError:
        raise Undecodable("not valid JSON: nested too deeply") from None


def _join(match: re.Match[bytes]) -> bytes:
    high_first, high_last, low_first, low_last = (group[0] for group in match.groups())
    high = (high_first & 0x0F) << 6 | high_last & 0x3F
    low = (low_first & 0x0F) << 6 | low_last & 0x3F
    return chr(0x10000 + (high << 10) + low).encode()


def _flattened(text: str) -> str:
    """`text` with every value below `MAX_DEPTH` levels replaced by a string of its own JSON."""
    pieces: list[str] = []
    depth = copied = 0
    for match in _TO_BRACKET.finditer(text):
        bracket = match[1]
        if bracket in ("", '"'):
            break
        if bracket in "[{":
            depth += 1
            if depth == MAX_DEPTH + 1:
                pieces.append(text[copied : match.end() - 1])
                copied = match.end() - 1
        else:
            if depth == MAX_DEPTH + 1:
                pieces.append(json.dumps(text[copied : match.end()]))
                copied = match.end()
            depth -= 1
    return "".join(pieces) + text[copied:] if pieces else text


def _nothing(_: str) -> None:
    return None


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= _MAX_DIGITS else float(digits)


def encode(value: Any) -> bytes:
    """Compact JSON of a decoded value; what orjson cannot write (integers beyond 64 bits) goes the slow way."""
    try:
        return orjson.dumps(value)
    except TypeError:
        pass
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    except RecursionError:
        return b'"nested too deeply to be kept"'


def storable(value: Any) -> Any:
    """`value` if every JSON writer can write it, else its JSON as text."""
    if value is None or type(value) is str or type(value) is bool:
        return value
    try:
        orjson.dumps(value)
    except TypeError:
        return encode(value).decode()
    return value
