"""The options that many commands share, and what those that were typed mean."""

from __future__ import annotations

from typing import Annotated

import typer

from commonplace.cli.output import Output
from commonplace.config import Settings
from commonplace.moments import parse
from commonplace.stages.selection import Selection


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
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would be done, and do nothing.")]
Force = Annotated[bool, typer.Option("--force", help="Do again what is done.")]
Direct = Annotated[
    bool, typer.Option("--direct", help="Without Prefect: no history, secrets from the environment only.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def moment(text: str | None, settings: Settings) -> int | None:
    """A bound that was typed, in the settings' time zone."""
    return None if text is None else parse(text, settings.zone)


def selection(
    settings: Settings,
    *,
    since: str | None = None,
    until: str | None = None,
    project: str | None = None,
    chosen: str | None = None,
    limit: int | None = None,
    force: bool = False,
) -> Selection:
    """What the options of a stage command ask for; `chosen` is a choice by its name."""
    from commonplace.stages import several

    return Selection(
        since=moment(since, settings),
        until=moment(until, settings),
        project=project,
        ids=several.find(settings.home, settings.owner, chosen).ids if chosen else None,
        limit=limit,
        force=force,
    )
