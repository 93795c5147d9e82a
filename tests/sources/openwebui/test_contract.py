"""What Open WebUI exports keeps the contract of sources."""

from __future__ import annotations

import pytest

from commonplace.sources.contract import Source
from commonplace.sources.openwebui import SOURCE
from tests.fakes.assistants import openwebui_conversation
from tests.fakes.exports import as_json
from tests.sources.contract_suite import STRANGE_WORDS, Files, SourceContract, World


class OpenWebUIWorld:
    source: Source = SOURCE

    def files(self, count: int) -> Files:
        return {"chats.json": as_json([openwebui_conversation(f"c-{number}") for number in range(count)])}

    def with_a_bad_item(self) -> Files:
        bad = {"id": "b", "user_id": "u", "title": "x", "chat": 7}
        return {"chats.json": as_json([openwebui_conversation("a"), bad, openwebui_conversation("c")])}

    def with_strange_words(self) -> Files:
        return {"chats.json": as_json([openwebui_conversation("a", hologram=[{"colour": STRANGE_WORDS}])])}


class TestOpenWebUI(SourceContract):
    @pytest.fixture
    def world(self) -> World:
        return OpenWebUIWorld()
