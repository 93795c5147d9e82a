"""The stages as commands. They run the flow in this process, so that they leave a history; `--direct` does without."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from commonplace import runs
from commonplace.cli.options import Direct, DryRun, Force, Json, Limit, Project, Since, Until, Yes, moment, selection
from commonplace.cli.output import (
    Output,
    aside,
    cells,
    errors_for_people,
    people,
    plain,
    print_json,
    show_counts,
    table,
    tell,
)
from commonplace.config import load
from commonplace.errors import Refused
from commonplace.moments import to_datetime
from commonplace.session import open_session

IMPORT_KEYS = ("read", "new", "changed", "unchanged", "empty", "failed", "messages", "attachments")
MOST_SHOWN = 20
SYNC_KEYS = ("created", "updated", "unchanged", "failed", "uncertain", "conflicts", "requests")


def register(app: typer.Typer) -> None:
    app.command("import")(import_command)
    app.command("sync")(sync)
    app.command("categorize")(categorize)
    app.command("map")(map_command)
    app.command("backfill")(backfill)


def import_command(
    paths: Annotated[list[Path], typer.Argument(help="A zip, a folder, a json; several.")],
    keep: Annotated[bool | None, typer.Option("--keep/--no-keep", help="Keep a copy of each export.")] = None,
    direct: Direct = False,
    json: Json = False,
) -> None:
    """Take exports of your conversations into the archive."""
    with errors_for_people():
        if direct:
            report = _import_directly(paths, keep)
        else:
            _connected()
            report = runs.run_here("import-exports", paths=[str(path.absolute()) for path in paths], keep_exports=keep)
        _finish("Imported", report, (*IMPORT_KEYS, "seconds"), failed=report["failed"])


def _import_directly(paths: list[Path], keep: bool | None) -> dict[str, Any]:
    from commonplace.stages.importing.report import FileReport
    from commonplace.stages.importing.stage import import_paths

    with open_session() as (settings, _, archive), aside.status("Importing") as status:

        def show(file: FileReport) -> None:
            status.update(f"Importing {file.file}: {file.read:,} conversations")

        keep_exports = settings.imports.keep_exports if keep is None else keep
        return dict(plain(import_paths(archive, paths, keep_exports=keep_exports, progress=show)))


def sync(
    destination: Annotated[str, typer.Argument(help="A destination of the settings: markdown, notion ...")],
    since: Since = None,
    until: Until = None,
    project: Project = None,
    limit: Limit = None,
    dry_run: DryRun = False,
    force: Force = False,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Try again what failed before.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="Also what was here before the first sync.")] = False,
    resend: Annotated[list[str] | None, typer.Option(help="Send again what may not have arrived; repeatable.")] = None,
    accept: Annotated[list[str] | None, typer.Option(help="Take as arrived what may have; repeatable.")] = None,
    prune: Annotated[bool, typer.Option("--prune", help="Remove there what the rules let through no longer.")] = False,
    yes: Yes = False,
    direct: Direct = False,
    json: Json = False,
) -> None:
    """Write what is new or changed to a destination."""
    with errors_for_people():
        bounds = {"since": since, "until": until, "project": project, "limit": limit, "force": force}
        if prune:
            _prune(destination, dry_run=dry_run, is_agreed=yes)
            return
        wishes = {"retry_failed": retry_failed, "everything": everything, "resend": resend, "accept": accept}
        if dry_run:
            _preview_sync(destination, bounds, wishes)
            return
        if direct:
            report = _sync_directly(destination, bounds, wishes)
        else:
            _connected()
            report = runs.run_here("sync", destination=destination, **wishes, **_as_parameters(bounds))
        _tell_what_was_not_sent(destination, report)
        wrong = report["failed"] + report["uncertain"]
        _finish(f"Synced to {destination}", report, (*SYNC_KEYS, "seconds"), failed=wrong)


def _prune(destination: str, *, dry_run: bool, is_agreed: bool) -> None:
    from commonplace.cli.pruning import prune_destination

    report = prune_destination(destination, dry_run=dry_run, is_agreed=is_agreed)
    if Output.as_json:
        print_json(report)
        return
    for identity in report.get("would_remove", [])[:50]:
        people.print(identity, markup=False)
    show_counts(
        f"Left behind at {destination}",
        {
            key: len(value) if isinstance(value, list) else value
            for key, value in report.items()
            if key != "destination"
        },
    )


def _tell_what_was_not_sent(destination: str, report: dict[str, Any]) -> None:
    if report["baseline"]:
        aside.print(
            f"{report['baseline']:,} conversations were here before and are not sent. "
            f"`commonplace sync {destination} --all` sends them, `--since DATE` some of them."
        )
    if report["left_behind"]:
        aside.print(
            f"{report['left_behind']:,} are there although the rules let them through no longer: "
            f"`commonplace sync {destination} --prune --dry-run`."
        )
    if report["undecided"]:
        aside.print(
            f"{report['undecided']:,} may have arrived or not. Look there, then "
            f"`commonplace sync {destination} --resend ID` or `--accept ID`."
        )


def _sync_directly(destination: str, bounds: dict[str, Any], wishes: dict[str, Any]) -> dict[str, Any]:
    from commonplace.archive.leases import hold
    from commonplace.stages.categorizing.taxonomies import taxonomy_named
    from commonplace.stages.syncing import stage
    from commonplace.stages.syncing.destinations import open_destination
    from commonplace.stages.syncing.pending import wishes_of

    with (
        open_session() as (settings, environment, archive),
        open_destination(settings, environment, archive, destination) as (target, rules),
        hold(archive, f"sync:{target.instance}"),
    ):
        report = stage.sync(
            archive,
            target,
            selection(settings, **bounds),
            rules,
            wishes_of(**wishes),
            taxonomy=taxonomy_named(archive, settings.categorize.taxonomy),
        )
        report.destination = destination
        return dict(plain(report))


def _preview_sync(destination: str, bounds: dict[str, Any], wishes: dict[str, Any]) -> None:
    from commonplace.stages.syncing import stage
    from commonplace.stages.syncing.destinations import open_destination
    from commonplace.stages.syncing.pending import wishes_of

    with (
        open_session() as (settings, environment, archive),
        open_destination(settings, environment, archive, destination) as (target, rules),
    ):
        plan = stage.preview(archive, target, selection(settings, **bounds), rules, wishes_of(**wishes))
    if Output.as_json:
        print_json(plan)
        return
    grid = table("conversation", "title", "why", title=f"{plan.pending} of {plan.pending + plan.unchanged} to write")
    for item in plan.conversations[:50]:
        grid.add_row(*cells(item.conversation_id, item.title, item.state))
    people.print(grid)
    if plan.baseline:
        tell(f"{plan.baseline:,} were here before the first sync and would not be sent; --all sends them.")
    if plan.estimate:
        tell(plan.estimate)


def categorize(
    judge: Annotated[str | None, typer.Option(help="local, openai, openai-batch or compatible.")] = None,
    taxonomy: Annotated[str | None, typer.Option(help="The set of categories, by name.")] = None,
    since: Since = None,
    until: Until = None,
    project: Project = None,
    limit: Limit = None,
    max_cost: Annotated[float | None, typer.Option(help="US dollars this run may spend.")] = None,
    upgrade: Annotated[bool, typer.Option("--upgrade", help="Judge again what another judge decided.")] = False,
    dry_run: DryRun = False,
    force: Force = False,
    direct: Direct = False,
    json: Json = False,
) -> None:
    """Give conversations a category, tags, a summary and insights."""
    from commonplace.cli import categorizing

    with errors_for_people():
        bounds = {"since": since, "until": until, "project": project, "limit": limit, "force": force}
        options = {"judge": judge, "taxonomy": taxonomy, "max_cost": max_cost, "upgrade": upgrade}
        if dry_run:
            categorizing.preview(bounds, options)
            return
        if direct:
            report = categorizing.categorize_directly(bounds, options)
        else:
            _connected()
            report = runs.run_here("categorize", **options, **_as_parameters(bounds))
        keys = ("judged", "unchanged", "failed", "review", "cost_usd", "seconds")
        _finish("Categorized", report, keys, failed=report["failed"])


def map_command(
    since: Since = None,
    until: Until = None,
    project: Project = None,
    limit: Limit = None,
    dry_run: DryRun = False,
    force: Force = False,
    direct: Direct = False,
    json: Json = False,
) -> None:
    """Find each conversation's project."""
    from commonplace.cli import mapping

    with errors_for_people():
        bounds = {"since": since, "until": until, "project": project, "limit": limit, "force": force}
        if dry_run or direct:
            report = mapping.map_directly(bounds, dry_run=dry_run)
        else:
            _connected()
            report = runs.run_here("map-projects", **_as_parameters(bounds))
        if Output.as_json:
            print_json(report)
            return
        show_counts("Mapped", {**report["assigned"], "suggested": report["suggested"], "orphans": report["orphans"]})


def backfill(
    since: Annotated[str, typer.Option(help="The first day.")],
    until: Until = None,
    window: Annotated[str, typer.Option(help="How much time at once: '1 month', '2 weeks', '1 day'.")] = "1 month",
    stages: Annotated[list[str] | None, typer.Option("--stage", help="categorize, map or sync; repeatable.")] = None,
    destinations: Annotated[list[str] | None, typer.Option("--destination", help="Where to write; repeatable.")] = None,
    force: Force = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Work through the past, a window of time after the other."""
    with errors_for_people():
        _connected()
        chosen = {"stages": stages} if stages else {}
        report = runs.run_here(
            "backfill",
            **_as_parameters({"since": since, "until": until}),
            window=window,
            destinations=destinations,
            force=force,
            dry_run=dry_run,
            **chosen,
        )
        if Output.as_json:
            print_json(report)
            return
        grid = table(*report["windows"][0], title="Windows")
        for row in report["windows"]:
            grid.add_row(*cells(*row.values()))
        people.print(grid)


def _connected() -> None:
    settings, _ = load()
    runs.connect(settings, aside.print)


def _as_parameters(bounds: dict[str, Any]) -> dict[str, Any]:
    """Bounds as flows take them: days of the settings' time zone."""
    settings, _ = load()
    parameters = dict(bounds)
    for key in ("since", "until"):
        text = bounds.get(key)
        if text and ":" in text:
            raise Refused(f"A run takes days, not times such as {text}.", hint="Use a date, or --direct.")
        at = moment(text, settings)
        parameters[key] = None if at is None else to_datetime(at, settings.zone).date()
    return parameters


def _finish(title: str, report: dict[str, Any], keys: tuple[str, ...], *, failed: int) -> None:
    """Show the report; anything that failed makes the exit code 1."""
    if Output.as_json:
        print_json(report)
    else:
        show_counts(title, {key: report[key] for key in keys if key in report})
        _tell_defects(report)
        _tell_left_out(report)
        for problem in report.get("problems", [])[:20]:
            aside.print(
                f"{problem['conversation_id']}: {problem['state']}, {problem.get('reason') or ''}", markup=False
            )
    if failed:
        raise typer.Exit(1)


def _tell_defects(report: dict[str, Any]) -> None:
    defects = report.get("defects", [])
    for defect in defects[:MOST_SHOWN]:
        aside.print(f"{defect['file']} {defect['item']}: {defect['reason']}", markup=False)
    more = max(0, len(defects) - MOST_SHOWN) + report.get("more_defects", 0)
    if more:
        aside.print(f"and {more:,} more")


def _tell_left_out(report: dict[str, Any]) -> None:
    """What an import did not take in, by reason, and what it took in without knowing it."""
    reasons: dict[str, list[dict[str, Any]]] = {}
    for one in report.get("left_out", []):
        reasons.setdefault(one["reason"], []).append(one)
    for reason, left in reasons.items():
        names = [one["name"] for one in left if one["name"]][:MOST_SHOWN]
        more = sum(one["count"] for one in left) - len(names)
        told = ", ".join([*names, *([f"{more:,} more"] if more else [])])
        aside.print(f"Left out, {reason}: {told}", markup=False)
    for where, count in report.get("unfamiliar", {}).items():
        aside.print(f"Not familiar to this version, but kept: {where} ({count:,})", markup=False)
