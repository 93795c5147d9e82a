"""Asking: what was answered is kept and not bought again, wherever a run stopped, and forgotten where it has to be."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from sqlalchemy import delete

from commonplace.archive.conversations.merge import merge
from commonplace.archive.core import Archive
from commonplace.archive.schema import verdicts
from commonplace.categorize import spending
from commonplace.categorize.answers import Answers, answers_path
from commonplace.categorize.spending import RunReceipts
from commonplace.model import Usage
from commonplace.stages.categorizing import stage
from commonplace.stages.categorizing.asking import question_of
from commonplace.stages.categorizing.pending import pending
from commonplace.stages.categorizing.subjects import subjects
from commonplace.stages.forgetting import forget
from commonplace.stages.selection import Selection
from tests.archive.builders import simple_chat
from tests.stages.categorizing.scripted import PRICE, TAXONOMY, USAGE, ScriptedJudge, categories, fill, run, using


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
