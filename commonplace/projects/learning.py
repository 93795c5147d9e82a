"""Learn from the conversations that are surely in projects how to recognise others; and recognise them.

How sure to be is measured, not chosen. A part of the sure ones is hidden at a time and found again by what is learned
from the rest. Each hidden one is also looked for with its own project taken away, as if it belonged nowhere: an archive
is mostly conversations that belong nowhere, and what they score is what a threshold has to stay above.
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

VERSION = "1"
FOLDS = 4
MOST_HIDDEN = 4000

FACTS = ("similarity", "lead", "closeness", "category", "tags", "size")
"""What is known of a conversation and a project it may belong to, each between 0 and about 1."""
_EXPECTED_FACTS = np.array([-4.0, 12.0, 8.0, 1.0, 1.0, 1.5, 0.0])
_EXPECTED_MATCH = np.array([-1.5, 0.7, 0.3])
"""Before anything is learned; with few examples they remain near."""


class Sample(msgspec.Struct, frozen=True):
    """Conversations to learn from: their vectors, what else is known, and the number of each one's project.

    Project -1: a person said that it belongs to none.
    """

    rows: Matrix
    context: Context
    owners: NDArray[np.int64]


class Model(msgspec.Struct, frozen=True):
    """What was learned. Projects are numbered by their place in `project_ids`."""

    project_ids: list[str]
    weight: Floats
    prototypes: Prototypes
    profiles: Profiles
    facts: Numbers
    match: Numbers
    threshold: float
    learned_from: int = 0
    expected_coverage: float = 0.0
    """The share of the hidden ones that were found again above the threshold."""


class Hidden(msgspec.Struct, frozen=True):
    """The facts of the candidates of every conversation that was hidden, and which candidate was its own project.

    The second half is the first half again with its own projects taken away.
    """

    facts: Numbers
    is_own: NDArray[np.bool_]

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
    """A model of these projects. `unsorted` is a sample of what it will be used on."""
    of_projects, of_none = np.flatnonzero(taught.owners >= 0), np.flatnonzero(taught.owners < 0)
    own = Sample(taught.rows[of_projects], taught.context[of_projects], taught.owners[of_projects])
    known, about = _summarise(own, len(project_ids))
    hidden = _hide_and_seek(own, len(project_ids))
    is_candidate = hidden.facts[..., 0] >= 0.0
    facts = calibration.fit(hidden.facts[is_candidate], hidden.is_own[is_candidate], _EXPECTED_FACTS)
    draft = Model(list(project_ids), weight, known, about, facts, _EXPECTED_MATCH, calibration.NEVER)

    nowhere = recognise(draft, taught.rows[of_none], taught.context[of_none])
    inputs = np.concatenate((_match_inputs(hidden.facts, facts), _match_inputs(nowhere.facts, facts)))
    is_right = np.concatenate((hidden.is_found(facts), np.zeros(len(of_none), dtype=bool)))
    sought = len(hidden.facts) // 2
    is_member = np.arange(len(inputs)) < sought
    counted = _as_in(draft, unsorted, inputs, is_member)
    match = calibration.fit(inputs, is_right, _EXPECTED_MATCH, counted)
    probabilities = calibration.sigmoid(calibration.with_constant(inputs) @ match)
    threshold = calibration.threshold(probabilities, is_right, counted, precision)
    found = is_right & (probabilities >= threshold)
    return msgspec.structs.replace(
        draft,
        match=match,
        threshold=threshold,
        learned_from=len(own.owners),
        expected_coverage=float(found.sum() / max(sought, 1)),
    )


def _as_in(draft: Model, unsorted: Sample, inputs: Numbers, is_member: NDArray[np.bool_]) -> Numbers:
    """How much each hidden one counts, so that as many belong to a project as among the unsorted ones.

    Of those that are hidden half do; of what nobody sorted usually few. How many is worked out from how they score.
    """
    members, others = int(is_member.sum()), int((~is_member).sum())
    if not members or not others:
        return np.ones(len(inputs))
    telling = calibration.fit(inputs, is_member, _EXPECTED_MATCH)
    found = recognise(draft, unsorted.rows, unsorted.context)
    logits = calibration.with_constant(_match_inputs(found.facts, draft.facts)) @ telling
    share = calibration.share_among(logits, members / len(inputs))
    return np.where(is_member, share / members, (1.0 - share) / others) * len(inputs)


def _summarise(own: Sample, count: int) -> tuple[Prototypes, Profiles]:
    known = similarity.prototypes(own.rows, own.owners, own.context.minutes, count)
    return known, profiles.profiles(own.context, own.owners, count)


def _hide_and_seek(own: Sample, count: int) -> Hidden:
    """Hide a part at a time and look for it with what the rest teaches; then again, its own projects taken away."""
    place = np.random.default_rng(0).permutation(len(own.owners))
    is_sought = place < max(MOST_HIDDEN, FOLDS)
    width = min(similarity.CANDIDATES, count)
    with_own: list[tuple[Numbers, NDArray[np.bool_]]] = []
    without: list[tuple[Numbers, NDArray[np.bool_]]] = []
    for fold in range(FOLDS):
        rest, hidden = np.flatnonzero(place % FOLDS != fold), np.flatnonzero((place % FOLDS == fold) & is_sought)
        if not len(hidden) or not len(rest):
            continue
        known, about = _summarise(Sample(own.rows[rest], own.context[rest], own.owners[rest]), count)
        rows, context, truth = own.rows[hidden], own.context[hidden], own.owners[hidden][:, None]
        found = similarity.nearest(rows, known)
        with_own.append((_facts(found, context, about), found.projects == truth))
        found = similarity.nearest(rows, known, excluded=truth.tolist())
        without.append((_facts(found, context, about), np.zeros(found.projects.shape, dtype=bool)))
    every = [(np.zeros((0, width, len(FACTS))), np.zeros((0, width), dtype=bool)), *with_own, *without]
    return Hidden(np.concatenate([facts for facts, _ in every]), np.concatenate([is_own for _, is_own in every]))


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
    """Of each conversation: how good its best candidate is, and how far ahead of the next one."""
    logits = np.sort(_candidate_logits(facts, fitted), axis=1)[:, ::-1]
    if not logits.shape[1]:
        return np.full((len(logits), 2), -10.0)
    best = logits[:, 0]
    lead = best - logits[:, 1] if logits.shape[1] > 1 else np.full(len(best), 5.0)
    return np.stack((np.maximum(best, -10.0), np.clip(lead, 0.0, 10.0)), axis=1)


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
        np.where(ranked[:, 0] >= 0, calibration.sigmoid(logits), 0.0),
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
        numbers=np.array([model.threshold, model.learned_from, model.expected_coverage]),
    )
    return buffer.getvalue()


def load(stored: bytes) -> Model:
    """The model that `dump` wrote."""
    with np.load(io.BytesIO(stored), allow_pickle=False) as found:
        project_ids = msgspec.json.decode(found["project_ids"].tobytes(), type=list[str])
        rows = similarity.matrix(found["data"], found["indices"], found["indptr"])
        about = Profiles(found["moments"], found["sizes"], found["categories"], found["tags"])
        threshold, learned_from, coverage = (float(number) for number in found["numbers"])
        return Model(
            project_ids,
            found["weight"].astype(np.float32),
            Prototypes(rows, found["owners"], len(project_ids)),
            about,
            found["facts"],
            found["match"],
            threshold,
            int(learned_from),
            coverage,
        )
