"""Alembic's entry point: the connection is always handed in by `archive/migrate.py`."""

from alembic import context

from commonplace.archive.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
    render_as_batch=True,
)
context.run_migrations()
