"""What speaks for a conversation being in a project: its words, what else is known of it and, where there are
embeddings, what it means.

The candidates of a conversation are the few projects that it is most like; each fact of a candidate is a number between
0 and about 1. How much each fact is worth is learned (learning.py).
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from commonplace.projects import calibration, profiles, similarity
from commonplace.projects.calibration import Numbers
from commonplace.projects.meanings import Meanings
from commonplace.projects.profiles import Context, Profiles
from commonplace.projects.similarity import Floats, Matrix, Prototypes

FACTS = ("similarity", "lead", "closeness", "category", "tags", "size", "meaning")
_TELLING = (0, 2, 3, 4, 6)
"""Facts that say something of how well a conversation belongs, besides which project it belongs to."""
_FAR = 5.0
_NO_CANDIDATE = -40.0


class Sample(msgspec.Struct, frozen=True):
    """Conversations: their vectors, what else is known, the number of each one's project (or -1), and what each means
    (zeros: not known; None: of none of them)."""

    rows: Matrix
    context: Context
    owners: NDArray[np.int64]
    meanings: Floats | None = None

    def of(self, chosen: NDArray[np.int64]) -> Sample:
        meanings = None if self.meanings is None else self.meanings[chosen]
        return Sample(self.rows[chosen], self.context[chosen], self.owners[chosen], meanings)

    @property
    def in_words(self) -> Sample:
        """The same without what they mean."""
        return Sample(self.rows, self.context, self.owners)


class Known(msgspec.Struct, frozen=True):
    """What projects look like."""

    prototypes: Prototypes
    profiles: Profiles
    meanings: Meanings | None = None


def summarise(own: Sample, count: int) -> Known:
    """What `count` projects look like by their own conversations."""
    return Known(
        similarity.prototypes(own.rows, own.owners, own.context.minutes, count),
        profiles.profiles(own.context, own.owners, count),
        None if own.meanings is None else Meanings.of(own.meanings, own.owners, count),
    )


def candidates(
    sought: Sample, known: Known, *, excluded: Sequence[Sequence[int]] | None = None
) -> tuple[NDArray[np.int64], Numbers]:
    """Of each conversation the projects most like it (-1: there are no more), and their facts in the order of FACTS."""
    by_meaning = None
    if known.meanings is not None and sought.meanings is not None:
        by_meaning = known.meanings.likeness(sought.meanings)
    found = similarity.nearest(sought.rows, known.prototypes, excluded=excluded, beside=by_meaning)
    scores, places = found.scores, np.maximum(found.projects, 0)
    others = (scores.sum(axis=1, keepdims=True) - scores) / max(scores.shape[1] - 1, 1)
    facts = np.stack(
        (
            scores,
            scores - others,
            profiles.closeness(known.profiles, sought.context.minutes, found.projects),
            profiles.category_share(known.profiles, sought.context.categories, found.projects),
            profiles.tag_share(known.profiles, sought.context.tags, found.projects),
            np.log1p(known.profiles.sizes[places]) / 8.0,
            np.zeros_like(scores) if by_meaning is None else np.take_along_axis(by_meaning, places, axis=1),
        ),
        axis=-1,
    ).astype(np.float64)
    return found.projects, np.where((found.projects >= 0)[..., None], facts, -1.0)


def candidate_logits(facts: Numbers, fitted: Numbers) -> Numbers:
    """One per candidate; places without a candidate are out of reach."""
    logits = calibration.with_constant(facts) @ fitted
    return np.where(facts[..., 0] < 0.0, _NO_CANDIDATE, logits)


def match_inputs(facts: Numbers, fitted: Numbers) -> Numbers:
    """Of each conversation: how good its best candidate is, how far ahead of the next one, and what speaks for it."""
    if not facts.shape[1]:
        return np.zeros((len(facts), 2 + len(_TELLING)))
    logits = candidate_logits(facts, fitted)
    best = np.argmax(logits, axis=1)[:, None]
    ordered = np.sort(logits, axis=1)[:, ::-1]
    lead = ordered[:, 0] - ordered[:, 1] if facts.shape[1] > 1 else np.full(len(facts), _FAR)
    own = np.take_along_axis(facts, best[..., None], axis=1)[:, 0]
    said = np.maximum(own[:, _TELLING], 0.0)
    return np.column_stack((np.clip(ordered[:, 0], -10.0, 10.0), np.clip(lead, 0.0, 10.0), said))
