"""Models of the local judge: what they learn from, what ships of them, and how sure they are."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path

import msgspec
import numpy as np
import pytest

from benchmarks.quality.judge import Told, held_out
from commonplace.categorize.contract import Directions, Lesson, Meaning, Subject, Taxonomy
from commonplace.categorize.definitions import shipped, shipped_names
from commonplace.categorize.local import LocalJudge
from commonplace.categorize.local import model as models
from commonplace.categorize.local.borrowing import Chat, borrowers, owners_of_topics, texts_of
from commonplace.categorize.local.correcting import corrected
from commonplace.categorize.local.directions import joined, of_examples, of_texts
from commonplace.categorize.local.evidence import evidence_of
from commonplace.categorize.local.examples import examples
from commonplace.categorize.local.features import Counter, Document, Floats
from commonplace.categorize.local.fields import Fields, fields_of
from commonplace.categorize.local.model import Sharpness
from commonplace.categorize.local.teaching import Gathered, documents, gathered
from commonplace.categorize.local.training import MEASURED, agreement
from commonplace.meaning.registry import free_embedder
from tests.categorize.local.conftest import subject


@pytest.mark.slow
@pytest.mark.parametrize(("in_meaning", "accuracy", "error"), [(False, 0.62, 0.05), (True, 0.78, 0.04)])
def test_on_topics_it_never_saw_it_is_useful_and_calibrated(
    everyday: Taxonomy, meaning: Meaning, in_meaning: bool, accuracy: float, error: float
) -> None:
    found = held_out(everyday, Told(Counter(), meaning if in_meaning else None))
    assert found.accuracy >= accuracy
    assert found.second_guess >= 0.75
    assert found.calibration_error <= error


@pytest.mark.slow
@pytest.mark.parametrize("name", shipped_names())
def test_the_sharpness_and_the_model_that_ship_are_those_that_would_be_made_today(name: str, meaning: Meaning) -> None:
    taxonomy = shipped(name)
    assert taxonomy is not None
    counter = Counter()
    learned = documents(gathered(taxonomy, counter, meaning=meaning), counter)
    made = models.train(taxonomy.names, learned)
    assert MEASURED[taxonomy.hash] == pytest.approx(made.sharpness, rel=0.1)
    ships = LocalJudge(meaning=_Asleep()).model_of(taxonomy)
    assert np.allclose(ships.weights, made.weights, atol=0.02)
    assert np.allclose(ships.meaning, made.meaning, atol=0.02)


@pytest.mark.parametrize("name", shipped_names())
def test_nobody_waits_for_the_model_of_a_taxonomy_that_ships(name: str) -> None:
    """When this fails, run `python -m benchmarks.what_ships`."""
    taxonomy = shipped(name)
    assert taxonomy is not None
    assert LocalJudge(meaning=_Asleep()).model_of(taxonomy).categories == tuple(taxonomy.names)


def test_the_directions_that_ship_are_those_of_the_examples(meaning: Meaning) -> None:
    """When this fails, run `python -m benchmarks.what_ships`."""
    some = examples()[::200]
    made, shipped_with_it = joined(meaning.of([example.subject for example in some])), of_examples(_Asleep(), some)
    alike = (made * shipped_with_it).sum(axis=1) / (made * made).sum(axis=1).clip(1e-9)
    assert (alike[made.any(axis=1)] > 0.99).all()


class _Asleep:
    """Goes by the model's name and cannot be asked."""

    key = free_embedder().key

    def of(self, subjects: Sequence[Subject]) -> Directions:
        raise AssertionError("these directions do not ship")


def test_what_it_says_follows_from_what_is_meant_and_from_words_alone_where_that_is_unknown() -> None:
    counter, axes = Counter(), np.eye(2, dtype=np.float32)
    texts = [("hive honey", 0), ("frame honey", 0), ("cake oven", 1), ("bread oven", 1)]
    told = [Document(counter.plain(text), place, 1.0, direction=axes[place]) for text, place in texts]
    model = models.train(("Bees", "Baking"), told, sharpness=Sharpness(1.0, 1.0))
    unheard = [model.space.weigh(counter.plain("zorblat"))] * 3
    words = model.probabilities(unheard)
    found = model.probabilities(unheard, np.array([[1, 0], [0, 1], [0, 0]], dtype=np.float32))
    assert found[0, 0] > 0.8
    assert found[1, 1] > 0.8
    assert np.array_equal(found[2], words[2])
    scores, asked = model.scores(unheard, axes[[0, 0, 0]]), Fields("", "zorblat now?", "", "")
    assert evidence_of(counter, model, [asked] * 3, unheard, scores, [0] * 3) == [["zorblat now?"]] * 3


def test_what_is_far_ahead_is_less_sure_than_it_looks_and_the_order_stays() -> None:
    scores = np.array([[-1.0, 0.0, 1.0, 0.5], [-4.0, 0.0, 8.0, 2.0]], dtype=np.float32)
    flat = models.flattened(scores)
    assert (flat.argsort(axis=1) == scores.argsort(axis=1)).all()
    ahead, ahead_before = flat[:, 2] - flat[:, 3], scores[:, 2] - scores[:, 3]
    assert ahead[1] / ahead[0] < ahead_before[1] / ahead_before[0]


def test_who_was_taught_by_topics_that_are_not_where_they_belong_is_less_sure() -> None:
    said = np.arange(300) % 3
    scores = np.random.default_rng(0).normal(2 * np.eye(3)[said], 1.0).astype(np.float32)
    assert models.least_surprising(scores, said, 0.7) < 0.8 * models.least_surprising(scores, said)


def test_topics_are_trusted_as_far_as_they_put_a_sets_own_texts_where_they_belong() -> None:
    counter, axes = Counter(), np.eye(3 * 4, dtype=np.float32)
    topics = list(dict.fromkeys(example.reference for example in examples()))[:2]
    chats = [
        Chat(example, counter, axes[place])
        for place, topic in enumerate(topics)
        for example in [each for each in examples() if each.reference == topic][:4]
    ]
    own = [Document(counter.plain("frimble"), place, 1.0, direction=axes[place]) for place in (0, 1) * 10]
    right, wrong = (
        agreement(Gathered(own, chats, {}, dict(zip(topics, places, strict=True)), 2), 3) for places in ((0, 1), (1, 0))
    )
    assert right == 1.0
    assert wrong == pytest.approx(10 / 30)


def test_the_held_out_fifth_is_whole_topics_of_every_set() -> None:
    held_out = {example.reference for example in examples() if example.is_held_out}
    shown = {example.reference for example in examples() if not example.is_held_out}
    assert not held_out & shown
    said = [(e.reference, e.subject.title, [t.text for t in e.subject.turns]) for e in examples() if e.is_held_out]
    assert blake2b(repr(said).encode(), digest_size=8).hexdigest() == "64c3c378344e20a1", (
        "figures are no longer of the same chats"
    )
    for name in {example.example_set for example in examples()}:
        share = sum(reference.startswith(f"{name}/") for reference in held_out)
        total = share + sum(reference.startswith(f"{name}/") for reference in shown)
        assert 0.15 <= share / total <= 0.25
        assert sum(example.example_set == name for example in examples()) >= 150


def test_a_broken_model_file_is_no_model(tmp_path: Path) -> None:
    assert models.load(tmp_path / "none.npz") is None
    for content in (b"", b"PK\x03\x04 broken", b"text"):
        (tmp_path / "a.npz").write_bytes(content)
        assert models.load(tmp_path / "a.npz") is None


def test_a_model_that_ships_learns_from_corrections_and_is_not_taught_anew(everyday: Taxonomy) -> None:
    lesson = Lesson(subject=subject("the zorblat needs another frimble", id="chatgpt:2"), category=everyday.names[0])
    model = LocalJudge(meaning=_Asleep()).model_of(everyday)
    counter, asked = Counter(), [fields_of(subject("another frimble for the zorblat"))]
    learned = corrected(model, [lesson], counter, None)
    before, after = (
        each.probabilities([each.space.weigh(counter.vector(fields)) for fields in asked]) for each in (model, learned)
    )
    assert after[0, 0] > before[0, 0] + 0.1
    assert corrected(model, [msgspec.structs.replace(lesson, category="Nowhere")], counter, None) is model


def test_corrections_leave_alone_what_they_have_nothing_to_do_with() -> None:
    counter, axes = Counter(), np.eye(3 * 4, dtype=np.float32)
    told = [Document(counter.plain(f"w{place}"), place % 2, 1.0, direction=axes[place]) for place in range(4)]
    model = models.train(("Bees", "Baking"), told, sharpness=Sharpness(1.0, 1.0))
    lesson = Lesson(subject=subject("zorblat frimble"), category="Baking")
    learned = corrected(model, [lesson], counter, _Pointing(axes[:1]))
    unheard, shown = [learned.space.weigh(counter.plain("quux"))] * 2, axes[[0, 5]]
    before = model.scores([model.space.weigh(counter.plain("quux"))] * 2, shown)
    moved = learned.scores(unheard, shown) - before
    meant, other = moved[:, 1] - moved[:, 0]
    assert meant > 0.1
    assert abs(other) < 0.15 * meant


class _Pointing:
    """Everything means what it is told."""

    key = "pointing"

    def __init__(self, rows: Floats) -> None:
        self._rows = rows

    def of(self, subjects: Sequence[Subject]) -> Directions:
        opening, asked, answered = np.split(self._rows, 3, axis=1)
        return Directions(opening, asked, answered)


def test_nearly_every_topic_is_borrowed_by_the_category_that_it_belongs_to(
    everyday: Taxonomy, meaning: Meaning
) -> None:
    """The examples of `everyday` are lent to a set that says the same of itself."""
    counter = Counter()
    bare = msgspec.structs.replace(
        everyday, categories=tuple(msgspec.structs.replace(c, taught_by=()) for c in everyday.categories)
    )
    chats = [Chat(each, counter, row) for each, row in zip(examples(), of_examples(meaning, examples()), strict=True)]
    said = [(place, text) for place, each in enumerate(bare.categories) for text in [*texts_of(each), *each.examples]]
    rows = of_texts(meaning, [text for _, text in said])
    own = [Document(counter.plain(text), place, 1.0, "", row) for (place, text), row in zip(said, rows, strict=True)]
    belongs = owners_of_topics(everyday, {each.reference for each in examples()})
    free = {reference for reference in belongs if not reference.startswith("other/")}
    lent = borrowers(bare, counter, chats, {each: belongs[each] for each in belongs.keys() - free}, own)
    assert lent.keys() == free
    assert np.mean([lent[each] == belongs[each] for each in free]) > 0.92
