"""A model of few texts: what is said of the categories, and what lies elsewhere.

Where nothing shipped is like any category of a set, its own texts are all there is. They are learned at once, by one
ridge regression over words and meaning. The same solution tells where each text would be put if it were hidden, so how
sure the model is goes by the set's own texts, and so does whether any set can be told apart, before anything is judged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np

from commonplace.categorize.contract import Lesson, Meaning, Taxonomy
from commonplace.categorize.local.correcting import KINDS, documents_of
from commonplace.categorize.local.directions import PARTS
from commonplace.categorize.local.features import Counter, Document, Floats, Space
from commonplace.categorize.local.model import (
    SHARE_OF_MEANING,
    Model,
    Sharpness,
    balanced,
    directions_of,
    least_surprising,
)
from commonplace.categorize.local.teaching import gathered

RIDGE = 1.0
SHARE_OF_WORDS = 0.3
SHARES = (0.75, 0.0, 0.25)
"""Of title and opening, of what was asked, and of the answers: a category's own words are like how a chat begins."""
ELSEWHERE = 1.5
"""All that lies elsewhere weighs so many times a category."""


class Learned(NamedTuple):
    """A model, and the scores of each text as if it had been hidden."""

    model: Model
    hidden: Floats


def learned(categories: Sequence[str], own: Sequence[Document], topics: Sequence[Document]) -> Learned:
    """`own`: what is said of the categories. `topics`: where shipped ones lie that are elsewhere, without words."""
    every = [*own, *topics]
    space = Space.learned((text.vector for text in own), at_least=1)
    words = space.weigh_all([text.vector for text in every])
    means = _means(every)
    by_words = (SHARE_OF_WORDS / KINDS * (words @ words.T)).toarray()
    labels = np.array([text.category for text in every])
    weights = _weights(own, topics)
    wanted = (labels[:, None] == np.arange(len(categories))).astype(np.float64)
    usual = weights @ wanted / weights.sum()
    solved = np.linalg.inv(by_words + means @ means.T + np.diag(RIDGE / weights))
    pull = solved @ (wanted - usual)
    without = pull / np.diag(solved)[:, None]
    hidden = wanted - without
    hidden_words = usual + by_words @ pull - (by_words * solved).sum(axis=1)[:, None] * without
    asked = slice(0, len(own))
    weighed = np.zeros((space.size + len(every[0].vector.dense), len(categories)), dtype=np.float32)
    weighed[: space.size] = SHARE_OF_WORDS / KINDS * (words.T @ pull)
    model = Model(
        categories=tuple(categories),
        space=space,
        weights=weighed,
        bias=usual.astype(np.float32),
        meaning=_slopes(means, pull),
        sharpness=Sharpness(*(least_surprising(each[asked], labels[asked]) for each in (hidden_words, hidden))),
        is_of_few=True,
    )
    return Learned(model, hidden[asked].astype(np.float32))


def _means(texts: Sequence[Document]) -> Any:
    """Where each points, its parts by their shares; nothing where nobody knows."""
    known = directions_of(texts)
    return np.zeros((len(texts), 0)) if known is None else known * np.sqrt(_shares(known.shape[1]))


def _slopes(means: Any, pull: Any) -> Floats:
    """What directions do, as a model has it; they begin nowhere."""
    size = means.shape[1]
    slopes = np.zeros((size + 1 if size else 0, pull.shape[1]), dtype=np.float32)
    slopes[:size] = np.sqrt(_shares(size))[:, None] * (means.T @ pull) / SHARE_OF_MEANING
    return slopes


def _weights(own: Sequence[Document], topics: Sequence[Document]) -> Any:
    """However many topics lie elsewhere, together they weigh little more than a category."""
    labels = np.array([text.category for text in own])
    said = balanced(labels, [text.weight for text in own])
    usual = said.sum() / len(set(labels.tolist()))
    return np.concatenate([said, np.full(len(topics), ELSEWHERE * usual / max(1, len(topics)))])


def _shares(size: int) -> Any:
    return np.repeat(SHARES, size // PARTS)


class Guess(NamedTuple):
    """A text that was hidden: where it belongs, and where it would have been put."""

    category: str
    said: str


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What a set goes by."""

    topics: Mapping[str, int]
    """How many shipped topics each category has or borrows."""
    is_narrow: bool
    """Whether the set divides so small a field that nothing shipped is like any part of it."""
    guesses: Sequence[Guess]


def told_apart(taxonomy: Taxonomy, lessons: Sequence[Lesson], counter: Counter, meaning: Meaning | None) -> Told:
    """By words alone the shipped examples are counted, which takes seconds, and no topic speaks for a category: where
    some would, nothing is hidden."""
    found, names = gathered(taxonomy, counter, meaning=meaning), taxonomy.names
    places = [place for place in found.belongs.values() if place != found.fallback]
    hidden = [*found.own, *documents_of(lessons, names, counter, meaning)]
    centres = found.centres(counter)
    speaking = [topic for topic in centres if topic.category != found.fallback]
    elsewhere = [topic for topic in centres if topic.category == found.fallback]
    guesses = []
    if found.is_narrow or speaking:
        scores = learned(names, [*hidden, *speaking], elsewhere).hidden[: len(hidden)]
        said = zip(hidden, scores.argmax(axis=1).tolist(), strict=True)
        guesses = [Guess(names[text.category], names[place]) for text, place in said]
    return Told(
        topics={name: places.count(place) for place, name in enumerate(names)},
        is_narrow=found.is_narrow,
        guesses=guesses,
    )
