"""How far it is with the next export of each account: when it was asked for, and what the mail about it says."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import func, select

from commonplace.archive.core import Archive
from commonplace.archive.rows import put
from commonplace.archive.schema import export_requests, imports


class ExportRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of an account. Moments are microseconds; None: it has not happened."""

    account: str
    asked_at: int | None = None
    mail_at: int | None = None
    link: str | None = None
    link_ends_at: int | None = None
    imported_at: int | None = None
    reminded_at: int | None = None

    @property
    def opened_at(self) -> int | None:
        """When something was last heard of it: a click, or a mail that may have come without one."""
        return max(filter(None, (self.asked_at, self.mail_at)), default=None)


def requests(archive: Archive) -> dict[str, ExportRequest]:
    """By account."""
    columns = [export_requests.c[name] for name in ExportRequest.__struct_fields__]
    with archive.read() as connection:
        rows = connection.execute(select(*columns).where(export_requests.c.owner == archive.owner))
        return {row.account: ExportRequest(**row._mapping) for row in rows}


def change(archive: Archive, account: str, **values: Any) -> None:
    """Note this about an account's request; the rest stays."""
    with archive.write() as connection:
        put(connection, export_requests, [{"owner": archive.owner, "account": account, **values}])


def exports_in(archive: Archive) -> dict[str, int]:
    """By account, or by source for the account without a name: when its newest export came for the first time."""
    table = imports.c
    query = (
        select(table.account, table.source, func.min(table.finished_at))
        .where(table.owner == archive.owner, table.status == "completed", table.sha256.is_not(None))
        .group_by(table.account, table.source, table.sha256)
    )
    found: dict[str, int] = {}
    with archive.read() as connection:
        for account, source, at in connection.execute(query):
            found[account or source] = max(at, found.get(account or source, at))
    return found
