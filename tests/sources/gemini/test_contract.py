"""What Takeout has of Gemini keeps the contract of sources, as JSON and as a page."""

from __future__ import annotations

import pytest

from commonplace.sources.contract import Source
from commonplace.sources.gemini import SOURCE
from tests.fakes.assistants import gemini_cell, gemini_entry, gemini_page
from tests.fakes.exports import as_json
from tests.sources.contract_suite import STRANGE_WORDS, Files, SourceContract, World

JSON, PAGE = "Takeout/My Activity/Gemini Apps/MyActivity.json", "Takeout/My Activity/Gemini Apps/MyActivity.html"


class GeminiWorld:
    source: Source = SOURCE

    def files(self, count: int) -> Files:
        days = range(count, 0, -1)
        told = [gemini_entry("What is a zip?", "<p>An archive.</p>", at=f"2026-03-{day:02}T10:00:00Z") for day in days]
        return {JSON: as_json(told)}

    def with_a_bad_item(self) -> Files:
        told = [gemini_entry("b", "B", at="2026-03-02T10:00:00Z"), {"header": "Gemini Apps", "title": 7, "time": 8}]
        return {JSON: as_json([*told, gemini_entry("a", "A")])}

    def with_strange_words(self) -> Files:
        return {JSON: as_json([gemini_entry("a", "A", hologram=[{"colour": STRANGE_WORDS}])])}


class TestGemini(SourceContract):
    @pytest.fixture
    def world(self) -> World:
        return GeminiWorld()


class PageWorld(GeminiWorld):
    def files(self, count: int) -> Files:
        days = range(count, 0, -1)
        cells = [gemini_cell("What is a zip?", "<p>An archive.</p>", at=f"{day}.03.2026, 10:00:00 MEZ") for day in days]
        return {PAGE: gemini_page(*cells)}

    def with_a_bad_item(self) -> Files:
        bad = gemini_cell("never", at="at some time")
        later = gemini_cell("b", "B", at="Mar 2, 2026, 10:00:00 AM UTC")
        return {PAGE: gemini_page(later, bad, gemini_cell("a", "A"))}


class TestGeminisPage(SourceContract):
    @pytest.fixture
    def world(self) -> World:
        return PageWorld()
