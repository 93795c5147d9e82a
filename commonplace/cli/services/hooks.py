"""Who is told of events (`commonplace hooks ...`)."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from commonplace.bounds import read_section
from commonplace.cli.options import Json
from commonplace.cli.output import Output, cells, errors_for_people, exit_with, people, print_json, table, tell
from commonplace.config import HookSettings
from commonplace.config.files import dotenv_of, keep_typed
from commonplace.session import open_session
from commonplace.stages import hooks

app = typer.Typer(help="Who is told of what happens here, and telling them again.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="The hook, by its name in the settings.")]


@app.command("list")
def list_command(json: Json = False) -> None:
    """Every hook, with what waits, what was taken and what was not."""
    with errors_for_people(), open_session() as session:
        found = hooks.standings(session)
        if Output.as_json:
            print_json({"hooks": [msgspec.to_builtins(one) for one in found]})
            return
        grid = table("hook", "host", "events", "waiting", "delivered", "failed", title="Hooks")
        for one in found:
            row = (one.name, one.host, ", ".join(one.events), one.waiting, one.delivered, one.failed)
            grid.add_row(*cells(*row))
        people.print(grid)
        for one in found:
            if one.problem:
                tell(f"{one.name}: {one.problem}")


@app.command("add")
def add(
    name: Annotated[str, typer.Argument(help="What it is called here.")],
    url: Annotated[str, typer.Argument(help="The address that is told.")],
    event: Annotated[list[str] | None, typer.Option("--event", help="This event; repeatable. Else all.")] = None,
    allow_private: Annotated[bool, typer.Option(help="It is on this machine or in its network.")] = False,
    json: Json = False,
) -> None:
    """Tell an address of what happens here, from now on. Prints the secret that its requests are signed with."""
    with errors_for_people(), open_session() as session:
        wanted = {"url": url, "events": event or [], "allow_private": allow_private}
        secret = hooks.add(session, name, read_section(wanted, HookSettings, section=f"hooks.{name}", file=None))
        keep_typed(session.settings.home, {hooks.variable_of(name): secret})
        if Output.as_json:
            print_json({"hook": name, "secret": secret})
        tell(f"Its secret, which is kept in {dotenv_of(session.settings.home)}: {secret}")


@app.command("remove")
def remove(name: Name, json: Json = False) -> None:
    """Tell a hook no more that was added here or on the page."""
    with errors_for_people(), open_session() as session:
        hooks.remove(session, name)
        if Output.as_json:
            print_json({"hook": name})
        tell(f"{name} is told no more.")


@app.command("test")
def try_one(name: Name, json: Json = False) -> None:
    """Send an event of no consequence now, and say what came back."""
    with errors_for_people(), open_session() as session:
        status = hooks.send_test(session, name)
        is_taken = 200 <= status < 300
        if Output.as_json:
            print_json({"hook": name, "status": status, "taken": is_taken})
        tell(f"{name} answered HTTP {status}." + ("" if is_taken else " Only 200 to 299 mean that it was taken."))
        exit_with(0 if is_taken else 1)


@app.command("redeliver")
def redeliver(
    name: Name,
    id: Annotated[list[str] | None, typer.Option("--id", help="This delivery; repeatable. Else what failed.")] = None,
    json: Json = False,
) -> None:
    """Make due again what was not taken, under the same id. The next `deliver-hooks` sends it."""
    with errors_for_people(), open_session() as session:
        count = hooks.redeliver(session, name, id)
        if Output.as_json:
            print_json({"hook": name, "due": count})
        tell(f"{count:,} are due again: `commonplace run deliver-hooks` sends them now.")
