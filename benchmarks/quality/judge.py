"""How good the judge `local` is: what a model says of chats that it never saw, by words and by what they mean."""

from __future__ import annotations

from collections import Counter as Counted
from collections.abc import Mapping, Sequence
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
DRAWS = 8


class Told(NamedTuple):
    """What a model is made with."""

    counter: Counter
    meaning: Meaning | None


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
    shown = _shown()
    references = sorted({example.reference for example in shown})
    hits = total = 0.0
    for fold in range(FOLDS):
        hidden = set(references[fold::FOLDS])
        unseen = [example for example in shown if example.reference in hidden]
        rest = [example for example in shown if example.reference not in hidden]
        found = _measured(taxonomy, told, rest, unseen, sharpness=models.USUAL_SHARPNESS)
        hits += found.accuracy * found.examples
        total += found.examples
    return hits / total


def described_only(taxonomy: Taxonomy, told: Told) -> dict[str, Quality]:
    """As if the taxonomy were a person's own: no example set is named, only words and descriptions are there. Asked
    about are the topics that nobody is shown, also after so many of their chats of each category were corrected, drawn
    more than once; those are not asked about."""
    owners = owners_of_topics(taxonomy, {example.reference for example in examples()})
    bare = msgspec.structs.replace(
        taxonomy, categories=tuple(msgspec.structs.replace(c, taught_by=()) for c in taxonomy.categories)
    )
    unseen = [example for example in examples() if example.is_held_out and example.reference in owners]
    model = trained(told, bare, shipped=_shown())
    found = {"at_first": _quality(told, model, taxonomy, unseen)}
    for draw in range(DRAWS):
        lessons = _some_of_each(taxonomy, owners, Random(draw).sample(unseen, len(unseen)))
        rest = [example for example in unseen if example.subject not in {lesson.subject for lesson in lessons}]
        found[f"before_{draw}"] = _quality(told, model, taxonomy, rest)
        found[f"after_{draw}"] = _quality(told, corrected(model, lessons, *told), taxonomy, rest)
    return found


def _some_of_each(taxonomy: Taxonomy, owners: Mapping[str, int], chats: Sequence[Example]) -> list[Lesson]:
    """The first corrections of each category."""
    given: Counted[int] = Counted()
    lessons = []
    for chat in chats:
        given[owners[chat.reference]] += 1
        if given[owners[chat.reference]] <= CORRECTIONS:
            lessons.append(Lesson(subject=chat.subject, category=taxonomy.names[owners[chat.reference]]))
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
