"""Lists of projects that people bring."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonplace.errors import Refused
from commonplace.model import Project
from commonplace.projects import listings

GARDEN: dict[str, Any] = {
    "id": "g-p-1",
    "display": {"name": "Garden", "description": " Roses "},
    "instructions": "Be brief.",
    "gizmo_type": "snorlax",
}


@pytest.mark.parametrize(
    "page",
    [
        {"items": [{"gizmo": {"gizmo": GARDEN, "files": [{"id": "file-1", "name": "x"}]}}], "cursor": None},
        {"items": [{"gizmo": GARDEN}]},
        {"items": [GARDEN]},
        [GARDEN],
        GARDEN,
    ],
)
def test_a_project_is_found_wherever_the_sidebar_puts_it(page: Any) -> None:
    source, found = listings.parse(json.dumps(page))
    assert source == "sidebar"
    assert [(one.id, one.name, one.description, one.instructions) for one in found] == [
        ("g-p-1", "Garden", "Roses", "Be brief.")
    ]


def test_pages_pasted_one_after_the_other_are_read_together_and_each_project_once() -> None:
    other = {"id": "g-p-2", "name": "Kitchen"}
    text = json.dumps({"items": [GARDEN]}) + "\n\n" + json.dumps({"items": [other, GARDEN]})
    assert [one.name for one in listings.parse_sidebar(text)] == ["Garden", "Kitchen"]


def test_custom_gpts_and_files_are_no_projects() -> None:
    with pytest.raises(Refused, match="no project"):
        listings.parse_sidebar(json.dumps([{"id": "g-abc", "display": {"name": "Chef"}}, {"id": "g-p-3"}]))


@pytest.mark.parametrize(
    "text", ['{"items": [', "{}", "", "[1]", "a = ", '{"a": ' * 100_000, '"g-p-1" = 3', "[projects.x]"]
)
def test_what_is_no_list_is_refused_in_words(text: str) -> None:
    with pytest.raises(Refused):
        listings.parse(text)


def test_a_toml_of_names_may_be_short_or_long() -> None:
    text = """
    [projects]
    "g-p-1" = "Garden"
    [projects."g-p-2"]
    name = "Kitchen"
    description = "What we cook"
    status = "archived"
    refs = ["g-chef"]
    """
    source, found = listings.parse(text)
    assert source == "person"
    assert [(one.id, one.name, one.status, one.refs) for one in found] == [
        ("g-p-1", "Garden", "active", []),
        ("g-p-2", "Kitchen", "archived", ["g-chef"]),
    ]


@pytest.mark.parametrize(
    "line", ['titel = "x"', 'name = ""', 'name = "x"\nstatus = "lost"', 'name = "x"\nrefs = "g-p-2"']
)
def test_a_wrong_key_or_value_is_refused_by_the_projects_id(line: str) -> None:
    with pytest.raises(Refused, match="g-p-1"):
        listings.parse_toml(f'["g-p-1"]\n{line}')


_names = st.text(min_size=1).map(lambda text: " ".join(text.split())).filter(bool)
_lines = st.none() | st.text(min_size=1).map(str.strip).filter(bool)


@settings(deadline=None)
@given(
    st.lists(
        st.builds(
            Project,
            id=st.uuids().map(lambda id: f"p-{id.hex[:10]}"),
            name=_names,
            description=_lines,
            instructions=_lines,
            colour=st.none() | _names,
            status=st.sampled_from(["active", "archived"]),
            refs=st.lists(st.text(min_size=1), max_size=3),
            name_source=st.just("person"),
        ),
        min_size=1,
        max_size=5,
        unique_by=lambda project: project.id,
    )
)
def test_an_exported_list_says_the_same_when_it_is_read_again(projects: list[Project]) -> None:
    assert listings.parse_toml(listings.to_toml(projects)) == projects


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.sampled_from(["id", "name", "display", "gizmo", "items"]), inner)
    ),
)


@settings(deadline=None)
@given(_json)
def test_any_json_is_read_or_refused(value: Any) -> None:
    try:
        found = listings.parse_sidebar(json.dumps(value))
    except Refused:
        return
    assert all(one.id.startswith("g-p-") and one.name for one in found)


@settings(deadline=None)
@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        listings.parse(text)
    except Refused:
        return
