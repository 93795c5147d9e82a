"""The local judge: good enough on what it never saw, honest about how sure it is, and quick."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path

import msgspec
import numpy as np
import pytest

from benchmarks.quality.judge import Told, held_out
from commonplace.categorize.contract import (
    Category,
    Directions,
    Judge,
    Learned,
    Lesson,
    Meaning,
    Subject,
    Taxonomy,
    Turn,
)
from commonplace.categorize.definitions import parse, shipped, shipped_names
from commonplace.categorize.insights import Insights
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
from commonplace.model import MOST_EVIDENCE, Usage, Verdict
from commonplace.stages.categorizing.embedded import EmbeddedMeaning


def subject(*texts: str, title: str | None = None, id: str = "chatgpt:1") -> Subject:
    turns = tuple(Turn("assistant" if place % 2 else "user", text) for place, text in enumerate(texts))
    return Subject(conversation_id=id, content_hash="c1:1", title=title, turns=turns)


@pytest.fixture(scope="module")
def everyday() -> Taxonomy:
    found = shipped("everyday")
    assert found is not None
    return found


@pytest.fixture(scope="module")
def meaning() -> Meaning:
    return EmbeddedMeaning(free_embedder())


@pytest.fixture(scope="module")
def judge(everyday: Taxonomy, meaning: Meaning) -> LocalJudge:
    made = LocalJudge(meaning=meaning)
    made.model_of(everyday)
    return made


@pytest.fixture(scope="module")
def at_home() -> LocalJudge:
    """A judge for taxonomies of one's own."""
    return LocalJudge(analysis="insights")


def verdict_on(judge: LocalJudge, taxonomy: Taxonomy, asked: Subject) -> Verdict:
    found = judge.judge([asked], taxonomy)[0]
    assert isinstance(found, Verdict)
    return found


def test_it_is_a_judge(judge: LocalJudge, everyday: Taxonomy) -> None:
    known: Judge = judge
    assert known.key == "local/v8"
    assert known.estimate([subject("x")], everyday) == Usage()
    assert known.judge([], everyday) == []


@pytest.mark.parametrize(
    ("category", "text"),
    [
        ("Coding", "why do I get a KeyError when I call this python function twice"),
        ("Food, Home & Travel", "Wie lange muss ein Hähnchen im Ofen braten, damit die Haut knusprig wird?"),
        ("Health & Fitness", "me duele la rodilla cuando corro más de cinco kilómetros"),
        ("Money & Law", "大家が敷金を返してくれません。どうすればいいですか"),
        ("Math", "résous l'équation 3x + 7 = 22 et montre les étapes"),
        ("Personal & Relationships", "моя девушка не отвечает уже два дня после ссоры, что делать"),
        ("Language & Translation", "translate this sentence to Korean and tell me if it sounds polite"),
    ],
)
def test_plain_questions_in_many_languages(judge: LocalJudge, everyday: Taxonomy, category: str, text: str) -> None:
    found = verdict_on(judge, everyday, subject(text))
    assert found.category == category
    assert found.runner_up in everyday.names
    assert found.runner_up != category


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
    scores, asked = model.scores(unheard, axes[[0, 0, 0]])[0], Fields("", "zorblat now?", "", "")
    assert evidence_of(counter, model, asked, unheard[0], scores, 0) == ["zorblat now?"]


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


def test_a_model_is_made_in_a_process_of_its_own_and_read_from_its_file_afterwards(tmp_path: Path) -> None:
    asked = "how many frames of honey does one hive need"
    code = (
        "import sys; from pathlib import Path\n"
        "from commonplace.categorize.local import LocalJudge\n"
        "from tests.categorize.local.test_judge import _two, subject, verdict_on\n"
        "print(verdict_on(LocalJudge(Path(sys.argv[1])), _two('Combs'), subject(sys.argv[2])).confidence)\n"
        "assert 'sklearn' not in sys.modules"
    )
    folder = tmp_path / "models"
    made = subprocess.run([sys.executable, "-c", code, str(folder), asked], check=True, capture_output=True, text=True)
    saved = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert len(saved) == 1
    assert models.load(next(iter(saved))) is not None
    assert verdict_on(LocalJudge(folder), _two("Combs"), subject(asked)).confidence == float(made.stdout)
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == saved


def _two(name: str) -> Taxonomy:
    own = Category(name=name, description="keeping bees, hives, honey")
    return Taxonomy(name="two", categories=(own, Category(name="Other")))


def test_a_broken_model_file_is_no_model(tmp_path: Path) -> None:
    assert models.load(tmp_path / "none.npz") is None
    for content in (b"", b"PK\x03\x04 broken", b"text"):
        (tmp_path / "a.npz").write_bytes(content)
        assert models.load(tmp_path / "a.npz") is None


def _kitchen() -> Taxonomy:
    return parse(
        """
        name = "leben"
        fallback = "Sonstiges"
        [[categories]]
        name = "Küche"
        description = "Kochen, Backen, Rezepte, Essen und Trinken"
        examples = ["Was koche ich heute mit Lauch?"]
        [[categories]]
        name = "Programmieren"
        description = "Code, Software, Fehler in Programmen, Skripte, Python"
        [[categories]]
        name = "Reisen"
        description = "Urlaub, Flüge, Hotels, Städte, Ausflüge"
        [[categories]]
        name = "Sonstiges"
        """
    )


@pytest.mark.parametrize(
    ("category", "text"),
    [
        ("Küche", "my sourdough bread is flat, does the dough need more time before baking"),
        ("Küche", "ricetta veloce con zucchine e formaggio"),
        ("Programmieren", "TypeError: list indices must be integers, what is wrong in my script"),
        ("Reisen", "tres días en Lisboa en mayo, qué hotel y qué itinerario"),
    ],
)
def test_a_taxonomy_of_ones_own_works_from_its_words_and_in_other_languages(
    at_home: LocalJudge, category: str, text: str
) -> None:
    assert verdict_on(at_home, _kitchen(), subject(text)).category == category


def test_corrections_teach() -> None:
    small = _two("Bees")
    asked = subject("the zorblat needs another frimble before winter")
    before = LocalJudge().judge([asked], small)[0]
    lessons = [
        Lesson(subject=subject(f"zorblat frimble number {n}", id=f"chatgpt:{n}"), category="Bees") for n in range(4)
    ]
    after = LocalJudge(learned=Learned(lessons=lessons, name="abc")).judge([asked], small)[0]
    assert isinstance(before, Verdict)
    assert isinstance(after, Verdict)
    assert before.category == "Other"
    assert after.category == "Bees"


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


def test_insights_fit_their_model_and_claim_little(at_home: LocalJudge) -> None:
    asked = subject("```python\nprint(1)\n```\nwhy does it print 1?", "Because.", "and 2?", title="Printing")
    assert at_home.key == "local/v8-insights"
    found = verdict_on(at_home, _kitchen(), asked)
    assert found.insights is not None
    insights = Insights.model_validate(found.insights)
    assert insights.confidence <= 0.3
    assert insights.skills[0].name == "Reading and writing Python"
    assert insights.skills[0].evidence == "code in message 1"


def test_insights_hold_nothing_that_the_judge_does_not_know(at_home: LocalJudge) -> None:
    plain = verdict_on(at_home, _kitchen(), subject("why does bread rise?", "Because of yeast."))
    assert plain.insights is not None
    assert plain.insights.keys() == {"topics", "communication_style", "confidence"}
    again = subject("my sourdough is flat", "Feed it.", "the sourdough again", "Hm.", "sourdough day three", "Good.")
    told = verdict_on(at_home, _kitchen(), again)
    assert told.insights is not None
    assert {"name": "sourdough", "evidence": "brought up in messages 1, 2 and 3"} in told.insights["project_interests"]


def test_strange_conversations_are_judged_like_any_other(judge: LocalJudge, everyday: Taxonomy) -> None:
    strange = ["", "\x00\ud800", "?" * 10_000, "```" * 500, "a" * 100_000, "😀", " \n\t", "﷽" * 50, "ß" * 3]
    found = judge.judge([subject(text, text, id=f"chatgpt:{n}") for n, text in enumerate(strange)], everyday)
    for answer in found:
        assert isinstance(answer, Verdict)
        assert 0 < answer.confidence < 1
    assert len({answer.conversation_id for answer in found if isinstance(answer, Verdict)}) == len(strange)


def test_what_spoke_for_a_category_are_the_words_that_did(judge: LocalJudge, everyday: Taxonomy) -> None:
    told = judge.judge(
        [
            subject("wie lange hält gekochter Reis im Kühlschrank seit gestern", "Zwei Tage."),
            subject("pandas groupby says KeyError in python, since yesterday", "Show the traceback."),
            subject("Mi hijo tiene fiebre y mucha tos desde ayer", "Bebe agua."),
            subject("ok " * 400),
        ],
        everyday,
    )
    baking, coding, fever, nothing = [set(each.evidence) for each in told if isinstance(each, Verdict)]
    assert {"kühlschrank", "gekochter"} <= baking
    assert {"python", "keyerror"} <= coding
    assert {"fiebre", "tos"} <= fever
    assert not {"yesterday", "since", "ayer", "gestern"} & (baking | coding | fever)
    assert all(len(each) <= 120 for each in nothing)
    assert max(map(len, (baking, coding, fever, nothing))) <= MOST_EVIDENCE


def test_probabilities_are_probabilities(judge: LocalJudge, everyday: Taxonomy) -> None:
    counter, model = Counter(), judge.model_of(everyday)
    found = model.probabilities([model.space.weigh(counter.vector(e.fields)) for e in examples()[::200]])
    assert np.allclose(found.sum(axis=1), 1, atol=1e-5)


def test_it_reads_a_bounded_part_of_endless_conversations(judge: LocalJudge, everyday: Taxonomy) -> None:
    endless = subject(*(f"question {n} about the garden " * 200 for n in range(400)))
    fields = fields_of(endless)
    assert len(fields.first) + len(fields.later) + len(fields.answers) < 3_000
    started = time.process_time()
    judge.judge([endless] * 5, everyday)
    assert time.process_time() - started < 2
