"""The command line for people on call; every failure is one line and an exit code a scheduler can act on."""

from __future__ import annotations

import sys

import typer

from etl.cli import alerts, beliefs, codes, drl, explain, looking, numbers, running, submissions, targets
from etl.cli.start import app
from etl.errors import ExitCode, RadpulseError

__all__ = [
    "alerts",
    "app",
    "beliefs",
    "codes",
    "drl",
    "explain",
    "looking",
    "main",
    "numbers",
    "running",
    "submissions",
    "targets",
]


def main() -> None:
    """Run the command line; every RadpulseError becomes one line on stderr and its exit code."""
    try:
        app()
    except RadpulseError as error:
        typer.echo(f"radpulse: {error}", err=True)
        sys.exit(error.exit_code)
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        typer.echo(f"radpulse: {error.strerror or error}{where}", err=True)
        sys.exit(ExitCode.REFUSED)
