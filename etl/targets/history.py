"""Versions of a site's targets: the table in force, and beside it every table there was, with who, when and why."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

from filelock import FileLock

from etl.errors import ConfigurationError, RefusedError
from etl.settings import Settings
from etl.warehouse.target_rules import COLUMNS, TargetRule, own_targets, rules_of, table_text

HEAD = ("version", "changed_at", "by", "reason")
FOUND_BY, FOUND_WHY = "file", "the table as it was found"


@dataclass(frozen=True, slots=True)
class TargetVersion:
    """A whole table of targets as somebody saved it."""

    number: int
    changed_at: str  # ISO 8601, UTC
    by: str
    reason: str
    rules: tuple[TargetRule, ...]


def targets_path(settings: Settings) -> Path:
    """Return where the site's table lies, whether it exists or not."""
    return settings.at(settings.targets_file)


def history_path(settings: Settings) -> Path:
    """Return where its versions lie, beside it."""
    path = targets_path(settings)
    return path.with_name(f"{path.stem}_history{path.suffix}")


def versions(settings: Settings) -> tuple[TargetVersion, ...]:
    """Return all saved versions in order; raises ConfigurationError for a file that is none."""
    path = history_path(settings)
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except FileNotFoundError:
        return ()
    if any(row.get(name) is None for row in rows for name in (*HEAD, *COLUMNS)):
        raise ConfigurationError(f"{path} is no history of targets; its columns are {', '.join((*HEAD, *COLUMNS))}")
    found = []
    for (number, changed_at, by, reason), some in groupby(rows, key=lambda row: tuple(row[name] for name in HEAD)):
        table = [row for row in some if row["phase"]]  # a version without rules has one empty row
        found.append(TargetVersion(int(number), changed_at, by, reason, rules_of(table)))
    return tuple(found)


def save(settings: Settings, rules: Sequence[TargetRule], *, by: str, reason: str) -> TargetVersion:
    """Make `rules` the site's table, on disk before this returns, and return the version.

    A table edited by hand since the last version is kept as a version of its own first. Raises RefusedError without
    author or reason, or where nothing changes.
    """
    if not by.strip() or not reason.strip():
        raise RefusedError("--by and --reason are needed: the history must say who and why")
    path = targets_path(settings)
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_name(path.name + ".lock")):
        now, known = own_targets(path), versions(settings)
        if tuple(rules) == now:
            raise RefusedError(f"{path.name} says this already")
        number = len(known)
        if now != (known[-1].rules if known else ()):
            number += 1
            _append(settings, _version(number, FOUND_BY, FOUND_WHY, now))
        version = _version(number + 1, by.strip(), reason.strip(), tuple(rules))
        _append(settings, version)
        _replace(path, table_text(rules))
    return version


def undo(settings: Settings, *, by: str, reason: str) -> TargetVersion:
    """Bring the table back that held before the last version; the history keeps both.

    Raises RefusedError where nothing was saved before, or the table was edited by hand since.
    """
    known = versions(settings)
    if len(known) < 2:
        raise RefusedError(f"nothing to undo: {history_path(settings).name} holds {len(known)} versions")
    if own_targets(targets_path(settings)) != known[-1].rules:
        raise RefusedError(f"{targets_path(settings).name} was edited by hand since version {known[-1].number}")
    return save(settings, known[-2].rules, by=by, reason=reason)


def _version(number: int, by: str, reason: str, rules: tuple[TargetRule, ...]) -> TargetVersion:
    plain = " ".join(reason.split())
    return TargetVersion(number, datetime.now(UTC).isoformat(timespec="seconds"), " ".join(by.split()), plain, rules)


def _append(settings: Settings, version: TargetVersion) -> None:
    path = history_path(settings)
    is_new = not path.exists()
    head = dict(zip(HEAD, (version.number, version.changed_at, version.by, version.reason), strict=True))
    with path.open("a", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, (*HEAD, *COLUMNS), restval="", lineterminator="\n")
        if is_new:
            writer.writeheader()
        writer.writerows([{**head, **rule.row()} for rule in version.rules] or [head])
        file.flush()
        os.fsync(file.fileno())


def _replace(path: Path, text: str) -> None:
    part = path.with_name(path.name + ".part")
    with part.open("w", encoding="utf-8", newline="") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
