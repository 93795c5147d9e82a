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
from commonplace.archive.projects.lookup import find_project
from commonplace.cli.options import DryRun, Json, Project, Yes
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
from commonplace.stages.stores import filling, standing
from commonplace.stages.stores import removing as stores
from commonplace.stages.stores.known import known_stores
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
        held = [msgspec.to_builtins(one) for one in standing.standings(session, look=look)]
        if Output.as_json:
            told = {"destination": name, "projects": rows, "orphans": orphans, "last_pull": pulled, "stores": held}
            print_json(told | ({"deleted": [msgspec.to_builtins(one) for one in deleted]} if look else {}))
            return
        grid = table("project", "conversations", "synced", "pending", "failed", "uncertain", title="OpenAI")
        for row in rows:
            grid.add_row(*cells(*(row | {"project": row["project"] or "(none)"}).values()))
        people.print(grid)
        if held:
            grid = table(*held[0], title="Vector stores")
            for one in held:
                grid.add_row(*cells(*one.values()))
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


@app.command("store")
def store(
    project: Annotated[str, typer.Argument(help="A project, by name or id.")],
    dry_run: DryRun = False,
    remove: Annotated[bool, typer.Option("--remove", help="Take it away, with its files.")] = False,
    max_cost: Annotated[float | None, typer.Option(min=0, help="US dollars it may cost until it expires.")] = None,
    json: Json = False,
) -> None:
    """Make a project's vector store, which `ask --project` searches, or bring it up to date. Run again, it does the
    rest."""
    with errors_for_people(), open_session() as session:
        if remove:
            found = find_project(session.archive, project)
            removed = bool(stores.take_away(session, [found.id]))
            if Output.as_json:
                print_json({"project": found.name, "removed": removed})
            tell("Its vector store is gone." if removed else "It has no vector store.")
            return
        planned = filling.plan(session, project)
        told = msgspec.to_builtins(planned)
        if not dry_run:
            if not Output.as_json:
                tell(f"{planned.to_upload:,} to upload; {_priced(planned)}")
            told = msgspec.to_builtins(filling.fill(session, project, max_cost=max_cost))
        if Output.as_json:
            print_json(told | {"dry_run": dry_run})
        else:
            show_counts("Vector store", told)
        exit_with(1 if told.get("failed") else 0)


def _priced(planned: filling.Plan) -> str:
    size = f"{planned.bytes / 1_000_000:,.1f} MB for {planned.days} days"
    return f"{size} cost at most ${planned.cost_usd:.4f}." if planned.cost_usd else f"{size}."


@app.command("purge")
def purge(
    name: Name = "openai",
    project: Project = None,
    id: Annotated[list[str] | None, typer.Option("--id", help="This conversation; repeatable.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Whatever is there of this archive.")] = False,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Take conversations away at OpenAI, with what was said there, and vector stores. Run again, it does the rest."""
    with errors_for_people(), _opened(name) as (session, there, _):
        if sum(map(bool, (project, id, everything))) != 1:
            raise Refused("Say what is to go.", hint="One of --project NAME, --id ID, --all.")
        known, held = known_there(session.archive, there, project), known_stores(session)
        in_stores = {one for each in held for one in each.conversation_of.values()}
        wanted = {one if one in in_stores.union(known) else find_conversation(session.archive, one) for one in id or ()}
        chosen = [one for one in known if not id or one in wanted]
        if missing := sorted(wanted - in_stores.union(known)):
            raise Refused(f"{missing[0]!r} is not there.", hint="`commonplace openai status` counts what is.")
        only = find_project(session.archive, project).id if project else None
        emptied = [] if id else [each.project_id for each in held if only in (None, each.project_id)]
        what = f"{len(chosen):,} conversations" + (f" and {len(emptied):,} vector stores" if emptied else "")
        if (chosen or emptied) and not yes:
            if Output.as_json:
                raise Refused(f"{what} would be removed.", hint="Add --yes.")
            if not confirm(f"Remove {what} from OpenAI, with what was said there?"):
                raise Refused("Nothing was removed.")
        removed = _take_away(session, there, chosen)
        files = stores.take_out(session, wanted & in_stores) if wanted & in_stores else 0
        gone = stores.take_away(session, emptied) if emptied else []
        told = {"stores": len(gone), "files": files, "requests": there.requests_sent}
        if Output.as_json:
            print_json({"destination": name, "removed": removed} | told)
        else:
            show_counts("Removed from OpenAI", {"conversations": len(removed)} | told)
        exit_with(0)


def _take_away(session: Session, there: OpenAIDestination, ids: list[str]) -> list[str]:
    with leased(session, leases.syncing(session.archive.owner, there.instance)) as ours:
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
