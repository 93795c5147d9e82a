"""The commands. `main` is what `commonplace` runs; the modules here hold a group of commands each.

They are loaded when they are asked for: libraries for databases, tables and charts take seconds.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command as built

import commonplace
from commonplace.private import PRIVATE

if TYPE_CHECKING:
    from typer._click.core import Command, Context

COMMANDS = {
    **dict.fromkeys(("up", "down", "run", "connect", "doctor", "settings"), "system"),
    **dict.fromkeys(("import", "sync", "categorize", "map", "backfill"), "stages"),
    **dict.fromkeys(("search", "similar", "show", "stats", "export"), "reading"),
    **dict.fromkeys(("forget", "verify", "backup", "restore"), "care"),
    **dict.fromkeys(("embed", "topics"), "embedding"),
    "watch": "services.exports",
    "reconcile-omi": "server.reconciling",
    "ask": "asking",
    "review": "review",
    "mcp": "server.mcp",
    **dict.fromkeys(("serve", "login-link"), "server.serving"),
}
"""Every command, and the module that registers it."""
GROUPS = {
    "projects": "projects",
    "taxonomy": "taxonomy",
    "users": "server.users",
    "exports": "services.exports",
    "poke": "services.poke",
    "openai": "services.openai",
    "hooks": "services.hooks",
    "inbox": "server.inbox",
    "keys": "server.keys",
    "oauth": "server.oauth",
}
"""Every group of commands, and the module whose `app` it is."""


class Lazily(TyperGroup):
    """A group whose commands are loaded when they are asked for."""

    def list_commands(self, ctx: Context) -> list[str]:
        return [*COMMANDS, *GROUPS]

    def get_command(self, ctx: Context, cmd_name: str) -> Command | None:
        if cmd_name in GROUPS:
            return _named(built(_module(GROUPS[cmd_name]).app), cmd_name)
        if cmd_name in COMMANDS:
            group = typer.Typer()
            group.callback()(common)
            _module(COMMANDS[cmd_name]).register(group)
            return built(group).commands[cmd_name]  # type: ignore[attr-defined,no-any-return]
        return None


def _module(name: str) -> Any:
    return import_module(f"commonplace.cli.{name}")


def _named(command: Command, name: str) -> Command:
    command.name = name
    return command


def _show_version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"commonplace {commonplace.__version__}\n")
        raise typer.Exit


def common(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """A commonplace book for your AI conversations."""


app = typer.Typer(
    cls=Lazily,
    name="commonplace",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
app.callback()(common)


def main() -> None:
    """Run a command. What it writes is for its owner, and what it meets ends in a sentence and exit code 1."""
    os.umask(PRIVATE)
    _prefer_own_packages()
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        app(standalone_mode=True)
    except Exception as error:
        from commonplace.cli.foreign import explained
        from commonplace.cli.output import fail

        try:
            fail(explained(error))
        except typer.Exit as ending:
            sys.exit(ending.exit_code)


def _prefer_own_packages() -> None:
    """With `python -m`, the folder one stands in comes first, and may have a `flows` or `tasks` of its own."""
    own = str(Path(commonplace.__file__).parents[1])
    if sys.path and sys.path[0] in ("", str(Path.cwd())) and sys.path[0] != own:
        del sys.path[0]
