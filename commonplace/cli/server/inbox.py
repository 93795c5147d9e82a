"""The inbox of webhooks (`commonplace inbox ...`): what failed and why, what waits for a word, letting go of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Literal

import typer

from commonplace.archive.inbox import Inbox, open_inbox
from commonplace.cli.options import Json, Yes
from commonplace.cli.output import Output, cells, confirm, errors_for_people, people, print_json, table, tell
from commonplace.errors import Refused
from commonplace.moments import to_iso
from commonplace.session import Session, open_session

app = typer.Typer(help="What webhooks brought: list, replay, drop.", no_args_is_help=True)
SomeIds = Annotated[list[int] | None, typer.Argument(help="Deliveries, by their numbers.")]
Ids = Annotated[list[int], typer.Argument(help="Deliveries, by their numbers.")]


@contextmanager
def _opened() -> Iterator[tuple[Session, Inbox]]:
    with errors_for_people(), open_session() as session, open_inbox(session.archive) as inbox:
        yield session, inbox


@app.command("list")
def list_command(
    state: Annotated[
        Literal["waiting", "done", "failed", "quarantined"] | None, typer.Option(help="Only those.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50,
    json: Json = False,
) -> None:
    """What came in, the newest first: without its words."""
    with _opened() as (session, inbox):
        found = inbox.entries(*([state] if state else []), limit=limit)
        if Output.as_json:
            shown = [
                {
                    "id": entry.id,
                    "source": entry.source,
                    "kind": entry.kind,
                    "uid": entry.uid,
                    "state": entry.state,
                    "reason": entry.reason,
                    "attempts": entry.attempts,
                    "size": entry.size,
                    "received_at": to_iso(entry.received_at),
                }
                for entry in found
            ]
            print_json({"counts": inbox.counts(), "deliveries": shown})
            return
        grid = table("", "received", "kind", "uid", "state", "reason")
        for entry in found:
            when = (to_iso(entry.received_at, session.settings.zone) or "")[:16].replace("T", " ")
            grid.add_row(*cells(entry.id, when, entry.kind, entry.uid, entry.state, entry.reason))
        people.print(grid)
        tell(", ".join(f"{count} {name}" for name, count in inbox.counts().items()))


@app.command("replay")
def replay(
    ids: SomeIds = None,
    uid: Annotated[str | None, typer.Option(help="All that failed or is in quarantine for this uid.")] = None,
    json: Json = False,
) -> None:
    """Let it wait again: these, those of a uid, or all that failed. Whoever releases a delivery vouches for it."""
    with _opened() as (_, inbox):
        replayed = inbox.replay(ids, uid=uid)
        if ids and not replayed:
            raise Refused("None of these failed or is in quarantine.", hint="`commonplace inbox list` shows them.")
        if Output.as_json:
            print_json({"replayed": replayed})
        tell(f"{replayed} wait again; the next run takes them in.")


@app.command("drop")
def drop(ids: Ids, yes: Yes = False, json: Json = False) -> None:
    """Throw deliveries away, for good."""
    with _opened() as (_, inbox):
        if not yes and not Output.as_json:
            confirm(f"Throw {len(ids)} away, for good?", abort=True)
        dropped = inbox.drop(ids)
        if Output.as_json:
            print_json({"dropped": dropped})
        tell(f"{dropped} thrown away.")
