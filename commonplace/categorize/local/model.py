"""A linear model of one taxonomy: trained in seconds, kept as plain arrays, applied with nothing but numpy.

One-against-the-rest support vectors over hashed words and lexicon groups; beside them, where it is known what a
conversation means, a ridge regression over its directions (directions.py), whose scores are added to the margins.
What is far above the others is less sure than it looks, so scores are flattened first. They become probabilities by one
number, the sharpness, chosen so that the confidence is right on topics that the model had not seen. With directions it
is another number than without.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4
from zipfile import BadZipFile

import msgspec
import numpy as np

from commonplace.categorize.local.features import Document, Floats, Space, Weighed

PENALTY = 0.6
TOLERANCE = 0.05
"""Finer changes no verdict and takes twice as long."""
BALANCE = 0.5
"""0: every document counts the same. 1: every category does."""
RIDGE, RIDGE_OF_BORROWED = 2.0, 8.0
"""How little a direction is trusted: less, where shipped chats are only lent to a category."""
SHARE_OF_MEANING = 5.0
"""How a regression's scores, between 0 and 1, weigh against margins."""
_ROWS = 1_024
"""Directions that are computed with at once, in double precision."""
FLATTENED = 0.7
"""The power that how far a score is from the middle one is raised to."""
FOLDS = 3
"""A model is calibrated on one of so many parts of the topics, by one that is taught the others."""
_STEPS = 14
FEWEST_TO_CALIBRATE = 60


class Sharpness(NamedTuple):
    """By what flattened scores are multiplied before they become probabilities."""

    of_words: float
    of_both: float


USUAL_SHARPNESS = Sharpness(2.5, 2.5)


class Model(msgspec.Struct, frozen=True):
    """For each category a weight per feature. Safe to use from several threads."""

    categories: tuple[str, ...]
    space: Space
    weights: Floats
    """A row per column of the space, then one per number of the lexicon and per hint."""
    bias: Floats
    meaning: Floats
    """A row per number of a direction, and a last one for where it begins; no row where no directions were known."""
    sharpness: Sharpness
    is_of_few: bool = False
    """Whether it knows nothing but the set's own texts (few.py)."""

    def weighed(self, documents: Iterable[Document]) -> Iterator[Weighed]:
        """Documents as it sees them, one by one: together they take megabytes."""
        return (self.space.weigh(document.vector) for document in documents)

    def scores(self, weighed: Iterable[Weighed], directions: Floats | None = None) -> Floats:
        """How much each document looks like each category."""
        return self.added(self._margins(weighed), directions)

    def added(self, margins: Floats, directions: Floats | None) -> Floats:
        """Margins of words, and what directions add to them."""
        if directions is None or not len(self.meaning):
            return margins
        words, known = margins.copy(), directions.any(axis=1)
        words[known] += np.float32(SHARE_OF_MEANING) * (directions[known] @ self.meaning[:-1] + self.meaning[-1])
        return words

    def _margins(self, weighed: Iterable[Weighed]) -> Floats:
        of_dense = self.weights[self.space.size :]
        rows = [how @ self.weights.take(at, axis=0) + dense @ of_dense + self.bias for at, how, dense in weighed]
        return np.stack(rows)  # brackets would take several times as long as `take`

    def probabilities(self, weighed: Iterable[Weighed], directions: Floats | None = None) -> Floats:
        """The calibrated probability of each category."""
        return self.calibrated(self.scores(weighed, directions), directions)

    def calibrated(self, scores: Floats, directions: Floats | None) -> Floats:
        """Scores as probabilities. `directions`: what they were made with."""
        sharpness = np.full((len(scores), 1), self.sharpness.of_words, dtype=np.float32)
        if directions is not None and len(self.meaning):
            sharpness[directions.any(axis=1)] = self.sharpness.of_both
        return softmax(flattened(scores) * sharpness)

    def save(self, path: Path) -> None:
        """Written beside and moved into place: nobody reads half a model. In half precision, which no verdict tells."""
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        beside = path.with_name(f".{uuid4().hex}.npz")
        numbers = {"rarity": self.space.rarity, "weights": self.weights, "bias": self.bias, "meaning": self.meaning}
        arrays: dict[str, Any] = {name: number.astype(np.float16) for name, number in numbers.items()}
        arrays |= {"place": self.space.place, "sharpness": np.array(self.sharpness)}
        arrays |= {"is_of_few": np.array(self.is_of_few)}
        with beside.open("wb") as file:
            np.savez_compressed(file, categories=np.array(self.categories), **arrays)
        beside.replace(path)


def load(path: Traversable) -> Model | None:
    """A saved model; None when there is none, or none that can be read."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as saved:
            numbers = {name: saved[name].astype(np.float32) for name in ("rarity", "weights", "bias", "meaning")}
            space, weights = Space(saved["place"], numbers.pop("rarity")), numbers
            categories = tuple(str(name) for name in saved["categories"])
            sharpness = Sharpness(*map(float, saved["sharpness"]))
            return Model(categories, space, **weights, sharpness=sharpness, is_of_few=bool(saved["is_of_few"]))
    except (OSError, ValueError, KeyError, TypeError, EOFError, BadZipFile):
        return None


def train(
    categories: Sequence[str],
    documents: Sequence[Document],
    *,
    sharpness: Sharpness | None = None,
    ridge: float = RIDGE,
    agreement: float = 1.0,
) -> Model:
    """A model of the categories, calibrated on groups of documents that it is not shown.

    Where the sharpness is known already, that takes half the time. `agreement`: how much of what surely belongs
    somewhere these documents put there. Where they agree with each other on more than that, some belong elsewhere.
    """
    taught = _Taught.of(categories, documents, ridge)
    model = taught.fitted(np.arange(len(documents)))
    return msgspec.structs.replace(model, sharpness=taught.calibrated(agreement) if sharpness is None else sharpness)


def flattened(scores: Floats) -> Floats:
    """How far each score is from the middle one of its row: what is twice as far is not twice as sure."""
    far = scores - np.median(scores, axis=1, keepdims=True)
    found: Floats = (np.sign(far) * np.abs(far) ** FLATTENED).astype(np.float32)
    return found


def softmax(scores: Floats) -> Floats:
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    found: Floats = (raised / raised.sum(axis=1, keepdims=True)).astype(np.float32)
    return found


class _Taught(NamedTuple):
    """What a model is made of, counted once, however many are made of parts of it."""

    categories: Sequence[str]
    documents: Sequence[Document]
    space: Space
    rows: Any
    ridge: float

    @classmethod
    def of(cls, categories: Sequence[str], documents: Sequence[Document], ridge: float) -> _Taught:
        space = Space.learned(document.vector for document in documents)
        return cls(categories, documents, space, _matrix(space, documents), ridge)

    def fitted(self, shown: Any) -> Model:
        from sklearn.svm import LinearSVC

        documents = [self.documents[place] for place in shown]
        labels = np.array([document.category for document in documents])
        meaning = regressed(len(self.categories), documents, self.ridge)
        trained = LinearSVC(C=PENALTY, tol=TOLERANCE, random_state=0)
        weights_of = balanced(labels, [document.weight for document in documents])
        trained.fit(self.rows[shown], labels, sample_weight=weights_of)
        weights, bias = _of_all(trained, len(self.categories), self.rows.shape[1])
        return Model(tuple(self.categories), self.space, weights, bias, meaning, USUAL_SHARPNESS)

    def calibrated(self, agreement: float) -> Sharpness:
        """The sharpness under which unseen groups are least surprising, by words alone and together with directions."""
        folds = np.array([_fold(document.group) for document in self.documents])
        labels = np.array([document.category for document in self.documents])
        if np.count_nonzero(folds >= 0) < FEWEST_TO_CALIBRATE or len(set(labels[folds >= 0].tolist())) < 2:
            return USUAL_SHARPNESS
        shown, hidden = np.flatnonzero(folds != 0), np.flatnonzero(folds == 0)
        if not len(hidden) or len(set(labels[shown].tolist())) < 2:
            return USUAL_SHARPNESS
        model = self.fitted(shown)
        by_words = self.rows[hidden] @ model.weights + model.bias
        by_both = model.added(by_words, directions_of([self.documents[place] for place in hidden.tolist()]))
        among_themselves = float((by_both.argmax(axis=1) == labels[hidden]).mean())
        trusted = min(1.0, agreement / max(among_themselves, 1e-9))
        return Sharpness(*(least_surprising(scores, labels[hidden], trusted) for scores in (by_words, by_both)))


def regressed(categories: int, documents: Sequence[Document], ridge: float) -> Floats:
    """From directions to categories: ridge regression, solved at once."""
    told = [document for document in documents if document.direction is not None and document.direction.any()]
    if not told:
        return np.zeros((0, categories), dtype=np.float32)
    rows = np.stack([document.direction for document in told if document.direction is not None])
    labels = np.array([document.category for document in told])
    weights = balanced(labels, [document.weight for document in told])[:, None]
    wanted = np.eye(categories)[labels]
    total = weights.sum()
    middle, usual = (weights.T @ rows)[0] / total, (weights.T @ wanted)[0] / total
    gram, towards = ridge * np.eye(rows.shape[1]), np.zeros((rows.shape[1], categories))
    for start in range(0, len(rows), _ROWS):
        part = slice(start, start + _ROWS)
        centred = rows[part] - middle
        seen = (weights[part] * centred).T
        gram += seen @ centred
        towards += seen @ (wanted[part] - usual)
    slopes = np.linalg.solve(gram, towards)
    return np.vstack([slopes, usual - middle @ slopes]).astype(np.float32)


def _matrix(space: Space, documents: Sequence[Document]) -> Any:
    """A row for each document: its words and runs as the space weighs them, then the dense numbers."""
    from scipy.sparse import csr_array, hstack  # type: ignore[import-untyped]

    dense = csr_array(np.stack([document.vector.dense for document in documents]))
    return hstack([space.weigh_all([document.vector for document in documents]), dense], format="csr")


def balanced(labels: Any, weights: Sequence[float]) -> Any:
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


def directions_of(documents: Sequence[Document]) -> Floats | None:
    """A row for each, zeros where nothing is known; None where nothing is known of any."""
    known = next((d.direction for d in documents if d.direction is not None), None)
    if known is None:
        return None
    nowhere = np.zeros_like(known)
    return np.stack([nowhere if document.direction is None else document.direction for document in documents])


def least_surprising(scores: Floats, said: Any, trusted: float = 1.0) -> float:
    """The sharpness under which what is said of each row is least surprising, of which there is one. `trusted`: how
    much of what is said is true; the rest might be anything else."""
    flat, others = flattened(scores), max(1, scores.shape[1] - 1)
    wanted = np.full(scores.shape, (1 - trusted) / others)
    wanted[np.arange(len(scores)), said] = trusted
    least, most = np.log(0.5), np.log(12.0)
    for _ in range(_STEPS):
        one, other = (2 * least + most) / 3, (least + 2 * most) / 3
        if _surprise(flat * np.float32(np.exp(one)), wanted) <= _surprise(flat * np.float32(np.exp(other)), wanted):
            most = other
        else:
            least = one
    return float(np.exp((least + most) / 2))


def _surprise(scores: Floats, wanted: Any) -> float:
    """The mean negative logarithm of the probability that was given to what was wanted."""
    return float(-(wanted * np.log(np.maximum(softmax(scores), 1e-9))).sum(axis=1).mean())


def _fold(group: str) -> int:
    return blake2b(group.encode(), digest_size=2).digest()[0] % FOLDS if group else -1
