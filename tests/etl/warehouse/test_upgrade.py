"""Every released schema's own database opens under this version, with every row it held."""

from __future__ import annotations

import lzma
import shutil
import tomllib
from pathlib import Path
from typing import Any

import duckdb
import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import func, select

from etl.errors import RefusedError
from etl.settings import Settings
from etl.warehouse.derive import derive
from etl.warehouse.engine import reader_engine, writer_engine
from etl.warehouse.migrate import FOLDER
from etl.warehouse.parameters import load_parameters
from etl.warehouse.tables import event, event_dose, event_series, fact_exam, link

SCHEMAS = Path(__file__).parent / "schemas"
SCRIPT = ScriptDirectory(str(FOLDER))
PROJECT = tomllib.loads((Path(__file__).resolve().parents[3] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
REVISIONS = sorted(r.revision for r in SCRIPT.walk_revisions())
# a version under development may still change the newest schema; once released it too has its database
RELEASED = REVISIONS[:-1] if ".dev" in PROJECT["version"] else REVISIONS
HELD = (event, event_series, event_dose, link, fact_exam)


@pytest.mark.parametrize("revision", RELEASED)
def test_a_released_schemas_database_is_upgraded_without_losing_a_row(revision: str, settings: Settings) -> None:
    packed = SCHEMAS / f"{revision}.duckdb.xz"
    assert packed.exists(), f"commit a small populated database of schema {revision} as {packed.name}"
    folder = settings.at(settings.warehouse.folder)
    folder.mkdir(parents=True, exist_ok=True)
    with lzma.open(packed) as source, (folder / "writer.duckdb").open("wb") as target:
        shutil.copyfileobj(source, target)
    before = counts(folder / "writer.duckdb")
    engine = writer_engine(settings)
    with engine.begin() as connection:
        after = {t.name: connection.execute(select(func.count()).select_from(t)).scalar_one() for t in HELD}
        assert after == before
        assert min(after.values()) > 0
        derived = derive(connection, load_parameters(settings), full=True)
    engine.dispose()
    assert derived.full
    assert derived.exams > 0


def counts(path: Path) -> dict[str, Any]:
    """Rows by table as the database itself says, before any upgrade."""
    with duckdb.connect(str(path), read_only=True) as connection:
        return {t.name: connection.table(t.name).aggregate("count(*)").fetchall()[0][0] for t in HELD}


def test_a_version_an_older_radpulse_published_is_refused_with_what_to_run(settings: Settings) -> None:
    folder = settings.at(settings.warehouse.folder)
    (folder / "published").mkdir(parents=True)
    with duckdb.connect(str(folder / "published" / "old.duckdb")) as connection:
        connection.execute("CREATE TABLE fact_feed (feed_key VARCHAR)")
    (folder / "current").write_text("old", encoding="ascii")
    with pytest.raises(RefusedError, match="after an upgrade"):
        reader_engine(settings)
