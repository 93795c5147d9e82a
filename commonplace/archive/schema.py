"""The archive's tables: one schema for SQLite and PostgreSQL.

- Moments are integers (microseconds, UTC), JSON is text, so both dialects hold the same bytes and a backup is neutral.
- `owner` is in every key: no query crosses owners.
- Conversations and messages have a small integer `key` for joins and the text index; everything a stage says about
  a conversation refers to its text id, so it outlives a rebuild of the conversations from the kept exports.
- `conversations.category`, `.project_id` and their like are what holds now (a person's word, else the newest
  verdict or assignment): written in the same transaction as the row they come from, so that reading is one table.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    UniqueConstraint,
)

from commonplace.archive.access.tables import SHORT_LIVED
from commonplace.archive.metadata import Key, Moment, metadata
from commonplace.archive.texts import StoredText

settings = Table(
    "archive_settings",
    metadata,
    Column("name", StoredText, primary_key=True),
    Column("value", StoredText, nullable=False),
    comment="What the archive knows of itself: the state of its text index, its id.",
)

conversations = Table(
    "conversations",
    metadata,
    Column("key", Key, primary_key=True, autoincrement=True),
    Column("owner", StoredText, nullable=False),
    Column("id", StoredText, nullable=False),
    Column("source", StoredText, nullable=False),
    Column("external_id", StoredText, nullable=False),
    Column("title", StoredText),
    Column("created_at", Moment),
    Column("updated_at", Moment),
    Column("content_hash", StoredText, nullable=False),
    Column("current_message_id", StoredText),
    Column("project_ref", StoredText),
    Column("gpt_ref", StoredText),
    Column("model", StoredText),
    Column("url", StoredText),
    Column("is_archived", Boolean),
    Column("is_starred", Boolean),
    Column("pinned_at", Moment),
    Column("message_count", Integer, nullable=False, server_default="0"),
    Column("character_count", Integer, nullable=False, server_default="0"),
    Column("has_code", Boolean, nullable=False, server_default="0"),
    Column("has_image", Boolean, nullable=False, server_default="0"),
    Column("has_file", Boolean, nullable=False, server_default="0"),
    Column("extra", StoredText, nullable=False, server_default="{}"),
    Column("older", StoredText, comment="JSON: what is from an older state than updated_at, and from when (merge.py)"),
    Column("imported_at", Moment, nullable=False),
    # What holds now, from verdicts, corrections and assignments.
    Column("category", StoredText),
    Column("tags", StoredText, nullable=False, server_default="[]"),
    Column("summary", StoredText),
    Column("language", StoredText),
    Column("confidence", Float),
    Column("needs_review", Boolean, nullable=False, server_default="0"),
    Column("verdict_hash", StoredText),
    Column("project_id", StoredText),
    UniqueConstraint("owner", "id"),
    Index("ix_conversations_updated", "owner", "updated_at"),
    Index("ix_conversations_project", "owner", "project_id"),
    Index("ix_conversations_category", "owner", "category"),
)

messages = Table(
    "messages",
    metadata,
    Column("key", Key, primary_key=True, autoincrement=True),
    Column("conversation_key", Key, ForeignKey("conversations.key", ondelete="CASCADE"), nullable=False),
    Column("id", StoredText, nullable=False),
    Column("parent_id", StoredText),
    Column("position", Integer, nullable=False),
    Column("role", StoredText, nullable=False),
    Column("author", StoredText),
    Column("content_type", StoredText, nullable=False),
    Column("text", StoredText, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("created_at", Moment),
    Column("model", StoredText),
    Column("is_active", Boolean, nullable=False),
    Column("is_hidden", Boolean, nullable=False),
    Column("extra", StoredText),
    Column("raw", LargeBinary),
    Column("older", StoredText, comment="JSON: what is from an older state than the conversation's (merge.py)"),
    UniqueConstraint("conversation_key", "id"),
)

attachments = Table(
    "attachments",
    metadata,
    Column("key", Key, primary_key=True, autoincrement=True),
    Column("conversation_key", Key, ForeignKey("conversations.key", ondelete="CASCADE"), nullable=False),
    Column("message_id", StoredText, nullable=False),
    Column("id", StoredText, nullable=False),
    Column("kind", StoredText, nullable=False),
    Column("name", StoredText),
    Column("mime_type", StoredText),
    Column("size", BigInteger),
    Column("prompt", StoredText),
    Column("member", StoredText),
    Column("sha256", StoredText),
    UniqueConstraint("conversation_key", "message_id", "id"),
    Index("ix_attachments_sha256", "sha256"),
)

files = Table(
    "files",
    metadata,
    Column("sha256", StoredText, primary_key=True),
    Column("kind", StoredText, nullable=False),
    Column("name", StoredText, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("stored_at", Moment, nullable=False),
    comment="Kept exports and attachments, by content, in the files location.",
)

imports = Table(
    "imports",
    metadata,
    Column("id", StoredText, primary_key=True),
    Column("owner", StoredText, nullable=False),
    Column("source", StoredText, nullable=False),
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

tombstones = Table(
    "tombstones",
    metadata,
    Column("owner", StoredText, primary_key=True),
    Column("conversation_id", StoredText, primary_key=True),
    Column("forgotten_at", Moment, nullable=False),
)

taxonomies = Table(
    "taxonomies",
    metadata,
    Column("owner", StoredText, primary_key=True),
    Column("name", StoredText, primary_key=True),
    Column("hash", StoredText, nullable=False),
    Column("definition", StoredText, nullable=False),
    Column("updated_at", Moment, nullable=False),
)

verdicts = Table(
    "verdicts",
    metadata,
    Column("owner", StoredText, primary_key=True),
    Column("conversation_id", StoredText, primary_key=True),
    Column("taxonomy", StoredText, primary_key=True),
    Column("judge", StoredText, primary_key=True, comment="judge + model + prompt version"),
    Column("content_hash", StoredText, nullable=False),
    Column("taxonomy_hash", StoredText, nullable=False),
    Column("model", StoredText, nullable=False),
    Column("prompt_version", StoredText, nullable=False),
    Column("category", StoredText, nullable=False),
    Column("runner_up", StoredText),
    Column("confidence", Float, nullable=False),
    Column("tags", StoredText, nullable=False, server_default="[]"),
    Column("title", StoredText),
    Column("summary", StoredText, nullable=False, server_default=""),
    Column("language", StoredText),
    Column("insights", StoredText),
    Column("evidence", StoredText, nullable=False, server_default="[]"),
    Column("input_tokens", Integer, nullable=False, server_default="0"),
    Column("cached_tokens", Integer, nullable=False, server_default="0"),
    Column("output_tokens", Integer, nullable=False, server_default="0"),
    Column("cost_usd", Float, nullable=False, server_default="0"),
    Column("judged_at", Moment, nullable=False),
    comment="The newest verdict of each judge; the newest of all holds, unless a person said otherwise.",
)

corrections = Table(
    "corrections",
    metadata,
    Column("owner", StoredText, primary_key=True),
    Column("conversation_id", StoredText, primary_key=True),
    Column("field", StoredText, primary_key=True, comment="category | tags | title"),
    Column("value", StoredText, nullable=False, comment="JSON"),
    Column("taxonomy", StoredText, nullable=False, server_default=""),
    Column("origin", StoredText, nullable=False, comment="cli | web | notion | ..."),
    Column("corrected_at", Moment, nullable=False),
    comment="A person's word. It wins over every judge and survives every re-run.",
)

judge_models = Table(
    "judge_models",
    metadata,
    Column("owner", StoredText, primary_key=True),
    Column("taxonomy", StoredText, primary_key=True),
    Column("hash", StoredText, nullable=False),
    Column("trained_at", Moment, nullable=False),
    Column("learned_from", StoredText, nullable=False, server_default="[]"),
    comment="Which corrections the local judge has learned from.",
)

batches = Table(
    "judge_batches",
    metadata,
    Column("owner", StoredText, primary_key=True),
    Column("id", StoredText, primary_key=True, comment="ours; the service's id follows once it is known"),
    Column("remote_id", StoredText),
    Column("input_file_id", StoredText),
    Column("sha256", StoredText, nullable=False),
    Column("status", StoredText, nullable=False),
    Column("requests", StoredText, nullable=False, comment="JSON: custom_id -> conversation and input hash"),
    Column("submitted_at", Moment, nullable=False),
    Column("finished_at", Moment),
)

projects = Table(
    "projects",
    metadata,
    Column("owner", StoredText, primary_key=True),
    Column("id", StoredText, primary_key=True),
    Column("name", StoredText, nullable=False),
    Column("name_source", StoredText, nullable=False, comment="person | sidebar | title | inferred | id"),
    Column("description", StoredText),
    Column("instructions", StoredText),
    Column("status", StoredText, nullable=False, server_default="active"),
    Column("colour", StoredText),
    Column("merged_into", StoredText),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
)

project_refs = Table(
    "project_refs",
    metadata,
    Column("owner", StoredText, primary_key=True),
    Column("ref", StoredText, primary_key=True, comment="g-p-..., g-..., or title:<name> for a name that titles use"),
    Column("project_id", StoredText, nullable=False),
)

assignments = Table(
    "assignments",
    metadata,
    Column("owner", StoredText, primary_key=True),
    Column("conversation_id", StoredText, primary_key=True),
    Column("content_hash", StoredText, nullable=False),
    Column("rules_hash", StoredText, nullable=False),
    Column("project_id", StoredText, comment="null: an orphan"),
    Column("rule", StoredText, nullable=False, comment="person | id | title | gpt | similar | orphan"),
    Column("confidence", Float, nullable=False),
    Column("evidence", StoredText, nullable=False, server_default="{}"),
    Column("suggested_project_id", StoredText),
    Column("suggestion_confidence", Float),
    Column("suggestion_state", StoredText, comment="open | accepted | rejected"),
    Column("assigned_at", Moment, nullable=False),
)

project_events = Table(
    "project_events",
    metadata,
    Column("owner", StoredText, primary_key=True),
    Column("id", StoredText, primary_key=True),
    Column("kind", StoredText, nullable=False, comment="merge | split | rename"),
    Column("detail", StoredText, nullable=False, comment="JSON: what it takes to undo it"),
    Column("happened_at", Moment, nullable=False),
    Column("undone_at", Moment),
)

project_models = Table(
    "project_models",
    metadata,
    Column("owner", StoredText, primary_key=True),
    Column("rules_hash", StoredText, nullable=False, comment="of the rules and of what was learned from"),
    Column("model", LargeBinary, nullable=False),
    Column("learned_at", Moment, nullable=False),
    comment="What projects look like, as learned from the conversations that are surely theirs. Made again at will.",
)

features = Table(
    "features",
    metadata,
    Column("owner", StoredText, primary_key=True),
    Column("conversation_id", StoredText, primary_key=True),
    Column("kind", StoredText, primary_key=True, comment="which extractor and version"),
    Column("content_hash", StoredText, nullable=False),
    Column("vector", LargeBinary, nullable=False),
    comment="What similarity is computed from, kept so that mapping need not read the texts again.",
)

vector_kinds = Table(
    "vector_kinds",
    metadata,
    Column("key", Key, primary_key=True, autoincrement=True),
    Column("owner", StoredText, nullable=False),
    Column("kind", StoredText, nullable=False, comment="an embedder's key: model, weights, chunking, reduction"),
    Column("token", StoredText, nullable=False, comment="names this kind's files and tables; never used twice"),
    Column("dimensions", Integer, nullable=False),
    Column("is_bought", Boolean, nullable=False, comment="else they are made again for nothing, and not backed up"),
    UniqueConstraint("owner", "kind"),
)

passages = Table(
    "passages",
    metadata,
    Column("key", Key, primary_key=True, autoincrement=True),
    Column("kind_key", Key, ForeignKey("vector_kinds.key", ondelete="CASCADE"), nullable=False),
    Column("conversation_key", Key, ForeignKey("conversations.key", ondelete="CASCADE"), nullable=False),
    Column("message_key", Key, comment="null: the title"),
    Column("role", Integer, comment="who said it, as a place in hits.ROLES; null: the title"),
    Column("start", Integer, nullable=False),
    Column("stop", Integer, nullable=False),
    Column("digest", LargeBinary, nullable=False, comment="of its text as it was embedded"),
    Column("scale", Float, nullable=False),
    Column(
        "vector", LargeBinary, nullable=False, comment="a signed byte for each dimension, to be multiplied by scale"
    ),
    Index("ix_passages_conversation", "conversation_key", "kind_key"),
    # A key is never used again, so that a file of vectors that is behind cannot mean another passage.
    sqlite_autoincrement=True,
    comment="Pieces of what was said, as vectors. The direction of a whole conversation is in features.",
)

ledger = Table(
    "ledger",
    metadata,
    Column("owner", StoredText, primary_key=True),
    Column("destination", StoredText, primary_key=True, comment="an instance: notion:<database>, markdown:<folder>"),
    Column("conversation_id", StoredText, primary_key=True),
    Column(
        "state", StoredText, nullable=False, comment="intent | done | failed | uncertain | conflict | queued | baseline"
    ),
    Column("input_hash", StoredText, nullable=False),
    Column("remote_id", StoredText),
    Column("remote_url", StoredText),
    Column("detail", StoredText, nullable=False, server_default="{}", comment="JSON of the destination's own"),
    Column("reason", StoredText),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("updated_at", Moment, nullable=False),
    Index("ix_ledger_state", "owner", "destination", "state"),
)

ledger_items = Table(
    "ledger_items",
    metadata,
    Column("owner", StoredText, primary_key=True),
    Column("destination", StoredText, primary_key=True),
    Column("conversation_id", StoredText, primary_key=True),
    Column("item_id", StoredText, primary_key=True, comment="ours, such as a message's id"),
    Column("position", Integer, nullable=False),
    Column("input_hash", StoredText, nullable=False),
    Column("remote_id", StoredText, nullable=False),
    comment="The parts of a conversation that are at a destination by themselves.",
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

leases = Table(
    "leases",
    metadata,
    Column("name", StoredText, primary_key=True),
    Column("holder", StoredText, nullable=False),
    Column("acquired_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
)

# What a backup holds: everything that cannot be made again (of vectors, those that were bought), and the conversations,
# so that it restores alone. What lets somebody in for a while is not: a restore would make it good again.
BACKED_UP = [
    table for table in metadata.sorted_tables if table not in (leases, seen_files, watched_files, *SHORT_LIVED)
]
