"""Conversations cut into passages: the pieces of text that are embedded, and shown where one of them answers.

A passage is a piece of one message (or the title) exactly as it stands there, so two numbers say where it is. It ends
where a sentence ends, or a line, or a word; code and tables stay whole where they are not too long. How a message is
cut depends on that message alone: a new one leaves all other passages, and with them their vectors, as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from hashlib import blake2b

import msgspec

VERSION = 1
"""Counts the ways in which texts have been cut and cleaned; part of every embedder's key."""

READ = 20_000
"""Characters of a message that are cut into passages. What follows in so long a one is a log or a list, as a rule."""
WHOLE = 4
"""How many times a passage's length a block of code or a table may have and still be one passage."""

_WIDE = re.compile(
    "[\u1100-\u11ff\u2e80-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]"
)
"""Characters that say as much as two others."""
_BLOCK = re.compile(r"^```[\s\S]*?(?:^```[^\S\n]*$|\Z)|(?:^[^\S\n]*\|.*(?:\n|\Z)){2,}", re.MULTILINE)
_SENTENCE = re.compile(r"[^\n]+?(?:[.!?…]+[\"'”’»)\]*_]*(?=\s)|[。！？]+[」』”’）]*|$)", re.MULTILINE)
_LINE = re.compile(r"[^\n]+")
_NO_TEXT = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufeff\ufffe\uffff]+")


class Said(msgspec.Struct, frozen=True):
    """A message that a reader sees."""

    key: int
    text: str


class Passage(msgspec.Struct, frozen=True):
    """A piece of a message, which is `text[start:stop]` of it as it is stored; of the title where there is no key."""

    message_key: int | None
    start: int
    stop: int
    text: str
    """Cleaned: what a model is given."""

    @property
    def digest(self) -> bytes:
        """Says whether it has been embedded before."""
        return digest(self.text)


def passages(title: str | None, messages: Iterable[Said], *, longest: int) -> Iterator[Passage]:
    """All passages of a conversation, the title first. None says nothing: each has a letter or digit."""
    if title:
        yield from _pieces(None, title[:longest], longest)
    for message in messages:
        yield from _pieces(message.key, message.text, longest)


def digest(text: str) -> bytes:
    return blake2b(text.encode(), digest_size=16).digest()


def clean(text: str, most: int = READ) -> str:
    """Any text as a model may be given it: no half surrogates, no control characters, no end of it out of sight."""
    return " ".join(_NO_TEXT.sub(" ", text[:most]).split())


def cut(text: str, longest: int) -> Iterator[tuple[int, int]]:
    """Where the passages of a text begin and end, in order and without overlap; all of its words are in one."""
    at = 0
    text = text[:READ]
    for block in _BLOCK.finditer(text):
        yield from _joined(text, _sentences(text, at, block.start()), longest)
        yield from _block(text, *block.span(), longest)
        at = block.end()
    yield from _joined(text, _sentences(text, at, len(text)), longest)


def _pieces(key: int | None, text: str, longest: int) -> Iterator[Passage]:
    for start, stop in cut(text, longest):
        said = clean(text[start:stop])
        if any(map(str.isalnum, said)):
            yield Passage(key, start, stop, said)


def _sentences(text: str, start: int, stop: int) -> Iterator[tuple[int, int]]:
    return (found.span() for found in _SENTENCE.finditer(text, start, stop))


def _block(text: str, start: int, stop: int, longest: int) -> Iterator[tuple[int, int]]:
    """Code or a table, whole; too long a one by its lines."""
    if _length(text, start, stop) <= longest * WHOLE:
        yield start, stop
    else:
        yield from _joined(text, (line.span() for line in _LINE.finditer(text, start, stop)), longest * 2)


def _joined(text: str, pieces: Iterable[tuple[int, int]], longest: int) -> Iterator[tuple[int, int]]:
    """Neighbours together as long as they fit into one passage; what does not fit by itself in parts."""
    begin = end = None
    for piece in pieces:
        for start, stop in _fitting(text, *piece, longest):
            if begin is not None and end is not None and _length(text, begin, stop) > longest:
                yield begin, end
                begin = None
            begin, end = start if begin is None else begin, stop
    if begin is not None and end is not None:
        yield begin, end


def _fitting(text: str, start: int, stop: int, longest: int) -> Iterator[tuple[int, int]]:
    """A sentence, cut between words if it is far too long, and anywhere in a script that has no spaces."""
    while _length(text, start, min(stop, start + longest * 2)) > longest * 3 // 2:
        end = start + longest
        while _length(text, start, end) > longest:
            end -= (_length(text, start, end) - longest + 1) // 2
        space = max(text.rfind(" ", start + longest // 4, end), text.rfind("\t", start + longest // 4, end))
        end = space if space > start else end
        yield start, end
        start = end
    if stop > start:
        yield start, stop


def _length(text: str, start: int, stop: int) -> int:
    piece = text[start:stop]
    return len(piece) + (0 if piece.isascii() else len(_WIDE.findall(piece)))
