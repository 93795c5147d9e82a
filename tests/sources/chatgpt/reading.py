"""Reading a whole tiny export in one line of a test."""

from __future__ import annotations

from pathlib import Path

from commonplace.errors import Defect
from commonplace.model import Conversation, Message
from commonplace.sources.chatgpt import Skipped, open_export
from commonplace.sources.chatgpt.assets import Assets
from commonplace.sources.chatgpt.conversations import Said, read_conversation
from commonplace.sources.chatgpt.decoding import decode
from tests.fakes.exports import Json, as_json, one_message

NO_ASSETS = Assets()


def read_all(path: Path) -> tuple[list[Conversation], list[Defect]]:
    """The conversations and the defects of an export."""
    with open_export(path) as export:
        items = list(export.conversations())
    assert not any(isinstance(item, Skipped) for item in items)
    found = [item for item in items if isinstance(item, Conversation)]
    return found, [item for item in items if isinstance(item, Defect)]


def read_one(built: Json, assets: Assets = NO_ASSETS) -> Conversation:
    return read_conversation(decode(as_json(built)), assets, Said())


def read_message(content: object, role: str = "assistant", assets: Assets = NO_ASSETS, **more: object) -> Message:
    """A conversation's only message."""
    (only,) = read_one(one_message(content, role, **more), assets).messages
    return only
