"""Names made from titles."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from commonplace.projects.contract import Unnamed
from commonplace.projects.naming import LONGEST_NAME, KeyPhrases


def names(*titles: tuple[str, ...]) -> list[str]:
    batch = [Unnamed(project_id=f"p{number}", titles=own) for number, own in enumerate(titles)]
    return [proposal.name for proposal in KeyPhrases().propose(batch)]


def test_a_phrase_that_titles_share_is_the_name_as_they_write_it() -> None:
    assert names(
        ("Kitchen renovation budget", "Lighting for the kitchen renovation", "Kitchen Renovation: which floor?"),
        ("Learning the violin", "Violin strings", "Best violin etudes"),
    ) == ["Kitchen renovation", "Violin"]


def test_what_more_titles_share_is_the_name_and_none_goes_across_a_comma() -> None:
    kinds = ("no such column", "database is locked", "slow query")
    errors = [f"Database error in Trailmap: {what}" for what in kinds]
    others = [f"Trailmap: {what}" for what in ("offline tiles", "a test for the importer", "simplify tracks")]
    issues = [f"Crumb & Crust, issue on {what}" for what in ("flour", "rye", "ovens")]
    assert names((*errors, *others), tuple(issues)) == ["Trailmap", "Crumb & Crust"]


def test_what_all_projects_speak_of_names_none_of_them() -> None:
    found = names(("Python parser", "Python lexer parser"), ("Python scraper", "Python scraper again"))
    assert found == ["Parser", "Python scraper"]


def test_other_languages_and_scripts_are_named_too() -> None:
    found = names(("Die Steuererklärung 2023", "Hilfe bei der Steuererklärung"), ("東京旅行", "東京の天気"))
    assert found == ["Steuererklärung", "東京"]


def test_titles_that_say_nothing_give_no_name() -> None:
    assert names(("How to do it", "?"), ()) == []


def test_scraps_are_no_names() -> None:
    assert names(("New chat", "new chat", "Untitled"), ("Chat", "Chat about it")) == []
    assert names(("Plagas & plagas", "Plagas y plagas")) == ["Plagas"]
    unlike = ("Rust borrow checker", "Oat milk at home", "Visa for Japan", "Squeaky door", "Sonnet 18", "Tyre sizes")
    assert names(unlike) == []


@settings(deadline=None)
@given(st.lists(st.lists(st.text(), max_size=6), max_size=4))
def test_any_titles_give_short_names_or_none(titles: list[list[str]]) -> None:
    found = names(*(tuple(own) for own in titles))
    assert all(0 < len(name) <= LONGEST_NAME and name == name.strip() for name in found)
