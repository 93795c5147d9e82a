"""Where conversations came from: imports, what each brought, and what was looked at."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, LargeBinary, Table

from commonplace.archive.metadata import Moment, metadata
from commonplace.archive.texts import StoredText

imports = Table(
    "imports",
    metadata,
    Column("id", StoredText, primary_key=True),
    Column("owner", StoredText, nullable=False),
    Column("source", StoredText, nullable=False),
    Column("account", StoredText, nullable=False, server_default=""),
    Column("name", StoredText, nullable=False),
    Column("sha256", StoredText),
    Column("signature", StoredText, comment="path, size and mtime: the same file again is recognised at once"),
    Column("status", StoredText, nullable=False, comment="running | completed | failed | interrupted"),
    Column("started_at", Moment, nullable=False),
    Column("finished_at", Moment),
    Column("counts", StoredText, nullable=False, server_default="{}"),
    Column("defects", StoredText, nullable=False, server_default="[]"),
    Column("unknown_files", StoredText, nullable=False, server_default="[]"),
    Index("ix_imports_started", "owner", "started_at"),
)

import_outcomes = Table(
    "import_outcomes",
    metadata,
    Column("import_id", StoredText, ForeignKey("imports.id", ondelete="CASCADE"), primary_key=True),
    Column("conversation_id", StoredText, primary_key=True),
    Column("outcome", StoredText, nullable=False, comment="new | changed | unchanged | empty | failed"),
    Column("hash_before", StoredText),
    Column("hash_after", StoredText),
)

source_items = Table(
    "source_items",
    metadata,
    Column("owner", StoredText, primary_key=True),
    Column("digest", LargeBinary, primary_key=True),
    Column("conversation_id", StoredText, nullable=False),
    Column("is_empty", Boolean, nullable=False, server_default="0"),
    Column("message_count", Integer, nullable=False, server_default="0"),
    Column("attachment_count", Integer, nullable=False, server_default="0"),
    comment="Bytes that were merged before: merging them again changes nothing.",
)

seen_files = Table(
    "seen_files",
    metadata,
    Column("owner", StoredText, primary_key=True),
    Column("path", StoredText, primary_key=True),
    Column("state", StoredText, nullable=False, comment="the readers' version, size, time and inode"),
    Column("title", StoredText, nullable=False, comment="whose it is"),
    Column("digest", LargeBinary, nullable=False, comment="of its only item, as in source_items"),
    comment="Files of one conversation each, as they were when they were merged.",
)

watched_files = Table(
    "watched_files",
    metadata,
    Column("owner", StoredText, primary_key=True),
    Column("folder", StoredText, primary_key=True, comment="one of the settings"),
    Column(
        "digest", LargeBinary, primary_key=True, comment="of its path within: most files there are nobody's business"
    ),
    Column("size", BigInteger, nullable=False),
    Column("modified", BigInteger, nullable=False, comment="nanoseconds"),
    Column("state", StoredText, nullable=False, comment="taken | refused | other: no export"),
    Column("readers", StoredText, nullable=False, comment="which readers looked at it: newer ones may know it"),
    Column("name", StoredText, comment="of an export"),
    Column("seen_at", Moment, nullable=False),
    comment="What was looked at in watched folders, so that it is not read again.",
)

export_requests = Table(
    "export_requests",
    metadata,
    Column("owner", StoredText, primary_key=True),
    Column("account", StoredText, primary_key=True),
    Column("asked_at", Moment),
    Column("mail_at", Moment),
    Column("link", StoredText),
    Column("link_ends_at", Moment),
    Column("imported_at", Moment, comment="the export before the one that is asked for now"),
    Column("reminded_at", Moment),
    comment="How far it is with the next export of an account, as far as a person or a mail said.",
)
