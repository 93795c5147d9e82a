"""Categorize: conversations without a verdict get one."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import msgspec

from commonplace.archive import leases
from commonplace.archive.verdicts.verdicts import count_waiting
from commonplace.categorize import registry
from commonplace.categorize.contract import BatchJudge, Judge, PaidJudge
from commonplace.errors import Halt
from commonplace.model import Usage
from commonplace.session import Session
from commonplace.stages.categorizing import batching, learning
from commonplace.stages.categorizing.asking import Asked, ask, question_of, record, unanswered
from commonplace.stages.categorizing.judges import Judging, open_batches, open_judging
from commonplace.stages.categorizing.learning import Retrained
from commonplace.stages.categorizing.pending import count_in_scope, pending, prepare
from commonplace.stages.categorizing.report import CategorizeReport, Plan
from commonplace.stages.categorizing.subjects import in_chunks
from commonplace.stages.selection import Selection, partition
from commonplace.stages.work import IN_PROCESS, Budget, Chunk, Work, leased, telling, through

CHUNK = 100
GO_ON = "Raise max_cost ([categorize], or --max-cost) and run it again: what was judged is kept."


def categorize(
    session: Session,
    selection: Selection = Selection(),
    *,
    judge: str | None = None,
    taxonomy: str | None = None,
    max_cost: float | None = None,
    upgrade: bool = False,
    work: Work = IN_PROCESS,
) -> CategorizeReport:
    """Have conversations judged that were not, or that changed since, by the judge of the settings unless one is named.

    A judge that answers later is sent what is pending, and what it has answered meanwhile is brought in.
    """
    name = judge or session.settings.categorize.judge
    budget = session.settings.categorize.max_cost if max_cost is None else max_cost
    kind, report = registry.kind_named(name), CategorizeReport(judge=name)
    with telling(report), leased(session, leases.categorizing(session.archive.owner)) as held:
        if kind.learns:
            _learn(held, taxonomy, work)
        if kind.answers_later:
            _collect_first(session, report, name, work)
            with open_batches(held, judge=name, taxonomy=taxonomy, max_cost=budget) as sending:
                send_pending(sending, report, selection, upgrade=upgrade, max_cost=budget, work=work)
        else:
            with open_judging(held, judge=name, taxonomy=taxonomy, max_cost=budget) as judging:
                judge_pending(judging, report, selection, upgrade=upgrade, max_cost=budget, work=work)
    return report


def judge_pending(
    using: Judging[Judge],
    report: CategorizeReport,
    selection: Selection = Selection(),
    *,
    upgrade: bool = False,
    max_cost: float = 0.0,
    work: Work = IN_PROCESS,
) -> None:
    """Ask about what is pending, chunk by chunk within `max_cost` (US dollars), and record the answers.

    Whatever was answered is recorded, also where asking had to stop.
    """
    archive, taxonomy, again = using.archive, using.taxonomy, selection.force
    report.judge, report.taxonomy = using.judge.key, taxonomy.name
    prepare(archive, taxonomy, review_below=using.review_below)
    found = pending(archive, using.judge.key, taxonomy, selection, upgrade=upgrade)
    waiting = {item.conversation_id: item for item in found}
    report.unchanged = count_in_scope(archive, selection) - len(waiting)

    def estimate(chunk: Chunk) -> float:
        left = unanswered(using, chunk, again=again)
        return using.judge.estimate(left, taxonomy).cost_usd if left else 0.0

    def end(chunk: Chunk, asked: Asked | None) -> None:
        if asked is not None:
            report.add(asked)
        report.judged += work.do(record, using, ids=list(chunk))

    is_paid = isinstance(using.judge, PaidJudge)
    try:
        through(
            work,
            ask,
            using,
            partition(waiting),
            label="categorize",
            on_end=end,
            errors=report.errors,
            budget=Budget(max_cost, GO_ON, spent=lambda: report.cost_usd, estimate=estimate) if is_paid else None,
            question=lambda chunk: question_of(using, [waiting[id] for id in chunk]),
            again=again,
        )
    finally:
        report.review = count_waiting(archive)


def send_pending(
    using: Judging[BatchJudge],
    report: CategorizeReport,
    selection: Selection = Selection(),
    *,
    upgrade: bool = False,
    max_cost: float = 0.0,
    work: Work = IN_PROCESS,
) -> None:
    """Send what is pending and not under way to a judge that answers later."""
    archive, taxonomy = using.archive, using.taxonomy
    report.judge, report.taxonomy = using.judge.key, taxonomy.name
    prepare(archive, taxonomy, review_below=using.review_below)
    waiting = len(pending(archive, using.judge.key, taxonomy, selection, upgrade=upgrade))
    report.unchanged = count_in_scope(archive, selection) - waiting
    sent = work.do(batching.submit, using, selection=msgspec.to_builtins(selection), upgrade=upgrade)
    report.send(sent)
    report.review = count_waiting(archive)
    work.say("categorize: %d conversations sent in %d batches", sent.conversations, len(sent.batches))
    if sent.is_over_budget:
        raise Halt(f"{sent.waiting:,} conversations would pass the limit of ${max_cost:.2f}.", hint=GO_ON)


def _collect_first(session: Session, report: CategorizeReport, judge: str, work: Work) -> None:
    """What came back needs not be sent again. If somebody else is collecting, it is on its way."""
    with suppress(leases.AlreadyRunning):
        collected = batching.collect_batches(session, judge=judge, work=work)
        report.collect(collected)
        for problem in collected.problems:
            work.say("categorize: %s", problem)
        if collected.stopped:
            raise Halt(collected.stopped, hint=collected.hint)


def learn(session: Session, taxonomy: str | None = None) -> Retrained:
    """Teach the local judge what was corrected since the last time."""
    with leased(session, leases.categorizing(session.archive.owner)) as held:
        return learning.learn(held.settings, held.archive, taxonomy)


def _learn(held: Session, taxonomy: str | None, work: Work) -> None:
    """What was corrected since the last run teaches the judge first."""
    learned = learning.learn(held.settings, held.archive, taxonomy)
    if learned.new_lessons:
        work.say(
            "categorize: learned from %d corrections; %d doubtful verdicts judged again, %d changed",
            learned.new_lessons,
            learned.judged_again,
            learned.changed,
        )


def preview(
    session: Session,
    selection: Selection = Selection(),
    *,
    judge: str | None = None,
    taxonomy: str | None = None,
    upgrade: bool = False,
) -> Plan:
    """What a run would ask and what that would cost. Nothing is sent."""
    name = judge or session.settings.categorize.judge
    opening: Any = open_batches if registry.kind_named(name).answers_later else open_judging
    with opening(session, judge=name, taxonomy=taxonomy) as using:
        return plan(using, selection, upgrade=upgrade)


def plan(using: Judging[Any], selection: Selection = Selection(), *, upgrade: bool = False) -> Plan:
    """The same of a judge that is open."""
    archive, taxonomy = using.archive, using.taxonomy
    waiting = pending(archive, using.judge.key, taxonomy, selection, upgrade=upgrade)
    usage, known = Usage(), 0
    for chunk in in_chunks([item.conversation_id for item in waiting], CHUNK):
        left = unanswered(using, chunk, again=selection.force)
        known += len(chunk) - len(left)
        usage += using.judge.estimate(left, taxonomy)
    return Plan(
        judge=using.judge.key,
        taxonomy=taxonomy.name,
        pending=len(waiting),
        unchanged=count_in_scope(archive, selection) - len(waiting),
        already_answered=known,
        usage=usage,
        conversations=waiting,
    )
