"""The histories of Codex keep the contract of sources."""

from __future__ import annotations

import pytest

from commonplace.sources.codex import SOURCE
from commonplace.sources.contract import Source
from tests.fakes.assistants import as_lines, codex_record, codex_session
from tests.sources.contract_suite import STRANGE_WORDS, Files, SourceContract, World


class CodexWorld:
    source: Source = SOURCE

    def files(self, count: int) -> Files:
        return {f"2026/03/01/rollout-{n}.jsonl": as_lines(codex_session(f"s-{n}")) for n in range(count)}

    def with_a_bad_item(self) -> Files:
        bad = as_lines([codex_record("session_meta", {"id": 7})])
        return {"a.jsonl": as_lines(codex_session("a")), "b.jsonl": bad, "c.jsonl": as_lines(codex_session("c"))}

    def with_strange_words(self) -> Files:
        strange = codex_record("response_item", {"type": "hologram", "beams": [{"colour": STRANGE_WORDS}]})
        return {"a.jsonl": as_lines([*codex_session("a")[:1], strange])}


class TestCodex(SourceContract):
    @pytest.fixture
    def world(self) -> World:
        return CodexWorld()
