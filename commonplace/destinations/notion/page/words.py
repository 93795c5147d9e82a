"""Which words on a page are ours, so that a person's stay when a body is written anew.

The ledger keeps a mark of every line that we wrote. Notion gives a page back in its own spelling, so a mark is made of
what no spelling changes: letters, digits and signs, without what Markdown is made of. A line that has no mark of ours
is a person's; of two lines that read the same the first is ours.

What an earlier version wrote has no marks: there the conversation's own words, as they are today, are ours.
"""

from __future__ import annotations

import base64
import html
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import Any

Json = dict[str, Any]
Marks = Counter[bytes]

SIZE = 4
_PAGES = re.compile(r"\s*<(page|database)\b")
_FRAME = re.compile(r"</?(?:toggle|callout|quote|columns?|tabs?|p|h[1-4]|table-of-contents|empty-block)\b[^<>]*>")
_MEDIA = re.compile(r"<(file|pdf|audio|video|image)\b[^<>]*>([^<>]+)</\1>")
"""A file with a caption, which says whose it is; one without is a person's."""
_TAGS = re.compile(r"<br ?/?>|</?[bisu]>")
_TARGET = re.compile(r"\]\([^()\s]*\)")
_BULLETS = re.compile(r"(?:\s*(?:[-*+>↳]|\d+[.)]|\[[ xX]\]|#{1,6})(?=\s|$))+")
_ESCAPE = re.compile(r"\\([^\w\s])")
_SIGNS = re.compile(r"[\s!-/:-@\[-`{-~🖼]+")
_STRUCTURE = re.compile(r"[\s\-_*|`$~>#+\\:=]+")
_FENCE = re.compile(r"\s*(?:```|~~~|\$\$)")
_NEVER_OURS = b"\0" * SIZE
_NO_WORDS = ("divider", "column_list", "column")


def marks_of(lines: Iterable[str]) -> Marks:
    return Counter(mark for line in lines for mark in _mark(line))


def strange(lines: Iterable[str], ours: Marks) -> bool:
    """Whether there is a line that is not ours; what is ours is taken out of `ours`."""
    found = marks_of(lines)
    if found - ours:
        return True
    ours.subtract(found)
    return False


def pack(marks: Marks) -> str:
    """For the ledger."""
    return base64.b85encode(b"".join(sorted(marks.elements()))).decode()


def unpack(packed: str) -> Marks:
    marks = base64.b85decode(packed)
    return Counter(marks[start : start + SIZE] for start in range(0, len(marks), SIZE))


def lines_of(block: Json) -> Iterator[str]:
    """What a block of Notion's says, without what is within it."""
    type_ = str(block["type"])
    content = block.get(type_) or {}
    if type_ == "equation":
        yield from str(content.get("expression", "")).split("\n")
    elif type_ == "table_row":
        yield " ".join(_plain(cell) for cell in content.get("cells", ())).replace("\n", " ")
    elif "rich_text" in content:
        yield from _plain(content["rich_text"]).split("\n")
    elif type_ == "table":
        return
    elif caption := _plain(content.get("caption", ())):
        yield from caption.split("\n")
    elif type_ not in _NO_WORDS:
        where = (content.get("external") or {}).get("url", "")
        yield f"![]({where})" if type_ == "image" and where else f"<unknown {type_}>"


def _plain(rich_text: Iterable[Json]) -> str:
    return "".join(
        piece.get("plain_text") or (piece.get("text") or {}).get("content") or _formula(piece) for piece in rich_text
    )


def _formula(piece: Json) -> str:
    return str((piece.get("equation") or {}).get("expression", ""))


def _mark(line: str) -> Iterator[bytes]:
    """The mark of a line; none for what only frames others."""
    if _PAGES.match(line) or _FENCE.match(line):
        return
    if "<unknown" in line:
        yield _NEVER_OURS
        return
    plain = html.unescape(_ESCAPE.sub(r"\1", _FRAME.sub("", _MEDIA.sub(r"\2", line))))
    bare = _BULLETS.sub("", plain, count=1) if _BULLETS.match(plain) else plain
    words = _SIGNS.sub("", _TAGS.sub("", _TARGET.sub("]", bare))) or _STRUCTURE.sub("", plain)
    if words:
        yield blake2b(words.encode("utf-8", "replace"), digest_size=SIZE).digest()
