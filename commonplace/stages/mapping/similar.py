"""The second step of mapping: what is left is compared with what the sure rules, and people, put into projects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
from sqlalchemy import Row

from commonplace.archive.core import Archive
from commonplace.archive.projects import assignments, history, vectors
from commonplace.archive.projects.assignments import Change, Decision
from commonplace.config import ProjectSettings
from commonplace.projects import evidence, learning, profiles, similarity, terms
from commonplace.projects import model as models
from commonplace.projects.evidence import Sample
from commonplace.projects.meanings import ENOUGH
from commonplace.projects.model import Match, Model
from commonplace.projects.similarity import Floats
from commonplace.stages.mapping import by_source, meaning, titles
from commonplace.stages.mapping.sure import Hashes, hashes, rejected_of

MOST_TAUGHT_PER_PROJECT = 96
MOST_UNSORTED = 4000


class Learned(msgspec.Struct, frozen=True, kw_only=True):
    """What a model promises: from which probability on it assigns (None: it is never sure enough, and only suggests),
    and the share of the hidden ones that it found so."""

    projects: int
    learned_from: int
    threshold: float | None
    expected_coverage: float
    embedded: bool = False
    """Whether what conversations mean was learned from as well."""


def needing_vectors(archive: Archive, left: Sequence[str]) -> list[str]:
    """Of the conversations to learn from and those left over, the ones without a current vector."""
    return vectors.missing(archive, terms.KIND, compared(archive, left))


def compared(archive: Archive, left: Sequence[str]) -> list[str]:
    """Every conversation that a mapping of these looks at."""
    return sorted({*left, *(row.id for row in teachers(archive)), *unsorted(archive)})


def teachers(archive: Archive) -> list[Row[Any]]:
    """What to learn from: the newest of each project's, which is enough to know it by."""
    return vectors.teachers(archive, terms.KIND, most_per_project=MOST_TAUGHT_PER_PROJECT)


def unsorted(archive: Archive) -> list[str]:
    """What the taught ones are compared with: some of all that no sure rule knows a project for."""
    return vectors.untaught(archive, most=MOST_UNSORTED)


def compute(archive: Archive, ids: Sequence[str]) -> int:
    """Make and keep the vectors of these conversations; how many."""
    found = vectors.texts(archive, ids, longest=terms.LONGEST_PASSAGE)
    made = (
        (text.conversation_id, text.content_hash, terms.encode(terms.count(text.title, text.passages)))
        for text in found
    )
    return vectors.store(archive, terms.KIND, made)


def learn(archive: Archive, settings: ProjectSettings) -> Learned | None:
    """Learn what the projects look like, unless that is known, and keep it."""
    if not settings.similarity:
        return None
    current = hashes(archive, settings)
    stored = vectors.kept_model(archive, current.orphans)
    if stored is None:
        model = learn_from(archive, settings, teachers(archive), unsorted(archive))
        if model is None:
            return None
        vectors.keep_model(archive, current.orphans, models.dump(model))
    else:
        model = models.load(stored)
    return promise(model)


def promise(model: Model) -> Learned:
    fitted = model.best
    return Learned(
        projects=len(model.project_ids),
        learned_from=model.learned_from,
        threshold=round(fitted.threshold, 4) if fitted.threshold <= 1.0 else None,
        expected_coverage=round(fitted.expected_coverage, 4),
        embedded=model.by_meaning is not None,
    )


def learn_from(
    archive: Archive,
    settings: ProjectSettings,
    taught: Sequence[Row[Any]],
    others: Sequence[str],
    projects: Mapping[str, str] | None = None,
) -> Model | None:
    """A model from these rows, whose projects are the rows' own or those of `projects`; None if there is none.

    `others` are the unsorted ones.
    """
    of = {row.id: (projects or {}).get(row.id, row.project_id) for row in taught}
    project_ids = sorted({project_id for project_id in of.values() if project_id})
    if not project_ids:
        return None
    number: dict[str | None, int] = {project_id: place for place, project_id in enumerate(project_ids)}
    weight = similarity.weights(*similarity.document_frequencies(vectors.vectors(archive, terms.KIND)))
    unknown = list(vectors.described(archive, terms.KIND, others))
    # Of both in one go, so that all have the same length.
    meanings = _enough(meaning.kept(archive, [row.id for row in (*taught, *unknown)]))
    return learning.learn(
        project_ids,
        weight,
        _sample(taught, weight, _part(meanings, slice(len(taught))), [number[of[row.id]] for row in taught]),
        _sample(unknown, weight, _part(meanings, slice(len(taught), None))),
        precision=settings.precision,
    )


def _enough(meanings: Floats | None) -> Floats | None:
    """What can be learned from: few vectors would say less than all the words."""
    if meanings is None or meanings.any(axis=1).mean() < ENOUGH:
        return None
    return meanings


def _part(meanings: Floats | None, places: slice) -> Floats | None:
    return None if meanings is None else meanings[places]


def _sample(
    rows: Sequence[Row[Any]],
    weight: Floats,
    meanings: Floats | None = None,
    owners: Sequence[int] | None = None,
) -> Sample:
    context = profiles.context(
        [row.moment for row in rows],
        [row.category for row in rows],
        [msgspec.json.decode(row.tags, type=list[str]) if row.tags != "[]" else [] for row in rows],
    )
    numbers = np.full(len(rows), -1, dtype=np.int64) if owners is None else np.array(owners, dtype=np.int64)
    return Sample(similarity.vectors([row.vector or b"" for row in rows], weight), context, numbers, meanings)


class Ready(msgspec.Struct, frozen=True):
    """What placing chunks takes, read once for all chunks of a process."""

    hashes: Hashes
    model: Model | None


def ready(archive: Archive, settings: ProjectSettings) -> Ready:
    """The model that `learn` kept, if the evidence is still what it was learned from."""
    current = hashes(archive, settings)
    stored = vectors.kept_model(archive, current.orphans) if settings.similarity else None
    return Ready(current, models.load(stored) if stored else None)


def assign_similar(
    archive: Archive, settings: ProjectSettings, ids: Sequence[str], using: Ready | None = None
) -> list[Change]:
    """Assign a chunk of what the sure rules left, suggest a project for it, or leave it an orphan."""
    using = using or ready(archive, settings)
    decisions = decide_similar(archive, settings, using.model, ids)
    by_source.register(archive, settings, decisions)
    return assignments.record(archive, decisions, using.hashes.rules, using.hashes.orphans)


def decide_similar(
    archive: Archive, settings: ProjectSettings, model: Model | None, ids: Sequence[str]
) -> list[Decision]:
    """What a model says of conversations; without one they are orphans. What only a title names is suggested;
    of what is left, a source may have a project."""
    rows = list(vectors.described(archive, terms.KIND, ids))
    alone = {row.id: row.title for row in rows}
    suggested = titles.suggest(archive, settings, _by_likeness(archive, settings, model, rows), alone)
    return by_source.adopt(archive, settings, suggested)


def _by_likeness(
    archive: Archive, settings: ProjectSettings, model: Model | None, rows: Sequence[Row[Any]]
) -> list[Decision]:
    if model is None:
        return [_orphan(row) for row in rows]
    number = {project_id: place for place, project_id in enumerate(model.project_ids)}
    into = history.successors(archive)
    excluded = [[number[id] for id in rejected_of(row, into) if id in number] for row in rows]
    meanings = meaning.kept(archive, [row.id for row in rows]) if model.by_meaning else None
    sample = _sample(rows, model.weight)
    match = models.recognise(model, sample.rows, sample.context, meanings=meanings, excluded=excluded)
    return [_judged(row, model, match, place, settings) for place, row in enumerate(rows)]


def _orphan(row: Row[Any]) -> Decision:
    return Decision(conversation_id=row.id, content_hash=row.content_hash, rule="orphan", confidence=0.0)


def _judged(row: Row[Any], model: Model, match: Match, place: int, settings: ProjectSettings) -> Decision:
    likely = float(match.probabilities[place])
    is_sure = bool(match.is_sure[place])
    if match.projects[place] < 0 or not (is_sure or likely >= settings.suggest_above):
        return _orphan(row)
    project_id = model.project_ids[int(match.projects[place])]
    said: dict[str, Any] = {
        fact: round(float(value), 3)
        for fact, value in zip(evidence.FACTS, match.facts[place, 0], strict=True)
        if value > 0
    }
    if match.second[place] >= 0:
        said["next"] = model.project_ids[int(match.second[place])]
    confidence = round(likely, 4)
    if is_sure:
        return Decision(
            conversation_id=row.id,
            content_hash=row.content_hash,
            rule="similar",
            project_id=project_id,
            confidence=confidence,
            evidence=said,
        )
    return Decision(
        conversation_id=row.id,
        content_hash=row.content_hash,
        rule="orphan",
        confidence=0.0,
        evidence=said,
        suggested_project_id=project_id,
        suggestion_confidence=confidence,
    )
