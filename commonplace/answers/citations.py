"""What an answer cites, checked while it arrives: a number that was not among the sources is taken out and reported."""

from __future__ import annotations

import re

_CITATION = re.compile(r"[ \t]*\[(\d{1,6}(?:[ \t]*,[ \t]*\d{1,6})*)\]")
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
"""What would speak to a terminal."""
_UNFINISHED = re.compile(r"[ \t]*(?:\[[\d, \t]{0,60})?$")
"""The end of a text that may still become a citation, with the spaces that would go with it."""


class Citations:
    """Takes an answer in pieces of any length; what it gives back together is the whole answer, checked."""

    def __init__(self, sources: int) -> None:
        self._sources = sources
        self._waiting = ""
        self.cited: list[int] = []
        """In the order in which they are first cited."""
        self.removed: list[int] = []

    def feed(self, text: str) -> str:
        """What can be shown by now."""
        self._waiting += _CONTROL.sub("", text)
        unfinished = _UNFINISHED.search(self._waiting)
        end = unfinished.start() if unfinished else len(self._waiting)
        ready, self._waiting = self._waiting[:end], self._waiting[end:]
        return _CITATION.sub(self._checked, ready)

    def finish(self) -> str:
        """The rest of it."""
        rest, self._waiting = self._waiting, ""
        return _CITATION.sub(self._checked, rest)

    def _checked(self, found: re.Match[str]) -> str:
        numbers = [int(number) for number in found[1].split(",")]
        good = [number for number in numbers if 1 <= number <= self._sources]
        self.removed += [number for number in numbers if number not in good and number not in self.removed]
        self.cited += [number for number in dict.fromkeys(good) if number not in self.cited]
        if not good:
            return ""
        if good == numbers:
            return found[0]
        lead = found[0][: len(found[0]) - len(found[0].lstrip())]
        return f"{lead}[{', '.join(map(str, good))}]"
