"""Who says which conversation is in which project: a person's word stands."""

from __future__ import annotations

import pytest
from sqlalchemy import select, update

from commonplace.archive.conversations import reading
from commonplace.archive.conversations.merge import merge
from commonplace.archive.core import Archive
from commonplace.archive.projects import assignments, registry
from commonplace.archive.projects.assignments import Decision
from commonplace.archive.schema import assignments as table
from commonplace.archive.schema import conversations
from commonplace.errors import Refused
from tests.archive.builders import simple_chat

ONE, TWO = "chatgpt:one", "chatgpt:two"


@pytest.fixture
def filled(archive: Archive) -> Archive:
    merge(archive, None, [simple_chat("one", "hello"), simple_chat("two", "world")])
    return archive


@pytest.fixture
def garden(filled: Archive) -> str:
    return registry.register(filled, ["g-p-1"])[0]


@pytest.fixture
def kitchen(filled: Archive) -> str:
    return registry.register(filled, ["g-p-2"])[0]


def decided(
    project_id: str | None, *, id: str = ONE, suggested: str | None = None, content_hash: str = "h"
) -> Decision:
    return Decision(
        conversation_id=id,
        content_hash=content_hash,
        rule="id" if project_id else "orphan",
        project_id=project_id,
        suggested_project_id=suggested,
        suggestion_confidence=0.6 if suggested else None,
    )


def place_of(archive: Archive, id: str = ONE) -> str | None:
    filed = next(iter(reading.load_filed(archive, [id])))
    return filed.project_id


def pending(archive: Archive, rules: str = "r", orphans: str = "o") -> set[str]:
    return {row.id for row in assignments.pending(archive, rules, orphans)}


def test_what_a_rule_decides_is_what_the_conversation_says(filled: Archive, garden: str) -> None:
    (change,) = assignments.record(filled, [decided(garden), decided(None, id=TWO)], "r", "o")
    assert (change.conversation_id, change.before, change.after, change.rule) == (ONE, None, garden, "id")
    assert place_of(filled) == garden
    assert assignments.tally(filled) == {"id": 1, "orphans": 1}


def test_a_persons_word_is_never_overwritten(filled: Archive, garden: str, kitchen: str) -> None:
    assignments.assign(filled, {ONE: garden, TWO: None})
    assert assignments.record(filled, [decided(kitchen), decided(kitchen, id=TWO)], "r", "o") == []
    assert (place_of(filled), place_of(filled, TWO)) == (garden, None)
    assert pending(filled, "other rules", "other orphans") == set()


def test_a_persons_word_survives_a_changed_conversation_and_a_rebuild(filled: Archive, garden: str) -> None:
    assignments.assign(filled, {ONE: garden})
    merge(filled, None, [simple_chat("one", "hello", "and more", updated=200)])
    assert place_of(filled) == garden
    with filled.write() as connection:
        connection.execute(update(conversations).values(project_id=None))
    assert assignments.settle(filled) == 1
    assert place_of(filled) == garden
    assert assignments.settle(filled) == 0


def test_what_was_rejected_is_never_said_again(filled: Archive, garden: str, kitchen: str) -> None:
    assignments.record(filled, [decided(None, suggested=garden)], "r", "o")
    assignments.reject(filled, [ONE])
    assert pending(filled) == {ONE, TWO}
    assignments.record(filled, [decided(garden)], "r", "o")
    assert place_of(filled) is None
    assignments.record(filled, [decided(None, suggested=garden)], "r", "o")
    assert assignments.suggestions(filled) == []
    assignments.record(filled, [decided(kitchen)], "r", "o")
    assert place_of(filled) == kitchen
    assignments.reject(filled, [ONE])
    assignments.record(filled, [decided(garden)], "r", "o")
    assert place_of(filled) is None


def test_an_accepted_suggestion_is_a_persons_word_and_says_what_it_was(filled: Archive, garden: str) -> None:
    assignments.record(filled, [decided(None, suggested=garden)], "r", "o")
    (waiting,) = assignments.suggestions(filled)
    assert (waiting.conversation_id, waiting.project_id, waiting.confidence) == (ONE, garden, 0.6)
    assignments.assign(filled, {ONE: waiting.project_id})
    with filled.read() as connection:
        row = connection.execute(select(table)).one()
    assert (row.rule, row.suggestion_state, row.suggestion_confidence) == ("person", "accepted", 0.6)
    assert assignments.suggestions(filled) == []


def test_a_released_conversation_is_the_rules_again(filled: Archive, garden: str) -> None:
    assignments.record(filled, [decided(None, id=TWO, content_hash=hash_of(filled, TWO))], "r", "o")
    assignments.assign(filled, {ONE: garden})
    assert pending(filled) == set()
    assignments.release(filled, [ONE])
    assert pending(filled) == {ONE}
    assert place_of(filled) is None


def test_pending_is_what_has_no_assignment_for_its_content_and_the_rules(filled: Archive, garden: str) -> None:
    assert pending(filled) == {ONE, TWO}
    hashes = hash_of(filled, ONE), hash_of(filled, TWO)
    assignments.record(
        filled, [decided(garden, content_hash=hashes[0]), decided(None, id=TWO, content_hash=hashes[1])], "r", "o"
    )
    assert pending(filled) == set()
    assert pending(filled, rules="r2") == {ONE}
    assert pending(filled, orphans="o2") == {TWO}
    assert {row.id for row in assignments.pending(filled, "r", "o", force=True)} == {ONE, TWO}
    merge(filled, None, [simple_chat("one", "hello", "more", updated=200)])
    assert pending(filled) == {ONE}


def test_assigning_what_is_not_there_is_refused_and_changes_nothing(filled: Archive, garden: str) -> None:
    with pytest.raises(Refused, match="no conversation"):
        assignments.assign(filled, {ONE: garden, "chatgpt:gone": garden})
    assert place_of(filled) is None


def hash_of(archive: Archive, id: str) -> str:
    return next(iter(reading.load_filed(archive, [id]))).content_hash
