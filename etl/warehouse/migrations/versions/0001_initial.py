"""Create the warehouse."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None

EVENT_TABLES = ("event", "event_series", "event_dose", "event_opening")


def upgrade() -> None:
    """Create every table; on a server also what finds an event by its id.

    DuckDB gets no index: it scans the column faster than it keeps one (design.md decision 10).
    """
    statements = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
    connection = op.get_bind()
    connection.exec_driver_sql(statements)
    if connection.dialect.name == "postgresql":
        for table in EVENT_TABLES:
            op.create_index(f"ix_{table}_event_id", table, ["event_id"])
