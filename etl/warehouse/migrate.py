"""Bringing a warehouse's schema up to this version's."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from etl.errors import ConfigurationError

FOLDER = Path(__file__).resolve().parent / "migrations"


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    return config


def migrate(engine: Engine) -> None:
    """Upgrade the warehouse to the newest schema, all in one transaction; does nothing when it is there.

    Raises ConfigurationError when a newer Radpulse wrote it: a schema is never taken down.
    """
    config = _config()
    script = ScriptDirectory.from_config(config)
    known = {revision.revision for revision in script.walk_revisions()}
    with engine.begin() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
        if found is not None and found not in known:
            raise ConfigurationError(
                f"the warehouse has schema {found}, this Radpulse knows up to {script.get_current_head()}; "
                "install the newer Radpulse that wrote it, or point warehouse.folder at another folder"
            )
        if found != script.get_current_head():
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
