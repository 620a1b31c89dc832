"""Structured logs: JSON lines to a file, warnings to the terminal; values that could be identifiers never enter."""

from __future__ import annotations

import os
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import structlog

# A log line may carry these and nothing else: keys chosen by us, so an identifier cannot slip in by accident.
ALLOWED = frozenset(
    {
        "event",
        "level",
        "timestamp",
        "run",
        "job",
        "window",
        "windows",
        "feed",
        "step",
        "files",
        "offered",
        "loaded",
        "unchanged",
        "quarantined",
        "filtered",
        "events",
        "outcome",
        "message",
        "seconds",
        "data_version",
        "exams",
        "reason",
        "finding",
        "fix",
        "path",
        "count",
        "model",
        "error",
        "code",
    }
)


def _only_allowed(_logger: object, _name: str, values: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {k: v for k, v in values.items() if k in ALLOWED}


def configure_logs(path: Path) -> None:
    """Send log lines to `path` (mode 0600) as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.fdopen(os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600), "a", encoding="utf-8", buffering=1)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _only_allowed,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(file=handle),
        cache_logger_on_first_use=False,
    )
