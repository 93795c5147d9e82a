"""A conversation as a program reads it: who said what, in parts that are never too long."""

from __future__ import annotations

from typing import NamedTuple

from commonplace.archive.conversations.reading import Filed, load_filed
from commonplace.archive.core import Archive
from commonplace.model import Message
from commonplace.secret_keys import SecretKeys
from commonplace.web.api.paging import MOST_CHARACTERS, Pages, characters
from commonplace.web.errors import not_found


class Part(NamedTuple):
    """A conversation with what is shown of it at once."""

    filed: Filed
    text: str
    next_cursor: str | None


def read(keys: SecretKeys, archive: Archive, id: str, sent: str | None) -> Part:
    """One of the owner's, from where a cursor goes on."""
    filed = next(iter(load_filed(archive, [id])), None)
    if filed is None:
        raise not_found("conversation")
    pages = Pages(keys, archive, ["read", id])
    start = pages.place_of(sent)
    whole = "\n\n".join(_line(said) for said in filed.conversation.messages if _is_shown(said))
    text = _part_of(whole, start)
    end = start + len(text)
    return Part(filed, text, pages.cursor(end) if end < len(whole) else None)


def _part_of(text: str, start: int) -> str:
    """From there on, as much as a reply holds: as JSON."""
    part = text[start : start + MOST_CHARACTERS]
    while characters(part) > MOST_CHARACTERS + 2:
        part = part[: len(part) * 9 // 10]
    return part


def _is_shown(said: Message) -> bool:
    return said.is_active and not said.is_hidden and bool(said.text.strip())


def _line(said: Message) -> str:
    return f"{said.author or said.role.capitalize()}: {said.text.strip()}"
