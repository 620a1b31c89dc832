"""A site's own tables behind quality KPIs: what its protocols are to be, and where an algorithm is in use."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path

from etl.errors import ConfigurationError
from etl.warehouse.reference import ANY, optional_date, pattern_key, rows

STANDARD_COLUMNS = ("site", "procedure", "protocol", "images")
AI_USE_COLUMNS = ("algorithm", "site", "procedure", "valid_from", "valid_to")


@dataclass(frozen=True, slots=True)
class StandardRule:
    """One row of `standard_protocols.csv`: a protocol that a procedure may be done with, and its number of images."""

    site: str
    procedure: str  # pattern of local code or procedure group
    protocol: str  # pattern of the protocol's name; '' says nothing of it
    images: int | None


@dataclass(frozen=True, slots=True)
class AiUse:
    """One row of `ai_use.csv`: an algorithm runs on a site's procedures in `[valid_from, valid_to)`, local dates."""

    algorithm: str
    site: str
    procedure: str  # pattern of local code or procedure group
    valid_from: date | None
    valid_to: date | None


def standard_rules(path: Path) -> tuple[StandardRule, ...]:
    """Return the site's standard, none where there is no file; raises ConfigurationError for a number that is none."""
    if not path.exists():
        return ()
    found = rows(path, STANDARD_COLUMNS)
    return tuple(
        StandardRule(
            row["site"] or ANY, pattern_key(row["procedure"]), pattern_key(row["protocol"]),
            _images(path, row["images"]),
        )
        for row in found
    )  # fmt: skip


def _images(path: Path, text: str) -> int | None:
    if text and not (text.isascii() and text.isdecimal()):
        raise ConfigurationError(f"{path}: images {text!r} is not a number of images")
    return int(text) if text else None


def ai_uses(path: Path) -> tuple[AiUse, ...]:
    """Return where algorithms are in use, nowhere where there is no file."""
    if not path.exists():
        return ()
    return tuple(
        AiUse(
            row["algorithm"], row["site"] or ANY, pattern_key(row["procedure"]),
            optional_date(path, row["valid_from"]), optional_date(path, row["valid_to"]),
        )
        for row in rows(path, AI_USE_COLUMNS)
    )  # fmt: skip


def is_about(site: str, pattern: str, of_site: str, code: str | None, group: str | None) -> bool:
    """Return whether a rule's site and procedure pattern fit an exam's site and its procedure code or group."""
    if site not in (ANY, of_site):
        return False
    return any(fnmatchcase(pattern_key(text), pattern) for text in (code, group) if isinstance(text, str))
