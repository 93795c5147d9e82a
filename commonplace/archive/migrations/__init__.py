"""The schema's history, applied in order when an archive is opened."""

HEAD = "0002"
"""The newest revision. Known without importing Alembic, so that opening an up-to-date archive costs nothing."""
