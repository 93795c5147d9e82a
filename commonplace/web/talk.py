"""A conversation as a page shows it: one branch of it, some messages at a time, and where the others go on."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from commonplace.archive.conversations.tree import active_path
from commonplace.model import Attachment, Message

MOST_MESSAGES = 60
MOST_CHARACTERS = 80_000
"""On one page, so that it stays small."""
FOLDED = {"tool", "system"}
NO_SPACE = re.compile(r"\s+")


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """A message, and its other versions: `leaves` are where each of them ends, `place` is which of them this is."""

    message: Message
    anchor: str
    is_folded: bool
    leaves: Sequence[str] = ()
    place: int = 0
    files: Sequence[Attachment] = ()
    """Those that the text does not show by itself."""


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """What one page shows."""

    turns: list[Turn]
    page: int
    pages: int


def anchor_of(message_id: str) -> str:
    """The place of a message on its page, which stays the same."""
    return f"m-{NO_SPACE.sub('_', message_id)}"


def shown(messages: Sequence[Message], *, leaf: str | None, hidden: bool) -> list[Message]:
    """One branch: that which ends at `leaf`, else the active one."""
    path = active_path(messages, leaf) if leaf else {message.id for message in messages if message.is_active}
    return [
        message
        for message in messages
        if message.id in path and (hidden or not message.is_hidden) and (message.text.strip() or message.attachments)
    ]


def part(messages: Sequence[Message], branch: Sequence[Message], page: int) -> Part:
    """The messages of one page of a branch."""
    starts = _starts(branch)
    page = min(max(page, 1), len(starts))
    first = starts[page - 1]
    end = starts[page] if page < len(starts) else len(branch)
    versions = _versions(messages)
    turns = [_turn(message, versions) for message in branch[first:end]]
    return Part(turns=turns, page=page, pages=len(starts))


def page_of(branch: Sequence[Message], message_id: str) -> int:
    """On which page of a branch a message is."""
    place = next((place for place, message in enumerate(branch) if message.id == message_id), 0)
    return sum(start <= place for start in _starts(branch))


def leaf_below(messages: Sequence[Message], message_id: str) -> str:
    """Where the newest branch through a message ends."""
    children: dict[str | None, list[Message]] = {}
    for message in messages:
        children.setdefault(message.parent_id, []).append(message)
    seen: set[str] = set()
    while message_id not in seen and (below := children.get(message_id)):
        seen.add(message_id)
        message_id = max(below, key=lambda message: (message.created_at or 0, message.id)).id
    return message_id


def _starts(branch: Sequence[Message]) -> list[int]:
    starts, characters = [0], 0
    for place, message in enumerate(branch):
        size = len(message.text)
        if place > starts[-1] and (place - starts[-1] >= MOST_MESSAGES or characters + size > MOST_CHARACTERS):
            starts.append(place)
            characters = 0
        characters += size
    return starts


def _versions(messages: Sequence[Message]) -> dict[str, list[Message]]:
    """Of each message that has others beside it: all of them, in their order."""
    beside: dict[str | None, list[Message]] = {}
    for message in messages:
        if not message.is_hidden and message.parent_id is not None:
            beside.setdefault(message.parent_id, []).append(message)
    several = (sorted(each, key=_by_age) for each in beside.values() if len(each) > 1)
    return {message.id: each for each in several for message in each}


def _by_age(message: Message) -> tuple[int, str]:
    return message.created_at or 0, message.id


def is_folded(message: Message) -> bool:
    """Whether it is a click away: what tools and the system say, unless there is a picture."""
    return message.role in FOLDED and all(each.kind != "image" for each in message.attachments)


def files_beside(message: Message) -> list[Attachment]:
    """Those that its text does not show by itself."""
    return [each for each in message.attachments if f"attachment:{each.id}" not in message.text]


def _turn(message: Message, versions: Mapping[str, list[Message]]) -> Turn:
    others = versions.get(message.id, [])
    return Turn(
        message=message,
        anchor=anchor_of(message.id),
        is_folded=is_folded(message),
        leaves=[other.id for other in others],
        place=next((place for place, other in enumerate(others, 1) if other.id == message.id), 0),
        files=files_beside(message),
    )


def cited(message: Message) -> list[Mapping[str, Any]]:
    """What a message stands on: sources with a title and an address."""
    sources = message.extra.get("sources")
    if not isinstance(sources, list):
        return []
    return [
        one for one in sources if isinstance(one, dict) and str(one.get("url", "")).startswith(("https://", "http://"))
    ]
