"""Claude's exports keep the contract of sources."""

from __future__ import annotations

from typing import Any

import pytest

from commonplace.sources.claude import SOURCE
from commonplace.sources.contract import Source
from tests.fakes.assistants import claude_conversation, claude_message
from tests.fakes.exports import as_json
from tests.sources.contract_suite import STRANGE_WORDS, Files, SourceContract, World


def export(*items: Any) -> Files:
    return {"conversations.json": as_json(list(items)), "users.json": as_json([{"uuid": "u"}])}


class ClaudeWorld:
    source: Source = SOURCE

    def files(self, count: int) -> Files:
        return export(*(claude_conversation(f"c-{number}") for number in range(count)))

    def with_a_bad_item(self) -> Files:
        return export(claude_conversation("a"), {"uuid": "b", "chat_messages": 7}, claude_conversation("c"))

    def with_strange_words(self) -> Files:
        strange = {"type": "hologram", "beams": [{"colour": STRANGE_WORDS}]}
        return export(claude_conversation("a", claude_message("m", [strange], "assistant")))


class TestClaude(SourceContract):
    @pytest.fixture
    def world(self) -> World:
        return ClaudeWorld()
