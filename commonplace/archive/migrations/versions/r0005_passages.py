"""Passages with vectors, which meaning is searched by. The vectors of whole conversations that were bought for mapping
alone are of another kind and go: the next run embeds again what is wanted.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.execute("DELETE FROM features WHERE kind LIKE 'embedding/%'")
    op.create_table(
        "vector_kinds",
        sa.Column("key", _KEY, autoincrement=True, nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("dimensions", sa.Integer(), nullable=False),
        sa.Column("is_bought", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_vector_kinds")),
        sa.UniqueConstraint("owner", "kind", name=op.f("uq_vector_kinds_owner")),
    )
    op.create_table(
        "passages",
        sa.Column("key", _KEY, autoincrement=True, nullable=False),
        sa.Column("kind_key", _KEY, nullable=False),
        sa.Column("conversation_key", _KEY, nullable=False),
        sa.Column("message_key", _KEY, nullable=True),
        sa.Column("role", sa.Integer(), nullable=True),
        sa.Column("start", sa.Integer(), nullable=False),
        sa.Column("stop", sa.Integer(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("scale", sa.Float(), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["kind_key"], ["vector_kinds.key"], name=op.f("fk_passages_kind_key"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["conversation_key"], ["conversations.key"], name=op.f("fk_passages_conversation_key"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_passages")),
        sqlite_autoincrement=True,
        comment="Pieces of what was said, as vectors. The direction of a whole conversation is in features.",
    )
    op.create_index("ix_passages_conversation", "passages", ["conversation_key", "kind_key"], unique=False)
