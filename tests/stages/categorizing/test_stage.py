"""The categorize stage: what is pending, what is asked, what is paid for, and what holds afterwards."""

from __future__ import annotations

import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from uuid import uuid4

import msgspec
import pytest
from sqlalchemy import delete, select

from commonplace.archive.conversations.merge import merge
from commonplace.archive.core import Archive
from commonplace.archive.schema import conversations, verdicts
from commonplace.archive.verdicts.verdicts import correct, history, insights_of
from commonplace.categorize import spending
from commonplace.categorize.answers import Answers, answers_path
from commonplace.categorize.contract import Category, Judge, Receipts, Subject, Taxonomy
from commonplace.categorize.receipts import ReceiptsInMemory
from commonplace.categorize.spending import RunReceipts
from commonplace.errors import Defect, Halt, Retryable
from commonplace.model import Usage, Verdict
from commonplace.stages.categorizing import stage
from commonplace.stages.categorizing.asking import question_of
from commonplace.stages.categorizing.judges import Judging
from commonplace.stages.categorizing.pending import pending
from commonplace.stages.categorizing.report import CategorizeReport
from commonplace.stages.categorizing.subjects import lessons, subjects
from commonplace.stages.forgetting import forget
from commonplace.stages.selection import Selection
from commonplace.stages.work import telling
from tests.archive.builders import message, simple_chat

TAXONOMY = Taxonomy(name="small", categories=(Category(name="Food"), Category(name="Work"), Category(name="Other")))
PRICE = 0.01
USAGE = Usage(input_tokens=100, output_tokens=10, cost_usd=PRICE)


class ScriptedJudge:
    """A judge that counts what it is asked, costs a cent per conversation, and fails where it is told to."""

    def __init__(
        self,
        key: str = "fake/v1",
        *,
        fails: Sequence[str] = (),
        unlucky: Sequence[str] = (),
        dies_after: int | None = None,
    ) -> None:
        self._key = key
        self.asked: list[str] = []
        self.fails = set(fails)
        self.unlucky = set(unlucky)
        self.dies_after = dies_after

    @property
    def key(self) -> str:
        return self._key

    def judge(self, batch: Sequence[Subject], taxonomy: Taxonomy) -> list[Verdict | Defect]:
        return self.judge_each(batch, taxonomy, ReceiptsInMemory())

    def judge_each(self, batch: Sequence[Subject], taxonomy: Taxonomy, receipts: Receipts) -> list[Verdict | Defect]:
        given: list[Verdict | Defect] = []
        for subject in batch:
            if self.dies_after is not None and len(self.asked) >= self.dies_after:
                raise Halt("The quota is used up.")
            request = receipts.asking([subject], self.estimate([subject], taxonomy))
            self.asked.append(subject.conversation_id)
            if subject.conversation_id in self.unlucky:
                receipts.lost(request)
                raise Retryable("The connection broke.")
            receipts.answered(request, USAGE)
            if subject.conversation_id in self.fails:
                refused = Defect("fake", subject.conversation_id, "refused")
                receipts.give_up(refused)
                given.append(refused)
                continue
            verdict = self._verdict(subject, taxonomy)
            receipts.keep(verdict)
            given.append(verdict)
        return given

    def _verdict(self, subject: Subject, taxonomy: Taxonomy) -> Verdict:
        said = " ".join(turn.text for turn in subject.turns)
        return Verdict(
            conversation_id=subject.conversation_id,
            content_hash=subject.content_hash,
            category="Food" if "soup" in said else "Work",
            confidence=0.9 if "soup" in said else 0.3,
            summary=said,
            taxonomy=taxonomy.name,
            taxonomy_hash=taxonomy.hash,
            judge=self.key,
            model="fake",
            prompt_version="v1",
            usage=USAGE,
        )

    def estimate(self, batch: Sequence[Subject], taxonomy: Taxonomy) -> Usage:
        return Usage(input_tokens=100 * len(batch), cost_usd=PRICE * len(batch))

    def close(self) -> None:
        return None


@pytest.fixture
def answers(tmp_path: Path) -> Iterator[Answers]:
    with Answers(answers_path(tmp_path / "home")) as opened:
        yield opened


def fill(archive: Archive, count: int = 3) -> None:
    chats = [simple_chat(str(n), "soup?" if n % 2 else "my boss", "yes", updated=n + 1) for n in range(count)]
    merge(archive, None, chats)


def using(
    archive: Archive, answers: Answers, judge: Judge, taxonomy: Taxonomy = TAXONOMY, max_cost: float | None = None
) -> Judging[Judge]:
    return Judging(archive=archive, judge=judge, taxonomy=taxonomy, answers=answers, run=uuid4().hex, max_cost=max_cost)


def run(
    archive: Archive,
    answers: Answers,
    judge: Judge,
    selection: Selection = Selection(),
    *,
    taxonomy: Taxonomy = TAXONOMY,
    max_cost: float = 100.0,
    upgrade: bool = False,
) -> CategorizeReport:
    report = CategorizeReport()
    with telling(report):
        opened = using(archive, answers, judge, taxonomy, max_cost)
        stage.judge_pending(opened, report, selection, upgrade=upgrade)
    return report


def categories(archive: Archive) -> dict[str, str | None]:
    with archive.read() as connection:
        return {
            row.id: row.category for row in connection.execute(select(conversations.c.id, conversations.c.category))
        }


def test_everything_is_judged_once_and_a_second_run_does_nothing(archive: Archive, answers: Answers) -> None:
    fill(archive)
    judge = ScriptedJudge()
    report = run(archive, answers, judge)
    assert (report.judged, report.unchanged, report.failed, report.review) == (3, 0, 0, 2)
    assert report.tokens == {"input": 300, "cached": 0, "output": 30}
    assert report.cost_usd == pytest.approx(3 * PRICE)
    assert categories(archive) == {"chatgpt:0": "Work", "chatgpt:1": "Food", "chatgpt:2": "Work"}
    again = run(archive, answers, judge)
    assert (again.judged, again.unchanged, again.cost_usd) == (0, 3, 0)
    assert len(judge.asked) == 3


def test_only_what_changed_is_judged_again(archive: Archive, answers: Answers) -> None:
    fill(archive)
    judge = ScriptedJudge()
    run(archive, answers, judge)
    merge(archive, None, [simple_chat("1", "soup?", "yes", "with leeks", updated=99)])
    waiting = pending(archive, judge.key, TAXONOMY)
    assert [(item.conversation_id, item.state) for item in waiting] == [("chatgpt:1", "changed")]
    assert run(archive, answers, judge).judged == 1


def test_another_colour_judges_nothing_again_and_another_description_what_it_may_concern(
    archive: Archive, answers: Answers
) -> None:
    fill(archive)
    judge = ScriptedJudge()
    run(archive, answers, judge)

    def with_food(**fields: str) -> Taxonomy:
        food = msgspec.structs.replace(TAXONOMY.categories[0], **fields)
        return msgspec.structs.replace(TAXONOMY, categories=(food, *TAXONOMY.categories[1:]))

    assert pending(archive, judge.key, with_food(colour="red")) == []
    assert len(pending(archive, judge.key, with_food(description="cooking"))) == 3


def test_a_better_judge_judges_again_only_when_asked(archive: Archive, answers: Answers) -> None:
    fill(archive)
    run(archive, answers, ScriptedJudge("local/v1"))
    better = ScriptedJudge("openai/x/p1")
    for unasked in (ScriptedJudge("local/v2"), better):  # a new version is another opinion, not a reason to pay
        assert stage.plan(using(archive, answers, unasked)).pending == 0
        assert run(archive, answers, unasked).judged == 0
    assert stage.plan(using(archive, answers, better), upgrade=True).usage.cost_usd == pytest.approx(3 * PRICE)
    assert better.asked == []
    assert run(archive, answers, better, upgrade=True).judged == 3
    assert run(archive, answers, ScriptedJudge("local/v1"), upgrade=True).judged == 0, "that would be no upgrade"
    assert run(archive, answers, ScriptedJudge("local/v2"), upgrade=True).judged == 0


def test_force_asks_again(archive: Archive, answers: Answers) -> None:
    fill(archive)
    judge = ScriptedJudge()
    run(archive, answers, judge)
    assert run(archive, answers, judge, selection=Selection(force=True)).judged == 3
    assert len(judge.asked) == 6


def test_an_archive_that_lost_its_verdicts_pays_nothing(archive: Archive, answers: Answers) -> None:
    fill(archive)
    judge = ScriptedJudge()
    run(archive, answers, judge)
    with archive.write() as connection:
        connection.execute(delete(verdicts))
    plan = stage.plan(using(archive, answers, judge))
    assert (plan.pending, plan.already_answered, plan.usage) == (3, 3, Usage())
    report = run(archive, answers, judge)
    assert (report.judged, report.cost_usd, len(judge.asked)) == (3, 0, 3)


def test_a_run_that_had_to_stop_keeps_what_was_answered_and_goes_on_there(archive: Archive, answers: Answers) -> None:
    fill(archive, 5)
    dying = ScriptedJudge(dies_after=2)
    report = run(archive, answers, dying)
    assert report.stopped == "The quota is used up."
    assert report.judged == 2
    healthy = ScriptedJudge()
    assert run(archive, answers, healthy).judged == 3
    assert not set(dying.asked) & set(healthy.asked)


def test_a_defect_is_counted_and_the_rest_goes_on(archive: Archive, answers: Answers) -> None:
    fill(archive)
    report = run(archive, answers, ScriptedJudge(fails=["chatgpt:1"]))
    assert (report.judged, report.failed) == (2, 1)
    assert report.defects == [Defect("fake", "chatgpt:1", "refused")]


def test_the_budget_stops_a_run_before_it_is_passed(archive: Archive, answers: Answers) -> None:
    fill(archive, 120)
    judge = ScriptedJudge()
    report = run(archive, answers, judge, max_cost=PRICE * 70)
    assert report.judged == len(judge.asked) == 70, "a budget smaller than a chunk's estimate judges what fits"
    assert report.cost_usd == pytest.approx(PRICE * 70)
    assert report.stopped == "The next request might pass the limit of $0.70: $0.7000 are spent."
    assert "--max-cost" in str(report.hint)
    assert run(archive, answers, judge, max_cost=0).judged == 0, "without a budget nothing is spent"
    assert run(archive, answers, judge).judged == 50


def test_answers_that_were_no_good_are_told_and_not_bought_again(archive: Archive, answers: Answers) -> None:
    fill(archive)
    judge = ScriptedJudge(fails=["chatgpt:1"])
    report = run(archive, answers, judge)
    assert (report.judged, report.failed) == (2, 1)
    assert report.cost_usd == pytest.approx(3 * PRICE)
    assert report.tokens["input"] == 300
    again = run(archive, answers, judge)
    assert (again.judged, again.failed, again.cost_usd, len(judge.asked)) == (0, 1, 0, 3)
    assert "given up before" in again.defects[0].reason
    assert run(archive, answers, ScriptedJudge(), Selection(force=True)).judged == 3


def test_what_was_never_answered_is_told_and_asked_about_last(archive: Archive, answers: Answers) -> None:
    fill(archive, 4)
    report = run(archive, answers, ScriptedJudge(unlucky=["chatgpt:0"]))
    assert report.judged == 0, "it comes first, and the connection breaks"
    assert (report.lost, report.lost_usd, report.cost_usd) == (1, PRICE, 0)
    healthy = ScriptedJudge()
    assert run(archive, answers, healthy).judged == 4
    assert healthy.asked == ["chatgpt:1", "chatgpt:2", "chatgpt:3", "chatgpt:0"]


def test_a_killed_runs_requests_are_told_by_the_next_one(archive: Archive, answers: Answers) -> None:
    fill(archive, 3)
    killed = using(archive, answers, ScriptedJudge(), max_cost=1.0)
    spending.begin(answers, killed.run, archive.owner)
    seen = subjects(archive, ["chatgpt:0"])
    RunReceipts(answers, killed.run, seen, TAXONOMY, "fake/v1", max_cost=1.0).asking(seen, USAGE)
    judge = ScriptedJudge()
    report = run(archive, answers, judge)
    assert (report.judged, report.lost, report.lost_usd) == (3, 1, PRICE)
    assert judge.asked[-1] == "chatgpt:0"
    assert run(archive, answers, judge).lost == 0


def test_what_a_limit_leaves_out_is_not_counted_as_unchanged(archive: Archive, answers: Answers) -> None:
    fill(archive, 5)
    judge = ScriptedJudge()
    run(archive, answers, judge, Selection(limit=2))
    report = run(archive, answers, judge, Selection(limit=1))
    assert (report.judged, report.unchanged) == (1, 2)
    assert stage.plan(using(archive, answers, judge), Selection(limit=1)).unchanged == 3
    assert run(archive, answers, judge, Selection(force=True, limit=1)).unchanged == 0


def test_a_preview_tells_tokens_and_price_and_asks_nothing(archive: Archive, answers: Answers) -> None:
    fill(archive)
    judge = ScriptedJudge()
    plan = stage.plan(using(archive, answers, judge), Selection(limit=2))
    assert (plan.pending, plan.usage.input_tokens, plan.usage.cost_usd) == (2, 200, 2 * PRICE)
    assert judge.asked == []


def test_conversations_without_a_word_are_settled_without_asking(archive: Archive, answers: Answers) -> None:
    merge(archive, None, [simple_chat("1", "   ", "soup")])
    judge = ScriptedJudge()
    blank = simple_chat("2", "x")
    blank.messages[0].text = " "
    merge(archive, None, [blank])
    run(archive, answers, judge)
    assert categories(archive)["chatgpt:2"] == "Other"
    assert "chatgpt:2" not in judge.asked
    assert run(archive, answers, judge).judged == 0


def test_a_persons_word_survives_every_run(archive: Archive, answers: Answers) -> None:
    fill(archive)
    run(archive, answers, ScriptedJudge())
    correct(archive, "chatgpt:0", "category", "Food", origin="cli")
    run(archive, answers, ScriptedJudge(), selection=Selection(force=True))
    assert categories(archive)["chatgpt:0"] == "Food"
    taught = lessons(archive, TAXONOMY.name)
    assert [(lesson.category, lesson.subject.conversation_id) for lesson in taught] == [("Food", "chatgpt:0")]


def test_coming_back_to_a_taxonomy_needs_no_judging(archive: Archive, answers: Answers) -> None:
    fill(archive)
    run(archive, answers, ScriptedJudge())
    other = Taxonomy(name="other", categories=(Category(name="Everything"), Category(name="Other")))
    import msgspec

    class Lumper(ScriptedJudge):
        def _verdict(self, subject: Subject, taxonomy: Taxonomy) -> Verdict:
            return msgspec.structs.replace(super()._verdict(subject, taxonomy), category="Everything")

    run(archive, answers, Lumper(), taxonomy=other)
    assert set(categories(archive).values()) == {"Everything"}
    assert run(archive, answers, ScriptedJudge()).judged == 0
    assert categories(archive) == {"chatgpt:0": "Work", "chatgpt:1": "Food", "chatgpt:2": "Work"}


def test_subjects_are_the_visible_turns_of_the_active_path(archive: Archive) -> None:
    chat = simple_chat("1", "a", "b", title="T")
    chat.messages += [
        message("tool", "internal", parent="1-1", role="tool"),
        message("hidden", "unseen", parent="tool", role="user", hidden=True),
        message("old", "another branch", parent="1-0", role="assistant", at=1),
        message("end", "z" * 50_000, parent="hidden", role="user", at=9),
    ]
    chat.current_message_id = "end"
    merge(archive, None, [chat])
    (seen,) = subjects(archive, ["chatgpt:1", "chatgpt:9"])
    assert [(turn.role, turn.text[:1]) for turn in seen.turns] == [("user", "a"), ("assistant", "b"), ("user", "z")]
    assert seen.title == "T"
    assert len(seen.turns[2].text) < 12_000
    assert "[…]" in seen.turns[2].text


def test_one_name_for_one_question(archive: Archive, answers: Answers, tmp_path: Path) -> None:
    fill(archive)
    waiting = pending(archive, "fake/v1", TAXONOMY)
    opened = using(archive, answers, ScriptedJudge())
    key = question_of(opened, waiting)
    assert key == question_of(opened, waiting[::-1])
    assert key.startswith("judge/")
    with Answers(tmp_path / "others.db") as others:
        other_file = question_of(using(archive, others, ScriptedJudge()), waiting)
    other_judge = question_of(using(archive, answers, ScriptedJudge("fake/v2")), waiting)
    assert len({key, question_of(opened, waiting[1:]), other_judge, other_file}) == 4


def test_insights_are_recorded_with_the_verdict(archive: Archive, answers: Answers) -> None:
    from commonplace.categorize.local import LocalJudge

    fill(archive, 1)
    judge = LocalJudge(analysis="insights")
    run(archive, answers, judge)
    assert insights_of(archive, ["chatgpt:0"])["chatgpt:0"]["topics"]
    assert history(archive, "chatgpt:0")[0].verdict.judge == judge.key


def test_answers_are_private_and_can_be_forgotten(tmp_path: Path, sqlite_archive: Archive) -> None:
    path = answers_path(tmp_path)
    fill(sqlite_archive, 2)
    with Answers(path) as answers:
        run(sqlite_archive, answers, ScriptedJudge())
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        answers.forget(["chatgpt:0"])
        found = answers.find(subjects(sqlite_archive, ["chatgpt:0", "chatgpt:1"]), TAXONOMY, "fake/v1")
        assert list(found) == ["chatgpt:1"]


def test_forgetting_a_conversation_forgets_its_answers_on_the_disk_too(tmp_path: Path, sqlite_archive: Archive) -> None:
    merge(sqlite_archive, None, [simple_chat("1", "soup of marrowbone", "yes"), simple_chat("2", "my boss", "yes")])
    path = answers_path(tmp_path)
    with Answers(path) as answers:
        answers.keep([])
        run(sqlite_archive, answers, ScriptedJudge())
    forget(sqlite_archive, tmp_path, ids=["chatgpt:1"])
    with Answers(path) as answers:
        assert answers.find(subjects(sqlite_archive, ["chatgpt:2"]), TAXONOMY, "fake/v1")
        assert answers.count() == 1
    assert b"chatgpt:1" not in path.read_bytes()
