"""Where a page ends and the next one begins: in a cursor that is good for one person and one question."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from itsdangerous import BadSignature

from commonplace.archive.core import Archive
from commonplace.secret_keys import SecretKeys
from commonplace.web.errors import Problem

MOST_CHARACTERS = 90_000
"""Of a reply's content: ChatGPT takes less than 100,000 characters of the whole."""


class Pages(NamedTuple):
    """One person's question, whose answer comes page by page."""

    keys: SecretKeys
    archive: Archive
    question: list[Any]

    def place_of(self, sent: str | None) -> int:
        """Where a cursor goes on. Refused if it is another person's or another question's."""
        if not sent:
            return 0
        try:
            told = self.keys.signer("cursor").loads(sent)
        except BadSignature:
            told = None
        if not isinstance(told, list) or told[:2] != [self.archive.owner, self.question]:
            raise Problem(400, "wrong_cursor", "This cursor does not belong to this question.")
        return int(told[2])

    def cursor(self, place: int) -> str:
        """What to send to go on from `place`."""
        return str(self.keys.signer("cursor").dumps([self.archive.owner, self.question, place]))

    def told(self, name: str, items: Sequence[dict[str, Any]], start: int, most: int) -> dict[str, Any]:
        """The page of what there is from `start` on, under its name, and the cursor to the next if there is more."""
        shown = fitting(items, most)
        more = {"next_cursor": self.cursor(start + len(shown))} if len(items) > len(shown) else {}
        return {name: shown, **more}


def fitting(items: Sequence[dict[str, Any]], most: int) -> list[dict[str, Any]]:
    """The first of them: at most so many, and no more than a reply holds."""
    room = MOST_CHARACTERS
    taken: list[dict[str, Any]] = []
    for item in items[:most]:
        room -= len(json.dumps(item, ensure_ascii=False))
        if taken and room < 0:
            break
        taken.append(item)
    return taken
