"""What was learned of projects, and recognising them by it.

There are up to two ways of being sure: by words, and by words and meaning together where enough conversations have an
embedding. Which one applies depends on the conversation alone, so one without an embedding is judged as if there were
none at all.
"""

from __future__ import annotations

import io
from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from commonplace.projects import calibration, evidence, similarity
from commonplace.projects.calibration import Numbers
from commonplace.projects.evidence import Known, Sample
from commonplace.projects.meanings import Meanings
from commonplace.projects.profiles import Context, Profiles
from commonplace.projects.similarity import Floats, Matrix, Prototypes


class Fitted(msgspec.Struct, frozen=True):
    """What facts are worth, and from which probability on they are enough."""

    facts: Numbers
    match: Numbers
    prior: float
    ceiling: float
    threshold: float
    expected_coverage: float = 0.0
    """The share of the hidden ones that were found again above the threshold."""


class Model(msgspec.Struct, frozen=True):
    """What was learned. Projects are numbered by their place in `project_ids`."""

    project_ids: list[str]
    weight: Floats
    known: Known
    by_words: Fitted
    by_meaning: Fitted | None = None
    learned_from: int = 0

    @property
    def best(self) -> Fitted:
        """The one that knows more."""
        return self.by_meaning or self.by_words


class Match(msgspec.Struct, frozen=True):
    """For each conversation the likeliest project (-1: none is like it), how likely, whether that is enough, and what
    speaks for it."""

    projects: NDArray[np.int64]
    probabilities: Numbers
    is_sure: NDArray[np.bool_]
    facts: Numbers
    second: NDArray[np.int64]

    def put(self, places: NDArray[np.int64], part: Match) -> None:
        """Take over what another match says of these conversations."""
        for name in self.__struct_fields__:
            getattr(self, name)[places] = getattr(part, name)


def recognise(
    model: Model,
    rows: Matrix,
    context: Context,
    *,
    meanings: Floats | None = None,
    excluded: Sequence[Sequence[int]] | None = None,
) -> Match:
    """The likeliest project of each conversation. `excluded` names for each the projects out of the question."""
    sought = Sample(rows, context, np.full(rows.shape[0], -1, dtype=np.int64), meanings)
    match = _recognise(model, sought.in_words, model.by_words, excluded)
    if model.by_meaning is not None and meanings is not None:
        places = np.flatnonzero(meanings.any(axis=1))
        ruled_out = None if excluded is None else [excluded[int(place)] for place in places]
        if len(places):
            match.put(places, _recognise(model, sought.of(places), model.by_meaning, ruled_out))
    return match


def _recognise(model: Model, sought: Sample, fitted: Fitted, excluded: Sequence[Sequence[int]] | None) -> Match:
    projects, facts = evidence.candidates(sought, model.known, excluded=excluded)
    count, width = projects.shape
    if not width:
        nothing = np.full(count, -1, dtype=np.int64)
        return Match(nothing, np.zeros(count), np.zeros(count, dtype=bool), facts, nothing.copy())
    order = np.argsort(-evidence.candidate_logits(facts, fitted.facts), axis=1, kind="stable")
    ranked = np.take_along_axis(projects, order, axis=1)
    logits = calibration.with_constant(evidence.match_inputs(facts, fitted.facts)) @ fitted.match
    likely = np.where(ranked[:, 0] >= 0, probabilities(logits, fitted.prior, fitted.ceiling), 0.0)
    return Match(
        ranked[:, 0].copy(),
        likely,
        likely >= fitted.threshold,
        np.take_along_axis(facts, order[..., None], axis=1),
        ranked[:, 1].copy() if width > 1 else np.full(count, -1, dtype=np.int64),
    )


def probabilities(scores: Numbers, prior: float, ceiling: float) -> Numbers:
    """How likely the best candidate is right: how many right ones there are for each unsorted one that scores so.

    `scores` are log-odds between the found and the unsorted, `prior` brings both to their true proportion, `ceiling` is
    how sure so few examples let anybody be.
    """
    return np.minimum(np.exp(np.minimum(scores + prior, 0.0)), ceiling)


def dump(model: Model) -> bytes:
    """A model as bytes: arrays without anything that could run."""
    rows, about, meanings = model.known.prototypes.rows, model.known.profiles, model.known.meanings
    arrays = {
        "project_ids": np.frombuffer(msgspec.json.encode(model.project_ids), "u1"),
        "weight": model.weight.astype(np.float16),
        "data": rows.data,
        "indices": rows.indices,
        "indptr": rows.indptr,
        "owners": model.known.prototypes.owners,
        "moments": about.moments,
        "sizes": about.sizes,
        "categories": about.categories,
        "tags": about.tags,
        "learned_from": np.array([model.learned_from]),
        **_fitted_arrays("words", model.by_words),
    }
    if model.by_meaning is not None and meanings is not None:
        arrays |= {"centre": meanings.centre, "directions": meanings.directions}
        arrays |= _fitted_arrays("meaning", model.by_meaning)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def _fitted_arrays(name: str, fitted: Fitted) -> dict[str, Numbers]:
    numbers = [fitted.prior, fitted.ceiling, fitted.threshold, fitted.expected_coverage]
    return {f"{name}_facts": fitted.facts, f"{name}_match": fitted.match, f"{name}_numbers": np.array(numbers)}


def load(stored: bytes) -> Model:
    """The model that `dump` wrote."""
    with np.load(io.BytesIO(stored), allow_pickle=False) as found:
        project_ids = msgspec.json.decode(found["project_ids"].tobytes(), type=list[str])
        rows = similarity.matrix(found["data"], found["indices"], found["indptr"])
        about = Profiles(found["moments"], found["sizes"], found["categories"], found["tags"])
        has_meaning = "centre" in found
        meanings = Meanings(found["centre"], found["directions"]) if has_meaning else None

        def fitted(name: str) -> Fitted:
            prior, ceiling, threshold, coverage = (float(number) for number in found[f"{name}_numbers"])
            return Fitted(found[f"{name}_facts"], found[f"{name}_match"], prior, ceiling, threshold, coverage)

        return Model(
            project_ids,
            found["weight"].astype(np.float32),
            Known(Prototypes(rows, found["owners"], len(project_ids)), about, meanings),
            fitted("words"),
            fitted("meaning") if has_meaning else None,
            int(found["learned_from"][0]),
        )
