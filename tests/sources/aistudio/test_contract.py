"""What AI Studio keeps reads by the contract of sources."""

from __future__ import annotations

import pytest

from commonplace.sources.aistudio import SOURCE
from commonplace.sources.contract import Source
from tests.fakes.assistants import aistudio_prompt
from tests.fakes.exports import as_json
from tests.sources.contract_suite import STRANGE_WORDS, Files, SourceContract, World


class AIStudioWorld:
    source: Source = SOURCE

    def files(self, count: int) -> Files:
        return {f"{number}.json": as_json(aistudio_prompt(f"What is {number}?")) for number in range(count)}

    def with_a_bad_item(self) -> Files:
        bad = as_json({"chunkedPrompt": 7})
        return {"a.json": as_json(aistudio_prompt("A?")), "b.json": bad, "c.json": as_json(aistudio_prompt("C?"))}

    def with_strange_words(self) -> Files:
        return {"a.json": as_json(aistudio_prompt("A?", hologram=[{"colour": STRANGE_WORDS}]))}


class TestAIStudio(SourceContract):
    @pytest.fixture
    def world(self) -> World:
        return AIStudioWorld()
