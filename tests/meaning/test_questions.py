"""Where questions point: to what they ask for, and not to asking."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import Any

import numpy as np
import pytest

from commonplace.meaning.contract import Embedder, Floats
from commonplace.meaning.questions import asking_of, direction_of, save_shipped
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


class _Asked:
    """An embedder that counts the texts that it is given."""

    def __init__(self, embedder: Embedder, key: str) -> None:
        self._embedder, self.key, self.texts = embedder, key, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._embedder, name)

    def embed(self, texts: Sequence[str]) -> Floats:
        self.texts += len(texts)
        return self._embedder.embed(texts)


def test_where_asking_points_ships_for_the_free_model_and_is_found_out_once_for_another(embedder: Embedder) -> None:
    """When this fails, run `python -m benchmarks.what_ships`."""
    saved = BytesIO()
    save_shipped(saved, embedder)
    saved.seek(0)
    assert np.allclose(np.load(saved)["asking"], asking_of(embedder))
    first = direction_of(embedder, "what did I want to bake?")
    other = _Asked(embedder, "another model")
    assert np.allclose(direction_of(other, "what did I want to bake?"), first, atol=1e-5)
    asked = other.texts
    direction_of(other, "what did I want to bake?")
    assert (asked > 10, other.texts) == (True, asked + 1)


@pytest.mark.parametrize("question", ["how long does a loaf of rye bread need in a small oven", "क्या मुझे चाहिए", ""])
def test_a_long_one_and_one_that_is_not_understood_are_as_the_model_has_them(embedder: Embedder, question: str) -> None:
    assert np.array_equal(direction_of(embedder, question), embedder.embed([question])[0])


@pytest.mark.parametrize(
    ("question", "without"),
    [
        ("Wie lange braucht ein Laib Roggenbrot im Ofen?", "Wie lange braucht ein Laib Roggenbrot im Ofen"),
        ("¿Qué libro?", "Qué libro"),
        ("どの本？", "どの本"),
        ("WHAT DID I WANT TO BAKE?", "what did i want to bake"),
    ],
)
def test_neither_the_mark_of_a_question_nor_its_capitals_point_anywhere(
    embedder: Embedder, question: str, without: str
) -> None:
    assert np.array_equal(direction_of(embedder, question), direction_of(embedder, without))
