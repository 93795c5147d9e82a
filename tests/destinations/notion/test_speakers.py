"""The line above what somebody says: quiet, with the time and the model that answered."""

from __future__ import annotations

import pytest

from commonplace.destinations.notion.properties import analysis_of
from commonplace.model import Conversation
from tests.destinations.notion.conftest import Open
from tests.destinations.notion.world import START, FileLedger, document_of, message
from tests.fakes.notion import FakeNotion

MINUTE = 60_000_000


@pytest.mark.parametrize("body", ["markdown", "blocks"])
def test_each_turn_says_who_when_and_with_which_model(
    notion: FakeNotion, open_: Open, ledger: FileLedger, body: str
) -> None:
    said = [
        message("How?", number=0, created_at=START),
        message("So.", "assistant", number=1, created_at=START + MINUTE, model="gpt-5"),
        message("Really?", number=2, created_at=START + 1440 * MINUTE),
        message("Quite * so", author="Ana *", number=3),
    ]
    talk = Conversation(source="chatgpt", external_id="talk-1", title="T", created_at=START, messages=said)
    open_(body=body, timezone="Asia/Kolkata").write([document_of(talk)], ledger)
    page = notion.rows()[0]
    assert {block.type for block in page.blocks} == {"paragraph"}
    assert page.text.split("\n")[::2] == ["You · 08:10", "Assistant · gpt-5 · 08:11", "You · 2026-02-03 08:10", "Ana *"]
    assert not notion.warnings


def test_what_a_judge_found_reads_as_a_person_would_write_it() -> None:
    insights = {
        "key_points": ["one", "two"],
        "skills": [{"name": "baking", "from": ["m1"]}],
        "is_open": True,
        "none": [],
    }
    shown = analysis_of(document_of(Conversation(source="s", external_id="e"), summary="A talk.", insights=insights))
    assert shown == "A talk.\nKey points: one, two\nSkills: Name: baking; From: m1\nIs open: yes"
