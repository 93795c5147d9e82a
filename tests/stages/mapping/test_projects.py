"""The verbs of `commonplace projects`, as a person uses them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from commonplace.archive.conversations import reading
from commonplace.archive.conversations.merge import merge
from commonplace.archive.core import Archive
from commonplace.archive.projects import assignments, lookup
from commonplace.archive.projects.assignments import Decision
from commonplace.config import ProjectSettings
from commonplace.errors import Refused
from commonplace.model import Conversation
from commonplace.stages.mapping import project_names, projects
from tests.archive.builders import simple_chat
from tests.stages.mapping.assigning import map_projects

GARDEN, KITCHEN = "g-p-aaaa1111", "g-p-bbbb2222"
SIDEBAR = json.dumps(
    {"items": [{"gizmo": {"gizmo": {"id": GARDEN, "display": {"name": "My garden"}, "instructions": "Be brief."}}}]}
)
SETTINGS = ProjectSettings()


def export(*, updated: int = 100) -> list[Conversation]:
    return [
        simple_chat("rose1", "roses", title="Pruning roses", project_ref=GARDEN, updated=updated),
        simple_chat("rose2", "roses", title="Roses and greenfly", project_ref=GARDEN, updated=updated),
        simple_chat("soup", "soup", title="Lentil soup", project_ref=KITCHEN, updated=updated),
        simple_chat("loose", "trains", title="Trains to Vienna", updated=updated),
    ]


@pytest.fixture
def mapped(archive: Archive) -> Archive:
    merge(archive, None, export())
    map_projects(archive, SETTINGS)
    return archive


def places(archive: Archive) -> dict[str, str | None]:
    return {one.id.removeprefix("chatgpt:"): one.project_name for one in reading.list_conversations(archive)}


def test_an_export_known_by_ids_is_named_mapped_corrected_and_imported_again(mapped: Archive) -> None:
    first = {one["name"]: one["name_source"] for one in projects.list_projects(mapped)}
    assert set(first.values()) == {"inferred"}

    assert len(projects.import_names(mapped, SIDEBAR)["renamed"]) == 1
    projects.rename(mapped, KITCHEN, "Cooking")
    projects.assign(mapped, "cooking", ["rose2"])
    projects.unassign(mapped, ["soup"])
    projects.assign(mapped, "Travel", ["loose"], new=True)
    corrected = {"rose1": "My garden", "rose2": "Cooking", "soup": None, "loose": "Travel"}
    assert places(mapped) == corrected

    merge(mapped, None, export(updated=200))
    report = map_projects(mapped, SETTINGS)
    projects.import_names(mapped, SIDEBAR)
    projects.infer_names(mapped)
    assert places(mapped) == corrected
    assert report.assigned == {"person": 2, "id": 1, "title": 0, "gpt": 0, "similar": 0, "source": 0}
    assert {one["name"]: one["name_source"] for one in projects.list_projects(mapped)} == {
        "My garden": "sidebar",
        "Cooking": "person",
        "Travel": "person",
    }


def test_show_tells_what_a_project_holds_and_what_happened_to_it(mapped: Archive) -> None:
    projects.rename(mapped, GARDEN, "Garden", description="Roses mostly")
    shown = projects.show(mapped, "garden")
    assert (shown["conversations"], shown["refs"], shown["description"]) == (
        2,
        [GARDEN, "title:garden"],
        "Roses mostly",
    )
    assert [one["title"] for one in shown["newest"]] == ["Pruning roses", "Roses and greenfly"]
    assert [one["kind"] for one in shown["history"]] == ["rename"]
    json.dumps(shown)


def test_renaming_without_a_name_confirms_an_inferred_one(mapped: Archive) -> None:
    before = lookup.find_project(mapped, GARDEN)
    projects.rename(mapped, GARDEN)
    after = lookup.find_project(mapped, GARDEN)
    assert (before.name, before.name_source, after.name, after.name_source) == (
        before.name,
        "inferred",
        before.name,
        "person",
    )


def test_two_projects_do_not_share_a_name_by_accident(mapped: Archive) -> None:
    projects.rename(mapped, GARDEN, "Home")
    with pytest.raises(Refused, match="merge"):
        projects.rename(mapped, KITCHEN, "home")
    projects.merge(mapped, KITCHEN, "home")
    assert places(mapped) == {"rose1": "Home", "rose2": "Home", "soup": "Home", "loose": None}
    projects.undo(mapped)
    assert places(mapped)["soup"] not in {"Home", None}
    new = projects.split(mapped, "Home", "Greenfly", ids=["rose2"])
    assert new["kind"] == "split"
    assert places(mapped)["rose2"] == "Greenfly"
    json.dumps(new)
    assert "split:" not in str(projects.show(mapped, "Greenfly")["refs"]) + projects.export(mapped)


def test_an_id_to_split_off_may_be_named_by_its_beginning(mapped: Archive) -> None:
    projects.merge(mapped, KITCHEN, GARDEN)
    projects.split(mapped, GARDEN, "Cooking", refs=[KITCHEN[:8]])
    assert places(mapped)["soup"] == "Cooking"
    with pytest.raises(Refused, match="not an id"):
        projects.split(mapped, GARDEN, "Nothing", refs=[KITCHEN])


def test_suggestions_are_listed_accepted_and_rejected(mapped: Archive) -> None:
    garden = lookup.find_project(mapped, GARDEN).id
    merge(mapped, None, [simple_chat("maybe", "x", title="Hedges"), simple_chat("no", "x", title="Ledges")])
    ideas = [
        Decision(
            conversation_id=f"chatgpt:{id}",
            content_hash="h",
            rule="orphan",
            suggested_project_id=garden,
            suggestion_confidence=confidence,
        )
        for id, confidence in (("maybe", 0.6), ("no", 0.55))
    ]
    assignments.record(mapped, ideas, "r", "o")
    assert [one["title"] for one in projects.suggest(mapped)] == ["Hedges", "Ledges"]
    assert [one["title"] for one in projects.suggest(mapped, project=GARDEN, above=0.6)] == ["Hedges"]
    assert projects.accept(mapped, above=0.6)["moved"] == 1
    assert projects.reject(mapped, project=GARDEN)["asked"] == 1
    assert projects.suggest(mapped) == []
    name = lookup.find_project(mapped, GARDEN).name
    assert (places(mapped)["maybe"], places(mapped)["no"]) == (name, None)
    for wrong in (projects.accept, projects.reject):
        with pytest.raises(Refused, match="Nothing was named"):
            wrong(mapped)
    with pytest.raises(Refused, match="Nothing is suggested"):
        projects.accept(mapped, ["no"])


def test_an_unassigned_conversation_can_be_given_back_to_the_rules(mapped: Archive) -> None:
    name = lookup.find_project(mapped, GARDEN).name
    projects.unassign(mapped, ["rose1"])
    map_projects(mapped, SETTINGS)
    assert places(mapped)["rose1"] is None
    projects.unassign(mapped, ["rose1"], to_rules=True)
    map_projects(mapped, SETTINGS)
    assert places(mapped)["rose1"] == name


def test_what_titles_named_first_and_the_sidebar_later_is_one_project(mapped: Archive) -> None:
    merge(mapped, None, [simple_chat("t", "x", title="[My Garden] Compost")])
    map_projects(mapped, SETTINGS)
    assert len(projects.list_projects(mapped)) == 3
    report = projects.import_names(mapped, SIDEBAR)
    assert len(report["merged"]) == 1
    map_projects(mapped, SETTINGS)
    assert places(mapped)["t"] == places(mapped)["rose1"] == "My garden"
    assert projects.import_names(mapped, SIDEBAR)["merged"] == []


def test_an_export_of_the_registry_is_read_by_another_archive(mapped: Archive) -> None:
    projects.rename(mapped, GARDEN, "Garden")
    text = projects.export(mapped)
    other = mapped.of("someone else")
    projects.import_names(other, text)
    merge(other, None, export())
    map_projects(other, SETTINGS)
    assert places(other) == places(mapped)
    assert json.loads(projects.export(mapped, form="json"))[0]["refs"]


def test_the_settings_file_of_names_is_taken_over_when_it_changes_and_not_against_later_corrections(
    mapped: Archive, tmp_path: Path
) -> None:
    file = tmp_path / "projects.toml"
    file.write_text(f'"{GARDEN}" = "From the file"\n')
    settings = ProjectSettings(names=str(file))
    map_projects(mapped, settings)
    assert places(mapped)["rose1"] == "From the file"
    projects.rename(mapped, GARDEN, "By hand")
    map_projects(mapped, settings)
    assert places(mapped)["rose1"] == "By hand"
    file.write_text(f'"{GARDEN}" = "Changed"\n')
    map_projects(mapped, settings)
    assert places(mapped)["rose1"] == "Changed"
    with pytest.raises(Refused, match="cannot be read"):
        project_names.take_over_changed(mapped, tmp_path / "gone.toml")


def test_what_came_in_while_two_were_one_goes_home_when_they_are_two_again(mapped: Archive) -> None:
    projects.rename(mapped, GARDEN, "Garden")
    projects.rename(mapped, KITCHEN, "Kitchen")
    merged = projects.merge(mapped, "Garden", "Kitchen")
    merge(mapped, None, [simple_chat("rose3", "roses", title="Climbing roses", project_ref=GARDEN)])
    map_projects(mapped, SETTINGS)
    projects.assign(mapped, "Kitchen", ["loose"])
    assert places(mapped)["rose3"] == "Kitchen"
    projects.undo(mapped, merged["id"])
    map_projects(mapped, SETTINGS)
    found = places(mapped)
    assert {id: found[id] for id in ("rose1", "rose3", "soup", "loose")} == {
        "rose1": "Garden", "rose3": "Garden", "soup": "Kitchen", "loose": "Kitchen",
    }  # fmt: skip
