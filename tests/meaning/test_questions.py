"""Where questions point: to what they ask for, and not to asking."""

from __future__ import annotations

import numpy as np
import pytest

from commonplace.meaning.contract import Embedder
from commonplace.meaning.questions import direction_of
from commonplace.meaning.registry import free_embedder


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return free_embedder()


@pytest.mark.parametrize(
    ("question", "answer", "other"),
    [
        ("what did I want to bake?", "bread without a Dutch oven", "Which questions should I ask about it?"),
        ("Combien coûte ma cuisine ?", "Kitchen budget, final invoice", "Which questions should I ask about it?"),
        ("Куда мы хотели поехать?", "Drei Tage in Graz", "What would you take?"),
    ],
)
def test_a_short_question_is_farther_from_other_questions_and_no_farther_from_its_answer(
    embedder: Embedder, question: str, answer: str, other: str
) -> None:
    to_answer, to_other = embedder.embed([answer, other]) @ np.stack(
        [direction_of(embedder, question), embedder.embed([question])[0]], axis=1
    )
    assert to_other[0] < to_other[1] - 0.01
    assert to_answer[0] - to_other[0] > to_answer[1] - to_other[1]


@pytest.mark.parametrize("question", ["how long does a loaf of rye bread need in a small oven?", "क्या मुझे चाहिए?", ""])
def test_a_long_one_and_one_that_is_not_understood_are_as_the_model_has_them(embedder: Embedder, question: str) -> None:
    assert np.array_equal(direction_of(embedder, question), embedder.embed([question])[0])
