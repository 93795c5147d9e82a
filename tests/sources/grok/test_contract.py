"""What Grok exports keeps the contract of sources."""

from __future__ import annotations

import pytest

from commonplace.sources.contract import Source
from commonplace.sources.grok import SOURCE
from tests.fakes.assistants import grok_conversation
from tests.fakes.exports import as_json
from tests.sources.contract_suite import STRANGE_WORDS, Files, SourceContract, World


class GrokWorld:
    source: Source = SOURCE

    def files(self, count: int) -> Files:
        told = [grok_conversation(f"c-{number}") for number in range(count)]
        return {"ttl/30d/u/prod-grok-backend.json": as_json({"conversations": told})}

    def with_a_bad_item(self) -> Files:
        told = [grok_conversation("a"), {"conversation": {"id": "b"}, "responses": 7}, grok_conversation("c")]
        return {"prod-grok-backend.json": as_json({"conversations": told})}

    def with_strange_words(self) -> Files:
        strange = grok_conversation("a", hologram=[{"colour": STRANGE_WORDS}])
        return {"prod-grok-backend.json": as_json({"conversations": [strange]})}


class TestGrok(SourceContract):
    @pytest.fixture
    def world(self) -> World:
        return GrokWorld()
