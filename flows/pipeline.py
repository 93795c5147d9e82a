"""Everything, in order: import, categorize, map, and sync to every destination."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from prefect import flow

from commonplace.config import load
from commonplace.stages.selection import Selection
from commonplace.stages.syncing.destinations import names
from flows import categorize, import_exports, map_projects, reports, sync
from flows.running import RUNNER, conclude, is_superseded

Stage = Literal["import", "categorize", "map", "sync"]
STAGES: tuple[Stage, ...] = ("import", "categorize", "map", "sync")
HANDLED = {"new", "changed", "judged", "created", "updated", "failed"}
Done = tuple[dict[str, Any], list[Exception]]


@flow(name="pipeline", flow_run_name="pipeline", task_runner=RUNNER)
def pipeline(
    paths: list[str] | None = None,
    stages: list[Stage] = list(STAGES),  # noqa: B006  (Prefect shows it as the form's default)
    destinations: list[str] | None = None,
    debounce: bool = False,
) -> dict[str, Any]:
    """Bring the archive up to date and everything that depends on it. A run that finds nothing to do does nothing.

    A stage that cannot go on (a key, a quota) does not keep the others from running; the run fails in the end.

    Args:
        paths: Exports to import, as paths on the machine that runs this. None: what lies in the inbox.
        stages: Which stages to run.
        destinations: Where to write. None: every destination of the settings.
        debounce: End at once if another run of this deployment is waiting to start, which will do the same.
    """
    if debounce and is_superseded():
        return conclude({}, name="pipeline: left to the run that waits behind this one", handled=0, failed=0)
    report, errors = run_stages(paths=paths, stages=stages, destinations=destinations, selection=Selection())
    handled, failed = totals(report)
    return conclude(report, name=f"pipeline: {summary(report)}", handled=handled, failed=failed, errors=errors)


def run_stages(
    *, paths: list[str] | None, stages: list[Stage], destinations: list[str] | None, selection: Selection
) -> Done:
    """The stages in their order; each leaves its own report."""
    settings, _ = load()
    report: dict[str, Any] = {}
    errors: list[Exception] = []

    def run(name: str, stage: Callable[[], Done]) -> None:
        try:
            report[name], problems = stage()
            errors.extend(problems)
        except Exception as error:
            errors.append(error)

    if "import" in stages:
        run("import", lambda: _import(paths))
    if "categorize" in stages:
        run("categorize", lambda: categorize.categorize_now(selection))
    if "map" in stages:
        run("map", lambda: map_projects.map_now(selection))
    for destination in (destinations or names(settings)) if "sync" in stages else []:
        run(f"sync {destination}", lambda name=destination: _sync(name, selection))  # type: ignore[misc]
    reports.publish("pipeline", flat(report))
    return report, errors


def _import(paths: list[str] | None) -> Done:
    report, errors = import_exports.import_now(paths, keep_exports=None)
    import_exports.publish(report)
    import_exports.emit_completed(report, origin="pipeline")
    return report, errors


def _sync(destination: str, selection: Selection) -> Done:
    report, errors = sync.sync_now(destination, selection)
    sync.publish(destination, report)
    return report, errors


def flat(report: dict[str, Any]) -> dict[str, Any]:
    """One line per stage and count, for the summary table."""
    return {
        f"{stage}: {key}": value
        for stage, counts in report.items()
        for key, value in counts.items()
        if isinstance(value, int | float) and value
    }


def totals(report: dict[str, Any]) -> tuple[int, int]:
    """How many items the stages handled, and how many of them failed."""
    handled = sum(
        value
        for counts in report.values()
        for key, value in counts.items()
        if key in HANDLED and isinstance(value, int)
    )
    return handled, sum(counts.get("failed", 0) for counts in report.values())


def summary(report: dict[str, Any]) -> str:
    """What a pipeline did, in a few words for its name."""
    words = []
    if brought := report.get("import", {}):
        words.append(f"{brought['new'] + brought['changed']} imported")
    if judged := report.get("categorize", {}).get("judged"):
        words.append(f"{judged} categorized")
    written = sum(counts.get("created", 0) + counts.get("updated", 0) for counts in report.values())
    words.append(f"{written} written")
    return ", ".join(words)
