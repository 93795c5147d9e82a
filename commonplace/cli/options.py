"""The options that many commands share."""

from __future__ import annotations

from typing import Annotated

import typer

from commonplace.cli.output import Output


def _speak_json(wanted: bool) -> bool:
    Output.as_json = wanted or Output.as_json
    return wanted


Json = Annotated[
    bool, typer.Option("--json", help="Print one JSON object for programs.", callback=_speak_json, is_eager=True)
]
Since = Annotated[str | None, typer.Option(help="Updated at or after: 2026-03-01, 2026-03, '3 months ago'.")]
Until = Annotated[str | None, typer.Option(help="Updated before.")]
Project = Annotated[str | None, typer.Option(help="Only this project, by name or id.")]
Limit = Annotated[int | None, typer.Option(min=1, help="At most so many.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")]
Force = Annotated[bool, typer.Option("--force", help="Do again what is done.")]
Direct = Annotated[
    bool, typer.Option("--direct", help="Without Prefect: no history, secrets from the environment only.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
