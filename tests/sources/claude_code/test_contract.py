"""The histories of Claude Code keep the contract of sources."""

from __future__ import annotations

import pytest

from commonplace.sources.claude_code import SOURCE
from commonplace.sources.contract import Source
from tests.fakes.assistants import as_lines, code_record, code_session
from tests.sources.contract_suite import STRANGE_WORDS, Files, SourceContract, World


class ClaudeCodeWorld:
    source: Source = SOURCE

    def files(self, count: int) -> Files:
        return {f"-home-me/{n}.jsonl": as_lines(code_session(f"s-{n}")) for n in range(count)}

    def with_a_bad_item(self) -> Files:
        bad = b'{"type": "user", "uuid": "u", "sessionId": 7}\n'
        return {"a.jsonl": as_lines(code_session("a")), "b.jsonl": bad, "c.jsonl": as_lines(code_session("c"))}

    def with_strange_words(self) -> Files:
        strange = [{"type": "hologram", "beams": [{"colour": STRANGE_WORDS}]}]
        return {"a.jsonl": as_lines([code_record("m", "assistant", strange)])}


class TestClaudeCode(SourceContract):
    @pytest.fixture
    def world(self) -> World:
        return ClaudeCodeWorld()
