"""A site's own code maps: one file beside the settings, a row a change, so that it is its own history.

What holds now is what the last row of each code says; nothing is ever taken out. Every program that derives, reads or
checks takes the map from here, before the shipped tables.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from filelock import FileLock

from etl.errors import ConfigurationError, RefusedError
from etl.settings import Settings

ANY = "*"
NO_EVENT = "none"  # a status that means nothing, on purpose


class CodeKind(StrEnum):
    """What may be mapped: `scope` is a modality (or ``*``), a feed, a site."""

    PROCEDURE = "procedure"  # scope modality: local procedure code -> procedure group
    STATUS = "status"  # scope feed: pattern of local codes -> event type, or `none`
    STATION = "station"  # scope site: room, station name or AE title -> scanner
    PROTOCOL = "protocol"  # scope modality: protocol name as sent -> the site's name for it
    PRIORITY = "priority"  # scope *: code as sent -> canonical
    PATIENT_CLASS = "patient_class"
    MODALITY = "modality"
    RATING = "rating"  # what an order states (reason, decision support's code) -> appropriate, may_be, rarely, none


@dataclass(frozen=True, slots=True)
class Change:
    """One row: who mapped what to what, when and why; an empty `new` takes the site's row back."""

    version: int
    changed_at: str  # ISO 8601, UTC
    by: str
    reason: str
    kind: str
    scope: str
    code: str
    old: str
    new: str

    @property
    def key(self) -> tuple[str, str, str]:
        """What the row is about."""
        return self.kind, self.scope, self.code


COLUMNS = tuple(f.name for f in fields(Change))


def plain_code(kind: str, code: str) -> str:
    """Return a code as codes are compared: upper case and single blanks; a status pattern stays as it is."""
    return code.strip() if kind == CodeKind.STATUS else " ".join(code.upper().split())


def codes_path(settings: Settings) -> Path:
    """Return where the site's own map lies, whether it exists or not."""
    return settings.at(settings.codes_file)


def history(path: Path) -> tuple[Change, ...]:
    """Return all changes in order, none without a file; raises ConfigurationError for a file that is none."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except FileNotFoundError:
        return ()
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigurationError(f"{path} cannot be read: {error.__class__.__name__}") from error
    found = []
    for number, row in enumerate(rows, start=1):
        missing = [name for name in COLUMNS if row.get(name) is None]
        if missing or row["version"] != str(number) or row["kind"] not in set(CodeKind):
            raise ConfigurationError(f"{path} row {number}: not a change of codes (columns {', '.join(COLUMNS)})")
        found.append(Change(number, *(row[name] for name in COLUMNS[1:])))
    return tuple(found)


def current(changes: Iterable[Change]) -> dict[tuple[str, str, str], str]:
    """Return (kind, scope, code) -> what it means now; codes taken back are left out."""
    last = {change.key: change.new for change in changes}
    return {key: new for key, new in last.items() if new}


def site_map(settings: Settings) -> dict[tuple[str, str, str], str]:
    """Return what the site's own file says now; raises ConfigurationError as `history` does."""
    return current(history(codes_path(settings)))


def next_change(
    changes: tuple[Change, ...], kind: CodeKind, scope: str, code: str, new: str, *, by: str, reason: str
) -> Change:
    """Return the row that maps a code; raises RefusedError when it says what holds already, or not by whom or why."""
    code = plain_code(kind, code)
    if not by.strip() or not reason.strip() or not code:
        raise RefusedError("a code, --by and --reason are needed: the history must say who and why")
    old = current(changes).get((kind, scope, code), "")
    if old == new:
        raise RefusedError(f"{kind} {code} ({scope}) is {old or 'not mapped by the site'} already")
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return Change(len(changes) + 1, now, by.strip(), reason.strip(), kind, scope, code, old, new)


def undoing(changes: tuple[Change, ...], version: int | None, *, by: str, reason: str) -> Change:
    """Return the row that takes a change back (default: the last one).

    Raises RefusedError when there is none, or when a later row changed the same code again.
    """
    wanted = version or len(changes)
    if not 1 <= wanted <= len(changes):
        raise RefusedError(f"no change {wanted}; the file has {len(changes)}")
    undone = changes[wanted - 1]
    later = [c.version for c in changes[wanted:] if c.key == undone.key]
    if later:
        raise RefusedError(f"change {later[-1]} mapped {undone.code} again; undo that one first")
    kind = CodeKind(undone.kind)
    return next_change(changes, kind, undone.scope, undone.code, undone.old, by=by, reason=reason)


def save(path: Path, change: Change) -> None:
    """Append a change, on disk before this returns; raises RefusedError when another one came in between."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_name(path.name + ".lock")):
        known = len(history(path))
        if change.version != known + 1:
            raise RefusedError(f"{path.name} has changed meanwhile (version {known}); look again, then repeat")
        is_new = not path.exists()
        with path.open("a", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            if is_new:
                writer.writerow(COLUMNS)
            writer.writerow(astuple(change))
            file.flush()
            os.fsync(file.fileno())
