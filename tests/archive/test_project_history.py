"""Merging and splitting, and back again."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from commonplace.archive import assignments, project_history, projects, reading
from commonplace.archive.assignments import Decision
from commonplace.archive.core import Archive
from commonplace.archive.merge import merge
from commonplace.errors import Refused
from tests.archive.builders import simple_chat

GARDEN, BALCONY = "g-p-1", "g-p-2"


@pytest.fixture
def filled(archive: Archive) -> Archive:
    """Two conversations in each of two projects by id, and one that may be in the second."""
    merge(archive, None, [simple_chat(name, f"text {name}") for name in ("g1", "g2", "b1", "b2", "maybe")])
    projects.register(archive, [GARDEN, BALCONY])
    refs = projects.refs(archive)
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
    shown = [(one.id, one.name, one.status, one.refs) for one in projects.load(archive)]
    return places(archive), shown, assignments.suggestions(archive)


def test_a_merge_moves_everything_and_can_be_undone(filled: Archive) -> None:
    refs, before = projects.refs(filled), state(filled)
    garden, balcony = refs[GARDEN], refs[BALCONY]
    event = project_history.merge(filled, balcony, garden)
    assert set(places(filled).values()) == {garden, None}
    assert [one.id for one in projects.load(filled)] == [garden]
    assert assignments.suggestions(filled)[0].project_id == garden
    assert projects.refs(filled)[BALCONY] == garden
    assert project_history.successors(filled) == {balcony: garden}

    assert project_history.undo(filled).id == event.id
    after = state(filled)
    assert (after[0], after[2]) == (before[0], before[2])
    assert projects.refs(filled)[BALCONY] == balcony
    with pytest.raises(Refused, match="already"):
        project_history.undo(filled, event.id)


def test_what_a_person_moved_after_a_merge_stays_when_it_is_undone(filled: Archive) -> None:
    refs = projects.refs(filled)
    project_history.merge(filled, refs[BALCONY], refs[GARDEN])
    cellar = projects.ensure_named(filled, ["Cellar"])["title:cellar"]
    assignments.assign(filled, {"chatgpt:b1": cellar})
    project_history.undo(filled)
    assert places(filled)["b1"] == cellar
    assert places(filled)["b2"] == refs[BALCONY]


def test_a_title_may_name_a_project_that_was_merged_away(filled: Archive) -> None:
    refs = projects.refs(filled)
    project_history.rename(filled, refs[BALCONY], "Balcony")
    project_history.merge(filled, refs[BALCONY], refs[GARDEN])
    assert projects.ensure_named(filled, ["balcony"]) == {"title:balcony": refs[GARDEN]}


def test_a_split_by_conversations_is_a_persons_word_and_can_be_undone(filled: Archive) -> None:
    garden, before = projects.refs(filled)[GARDEN], places(filled)
    event = project_history.split(filled, garden, "Roses", ids=["chatgpt:g1"])
    new = event.detail["new"]
    assert places(filled) == {**before, "g1": new}
    later = Decision(conversation_id="chatgpt:g1", content_hash="h2", rule="id", project_id=garden)
    assert assignments.record(filled, [later], "r", "o") == []
    assert places(filled)["g1"] == new

    project_history.undo(filled)
    assert places(filled) == before
    assert new not in {one.id for one in projects.load(filled)}
    assert assignments.record(filled, [later], "r2", "o") == []
    assert assignments.tally(filled)["id"] == 4


def test_a_split_by_id_takes_what_came_under_that_id(filled: Archive) -> None:
    refs, before = projects.refs(filled), places(filled)
    project_history.merge(filled, refs[BALCONY], refs[GARDEN])
    event = project_history.split(filled, refs[GARDEN], "Terrace", refs=[BALCONY])
    new = event.detail["new"]
    assert places(filled) == {**before, "b1": new, "b2": new}
    assert projects.refs(filled)[BALCONY] == new
    assert assignments.tally(filled)["id"] == 4
    project_history.undo(filled)
    project_history.undo(filled)
    assert places(filled) == before


def test_a_renaming_can_be_undone_until_there_is_another(filled: Archive) -> None:
    garden = projects.refs(filled)[GARDEN]
    first = project_history.rename(filled, garden, "Garden", description="Roses")
    project_history.rename(filled, garden, "Yard")
    with pytest.raises(Refused, match="again"):
        project_history.undo(filled, first.id)
    project_history.undo(filled)
    project_history.undo(filled)
    (project,) = (one for one in projects.load(filled) if one.id == garden)
    assert (project.name, project.name_source, project.description) == ("Project 1", "id", None)


def test_events_are_listed_for_a_project_newest_first(filled: Archive) -> None:
    refs = projects.refs(filled)
    project_history.rename(filled, refs[GARDEN], "Garden")
    project_history.merge(filled, refs[BALCONY], refs[GARDEN])
    assert [event.kind for event in project_history.history(filled, project_id=refs[GARDEN])] == ["merge", "rename"]
    assert [event.kind for event in project_history.history(filled, project_id=refs[BALCONY])] == ["merge"]


def test_what_cannot_be_done_is_refused(filled: Archive) -> None:
    refs = projects.refs(filled)
    garden, balcony = refs[GARDEN], refs[BALCONY]
    wrongs: list[Callable[[], object]] = [
        lambda: project_history.merge(filled, garden, garden),
        lambda: project_history.merge(filled, "p-none", garden),
        lambda: project_history.split(filled, garden, "X"),
        lambda: project_history.split(filled, garden, "X", ids=["chatgpt:b1"]),
        lambda: project_history.split(filled, garden, "X", refs=[BALCONY]),
        lambda: project_history.rename(filled, garden, "  "),
        lambda: project_history.undo(filled),
    ]
    for wrong in wrongs:
        with pytest.raises(Refused):
            wrong()
    project_history.merge(filled, balcony, garden)
    with pytest.raises(Refused, match="merged"):
        project_history.merge(filled, balcony, garden)
