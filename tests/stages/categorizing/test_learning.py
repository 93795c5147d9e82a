"""Corrections teach the local judge, and only doubtful verdicts near them are judged again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from commonplace.archive.conversations.merge import merge
from commonplace.archive.conversations.reading import conversation_ids
from commonplace.archive.core import Archive
from commonplace.archive.verdicts.verdicts import correct, history, record_verdicts
from commonplace.categorize.answers import Answers
from commonplace.categorize.contract import Category, Taxonomy
from commonplace.model import Verdict
from commonplace.stages.categorizing.learning import Retrained, learned_lessons, retrain
from tests.archive.builders import simple_chat

TAXONOMY = Taxonomy(
    name="bees",
    categories=(
        Category(name="Bees", description="keeping bees, hives, honey, queens"),
        Category(name="Boats", description="sailing boats, sails, harbours, knots"),
        Category(name="Other"),
    ),
)
JARGON = (
    "the zorblat needs a frimble",
    "frimble stuck in the zorblat",
    "two zorblats, one frimble",
    "zorblat in winter",
)


@pytest.fixture
def answers(tmp_path: Path) -> Iterator[Answers]:
    with Answers(tmp_path / "answers.db") as opened:
        yield opened


def judged(id: str, category: str, confidence: float, runner_up: str | None = None, judge: str = "local/v1") -> Verdict:
    return Verdict(
        conversation_id=f"chatgpt:{id}",
        content_hash="as it was",
        category=category,
        runner_up=runner_up,
        confidence=confidence,
        taxonomy=TAXONOMY.name,
        taxonomy_hash=TAXONOMY.hash,
        judge=judge,
        model="local",
        prompt_version="v1",
    )


def fill(archive: Archive) -> None:
    chats = [simple_chat(str(n), text, "Yes.") for n, text in enumerate((*JARGON, "how old is the moon", "a sail"))]
    merge(archive, None, chats)
    found = [judged(str(n), "Other", 0.3) for n in range(4)]
    found += [judged("4", "Other", 0.9), judged("5", "Boats", 0.3)]
    record_verdicts(archive, found, review_below=0.5)


def learn(archive: Archive, answers: Answers) -> Retrained:
    return retrain(archive, answers, TAXONOMY, models=None, review_below=0.5)


def newest(archive: Archive, id: str) -> Verdict:
    return history(archive, f"chatgpt:{id}")[0].verdict


def test_only_doubtful_neighbours_are_judged_again(archive: Archive, answers: Answers) -> None:
    fill(archive)
    for id in "012":
        correct(archive, f"chatgpt:{id}", "category", "Bees", origin="cli")
    assert learned_lessons(archive, TAXONOMY) == [], "a correction alone trains nothing"
    done = learn(archive, answers)
    assert (done.lessons, done.new_lessons, done.judged_again, done.changed) == (3, 3, 1, 1)
    assert newest(archive, "3").category == "Bees"
    untouched = [newest(archive, id).content_hash for id in "45"]
    assert untouched == ["as it was", "as it was"], "the sure one, and the one in another category"
    assert len(learned_lessons(archive, TAXONOMY)) == 3
    assert learn(archive, answers) == Retrained(lessons=3, new_lessons=0)
    assert len(conversation_ids(archive)) == 6


def test_another_judges_newer_word_stays(sqlite_archive: Archive, answers: Answers) -> None:
    fill(sqlite_archive)
    record_verdicts(sqlite_archive, [judged("3", "Boats", 0.2, "Other", judge="openai/x/p1")], review_below=0.5)
    correct(sqlite_archive, "chatgpt:0", "category", "Bees", origin="cli")
    done = learn(sqlite_archive, answers)
    assert done.judged_again == 2, "1 and 2; 3 has been judged by another since"
    assert newest(sqlite_archive, "3").judge == "openai/x/p1"
