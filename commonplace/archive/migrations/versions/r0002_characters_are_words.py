"""The text index takes characters of scripts without spaces for words, in one column (spacing.py)."""

from alembic import op

from commonplace.archive.search import text_index

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    text_index.recreate(op.get_bind())
