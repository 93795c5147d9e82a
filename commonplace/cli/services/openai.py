"""Conversations at OpenAI (`commonplace openai ...`)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import msgspec
import typer

from commonplace.archive import leases
from commonplace.archive.conversations.reading import find_conversation
from commonplace.archive.ledger import ArchiveLedger
from commonplace.cli.options import Json, Project, Yes
from commonplace.cli.output import (
    Output,
    cells,
    confirm,
    errors_for_people,
    exit_with,
    people,
    print_json,
    show_counts,
    table,
    tell,
)
from commonplace.destinations.openai import OpenAIDestination
from commonplace.destinations.openai.destination import Deletion, shells_of
from commonplace.errors import Refused
from commonplace.moments import to_iso
from commonplace.session import Session, open_session
from commonplace.stages.syncing.destinations import open_destination
from commonplace.stages.syncing.pending import Rules
from commonplace.stages.syncing.pull import pulled_at
from commonplace.stages.syncing.standing import known_there, standings
from commonplace.stages.work import leased

app = typer.Typer(help="Conversations at OpenAI: how they stand, and taking them away.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="The destination, where there are several.")]


@app.command("status")
def status(
    name: Name = "openai",
    look: Annotated[bool, typer.Option("--look", help="Ask OpenAI what somebody deleted there; reads all.")] = False,
    json: Json = False,
) -> None:
    """By project: what is there, what waits, what failed. Nothing is asked at OpenAI without --look."""
    with errors_for_people(), _opened(name) as (session, there, rules):
        rows = [msgspec.to_builtins(one) for one in standings(session.archive, there, rules)]
        known = ArchiveLedger(session.archive, there.instance)
        orphans, deleted = shells_of(known), list(there.deleted(known)) if look else []
        pulled = to_iso(pulled_at(session.archive, there), session.settings.zone)
        if Output.as_json:
            told = {"destination": name, "projects": rows, "orphans": orphans, "last_pull": pulled}
            print_json(told | ({"deleted": [msgspec.to_builtins(one) for one in deleted]} if look else {}))
            return
        grid = table("project", "conversations", "synced", "pending", "failed", "uncertain", title="OpenAI")
        for row in rows:
            grid.add_row(*cells(*(row | {"project": row["project"] or "(none)"}).values()))
        people.print(grid)
        tell(f"Last pull: {pulled or 'never'}.")
        if look:
            _tell_deleted(deleted)
        if orphans:
            tell(f"{orphans:,} empty conversations may be there that no answer told us of; they can be neither listed nor removed.")  # fmt: skip  # noqa: E501


def _tell_deleted(deleted: list[Deletion]) -> None:
    for one in deleted:
        tell(
            f"{one.conversation_id}: "
            + ("deleted there." if one.is_whole else f"{one.messages:,} messages deleted there.")
        )
    if not deleted:
        tell("Nothing was deleted there.")


@app.command("purge")
def purge(
    name: Name = "openai",
    project: Project = None,
    id: Annotated[list[str] | None, typer.Option("--id", help="This conversation; repeatable.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Whatever is there of this archive.")] = False,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Take conversations away at OpenAI, with their items and what was said there. Run again, it does the rest."""
    with errors_for_people(), _opened(name) as (session, there, _):
        if sum(map(bool, (project, id, everything))) != 1:
            raise Refused("Say what is to go.", hint="One of --project NAME, --id ID, --all.")
        known = known_there(session.archive, there, project)
        wanted = {one if one in known else find_conversation(session.archive, one) for one in id or ()}
        chosen = [one for one in known if not id or one in wanted]
        if missing := sorted(wanted - set(known)):
            raise Refused(f"{missing[0]!r} is not there.", hint="`commonplace openai status` counts what is.")
        if chosen and not yes:
            if Output.as_json:
                raise Refused(f"{len(chosen):,} conversations would be removed.", hint="Add --yes.")
            if not confirm(f"Remove {len(chosen):,} conversations from OpenAI, with what was said there?"):
                raise Refused("Nothing was removed.")
        removed = _take_away(session, there, chosen)
        if Output.as_json:
            print_json({"destination": name, "removed": removed, "requests": there.requests_sent})
        else:
            show_counts("Removed from OpenAI", {"conversations": len(removed), "requests": there.requests_sent})
        exit_with(0)


def _take_away(session: Session, there: OpenAIDestination, ids: list[str]) -> list[str]:
    with leased(session, leases.syncing(there.instance)) as ours:
        ledger = ArchiveLedger(ours.archive, there.instance)
        return [
            there.take_away(id, entry, ledger, everything=True).conversation_id for id, entry in ledger.get(ids).items()
        ]


@contextmanager
def _opened(name: str) -> Iterator[tuple[Session, OpenAIDestination, Rules]]:
    with (
        open_session() as session,
        open_destination(session.settings, session.environment, session.archive, name) as (opened, rules),
    ):
        if not isinstance(opened, OpenAIDestination):
            raise Refused(f"The destination {name!r} is not OpenAI.")
        yield session, opened, rules
