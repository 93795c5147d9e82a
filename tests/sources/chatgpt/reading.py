"""Reading one conversation or message in one line of a test."""

from __future__ import annotations

from commonplace.model import Conversation, Message
from commonplace.sources.chatgpt.assets import Assets
from commonplace.sources.chatgpt.conversations import read_conversation
from commonplace.sources.chatgpt.surroundings import Surroundings
from commonplace.sources.decoding import decode
from tests.fakes.exports import Json, as_json, one_message

NO_ASSETS = Assets()


def read_one(built: Json, assets: Assets = NO_ASSETS) -> Conversation:
    return read_conversation(decode(as_json(built)), Surroundings(assets))


def read_message(content: object, role: str = "assistant", assets: Assets = NO_ASSETS, **more: object) -> Message:
    """A conversation's only message."""
    (only,) = read_one(one_message(content, role, **more), assets).messages
    return only
