"""What an answer may stand on: pieces of conversations, each with a number by which it is cited."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

import msgspec

ALIKE = 0.8
"""The share of words that two pieces may have in common before one of them says enough."""
_WORD = re.compile(r"\w+")


class Said(msgspec.Struct, frozen=True):
    """What one side said; nobody, where that is not known."""

    text: str
    speaker: str = ""


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """A passage with what stands around it, and where it is from."""

    conversation_id: str
    message_id: str | None
    title: str
    date: str
    """A day, as people write it."""
    said: tuple[Said, ...]

    @property
    def text(self) -> str:
        """As a model is shown it: each part after who said it."""
        return "\n".join(f"{part.speaker}: {part.text}" if part.speaker else part.text for part in self.said)

    @property
    def quotation(self) -> str:
        """As a person reads it: who said it is told elsewhere."""
        return "\n\n".join(part.text for part in self.said)

    @property
    def speakers(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(part.speaker for part in self.said if part.speaker))


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """A piece that is shown, by the number under which it is."""

    number: int
    piece: Piece


def chosen(pieces: Iterable[Piece], *, room: int, size: Callable[[str], int], most: int | None = None) -> list[Source]:
    """The pieces that fit, best first as they come, and of those that say the same the first alone.

    One that does not fit is left out, and a smaller one after it may still be in. No more are looked at than it takes
    to have `most`.
    """
    found: list[Source] = []
    said: list[frozenset[str]] = []
    for piece in pieces:
        words = frozenset(_WORD.findall(piece.text.lower()))
        needed = size(piece.text)
        if words and needed <= room and not any(_is_alike(words, before) for before in said):
            found.append(Source(number=len(found) + 1, piece=piece))
            said.append(words)
            room -= needed
        if len(found) == most:
            break
    return found


def _is_alike(one: frozenset[str], other: frozenset[str]) -> bool:
    return len(one & other) >= ALIKE * len(one | other)
