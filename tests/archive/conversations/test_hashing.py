"""The content hash changes when, and only when, a reader would see something else."""

from __future__ import annotations

from copy import deepcopy

import msgspec
import pytest

from commonplace.archive.conversations.hashing import content_hash
from commonplace.archive.conversations.tree import arrange
from commonplace.model import Attachment, Conversation
from tests.archive.builders import chat, message


def given() -> Conversation:
    told = [
        message("q", "question", at=1),
        message("t", "tool", parent="q", hidden=True, at=2),
        message("a", "answer", parent="t", role="assistant", at=3),
        message("b", "other answer", parent="q", role="assistant", at=4),
    ]
    conversation = chat("a", told, title="T", project_ref="g-p-1", current_message_id="a")
    arrange(conversation.messages, "a")
    return conversation


def test_it_is_versioned_and_stays_what_it_was() -> None:
    """Every stage keys its work on it: another value for the same content would do all of it again."""
    assert content_hash(given()) == "c1:fb9a11b38d3e4c12dff33ffaaf703367"


@pytest.mark.parametrize("field", ["title", "project_ref"])
def test_the_title_and_the_project_are_content(field: str) -> None:
    other = given()
    setattr(other, field, "another")
    assert content_hash(other) != content_hash(given())


def test_what_is_said_by_whom_in_answer_to_what_and_what_is_active_are_content() -> None:
    hashes = {content_hash(given())}
    for change in ({"digest": b"x"}, {"parent_id": None}, {"is_active": False}, {"id": "z"}):
        other = given()
        other.messages[2] = msgspec.structs.replace(other.messages[2], **change)
        hashes.add(content_hash(other))
    assert len(hashes) == 5


def test_rendering_hidden_messages_order_and_what_one_era_has_are_not() -> None:
    other = deepcopy(given())
    other.messages = [said for said in reversed(other.messages) if said.digest]
    for said in other.messages:
        if said.parent_id == "t":
            said.parent_id = "q"
        said.text, said.model, said.position = "rendered otherwise", "gpt", 7
        said.extra, said.attachments = {"status": "done"}, [Attachment(id="f")]
    other.gpt_ref, other.is_archived, other.updated_at, other.extra = "g-1", True, 999, {"voice": "x"}
    assert content_hash(other) == content_hash(given())
