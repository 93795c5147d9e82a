"""Which conversations are meant, said the same way by lists, figures, searches, stages and forgetting."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path

import pytest

from commonplace.archive.care.forget import forget
from commonplace.archive.conversations.merge import merge
from commonplace.archive.conversations.reading import conversation_ids, list_conversations
from commonplace.archive.core import Archive
from commonplace.archive.figures.frames import write_frame
from commonplace.archive.projects import assignments, lookup, registry
from commonplace.archive.scope import Scope
from commonplace.archive.search.search import Filters, search
from commonplace.errors import Refused
from commonplace.stages import selection
from tests.archive.builders import simple_chat

COMMONPLACE = Path(__file__).parents[2] / "commonplace"

Found = Callable[[Archive, str], list[str]]
WAYS: dict[str, Found] = {
    "a list": lambda archive, name: [one.id for one in list_conversations(archive, Scope(project=name))],
    "ids": lambda archive, name: conversation_ids(archive, Scope(project=name)),
    "a search": lambda archive, name: [one.id for one in search(archive, "", filters=Filters(project=name)).results],
    "a search for words": lambda archive, name: [
        one.id for one in search(archive, "grow", filters=Filters(project=name)).results
    ],
    "a stage": lambda archive, name: conversation_ids(archive, selection.Selection(project=name)),
    "forgetting": lambda archive, name: forget(archive, project=name, dry_run=True).conversation_ids,
}


@pytest.fixture
def filled(archive: Archive) -> Archive:
    merge(archive, None, [simple_chat(name, "What will grow?", updated=at) for at, name in enumerate("abcd", 1)])
    ids = registry.ensure_named(archive, ["Garden", "Kitchen", "Garden shed"])
    assignments.assign(archive, {"chatgpt:a": ids[registry.title_ref("Garden")]})
    assignments.assign(archive, {"chatgpt:b": ids[registry.title_ref("Kitchen")]})
    return archive


@pytest.mark.parametrize("way", WAYS)
def test_a_project_is_found_by_its_name_in_any_case_its_id_and_the_beginning_of_it(filled: Archive, way: str) -> None:
    id = lookup.find_project(filled, "Garden").id
    for typed in ("Garden", "garden", id, id[:6]):
        assert WAYS[way](filled, typed) == ["chatgpt:a"]
    assert WAYS[way](filled, "Garden shed") == []


@pytest.mark.parametrize("way", WAYS)
def test_a_project_that_nobody_knows_is_an_error_that_names_what_is_near(filled: Archive, way: str) -> None:
    with pytest.raises(Refused, match="There is no project 'Gardne'") as refused:
        WAYS[way](filled, "Gardne")
    assert refused.value.hint == "Did you mean 'Garden'? `commonplace projects list` shows them."


def test_a_file_is_not_written_for_a_project_that_nobody_knows(filled: Archive, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="There is no project 'Attic'") as refused:
        write_frame(filled, tmp_path / "out.jsonl", "jsonl", scope=Scope(project="Attic"))
    assert refused.value.hint == "`commonplace projects list` shows them."
    assert list(tmp_path.glob("out*")) == []


@pytest.mark.parametrize("kind", [Scope, Filters, selection.Selection])
def test_bounds_are_half_open_and_combine_with_a_project(filled: Archive, kind: type[Scope]) -> None:
    assert conversation_ids(filled, kind(since=2, until=4)) == ["chatgpt:b", "chatgpt:c"]
    assert conversation_ids(filled, kind(since=2, project="Garden")) == []
    assert conversation_ids(filled, kind(until=2, project="Garden", source="chatgpt")) == ["chatgpt:a"]


def test_bounds_become_a_condition_in_one_file() -> None:
    conditions = {
        path.relative_to(COMMONPLACE).as_posix()
        for path in COMMONPLACE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Compare)
        and isinstance(node.left, ast.Attribute)
        and node.left.attr == "updated_at"
        and any(isinstance(side, ast.Attribute) and side.attr in ("since", "until") for side in node.comparators)
    }
    assert conditions == {"archive/scope.py"}
