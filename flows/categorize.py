"""Give conversations their category, tags, summary and insights."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any, Literal

import msgspec
from prefect import flow
from prefect.events import emit_event

from commonplace.archive.core import Archive
from commonplace.archive.figures.statistics import count_by
from commonplace.archive.leases import hold
from commonplace.archive.verdicts.verdicts import count_waiting
from commonplace.errors import Halt
from commonplace.model import Usage
from commonplace.session import Session
from commonplace.stages.categorizing import batching, learning, stage
from commonplace.stages.categorizing.judges import Judging, open_judging
from commonplace.stages.categorizing.stage import Asked, CategorizeReport, Pending
from commonplace.stages.selection import Selection, chunk_name, partition
from flows import reports
from flows.bounds import selection_of
from flows.running import RUNNER, conclude, say, work_through
from tasks.categorize import ask_judge, record_verdicts
from tasks.session import session

JudgeName = Literal["local", "openai", "openai-batch", "compatible"]
COUNTS = ("judged", "unchanged", "failed", "review")


@flow(name="categorize", flow_run_name="categorize", task_runner=RUNNER)
def categorize(
    judge: JudgeName | None = None,
    taxonomy: str | None = None,
    since: date | None = None,
    until: date | None = None,
    project: str | None = None,
    limit: int | None = None,
    max_cost: float | None = None,
    upgrade: bool = False,
    force: bool = False,
) -> dict[str, Any]:
    """Have conversations judged that were not, or that changed since.

    Args:
        judge: Who decides. None: as the settings say.
        taxonomy: The set of categories, by name. None: as the settings say.
        since: Only conversations updated on or after this day.
        until: Only conversations updated before this day.
        project: Only this project, by name or id.
        limit: At most so many conversations.
        max_cost: US dollars this run may spend. None: as the settings say.
        upgrade: Judge again what another judge decided.
        force: Judge again what is judged.
    """
    selection = selection_of(since=since, until=until, project=project, limit=limit, force=force)
    report, errors = categorize_now(selection, judge=judge, taxonomy=taxonomy, max_cost=max_cost, upgrade=upgrade)
    name = f"categorize: {report['judged']} judged, {report['review']} to review"
    handled = report["judged"] + report["failed"]
    return conclude(report, name=name, handled=handled, failed=report["failed"], errors=errors)


def categorize_now(
    selection: Selection,
    *,
    judge: str | None = None,
    taxonomy: str | None = None,
    max_cost: float | None = None,
    upgrade: bool = False,
) -> tuple[dict[str, Any], list[Exception]]:
    """Ask about what is pending, chunk by chunk within the budget, and record the answers."""
    with session() as house:
        chosen = judge or house.settings.categorize.judge
        if chosen == "openai-batch":
            return _submit(house, selection, taxonomy, max_cost, upgrade), []
        if chosen == "local":
            _learn(house, taxonomy)
    with (
        session() as house,
        open_judging(house.settings, house.environment, house.archive, judge=judge, taxonomy=taxonomy) as judging,
        hold(house.archive, f"categorize:{house.archive.owner}"),
    ):
        run = _Run(house, judging, judge or house.settings.categorize.judge, selection)
        budget = house.settings.categorize.max_cost if max_cost is None else max_cost
        report, errors = run.through(budget, upgrade)
        publish(report, _by_category(house.archive))
    emit_event("commonplace.categorize.completed", resource={"prefect.resource.id": "commonplace.archive"})
    return msgspec.to_builtins(report), errors


def _by_category(archive: Archive) -> dict[str, int]:
    return {row.value or "(not yet)": row.conversations for row in count_by(archive, "category")}


def _learn(house: Session, taxonomy: str | None) -> None:
    """What was corrected since the last run teaches the local judge first."""
    with hold(house.archive, f"categorize:{house.archive.owner}"):
        learned = learning.learn(house.settings, house.archive, taxonomy)
    if learned.new_lessons:
        say(
            "categorize: learned from %d corrections; %d doubtful verdicts judged again, %d changed",
            learned.new_lessons,
            learned.judged_again,
            learned.changed,
        )


def _submit(
    house: Session, selection: Selection, taxonomy: str | None, max_cost: float | None, upgrade: bool
) -> dict[str, Any]:
    """Send what is pending as batches; `collect-batches` brings the answers in."""
    with (
        batching.open_batches(
            house.settings, house.environment, house.archive, taxonomy=taxonomy, max_cost=max_cost
        ) as (batches, chosen),
        hold(house.archive, f"categorize:{house.archive.owner}"),
    ):
        sent = batching.submit(house.archive, batches, chosen, selection, upgrade=upgrade)
        report = CategorizeReport(judge="openai-batch", taxonomy=chosen.name, failed=len(sent["defects"]))
        report.review = count_waiting(house.archive)
    say("categorize: %d conversations sent in %d batches", sent["conversations"], len(sent["batches"]))
    plain: dict[str, Any] = msgspec.to_builtins(report)
    return plain | {"submitted": sent["conversations"], "under_way": sent["under_way"]}


class _Run:
    """One run of the stage, with everything it was opened with."""

    def __init__(self, house: Session, judging: Judging, judge: str, selection: Selection) -> None:
        self.house, self.judging, self.judge, self.selection = house, judging, judge, selection

    def through(self, budget: float, upgrade: bool) -> tuple[CategorizeReport, list[Exception]]:
        started = time.monotonic()
        archive, taxonomy, key = self.house.archive, self.judging.taxonomy, self.judging.judge.key
        report = CategorizeReport(judge=key, taxonomy=taxonomy.name)
        stage.prepare(archive, taxonomy, review_below=self.house.settings.categorize.review_below)
        waiting = stage.pending(archive, key, taxonomy, self.selection, upgrade=upgrade)
        report.unchanged = stage.count_in_scope(archive, self.selection) - len(waiting)
        chunks = list(self._within(budget, partition([item.conversation_id for item in waiting]), report))
        errors = self._ask(chunks, {item.conversation_id: item for item in waiting}, report)
        # Whatever was answered is recorded, also when asking had to stop.
        for chunk in chunks:
            report.judged += record_verdicts(self.judge, taxonomy.name, chunk_name(chunk), list(chunk))
        report.review = count_waiting(archive)
        report.seconds = round(time.monotonic() - started, 3)
        return report, errors

    def _ask(self, chunks: list[list[str]], pending: dict[str, Pending], report: CategorizeReport) -> list[Exception]:
        if not chunks:
            return []
        try:
            return work_through(
                ask_judge,
                chunks,
                label="categorize",
                arguments=lambda chunk: self._question([pending[identity] for identity in chunk]),
                on_result=lambda result: report.add(msgspec.convert(result, Asked)),
            ).errors
        except Halt as halt:
            report.stopped = str(halt)
            return [halt]

    def _within(self, budget: float, chunks: Sequence[list[str]], report: CategorizeReport) -> Iterator[list[str]]:
        """The chunks that the budget allows, by their estimates; what is left out is said in the report."""
        spent = Usage()
        for number, chunk in enumerate(chunks):
            again = self.selection.force
            left = (
                stage.unanswered(
                    self.house.archive,
                    self.judging.answers,
                    self.judging.judge.key,
                    self.judging.taxonomy,
                    chunk,
                    again=again,
                )
                if self.judge != "local"
                else []
            )
            spent += self.judging.judge.estimate(left, self.judging.taxonomy) if left else Usage()
            if spent.cost_usd > budget:
                report.stopped = (
                    f"{len(chunks) - number} of {len(chunks)} chunks would pass the limit of ${budget:.2f}."
                )
                say("categorize: %s", report.stopped)
                return
            yield chunk

    def _question(self, items: Sequence[Pending]) -> dict[str, Any]:
        ids = [item.conversation_id for item in items]
        return {
            "judge": self.judge,
            "taxonomy": self.judging.taxonomy.name,
            "chunk": chunk_name(ids),
            "ids": ids,
            "question": stage.cache_key(items, self.judging.taxonomy, self.judging.judge.key),
            "again": self.selection.force,
        }


def publish(report: CategorizeReport, categories: dict[str, int]) -> None:
    """The run's artifacts: counts, cost, the distribution over categories, and what could not be judged."""
    summary = {key: getattr(report, key) for key in COUNTS} | {f"{k}_tokens": v for k, v in report.tokens.items()}
    summary |= {"cost_usd": report.cost_usd, "judge": report.judge, "taxonomy": report.taxonomy}
    reports.publish(
        "categorize",
        summary | ({"stopped": report.stopped} if report.stopped else {}),
        [
            reports.chart("Categories", categories),
            *reports.problems("Not judged", [(d.item, d.reason) for d in report.defects], ["conversation", "reason"]),
        ],
    )
