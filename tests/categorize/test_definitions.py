"""Taxonomies as files: what ships, what comes back, and what is refused with which words."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonplace.categorize.definitions import parse, read_taxonomy, shipped, shipped_names, to_toml
from commonplace.categorize.local.examples import examples, set_names
from commonplace.categorize.taxonomy import Category, TagsPolicy, Taxonomy
from commonplace.errors import Refused

EVERYDAY = [
    "Coding",
    "Data & Analysis",
    "Writing & Editing",
    "Creative Writing",
    "Learning & Explanations",
    "Math",
    "Work & Career",
    "Planning & Productivity",
    "Health & Fitness",
    "Food, Home & Travel",
    "Language & Translation",
    "Images & Media",
    "Money & Law",
    "Personal & Relationships",
    "Other",
]
SMALL = """
name = "klein"
fallback = "Sonstiges"
[[categories]]
name = "Kochen"
[[categories]]
name = "Sonstiges"
"""


def test_everyday_has_its_fifteen_categories() -> None:
    taxonomy = shipped("everyday")
    assert taxonomy is not None
    assert taxonomy.names == EVERYDAY
    assert all(category.description and category.examples and category.emoji for category in taxonomy.categories)


def test_the_published_taxonomy_has_its_24_topics_in_seven_groups() -> None:
    taxonomy = shipped("chatgpt-usage")
    assert taxonomy is not None
    assert len(taxonomy.categories) == 24
    assert len({category.group for category in taxonomy.categories}) == 7


def test_every_shipped_example_set_is_taught_and_every_reference_exists() -> None:
    references = {example.reference for example in examples()} | set(set_names())
    for name in shipped_names():
        taxonomy = shipped(name)
        assert taxonomy is not None
        taught = [reference for category in taxonomy.categories for reference in category.taught_by]
        assert set(taught) <= references
        assert len(taught) == len(set(taught))


@pytest.mark.parametrize("name", shipped_names())
def test_a_shipped_taxonomy_survives_export_and_import(name: str) -> None:
    taxonomy = shipped(name)
    assert taxonomy is not None
    again = parse(to_toml(taxonomy))
    assert again == taxonomy
    assert again.hash == taxonomy.hash


_words = st.text(st.characters(blacklist_categories=("C", "Z")), min_size=1, max_size=20)


@given(
    names=st.lists(_words, min_size=1, max_size=6, unique_by=lambda name: name.casefold().replace(",", "")),
    descriptions=st.lists(st.text(max_size=60), min_size=6, max_size=6),
    allowed=st.lists(_words, max_size=3, unique_by=lambda tag: tag.casefold().replace(",", "")),
)
def test_any_taxonomy_that_is_accepted_survives_export_and_import(
    names: list[str], descriptions: list[str], allowed: list[str]
) -> None:
    described = zip(names, descriptions, strict=False)
    categories = (Category(name="Other"), *(Category(name=n, description=d, examples=(d,)) for n, d in described))
    taxonomy = Taxonomy(name="any", categories=categories, tags=TagsPolicy(allowed=tuple(allowed)))
    try:
        again = parse(to_toml(taxonomy))
    except Refused:
        return
    assert again == taxonomy


def test_the_same_taxonomy_as_toml_yaml_and_json(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(SMALL, encoding="utf-8")
    (tmp_path / "a.yml").write_text("name: klein\nfallback: Sonstiges\ncategories: [{name: Kochen}, {name: Sonstiges}]")
    (tmp_path / "a.json").write_text(
        '{"name": "klein", "fallback": "Sonstiges", "categories": [{"name": "Kochen"}, {"name": "Sonstiges"}]}'
    )
    found = [read_taxonomy(tmp_path / name) for name in ("a.toml", "a.yml", "a.json")]
    assert found[0] == found[1] == found[2]
    assert found[0].names == ["Kochen", "Sonstiges"]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (("Kochen", "sonstiges"), "two categories"),
        (("Kochen", " Kochen"), "begins or ends with a space"),
        (("Kochen", ""), "has no name"),
        (("Kochen", "x" * 101), "longer than 100"),
        (('fallback = "Sonstiges"', ""), "no category 'Other'"),
        (('name = "klein"', 'name = "a/b"'), "cannot be the name of a taxonomy"),
        (('fallback = "Sonstiges"', 'fallback = "Sonstiges"\ncolor = 1'), "unknown key 'color'"),
        (('name = "Kochen"', 'name = "Kochen"\ncolor = "red"'), "unknown key 'color'. Did you mean 'colour'"),
        (('name = "Kochen"', 'name = "Kochen"\ncolour = "mauve"'), "Invalid enum value 'mauve'"),
        (('name = "Kochen"', 'name = "Kochen"\ntaught_by = ["cooking"]'), "no shipped examples 'cooking'"),
        (('name = "Kochen"', "name = "), "not valid TOML"),
        (('fallback = "Sonstiges"', 'fallback = "Sonstiges"\ntags = {most = 99}'), "tags.most is 99"),
        (('fallback = "Sonstiges"', 'fallback = "Sonstiges"\ntags = {allowed = ["a", "A"]}'), "allowed twice"),
    ],
)
def test_what_is_wrong_is_said(change: tuple[str, str], problem: str) -> None:
    text = SMALL.replace(*change, 1)
    assert text != SMALL
    with pytest.raises(Refused, match=problem):
        parse(text, where="mine.toml")


def test_too_many_and_too_few_categories_are_refused() -> None:
    with pytest.raises(Refused, match="at most 100"):
        parse(SMALL + "".join(f'[[categories]]\nname = "c{n}"\n' for n in range(100)))
    with pytest.raises(Refused, match="at least two"):
        parse('name = "x"\n[[categories]]\nname = "Other"\n')


def test_a_file_that_is_no_taxonomy_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a: [")
    (tmp_path / "b.csv").write_text("a")
    (tmp_path / "c.toml").write_bytes(b"\xff\xfe")
    for name, problem in (
        ("a.yaml", "not valid YAML"),
        ("b.csv", "cannot be read"),
        ("c.toml", "UTF-8"),
        ("d", "no file"),
    ):
        with pytest.raises(Refused, match=problem):
            read_taxonomy(tmp_path / name)


def test_the_hash_covers_what_a_judge_sees_and_nothing_else() -> None:
    def hash_with(**fields: object) -> str:
        category = {"name": "Cooking", "description": "d", "examples": ["e"]} | fields
        import msgspec

        plain = {"name": "x", "categories": [category, {"name": "Other"}]}
        return msgspec.convert(plain, Taxonomy).hash

    assert hash_with(colour="red", emoji="x") == hash_with()
    assert (
        len({hash_with(**change) for change in ({}, {"name": "Food"}, {"description": "x"}, {"examples": ["x"]})}) == 4
    )
