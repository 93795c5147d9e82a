"""What Le Chat exports keeps the contract of sources."""

from __future__ import annotations

import pytest

from commonplace.sources.contract import Source
from commonplace.sources.lechat import SOURCE
from tests.fakes.assistants import lechat_conversation
from tests.fakes.exports import as_json
from tests.sources.contract_suite import STRANGE_WORDS, Files, SourceContract, World


class LeChatWorld:
    source: Source = SOURCE

    def files(self, count: int) -> Files:
        return {f"chat-{number}.json": as_json(lechat_conversation(f"c-{number}")) for number in range(count)}

    def with_a_bad_item(self) -> Files:
        bad = as_json([{"chatId": 7, "role": "user"}])
        return {
            "chat-a.json": as_json(lechat_conversation("a")),
            "chat-b.json": bad,
            "chat-c.json": as_json(lechat_conversation("c")),
        }

    def with_strange_words(self) -> Files:
        strange = [{"type": "hologram", "beams": [{"colour": STRANGE_WORDS}]}]
        return {"chat-a.json": as_json(lechat_conversation("a", contentChunks=strange))}


class TestLeChat(SourceContract):
    @pytest.fixture
    def world(self) -> World:
        return LeChatWorld()
