"""Copilot's history keeps the contract of sources."""

from __future__ import annotations

import pytest

from commonplace.sources.contract import Source
from commonplace.sources.copilot import SOURCE
from tests.fakes.assistants import copilot_history
from tests.sources.contract_suite import STRANGE_WORDS, Files, SourceContract, World


class CopilotWorld:
    source: Source = SOURCE

    def files(self, count: int) -> Files:
        return {"copilot-activity-history.csv": copilot_history(*(f"Chat {number}" for number in range(count)))}

    def with_a_bad_item(self) -> Files:
        first, second = copilot_history("a"), copilot_history("b").partition(b"\r\n")[2]
        return {"copilot-activity-history.csv": first + b"a row of one cell\r\n" + second}

    def with_strange_words(self) -> Files:
        return {"copilot-activity-history.csv": copilot_history("a", Hologram=STRANGE_WORDS)}


class TestCopilot(SourceContract):
    @pytest.fixture
    def world(self) -> World:
        return CopilotWorld()
