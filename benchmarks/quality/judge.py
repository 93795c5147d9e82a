"""How good the judge `local` is: what a model says of chats that it never saw, by words and by what they mean."""

from __future__ import annotations

from collections import Counter as Counted
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import msgspec
import numpy as np

from benchmarks.quality.figures import Quality, calibration_error, quality
from commonplace.categorize.contract import Lesson, Meaning, Subject, Taxonomy, Turn
from commonplace.categorize.local import model as models
from commonplace.categorize.local.borrowing import owners_of_topics
from commonplace.categorize.local.correcting import corrected
from commonplace.categorize.local.directions import joined
from commonplace.categorize.local.examples import Example, examples
from commonplace.categorize.local.features import Counter
from commonplace.categorize.local.fields import fields_of
from commonplace.categorize.local.model import Model
from commonplace.categorize.local.teaching import gathered
from commonplace.categorize.local.training import MEASURED, of_many

FOLDS = 5
CORRECTIONS = 5
"""Of each category."""
KINDS = ("of_what_was_wrong", "of_any")
"""A person corrects what is wrong; who confirms as well, by lot, says something of any chat."""
DRAWS = 4


class Told(NamedTuple):
    """What a model is made with."""

    counter: Counter
    meaning: Meaning | None


class Taught(NamedTuple):
    """The accuracy before and after corrections, over the same chats, and how sure the judge is then."""

    before: float
    after: float
    calibration_error: float


def probabilities(told: Told, model: Model, asked: Sequence[Subject]) -> Any:
    weighed = [model.space.weigh(told.counter.vector(fields_of(subject))) for subject in asked]
    return model.probabilities(weighed, joined(told.meaning.of(asked)) if told.meaning else None)


def trained(
    told: Told,
    taxonomy: Taxonomy,
    *,
    shipped: Sequence[Example] | None = None,
    sharpness: models.Sharpness | None = None,
) -> Model:
    return of_many(taxonomy, gathered(taxonomy, told.counter, meaning=told.meaning, shipped=shipped), sharpness)


def held_out(taxonomy: Taxonomy, told: Told) -> Quality:
    """On the fifth of the topics that is never shown."""
    return _measured(taxonomy, told, _shown(), [example for example in examples() if example.is_held_out])


def cross_validated(taxonomy: Taxonomy, told: Told) -> float:
    """The accuracy over the other topics, each sorted by a model that did not see it."""
    hits = total = 0.0
    for unseen, rest in _folds():
        found = _measured(taxonomy, told, rest, unseen, sharpness=models.USUAL_SHARPNESS)
        hits += found.accuracy * found.examples
        total += found.examples
    return hits / total


class Described(NamedTuple):
    """A taxonomy as if it were a person's own: no example set is named, only words and descriptions are there."""

    at_first: Quality
    """On the topics that nobody is shown."""
    five_fold: dict[str, Taught]
    """Over the other topics, by the kind of corrections; so below on those that nobody is shown."""
    held_out: dict[str, Taught]


def described_only(taxonomy: Taxonomy, told: Told) -> Described:
    bare = msgspec.structs.replace(
        taxonomy, categories=tuple(msgspec.structs.replace(c, taught_by=()) for c in taxonomy.categories)
    )
    owners = owners_of_topics(taxonomy, {example.reference for example in examples()})
    model = trained(told, bare, shipped=_shown())
    unseen = [example for example in examples() if example.is_held_out and example.reference in owners]
    parts = [
        (trained(told, bare, shipped=rest), [example for example in hidden if example.reference in owners])
        for hidden, rest in _folds()
    ]
    return Described(
        _quality(told, model, taxonomy, unseen),
        {kind: _corrected(told, taxonomy, parts, kind) for kind in KINDS},
        {kind: _corrected(told, taxonomy, [(model, unseen)], kind) for kind in KINDS},
    )


def _corrected(told: Told, taxonomy: Taxonomy, parts: Sequence[tuple[Model, Sequence[Example]]], kind: str) -> Taught:
    """Half of the chats are looked at, drawn more than once, and some corrected; the other half is asked about."""
    before, after, sure = [], [], []
    for model, chats in parts:
        owners = owners_of_topics(taxonomy, {example.reference for example in chats})
        truth = np.array([owners[example.reference] for example in chats])
        said = probabilities(told, model, [example.subject for example in chats]).argmax(axis=1)
        for draw in range(DRAWS):
            drawn = Random(draw).sample(range(len(chats)), len(chats))
            looked_at, asked = drawn[: len(chats) // 2], drawn[len(chats) // 2 :]
            wrong = [place for place in looked_at if kind != KINDS[0] or said[place] != truth[place]]
            lessons = _some_of_each(taxonomy, [(chats[place], int(truth[place])) for place in wrong])
            found = probabilities(told, corrected(model, lessons, *told), [chats[place].subject for place in asked])
            before += (said[asked] == truth[asked]).tolist()
            after += (found.argmax(axis=1) == truth[asked]).tolist()
            sure += found.max(axis=1).tolist()
    return Taught(float(np.mean(before)), float(np.mean(after)), calibration_error(np.array(sure), np.array(after)))


def _some_of_each(taxonomy: Taxonomy, chats: Sequence[tuple[Example, int]]) -> list[Lesson]:
    """The first corrections of each category."""
    given: Counted[int] = Counted()
    lessons = []
    for chat, category in chats:
        given[category] += 1
        if given[category] <= CORRECTIONS:
            lessons.append(Lesson(subject=chat.subject, category=taxonomy.names[category]))
    return lessons


def prompts(taxonomy: Taxonomy, told: Told, path: Path) -> dict[str, float]:
    """On prompts of others, in lines `{"turns": [what a person said], "labels": [categories that are right]}`."""
    lines = [msgspec.json.decode(line) for line in path.read_bytes().splitlines()]
    asked = [
        Subject(conversation_id=f"prompt:{n}", content_hash="", turns=tuple(Turn("user", t) for t in line["turns"]))
        for n, line in enumerate(lines)
    ]
    found = probabilities(told, trained(told, taxonomy, sharpness=MEASURED[taxonomy.hash]), asked)
    said = [taxonomy.names[int(place)] for place in found.argmax(axis=1)]
    hit = np.array([name in line["labels"] for name, line in zip(said, lines, strict=True)])
    by_set = {
        name: float(hit[[line["set"] == name for line in lines]].mean()) for name in sorted({li["set"] for li in lines})
    }
    return {"accuracy": float(hit.mean()), "calibration_error": calibration_error(found.max(axis=1), hit), **by_set}


def _folds() -> Iterator[tuple[list[Example], list[Example]]]:
    """Of the topics that are shown, each fifth and the others."""
    shown = _shown()
    references = sorted({example.reference for example in shown})
    for fold in range(FOLDS):
        hidden = set(references[fold::FOLDS])
        yield (
            [example for example in shown if example.reference in hidden],
            [example for example in shown if example.reference not in hidden],
        )


def _shown() -> list[Example]:
    return [example for example in examples() if not example.is_held_out]


def _measured(
    taxonomy: Taxonomy,
    told: Told,
    shown: Sequence[Example],
    unseen: Sequence[Example],
    *,
    sharpness: models.Sharpness | None = None,
) -> Quality:
    owners = owners_of_topics(taxonomy, {example.reference for example in unseen})
    asked = [example for example in unseen if example.reference in owners]
    return _quality(told, trained(told, taxonomy, shipped=shown, sharpness=sharpness), taxonomy, asked)


def _quality(told: Told, model: Model, taxonomy: Taxonomy, asked: Sequence[Example]) -> Quality:
    owners = owners_of_topics(taxonomy, {example.reference for example in asked})
    return quality(
        probabilities(told, model, [example.subject for example in asked]),
        [owners[example.reference] for example in asked],
        taxonomy.names,
        [example.language for example in asked],
    )
