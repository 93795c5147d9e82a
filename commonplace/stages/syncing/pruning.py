"""What a destination holds although its rules let it through no longer, or the archive has forgotten it: taken away.

Narrowing a rule changes nothing at a destination by itself. What was left behind is told, and removed when a person
asks for it; what a person added there stays.
"""

from __future__ import annotations

from typing import cast

import msgspec
from sqlalchemy import and_, false, func, select

from commonplace.archive import leases
from commonplace.archive.core import Archive
from commonplace.archive.ledger import ArchiveLedger
from commonplace.archive.rows import batched
from commonplace.archive.schema import conversations, ledger, projects
from commonplace.destinations.contract import Destination, Removes
from commonplace.errors import Refused
from commonplace.model import Outcome
from commonplace.session import Session
from commonplace.stages.syncing.pending import Rules
from commonplace.stages.work import leased


class PruneReport(msgspec.Struct, kw_only=True):
    """What was taken away, and what was not and why."""

    removed: int = 0
    conflicts: int = 0
    problems: list[Outcome] = msgspec.field(default_factory=list)


def left_behind(archive: Archive, destination: Destination, rules: Rules) -> list[str]:
    """The conversations that are there and that the rules do not let through, by id."""
    table = conversations.c
    joined = ledger.outerjoin(
        conversations, and_(table.owner == ledger.c.owner, table.id == ledger.c.conversation_id)
    ).outerjoin(projects, and_(projects.c.owner == table.owner, projects.c.id == table.project_id))
    ours = ledger.c.owner == archive.owner, ledger.c.destination == destination.instance
    passes = and_(table.id.is_not(None), func.coalesce(rules.clause(), false()))
    query = select(ledger.c.conversation_id).select_from(joined).where(*ours, ledger.c.remote_id.is_not(None), ~passes)
    with archive.read() as connection:
        return list(connection.execute(query.order_by(ledger.c.conversation_id)).scalars())


def prune(session: Session, destination: Destination, rules: Rules) -> PruneReport:
    """Take away what was left behind. Killed halfway, what is gone is gone, and asking again does the rest."""
    if not destination.capabilities.supports_removal:
        raise Refused("What was sent there cannot be taken back.")
    report = PruneReport()
    with leased(session, leases.syncing(session.archive.owner, destination.instance)) as ours:
        known = ArchiveLedger(ours.archive, destination.instance)
        for ids in batched(left_behind(ours.archive, destination, rules)):
            outcomes = cast(Removes, destination).remove(ids, known)
            report.removed += sum(outcome.state == "removed" for outcome in outcomes)
            report.problems += [outcome for outcome in outcomes if outcome.state != "removed"]
    report.conflicts = len(report.problems)
    return report
