"""The archive's tables: one schema for SQLite and PostgreSQL.

- Moments are integers (microseconds, UTC), JSON is text, so both dialects hold the same bytes and a backup is neutral.
- `owner` is in every key: no query crosses owners.
- Conversations and messages have a small integer `key` for joins and the text index; everything a stage says about
  a conversation refers to its text id, so it outlives a rebuild of the conversations from the kept exports.
- `conversations.category`, `.project_id` and their like are what holds now (a person's word, else the newest
  verdict or assignment): written in the same transaction as the row they come from, so that reading is one table.
"""

from __future__ import annotations

from commonplace.archive.access.tables import SHORT_LIVED
from commonplace.archive.metadata import metadata
from commonplace.archive.schema.conversations import attachments, conversations, files, messages, tombstones
from commonplace.archive.schema.imports import (
    export_requests,
    import_outcomes,
    imports,
    seen_files,
    source_items,
    watched_files,
)
from commonplace.archive.schema.ledger import ledger, ledger_items
from commonplace.archive.schema.projects import (
    assignments,
    features,
    project_events,
    project_models,
    project_refs,
    projects,
)
from commonplace.archive.schema.upkeep import leases, settings
from commonplace.archive.schema.vectors import passages, vector_kinds
from commonplace.archive.schema.verdicts import batches, corrections, judge_models, taxonomies, verdicts

__all__ = [
    "BACKED_UP",
    "OF_THIS_MACHINE",
    "assignments",
    "attachments",
    "batches",
    "conversations",
    "corrections",
    "export_requests",
    "features",
    "files",
    "import_outcomes",
    "imports",
    "judge_models",
    "leases",
    "ledger",
    "ledger_items",
    "messages",
    "passages",
    "project_events",
    "project_models",
    "project_refs",
    "projects",
    "seen_files",
    "settings",
    "source_items",
    "taxonomies",
    "tombstones",
    "vector_kinds",
    "verdicts",
    "watched_files",
]

# Where files of this machine lie, and that the archive has seen them: no backup tells it, and it is true of no other
# archive than the one that saw them.
OF_THIS_MACHINE = (seen_files, watched_files)

# What a backup holds: everything that cannot be made again (of vectors, those that were bought), and the conversations,
# so that it restores alone. What lets somebody in for a while is not: a restore would make it good again.
BACKED_UP = [table for table in metadata.sorted_tables if table not in (leases, *OF_THIS_MACHINE, *SHORT_LIVED)]
