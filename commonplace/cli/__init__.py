"""The commands. `main` is what `commonplace` runs; the modules here hold a group of commands each."""

from __future__ import annotations

import sys

import typer

from commonplace.cli import asking, care, embedding, projects, reading, review, stages, system, taxonomy
from commonplace.cli.output import fail
from commonplace.cli.server import inbox, keys, mcp, oauth, serving, users
from commonplace.errors import CommonplaceError

app = typer.Typer(
    name="commonplace",
    help="A commonplace book for your AI conversations.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
for group in (system, stages, embedding, reading, asking, care, review, serving, mcp):
    group.register(app)
app.add_typer(projects.app, name="projects")
app.add_typer(taxonomy.app, name="taxonomy")
app.add_typer(users.app, name="users")
app.add_typer(inbox.app, name="inbox")
app.add_typer(keys.app, name="keys")
app.add_typer(oauth.app, name="oauth")


def main() -> None:
    """Run a command; an error of ours becomes a sentence and exit code 1."""
    try:
        app(standalone_mode=True)
    except CommonplaceError as error:
        try:
            fail(error)
        except typer.Exit as exit_:
            sys.exit(exit_.exit_code)
