"""PostgreSQL has an index in the order in which everything is listed, without which all of it is sorted each time.

SQLite has none: it goes through `ix_conversations_updated` backwards, where what has no date comes last.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

COLUMNS: list[str | sa.TextClause] = ["owner", sa.text("updated_at DESC NULLS LAST")]


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.create_index("ix_conversations_newest", "conversations", COLUMNS, if_not_exists=True)
