"""What all commands share: the application, its settings option, and how settings are read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from etl.settings import Settings, load_settings

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, help="Operational BI for radiology.")
Config = Annotated[Path | None, typer.Option("--config", envvar="RADPULSE_CONFIG", help="settings file")]


def settings_of(config: Path | None) -> Settings:
    """Read the settings and send the log where they say; raises ConfigurationError."""
    from etl.logs import configure_logs

    settings = load_settings(config)
    configure_logs(settings.at(settings.log_file))
    return settings
