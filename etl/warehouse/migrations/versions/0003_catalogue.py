"""Add the facts of the whole KPI catalogue: one file of SQL a family."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Run the families' SQL in the order of their names; none needs another's."""
    for path in sorted(Path(__file__).parent.glob("0003_*.sql")):
        op.get_bind().exec_driver_sql(path.read_text(encoding="utf-8"))
