"""What Perplexity exports keeps the contract of sources."""

from __future__ import annotations

import pytest

from commonplace.sources.contract import Source
from commonplace.sources.perplexity import SOURCE
from tests.fakes.assistants import perplexity_thread
from tests.fakes.exports import as_json
from tests.sources.contract_suite import STRANGE_WORDS, Files, SourceContract, World

NAME = "conversations-20260920_101500-0a1b2c.json"


class PerplexityWorld:
    source: Source = SOURCE

    def files(self, count: int) -> Files:
        return {NAME: as_json({"conversations": [perplexity_thread(f"t-{number}") for number in range(count)]})}

    def with_a_bad_item(self) -> Files:
        told = [perplexity_thread("a"), {"context_uuid": "b", "entries": 7}, perplexity_thread("c")]
        return {NAME: as_json({"conversations": told})}

    def with_strange_words(self) -> Files:
        strange = perplexity_thread("a", hologram=[{"colour": STRANGE_WORDS}])
        return {NAME: as_json({"conversations": [strange]})}


class TestPerplexity(SourceContract):
    @pytest.fixture
    def world(self) -> World:
        return PerplexityWorld()
