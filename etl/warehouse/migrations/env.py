"""Runs migrations on the connection that `etl.warehouse.migrate` hands over."""

from __future__ import annotations

from alembic import context

from etl.warehouse.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=False)
context.run_migrations()
