"""Where a page ends and the next one begins: in a cursor that is good for one person and one question."""

from __future__ import annotations

import hmac
import json
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

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
        number = sent.partition(".")[0][:18]
        place = int(number) if number.isdecimal() else 0
        if not hmac.compare_digest(self.cursor(place).encode(), sent.encode(errors="replace")):
            raise Problem(400, "wrong_cursor", "This cursor does not belong to this question.")
        return place

    def cursor(self, place: int) -> str:
        """What to send to go on from `place`."""
        proof = self.keys.derive("cursor", json.dumps([self.archive.owner, self.question, place]))
        return f"{place}.{proof}"

    def told(self, name: str, items: Sequence[dict[str, Any]], start: int, most: int) -> dict[str, Any]:
        """The page of what there is from `start` on, under its name, and the cursor to the next if there is more."""
        shown = fitting(items, most)
        more = {"next_cursor": self.cursor(start + len(shown))} if len(items) > len(shown) else {}
        return {name: shown, **more}


def fitting(items: Sequence[dict[str, Any]], most: int) -> list[dict[str, Any]]:
    """The first of them: at most so many, and no more than a reply holds."""
    first = items[:most]
    if len(msgspec.json.encode(first)) <= MOST_CHARACTERS:  # bytes, of which there are no fewer
        return list(first)
    room = MOST_CHARACTERS
    taken: list[dict[str, Any]] = []
    for item in first:
        room -= characters(item)
        if taken and room < 0:
            break
        taken.append(item)
    return taken


def characters(item: Any) -> int:
    """How long it is in a reply, where quotes and line ends take two."""
    return len(msgspec.json.encode(item).decode())
