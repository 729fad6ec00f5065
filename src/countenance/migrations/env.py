"""Alembic's entry: it migrates on the connection that `countenance.database` hands over."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], render_as_batch=True)
context.run_migrations()
