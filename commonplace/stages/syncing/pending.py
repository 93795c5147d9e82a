"""What is not at a destination as it is now: a join of the conversations with the destination's ledger.

The key of the join names everything that counts as a change there (content, verdict, project, how and with which
settings it is rendered). Nothing is rendered to find out, and a run that finds nothing to do sends nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import msgspec
from sqlalchemy import ColumnElement, and_, false, func, literal, select

from commonplace.archive.core import Archive
from commonplace.archive.schema import conversations, ledger, projects
from commonplace.archive.verdicts.titles import shown_title
from commonplace.bounds import Natural
from commonplace.destinations.contract import Destination
from commonplace.model import LedgerState
from commonplace.stages.selection import Selection


class Rules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which conversations a destination gets at all, and how surely.

    No `Scope`: a rule lists names, leaves others out, and may name a project that does not exist yet. Since when, until
    when and of which project a run is asked for is its selection's.
    """

    categories: tuple[str, ...] = ()
    exclude_categories: tuple[str, ...] = ()
    projects: tuple[str, ...] = ()
    exclude_projects: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    minimum_messages: Natural = 1
    archived: bool = True
    """Also what was archived where it came from."""
    delivery: Literal["at-most-once", "at-least-once"] = "at-most-once"
    """Where nobody can ask what became of a request: a person decides, or the next run sends it again."""

    def clause(self) -> ColumnElement[bool]:
        table = conversations.c
        project = func.coalesce(projects.c.name, "")
        parts: list[ColumnElement[bool]] = [table.message_count >= self.minimum_messages]
        if self.categories:
            parts.append(table.category.in_(self.categories))
        if self.exclude_categories:  # what nobody has judged yet may be of an excluded one
            parts.append(and_(table.category.is_not(None), table.category.not_in(self.exclude_categories)))
        if self.projects:
            parts.append(project.in_(self.projects))
        if self.exclude_projects:
            parts.append(project.not_in(self.exclude_projects))
        if self.sources:
            parts.append(table.source.in_(self.sources))
        if not self.archived:
            parts.append(func.coalesce(table.is_archived, False).is_(False))
        return and_(*parts)


class Pending(msgspec.Struct, frozen=True, kw_only=True):
    """One conversation that has to be written, and why."""

    conversation_id: str
    messages: int
    title: str | None
    input_hash: str
    state: str
    """`new`, `changed`, or what the ledger says of an earlier attempt."""


class Wishes(msgspec.Struct, frozen=True, kw_only=True):
    """What a person wants of a run beside the ordinary."""

    retry_failed: bool = False
    """Try again what failed, although nothing changed since."""
    everything: bool = False
    """Also what was in the archive before the first run, where that is left out."""
    resend: tuple[str, ...] = ()
    """Send these (again), whatever is known of them."""
    accept: tuple[str, ...] = ()
    """Take these as arrived."""
    adopt: tuple[str, ...] = ()
    """Go on in the place of these archives, which wrote there and are lost."""
    agreed: bool = False
    """However many messages it makes."""
    pull_only: bool = False
    """Take in what happened there, and write nothing."""


def wishes_of(
    *,
    retry_failed: bool,
    everything: bool,
    resend: Sequence[str] | None,
    accept: Sequence[str] | None,
    adopt: Sequence[str] | None,
    agreed: bool = False,
    pull_only: bool = False,
) -> Wishes:
    """Wishes as options and parameters say them."""
    return Wishes(
        retry_failed=retry_failed,
        everything=everything,
        resend=tuple(resend or ()),
        accept=tuple(accept or ()),
        adopt=tuple(adopt or ()),
        agreed=agreed,
        pull_only=pull_only,
    )


def input_hash(destination: Destination) -> ColumnElement[str]:
    """Everything that counts as a change at the destination, as one value the database computes."""
    if not destination.capabilities.changes:
        return literal("once")
    table = conversations.c
    made_of: dict[str, ColumnElement[str]] = {
        "content": table.content_hash,
        "verdict": func.coalesce(table.verdict_hash, ""),
        "project": func.coalesce(projects.c.name, ""),
    }
    wanted: ColumnElement[str] = literal("")
    for name, value in made_of.items():
        if name in destination.capabilities.changes:
            wanted = wanted + value + literal(":")
    return wanted + literal(f"{destination.capabilities.renderer_version}:{destination.settings_hash}")


def pending(
    archive: Archive,
    destination: Destination,
    selection: Selection = Selection(),
    rules: Rules = Rules(),
    wishes: Wishes = Wishes(),
) -> list[Pending]:
    """What is not at the destination as it is now, oldest first."""
    wanted = input_hash(destination)
    query = in_scope(archive, destination, selection, rules, wanted)
    if not selection.force:
        is_settled = and_(ledger.c.state.in_(_settled(selection, wishes)), ledger.c.input_hash == wanted)
        query = query.where(~func.coalesce(is_settled, false()))
        if not destination.capabilities.supports_lookup:
            query = query.where(func.coalesce(ledger.c.state, "").not_in(("intent", "uncertain")))
    if selection.limit is not None:
        query = query.limit(selection.limit)
    with archive.read() as connection:
        return [
            Pending(
                conversation_id=row.id,
                messages=row.message_count,
                title=row.title,
                input_hash=row.wanted,
                state=_why(row.state),
            )
            for row in connection.execute(query)
        ]


def count_in_scope(archive: Archive, destination: Destination, selection: Selection, rules: Rules) -> int:
    """How many conversations the destination should hold of those asked about."""
    query = in_scope(archive, destination, selection, rules, input_hash(destination)).order_by(None)
    with archive.read() as connection:
        return int(connection.execute(select(func.count()).select_from(query.subquery())).scalar_one())


def in_scope(
    archive: Archive, destination: Destination, selection: Selection, rules: Rules, wanted: ColumnElement[str]
) -> Any:
    """The conversations that are asked about and that the rules let through, with what the ledger says of each."""
    table = conversations.c
    joined = conversations.outerjoin(
        projects, and_(projects.c.owner == table.owner, projects.c.id == table.project_id)
    ).outerjoin(
        ledger,
        and_(
            ledger.c.owner == table.owner,
            ledger.c.destination == destination.instance,
            ledger.c.conversation_id == table.id,
        ),
    )
    return (
        select(table.id, table.message_count, shown_title(), wanted.label("wanted"), ledger.c.state)
        .select_from(joined)
        .where(selection.clause(archive), rules.clause())
        .order_by(table.updated_at, table.id)
    )


def _settled(selection: Selection, wishes: Wishes) -> list[LedgerState]:
    """The states that need nothing more, for as long as the inputs stay."""
    settled: list[LedgerState] = ["done", "conflict", "queued"]
    if not wishes.retry_failed:
        settled.append("failed")
    if not wishes.everything and selection.since is None:
        settled.append("baseline")
    return settled


def _why(state: str | None) -> str:
    return {None: "new", "baseline": "new", "done": "changed"}.get(state, state or "new")
