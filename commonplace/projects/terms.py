"""What a conversation is about, as counted terms: small enough to keep for every conversation of an archive.

A term is a word, the beginning of a long word (so that plurals, cases and compounds meet), or in scripts without spaces
two characters in a row; it is kept as a number of 18 bits. Counts, not weights, are kept: how telling a term is depends
on the other conversations and is worked out when they are compared.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator

import numpy as np

from commonplace.projects.stopwords import STOP_WORDS

KIND = "terms/v1"
"""Names what is stored; another way of making terms is another kind."""
BITS = 18
SIZE = 1 << BITS
MOST_TERMS = 192
TITLE_COUNT = 3
"""A word of the title counts as much as so many in the text."""
LONGEST_PASSAGE = 1500
MOST_CHARACTERS = 16_000

_NO_SPACES = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\u0e00-\u0e7f\uac00-\ud7af"
_TERM = re.compile(rf"[{_NO_SPACES}]+|[^\W\d_{_NO_SPACES}][^\W_{_NO_SPACES}]*")
_UNSPACED = re.compile(f"[{_NO_SPACES}]")
_STEM = 5
_LONG_WORD = 7
_LONGEST_WORD = 40


def words(text: str) -> Iterator[str]:
    """The words of a text in order, lower case; two characters at a time where there are no spaces."""
    for match in _TERM.finditer(text.lower()):
        word = match[0]
        if _UNSPACED.match(word):
            yield from (word[place : place + 2] for place in range(max(1, len(word) - 1)))
        else:
            yield word


def count(title: str | None, passages: Iterable[str]) -> Counter[str]:
    """The terms of a conversation, the telling ones: no stop words, no single letters, nothing endless."""
    counted: Counter[str] = Counter()
    left = MOST_CHARACTERS
    for passage in passages:
        part = passage[: min(LONGEST_PASSAGE, left)]
        left -= len(part)
        counted.update(words(part))
        if left <= 0:
            break
    for word in words(title or ""):
        counted[word] += TITLE_COUNT
    kept = {word: total for word, total in counted.items() if 1 < len(word) <= _LONGEST_WORD and word not in STOP_WORDS}
    terms: Counter[str] = Counter(kept)
    for word, total in kept.items():
        if len(word) >= _LONG_WORD:
            terms[f"{word[:_STEM]}-"] += total
    return terms


def encode(terms: Counter[str]) -> bytes:
    """The most frequent terms as numbers and counts. Among equals the longer word tells more and is kept."""
    ranked = sorted(terms.items(), key=lambda item: (-item[1], -len(item[0]), item[0]))[:MOST_TERMS]
    totals: dict[int, int] = {}
    for term, total in ranked:
        number = zlib.crc32(term.encode("utf-8", "replace")) & (SIZE - 1)
        totals[number] = min(255, totals.get(number, 0) + total)
    numbers = np.fromiter(totals, dtype="<u4", count=len(totals))
    counts = np.fromiter(totals.values(), dtype="u1", count=len(totals))
    return numbers.tobytes() + counts.tobytes()


def decode(stored: bytes) -> tuple[np.ndarray, np.ndarray]:
    """The numbers and their counts."""
    length = len(stored) // 5
    return np.frombuffer(stored, "<u4", length), np.frombuffer(stored, "u1", length, offset=4 * length)
