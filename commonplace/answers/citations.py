"""What an answer cites, checked while it arrives: a number that was not among the sources is taken out and reported."""

from __future__ import annotations

import re

_OPENS, _CLOSES, _INSIDE = r"[\[【［]", r"[\]】］]", r"[^\[\]【】［］\n]"
_NUMBERS = r"\d{1,6}(?:[ \t]*[-–,;，、][ \t]*\d{1,6})*"
_CITATION = rf"{_OPENS}(?={_INSIDE}{{1,80}}{_CLOSES})(?P<numbers>{_NUMBERS})(?:†{_INSIDE}*)?{_CLOSES}"
"""`[1]`, `[2, 5]`, `[2-5]`, or as some models were taught, `【1†source】`."""
_TOKEN = re.compile(rf"(?P<ticks>`+)|(?P<end>\n)|(?P<lead>[ \t]*){_CITATION}")
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
"""What would speak to a terminal."""
_UNFINISHED = re.compile(rf"(?:[ \t]*(?:{_OPENS}[\d, \t;，、–-]{{0,80}}(?:†{_INSIDE}{{0,80}})?)?|`+)$")
"""The end of a text that may still become a citation, with the spaces that would go with it; or what opens code."""
_WIDEST = 50
"""What reaches over more sources is no citation of each of them."""


class Citations:
    """Takes an answer in pieces of any length; what it gives back together is the whole answer, checked."""

    def __init__(self, sources: int) -> None:
        self._sources = sources
        self._code = ""
        """What opened the code that is being said."""
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
        return _TOKEN.sub(self._checked, ready)

    def finish(self) -> str:
        """The rest of it."""
        rest, self._waiting = self._waiting, ""
        return _TOKEN.sub(self._checked, rest)

    def _checked(self, found: re.Match[str]) -> str:
        if found["numbers"] is None:
            self._follow(found)
            return found[0]
        if self._code:
            return found[0]  # a place in a list
        numbers = _numbers_in(found["numbers"])
        good = [number for number in numbers if 1 <= number <= self._sources]
        self.removed += [number for number in numbers if number not in good and number not in self.removed]
        self.cited += [number for number in good if number not in self.cited]
        if not good:
            return ""
        said = found["numbers"] if good == numbers else ", ".join(map(str, good))
        return f"{found['lead']}[{said}]"

    def _follow(self, found: re.Match[str]) -> None:
        """Into code and out of it. What stands within a line ends with it."""
        if found["end"]:
            self._code = self._code if len(self._code) > 2 else ""
        elif self._code in ("", found["ticks"]):
            self._code = "" if self._code else found["ticks"]


def _numbers_in(said: str) -> list[int]:
    """Each once, in their order, and those between the ends of a range."""
    numbers: dict[int, None] = {}
    for part in re.split("[,;，、]", said):
        ends = [int(end) for end in re.split("[-–]", part)]
        first, last = ends[0], ends[-1]
        numbers.update(dict.fromkeys(range(first, last + 1) if 0 < last - first < _WIDEST else ends))
    return list(numbers)
