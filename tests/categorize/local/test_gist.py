"""Titles, summaries, tags and languages, taken from what was said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonplace.categorize.contract import Subject, TagsPolicy, Turn
from commonplace.categorize.local.examples import examples
from commonplace.categorize.local.gist import LONGEST_TITLE, gist_of, sentences
from commonplace.categorize.local.languages import detect_language
from tests.categorize.local.conftest import subject

FREE = TagsPolicy()


def test_the_summary_is_made_of_what_was_said() -> None:
    said = subject(
        "Hi! My sourdough starter smells of acetone. What should I do?",
        "Your starter is hungry. Feed it twice a day with equal parts flour and water. It recovers in three days.",
        "Feeding twice a day worked, thanks!",
    )
    found = gist_of(said, FREE)
    assert found.title == "My sourdough starter smells of acetone"
    assert len(sentences(found.summary)) in (2, 3)
    whole = " ".join(turn.text for turn in said.turns)
    assert all(sentence.rstrip(".") in whole for sentence in sentences(found.summary))
    assert "starter" in found.tags


def test_a_sentence_that_announced_a_list_ends_like_any_other() -> None:
    said = subject("Which worktop?", "Before you decide on a worktop, settle four things:\n\n1. Use\n2. Care")
    assert "settle four things. " in f"{gist_of(said, FREE).summary} "


def test_what_was_folded_away_is_no_part_of_a_summary() -> None:
    folded = "<details><summary>Searched the web</summary>\n\nworktop oak details\n\n</details>\n\n"
    found = gist_of(subject("Which worktop?", folded + "Oak is warm, stone lasts."), FREE)
    assert found.summary == "Which worktop? Oak is warm, stone lasts."
    assert "details" not in found.tags


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("Oak is warm.\n\n    oven --worktop oak\n\n    worktop\n\n", "Oak is warm."),
        ("# Which worktop\n\n    worktop --oak\n\nOak is warm.", "Oak is warm."),
        (
            "1. Measure twice.\n\n    The worktop is cut once, and oak swells.",
            "The worktop is cut once, and oak swells.",
        ),
    ],
)
def test_code_without_a_fence_and_headings_are_no_sentences_but_what_belongs_to_a_list_is(
    answer: str, told: str
) -> None:
    assert gist_of(subject("Which worktop?", answer), FREE).summary == f"Which worktop? {told}"


def test_a_sentence_goes_on_in_the_next_line_where_a_text_is_wrapped() -> None:
    wrapped = "An oak worktop is warm to the touch and can be sanded down as often as\nyou like, which stone cannot."
    found = gist_of(subject("Which worktop?", wrapped), FREE)
    assert found.summary == f"Which worktop? {wrapped.replace(chr(10), ' ')}"


def test_a_title_that_is_there_is_kept_and_one_that_says_nothing_is_replaced() -> None:
    assert gist_of(subject("how do bees fly", title="Bees"), FREE).title is None
    assert gist_of(subject("how do bees fly", title="New chat"), FREE).title == "how do bees fly"
    assert gist_of(subject("", title=None), FREE).title is None


def test_tags_follow_the_policy() -> None:
    said = subject("planning the garden: roses, roses and tulips near the fence", title="Garden roses")
    assert len(gist_of(said, TagsPolicy(most=2)).tags) == 2
    assert gist_of(said, TagsPolicy(most=0)).tags == []
    assert gist_of(said, TagsPolicy(allowed=("garden", "kitchen", "near the fence"))).tags == [
        "garden",
        "near the fence",
    ]


def test_forms_of_one_word_are_one_tag() -> None:
    tags = gist_of(subject("recipe for plums, recipes with plum, plums", title="Plum recipes"), FREE).tags
    assert len([tag for tag in tags if tag.startswith("plum")]) == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Version 3.11 is out. It is 2.5 times faster!", ["Version 3.11 is out.", "It is 2.5 times faster!"]),
        ("本当ですか？はい。行きます", ["本当ですか？", "はい。", "行きます"]),
        ("one\ntwo", ["one", "two"]),
        ("...", []),
    ],
)
def test_sentences_end_where_people_end_them(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


@given(st.lists(st.text(max_size=300), max_size=6), st.one_of(st.none(), st.text(max_size=80)))
def test_any_text_has_a_gist_within_bounds(texts: list[str], title: str | None) -> None:
    turns = tuple(Turn("assistant" if place % 2 else "user", text) for place, text in enumerate(texts))
    found = gist_of(Subject(conversation_id="x", content_hash="x", title=title, turns=turns), FREE)
    assert found.title is None or 0 < len(found.title) <= LONGEST_TITLE
    assert len(found.tags) <= FREE.most
    assert len(found.summary) < 800


def test_languages_are_told_apart_by_their_chats() -> None:
    asked = [(e.language, "\n".join(turn.text for turn in e.subject.turns)) for e in examples() if e.is_held_out]
    right = sum(detect_language(text) == language for language, text in asked)
    assert right / len(asked) >= 0.95


@pytest.mark.parametrize("text", ["", "12345", "```python\nfor the in of\n```", "https://example.org/the/and"])
def test_where_nothing_is_said_there_is_no_language(text: str) -> None:
    assert detect_language(text) is None
