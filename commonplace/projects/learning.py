"""Learn from the conversations that are surely in projects how to recognise others.

How sure to be is measured, not chosen. A part of the sure ones is hidden at a time and looked for with what the rest
teaches; conversations that nobody sorted are looked at in the same way. Most of those belong nowhere, though many speak
of the same things. So what tells is not how well a conversation fits but how much oftener the hidden ones fit so well
and rightly than the unsorted ones do.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from commonplace.projects import calibration, evidence, similarity
from commonplace.projects.calibration import Numbers
from commonplace.projects.evidence import FACTS, Sample
from commonplace.projects.model import Fitted, Model, probabilities
from commonplace.projects.similarity import Floats

VERSION = "4"
FOLDS = 4
MOST_HIDDEN = 4000

_EXPECTED_FACTS = np.array([-4.0, 12.0, 8.0, 1.0, 1.0, 1.5, 0.0, 6.0])
_EXPECTED_MATCH = np.array([-1.5, 0.7, 0.3, 0.0, 0.0, 0.0, 0.0, 0.0])
"""Before anything is learned, the constant first; with few examples they remain near."""


class Hidden(msgspec.Struct, frozen=True):
    """The facts of the candidates of every conversation that was hidden, which candidate was its own project, and the
    facts of the unsorted ones."""

    facts: Numbers
    is_own: NDArray[np.bool_]
    unsorted: Numbers

    def is_found(self, fitted: Numbers) -> NDArray[np.bool_]:
        """Whether the candidate that these coefficients put first is the right one."""
        if not self.facts.shape[1]:
            return np.zeros(len(self.facts), dtype=bool)
        best = np.argmax(evidence.candidate_logits(self.facts, fitted), axis=1)
        return np.take_along_axis(self.is_own, best[:, None], axis=1)[:, 0]


def learn(project_ids: Sequence[str], weight: Floats, taught: Sample, unsorted: Sample, *, precision: float) -> Model:
    """A model of these projects. `unsorted` is a sample of what nobody sorted, or a person sorted into no project.

    Where both samples say what conversations mean, that is learned beside what words alone are worth.
    """
    count = len(project_ids)
    has_meaning = taught.meanings is not None and unsorted.meanings is not None
    return Model(
        project_ids=list(project_ids),
        weight=weight,
        known=evidence.summarise(taught if has_meaning else taught.in_words, count),
        by_words=_fit(taught.in_words, unsorted.in_words, count, precision),
        by_meaning=_fit(taught, unsorted, count, precision) if has_meaning else None,
        learned_from=len(taught.owners),
    )


def _fit(taught: Sample, unsorted: Sample, count: int, precision: float) -> Fitted:
    hidden = _hide_and_seek(taught, unsorted, count)
    is_candidate = hidden.facts[..., 0] >= 0.0
    facts = calibration.fit(hidden.facts[is_candidate], hidden.is_own[is_candidate], _EXPECTED_FACTS)
    is_found = hidden.is_found(facts)
    members, others = evidence.match_inputs(hidden.facts, facts), evidence.match_inputs(hidden.unsorted, facts)
    match = _tell_apart(members[is_found], others)
    scores, background = (calibration.with_constant(part) @ match for part in (members, others))
    share = calibration.member_share(*_scores_unseen(members, is_found, others))
    ceiling = calibration.ceiling(int(is_found.sum()))
    prior = _prior(background, ceiling, share * float(is_found.mean()) if len(is_found) else 0.0)
    likely = probabilities(scores, prior, ceiling)
    threshold = calibration.threshold(probabilities(background, prior, ceiling), precision, likely[is_found], ceiling)
    is_reached = is_found & (likely >= threshold)
    coverage = float(is_reached.sum() / max(len(is_found), 1))
    return Fitted(facts, match, prior, ceiling, threshold, coverage)


def _tell_apart(found: Numbers, others: Numbers) -> Numbers:
    """What tells those that were found from the unsorted."""
    is_found = np.arange(len(found) + len(others)) < len(found)
    return calibration.fit(np.concatenate((found, others)), is_found, _EXPECTED_MATCH)


def _scores_unseen(members: Numbers, is_found: NDArray[np.bool_], others: Numbers) -> tuple[Numbers, Numbers]:
    """The scores of the hidden and of the unsorted, each half by what the other half teaches: what was fitted to them
    would flatter the hidden."""
    scores, background = np.zeros(len(members)), np.zeros(len(others))
    for half in (0, 1):
        of_members, of_others = np.arange(len(members)) % 2 == half, np.arange(len(others)) % 2 == half
        match = _tell_apart(members[~of_members & is_found], others[~of_others])
        scores[of_members] = calibration.with_constant(members[of_members]) @ match
        background[of_others] = calibration.with_constant(others[of_others]) @ match
    return scores, background


def _prior(background: Numbers, ceiling: float, share: float) -> float:
    """What brings the probabilities of the unsorted to the share of them that has to be right."""
    low, high = -30.0, 30.0
    for _ in range(40):
        middle = (low + high) / 2.0
        is_too_low = not len(background) or probabilities(background, middle, ceiling).mean() < share
        low, high = (middle, high) if is_too_low else (low, middle)
    return low


def _hide_and_seek(taught: Sample, unsorted: Sample, count: int) -> Hidden:
    """Hide a part at a time and look for it, and for a part of the unsorted, with what the rest teaches."""
    place = np.random.default_rng(0).permutation(len(taught.owners))
    is_sought = place < max(MOST_HIDDEN, FOLDS)
    part = np.arange(len(unsorted.owners)) % FOLDS
    width = min(similarity.CANDIDATES, count)
    facts, is_own, background = [np.zeros((0, width, len(FACTS)))], [np.zeros((0, width), dtype=bool)], []
    for fold in range(FOLDS):
        rest, hidden = np.flatnonzero(place % FOLDS != fold), np.flatnonzero((place % FOLDS == fold) & is_sought)
        if not len(hidden) or not len(rest):
            continue
        known = evidence.summarise(taught.of(rest), count)
        sought, others = taught.of(hidden), unsorted.of(np.flatnonzero(part == fold))
        projects, said = evidence.candidates(sought, known)
        facts.append(said)
        is_own.append(projects == sought.owners[:, None])
        background.append(evidence.candidates(others, known)[1])
    return Hidden(np.concatenate(facts), np.concatenate(is_own), np.concatenate([facts[0], *background]))
