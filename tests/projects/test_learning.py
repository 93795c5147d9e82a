"""What similarity learns, and that it says no more than it knows."""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from commonplace.projects import calibration, learning, profiles, similarity, terms
from commonplace.projects import model as models
from commonplace.projects.evidence import Sample
from commonplace.projects.model import Model

SUBJECTS = 6
DAY = 86_400_000_000


class Corpus:
    """Conversations of some subjects, each with words of its own among everybody's."""

    def __init__(self, seed: int) -> None:
        self.draw = np.random.default_rng(seed)

    def conversation(self, subject: int, share: float) -> bytes:
        own = [f"subject{subject}word{number}" for number in self.draw.integers(0, 40, int(60 * share))]
        common = [f"common{number}" for number in self.draw.integers(0, 400, 60 - len(own))]
        return terms.encode(Counter([*own, *common]))

    def sample(self, subjects: NDArray[np.int64], share: float, weight: similarity.Floats) -> Sample:
        stored = [self.conversation(int(subject), share) for subject in subjects]
        moments = [int(day) * DAY for day in self.draw.integers(0, 900, len(subjects))]
        context = profiles.context(moments, [None] * len(subjects), [[]] * len(subjects))
        return Sample(similarity.vectors(stored, weight), context, subjects)


def weights(seed: int = 0) -> similarity.Floats:
    corpus = Corpus(seed)
    stored = [corpus.conversation(number % 30, 0.2) for number in range(300)]
    return similarity.weights(*similarity.document_frequencies(stored))


def learned(corpus: Corpus, weight: similarity.Floats, *, taught: int = 180, unsorted_share: float = 0.3) -> Model:
    subjects = corpus.draw.integers(0, SUBJECTS, taught)
    others = np.where(
        corpus.draw.random(400) < unsorted_share,
        corpus.draw.integers(0, SUBJECTS, 400),
        corpus.draw.integers(SUBJECTS, 40, 400),
    )
    names = [f"p{number}" for number in range(SUBJECTS)]
    return learning.learn(
        names, weight, corpus.sample(subjects, 0.3, weight), corpus.sample(others, 0.3, weight), precision=0.9
    )


def test_conversations_of_known_subjects_are_recognised_and_others_are_not() -> None:
    corpus, weight = Corpus(1), weights()
    model = learned(corpus, weight)
    truth = np.arange(300) % SUBJECTS
    inside = models.recognise(model, *_parts(corpus.sample(truth, 0.3, weight)))
    outside = models.recognise(model, *_parts(corpus.sample(truth + 10, 0.3, weight)))
    assert (inside.projects == truth)[inside.probabilities >= model.best.threshold].mean() >= 0.95
    assert (inside.probabilities >= model.best.threshold).mean() >= 0.7
    assert (outside.probabilities >= model.best.threshold).mean() <= 0.05


def test_without_projects_like_it_the_promise_is_small() -> None:
    """Nothing that the unsorted ones say sets the hidden ones apart: nothing is assigned."""
    corpus = Corpus(2)
    model = learned(corpus, weights(), taught=12)
    assert model.best.threshold == calibration.NEVER or model.best.expected_coverage <= 1.0
    few = learning.learn(["p0"], weights(), *_two(corpus), precision=0.9)
    assert few.best.threshold == calibration.NEVER


def test_a_project_that_was_ruled_out_is_not_recognised() -> None:
    corpus, weight = Corpus(3), weights()
    model = learned(corpus, weight)
    rows, context = _parts(corpus.sample(np.zeros(20, dtype=np.int64), 0.3, weight))
    match = models.recognise(model, rows, context, excluded=[[0]] * 20)
    assert (match.projects != 0).all()
    assert (match.probabilities < model.best.threshold).all()


def test_a_conversation_without_a_telling_word_is_like_nothing() -> None:
    corpus, weight = Corpus(4), weights()
    model = learned(corpus, weight)
    rows = similarity.vectors([b"", terms.encode(Counter())], weight)
    match = models.recognise(model, rows, profiles.context([None, None], [None, None], [[], []]))
    assert match.projects.tolist() == [-1, -1]
    assert match.probabilities.tolist() == [0.0, 0.0]


def test_a_model_kept_and_loaded_says_the_same() -> None:
    corpus, weight = Corpus(5), weights()
    model = learned(corpus, weight)
    again = models.load(models.dump(model))
    rows, context = _parts(corpus.sample(np.arange(40) % 12, 0.3, weight))
    before, after = models.recognise(model, rows, context), models.recognise(again, rows, context)
    assert np.array_equal(before.projects, after.projects)
    assert np.allclose(before.probabilities, after.probabilities, atol=1e-6)
    assert again.best.threshold == model.best.threshold
    assert again.project_ids == model.project_ids


def test_learning_the_same_twice_gives_the_same_model() -> None:
    one, two = (learned(Corpus(6), weights()) for _ in range(2))
    assert np.array_equal(one.by_words.match, two.by_words.match)
    assert one.by_words.threshold == two.by_words.threshold


def test_probabilities_mean_what_they_say() -> None:
    """Of what was given 0.9 or more, at least eight in ten are right; subjects are hard to tell here."""
    corpus, weight = Corpus(7), weights()
    model = learned(corpus, weight)
    truth = np.concatenate((np.arange(120) % SUBJECTS, SUBJECTS + np.arange(280) % 30))
    match = models.recognise(model, *_parts(corpus.sample(truth, 0.2, weight)))
    is_sure = match.probabilities >= 0.9
    assert (match.projects == truth)[is_sure].mean() >= 0.8


def with_meanings(corpus: Corpus, subjects: NDArray[np.int64], weight: similarity.Floats) -> Sample:
    """Conversations whose words say next to nothing and whose vectors do."""
    sample = corpus.sample(subjects, 0.05, weight)
    rows = np.eye(64)[subjects] + corpus.draw.normal(0, 0.05, (len(subjects), 64)) + 0.5
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return Sample(sample.rows, sample.context, sample.owners, rows)


def test_meaning_finds_what_words_do_not_and_is_not_missed_where_it_is_not() -> None:
    corpus, weight = Corpus(8), weights()
    others = corpus.draw.integers(0, 40, 400)
    names = [f"p{number}" for number in range(SUBJECTS)]
    taught = with_meanings(corpus, corpus.draw.integers(0, SUBJECTS, 180), weight)
    unsorted = with_meanings(corpus, others, weight)
    model = learning.learn(names, weight, taught, unsorted, precision=0.9)
    plain = learning.learn(names, weight, taught.in_words, unsorted.in_words, precision=0.9)
    truth = np.arange(200) % 10
    sought = with_meanings(corpus, truth, weight)
    assert sought.meanings is not None
    sought.meanings[::2] = 0.0
    for one in (model, models.load(models.dump(model))):
        match = models.recognise(one, sought.rows, sought.context, meanings=sought.meanings)
        by_words = models.recognise(plain, sought.rows, sought.context)
        assert np.array_equal(match.projects[::2], by_words.projects[::2])
        assert np.allclose(match.probabilities[::2], by_words.probabilities[::2], atol=1e-6)
        seen = match.is_sure[1::2]
        assert seen.mean() >= 0.4
        assert (match.projects[1::2] == truth[1::2])[seen].mean() >= 0.9


def test_time_category_and_tags_speak_for_a_project() -> None:
    context = profiles.context([0, 10 * DAY, None], ["a", "a", None], [["x", "y"], ["x"], []])
    known = profiles.profiles(context[np.array([0])], np.zeros(1, dtype=np.int64), 2)
    both = np.array([[0, 1]] * 3)
    close = profiles.closeness(known, context.minutes, both)
    assert close[0].tolist() == [1.0, 0.0]
    assert 0.0 < close[1, 0] < 1.0
    assert close[2].tolist() == [0.0, 0.0]
    assert profiles.category_share(known, context.categories, both)[:, 0].tolist() == [np.float32(1 / 3)] * 2 + [0.0]
    assert (profiles.tag_share(known, context.tags, both)[:, 0] > 0).tolist() == [True, True, False]
    nobody = profiles.profiles(context[np.array([], dtype=np.int64)], np.zeros(0, dtype=np.int64), 2)
    assert not profiles.closeness(nobody, context.minutes, both).any()


def _parts(sample: Sample) -> tuple[similarity.Matrix, profiles.Context]:
    return sample.rows, sample.context


def _two(corpus: Corpus) -> tuple[Sample, Sample]:
    weight = weights()
    return (
        corpus.sample(np.zeros(2, dtype=np.int64), 0.3, weight),
        corpus.sample(np.arange(30) % 4, 0.3, weight),
    )
