"""Texts in scripts that put no spaces between words, cut so that any piece of them can be found.

Of Chinese, Japanese, Korean, Thai and their neighbours every character is a word to the index, and a piece of a text a
phrase; every other script is left to the words that it has. Pairs of characters would be found sooner, but a million
different ones make the index half as large again and building it twice as long.
"""

from __future__ import annotations

import re

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
_ROUGHLY = re.compile("[\u0e00-\u1fff\u2e80-\ud7ff\uf900-\uffff\U0001b000-\U0001b16f\U00020000-\U0003ffff]")
"""All of them and some others, in so few ranges that looking for them in a text of another script costs little."""


def spaced(text: str | None) -> str | None:
    """A text as the index is given it: with spaces between the characters of what has none."""
    if not text or text.isascii() or not _ROUGHLY.search(text):
        return text
    return _RUN.sub(lambda run: f" {cut(run[0])} ", text)


def cut(run: str) -> str:
    """`abc` as "a b c": what stands in the index wherever this run is part of a text."""
    return " ".join(run)
