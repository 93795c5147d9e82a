"""What a person types into the search box, understood without ever being wrong.

Words, "phrases", -exclusions and prefix* are what there is; everything else is text. The databases are given quoted
text to cut into words themselves, so there is no syntax to get wrong and no operator to slip in.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

import msgspec

from commonplace.archive.spacing import CLASS

MOST_PARTS = 24
LONGEST = 1000
"""Characters of a query that are looked at, and a part's as well."""

_QUOTES = str.maketrans(dict.fromkeys("“”„‟«»〝〞＂", '"'))
_PIECE = re.compile(r'(?<!\S)(-?)"([^"]*)"?(\*?)|(\S+?)(?=\s|$|")')
_RUNS = re.compile(f"([{CLASS}]+)")


class Part(msgspec.Struct, frozen=True):
    """Words that stand next to each other, the last of which may only begin like this; or a run (spacing.py)."""

    text: str
    is_prefix: bool = False
    is_run: bool = False


class Query(msgspec.Struct, frozen=True):
    """Every wanted part has to be there. Of what is excluded, no group may be there with all of its parts."""

    wanted: tuple[Part, ...] = ()
    excluded: tuple[tuple[Part, ...], ...] = ()
    quoted: tuple[Part, ...] = ()
    """Those of the wanted that stood between quotation marks, and have to be there word for word."""
    said: str = ""
    """What is wanted, as it was typed."""


def parse(typed: str) -> Query:
    """Any text as a query. What has neither letters nor digits in it asks for nothing."""
    text = unicodedata.normalize("NFC", _printable(typed[:LONGEST])).translate(_QUOTES)
    wanted: dict[Part, None] = {}
    excluded: dict[tuple[Part, ...], None] = {}
    quoted: dict[Part, None] = {}
    said: list[str] = []
    for minus, phrase, star, word in _PIECE.findall(text):
        is_excluded = bool(minus) or _is_exclusion(word)
        parts = tuple(_parts(phrase or word, is_prefix=bool(star) or word.endswith("*")))
        if is_excluded and parts:
            excluded[parts] = None
        else:
            wanted.update(dict.fromkeys(parts))
            quoted.update(dict.fromkeys(parts if phrase else ()))
            said.append(phrase or word)
    kept = tuple(wanted)[:MOST_PARTS]
    must = tuple(part for part in kept if part in quoted)
    return Query(kept, tuple(excluded)[:MOST_PARTS], must, " ".join(said))


def _printable(typed: str) -> str:
    """Control characters and halves of surrogate pairs are no text; the databases refuse some of them."""
    return "".join(
        " " if unicodedata.category(character) in ("Cc", "Cs", "Co", "Cn") else character for character in typed
    )


def _is_exclusion(word: str) -> bool:
    """`-word`, but not a lone dash, a `--flag` or a negative number."""
    return len(word) > 1 and word[0] == "-" and word[1].isalpha()


def _parts(said: str, *, is_prefix: bool) -> Iterator[Part]:
    """The runs of scripts without spaces by themselves, what is between them as phrases."""
    pieces = [_bare(piece) for piece in _RUNS.split(said)]
    last = max((place for place, piece in enumerate(pieces) if piece), default=0)
    for place, piece in enumerate(pieces):
        if piece:
            is_run = place % 2 == 1
            yield Part(piece, is_prefix and not is_run and place == last, is_run)


def words(text: str) -> list[str]:
    """Cut as the text index cuts it."""
    return "".join(character if _kind(character) in "LNM" else " " for character in text).split()


def _bare(piece: str) -> str:
    """Without what is no part of a word at either end; nothing, if it has no letter or digit at all."""
    kinds = [_kind(character) for character in piece]
    inside = [place for place, kind in enumerate(kinds) if kind in "LNM"]
    return piece[inside[0] : inside[-1] + 1] if any(kind in "LN" for kind in kinds) else ""


def _kind(character: str) -> str:
    return unicodedata.category(character)[0]
