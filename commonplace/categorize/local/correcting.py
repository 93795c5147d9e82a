"""What corrections teach: a second step, on top of a model that never saw them.

As one text among thousands a correction changes nothing, and where it weighs as much as many it is learned by heart. So
the model is asked about each correction as about any chat, and only what it gets wrong is learned, by a regression over
words and meaning. That is linear as well: it is added to the model's weights, and takes no teaching anew.

People correct what is wrong and leave alone what is right, so corrections say nothing of how often the model is right:
how sure it is does not go by them, and a step that is best for chats drawn by lot would move too much.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from commonplace.categorize.contract import Lesson, Meaning
from commonplace.categorize.local.directions import PARTS, joined
from commonplace.categorize.local.features import Counter, Document, Floats, Vector
from commonplace.categorize.local.fields import fields_of
from commonplace.categorize.local.model import SHARE_OF_MEANING, Model, directions_of

STEP, STEP_OF_FEW, RIDGE = 14.0, 4.0, 1.0
"""How far what was wrong moves a chat that is the same, in scores times sharpness; how little one is trusted. A model
of few texts is not so sure that it takes as much."""
SHARE_OF_WORDS = 0.3
"""Beside what is meant."""
KINDS = 2
"""Words and runs of characters, each of length one."""
UNSEEN = 10
"""Corrections are seen from between them, as if there were so many more that say nothing: few have no between."""


def corrected(model: Model, lessons: Sequence[Lesson], counter: Counter, meaning: Meaning | None) -> Model:
    """The model, and what people said of chats that it was wrong about."""
    known = documents_of(lessons, model.categories, counter, meaning if len(model.meaning) else None)
    if not known:
        return model
    wider = _widened(model, [text.vector for text in known])
    weighed = [wider.space.weigh(text.vector) for text in known]
    directions = directions_of(known)
    labels = np.array([text.category for text in known])
    missed = np.eye(len(model.categories))[labels] - wider.probabilities(weighed, directions)
    rows = wider.space.weigh_all([text.vector for text in known])
    share = (1.0 if directions is None else SHARE_OF_WORDS) / KINDS
    alike = share * (rows @ rows.T).toarray()
    step = (STEP_OF_FEW if model.is_of_few else STEP) / (
        model.sharpness.of_words if directions is None else model.sharpness.of_both
    )
    if directions is not None:
        middle, directions = _seen_from_between(directions)
        alike += directions @ directions.T / PARTS
    pull = step * np.linalg.solve(alike + RIDGE * np.eye(len(known)), missed)
    wider.weights[: wider.space.size] += share * (rows.T @ pull)
    if directions is not None:
        slopes = directions.T @ pull / (PARTS * SHARE_OF_MEANING)
        wider.meaning[:-1] += slopes
        wider.meaning[-1] -= middle @ slopes
    return wider


def _seen_from_between(directions: Floats) -> tuple[Floats, Floats]:
    known = directions.any(axis=1, keepdims=True)
    middle: Floats = directions.sum(axis=0) / (np.count_nonzero(known) + UNSEEN)
    return middle, np.where(known, directions - middle, np.float32(0))


def documents_of(
    lessons: Sequence[Lesson], categories: Sequence[str], counter: Counter, meaning: Meaning | None
) -> list[Document]:
    """Corrections as texts to learn from; those of categories that are gone are left out."""
    known = [lesson for lesson in lessons if lesson.category in categories]
    rows = list(joined(meaning.of([lesson.subject for lesson in known]))) if meaning else [None] * len(known)
    return [
        Document(counter.vector(fields_of(lesson.subject)), categories.index(lesson.category), 1.0, direction=row)
        for lesson, row in zip(known, rows, strict=True)
    ]


def _widened(model: Model, vectors: Sequence[Vector]) -> Model:
    """A copy that has a place for every word of the corrections."""
    space = model.space.extended(vectors)
    weights = np.zeros((len(model.weights) + space.size - model.space.size, len(model.categories)), dtype=np.float32)
    weights[: model.space.size] = model.weights[: model.space.size]
    weights[space.size :] = model.weights[model.space.size :]
    return msgspec.structs.replace(model, space=space, weights=weights, meaning=model.meaning.copy())
