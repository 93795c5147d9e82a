"""What corrections teach: a second step, on top of a model that never saw them.

As one text among thousands a correction changes nothing, and where it weighs as much as many it is learned by heart. So
the model is asked about each correction as about any chat, and only what it gets wrong is learned, by a regression over
words and meaning. That is linear as well: it is added to the model's weights, and takes no teaching anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from commonplace.categorize.contract import Lesson, Meaning
from commonplace.categorize.local.directions import PARTS, joined
from commonplace.categorize.local.features import Counter, Vector, Weighed
from commonplace.categorize.local.fields import fields_of
from commonplace.categorize.local.model import SHARE_OF_MEANING, Model

STEP = 4.0
"""How far what was wrong moves a score, where the next chat is the same."""
RIDGE = 1.0
FOLDS = 5
_KINDS = 2
"""Words and runs of characters, each of length one."""


def corrected(model: Model, lessons: Sequence[Lesson], counter: Counter, meaning: Meaning | None) -> Model:
    """The model, and what people said of chats that it was wrong about."""
    known = [lesson for lesson in lessons if lesson.category in model.categories]
    if not known:
        return model
    vectors = [counter.vector(fields_of(lesson.subject)) for lesson in known]
    wider = _widened(model, vectors)
    weighed = [wider.space.weigh(vector) for vector in vectors]
    directions = joined(meaning.of([lesson.subject for lesson in known])) if meaning and len(model.meaning) else None
    said = np.array([[lesson.category == name for name in model.categories] for lesson in known])
    missed = said - wider.probabilities(weighed, directions)
    rows = as_matrix(weighed, wider.space.size)
    alike = (rows @ rows.T).toarray() / _KINDS
    if directions is not None:
        alike += directions @ directions.T / PARTS
    pull = STEP * np.linalg.solve(alike + RIDGE * np.eye(len(known)), missed)
    wider.weights[: wider.space.size] += rows.T @ pull / _KINDS
    if directions is not None:
        wider.meaning[:-1] += directions.T @ pull / (PARTS * SHARE_OF_MEANING)
    return wider


def tried(model: Model, lessons: Sequence[Lesson], counter: Counter, meaning: Meaning | None) -> list[str]:
    """Where each correction would be put by the model and the others, a fifth of them hidden at a time."""
    found = [""] * len(lessons)
    for fold in range(min(FOLDS, len(lessons))):
        rest = [lesson for place, lesson in enumerate(lessons) if place % FOLDS != fold]
        taught = corrected(model, rest, counter, meaning)
        subjects = [lesson.subject for lesson in lessons[fold::FOLDS]]
        weighed = [taught.space.weigh(counter.vector(fields_of(subject))) for subject in subjects]
        said = taught.scores(weighed, joined(meaning.of(subjects)) if meaning else None).argmax(axis=1)
        found[fold::FOLDS] = [taught.categories[place] for place in said]
    return found


def _widened(model: Model, vectors: Sequence[Vector]) -> Model:
    """A copy that has a place for every word of the corrections."""
    space = model.space.extended(vectors)
    weights = np.zeros((len(model.weights) + space.size - model.space.size, len(model.categories)), dtype=np.float32)
    weights[: model.space.size] = model.weights[: model.space.size]
    weights[space.size :] = model.weights[model.space.size :]
    return msgspec.structs.replace(model, space=space, weights=weights, meaning=model.meaning.copy())


def as_matrix(weighed: Sequence[Weighed], width: int) -> Any:
    """A row for each, of words and runs."""
    from scipy.sparse import csr_array  # type: ignore[import-untyped]

    ends = np.cumsum([0, *(len(each.columns) for each in weighed)])
    values, columns = (np.concatenate(parts) for parts in zip(*((w.weights, w.columns) for w in weighed), strict=True))
    return csr_array((values, columns, ends), shape=(len(weighed), width))
