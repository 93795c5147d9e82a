"""What a model says to itself before it answers, where its server sends that as part of the answer."""

from __future__ import annotations

import re

_OPENS = re.compile(r"\s*<(think(?:ing)?)>")
_MAY_OPEN = re.compile(r"\s*(?:<(?:t(?:h(?:i(?:n(?:k(?:i(?:n(?:g)?)?)?)?)?)?)?)?)?")


class Thoughts:
    """Takes an answer in pieces of any length, and gives back what is said aloud."""

    def __init__(self) -> None:
        self._waiting = ""
        self._closes = ""
        """What ends the thoughts that are being said."""
        self._has_thought = self._has_begun = False

    def feed(self, text: str) -> str:
        """What can be shown by now."""
        if self._has_begun:
            return text
        self._waiting += text
        while self._is_further():
            pass
        if self._closes or _MAY_OPEN.fullmatch(self._waiting):
            return ""
        self._has_begun = True
        return self.finish()

    def finish(self) -> str:
        """The rest of it. Thoughts that never ended are none of it."""
        rest, self._waiting = "" if self._closes else self._waiting, ""
        return rest.lstrip() if self._has_thought else rest

    def _is_further(self) -> bool:
        """Whether thoughts began or ended. Of what is thought, only what may be the beginning of its end is kept."""
        if not self._closes:
            if opened := _OPENS.match(self._waiting):
                self._closes, self._waiting = f"</{opened[1]}>", self._waiting[opened.end() :]
            return opened is not None
        _, closed, rest = self._waiting.partition(self._closes)
        if closed:
            self._closes, self._waiting, self._has_thought = "", rest, True
        else:
            self._waiting = self._waiting[1 - len(self._closes) :]
        return bool(closed)
