"""The stages as commands."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.panel import Panel
from rich.text import Text

from commonplace.cli.options import Direct, DryRun, Force, Json, Limit, Project, Since, Until, Yes, selection
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
from commonplace.cli.working import as_run, directly, finish, show_report
from commonplace.errors import Refused
from commonplace.session import open_session

IMPORT_KEYS = ("read", "new", "changed", "unchanged", "empty", "failed", "messages", "attachments", "seconds")
SYNC_KEYS = ("created", "updated", "unchanged", "failed", "uncertain", "conflicts", "requests", "seconds")
CATEGORIZE_KEYS = ("judged", "unchanged", "failed", "review", "cost_usd", "seconds")
MOST_PLANNED = 50


def register(app: typer.Typer) -> None:
    app.command("import")(import_command)
    app.command("sync")(sync)
    app.command("categorize")(categorize)
    app.command("map")(map_command)
    app.command("backfill")(backfill)


def import_command(
    paths: Annotated[list[Path], typer.Argument(help="A zip, a folder, a json; several.")],
    keep: Annotated[bool | None, typer.Option("--keep/--no-keep", help="Keep a copy of each export.")] = None,
    account: Annotated[str, typer.Option(help="Which account of the settings they are of.")] = "",
    direct: Direct = False,
    json: Json = False,
) -> None:
    """Take exports of your conversations into the archive."""
    from commonplace.stages.importing import stage

    with errors_for_people():
        if direct:
            report = directly(
                lambda session, work: stage.import_exports(
                    session, paths, keep_exports=keep, account=account, work=work
                )
            )
        else:
            files = [str(path.absolute()) for path in paths]
            report = as_run("import-exports", paths=files, keep_exports=keep, account=account)
        finish(report, lambda: show_report("Imported", report, IMPORT_KEYS), failed=report["failed"])


def sync(
    destination: Annotated[str, typer.Argument(help="A destination of the settings: markdown, notion ...")],
    since: Since = None,
    until: Until = None,
    project: Project = None,
    only: Annotated[list[str] | None, typer.Option(help="Only this conversation, by id; repeatable.")] = None,
    limit: Limit = None,
    dry_run: DryRun = False,
    force: Force = False,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Try again what failed before.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="Also what was here before the first sync.")] = False,
    resend: Annotated[list[str] | None, typer.Option(help="Send again what may not have arrived; repeatable.")] = None,
    accept: Annotated[list[str] | None, typer.Option(help="Take as arrived what may have; repeatable.")] = None,
    adopt: Annotated[
        list[str] | None, typer.Option(help="Go on in the place of a lost archive, by its mark; repeatable.")
    ] = None,
    prune: Annotated[bool, typer.Option("--prune", help="Remove there what the rules let through no longer.")] = False,
    pull_only: Annotated[bool, typer.Option("--pull-only", help="Only take in what happened there.")] = False,
    yes: Yes = False,
    direct: Direct = False,
    json: Json = False,
) -> None:
    """Write what is new or changed to a destination."""
    from commonplace.stages.syncing import stage
    from commonplace.stages.syncing.pending import wishes_of

    with errors_for_people():
        bounds: dict[str, Any] = {"since": since, "until": until, "project": project, "limit": limit, "force": force}
        if prune:
            if any((since, until, project, only, limit)):
                raise Refused(
                    "--prune removes whatever the rules of the destination let through no longer.",
                    hint="Leave out what is to be written, such as --only and --project; look with --dry-run.",
                )
            _prune(destination, dry_run=dry_run, is_agreed=yes)
            return
        if only:
            bounds["chosen"] = _chosen(only)
        wishes: dict[str, Any] = {
            "retry_failed": retry_failed,
            "everything": everything,
            "resend": resend,
            "accept": accept,
            "adopt": adopt,
            "agreed": yes,
            "pull_only": pull_only,
        }
        wanted = wishes_of(**wishes)
        if dry_run:
            with open_session() as session:
                _show_planned(stage.preview(session, destination, selection(session.settings, **bounds), wanted))
            return
        if direct:
            report = directly(
                lambda session, work: stage.sync(
                    session, destination, selection(session.settings, **bounds), wanted, work=work
                )
            )
        else:
            report = as_run("sync", bounds, destination=destination, **wishes)
        _tell_what_was_not_sent(report)
        failed = report["failed"] + report["uncertain"]
        finish(report, lambda: show_report(f"Synced to {destination}", report, SYNC_KEYS), failed=failed)


def _chosen(ids: list[str]) -> str:
    """The name of a choice of these, by which a run is told of them."""
    from commonplace.archive.conversations.reading import find_conversation
    from commonplace.stages import several

    with open_session() as (settings, _, archive):
        wanted = [find_conversation(archive, id) for id in ids]
        return several.choose(settings.home, archive.owner, wanted).name


def _prune(destination: str, *, dry_run: bool, is_agreed: bool) -> None:
    from commonplace.cli.pruning import prune_destination

    report = prune_destination(destination, dry_run=dry_run, is_agreed=is_agreed)
    if Output.as_json:
        print_json(report)
        return
    for identity in report.get("would_remove", [])[:50]:
        people.print(identity)
    show_counts(
        f"Left behind at {destination}",
        {
            key: len(value) if isinstance(value, list) else value
            for key, value in report.items()
            if key != "destination"
        },
    )


def _show_planned(plan: Any) -> None:
    if Output.as_json:
        print_json(plan)
        return
    grid = table("conversation", "title", "why", title=f"{plan.pending} of {plan.pending + plan.unchanged} to write")
    for item in plan.conversations[:MOST_PLANNED]:
        grid.add_row(*cells(item.conversation_id, item.title, item.state))
    people.print(grid)
    if plan.baseline:
        tell(f"{plan.baseline:,} were here before the first sync and would not be sent; --all sends them.")
    for message in plan.messages:
        people.print(Panel(Text(message)))
    if plan.estimate:
        tell(plan.estimate)


def _tell_what_was_not_sent(report: dict[str, Any]) -> None:
    destination = report["destination"]
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
    from commonplace.stages.categorizing import stage

    with errors_for_people():
        bounds: dict[str, Any] = {"since": since, "until": until, "project": project, "limit": limit, "force": force}
        judging: dict[str, Any] = {"judge": judge, "taxonomy": taxonomy, "upgrade": upgrade}
        if dry_run:
            with open_session() as session:
                _show_costs(stage.preview(session, selection(session.settings, **bounds), **judging))
            return
        judging |= {"max_cost": max_cost}
        if direct:
            report = directly(
                lambda session, work: stage.categorize(
                    session, selection(session.settings, **bounds), work=work, **judging
                )
            )
        else:
            report = as_run("categorize", bounds, **judging)
        finish(report, lambda: _show_judged(report), failed=report["failed"])


def _show_costs(plan: Any) -> None:
    """How many conversations, tokens and dollars, before anything is sent."""
    price = round(plan.usage.cost_usd, 4)
    if Output.as_json:
        print_json({**plain(plan), "cost_usd": price})
        return
    show_counts(
        f"{plan.judge} would judge",
        {
            "conversations": plan.pending,
            "answered before": plan.already_answered,
            "unchanged": plan.unchanged,
            "input tokens": plan.usage.input_tokens,
            "output tokens": plan.usage.output_tokens,
            "US dollars": f"{price:.2f}",
        },
    )
    if plan.touched:
        tell(f"{plan.touched:,} were judged before, and are judged again because {plan.taxonomy} has changed.")
    if plan.learning and plan.learning.new_lessons:
        tell(
            f"It would learn from {plan.learning.new_lessons:,} corrections first, and judge "
            f"{plan.learning.judged_again:,} again; about {plan.learning.would_change:,} would change."
        )


def _show_judged(report: dict[str, Any]) -> None:
    show_report("Categorized", report, CATEGORIZE_KEYS)
    if report["lost"]:
        tell(
            f"{report['lost']:,} requests were never answered; they may have been charged for, "
            f"${report['lost_usd']:.4f} at most. What they were about is asked about last."
        )
    if report["submitted"] or report["under_way"]:
        tell(
            f"{report['submitted']:,} were sent and {report['under_way']:,} were under way before; "
            "the next `commonplace categorize`, or `commonplace run collect-batches`, brings the answers in."
        )


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
    from commonplace.stages.mapping import stage

    with errors_for_people():
        bounds: dict[str, Any] = {"since": since, "until": until, "project": project, "limit": limit, "force": force}
        if dry_run:
            report = directly(lambda session, _: stage.preview(session, selection(session.settings, **bounds)))
        elif direct:
            report = directly(
                lambda session, work: stage.map_projects(session, selection(session.settings, **bounds), work=work)
            )
        else:
            report = as_run("map-projects", bounds)
        counts = {**report["assigned"], "suggested": report["suggested"], "orphans": report["orphans"]}
        finish(report, lambda: show_counts("Would map" if dry_run else "Mapped", counts))


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
        report = as_run(
            "backfill",
            {"since": since, "until": until},
            window=window,
            destinations=destinations,
            force=force,
            dry_run=dry_run,
            **({"stages": stages} if stages else {}),
        )
        finish(report, lambda: _show_windows(report), failed=sum(row["failed"] for row in report["windows"]))


def _show_windows(report: dict[str, Any]) -> None:
    if not report["windows"]:
        tell("There is nothing between those days.")
        return
    grid = table(*report["windows"][0], title="Windows")
    for row in report["windows"]:
        grid.add_row(*cells(*row.values()))
    people.print(grid)
