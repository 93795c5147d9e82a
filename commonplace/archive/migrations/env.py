"""Alembic's entry point: the connection is always handed in by `archive/migrate.py`."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], transactional_ddl=True, render_as_batch=True)
context.run_migrations()
