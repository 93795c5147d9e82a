"""What LibreChat exports keeps the contract of sources."""

from __future__ import annotations

import pytest

from commonplace.sources.contract import Source
from commonplace.sources.librechat import SOURCE
from tests.fakes.assistants import librechat_conversation
from tests.fakes.exports import as_json
from tests.sources.contract_suite import STRANGE_WORDS, Files, SourceContract, World


class LibreChatWorld:
    source: Source = SOURCE

    def files(self, count: int) -> Files:
        return {f"{number}.json": as_json(librechat_conversation(f"c-{number}")) for number in range(count)}

    def with_a_bad_item(self) -> Files:
        bad = as_json({"conversationId": "b", "title": "x", "messages": 7})
        return {
            "a.json": as_json(librechat_conversation("a")),
            "b.json": bad,
            "c.json": as_json(librechat_conversation("c")),
        }

    def with_strange_words(self) -> Files:
        strange = [{"type": "hologram", "beams": [{"colour": STRANGE_WORDS}]}]
        return {"a.json": as_json(librechat_conversation("a", content=strange))}


class TestLibreChat(SourceContract):
    @pytest.fixture
    def world(self) -> World:
        return LibreChatWorld()
