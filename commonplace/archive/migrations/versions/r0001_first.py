"""The first schema, as it was: later revisions change it, this page never. Its text index has had its day (0002)."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "archive_settings",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_archive_settings")),
        comment="What the archive knows of itself: the state of its text index, its id.",
    )
    op.create_table(
        "assignments",
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("conversation_id", sa.Text(), nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("rules_hash", sa.Text(), nullable=False),
        sa.Column("project_id", sa.Text(), nullable=True, comment="null: an orphan"),
        sa.Column("rule", sa.Text(), nullable=False, comment="person | id | title | gpt | similar | orphan"),
        sa.Column("confidence", sa.Float(), nullable=False),
        sa.Column("evidence", sa.Text(), server_default="{}", nullable=False),
        sa.Column("suggested_project_id", sa.Text(), nullable=True),
        sa.Column("suggestion_confidence", sa.Float(), nullable=True),
        sa.Column("suggestion_state", sa.Text(), nullable=True, comment="open | accepted | rejected"),
        sa.Column("assigned_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("owner", "conversation_id", name=op.f("pk_assignments")),
    )
    op.create_table(
        "conversations",
        sa.Column("key", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=True),
        sa.Column("updated_at", sa.BigInteger(), nullable=True),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("current_message_id", sa.Text(), nullable=True),
        sa.Column("project_ref", sa.Text(), nullable=True),
        sa.Column("gpt_ref", sa.Text(), nullable=True),
        sa.Column("model", sa.Text(), nullable=True),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("is_archived", sa.Boolean(), nullable=True),
        sa.Column("is_starred", sa.Boolean(), nullable=True),
        sa.Column("pinned_at", sa.BigInteger(), nullable=True),
        sa.Column("message_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("character_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("has_code", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("has_image", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("has_file", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("extra", sa.Text(), server_default="{}", nullable=False),
        sa.Column(
            "older",
            sa.Text(),
            nullable=True,
            comment="JSON: what is from an older state than updated_at, and from when (merge.py)",
        ),
        sa.Column("imported_at", sa.BigInteger(), nullable=False),
        sa.Column("category", sa.Text(), nullable=True),
        sa.Column("tags", sa.Text(), server_default="[]", nullable=False),
        sa.Column("summary", sa.Text(), nullable=True),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("confidence", sa.Float(), nullable=True),
        sa.Column("needs_review", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("verdict_hash", sa.Text(), nullable=True),
        sa.Column("project_id", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_conversations")),
        sa.UniqueConstraint("owner", "id", name=op.f("uq_conversations_owner")),
    )
    op.create_index("ix_conversations_category", "conversations", ["owner", "category"], unique=False)
    op.create_index("ix_conversations_project", "conversations", ["owner", "project_id"], unique=False)
    op.create_index("ix_conversations_updated", "conversations", ["owner", "updated_at"], unique=False)
    op.create_table(
        "corrections",
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("conversation_id", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False, comment="category | tags | title"),
        sa.Column("value", sa.Text(), nullable=False, comment="JSON"),
        sa.Column("taxonomy", sa.Text(), server_default="", nullable=False),
        sa.Column("origin", sa.Text(), nullable=False, comment="cli | web | notion | ..."),
        sa.Column("corrected_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("owner", "conversation_id", "field", name=op.f("pk_corrections")),
        comment="A person's word. It wins over every judge and survives every re-run.",
    )
    op.create_table(
        "features",
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("conversation_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False, comment="which extractor and version"),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("owner", "conversation_id", "kind", name=op.f("pk_features")),
        comment="What similarity is computed from, kept so that mapping need not read the texts again.",
    )
    op.create_table(
        "files",
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("stored_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_files")),
        comment="Kept exports and attachments, by content, in the files location.",
    )
    op.create_table(
        "imports",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=True),
        sa.Column(
            "signature",
            sa.Text(),
            nullable=True,
            comment="path, size and mtime: the same file again is recognised at once",
        ),
        sa.Column("status", sa.Text(), nullable=False, comment="running | completed | failed | interrupted"),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column("counts", sa.Text(), server_default="{}", nullable=False),
        sa.Column("defects", sa.Text(), server_default="[]", nullable=False),
        sa.Column("unknown_files", sa.Text(), server_default="[]", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_imports")),
    )
    op.create_index("ix_imports_started", "imports", ["owner", "started_at"], unique=False)
    op.create_table(
        "judge_batches",
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False, comment="ours; the service's id follows once it is known"),
        sa.Column("remote_id", sa.Text(), nullable=True),
        sa.Column("input_file_id", sa.Text(), nullable=True),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("requests", sa.Text(), nullable=False, comment="JSON: custom_id -> conversation and input hash"),
        sa.Column("submitted_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("owner", "id", name=op.f("pk_judge_batches")),
    )
    op.create_table(
        "judge_models",
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("taxonomy", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("trained_at", sa.BigInteger(), nullable=False),
        sa.Column("learned_from", sa.Text(), server_default="[]", nullable=False),
        sa.PrimaryKeyConstraint("owner", "taxonomy", name=op.f("pk_judge_models")),
        comment="Which corrections the local judge has learned from.",
    )
    op.create_table(
        "leases",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("acquired_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_leases")),
    )
    op.create_table(
        "ledger",
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column(
            "destination", sa.Text(), nullable=False, comment="an instance: notion:<database>, markdown:<folder>"
        ),
        sa.Column("conversation_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False, comment="intent | done | failed | uncertain | conflict"),
        sa.Column("input_hash", sa.Text(), nullable=False),
        sa.Column("remote_id", sa.Text(), nullable=True),
        sa.Column("remote_url", sa.Text(), nullable=True),
        sa.Column("detail", sa.Text(), server_default="{}", nullable=False, comment="JSON of the destination's own"),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("owner", "destination", "conversation_id", name=op.f("pk_ledger")),
    )
    op.create_index("ix_ledger_state", "ledger", ["owner", "destination", "state"], unique=False)
    op.create_table(
        "project_events",
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False, comment="merge | split | rename"),
        sa.Column("detail", sa.Text(), nullable=False, comment="JSON: what it takes to undo it"),
        sa.Column("happened_at", sa.BigInteger(), nullable=False),
        sa.Column("undone_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("owner", "id", name=op.f("pk_project_events")),
    )
    op.create_table(
        "project_models",
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("rules_hash", sa.Text(), nullable=False, comment="of the rules and of what was learned from"),
        sa.Column("model", sa.LargeBinary(), nullable=False),
        sa.Column("learned_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("owner", name=op.f("pk_project_models")),
        comment="What projects look like, as learned from the conversations that are surely theirs. Made again at will.",
    )
    op.create_table(
        "project_refs",
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column(
            "ref", sa.Text(), nullable=False, comment="g-p-..., g-..., or title:<name> for a name that titles use"
        ),
        sa.Column("project_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("owner", "ref", name=op.f("pk_project_refs")),
    )
    op.create_table(
        "projects",
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_source", sa.Text(), nullable=False, comment="person | sidebar | inferred | id"),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("instructions", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), server_default="active", nullable=False),
        sa.Column("colour", sa.Text(), nullable=True),
        sa.Column("merged_into", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("owner", "id", name=op.f("pk_projects")),
    )
    op.create_table(
        "source_items",
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("conversation_id", sa.Text(), nullable=False),
        sa.Column("is_empty", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("message_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("attachment_count", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("owner", "digest", name=op.f("pk_source_items")),
        comment="Bytes that were merged before: merging them again changes nothing.",
    )
    op.create_table(
        "taxonomies",
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("definition", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("owner", "name", name=op.f("pk_taxonomies")),
    )
    op.create_table(
        "tombstones",
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("conversation_id", sa.Text(), nullable=False),
        sa.Column("forgotten_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("owner", "conversation_id", name=op.f("pk_tombstones")),
    )
    op.create_table(
        "verdicts",
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("conversation_id", sa.Text(), nullable=False),
        sa.Column("taxonomy", sa.Text(), nullable=False),
        sa.Column("judge", sa.Text(), nullable=False, comment="judge + model + prompt version"),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("taxonomy_hash", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("prompt_version", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("runner_up", sa.Text(), nullable=True),
        sa.Column("confidence", sa.Float(), nullable=False),
        sa.Column("tags", sa.Text(), server_default="[]", nullable=False),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("summary", sa.Text(), server_default="", nullable=False),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("insights", sa.Text(), nullable=True),
        sa.Column("input_tokens", sa.Integer(), server_default="0", nullable=False),
        sa.Column("cached_tokens", sa.Integer(), server_default="0", nullable=False),
        sa.Column("output_tokens", sa.Integer(), server_default="0", nullable=False),
        sa.Column("cost_usd", sa.Float(), server_default="0", nullable=False),
        sa.Column("judged_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("owner", "conversation_id", "taxonomy", "judge", name=op.f("pk_verdicts")),
        comment="The newest verdict of each judge; the newest of all holds, unless a person said otherwise.",
    )
    op.create_table(
        "attachments",
        sa.Column("key", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("conversation_key", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("mime_type", sa.Text(), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("prompt", sa.Text(), nullable=True),
        sa.Column("member", sa.Text(), nullable=True),
        sa.Column("sha256", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["conversation_key"],
            ["conversations.key"],
            name=op.f("fk_attachments_conversation_key"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_attachments")),
        sa.UniqueConstraint("conversation_key", "message_id", "id", name=op.f("uq_attachments_conversation_key")),
    )
    op.create_index("ix_attachments_sha256", "attachments", ["sha256"], unique=False)
    op.create_table(
        "import_outcomes",
        sa.Column("import_id", sa.Text(), nullable=False),
        sa.Column("conversation_id", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False, comment="new | changed | unchanged | empty | failed"),
        sa.Column("hash_before", sa.Text(), nullable=True),
        sa.Column("hash_after", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["import_id"], ["imports.id"], name=op.f("fk_import_outcomes_import_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("import_id", "conversation_id", name=op.f("pk_import_outcomes")),
    )
    op.create_table(
        "messages",
        sa.Column("key", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("conversation_key", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("parent_id", sa.Text(), nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=True),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=True),
        sa.Column("model", sa.Text(), nullable=True),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("is_hidden", sa.Boolean(), nullable=False),
        sa.Column("extra", sa.Text(), nullable=True),
        sa.Column("raw", sa.LargeBinary(), nullable=True),
        sa.Column(
            "older",
            sa.Text(),
            nullable=True,
            comment="JSON: what is from an older state than the conversation's (merge.py)",
        ),
        sa.ForeignKeyConstraint(
            ["conversation_key"], ["conversations.key"], name=op.f("fk_messages_conversation_key"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_messages")),
        sa.UniqueConstraint("conversation_key", "id", name=op.f("uq_messages_conversation_key")),
    )
