"""Column mappings of RIS extracts: shipped presets, a site's own saved one, and the check for drift."""

from __future__ import annotations

import difflib
import json
import re
import tomllib
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from etl.errors import FeedStoppedError
from etl.records import Attributes, EventType, Identifiers
from etl.settings import REFERENCE, Settings

PRESETS = REFERENCE / "ris_presets.toml"
PARTS = {
    "identifiers": frozenset(Identifiers.__slots__),
    "attributes": frozenset(Attributes.__slots__),
    "milestones": frozenset(EventType),
}
KEYS = frozenset(
    {"version", "source", "optional", "known_at", "known_at_in_name", "time_format", "columns", "qualified_by"}
)


@dataclass(frozen=True)
class Mapping:
    """Which column of an extract is what; data/reference/ris_presets.toml explains each part."""

    name: str
    version: int
    identifiers: dict[str, str]  # field -> header
    milestones: dict[str, str]  # event type -> header
    attributes: dict[str, str] = field(default_factory=dict)  # field -> header
    qualified_by: dict[str, str] = field(default_factory=dict)  # header -> header
    known_at: str | None = None
    known_at_in_name: str | None = None  # regular expression; its group 1 is a time in the file's name
    time_format: str | None = None
    columns: tuple[str, ...] = ()
    optional: bool = False

    def headers(self) -> list[str]:
        """Return every column the mapping reads, each once."""
        parts = [*self.identifiers.values(), *self.attributes.values(), *self.milestones.values()]
        known_at = [self.known_at] if self.known_at else []
        return list(dict.fromkeys([*parts, *self.qualified_by.values(), *known_at]))

    def positions(self, header: list[str]) -> dict[str, int]:
        """Return header -> position in a file; raises FeedStoppedError with the difference when they drifted.

        Letter case and surrounding blanks do not matter. Beyond a saved list of `columns` nothing may be new.
        """
        found: dict[str, int] = {}
        for number, text in enumerate(header):
            found.setdefault(_folded(text), number)
        twice = [h for h in self.headers() if [*map(_folded, header)].count(_folded(h)) > 1]
        missing = [] if self.optional else [h for h in self.headers() if _folded(h) not in found]
        missing += [h for h in self.columns if _folded(h) not in found and h not in missing]
        saved = {_folded(h) for h in self.columns}
        new = [h for h in header if self.columns and _folded(h) not in saved]
        if missing or new or twice:
            raise FeedStoppedError(_difference(self, header, missing, new, twice))
        return {h: found[_folded(h)] for h in self.headers() if _folded(h) in found}

    def saved(self, name: str, columns: list[str]) -> str:
        """Return this mapping as TOML under a new name and the next version, `columns` pinned to what came."""
        head: dict[str, Any] = {"version": self.version + 1, "columns": columns}
        optional = ("known_at", "known_at_in_name", "time_format")
        head |= {key: getattr(self, key) for key in optional if getattr(self, key)}
        lines = [f"[{name}]", *(f"{key} = {json.dumps(v, ensure_ascii=False)}" for key, v in head.items())]
        for part in (*PARTS, "qualified_by"):
            kept = {role: h for role, h in getattr(self, part).items() if h in columns}
            lines += ["", f"[{name}.{part}]"]
            lines += [f"{json.dumps(k)} = {json.dumps(h, ensure_ascii=False)}" for k, h in kept.items()]
        return "\n".join(lines) + "\n"


def _folded(header: str) -> str:
    return " ".join(header.split()).casefold()


def _difference(mapping: Mapping, header: list[str], missing: list[str], new: list[str], twice: list[str]) -> str:
    lines = [f"the columns differ from mapping {mapping.name!r} version {mapping.version}:"]
    unmapped = [h for h in header if _folded(h) not in {_folded(m) for m in mapping.headers()}]
    for text in missing:
        near = difflib.get_close_matches(text, unmapped, n=1)
        lines.append(f"  - {text}" + (f"   (renamed to {near[0]!r}?)" if near else ""))
    lines += [f"  + {text}" for text in new]
    lines += [f"  = {text}   (more than once)" for text in twice]
    lines.append("mend the extract, or save a mapping with these columns under the next version")
    return "\n".join(lines)


def load_mapping(options: dict[str, Any], settings: Settings) -> Mapping:
    """Return the mapping a feed names: a preset, or a TOML file with one table (default: preset `generic`).

    Raises FeedStoppedError when the preset or file is unknown or a role in it is.
    """
    chosen = str(options.get("mapping", "generic"))
    if chosen in presets():
        return presets()[chosen]
    path = settings.at(Path(chosen))
    try:
        return _from_file(path, path.stat().st_mtime_ns)
    except OSError as error:
        known = ", ".join(presets())
        raise FeedStoppedError(f"mapping {chosen!r} is no preset ({known}) and no file at {path}") from error


@lru_cache(maxsize=1)
def presets() -> dict[str, Mapping]:
    """Return the shipped presets by name."""
    tables = tomllib.loads(PRESETS.read_text(encoding="utf-8"))
    return {name: parsed(name, table) for name, table in tables.items()}


@lru_cache(maxsize=64)
def _from_file(path: Path, _changed_ns: int) -> Mapping:
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise FeedStoppedError(f"{path} is not TOML: {error}") from error
    if len(tables) != 1:
        raise FeedStoppedError(f"{path} holds {len(tables)} tables; a mapping file has one")
    return parsed(*tables.popitem())


def parsed(name: str, table: dict[str, Any]) -> Mapping:
    """Return the mapping of a TOML table; raises FeedStoppedError naming what it does not know."""
    if not isinstance(table, dict):
        raise FeedStoppedError(f"mapping {name!r} is not a table")
    wrong = [key for key in table if key not in KEYS and key not in PARTS]
    for part, roles in PARTS.items():
        wrong += [f"{part}.{role}" for role in table.get(part, {}) if role not in roles]
    if wrong:
        raise FeedStoppedError(f"mapping {name!r} has unknown keys: {', '.join(wrong)}")
    if not table.get("milestones") or not table.get("identifiers") or "version" not in table:
        raise FeedStoppedError(f"mapping {name!r} needs version, identifiers and milestones")
    values = {key: v for key, v in table.items() if key != "source"}
    try:
        re.compile(values.get("known_at_in_name", ""))
    except re.error as error:
        raise FeedStoppedError(f"mapping {name!r}: known_at_in_name: {error}") from error
    return Mapping(name, **{**values, "columns": tuple(values.get("columns", ()))})
