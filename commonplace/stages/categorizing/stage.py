"""Categorize: conversations without a verdict get one."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from commonplace import whose
from commonplace.archive import leases
from commonplace.archive.rows import batched
from commonplace.archive.verdicts.verdicts import count_waiting
from commonplace.bounds import Dollars, within
from commonplace.categorize import registry, spending
from commonplace.categorize.contract import BatchJudge, Judge, Meaning, Taxonomy
from commonplace.categorize.local.judge import Analysis
from commonplace.categorize.local.kind import models_path
from commonplace.errors import Halt, Refused
from commonplace.model import Usage
from commonplace.session import Session
from commonplace.stages.categorizing import batching, learning
from commonplace.stages.categorizing.asking import Asked, ask, question_of, record, unanswered
from commonplace.stages.categorizing.changes import change_of, count_touched
from commonplace.stages.categorizing.directions import embedder_for, meaning_for
from commonplace.stages.categorizing.judges import Judging, open_batches, open_judging
from commonplace.stages.categorizing.learning import Forecast, Retrained
from commonplace.stages.categorizing.pending import count_done, pending, prepare, stale
from commonplace.stages.categorizing.recurrence import count_recurring
from commonplace.stages.categorizing.report import CategorizeReport, Plan
from commonplace.stages.categorizing.subjects import categories_of
from commonplace.stages.categorizing.taxonomies import taxonomy_named
from commonplace.stages.selection import Selection, partition
from commonplace.stages.work import IN_PROCESS, Chunk, Work, leased, telling, through

CHUNK = 100
LEARNER = "local"
"""The judge that `learn` teaches."""
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
    budget = session.settings.categorize.max_cost if max_cost is None else within(max_cost, Dollars, name="max_cost")
    kind, report = registry.kind_named(name), CategorizeReport(judge=name)
    if kind.answers_later and whose.is_another(session):
        raise Refused(
            f"{name} answers later, when a key that was lent is gone.", hint="Use a judge that answers at once."
        )
    with telling(report), leased(session, leases.categorizing(session.archive.owner)) as ours:
        if kind.learns:
            count_recurring(ours.archive, embedder_for(ours))
            _learn(ours, taxonomy, work)
        if kind.answers_later:
            _collect_first(session, report, name, work)
            with open_batches(ours, judge=name, taxonomy=taxonomy, max_cost=budget) as sending:
                send_pending(sending, report, selection, upgrade=upgrade, max_cost=budget, work=work)
        else:
            with open_judging(ours, judge=name, taxonomy=taxonomy, max_cost=budget) as judging:
                judge_pending(judging, report, selection, upgrade=upgrade, work=work)
    return report


def judge_pending(
    using: Judging[Judge],
    report: CategorizeReport,
    selection: Selection = Selection(),
    *,
    upgrade: bool = False,
    work: Work = IN_PROCESS,
) -> None:
    """Ask about what is pending, chunk by chunk as far as the money goes, and record the answers.

    Whatever was answered is recorded, also where asking had to stop. What was asked about without an answer, when the
    connection broke or a run was killed, comes last.
    """
    archive, taxonomy, answers = using.archive, using.taxonomy, using.answers
    wishes: dict[str, Any] = {"upgrade": upgrade, "review_below": using.review_below}
    report.judge, report.taxonomy = using.judge.key, taxonomy.name
    tell_of_change(using, work)
    prepare(archive, taxonomy, review_below=using.review_below)
    report.lose(spending.begin(answers, using.run, archive.owner))
    found = pending(archive, using.judge.key, taxonomy, selection, **wishes)
    waiting, unlucky = {item.conversation_id: item for item in found}, answers.unanswered()
    report.unchanged = count_done(archive, using.judge.key, taxonomy, selection, **wishes)

    def end(chunk: Chunk, asked: Asked | None) -> None:
        if asked is not None:
            report.add(asked)
        report.judged += work.do(record, using, ids=list(chunk))

    try:
        through(
            work,
            ask,
            using,
            [*partition(waiting.keys() - unlucky), *partition(waiting.keys() & unlucky)],
            label="categorize",
            on_end=end,
            errors=report.errors,
            question=lambda chunk: question_of(using, [waiting[id] for id in chunk]),
            again=selection.force,
        )
    finally:
        spent = spending.spent(answers, using.run)
        report.spend(spent.usage)
        report.lose(spent.lost)
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
    wishes: dict[str, Any] = {"upgrade": upgrade, "review_below": using.review_below}
    report.judge, report.taxonomy = using.judge.key, taxonomy.name
    tell_of_change(using, work)
    prepare(archive, taxonomy, review_below=using.review_below)
    report.unchanged = count_done(archive, using.judge.key, taxonomy, selection, **wishes)
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


def learn(session: Session, taxonomy: str | None = None, *, work: Work = IN_PROCESS) -> Retrained:
    """Teach the local judge what was corrected since the last time, and have it judge again what it judged before."""
    with leased(session, leases.categorizing(session.archive.owner)) as ours:
        chosen = _chosen(ours, taxonomy)
        done = _learn_now(ours, chosen)
        if not done.new_lessons:
            return done
        before = {each.conversation_id: each.category for each in stale(ours.archive, chosen)}
        report = CategorizeReport()
        with open_judging(ours, judge=LEARNER, taxonomy=chosen.name) as using:
            judge_again(using, report, list(before), work)
        now = categories_of(ours.archive, list(before))
    changed = sum(now[id] != category for id, category in before.items())
    return msgspec.structs.replace(done, judged_again=report.judged, changed=changed)


def foreseen(session: Session, taxonomy: str | None = None) -> Forecast:
    """What learning would change, without changing anything."""
    return learning.forecast(session.archive, _chosen(session, taxonomy), *_taught_with(session))


def unlearn(session: Session, taxonomy: str | None = None) -> int:
    """Take back what was learned last; how many of the verdicts of before hold again."""
    with leased(session, leases.categorizing(session.archive.owner)) as ours:
        return learning.undo(ours.archive, _chosen(ours, taxonomy), ours.settings.categorize.analysis)


def judge_again(using: Judging[Judge], report: CategorizeReport, ids: list[str], work: Work) -> None:
    """Ask about these, and record the answers."""

    def end(chunk: Chunk, asked: Asked | None) -> None:
        if asked is not None:
            report.add(asked)
        report.judged += work.do(record, using, ids=list(chunk))

    through(work, ask, using, partition(ids), label="categorize", on_end=end, errors=report.errors, again=True)


def _chosen(session: Session, taxonomy: str | None) -> Taxonomy:
    return taxonomy_named(session.archive, taxonomy or session.settings.categorize.taxonomy)


def _learn_now(ours: Session, taxonomy: Taxonomy) -> Retrained:
    return learning.learn(ours.archive, taxonomy, *_taught_with(ours))


def _taught_with(session: Session) -> tuple[Path, Analysis, Meaning | None]:
    settings = session.settings
    return models_path(settings.home), settings.categorize.analysis, meaning_for(session)


def _learn(ours: Session, taxonomy: str | None, work: Work) -> None:
    """What was corrected since the last run teaches the judge first; what it said before is pending then."""
    told = foreseen(ours, taxonomy)
    if told.new_lessons:
        _learn_now(ours, _chosen(ours, taxonomy))
        work.say(
            "categorize: learned from %d corrections; about %d of %d verdicts of the local judge will change. "
            "`commonplace taxonomy learn --undo` takes it back.",
            told.new_lessons,
            told.would_change,
            told.judged_again,
        )


def tell_of_change(using: Judging[Any], work: Work) -> None:
    """Say what a change of the taxonomy has judged again, before it is."""
    change = change_of(using.archive, using.taxonomy)
    if change is not None:
        touched = count_touched(using.archive, change, using.review_below)
        work.say("categorize: %s has changed; %d conversations are judged again", using.taxonomy.name, touched)


def preview(
    session: Session,
    selection: Selection = Selection(),
    *,
    judge: str | None = None,
    taxonomy: str | None = None,
    proposed: Taxonomy | None = None,
    upgrade: bool = False,
) -> Plan:
    """What a run would ask and what that would cost; with a `proposed` set of categories, once it were kept. Nothing is
    sent."""
    name = judge or session.settings.categorize.judge
    kind = registry.kind_named(name)
    opening: Any = open_batches if kind.answers_later else open_judging
    told = foreseen(session, taxonomy) if kind.learns else None
    with opening(session, judge=name, taxonomy=taxonomy) as opened:
        using = opened if proposed is None else msgspec.structs.replace(opened, taxonomy=proposed)
        return msgspec.structs.replace(plan(using, selection, upgrade=upgrade), learning=told)


def plan(using: Judging[Any], selection: Selection = Selection(), *, upgrade: bool = False) -> Plan:
    """The same of a judge that is open."""
    archive, taxonomy = using.archive, using.taxonomy
    wishes: dict[str, Any] = {"upgrade": upgrade, "review_below": using.review_below}
    waiting = pending(archive, using.judge.key, taxonomy, selection, **wishes)
    usage, known, change = Usage(), 0, change_of(archive, taxonomy)
    for chunk in batched([item.conversation_id for item in waiting], CHUNK):
        left = unanswered(using, chunk, again=selection.force)
        known += len(chunk) - len(left)
        usage += using.judge.estimate(left, taxonomy)
    return Plan(
        judge=using.judge.key,
        taxonomy=taxonomy.name,
        pending=len(waiting),
        unchanged=count_done(archive, using.judge.key, taxonomy, selection, **wishes),
        already_answered=known,
        usage=usage,
        conversations=waiting,
        touched=count_touched(archive, change, using.review_below) if change is not None else 0,
    )
