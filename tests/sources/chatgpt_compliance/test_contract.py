"""A workspace's compliance logs keep the contract of sources."""

from __future__ import annotations

import pytest

from commonplace.sources.chatgpt_compliance import SOURCE
from commonplace.sources.contract import Source
from tests.fakes.assistants import as_lines, compliance_event, compliance_talk
from tests.sources.contract_suite import STRANGE_WORDS, Files, SourceContract, World

LOG = "CONVERSATION_MESSAGE_LOG/2026-03-01.jsonl"


class ComplianceWorld:
    source: Source = SOURCE

    def files(self, count: int) -> Files:
        return {LOG: as_lines([event for n in range(count) for event in compliance_talk(f"c-{n}")])}

    def with_a_bad_item(self) -> Files:
        return {LOG: as_lines(compliance_talk("a")) + b'{"event_id": \n' + as_lines(compliance_talk("b"))}

    def with_strange_words(self) -> Files:
        strange = {"content_type": "hologram", "beams": [{"colour": STRANGE_WORDS}]}
        return {LOG: as_lines([compliance_event("a", "m", "assistant", strange)])}


class TestCompliance(SourceContract):
    @pytest.fixture
    def world(self) -> World:
        return ComplianceWorld()
