"""What no rule finds a project for goes to its source's, until something knows better."""

from __future__ import annotations

import msgspec

from commonplace.archive.conversations.merge import merge
from commonplace.archive.core import Archive
from commonplace.archive.projects import registry
from commonplace.archive.projects.history import rename
from commonplace.config import ProjectSettings
from commonplace.model import Conversation
from commonplace.stages.mapping import projects
from commonplace.stages.mapping.preview import preview
from tests.archive.builders import simple_chat
from tests.stages.mapping.assigning import map_projects
from tests.stages.mapping.test_stage import GARDEN, WORDS, import_all, places, world

SETTINGS = ProjectSettings()


def heard(id: str, *texts: str, **fields: object) -> Conversation:
    return msgspec.structs.replace(simple_chat(id, *texts, **fields), source="omi")  # type: ignore[arg-type]


def name_of(archive: Archive, id: str) -> str | None:
    return registry.names(archive).get(places(archive)[id] or "")


def test_the_first_thing_that_a_device_heard_has_a_project(archive: Archive) -> None:
    merge(archive, None, [heard("a", "We should cook a curry."), simple_chat("b", "We should cook a curry.")])
    told = preview(archive, SETTINGS)
    assert set(told.frame().select("rule", "project").rows()) == {("source", "OMI"), ("orphan", None)}
    assert registry.names(archive) == {}
    report = map_projects(archive, SETTINGS)
    assert (name_of(archive, "omi:a"), places(archive)["chatgpt:b"]) == ("OMI", None)
    assert (report.assigned["source"], report.orphans, len(report.changed)) == (1, 1, 1)
    assert map_projects(archive, SETTINGS).decided == 0


def test_it_keeps_its_project_when_that_is_called_otherwise(sqlite_archive: Archive) -> None:
    merge(sqlite_archive, None, [heard("a", "We should cook a curry.")])
    map_projects(sqlite_archive, SETTINGS)
    rename(sqlite_archive, places(sqlite_archive)["omi:a"] or "", "Daily life")
    merge(sqlite_archive, None, [heard("b", "And a soup.")])
    map_projects(sqlite_archive, SETTINGS)
    assert {name_of(sqlite_archive, id) for id in ("omi:a", "omi:b")} == {"Daily life"}


def test_what_is_surely_like_a_project_leaves_it_and_nothing_is_learned_from_it(sqlite_archive: Archive) -> None:
    about_soil = heard("a", *[WORDS[GARDEN]] * 2, title="tomato basil soil", updated=1_700_000_000_000_000)
    merge(sqlite_archive, None, [about_soil])
    map_projects(sqlite_archive, SETTINGS)
    assert name_of(sqlite_archive, "omi:a") == "OMI"
    import_all(sqlite_archive, world()[0])
    report = map_projects(sqlite_archive, SETTINGS)
    assert places(sqlite_archive)["omi:a"] == registry.refs(sqlite_archive)[GARDEN]
    assert report.learned
    assert report.learned.projects == 3


def test_a_persons_word_and_other_settings_stand(sqlite_archive: Archive) -> None:
    merge(sqlite_archive, None, [heard(id, f"We should cook {id}.") for id in "abc"])
    map_projects(sqlite_archive, SETTINGS)
    projects.unassign(sqlite_archive, ["omi:a"])
    projects.reject(sqlite_archive, ["omi:b"])
    map_projects(sqlite_archive, SETTINGS)
    assert (places(sqlite_archive)["omi:a"], places(sqlite_archive)["omi:b"], name_of(sqlite_archive, "omi:c")) == (
        None,
        None,
        "OMI",
    )
    map_projects(sqlite_archive, ProjectSettings(sources={}))
    assert places(sqlite_archive)["omi:c"] is None
