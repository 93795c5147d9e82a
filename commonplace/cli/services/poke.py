"""What Poke was told, and whether it answers (`commonplace poke ...`)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from commonplace.archive.ledger import ArchiveLedger
from commonplace.cli.options import Json
from commonplace.cli.output import Output, errors_for_people, exit_with, print_json, show_counts, tell
from commonplace.destinations.poke import PokeDestination
from commonplace.destinations.poke.digest import PREFIX
from commonplace.errors import Refused
from commonplace.session import open_session
from commonplace.stages.syncing.destinations import open_destination

app = typer.Typer(help="What Poke was told, and whether it answers.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="The destination, where there are several.")]


@app.command("status")
def status(name: Name = "poke", json: Json = False) -> None:
    """What was sent, what waits, and what may have arrived or not."""
    with errors_for_people(), _opened(name) as (poke, known):
        messages = known.counts(PREFIX)
        counts = {state: total - messages.get(state, 0) for state, total in known.counts().items()}
        told = {
            "destination": name,
            "address": poke.settings.base_url,
            "mode": poke.settings.mode,
            "recipient": poke.settings.recipient,
            "sent": counts.get("done", 0),
            "queued": counts.get("queued", 0),
            "failed": counts.get("failed", 0),
            "before_the_first_sync": counts.get("baseline", 0),
            "messages": messages.get("done", 0) if poke.settings.is_together else counts.get("done", 0),
        }
        doubted = [key for key, _ in known.in_state("intent", "uncertain")]
        if Output.as_json:
            print_json({**told, "undecided": doubted})
            return
        show_counts("Poke", told)
        for key in doubted:
            tell(f"{key} may have arrived or not: `commonplace sync {name} --accept {key}` or `--resend {key}`.")


@app.command("health")
def health(name: Name = "poke", json: Json = False) -> None:
    """Whether somebody answers at Poke's address. Nothing is sent, so the key is not tried."""
    with errors_for_people(), _opened(name) as (poke, _):
        found = poke.client.health()
        if Output.as_json:
            print_json({"destination": name, **found})
        else:
            show_counts("Poke", {**found, "ok": "yes" if found["ok"] else "no"})
        exit_with(0 if found["ok"] else 1)


@contextmanager
def _opened(name: str) -> Iterator[tuple[PokeDestination, ArchiveLedger]]:
    with (
        open_session() as session,
        open_destination(session.settings, session.environment, session.archive, name) as (opened, _),
    ):
        if not isinstance(opened, PokeDestination):
            raise Refused(f"The destination {name!r} is not Poke.")
        yield opened, ArchiveLedger(session.archive, opened.instance)
