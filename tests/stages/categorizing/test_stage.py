"""The categorize stage: what is pending, what is asked, and what holds afterwards."""

from __future__ import annotations

import msgspec
import pytest

from commonplace.archive.conversations.merge import merge
from commonplace.archive.core import Archive
from commonplace.archive.verdicts.verdicts import correct, history, insights_of
from commonplace.categorize.answers import Answers
from commonplace.categorize.contract import Category, Subject, Taxonomy
from commonplace.errors import Defect
from commonplace.model import Verdict
from commonplace.stages.categorizing import stage
from commonplace.stages.categorizing.pending import pending
from commonplace.stages.categorizing.subjects import lessons
from commonplace.stages.selection import Selection
from tests.archive.builders import simple_chat
from tests.stages.categorizing.scripted import PRICE, TAXONOMY, ScriptedJudge, categories, fill, run, using


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


def test_a_defect_is_counted_and_the_rest_goes_on(archive: Archive, answers: Answers) -> None:
    fill(archive)
    report = run(archive, answers, ScriptedJudge(fails=["chatgpt:1"]))
    assert (report.judged, report.failed) == (2, 1)
    assert report.defects == [Defect("fake", "chatgpt:1", "refused")]


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

    class Lumper(ScriptedJudge):
        def _verdict(self, subject: Subject, taxonomy: Taxonomy) -> Verdict:
            return msgspec.structs.replace(super()._verdict(subject, taxonomy), category="Everything")

    run(archive, answers, Lumper(), taxonomy=other)
    assert set(categories(archive).values()) == {"Everything"}
    assert run(archive, answers, ScriptedJudge()).judged == 0
    assert categories(archive) == {"chatgpt:0": "Work", "chatgpt:1": "Food", "chatgpt:2": "Work"}


def test_insights_are_recorded_with_the_verdict(archive: Archive, answers: Answers) -> None:
    from commonplace.categorize.local import LocalJudge

    fill(archive, 1)
    judge = LocalJudge(analysis="insights")
    run(archive, answers, judge)
    assert insights_of(archive, ["chatgpt:0"])["chatgpt:0"]["topics"]
    assert history(archive, "chatgpt:0")[0].verdict.judge == judge.key
