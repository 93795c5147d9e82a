"""Which of several accounts of one assistant a conversation is of. What is there already is of the one without a name."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("conversations", "imports"):
        op.add_column(table, sa.Column("account", sa.Text(), server_default="", nullable=False))
