"""What is asked and how answers are read, whatever bytes they are."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonplace.categorize.contract import Category, TagsPolicy, Taxonomy
from commonplace.categorize.openai.questionnaire import Analysis, Answer, Questionnaire
from commonplace.errors import Refused
from commonplace.openai.replies import object_in
from tests.fakes.openai_answers import problem_with_schema

NAMES = ["Coding", "Kochen & Backen", "料理", "Other"]


def taxonomy(**changes: Any) -> Taxonomy:
    given_ones = {"name": "t", "categories": tuple(Category(name=name) for name in NAMES), **changes}
    return Taxonomy(**given_ones)


def answer(index: int = 0, **changes: Any) -> dict[str, Any]:
    return {
        "index": index,
        "language": "de",
        "evidence": "asks for a recipe",
        "category": "Kochen & Backen",
        "runner_up": None,
        "confidence": 0.8,
        "tags": ["brot"],
        "title": None,
        "summary": "Es geht um Brot.",
        **changes,
    }


def told(*answers: dict[str, Any]) -> str:
    return json.dumps({"verdicts": list(answers)}, ensure_ascii=False)


def read_one(said: dict[str, Any], **changes: Any) -> Answer | str:
    return Questionnaire(taxonomy(**changes)).read(told(said), [0])[0]


@pytest.mark.parametrize("analysis", ["category", "summary", "insights"])
def test_the_schema_is_what_strict_mode_takes(analysis: Analysis) -> None:
    schema = Questionnaire(taxonomy(), analysis).schema
    assert problem_with_schema(schema) is None
    properties = list(schema["properties"]["verdicts"]["items"]["properties"])
    assert properties.index("evidence") < properties.index("category")


def test_a_taxonomy_too_large_for_a_schema_is_refused() -> None:
    with pytest.raises(Refused, match="500"):
        Questionnaire(taxonomy(categories=tuple(Category(name=f"c{number}") for number in range(501))))


def test_a_valid_answer_is_read() -> None:
    read = read_one(answer(runner_up="Coding", category="kochen & backen"))
    assert isinstance(read, Answer)
    assert (read.category, read.runner_up) == ("Kochen & Backen", "Coding")


@pytest.mark.parametrize(
    "bad",
    [
        {"category": "Astrology"},
        {"category": None},
        {"confidence": 1.2},
        {"confidence": "very"},
        {"confidence": None},
        {"tags": "brot"},
        {"summary": None},
    ],
)
def test_what_is_not_valid_is_said_without_its_content(bad: dict[str, Any]) -> None:
    problem = read_one(answer(**bad))
    assert isinstance(problem, str)
    assert "Astrology" not in problem


def test_one_bad_answer_spoils_no_other() -> None:
    read = Questionnaire(taxonomy()).read(told(answer(0, category="?"), answer(1), answer(7)), [0, 1, 2])
    assert [isinstance(read[index], Answer) for index in range(3)] == [False, True, False]
    assert set(read) == {0, 1, 2}


def test_the_first_valid_answer_of_an_index_counts() -> None:
    said = told(answer(0, category="?"), answer(0, category="Coding"), answer(0, category="Other"))
    read = Questionnaire(taxonomy()).read(said, [0])[0]
    assert isinstance(read, Answer)
    assert read.category == "Coding"


def test_of_a_cut_off_answer_the_complete_ones_count() -> None:
    whole = told(answer(0), answer(1), answer(2))
    read = Questionnaire(taxonomy()).read(whole[: whole.rindex('"category"')], [0, 1, 2])
    assert [isinstance(read[index], Answer) for index in range(3)] == [True, True, False]


def test_a_runner_up_that_is_the_category_is_none() -> None:
    read = read_one(answer(runner_up="Kochen & Backen"))
    assert isinstance(read, Answer)
    assert read.runner_up is None


def test_tags_follow_the_policy() -> None:
    read = read_one(answer(tags=["#Brot", "brot ", "", "Hefe", "Mehl"]), tags=TagsPolicy(most=2))
    assert isinstance(read, Answer)
    assert read.tags == ["Brot", "Hefe"]
    closed = read_one(answer(tags=["BROT", "Hefe"]), tags=TagsPolicy(allowed=("Brot", "Mehl")))
    assert isinstance(closed, Answer)
    assert closed.tags == ["Brot"]


@pytest.mark.parametrize("no_character", ["\x00", "\ud800"])
def test_what_no_database_takes_does_not_get_through(no_character: str) -> None:
    read = read_one(answer(evidence=f"a{no_character}b", tags=[f"x{no_character}"]))
    assert isinstance(read, Answer)
    assert (read.evidence, read.tags) == ("ab", ["x"])


@given(st.text(max_size=200) | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps))
def test_whatever_comes_back_is_an_answer_or_a_reason(text: str) -> None:
    read = Questionnaire(taxonomy()).read(text, [0, 1])
    assert all(isinstance(read[index], str) for index in (0, 1))


@given(st.integers(min_value=0, max_value=500))
def test_an_answer_cut_anywhere_never_yields_a_wrong_one(cut: int) -> None:
    whole = told(answer(0), answer(1))
    read = Questionnaire(taxonomy()).read(whole[:cut], [0, 1])
    for index in (0, 1):
        found = read[index]
        if isinstance(found, Answer):
            assert (found.index, found.model_dump()["summary"]) == (index, "Es geht um Brot.")


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1}',
        '```json\n{"a": 1}\n```',
        '<think>Hm {"a": 2}</think>\n{"a": 1}',
        '```\n{"a": 1}```\n',
        'Here you go:\n```json\n{"a": 1}\n```\nAnything else?',
        '\ufeff{"a": 1}',
    ],
)
def test_fences_and_thoughts_are_taken_off(text: str) -> None:
    assert json.loads(object_in(text)) == {"a": 1}
