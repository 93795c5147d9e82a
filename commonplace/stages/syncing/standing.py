"""How things stand at a destination, project by project; nothing is asked there."""

from __future__ import annotations

import msgspec
from sqlalchemy import func

from commonplace.archive.core import Archive
from commonplace.archive.ledger import ArchiveLedger
from commonplace.archive.schema import ledger, projects
from commonplace.destinations.contract import Destination
from commonplace.stages.selection import Selection
from commonplace.stages.syncing.pending import Rules, in_scope, input_hash


class Standing(msgspec.Struct, kw_only=True):
    """Of one project, or of what is in none."""

    project: str
    conversations: int = 0
    synced: int = 0
    pending: int = 0
    failed: int = 0
    uncertain: int = 0


def standings(archive: Archive, destination: Destination, rules: Rules) -> list[Standing]:
    """One for each project, by name."""
    wanted = input_hash(destination)
    name = func.coalesce(projects.c.name, "").label("project")
    is_current = func.coalesce(ledger.c.input_hash == wanted, False).label("is_current")
    query = in_scope(archive, destination, Selection(), rules, wanted).order_by(None)
    query = query.with_only_columns(name, ledger.c.state, is_current, func.count().label("total"))
    found: dict[str, Standing] = {}
    with archive.read() as connection:
        for row in connection.execute(query.group_by(name, ledger.c.state, is_current)):
            one = found.setdefault(row.project, Standing(project=row.project))
            one.conversations += row.total
            if row.state in ("intent", "uncertain"):
                one.uncertain += row.total
            elif row.is_current and row.state == "failed":
                one.failed += row.total
            elif row.is_current and row.state == "done":
                one.synced += row.total
            else:
                one.pending += row.total
    return [found[name] for name in sorted(found)]


def known_there(archive: Archive, destination: Destination, project: str | None) -> list[str]:
    """The conversations that are there; of a project, those that are in it here."""
    ids = [id for id, _ in ArchiveLedger(archive, destination.instance).remote_ids()]
    if project is None:
        return ids
    chosen = Rules(minimum_messages=0)
    query = in_scope(archive, destination, Selection(project=project), chosen, input_hash(destination))
    with archive.read() as connection:
        inside = {row.id for row in connection.execute(query)}
    return [id for id in ids if id in inside]
