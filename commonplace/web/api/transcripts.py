"""A conversation as a program reads it: who said what, in parts that are never too long."""

from __future__ import annotations

import json

from commonplace.archive.conversations.reading import Filed, load_filed
from commonplace.archive.core import Archive
from commonplace.model import Conversation, Message
from commonplace.web.api.paging import MOST_CHARACTERS


def find(archive: Archive, id: str) -> Filed | None:
    """One of the owner's."""
    return next(iter(load_filed(archive, [id])), None)


def transcript_of(conversation: Conversation) -> str:
    return "\n\n".join(_line(said) for said in conversation.messages if _is_shown(said))


def part_of(text: str, start: int) -> str:
    """From there on, as much as a reply holds: as JSON, in which quotes and line ends take two characters."""
    part = text[start : start + MOST_CHARACTERS]
    while len(json.dumps(part, ensure_ascii=False)) > MOST_CHARACTERS + 2:
        part = part[: len(part) * 9 // 10]
    return part


def _is_shown(said: Message) -> bool:
    return said.is_active and not said.is_hidden and bool(said.text.strip())


def _line(said: Message) -> str:
    return f"{said.author or said.role.capitalize()}: {said.text.strip()}"
