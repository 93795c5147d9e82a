"""Everything, in order: import, embed, categorize, map, and sync to every destination."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal

from prefect import flow, get_client, tags
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError
from prefect.runtime import flow_run

from commonplace import whose
from commonplace.session import Session
from commonplace.stack.history import tag_of
from commonplace.stages.selection import Selection
from commonplace.stages.syncing.destinations import names
from commonplace.stages.work import describe, wrong
from flows import categorize, embed, import_exports, map_projects, reports, sync
from flows.forms import Account, Destinations, Owner, Paths, titled
from flows.runner import RUNNER
from flows.running import conclude, is_superseded, named, say, working_for

Stage = Literal["import", "embed", "categorize", "map", "sync"]
STAGES: tuple[Stage, ...] = ("import", "embed", "categorize", "map", "sync")
DEPLOYMENT_OF_OTHERS = "others"
"""Of the runs for each other user: one after the other, and none of them is asked for by anybody."""
HANDLED = {"new", "changed", "judged", "created", "updated", "failed"}


@flow(name="pipeline", flow_run_name=named("pipeline"), task_runner=RUNNER)
def pipeline(
    paths: Paths = None,
    stages: Annotated[list[Stage], titled("Stages")] = list(STAGES),  # noqa: B006  (the form shows it)
    destinations: Destinations = None,
    judge: Annotated[categorize.JudgeName | None, titled("Judge")] = None,
    taxonomy: Annotated[str | None, titled("Set of categories")] = None,
    account: Account = "",
    debounce: Annotated[bool, titled("Leave it to a run that waits")] = False,
    owner: Owner = None,
    everybody: Annotated[bool, titled("Also for everybody else with an account")] = False,
) -> dict[str, Any]:
    """Bring the archive up to date and everything that depends on it. A run that finds nothing to do does nothing.

    A stage that cannot go on (a key, a quota) does not keep the others from running; the run fails in the end.

    Args:
        paths: Exports to import, as paths on the machine that runs this. None: what lies in the inbox.
        stages: Which stages to run.
        destinations: Where to write. None: every destination of the settings.
        judge: Who decides on categories. None: as the settings say.
        taxonomy: The set of categories, by name. None: as the settings say.
        account: The account of the settings that the exports are of, where they do not say it by themselves.
        debounce: End at once if another run of this deployment is waiting to start, which will do the same.
        owner: The user whose conversations it is about, by name. None: the owner of the server.
        everybody: Ask for a run of its own for each other user too; they go one after the other.
    """
    with working_for(owner) as opened:
        if everybody:
            ask_for_others(opened)
        if debounce and is_superseded():
            name = "pipeline: left to the run that waits behind this one"
            return conclude(opened, {}, name=name, handled=0, failed=0)
        judging = {"judge": judge, "taxonomy": taxonomy}
        report, errors = run_stages(
            opened, stages, paths=paths, account=account, destinations=destinations, judging=judging
        )
        handled, failed = totals(report)
        name = f"pipeline: {summary(report)}"
        return conclude(opened, report, name=name, handled=handled, failed=failed, errors=errors)


def ask_for_others(session: Session) -> None:
    """A run of this flow for each of them: what goes wrong with one keeps nobody else's from running."""
    people = whose.others(session)
    if not people:
        return
    with get_client(sync_client=True) as client:
        try:
            deployment = client.read_deployment_by_name(f"{flow_run.flow_name}/{DEPLOYMENT_OF_OTHERS}")
            for user in people:
                asked = {"owner": user.name, "debounce": True}
                client.create_flow_run_from_deployment(deployment.id, parameters=asked, tags=[tag_of(user.name)])
        except (ObjectNotFound, PrefectHTTPStatusError) as error:
            say("Runs for the others were not asked for (%s): `commonplace up` applies them.", type(error).__name__)


def run_stages(
    session: Session,
    stages: Iterable[str],
    *,
    paths: list[str] | None = None,
    account: str = "",
    destinations: list[str] | None = None,
    selection: Selection = Selection(),
    judging: Mapping[str, Any] = MappingProxyType({}),
) -> tuple[dict[str, Any], list[str]]:
    """The stages in their order, each with its own report, and what went wrong with any of them.

    A stage's task runs carry its name as a tag, by which Prefect's pages tell how long it took and what was retried.
    """
    runs: dict[str, Callable[[], dict[str, Any]]] = {
        "import": lambda: import_exports.run(session, paths, account=account, origin="pipeline"),
        "embed": lambda: embed.run(session, selection),
        "categorize": lambda: categorize.run(session, selection, **judging),
        "map": lambda: map_projects.run(session, selection),
    }
    wanted = {stage: run for stage, run in runs.items() if stage in stages}
    if not session.settings.meaning.model:  # words alone
        wanted.pop("embed", None)
    for destination in (destinations or names(session.settings, session.archive)) if "sync" in stages else []:
        wanted[f"sync {destination}"] = lambda name=destination: sync.run(session, name, selection)  # type: ignore[misc]
    report: dict[str, Any] = {}
    errors: list[str] = []
    for name, run in wanted.items():
        try:
            whose.check(session)  # also in the middle of a run
            with tags(name):
                report[name] = run()
        except Exception as error:
            errors.append(describe(error))
        else:
            errors += wrong(report[name])
    reports.publish("pipeline", flat(report))
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
