"""Files of local histories as they were when they were read, so that a later import opens only those that changed."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "seen_files",
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False, comment="the readers' version, size, time and inode"),
        sa.Column("title", sa.Text(), nullable=False, comment="whose it is"),
        sa.Column("digest", sa.LargeBinary(), nullable=False, comment="of its only item, as in source_items"),
        sa.PrimaryKeyConstraint("owner", "path", name=op.f("pk_seen_files")),
        comment="Files of one conversation each, as they were when they were merged.",
    )
