"""A model of few texts: it tells them apart, knows what lies elsewhere, and how sure to be by hiding each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np

from commonplace.categorize.contract import Category, Directions, Lesson, Subject, Taxonomy, Turn
from commonplace.categorize.local import LocalJudge, few
from commonplace.categorize.local import model as models
from commonplace.categorize.local.correcting import corrected
from commonplace.categorize.local.features import Counter, Document, Floats
from commonplace.categorize.local.fields import Fields
from commonplace.categorize.local.model import directions_of
from commonplace.meaning.registry import free_embedder
from commonplace.stages.categorizing.embedded import EmbeddedMeaning

NAMES = ("Bees", "Boats", "Other")
SIZE = 12
BREWING = {
    "Malt": ("malts, hops and water of a recipe", "an amber ale without crystal malt", "how dark is Carafa"),
    "Yeast": ("yeast and what it does", "gravity has not moved for three days", "when is the diacetyl rest"),
    "Cans": ("cans, bottles and kegs", "low fills on head three", "kegs come back with foam"),
    "Tanks": ("kettles, tanks, pumps and their cleaning", "how strong should the caustic be", "a pump leaks"),
}


def text(counter: Counter, said: str, category: int, axis: int) -> Document:
    direction = np.zeros(SIZE, dtype=np.float32)
    direction[axis] = 1
    return Document(counter.vector(Fields("", said, "", "")), category, 1.0, direction=direction)


def test_texts_are_told_apart_by_words_and_meaning_and_from_what_lies_elsewhere() -> None:
    counter = Counter()
    own = [text(counter, f"a hive of bees {n}", 0, 0) for n in range(4)]
    own += [text(counter, f"a boat with a sail {n}", 1, 1) for n in range(4)]
    model, hidden = few.learned(NAMES, own, [text(counter, "", 2, 2) for _ in range(5)])
    asked = [text(counter, "", 0, 0), text(counter, "", 1, 1), text(counter, "", 2, 2)]
    found = model.probabilities(model.weighed(asked), directions_of(asked))
    assert found.argmax(axis=1).tolist() == [0, 1, 2]
    assert found.max(axis=1).min() > 0.6
    by_words = model.probabilities(model.weighed([text(counter, "the sail of a boat", 1, 0)]))
    assert by_words.argmax() == 1
    assert hidden.argmax(axis=1).tolist() == [0] * 4 + [1] * 4


def test_who_cannot_tell_its_own_texts_apart_is_not_sure() -> None:
    counter = Counter()
    mixed = [text(counter, f"number {n}", n % 2, n % 3 // 2) for n in range(12)]
    model, hidden = few.learned(NAMES, mixed, [])
    assert (hidden.argmax(axis=1) == [each.category for each in mixed]).mean() < 0.7
    assert model.probabilities(model.weighed(mixed), directions_of(mixed)).max() < 0.7


def test_a_narrow_set_is_a_model_of_few_texts_which_corrections_teach(tmp_path: Path) -> None:
    categories = tuple(
        Category(name=name, description=said, examples=tuple(told)) for name, (said, *told) in BREWING.items()
    )
    brewing = Taxonomy(name="brewing", categories=(*categories, Category(name="Other")))
    meaning = EmbeddedMeaning(free_embedder())
    model = LocalJudge(meaning=meaning).model_of(brewing)
    assert model.is_of_few
    model.save(tmp_path / "kept.npz")
    kept = models.load(tmp_path / "kept.npz")
    assert kept is not None
    assert kept.is_of_few
    said = ("zorblat in the brite", "the zorblat hums", "our zorblat again", "zorblat?")
    lessons = [
        Lesson(subject=Subject(conversation_id=str(n), content_hash="", turns=(Turn("user", each),)), category="Tanks")
        for n, each in enumerate(said)
    ]
    counter = Counter()
    taught = corrected(model, lessons, counter, meaning)
    asked = msgspec.structs.replace(lessons[0].subject, turns=(Turn("user", "why does the zorblat do that"),))
    before, after = (
        each.probabilities(
            [each.space.weigh(counter.vector(Fields("", asked.turns[0].text, "", "")))],
            np.concatenate(meaning.of([asked]), axis=1),
        )[0, brewing.names.index("Tanks")]
        for each in (model, taught)
    )
    assert after > before


def test_how_sure_a_narrow_set_is_does_not_go_by_corrections_which_are_of_what_is_wrong() -> None:
    counter = Counter()
    own = [text(counter, f"a hive of bees {n}", 0, 0) for n in range(4)]
    own += [text(counter, f"a boat with a sail {n}", 1, 1) for n in range(4)]
    model, _ = few.learned(NAMES, own, [text(counter, "", 2, 2) for _ in range(5)])
    wrong = [
        Lesson(
            subject=Subject(conversation_id=str(n), content_hash="", turns=(Turn("user", f"zorblat {n}"),)),
            category="Boats",
        )
        for n in range(20)
    ]
    taught = corrected(model, wrong, counter, _All(text(counter, "", 0, 0).direction))
    assert taught.sharpness == model.sharpness
    others = [text(counter, "a hive of bees", 0, 3)]
    before, after = (each.probabilities(each.weighed(others), directions_of(others))[0, 0] for each in (model, taught))
    assert after > before - 0.1


class _All:
    """Everything means one thing."""

    key = "all"

    def __init__(self, row: Floats | None) -> None:
        self._row = row

    def of(self, subjects: Sequence[Subject]) -> Directions:
        rows = np.tile(np.asarray(self._row), (len(subjects), 1))
        return Directions(*np.split(rows, 3, axis=1))
