"""ChatGPT's exports keep the contract of sources."""

from __future__ import annotations

import pytest

from commonplace.sources.chatgpt import SOURCE
from commonplace.sources.contract import Source
from tests.fakes.exports import as_json, conversation, one_message
from tests.sources.contract_suite import STRANGE_WORDS, Files, SourceContract, World


class ChatGPTWorld:
    source: Source = SOURCE

    def files(self, count: int) -> Files:
        return {
            "conversations.json": as_json([conversation(key=f"c-{number}") for number in range(count)]),
            "user.json": as_json({"id": "u"}),
        }

    def with_a_bad_item(self) -> Files:
        return {
            "conversations.json": as_json([conversation(key="a"), {"id": "b", "mapping": 7}, conversation(key="c")])
        }

    def with_strange_words(self) -> Files:
        strange = {"content_type": "hologram", "beams": [{"colour": STRANGE_WORDS}]}
        return {"conversations.json": as_json([one_message(strange)])}


class TestChatGPT(SourceContract):
    @pytest.fixture
    def world(self) -> World:
        return ChatGPTWorld()
