"""How good a model is, in the figures that the quality benchmark prints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec
import numpy as np
import numpy.typing as npt

BINS = 10


class Quality(msgspec.Struct, frozen=True, kw_only=True):
    """Figures over examples that were not learned from."""

    examples: int
    accuracy: float
    macro_f1: float
    calibration_error: float
    """Expected: how far confidence is from accuracy, over ten bins."""
    second_guess: float
    """How often the category or the runner-up is right."""
    by_language: dict[str, float]
    by_category: dict[str, float]
    confusions: list[tuple[str, str, int]]
    """Right, said instead, how often."""


def quality(
    probabilities: npt.NDArray[np.float32], truth: Sequence[int], categories: Sequence[str], languages: Sequence[str]
) -> Quality:
    said, right = probabilities.argmax(axis=1), np.array(truth)
    hit = said == right
    second = np.argsort(-probabilities, axis=1)[:, :2]
    confused = Counter((int(a), int(b)) for a, b in zip(right, said, strict=True) if a != b)
    spoken = np.array(languages)
    return Quality(
        examples=len(right),
        accuracy=float(hit.mean()),
        macro_f1=float(np.mean([_f1(right == c, said == c) for c in sorted(set(truth))])),
        calibration_error=calibration_error(probabilities.max(axis=1), hit),
        second_guess=float((second == right[:, None]).any(axis=1).mean()),
        by_language={name: float(hit[spoken == name].mean()) for name in sorted(set(languages))},
        by_category={categories[c]: float(hit[right == c].mean()) for c in sorted(set(truth))},
        confusions=[(categories[a], categories[b], count) for (a, b), count in confused.most_common(12)],
    )


def calibration_error(confidence: npt.NDArray[np.float32], hit: npt.NDArray[np.bool_]) -> float:
    """The gap between confidence and accuracy in each of ten bins, weighed by how many fall into it."""
    edges = np.minimum((confidence * BINS).astype(int), BINS - 1)
    gaps = [(edges == b).mean() * abs(confidence[edges == b].mean() - hit[edges == b].mean()) for b in set(edges)]
    return float(sum(gaps))


def _f1(is_right: npt.NDArray[np.bool_], is_said: npt.NDArray[np.bool_]) -> float:
    both = float((is_right & is_said).sum())
    return 2 * both / float(is_right.sum() + is_said.sum()) if both else 0.0
