"""Texts as the numbers of word pieces: BERT's own way of cutting, for its English vocabulary in lower case.

`vocab.txt` is that of bert-base-uncased (Google, Apache-2.0): a piece per line, its number the line's.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from importlib.resources import files

UNKNOWN, BEGIN, END = 100, 101, 102
_LONGEST_WORD = 100
_REMEMBERED = 30_000
_IDEOGRAPHS = ((0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2CEAF), (0xF900, 0xFAFF), (0x2F800, 0x2FA1F))


class WordPieces:
    """The vocabulary."""

    def __init__(self) -> None:
        lines = files(__package__).joinpath("vocab.txt").read_text(encoding="utf-8").splitlines()
        self._number = {piece: number for number, piece in enumerate(lines)}
        self._word = lru_cache(_REMEMBERED)(self._cut)

    def __call__(self, text: str, most: int) -> list[int]:
        """The pieces of a text, at most so many with the marks of its beginning and end."""
        found: list[int] = []
        for word in _words(text):
            found += self._word(word)
            if len(found) >= most - 2:
                break
        return [BEGIN, *found[: most - 2], END]

    def _cut(self, word: str) -> list[int]:
        """The longest piece that it begins with, and so on; a word that cannot be cut so is unknown."""
        found: list[int] = []
        start = 0
        while start < len(word) <= _LONGEST_WORD:
            beginning = "##" if start else ""
            ends = range(len(word), start, -1)
            end = next((end for end in ends if beginning + word[start:end] in self._number), None)
            if end is None:
                return [UNKNOWN]
            found.append(self._number[beginning + word[start:end]])
            start = end
        return found or [UNKNOWN]


def _words(text: str) -> Iterator[str]:
    """Without case and accents; ideographs and punctuation are words of their own."""
    spaced = "".join(f" {character} " if _is_ideograph(character) else character for character in text)
    plain = "".join(
        f" {character} " if _is_punctuation(character) else character
        for character in unicodedata.normalize("NFD", spaced.lower())
        if unicodedata.category(character) != "Mn"
    )
    yield from plain.split()


def _is_ideograph(character: str) -> bool:
    return any(first <= ord(character) <= last for first, last in _IDEOGRAPHS)


def _is_punctuation(character: str) -> bool:
    is_symbol = character.isascii() and character.isprintable() and not character.isalnum() and character != " "
    return is_symbol or unicodedata.category(character).startswith("P")
