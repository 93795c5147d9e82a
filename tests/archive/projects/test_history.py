"""Merging and splitting, and back again."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from commonplace.archive.conversations import reading
from commonplace.archive.conversations.merge import merge
from commonplace.archive.core import Archive
from commonplace.archive.projects import assignments, history, registry
from commonplace.archive.projects.assignments import Decision
from commonplace.errors import Refused
from tests.archive.builders import simple_chat

GARDEN, BALCONY = "g-p-1", "g-p-2"


@pytest.fixture
def filled(archive: Archive) -> Archive:
    """Two conversations in each of two projects by id, and one that may be in the second."""
    merge(archive, None, [simple_chat(name, f"text {name}") for name in ("g1", "g2", "b1", "b2", "maybe")])
    registry.register(archive, [GARDEN, BALCONY])
    refs = registry.refs(archive)
    decisions = [
        Decision(
            conversation_id=f"chatgpt:{name}",
            content_hash="h",
            rule="id",
            project_id=refs[ref],
            evidence={"ref": ref, "said_by": "field"},
        )
        for name, ref in (("g1", GARDEN), ("g2", GARDEN), ("b1", BALCONY), ("b2", BALCONY))
    ]
    maybe = Decision(
        conversation_id="chatgpt:maybe",
        content_hash="h",
        rule="orphan",
        suggested_project_id=refs[BALCONY],
        suggestion_confidence=0.6,
    )
    assignments.record(archive, [*decisions, maybe], "r", "o")
    return archive


def places(archive: Archive) -> dict[str, str | None]:
    ids = [f"chatgpt:{name}" for name in ("g1", "g2", "b1", "b2", "maybe")]
    return {one.conversation.external_id: one.project_id for one in reading.load_filed(archive, ids)}


def state(archive: Archive) -> tuple[object, ...]:
    shown = [(one.id, one.name, one.status, one.refs) for one in registry.load(archive)]
    return places(archive), shown, assignments.suggestions(archive)


def test_a_merge_moves_everything_and_can_be_undone(filled: Archive) -> None:
    refs, before = registry.refs(filled), state(filled)
    garden, balcony = refs[GARDEN], refs[BALCONY]
    event = history.merge(filled, balcony, garden)
    assert set(places(filled).values()) == {garden, None}
    assert [one.id for one in registry.load(filled)] == [garden]
    assert assignments.suggestions(filled)[0].project_id == garden
    assert registry.refs(filled)[BALCONY] == garden
    assert history.successors(filled) == {balcony: garden}

    assert history.undo(filled).id == event.id
    after = state(filled)
    assert (after[0], after[2]) == (before[0], before[2])
    assert registry.refs(filled)[BALCONY] == balcony
    with pytest.raises(Refused, match="already"):
        history.undo(filled, event.id)


def test_what_a_person_moved_after_a_merge_stays_when_it_is_undone(filled: Archive) -> None:
    refs = registry.refs(filled)
    history.merge(filled, refs[BALCONY], refs[GARDEN])
    cellar = registry.ensure_named(filled, ["Cellar"])["title:cellar"]
    assignments.assign(filled, {"chatgpt:b1": cellar})
    history.undo(filled)
    assert places(filled)["b1"] == cellar
    assert places(filled)["b2"] == refs[BALCONY]


def test_a_title_may_name_a_project_that_was_merged_away(filled: Archive) -> None:
    refs = registry.refs(filled)
    history.rename(filled, refs[BALCONY], "Balcony")
    history.merge(filled, refs[BALCONY], refs[GARDEN])
    assert registry.ensure_named(filled, ["balcony"]) == {"title:balcony": refs[GARDEN]}


def test_a_split_by_conversations_is_a_persons_word_and_can_be_undone(filled: Archive) -> None:
    garden, before = registry.refs(filled)[GARDEN], places(filled)
    event = history.split(filled, garden, "Roses", ids=["chatgpt:g1"])
    new = event.detail["new"]
    assert places(filled) == {**before, "g1": new}
    later = Decision(conversation_id="chatgpt:g1", content_hash="h2", rule="id", project_id=garden)
    assert assignments.record(filled, [later], "r", "o") == []
    assert places(filled)["g1"] == new

    history.undo(filled)
    assert places(filled) == before
    assert new not in {one.id for one in registry.load(filled)}
    assert assignments.record(filled, [later], "r2", "o") == []
    assert assignments.tally(filled)["id"] == 4


def test_a_split_by_id_takes_what_came_under_that_id(filled: Archive) -> None:
    refs, before = registry.refs(filled), places(filled)
    history.merge(filled, refs[BALCONY], refs[GARDEN])
    event = history.split(filled, refs[GARDEN], "Terrace", refs=[BALCONY])
    new = event.detail["new"]
    assert places(filled) == {**before, "b1": new, "b2": new}
    assert registry.refs(filled)[BALCONY] == new
    assert assignments.tally(filled)["id"] == 4
    history.undo(filled)
    history.undo(filled)
    assert places(filled) == before


def test_a_renaming_can_be_undone_until_there_is_another(filled: Archive) -> None:
    garden = registry.refs(filled)[GARDEN]
    first = history.rename(filled, garden, "Garden", description="Roses")
    history.rename(filled, garden, "Yard")
    with pytest.raises(Refused, match="again"):
        history.undo(filled, first.id)
    history.undo(filled)
    history.undo(filled)
    (project,) = (one for one in registry.load(filled) if one.id == garden)
    assert (project.name, project.name_source, project.description) == ("Project 1", "id", None)


def test_events_are_listed_for_a_project_newest_first(filled: Archive) -> None:
    refs = registry.refs(filled)
    history.rename(filled, refs[GARDEN], "Garden")
    history.merge(filled, refs[BALCONY], refs[GARDEN])
    assert [event.kind for event in history.history(filled, project_id=refs[GARDEN])] == ["merge", "rename"]
    assert [event.kind for event in history.history(filled, project_id=refs[BALCONY])] == ["merge"]


def test_what_cannot_be_done_is_refused(filled: Archive) -> None:
    refs = registry.refs(filled)
    garden, balcony = refs[GARDEN], refs[BALCONY]
    wrongs: list[Callable[[], object]] = [
        lambda: history.merge(filled, garden, garden),
        lambda: history.merge(filled, "p-none", garden),
        lambda: history.split(filled, garden, "X"),
        lambda: history.split(filled, garden, "X", ids=["chatgpt:b1"]),
        lambda: history.split(filled, garden, "X", refs=[BALCONY]),
        lambda: history.rename(filled, garden, "  "),
        lambda: history.undo(filled),
    ]
    for wrong in wrongs:
        with pytest.raises(Refused):
            wrong()
    history.merge(filled, balcony, garden)
    with pytest.raises(Refused, match="merged"):
        history.merge(filled, balcony, garden)
