"""Projects that are one under several ids are proposed for merging, and nothing is done unasked."""

from __future__ import annotations

import pytest

from commonplace.archive.conversations.merge import merge
from commonplace.archive.core import Archive
from commonplace.archive.projects import names, registry
from commonplace.config import ProjectSettings
from commonplace.errors import Refused
from commonplace.model import Conversation, Project
from commonplace.stages.mapping import merges, projects
from tests.archive.builders import simple_chat
from tests.stages.mapping.assigning import map_projects

SUBJECTS = {
    "a": "roses pruning compost mulch aphids trellis soil bulbs hedge secateurs",
    "b": "violin bow rosin etude vibrato bridge luthier strings scales concerto",
    "c": "sourdough starter crumb hydration proofing oven crust rye flour levain",
    "d": "sailing jib mooring tide spinnaker knots harbour mainsail tacking winch",
    "e": "telescope nebula eyepiece aperture comet dobsonian planets focuser seeing mount",
}


def _chats(subject: str, ref: str, count: int) -> list[Conversation]:
    words = SUBJECTS[subject].split()
    return [
        simple_chat(
            f"{ref}-{n}",
            " ".join(words[(n + k) % len(words)] for k in range(6)) + f" question number {n}",
            title=f"{words[n % len(words)]} and {words[(n + 3) % len(words)]}",
            project_ref=f"g-p-{ref}",
        )
        for n in range(count)
    ]


@pytest.fixture
def split(sqlite_archive: Archive) -> Archive:
    """Five subjects, of which the garden came under two ids."""
    chats = [chat for subject in SUBJECTS for chat in _chats(subject, f"{subject}111", 8)]
    merge(sqlite_archive, None, [*chats, *_chats("a", "a222", 6)])
    map_projects(sqlite_archive, ProjectSettings(similarity=False))
    return sqlite_archive


def test_the_halves_of_one_project_are_proposed_first_with_titles_to_look_at(split: Archive) -> None:
    first = projects.suggest_merges(split)[0]
    refs = registry.refs(split)
    assert {first["source"], first["target"]} == {refs["g-p-a111"], refs["g-p-a222"]}
    assert first["target"] == refs["g-p-a111"], "the larger one stays"
    assert first["confidence"] > 0.5
    assert all(first["titles"])
    others = [one["confidence"] for one in projects.suggest_merges(split)[1:]]
    assert all(confidence < first["confidence"] for confidence in others)


def test_what_is_accepted_can_be_taken_back(split: Archive) -> None:
    sure = projects.suggest_merges(split)[0]["confidence"]
    assert len(projects.accept_merges(split, above=sure)["merged"]) == 1
    assert len(registry.load(split)) == 5
    assert projects.suggest_merges(split, above=sure) == []
    projects.undo(split)
    assert len(registry.load(split)) == 6


def test_what_is_refused_is_not_proposed_again(split: Archive) -> None:
    first = projects.suggest_merges(split)[0]
    projects.reject_merge(split, [first["source"], first["target"]])
    assert first["source"] not in {one["source"] for one in projects.suggest_merges(split)}
    with pytest.raises(Refused, match="Which two"):
        projects.reject_merge(split, [first["source"]])


def test_two_projects_that_people_gave_one_name_are_proposed(split: Archive) -> None:
    refs = registry.refs(split)
    for ref in ("g-p-b111", "g-p-d111"):
        names.apply(split, [_named(refs[ref], "Hobby")], "sidebar")
    pairs = {frozenset((one["source"], one["target"])) for one in projects.suggest_merges(split, above=0.9)}
    assert frozenset((refs["g-p-b111"], refs["g-p-d111"])) in pairs


def test_an_empty_archive_has_nothing_to_merge(sqlite_archive: Archive) -> None:
    assert merges.proposals(sqlite_archive) == []


def _named(project_id: str, name: str) -> Project:
    return Project(id=project_id, name=name)
