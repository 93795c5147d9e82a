"""What spoke for a verdict's category. Of verdicts that are there already nobody kept it."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("verdicts", sa.Column("evidence", sa.Text(), server_default="[]", nullable=False))
