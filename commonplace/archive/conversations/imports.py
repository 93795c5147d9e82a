"""What the archive remembers of imports: each with its counts, its defects and what became of every conversation.

An import that a dead process left behind says `running`. Only one import of an owner runs at a time, so who holds the
lease knows that such a row is a leftover, and marks it `interrupted`: its conversations are in, as far as it came, and
importing the file again completes it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import PurePosixPath
from typing import Any, Literal
from uuid import uuid4

import msgspec
from sqlalchemy import Connection, Row, and_, case, exists, func, insert, or_, select, union, update

from commonplace import moments
from commonplace.archive.core import Archive
from commonplace.archive.rows import add, add_selected, to_json
from commonplace.archive.schema import (
    attachments,
    conversations,
    files,
    import_outcomes,
    imports,
    source_items,
    tombstones,
)
from commonplace.errors import Defect, LeftOut

Status = Literal["running", "completed", "failed", "interrupted"]


_left_out = msgspec.json.Decoder(list[LeftOut | str])
"""The first version noted names alone."""


class Counts(msgspec.Struct, kw_only=True):
    """What was read, and what became of it. `messages` and `attachments` are those of all that was read."""

    read: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    empty: int = 0
    failed: int = 0
    messages: int = 0
    attachments: int = 0

    @property
    def is_balanced(self) -> bool:
        return self.read == self.new + self.changed + self.unchanged + self.empty + self.failed

    def count(self, outcome: str, *, messages: int = 0, attachments: int = 0) -> None:
        """One item was read; `outcome` is the name of one of the counts."""
        self.read += 1
        setattr(self, outcome, getattr(self, outcome) + 1)
        self.messages += messages
        self.attachments += attachments

    def add(self, other: Counts) -> None:
        for name in Counts.__struct_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


class SourceItem(msgspec.Struct, frozen=True):
    """Bytes that were merged before, and how much was in them."""

    conversation_id: str
    is_empty: bool
    message_count: int
    attachment_count: int


class ImportRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One import, as `doctor` and the history show it."""

    id: str
    source: str
    account: str = ""
    name: str
    status: Status
    started_at: int
    finished_at: int | None
    sha256: str | None
    counts: Counts
    defects: list[Defect]
    left_out: list[LeftOut]


def start(archive: Archive, *, name: str, signature: str) -> str:
    """Note that an import begins; its id."""
    import_id = uuid4().hex
    row = {
        "id": import_id,
        "owner": archive.owner,
        "source": "",
        "name": name,
        "signature": signature,
        "status": "running",
        "started_at": moments.now(),
    }
    with archive.write() as connection:
        connection.execute(insert(imports).values(row))
    return import_id


def finish(
    archive: Archive,
    import_id: str,
    counts: Counts,
    *,
    source: str = "",
    account: str = "",
    defects: Sequence[Defect] = (),
    left_out: Sequence[LeftOut] = (),
    sha256: str | None = None,
    status: Status = "completed",
) -> None:
    """Note whose export it was and how it ended. Items that failed become outcomes too, named by file and place."""
    row = {
        "status": status,
        "finished_at": moments.now(),
        "counts": to_json(counts),
        "defects": to_json(list(defects)),
        "unknown_files": to_json(list(left_out)),
        "sha256": sha256,
        "source": source,
        "account": account,
    }
    failed = [
        {"import_id": import_id, "conversation_id": f"{defect.file}:{defect.item}", "outcome": "failed"}
        for defect in defects
    ]
    with archive.write() as connection:
        connection.execute(update(imports).where(imports.c.id == import_id).values(row))
        add(connection, import_outcomes, failed)


def mark_interrupted(archive: Archive) -> list[str]:
    """Mark what dead processes left `running`. To be called by who holds the owner's import lease."""
    left = (imports.c.owner == archive.owner) & (imports.c.status == "running")
    with archive.write() as connection:
        statement = update(imports).where(left).values(status="interrupted").returning(imports.c.id)
        return list(connection.execute(statement).scalars())


def history(archive: Archive, *, limit: int = 20) -> list[ImportRecord]:
    """The newest imports first."""
    query = select(imports).where(imports.c.owner == archive.owner)
    query = query.order_by(imports.c.started_at.desc(), imports.c.id).limit(limit)
    with archive.read() as connection:
        return [_record(row) for row in connection.execute(query)]


def find_flawless(
    archive: Archive, *, signature: str | None = None, beginning: str | None = None, sha256: str | None = None
) -> ImportRecord | None:
    """The newest completed import without a failure whose file had this signature, beginning of one, or hash.

    What failed in a file may work with the next version of its reader, so such a file is read again.
    """
    query = select(imports).where(imports.c.owner == archive.owner, imports.c.status == "completed")
    if signature is not None:
        query = query.where(imports.c.signature == signature)
    if beginning is not None:
        query = query.where(imports.c.signature.startswith(beginning, autoescape=True))
    if sha256 is not None:
        query = query.where(imports.c.sha256 == sha256)
    query = query.where(imports.c.defects == "[]").order_by(imports.c.started_at.desc()).limit(1)
    with archive.read() as connection:
        row = connection.execute(query).one_or_none()
    return _record(row) if row else None


def named(archive: Archive, name: str) -> ImportRecord | None:
    """The newest import of a file of this name."""
    query = select(imports).where(imports.c.owner == archive.owner, imports.c.name == name)
    with archive.read() as connection:
        row = connection.execute(query.order_by(imports.c.started_at.desc()).limit(1)).one_or_none()
    return _record(row) if row else None


def is_in(archive: Archive, name: str) -> bool:
    """Whether a file of this name was imported to its end."""
    record = named(archive, name)
    return record is not None and record.status == "completed"


def so_far(archive: Archive, record: ImportRecord) -> Counts:
    """What became of what was read: at the end as it was counted, before that as far as it is written down."""
    if record.status != "running":
        return record.counts
    query = select(import_outcomes.c.outcome, func.count()).where(import_outcomes.c.import_id == record.id)
    with archive.read() as connection:
        by_outcome = connection.execute(query.group_by(import_outcomes.c.outcome)).all()
    counted = Counts(read=sum(number for _, number in by_outcome))
    for outcome, number in by_outcome:
        setattr(counted, outcome, number)
    return counted


def is_kept(archive: Archive, record: ImportRecord) -> bool:
    """Whether the export itself is in the files location."""
    query = select(files.c.sha256).where(files.c.sha256 == record.sha256)
    with archive.read() as connection:
        return connection.execute(query).one_or_none() is not None


def files_of(archive: Archive, record: ImportRecord) -> set[str]:
    """The hashes of what was kept of an import: the export itself, and the attachments of its conversations."""
    came = and_(
        import_outcomes.c.import_id == record.id,
        conversations.c.owner == archive.owner,
        conversations.c.id == import_outcomes.c.conversation_id,
    )
    shown = conversations.join(import_outcomes, came).join(
        attachments, attachments.c.conversation_key == conversations.c.key
    )
    hashes = union(
        select(attachments.c.sha256).select_from(shown), select(imports.c.sha256).where(imports.c.id == record.id)
    ).subquery()
    with archive.read() as connection:
        return set(connection.execute(select(files.c.sha256).where(files.c.sha256.in_(select(hashes)))).scalars())


def forget_attachments(connection: Connection, owner: str, conversation_keys: Collection[int]) -> None:
    """Imports do not tell any more what was wrong with attachments of these conversations: it names them."""
    of_these = attachments.c.conversation_key.in_(conversation_keys)
    found = connection.execute(select(attachments.c.id, attachments.c.name, attachments.c.member).where(of_these)).all()
    names = {name for row in found for name in row if name}
    if not names:
        return
    for row in connection.execute(select(imports).where(imports.c.owner == owner)).all():
        record = _record(row)
        left_out = [one for one in record.left_out if not _is_named(one.name, names)]
        defects = [one for one in record.defects if not _is_named(one.item, names)]
        if (left_out, defects) != (record.left_out, record.defects):
            values = {"unknown_files": to_json(left_out), "defects": to_json(defects)}
            connection.execute(update(imports).where(imports.c.id == row.id).values(values))


def _is_named(told: str, names: Collection[str]) -> bool:
    return told in names or PurePosixPath(told).name in names


def known_items(archive: Archive, digests: Sequence[bytes]) -> dict[bytes, SourceItem]:
    """Which of these bytes were merged before: merging them again would change nothing."""
    table = source_items.c
    is_there = exists().where(conversations.c.owner == table.owner, conversations.c.id == table.conversation_id)
    is_gone = exists().where(tombstones.c.owner == table.owner, tombstones.c.conversation_id == table.conversation_id)
    query = select(table.digest, *(table[name] for name in SourceItem.__struct_fields__)).where(
        table.owner == archive.owner, table.digest.in_(digests), or_(table.is_empty, is_there, is_gone)
    )
    with archive.read() as connection:
        return {bytes(row.digest): SourceItem(*row[1:]) for row in connection.execute(query)}


def knows_nothing(archive: Archive) -> bool:
    """Whether nothing that is read can be known already."""
    query = select(source_items.c.digest).where(source_items.c.owner == archive.owner).limit(1)
    with archive.read() as connection:
        return connection.execute(query).first() is None


def record_known(archive: Archive, import_id: str, digests: Sequence[bytes]) -> None:
    """The outcomes of items that were skipped, because their bytes were merged before."""
    items, heads = source_items.c, conversations.c
    there = source_items.outerjoin(conversations, (heads.owner == items.owner) & (heads.id == items.conversation_id))
    query = (
        select(
            select(imports.c.id).where(imports.c.id == import_id).scalar_subquery(),
            items.conversation_id,
            case((items.is_empty, "empty"), else_="unchanged"),
            heads.content_hash,
            heads.content_hash,
        )
        .select_from(there)
        .where(items.owner == archive.owner, items.digest.in_(digests))
    )
    names = ["import_id", "conversation_id", "outcome", "hash_before", "hash_after"]
    with archive.write() as connection:
        add_selected(connection, import_outcomes, names, query)


def record_same(archive: Archive, import_id: str, earlier_id: str) -> None:
    """The outcomes of a file that was imported before: those of the earlier import, as nothing that is new."""
    table, heads = import_outcomes.c, conversations.c
    there = import_outcomes.outerjoin(
        conversations, (heads.owner == archive.owner) & (heads.id == table.conversation_id)
    )
    query = (
        select(
            select(imports.c.id).where(imports.c.id == import_id).scalar_subquery(),
            table.conversation_id,
            case((table.outcome == "empty", "empty"), else_="unchanged"),
            heads.content_hash,
            heads.content_hash,
        )
        .select_from(there)
        .where(table.import_id == earlier_id)
    )
    names = ["import_id", "conversation_id", "outcome", "hash_before", "hash_after"]
    with archive.write() as connection:
        add_selected(connection, import_outcomes, names, query)


def _record(row: Row[Any]) -> ImportRecord:
    left_out = _left_out.decode(row.unknown_files)
    return ImportRecord(
        id=row.id,
        source=row.source,
        account=row.account,
        name=row.name,
        status=row.status,
        started_at=row.started_at,
        finished_at=row.finished_at,
        sha256=row.sha256,
        counts=msgspec.json.decode(row.counts, type=Counts),
        defects=msgspec.json.decode(row.defects, type=list[Defect]),
        left_out=[LeftOut(one, "not read") if isinstance(one, str) else one for one in left_out],
    )
