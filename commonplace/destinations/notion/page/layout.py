"""Which part of a body goes on which page, when a conversation is longer than Notion lets a page be.

The first part is on the conversation's own page, each further one on a page inside it, which Notion shows as a link at
the end. Parts are cut between segments, from the start, and where they were cut before: what is there stays where it
is when a conversation goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from commonplace.destinations.notion.render import Body

Span = tuple[int, int]
"""The first segment of a part, and the one after its last."""

CHARACTERS_PER_PAGE = 2_000_000
"""No limit of Notion's is known; every continuation is answered with the whole page."""
SHRINK = 4


class Room(msgspec.Struct, frozen=True):
    """What one page may hold."""

    blocks: int
    characters: int = CHARACTERS_PER_PAGE

    def shrunk(self) -> Room:
        """For when Notion finds a page too large all the same."""
        return Room(max(1, self.blocks // SHRINK), max(1, self.characters // SHRINK))


class Part(msgspec.Struct, frozen=True):
    """A page's share of a body, as it was last written."""

    id: str
    hash: str
    count: int
    """How many segments."""


def spans_of(body: Body[Any], room: Room, parts: Sequence[Part] = ()) -> list[Span]:
    """One span a page, at least one; the boundaries between `parts` stay as far as they hold the same segments."""
    spans: list[Span] = []
    first = 0
    for part in parts[:-1]:
        end = first + part.count
        if end > len(body.segments) or body.hash_of((first, end)) != part.hash:
            break
        spans.append((first, end))
        first = end
    blocks = characters = 0
    for number in range(first, len(body.segments)):
        weight = body.weights[number]
        if number > first and (blocks + weight[0] > room.blocks or characters + weight[1] > room.characters):
            spans.append((first, number))
            first, blocks, characters = number, 0, 0
        blocks, characters = blocks + weight[0], characters + weight[1]
    if first < len(body.segments) or not spans:
        spans.append((first, len(body.segments)))
    return spans


def part_of(page_id: str, body: Body[Any], span: Span) -> Part:
    return Part(page_id, body.hash_of(span), span[1] - span[0])
