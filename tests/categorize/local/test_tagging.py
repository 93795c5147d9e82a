"""Tags that are worth having: what stands out here and occurs elsewhere."""

from __future__ import annotations

from commonplace.categorize.contract import TagsPolicy
from commonplace.categorize.local.gist import candidates, gist_of
from commonplace.categorize.local.tagging import Recurring, choose, recurring
from tests.categorize.local.conftest import subject

FREE = TagsPolicy()


def test_what_recurs_is_taken_before_what_stands_out_here_alone() -> None:
    said = subject("my sourdough starter smells of acetone near the radiator", "Feed it.", title="Acetone smell")
    alone = gist_of(said, FREE).tags
    assert alone[0] != "sourdough"
    assert gist_of(said, FREE, Recurring({"sourdough": 9})).tags[0] == "sourdough"


def test_tags_that_nothing_else_has_are_few_where_there_are_others() -> None:
    said = subject("sourdough acetone radiator hydration banneton lame proofing", "Yes.", title="Bread")
    assert len(gist_of(said, FREE).tags) == 5
    found = gist_of(said, FREE, Recurring({"sourdough": 9, "proofing": 3})).tags
    assert found[:2] == ["sourdough", "proofing"]
    assert len(found) == 3


def test_one_form_of_a_word_is_used_by_all() -> None:
    said = subject("recipe for plums", title="Plum recipe")
    assert "recipes" in gist_of(said, FREE, Recurring({"recipes": 5, "recipe": 2})).tags


def test_of_words_that_mean_the_same_the_commonest_is_used_by_all() -> None:
    chats = [["recipe"], ["recipe"], ["rezept"], ["rezepte", "ofen"]]
    known = recurring(chats, alike=lambda terms: {"rezept": "recipe", "rezepte": "recipe"} if "ofen" in terms else {})
    assert known.counts == {"recipe": 4}
    said = subject("Rezept für Pflaumen", title="Rezept")
    assert gist_of(said, FREE, known).tags[0] == "recipe"


def test_two_words_are_one_tag_where_they_belong_together() -> None:
    said = subject("my sourdough starter died. is a sourdough starter a pet?", title="Help")
    assert "sourdough starter" in gist_of(said, FREE).tags
    assert "sourdough" not in gist_of(said, FREE).tags


def test_what_recurs_is_counted_by_conversations_and_once_is_not_again() -> None:
    chats = [subject("compost for roses, roses, roses"), subject("roses again"), subject("ingress for a cluster")]
    found = recurring(candidates(chat) for chat in chats)
    assert found.counts["roses"] == 2
    assert "ingress" not in found.counts


def test_nothing_recurs_in_an_archive_of_one() -> None:
    assert recurring([["a", "b", "a"]]) == Recurring()
    assert choose(["b", "a"], Recurring(), 5) == ["b", "a"]
