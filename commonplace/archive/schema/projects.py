"""Which project conversations are in, and how that came about."""

from __future__ import annotations

from sqlalchemy import Column, Float, LargeBinary, Table

from commonplace.archive.metadata import Moment, metadata
from commonplace.archive.texts import StoredText

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
