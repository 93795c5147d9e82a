"""The first schema."""

from alembic import op

from commonplace.archive import text_index
from commonplace.archive.schema import metadata

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    metadata.create_all(op.get_bind(), checkfirst=False)
    text_index.create(op.get_bind())
