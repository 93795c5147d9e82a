"""How well a text answers a query, and the piece of it that shows this best.

The databases say which texts match; what a person is shown of them is found here, over folded text whose characters
stand where they stand in the original.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Sequence

from commonplace.archive.search.query import Part

LOOKED_AT = 20_000
"""Characters of a text that are searched for matches to show."""

SCORED = 4_000
"""Characters of a text that its score is made of."""

_SNIPPET = 220
_LEAD = 60
_K1, _B, _AVERAGE = 1.2, 0.6, 800.0
_IN_WORD = r"[^\W_]"
_BETWEEN = r"[\W_]+"


class _Folding(dict[int, str]):
    """Lower case, without accents, one character for one."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        decomposed = unicodedata.normalize("NFKD", character.lower())[:1]
        folded = decomposed if unicodedata.category(character)[0] in "LN" and decomposed else character
        self[code] = folded
        return folded


_FOLDING = _Folding()


def fold(text: str) -> str:
    """As long as the text itself."""
    return text.lower() if text.isascii() else text.translate(_FOLDING)


class Matcher:
    """The wanted parts of a query, to be found in texts."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self._patterns = [re.compile(_pattern(part)) for part in parts]
        self._any = re.compile("|".join(pattern.pattern for pattern in self._patterns)) if parts else None

    def __bool__(self) -> bool:
        return bool(self._patterns)

    def are_in(self, folded: str) -> bool:
        """Whether every part is in a text that is folded already."""
        return all(pattern.search(folded) for pattern in self._patterns)

    def score(self, text: str, weights: Sequence[float], length: int | None = None) -> float:
        """As BM25 scores it: often is better than once, in a short text more so, and rare words count more. A text of
        which no more than what is scored was read has another length than what is here of it."""
        seen = fold(text[:SCORED])
        breadth = 1 - _B + _B * (len(text) if length is None else length) / _AVERAGE
        score = 0.0
        for pattern, weight in zip(self._patterns, weights, strict=True):
            count = sum(1 for _ in pattern.finditer(seen))
            score += weight * count * (_K1 + 1) / (count + _K1 * breadth)
        return score

    def excerpt(self, text: str, marks: tuple[str, str]) -> str:
        """The piece of the text with the most different matches in it, each between the marks."""
        said = unicodedata.normalize("NFC", text[:LOOKED_AT])
        found = [match.span() for match in self._any.finditer(fold(said))] if self._any else []
        begin, end = _window(said, found)
        pieces, at = [], begin
        for first, last in found:
            if begin <= first and last <= end:
                pieces += [said[at:first], marks[0], said[first:last], marks[1]]
                at = last
        pieces.append(said[at:end])
        shown = " ".join("".join(pieces).split())
        return f"{'… ' if begin else ''}{shown}{' …' if end < len(said) else ''}"


def passage(text: str, place: tuple[int, int], marks: tuple[str, str]) -> str:
    """A passage between the marks, after a few words of what stands before it."""
    start, stop = place[0], min(place[1], _word_end(text, place[0] + _SNIPPET))
    begin = max(0, start - _LEAD)
    if begin:
        space = text.find(" ", begin, start)
        begin = space + 1 if space >= 0 else start
    lead, said = " ".join(text[begin:start].split()), " ".join(text[start:stop].split())
    shown = " ".join(part for part in (lead, f"{marks[0]}{said}{marks[1]}") if part)
    return f"{'… ' if begin else ''}{shown}{' …' if stop < len(text.rstrip()) else ''}"


def rarity(documents: int, total: int) -> float:
    """What a word is worth that is in so many of all texts."""
    return math.log1p(max(total - documents + 0.5, 0.5) / (documents + 0.5))


def _pattern(part: Part) -> str:
    folded = fold(part.text)
    if part.is_run:
        return re.escape(folded)
    words = [re.escape(word) for word in re.split(_BETWEEN, folded) if word]
    if not words:  # nothing but marks of a script
        return re.escape(folded)
    ending = f"{_IN_WORD}*" if part.is_prefix else f"(?!{_IN_WORD})"
    first = f"{words[0]}(?<!{_IN_WORD}{words[0]})"  # a pattern that begins with letters is looked for ten times as fast
    return f"{_BETWEEN.join([first, *words[1:]])}{ending}"


def _window(text: str, found: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """Where the most matches are close together, from the beginning of a word to the end of one."""
    if not found:
        return 0, _word_end(text, _SNIPPET)
    starts = [first for first, _ in found[:200]]
    best = max(
        range(len(starts)),
        key=lambda n: (sum(starts[n] <= other < starts[n] + _SNIPPET - _LEAD for other in starts), -n),
    )
    begin = max(0, starts[best] - _LEAD)
    if begin:
        space = text.find(" ", begin, starts[best])
        begin = space + 1 if space >= 0 else begin
    return begin, max(_word_end(text, begin + _SNIPPET), found[best][1])


def _word_end(text: str, at: int) -> int:
    if at >= len(text):
        return len(text)
    space = text.rfind(" ", at - 40, at + 1)
    return space if space > 0 else at
