"""Add requested-procedure ids and the department's own lists."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the column and the tables; on a server also what finds an entry by its event's id."""
    statements = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
    connection = op.get_bind()
    connection.exec_driver_sql(statements)
    if connection.dialect.name == "postgresql":
        op.create_index("ix_event_entry_event_id", "event_entry", ["event_id"])
