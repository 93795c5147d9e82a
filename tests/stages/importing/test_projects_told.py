"""Projects that an export tells of: named, mapped to by likeness, and forgotten with what was told."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from commonplace.archive.care.forget import forget
from commonplace.archive.core import Archive
from commonplace.archive.projects import assignments, history, lookup, registry
from commonplace.config import ProjectSettings
from commonplace.stages.importing.stage import import_paths
from tests.fakes.assistants import claude_conversation, claude_message, claude_project
from tests.fakes.exports import write_zip
from tests.stages.mapping.assigning import map_projects

WORDS = {
    "Bread": "flour water salt yeast dough oven crust crumb proof knead sourdough starter rye spelt loaf",
    "Garden": "tomato basil soil compost seedlings beds mulch harvest pruning roses hedge lawn shears bulbs moss",
}
OTHERS = "paris tax car invoice soup weather movie shoes visa train dog phone lamp rent"


def talk(key: str, words: str, draw: random.Random) -> dict[str, Any]:
    told = [" ".join(draw.choices(words.split(), k=25)) for _ in range(2)]
    first = claude_message(f"{key}-1", told[0])
    return claude_conversation(
        key, first, claude_message(f"{key}-2", told[1], "assistant", f"{key}-1"), name=told[0][:30]
    )


def export(path: Path, *, chats: int = 0, others: int = 0, **project: Any) -> Path:
    draw = random.Random(3)
    told = [talk(f"{name}-{n}", words, draw) for name, words in WORDS.items() for n in range(chats)]
    told += [talk(f"other-{n}", " ".join(random.Random(n).sample(OTHERS.split(), 9)), draw) for n in range(others)]
    documents = {
        name: [
            {"uuid": f"{name}-d{n}", "filename": f"{n}.md", "content": " ".join(draw.choices(words.split(), k=60))}
            for n in range(3)
        ]
        for name, words in WORDS.items()
    }
    projects = [
        claude_project(f"{name}-uuid", name, docs=documents[name], prompt_template=f"Speak of {name}", **project)
        for name in WORDS
    ]
    return write_zip(path, {"conversations.json": told, "projects.json": projects, "users.json": [{"uuid": "u"}]})


def known(archive: Archive) -> dict[str, tuple[str, str | None]]:
    return {project.name: (project.name_source, project.instructions) for project in registry.load(archive)}


def test_an_exports_projects_are_known_by_name_with_their_instructions(archive: Archive, tmp_path: Path) -> None:
    report = import_paths(archive, [export(tmp_path / "claude.zip", description="All of it")])
    assert (report.read, report.new, report.failed) == (2, 2, 0)
    assert known(archive) == {name: ("sidebar", f"Speak of {name}") for name in WORDS}
    bread = lookup.find_project(archive, "Bread")
    assert bread.description == "All of it"
    history.rename(archive, bread.id, "My bread")
    import_paths(archive, [export(tmp_path / "newer.zip", description="More of it")])
    assert set(known(archive)) == {"My bread", "Garden"}


def test_conversations_find_their_project_once_a_person_has_put_some_there(
    sqlite_archive: Archive, tmp_path: Path
) -> None:
    import_paths(sqlite_archive, [export(tmp_path / "claude.zip", chats=60, others=120)])
    known = registry.refs(sqlite_archive)
    ids = [f"claude:{name}-{n}" for name in WORDS for n in range(60)]
    put = {id: known[f"{name}-uuid"] for name in WORDS for id in ids if id in [f"claude:{name}-{n}" for n in range(12)]}
    assignments.assign(sqlite_archive, put)
    map_projects(sqlite_archive, ProjectSettings())
    names = registry.names(sqlite_archive)
    assigned = registry.projects_of(sqlite_archive, [*ids, "claude:project-Bread-uuid"])
    assert names[assigned.pop("claude:project-Bread-uuid") or ""] == "Bread"
    found = {id: names[project] for id, project in assigned.items() if project and id not in put}
    assert len(found) >= 40
    assert all(id.startswith(f"claude:{name}-") for id, name in found.items())


def test_forgetting_what_a_project_knows_takes_its_name_and_instructions_and_it_stays_gone(
    archive: Archive, tmp_path: Path
) -> None:
    path = export(tmp_path / "claude.zip", description="All of it")
    import_paths(archive, [path])
    forget(archive, ids=["claude:project-Bread-uuid"])
    assert known(archive) == {"Project Bread-uu": ("id", None), "Garden": ("sidebar", "Speak of Garden")}
    import_paths(archive, [export(tmp_path / "newer.zip", description="Changed")])
    assert known(archive) == {"Project Bread-uu": ("id", None), "Garden": ("sidebar", "Speak of Garden")}
