"""Starting, stopping and looking after the whole: up, down, run, connect, doctor."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from commonplace.cli.options import Json, Yes
from commonplace.cli.output import (
    Output,
    cells,
    errors_for_people,
    exit_with,
    people,
    print_json,
    show_counts,
    table,
    tell,
)
from commonplace.config import load
from commonplace.errors import Refused


def register(app: typer.Typer) -> None:
    app.command("up")(up_command)
    app.command("down")(down)
    app.command("run")(run)
    app.command("connect")(connect)
    app.command("doctor")(doctor)
    app.command("settings")(settings_command)


def up_command(
    imports: Annotated[
        list[Path] | None,
        typer.Option("--import", exists=True, help="Import this file through the pipeline; repeatable."),
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="End when that run ends, with its exit code.")] = False,
    sample: Annotated[
        bool, typer.Option("--sample", help="Import a generated sample export through the pipeline.")
    ] = False,
    json: Json = False,
) -> None:
    """Start the local Prefect server and worker; Ctrl-C stops them."""
    from commonplace.cli import up

    with errors_for_people():
        settings, _ = load()
        files = list(imports or [])
        if not sample:
            if once and not files:
                raise Refused("--once needs something to do.", hint="Add --import FILE or --sample.")
            exit_with(up.bring_up(settings, imports=files, once=once))
            return
        from commonplace.sources.chatgpt.sample import write_sample

        with tempfile.TemporaryDirectory(prefix="commonplace-") as folder:
            export = Path(folder) / "sample-export.zip"
            write_sample(export)
            exit_with(up.bring_up(settings, imports=[*files, export], once=once))


def down(json: Json = False) -> None:
    """Stop the local Prefect server and worker."""
    from commonplace.cli import up

    with errors_for_people():
        settings, _ = load()
        stopped = up.bring_down(settings)
        if Output.as_json:
            print_json({"stopped": stopped})
        tell("Stopped." if stopped else "Nothing was running.")


def run(
    flow: Annotated[str, typer.Argument(help="A flow, or flow/deployment: pipeline, backfill, maintain ...")],
    param: Annotated[list[str] | None, typer.Option("--param", "-p", help="key=value; repeatable.")] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Wait for the end; the exit code is the outcome.")] = False,
    timeout: Annotated[float | None, typer.Option(help="Seconds to wait at most.")] = None,
    name: Annotated[str | None, typer.Option(help="What the run is called, instead of what it did.")] = None,
    json: Json = False,
) -> None:
    """Ask for a run of a deployment, as the Prefect UI does.

    Ends with 0, or with 1 if the run failed, 2 if there is no such flow, deployment or parameter, 3 if the time was up
    before its end, 4 if no Prefect server answers.
    """
    from commonplace import runs
    from commonplace.stack.server import NoServer

    with errors_for_people({runs.NotAsked: 2, runs.NotEnded: 3, NoServer: 4}):
        settings, _ = load()
        runs.connect(settings, tell)
        started = runs.start(flow, runs.parse_parameters(param or []), called=name)
        if not watch:
            if Output.as_json:
                print_json({"id": started.id, "run": started.name})
            tell(f"Requested run {started.name}.")
            return
        tell(f"Waiting for run {started.name}")
        ended = runs.watch(started, timeout_seconds=timeout)
        if Output.as_json:
            print_json({"id": started.id, "run": ended.name, "state": ended.state, "message": ended.message})
        tell(f"{ended.state}: {ended.message}")
        exit_with(0 if ended.is_completed else 1)


def connect(
    service: Annotated[str, typer.Argument(help="archive, openai, omi, mail, or a destination: markdown, notion ...")],
    database: Annotated[str | None, typer.Option(help="The database to connect, by its address or id.")] = None,
    save: Annotated[bool, typer.Option("--save/--no-save", help="Save it as a Prefect block.")] = True,
    pipeline: Annotated[
        bool | None, typer.Option("--pipeline/--no-pipeline", help="Whether every run writes there. Else as it is.")
    ] = None,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Check a credential, prepare the other side, and save it as a block. Asks for what the environment lacks."""
    from commonplace.cli.connecting import connect_service

    with errors_for_people():
        settings, environment = load()
        told = connect_service(
            service,
            settings,
            environment,
            save=save,
            ask=not (yes or Output.as_json),
            database=database,
            follow=pipeline,
        )
        if Output.as_json:
            print_json(told)
        else:
            show_counts(f"Connected {service}", told)


def settings_command(json: Json = False) -> None:
    """The settings as they are, and where each comes from."""
    from commonplace.config.origins import origins

    with errors_for_people():
        found = origins(*load())
        if Output.as_json:
            print_json({"settings": found})
            return
        grid = table("section", "setting", "value", "from")
        for one in found:
            grid.add_row(*cells(one.section, one.name, one.value, one.place or "the default"))
        people.print(grid)


def doctor(json: Json = False) -> None:
    """What is set up, what is not, and how to put it right."""
    from commonplace.cli import doctor as checkup

    with errors_for_people():
        settings, environment = load()
        checks = checkup.examine(settings, environment)
        if Output.as_json:
            print_json({"ok": all(check.is_well for check in checks), "checks": checks})
        else:
            grid = table("", "", "", title="Commonplace")
            for check in checks:
                mark = Text("ok", "green") if check.is_well else Text("no", "red")
                grid.add_row(mark, *cells(check.subject, f"{check.finding} {check.remedy}".strip()))
            people.print(grid)
        exit_with(0 if all(check.is_well or check.is_optional for check in checks) else 1)
