"""Front matter: written so that every YAML reader agrees, read as editors rewrite it, merged with what people do."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from commonplace.destinations.markdown.frontmatter import Base, Value, base_of, merge, parse, split, write

FACTS = frozenset({"id"})
_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x85"), min_size=1).filter(str.strip)


def merged(existing: str, ours: dict[str, Value | None], written: dict[str, Value | None] | None) -> str:
    base: Base | None = None if written is None else base_of(written, facts=FACTS)
    return merge(parse(existing), ours, base, facts=FACTS)


@given(st.one_of(_TEXT, st.lists(_TEXT, min_size=1, max_size=4)))
def test_what_we_write_is_read_alike_by_us_and_by_yaml(value: Value) -> None:
    text = write("key", value)
    assert parse(text)[0].value == value
    read: dict[str, Any] = yaml.load(text, yaml.BaseLoader)  # noqa: S506 - the loader that knows only strings
    assert read == {"key": value}


@pytest.mark.parametrize(
    "text", ["yes", "null", "12", "1.5", "a: b", "#x", "- x", "[x", "*x", "2026-03-01", "~", "'x'", "=", ""]
)
def test_words_that_mean_something_to_yaml_stay_words(text: str) -> None:
    assert yaml.safe_load(write("key", text)) == {"key": text}


@pytest.mark.parametrize(
    ("lines", "value"),
    [
        ("key: plain words # a remark\n", "plain words"),
        ("key: 'it''s'\n", "it's"),
        ('key: "a \\u00fc \\" b"\n', 'a ü " b'),
        ("key: [a, 'b c', \"d\"]\n", ["a", "b c", "d"]),
        ("key:\n  - a\n  - 'b c'\n", ["a", "b c"]),
        ("key:\n- a\n- b # remark\n", ["a", "b"]),
        ("key: >-\n  folded\n  words\n", "folded words"),
        ("key: |\n  line one\n  line two\n", "line one\nline two"),
        ("key: goes\n  on here\n", "goes on here"),
        ("key: https://a.example/b#c\n", "https://a.example/b#c"),
        ("key:\n", None),
        ("key: {a: 1}\n", None),
        ("key: &anchor x\n", None),
        ('key: "unfinished\n', None),
    ],
)
def test_the_forms_that_people_and_editors_write_are_understood(lines: str, value: Value | None) -> None:
    assert parse(lines)[0].value == value


def test_a_note_is_split_only_where_it_has_front_matter() -> None:
    assert split("---\na: 1\n---\nrest") == ("a: 1\n", "rest")
    assert split("\ufeff---\r\na: 1\r\n---\r\nrest") == ("a: 1\r\n", "rest")
    assert split("---\n---\n") == ("", "")
    assert split("text\n---\na: 1\n---\n") == (None, "text\n---\na: 1\n---\n")
    assert split("---\nnever closed") == (None, "---\nnever closed")


def test_what_a_person_added_stays_where_and_as_it_is() -> None:
    existing = "# mine\nid: x\nstars: 5 # of five\ntitle: Old\naliases:\n  - other\n"
    ours: dict[str, Value | None] = {"id": "x", "title": "New", "category": "Work"}
    assert merged(existing, ours, {"title": "Old"}) == (
        "# mine\nid: x\nstars: 5 # of five\ntitle: New\naliases:\n  - other\ncategory: Work\n"
    )


def test_what_did_not_change_keeps_the_form_an_editor_gave_it() -> None:
    existing = "id: \"x\"\ntitle: 'Same'\ntags: [a, b]\n"
    ours: dict[str, Value | None] = {"id": "x", "title": "Same", "tags": ["a", "b"]}
    assert merged(existing, ours, ours) == existing


def test_a_persons_word_holds_over_a_new_verdict() -> None:
    ours: dict[str, Value | None] = {"id": "x", "category": "New", "summary": "New words"}
    written: dict[str, Value | None] = {"category": "Old", "summary": "Old words"}
    assert merged("id: x\ncategory: Mine\nsummary: Old words\n", ours, written) == (
        "id: x\ncategory: Mine\nsummary: New words\n"
    )
    assert merged("id: x\nsummary: Old words\n", ours, written) == "id: x\nsummary: New words\n"


def test_facts_are_always_ours() -> None:
    assert merged("id: changed\n", {"id": "x"}, {}) == "id: x\n"


def test_of_tags_a_person_may_add_and_remove() -> None:
    written: dict[str, Value | None] = {"tags": ["a", "b"]}
    ours: dict[str, Value | None] = {"tags": ["a", "b", "c"]}
    assert parse(merged("tags:\n  - mine\n  - b\n", ours, written))[0].value == ["mine", "b", "c"]
    assert parse(merged("title: x\n", ours, written))[1].value == ["c"]
    assert merged("tags: single\n", {"tags": []}, {}) == "tags: single\n"
    assert merged("tags: [{odd: 1}]\n", ours, written) == "tags: [{odd: 1}]\n"


def test_without_knowing_what_we_wrote_ours_holds_and_lists_are_united() -> None:
    ours: dict[str, Value | None] = {"category": "Ours", "tags": ["a"]}
    assert merged("category: Theirs\ntags: [b]\n", ours, None) == "category: Ours\ntags:\n  - b\n  - a\n"


def test_what_we_have_no_more_goes_and_what_a_person_has_stays() -> None:
    written: dict[str, Value | None] = {"category": "Old", "project": "Garden"}
    ours: dict[str, Value | None] = {"category": None, "project": None}
    assert merged("category: Old\nproject: Mine\n", ours, written) == "project: Mine\n"


@given(st.text(), st.dictionaries(st.sampled_from(["id", "title", "tags"]), _TEXT, max_size=3))
def test_any_front_matter_is_survived(existing: str, ours: dict[str, Value | None]) -> None:
    parse(merged(existing, ours, {}))
    parse(merged(existing, ours, None))
