"""Find each conversation's project."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import date
from typing import Any

import msgspec
from prefect import Task, flow
from prefect.events import emit_event

from commonplace.archive.leases import hold
from commonplace.errors import Halt
from commonplace.projects.contract import Unnamed
from commonplace.session import Session
from commonplace.stages import embedding
from commonplace.stages.mapping import naming, project_names, stage
from commonplace.stages.mapping import report as outcome
from commonplace.stages.selection import Selection, chunk_name, partition
from flows import reports
from flows.bounds import selection_of
from flows.running import RUNNER, conclude, describe, work_through
from tasks.map_projects import (
    compute_vectors,
    embed,
    learn_projects,
    name_projects,
    place_by_likeness,
    place_by_rules,
    propose_names,
)
from tasks.session import session

SMALLEST_CHUNK = 500
SUMMARY = ("conversations", "decided", "new_projects", "named", "suggested", "orphans", "cost_usd")


@flow(name="map-projects", flow_run_name="map-projects", task_runner=RUNNER)
def map_projects(
    since: date | None = None,
    until: date | None = None,
    project: str | None = None,
    limit: int | None = None,
    force: bool = False,
) -> dict[str, Any]:
    """Decide which project each conversation belongs to: a person's word, ids, titles, custom GPTs, then likeness.

    Args:
        since: Only conversations updated on or after this day.
        until: Only conversations updated before this day.
        project: Only this project, by name or id.
        limit: At most so many conversations.
        force: Decide again what is decided; a person's word stays.
    """
    report, errors = map_now(selection_of(since=since, until=until, project=project, limit=limit, force=force))
    assigned = sum(report["assigned"].values())
    name = f"map: {assigned} assigned, {report['suggested']} suggested, {report['orphans']} orphans"
    return conclude(report, name=name, handled=report["decided"], failed=0, errors=errors)


def map_now(selection: Selection) -> tuple[dict[str, Any], list[Exception]]:
    """The stage under its lease: sure rules, then likeness for what they left, then names."""
    started = time.monotonic()
    with session() as house, hold(house.archive, f"map:{house.archive.owner}"):
        sure = place_by_rules(msgspec.to_builtins(selection))
        spent = Spent()
        left = _embed(house, selection, sure["left"], spent)
        learned = _place_the_rest(house, left, spent)
        _ask_for_names(house, spent)
        named = name_projects()
        found = outcome.describe(house.archive, selection)
    found.decided, found.named = sure["decided"] + len(left), named
    found.cost_usd, found.problems = round(spent.cost_usd, 6), [describe(error) for error in spent.errors]
    found.new_projects = sure["new_projects"]
    found.seconds = round(time.monotonic() - started, 3)
    report: dict[str, Any] = msgspec.to_builtins(found) | {"learned": learned or None}
    publish(report)
    emit_event("commonplace.map.completed", resource={"prefect.resource.id": "commonplace.archive"})
    return report, spent.errors


class Spent(msgspec.Struct):
    """What a run spent, and what went wrong without ending it."""

    cost_usd: float = 0.0
    errors: list[Exception] = []

    def add(self, result: dict[str, Any]) -> None:
        self.cost_usd += result["usage"]["cost_usd"]
        if result.get("problem"):
            self.errors.append(Halt(result["problem"]))

    def work_through(self, task: Task[..., dict[str, Any]], chunks: Sequence[Sequence[str]], **how: Any) -> None:
        """Buy chunk by chunk. Where nothing more can be spent the run goes on without, and says so in the end."""
        try:
            self.errors += work_through(task, chunks, on_result=self.add, **how).errors
        except Halt as halt:
            self.errors.append(halt)


def _place_the_rest(house: Session, left: list[str], spent: Spent) -> dict[str, Any]:
    if not left:
        return {}
    if house.settings.projects.similarity:
        missing = partition(stage.needing_vectors(house.archive, left), smallest=SMALLEST_CHUNK)
        spent.errors += work_through(compute_vectors, missing, label="vectors", arguments=_named).errors
    learned = learn_projects()
    chunks = partition(left, smallest=SMALLEST_CHUNK)
    spent.errors += work_through(place_by_likeness, chunks, label="map", arguments=_named).errors
    return learned


def _named(chunk: Sequence[str]) -> dict[str, Any]:
    return {"chunk": chunk_name(chunk), "ids": list(chunk)}


def _embed(house: Session, selection: Selection, left: list[str], spent: Spent) -> list[str]:
    """What conversations mean, where the settings name a model for it; as far as the budget goes. What is left to be
    placed then: with more vectors, older orphans are asked about again."""
    wanted = house.settings.projects
    if not (wanted.similarity and wanted.embeddings):
        return left
    missing = stage.needing_meaning(house.archive, wanted, stage.unsure(house.archive, wanted, selection, left))
    if missing:
        _buy_meaning(house, missing, spent)
    return stage.left_now(house.archive, wanted, selection, left)


def _buy_meaning(house: Session, missing: list[str], spent: Spent) -> None:
    with embedding.open_meaning(house.settings, house.environment) as meaning:
        chunks, problem = partition(missing, smallest=SMALLEST_CHUNK), ""
        if meaning is not None:
            chunks, problem = embedding.within_budget(house.archive, meaning, chunks)
    spent.work_through(embed, chunks, label="embed", arguments=_named)
    spent.errors += [Halt(problem)] if problem else []


def _ask_for_names(house: Session, spent: Spent) -> None:
    """Have a paid namer asked about projects that have no name, as far as the budget goes; the local one is not asked
    beforehand."""
    waiting = project_names.unnamed(house.archive)
    if not waiting or house.settings.projects.namer == "local":
        return
    with naming.open_naming(house.settings, house.environment) as using:
        planned = naming.plan(using, waiting, spent=spent.cost_usd)
        questions = {chunk_name(ids): naming.cache_key(using, batch) for ids, batch in _with_ids(planned.batches)}
    spent.work_through(
        propose_names,
        [ids for ids, _ in _with_ids(planned.batches)],
        label="names",
        arguments=lambda ids: {**_named(ids), "question": questions[chunk_name(ids)]},
    )
    spent.errors += [Halt(planned.stopped)] if planned.stopped else []


def _with_ids(batches: Sequence[Sequence[Unnamed]]) -> list[tuple[list[str], Sequence[Unnamed]]]:
    return [([project.project_id for project in batch], batch) for batch in batches]


def publish(report: dict[str, Any]) -> None:
    """The run's artifacts: how many conversations each rule placed, and what likeness was measured to be worth."""
    shares = report["assigned"] | {"suggested": report["suggested"], "orphans": report["orphans"]}
    unbought = [(problem,) for problem in report["problems"]]
    learned = [(key, value) for key, value in (report["learned"] or {}).items() if isinstance(value, int | float)]
    reports.publish(
        "map",
        {key: report[key] for key in SUMMARY},
        [
            *reports.problems("What was not bought or placed", unbought, ["why"]),
            reports.chart("Placed by", shares),
            *reports.problems("What likeness learned", learned, ["what", "value"]),
        ],
    )
