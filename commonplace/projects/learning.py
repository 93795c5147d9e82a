"""Learn from the conversations that are surely in projects how to recognise others; and recognise them.

How sure to be is measured, not chosen. A part of the sure ones is hidden at a time and looked for with what the rest
teaches; conversations that nobody sorted are looked at in the same way. Most of those belong nowhere, though many speak
of the same things. So what tells is not how well a conversation fits but how much oftener the hidden ones fit so well
and rightly than the unsorted ones do.
"""

from __future__ import annotations

import io
from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from commonplace.projects import calibration, profiles, similarity
from commonplace.projects.calibration import Numbers
from commonplace.projects.profiles import Context, Profiles
from commonplace.projects.similarity import Floats, Matrix, Prototypes

VERSION = "2"
FOLDS = 4
MOST_HIDDEN = 4000

FACTS = ("similarity", "lead", "closeness", "category", "tags", "size")
"""What is known of a conversation and a project it may belong to, each between 0 and about 1."""
_EXPECTED_FACTS = np.array([-4.0, 12.0, 8.0, 1.0, 1.0, 1.5, 0.0])
_EXPECTED_MATCH = np.array([-1.5, 0.7, 0.3, 0.0, 0.0, 0.0, 0.0])
"""Before anything is learned; with few examples they remain near."""


class Sample(msgspec.Struct, frozen=True):
    """Conversations to learn from: their vectors, what else is known, and the number of each one's project (or -1)."""

    rows: Matrix
    context: Context
    owners: NDArray[np.int64]

    def of(self, chosen: NDArray[np.int64]) -> Sample:
        return Sample(self.rows[chosen], self.context[chosen], self.owners[chosen])


class Model(msgspec.Struct, frozen=True):
    """What was learned. Projects are numbered by their place in `project_ids`."""

    project_ids: list[str]
    weight: Floats
    prototypes: Prototypes
    profiles: Profiles
    facts: Numbers
    match: Numbers
    prior: float
    ceiling: float
    threshold: float
    learned_from: int = 0
    expected_coverage: float = 0.0
    """The share of the hidden ones that were found again above the threshold."""


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
        best = np.argmax(_candidate_logits(self.facts, fitted), axis=1)
        return np.take_along_axis(self.is_own, best[:, None], axis=1)[:, 0]


class Match(msgspec.Struct, frozen=True):
    """For each conversation the likeliest project (-1: none is like it), how likely, and what speaks for it."""

    projects: NDArray[np.int64]
    probabilities: Numbers
    facts: Numbers
    second: NDArray[np.int64]


def learn(project_ids: Sequence[str], weight: Floats, taught: Sample, unsorted: Sample, *, precision: float) -> Model:
    """A model of these projects. `unsorted` is a sample of what nobody sorted, or a person sorted into no project."""
    known, about = _summarise(taught, len(project_ids))
    hidden = _hide_and_seek(taught, unsorted, len(project_ids))
    is_candidate = hidden.facts[..., 0] >= 0.0
    facts = calibration.fit(hidden.facts[is_candidate], hidden.is_own[is_candidate], _EXPECTED_FACTS)
    is_found = hidden.is_found(facts)
    members, others = _match_inputs(hidden.facts, facts), _match_inputs(hidden.unsorted, facts)
    match = _tell_apart(members[is_found], others)
    scores, background = (calibration.with_constant(part) @ match for part in (members, others))
    share = calibration.member_share(*_scores_unseen(members, is_found, others))
    ceiling = calibration.ceiling(int(is_found.sum()))
    prior = _prior(background, ceiling, share * float(is_found.mean()) if len(is_found) else 0.0)
    threshold = calibration.threshold(_probabilities(background, prior, ceiling), precision)
    is_reached = is_found & (_probabilities(scores, prior, ceiling) >= threshold)
    return Model(
        project_ids=list(project_ids),
        weight=weight,
        prototypes=known,
        profiles=about,
        facts=facts,
        match=match,
        prior=prior,
        ceiling=ceiling,
        threshold=threshold,
        learned_from=len(taught.owners),
        expected_coverage=float(is_reached.sum() / max(len(is_found), 1)),
    )


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
        is_too_low = not len(background) or _probabilities(background, middle, ceiling).mean() < share
        low, high = (middle, high) if is_too_low else (low, middle)
    return low


def _probabilities(scores: Numbers, prior: float, ceiling: float) -> Numbers:
    """How likely the best candidate is right: how many right ones there are for each unsorted one that scores so.

    `scores` are log-odds between the found and the unsorted, `prior` brings both to their true proportion, `ceiling` is
    how sure so few examples let anybody be.
    """
    return np.minimum(np.exp(np.minimum(scores + prior, 0.0)), ceiling)


def _summarise(own: Sample, count: int) -> tuple[Prototypes, Profiles]:
    known = similarity.prototypes(own.rows, own.owners, own.context.minutes, count)
    return known, profiles.profiles(own.context, own.owners, count)


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
        known, about = _summarise(taught.of(rest), count)
        sought, others = taught.of(hidden), unsorted.of(np.flatnonzero(part == fold))
        found = similarity.nearest(sought.rows, known)
        facts.append(_facts(found, sought.context, about))
        is_own.append(found.projects == sought.owners[:, None])
        background.append(_facts(similarity.nearest(others.rows, known), others.context, about))
    return Hidden(np.concatenate(facts), np.concatenate(is_own), np.concatenate([facts[0], *background]))


def _facts(found: similarity.Nearest, context: Context, about: Profiles) -> Numbers:
    """Of each conversation's candidates, in the order of FACTS."""
    scores = found.scores
    others = (scores.sum(axis=1, keepdims=True) - scores) / max(scores.shape[1] - 1, 1)
    sizes = np.log1p(about.sizes[np.maximum(found.projects, 0)]) / 8.0
    facts = np.stack(
        (
            scores,
            scores - others,
            profiles.closeness(about, context.minutes, found.projects),
            profiles.category_share(about, context.categories, found.projects),
            profiles.tag_share(about, context.tags, found.projects),
            sizes,
        ),
        axis=-1,
    ).astype(np.float64)
    return np.where((found.projects >= 0)[..., None], facts, -1.0)


def _candidate_logits(facts: Numbers, fitted: Numbers) -> Numbers:
    """One per candidate; places without a candidate are out of reach."""
    logits = calibration.with_constant(facts) @ fitted
    return np.where(facts[..., 0] < 0.0, -40.0, logits)


def _match_inputs(facts: Numbers, fitted: Numbers) -> Numbers:
    """Of each conversation: how good its best candidate is, how far ahead of the next one, and what speaks for it."""
    if not facts.shape[1]:
        return np.zeros((len(facts), len(_EXPECTED_MATCH) - 1))
    logits = _candidate_logits(facts, fitted)
    best = np.argmax(logits, axis=1)[:, None]
    ordered = np.sort(logits, axis=1)[:, ::-1]
    lead = ordered[:, 0] - ordered[:, 1] if facts.shape[1] > 1 else np.full(len(facts), 5.0)
    own = np.take_along_axis(facts, best[..., None], axis=1)[:, 0]
    said = np.maximum(own[:, [0, 2, 3, 4]], 0.0)
    return np.column_stack((np.clip(ordered[:, 0], -10.0, 10.0), np.clip(lead, 0.0, 10.0), said))


def recognise(
    model: Model, rows: Matrix, context: Context, *, excluded: Sequence[Sequence[int]] | None = None
) -> Match:
    """The likeliest project of each conversation. `excluded` names for each the projects out of the question."""
    found = similarity.nearest(rows, model.prototypes, excluded=excluded)
    facts = _facts(found, context, model.profiles)
    count, width = found.projects.shape
    if not width:
        nothing = np.full(count, -1, dtype=np.int64)
        return Match(nothing, np.zeros(count), facts, nothing)
    order = np.argsort(-_candidate_logits(facts, model.facts), axis=1, kind="stable")
    ranked = np.take_along_axis(found.projects, order, axis=1)
    logits = calibration.with_constant(_match_inputs(facts, model.facts)) @ model.match
    return Match(
        ranked[:, 0],
        np.where(ranked[:, 0] >= 0, _probabilities(logits, model.prior, model.ceiling), 0.0),
        np.take_along_axis(facts, order[..., None], axis=1),
        ranked[:, 1] if width > 1 else np.full(count, -1, dtype=np.int64),
    )


def dump(model: Model) -> bytes:
    """A model as bytes: arrays without anything that could run."""
    rows = model.prototypes.rows
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        project_ids=np.frombuffer(msgspec.json.encode(model.project_ids), "u1"),
        weight=model.weight.astype(np.float16),
        data=rows.data,
        indices=rows.indices,
        indptr=rows.indptr,
        owners=model.prototypes.owners,
        moments=model.profiles.moments,
        sizes=model.profiles.sizes,
        categories=model.profiles.categories,
        tags=model.profiles.tags,
        facts=model.facts,
        match=model.match,
        numbers=np.array([model.prior, model.ceiling, model.threshold, model.learned_from, model.expected_coverage]),
    )
    return buffer.getvalue()


def load(stored: bytes) -> Model:
    """The model that `dump` wrote."""
    with np.load(io.BytesIO(stored), allow_pickle=False) as found:
        project_ids = msgspec.json.decode(found["project_ids"].tobytes(), type=list[str])
        rows = similarity.matrix(found["data"], found["indices"], found["indptr"])
        about = Profiles(found["moments"], found["sizes"], found["categories"], found["tags"])
        prior, ceiling, threshold, learned_from, coverage = (float(number) for number in found["numbers"])
        return Model(
            project_ids,
            found["weight"].astype(np.float32),
            Prototypes(rows, found["owners"], len(project_ids)),
            about,
            found["facts"],
            found["match"],
            prior,
            ceiling,
            threshold,
            int(learned_from),
            coverage,
        )
