"""Parts of conversations at destinations, one row each."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


STATES = "intent | done | failed | uncertain | conflict | queued | baseline"


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":  # SQLite keeps no comments
        op.alter_column("ledger", "state", comment=STATES)
    op.create_table(
        "ledger_items",
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("conversation_id", sa.Text(), nullable=False),
        sa.Column("item_id", sa.Text(), nullable=False, comment="ours, such as a message's id"),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("input_hash", sa.Text(), nullable=False),
        sa.Column("remote_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("owner", "destination", "conversation_id", "item_id", name=op.f("pk_ledger_items")),
        comment="The parts of a conversation that are at a destination by themselves.",
    )
