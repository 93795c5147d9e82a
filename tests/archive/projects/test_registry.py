"""The registry of projects."""

from __future__ import annotations

import pytest

from commonplace.archive.conversations.merge import merge
from commonplace.archive.core import Archive
from commonplace.archive.projects import assignments, names, registry
from commonplace.model import Project
from tests.archive.builders import simple_chat

GARDEN, KITCHEN = "g-p-6707a308aaaa", "g-p-99990000bbbb"


def test_a_ref_that_is_met_becomes_a_project_once(archive: Archive) -> None:
    (created,) = registry.register(archive, [GARDEN, GARDEN])
    assert registry.register(archive, [GARDEN]) == []
    (project,) = registry.load(archive)
    assert (project.id, project.name, project.name_source, project.refs) == (
        created,
        "Project 6707a308",
        "id",
        [GARDEN],
    )


@pytest.mark.parametrize(
    ("ref", "name"),
    [
        ("/home/me/bread-app", "bread-app"),
        ("/home/me/bread app/", "bread app"),
        ("C:\\Users\\me\\bread", "bread"),
        ("/bread", "bread"),
        ("/", "Project /"),
        ("g-p-1/2", "Project 1/2"),
    ],
)
def test_a_folder_is_called_as_it_is(ref: str, name: str) -> None:
    assert registry.placeholder(ref) == name


def test_the_same_exports_give_the_same_ids(archive: Archive) -> None:
    registry.register(archive, [GARDEN])
    assert registry.load(archive)[0].id == registry.project_id_for(GARDEN)


def test_a_name_in_titles_means_the_project_of_that_name_however_it_is_written(archive: Archive) -> None:
    (garden,) = registry.register(archive, [GARDEN])
    names.apply(archive, [Project(id=GARDEN, name="My Garden")], "sidebar")
    assert registry.ensure_named(archive, ["my  garden"]) == {"title:my garden": garden}
    made = registry.ensure_named(archive, ["Kitchen", "KITCHEN"])
    assert len(set(made.values())) == 1
    assert {one.name: one.name_source for one in registry.load(archive)} == {
        "My Garden": "sidebar",
        "Kitchen": "person",
    }


def test_a_list_shows_counts_and_the_newest_titles(archive: Archive) -> None:
    chats = [simple_chat(f"c{n}", "x", title=f"Title {n}", updated=100 + n, created_at=n) for n in range(5)]
    merge(archive, None, chats)
    garden, kitchen = registry.register(archive, [GARDEN, KITCHEN])
    assignments.assign(archive, {chat.id: garden for chat in chats})
    first, second = registry.list_projects(archive)
    assert (first.id, first.conversations, first.first_at, first.last_at) == (garden, 5, 0, 104)
    assert first.sample_titles == ["Title 4", "Title 3", "Title 2"]
    assert (second.id, second.conversations, second.sample_titles) == (kitchen, 0, [])
    assert registry.titles(archive, most=2) == {garden: ["Title 4", "Title 3"]}


def test_each_owner_has_projects_of_their_own(archive: Archive) -> None:
    registry.register(archive, [GARDEN])
    assert registry.load(archive.of("someone else")) == []
    assert len(registry.load(archive)) == 1
