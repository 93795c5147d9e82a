"""A linear model of one taxonomy: trained in seconds, kept as plain arrays, applied with nothing but numpy.

One-against-the-rest support vectors over hashed words and lexicon groups. Their margins become probabilities by one
number, the sharpness, chosen so that the confidence is right on topics that the model had not seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any
from uuid import uuid4
from zipfile import BadZipFile

import msgspec
import numpy as np

from commonplace.categorize.local.features import Floats, Space, Vector
from commonplace.categorize.local.teaching import Document

PENALTY = 0.6
TOLERANCE = 0.05
"""Finer changes no verdict and takes twice as long."""
BALANCE = 0.5
"""0: every document counts the same. 1: every category does."""
FOLDS = 3
FEWEST_TO_CALIBRATE = 60
USUAL_SHARPNESS = 2.0


class Model(msgspec.Struct, frozen=True):
    """For each category a weight per feature. Safe to use from several threads."""

    categories: tuple[str, ...]
    space: Space
    weights: Floats
    """A row per column of the space, then one per number of the lexicon and per hint."""
    bias: Floats
    sharpness: float

    def scores(self, vectors: Sequence[Vector]) -> Floats:
        """How much each document looks like each category: margins."""
        found = np.empty((len(vectors), len(self.categories)), dtype=np.float32)
        dense = self.weights[self.space.size :]
        for row, vector in enumerate(vectors):
            columns, weights = self.space.weigh(vector)
            found[row] = weights @ self.weights[columns] + vector.dense @ dense + self.bias
        return found

    def probabilities(self, vectors: Sequence[Vector]) -> Floats:
        """The calibrated probability of each category."""
        return softmax(self.scores(vectors), self.sharpness)

    def save(self, path: Path) -> None:
        """Written beside and moved into place: nobody reads half a model."""
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        beside = path.with_name(f".{uuid4().hex}.npz")
        arrays: dict[str, Any] = {"place": self.space.place, "rarity": self.space.rarity}
        arrays |= {"weights": self.weights, "bias": self.bias, "sharpness": np.float64(self.sharpness)}
        with beside.open("wb") as file:
            np.savez(file, categories=np.array(self.categories), **arrays)
        beside.replace(path)


def load(path: Path) -> Model | None:
    """A saved model; None when there is none, or none that can be read."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as saved:
            space = Space(saved["place"], saved["rarity"])
            categories = tuple(str(name) for name in saved["categories"])
            return Model(categories, space, saved["weights"], saved["bias"], float(saved["sharpness"]))
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        return None


def train(categories: Sequence[str], documents: Sequence[Document], *, sharpness: float | None = None) -> Model:
    """A model of the categories, calibrated on groups of documents that it is not shown.

    Where the sharpness is known already, that takes a quarter of the time.
    """
    model = _fit(categories, documents)
    measured = calibrate(categories, documents) if sharpness is None else sharpness
    return msgspec.structs.replace(model, sharpness=measured)


def softmax(scores: Floats, sharpness: float) -> Floats:
    raised = np.exp(sharpness * (scores - scores.max(axis=1, keepdims=True)))
    found: Floats = (raised / raised.sum(axis=1, keepdims=True)).astype(np.float32)
    return found


def _fit(categories: Sequence[str], documents: Sequence[Document]) -> Model:
    from sklearn.svm import LinearSVC

    space = Space.learned(document.vector for document in documents)
    labels = np.array([document.category for document in documents])
    trained = LinearSVC(C=PENALTY, tol=TOLERANCE, random_state=0)
    balanced = _balanced(labels, [document.weight for document in documents])
    trained.fit(_matrix(space, documents), labels, sample_weight=balanced)
    width = space.size + len(documents[0].vector.dense)
    return Model(tuple(categories), space, *_of_all(trained, len(categories), width), USUAL_SHARPNESS)


def _matrix(space: Space, documents: Sequence[Document]) -> Any:
    """A row for each document. Made apart, so that its pieces are gone when the fitting begins."""
    from scipy.sparse import csr_array  # type: ignore[import-untyped]

    columns, weights, ends = [], [], [0]
    for document in documents:
        at, how = space.weigh(document.vector)
        present = np.flatnonzero(document.vector.dense)
        columns += [at, (present + space.size).astype(np.int32)]
        weights += [how, document.vector.dense[present]]
        ends.append(ends[-1] + len(at) + len(present))
    width = space.size + len(documents[0].vector.dense)
    shape = (len(documents), width)
    values, at = np.concatenate(weights, dtype=np.float64), np.concatenate(columns)
    return csr_array((values, at, np.array(ends, dtype=np.int32)), shape=shape)


def _balanced(labels: Any, weights: Sequence[float]) -> Any:
    """A category that much is known about must not swallow one with a few examples."""
    given = np.array(weights)
    totals = np.bincount(labels, weights=given)
    usual = totals[totals > 0].mean()
    return given * ((usual / np.maximum(totals, 1e-9)) ** BALANCE)[labels]


def _of_all(trained: Any, categories: int, width: int) -> tuple[Floats, Floats]:
    """Weights for every category; those that nothing taught are out of reach."""
    rows, bias = trained.coef_, trained.intercept_
    if len(trained.classes_) == 2:
        rows, bias = np.vstack([-rows, rows]), np.concatenate([-bias, bias])
    weights = np.zeros((width, categories), dtype=np.float32)
    biases = np.full(categories, -9.0, dtype=np.float32)
    weights[:, trained.classes_] = rows.T
    biases[trained.classes_] = bias
    return weights, biases


def calibrate(categories: Sequence[str], documents: Sequence[Document]) -> float:
    """The sharpness under which unseen groups are least surprising."""
    grouped = [document for document in documents if document.group]
    if len(grouped) < FEWEST_TO_CALIBRATE:
        return USUAL_SHARPNESS
    scores, truth = [], []
    for fold in range(FOLDS):
        shown = [document for document in documents if _fold(document.group) != fold]
        hidden = [document for document in grouped if _fold(document.group) == fold]
        if hidden and len({document.category for document in shown}) > 1:
            scores.append(_fit(categories, shown).scores([document.vector for document in hidden]))
            truth += [document.category for document in hidden]
    together, right = np.concatenate(scores), np.array(truth)
    candidates: list[float] = np.geomspace(0.5, 12, 60).tolist()
    return min(candidates, key=lambda sharpness: surprise(together, right, sharpness))


def surprise(scores: Floats, truth: Any, sharpness: float) -> float:
    """The mean negative logarithm of the probability that was given to what is right."""
    given = softmax(scores, sharpness)[np.arange(len(truth)), truth]
    return float(-np.log(np.maximum(given, 1e-9)).mean())


def _fold(group: str) -> int:
    return blake2b(group.encode(), digest_size=2).digest()[0] % FOLDS if group else -1
