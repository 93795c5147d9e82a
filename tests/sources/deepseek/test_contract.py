"""What DeepSeek exports keeps the contract of sources."""

from __future__ import annotations

import pytest

from commonplace.sources.contract import Source
from commonplace.sources.deepseek import SOURCE
from tests.fakes.assistants import deepseek_conversation
from tests.fakes.exports import as_json
from tests.sources.contract_suite import STRANGE_WORDS, Files, SourceContract, World


class DeepSeekWorld:
    source: Source = SOURCE

    def files(self, count: int) -> Files:
        told = [deepseek_conversation(f"c-{number}") for number in range(count)]
        return {"conversations.json": as_json(told), "user.json": as_json({"user_id": "u"})}

    def with_a_bad_item(self) -> Files:
        bad = {"id": "b", "inserted_at": "now", "mapping": 7}
        return {"conversations.json": as_json([deepseek_conversation("a"), bad, deepseek_conversation("c")])}

    def with_strange_words(self) -> Files:
        strange = {"type": "HOLOGRAM", "beams": [{"colour": STRANGE_WORDS}]}
        return {"conversations.json": as_json([deepseek_conversation("a", [strange])])}


class TestDeepSeek(SourceContract):
    @pytest.fixture
    def world(self) -> World:
        return DeepSeekWorld()
