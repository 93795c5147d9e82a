"""Texts in scripts that put no spaces between words, cut so that any piece of them can be found.

Chinese, Japanese, Korean, Thai and their neighbours are indexed by single characters and by pairs; every other script
is left to the words that it has. Only texts that need this pay for it.
"""

from __future__ import annotations

import re
from itertools import pairwise

RANGES = (
    ("\u0e00", "\u0eff"),  # Thai, Lao
    ("\u0f00", "\u0fff"),  # Tibetan
    ("\u1000", "\u109f"),  # Burmese
    ("\u1100", "\u11ff"),  # Hangul letters
    ("\u1780", "\u17ff"),  # Khmer
    ("\u2e80", "\u2fdf"),  # radicals
    ("\u3005", "\u3007"),  # signs that repeat an ideograph, and the ideographic zero
    ("\u3031", "\u3035"),
    ("\u3040", "\u318f"),  # kana, Bopomofo, Hangul letters
    ("\u31a0", "\u31ff"),
    ("\u3400", "\u4dbf"),
    ("\u4e00", "\u9fff"),
    ("\ua960", "\ua97f"),
    ("\uac00", "\ud7ff"),  # Hangul
    ("\uf900", "\ufaff"),
    ("\uff66", "\uffdc"),  # halfwidth kana and Hangul
    ("\U0001b000", "\U0001b16f"),
    ("\U00020000", "\U0003ffff"),
)
CLASS = "".join(f"{first}-{last}" for first, last in RANGES)
"""The characters of these scripts, as they are written between the brackets of a regular expression."""

_RUN = re.compile(f"[{CLASS}]+")


def grams(text: str | None) -> str | None:
    """Every character and every pair of neighbours, in order, for the index; None for a text that has none of them."""
    if not text or text.isascii():
        return None
    runs = _RUN.findall(text)
    return " ".join(cut(run) for run in runs) if runs else None


def cut(run: str) -> str:
    """`abc` as "a ab b bc c": a piece of it is found as a phrase."""
    pairs = [piece for first, second in pairwise(run) for piece in (first, first + second)]
    return " ".join([*pairs, run[-1]])


def phrase(run: str) -> str:
    """What stands in the index wherever this run is part of a text."""
    tokens = cut(run).split(" ")
    return " ".join(tokens[1:-1]) if len(tokens) > 1 else tokens[0]
