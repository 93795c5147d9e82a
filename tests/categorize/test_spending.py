"""What a run spends: one budget for all its processes, and what a killed run leaves behind."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from commonplace.categorize import spending
from commonplace.categorize.answers import Answers
from commonplace.categorize.contract import Category, Subject, Taxonomy, Verdict
from commonplace.categorize.spending import Lost, RunReceipts
from commonplace.errors import Defect, Halt
from commonplace.model import Usage

TAXONOMY = Taxonomy(name="small", categories=(Category(name="Food"), Category(name="Other")))
SUBJECTS = [Subject(conversation_id=f"chatgpt:{n} odd", content_hash=f"h{n}") for n in range(4)]
KEY = "fake/v1"
CENT = Usage(input_tokens=10, output_tokens=5, cost_usd=0.01)


@pytest.fixture
def answers(tmp_path: Path) -> Iterator[Answers]:
    with Answers(tmp_path / "answers.db") as opened:
        yield opened


def receipts(answers: Answers, run: str = "now", max_cost: float | None = None) -> RunReceipts:
    return RunReceipts(answers, run, SUBJECTS, TAXONOMY, KEY, max_cost=max_cost)


def verdict(subject: Subject) -> Verdict:
    return Verdict(
        conversation_id=subject.conversation_id,
        content_hash=subject.content_hash,
        category="Food",
        confidence=0.9,
        taxonomy=TAXONOMY.name,
        taxonomy_hash=TAXONOMY.hash,
        judge=KEY,
        model="m",
        prompt_version="1",
    )


def test_a_run_is_told_what_it_was_charged_for(answers: Answers) -> None:
    assert spending.begin(answers, "now", "me") == Lost()
    mine = receipts(answers)
    mine.answered(mine.asking(SUBJECTS[:1], CENT), CENT)
    mine.answered(mine.asking(SUBJECTS[1:2], CENT), Usage())
    mine.lost(mine.asking(SUBJECTS[2:3], CENT))
    found = spending.spent(answers, "now")
    assert (found.usage, found.lost) == (CENT, Lost(requests=1, cost_usd=0.01))
    assert answers.unanswered() == {"chatgpt:2 odd"}


def test_every_process_of_a_run_shares_its_budget(answers: Answers, tmp_path: Path) -> None:
    spending.begin(answers, "now", "me")
    with Answers(tmp_path / "answers.db") as elsewhere:
        one, other = receipts(answers, max_cost=0.025), receipts(elsewhere, max_cost=0.025)
        for each in (one, other):
            each.answered(each.asking(SUBJECTS[:1], CENT), CENT)
        with pytest.raises(Halt, match=r"limit of \$0\.03: \$0\.0200 are spent"):
            one.asking(SUBJECTS[1:2], CENT)
    assert spending.spent(answers, "now").usage.cost_usd == pytest.approx(0.02)


def test_a_request_waits_for_what_others_may_leave_of_the_budget(answers: Answers, tmp_path: Path) -> None:
    spending.begin(answers, "now", "me")
    one = receipts(answers, max_cost=0.015)
    first, numbers = one.asking(SUBJECTS[:1], CENT), list[int]()
    second = threading.Thread(target=lambda: numbers.append(one.asking(SUBJECTS[1:2], CENT)))
    second.start()
    second.join(0.2)
    assert numbers == []
    one.answered(first, Usage(cost_usd=0.002))
    second.join(10)
    assert len(numbers) == 1


def test_what_a_killed_run_left_under_way_is_told_once_and_known_by_name(answers: Answers) -> None:
    spending.begin(answers, "killed", "me")
    receipts(answers, "killed").asking(SUBJECTS[:2], CENT)
    receipts(answers, "killed").asking(SUBJECTS[2:3], CENT)
    assert spending.begin(answers, "somebody's", "you") == Lost(), "another owner's run may be alive"
    assert spending.begin(answers, "now", "me") == Lost(requests=2, cost_usd=0.02)
    assert answers.unanswered() == {s.conversation_id for s in SUBJECTS[:3]}
    assert spending.begin(answers, "later", "me") == Lost()
    receipts(answers).keep(verdict(SUBJECTS[0]))
    assert answers.unanswered() == {s.conversation_id for s in SUBJECTS[1:3]}


def test_what_was_given_up_is_known_until_it_is_answered_or_changes(answers: Answers) -> None:
    receipts(answers).give_up(Defect("", SUBJECTS[0].conversation_id, "no valid answer, twice"))
    assert answers.given_up(SUBJECTS, TAXONOMY, KEY) == {SUBJECTS[0].conversation_id: "no valid answer, twice"}
    assert answers.given_up(SUBJECTS, TAXONOMY, "other/v1") == {}
    changed = [Subject(conversation_id=SUBJECTS[0].conversation_id, content_hash="new")]
    assert answers.given_up(changed, TAXONOMY, KEY) == {}
    receipts(answers).keep(verdict(SUBJECTS[0]))
    assert answers.given_up(SUBJECTS, TAXONOMY, KEY) == {}


def test_what_is_forgotten_leaves_no_name_behind(answers: Answers) -> None:
    mine = receipts(answers)
    spending.begin(answers, "now", "me")
    mine.give_up(Defect("", SUBJECTS[0].conversation_id, "no"))
    mine.lost(mine.asking(SUBJECTS[1:2], CENT))
    answers.forget([subject.conversation_id for subject in SUBJECTS])
    assert answers.unanswered() == set()
    assert answers.given_up(SUBJECTS, TAXONOMY, KEY) == {}
