"""What judges and people say conversations are about."""

from __future__ import annotations

from sqlalchemy import Column, Float, Integer, Table

from commonplace.archive.metadata import Moment, metadata
from commonplace.archive.texts import StoredText

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
