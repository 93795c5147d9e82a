"""The local judge: good enough on what it never saw, honest about how sure it is, and quick."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import msgspec
import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from commonplace.categorize.contract import Category, Judge, Learned, Lesson, Meaning, Subject, Taxonomy
from commonplace.categorize.definitions import parse
from commonplace.categorize.insights import Insights
from commonplace.categorize.local import LocalJudge
from commonplace.categorize.local import model as models
from commonplace.categorize.local.examples import examples
from commonplace.categorize.local.features import Counter
from commonplace.categorize.local.fields import fields_of
from commonplace.model import MOST_EVIDENCE, Usage, Verdict
from tests.categorize.local.conftest import subject


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
    assert known.key == "local/v9"
    assert known.estimate([subject("x")], everyday) == Usage()
    assert known.judge([], everyday) == []


def test_its_products_are_computed_by_one_thread_each() -> None:
    with threadpool_limits(2, user_api="blas"):
        LocalJudge()
        assert all(pool["num_threads"] == 1 for pool in threadpool_info() if "numpy" in pool["filepath"])


def test_many_together_are_judged_as_each_of_them_alone(judge: LocalJudge, everyday: Taxonomy) -> None:
    asked = [example.subject for example in examples()[::100]]
    together = [found for found in judge.judge(asked, everyday) if isinstance(found, Verdict)]
    for each, found in zip(asked, together, strict=True):
        alone = verdict_on(judge, everyday, each)
        assert found.confidence == pytest.approx(alone.confidence, abs=1e-3)
        assert msgspec.structs.replace(found, confidence=alone.confidence) == alone


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


def test_a_model_is_made_in_a_process_of_its_own_and_read_from_its_file_afterwards(tmp_path: Path) -> None:
    asked = "how many frames of honey does one hive need"
    code = (
        "import sys; from pathlib import Path\n"
        "from commonplace.categorize.local import LocalJudge\n"
        "from tests.categorize.local.conftest import subject\n"
        "from tests.categorize.local.test_judge import _two, verdict_on\n"
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


def test_insights_fit_their_model_and_claim_little(at_home: LocalJudge) -> None:
    asked = subject("```python\nprint(1)\n```\nwhy does it print 1?", "Because.", "and 2?", title="Printing")
    assert at_home.key == "local/v9-insights"
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
