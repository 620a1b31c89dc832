"""Column mappings of extracts and lists: shipped presets, a site's own saved one, and the check for drift.

One mechanism for all of them: what kind of rows a mapping makes (`target`) and which fields those have is data.
"""

from __future__ import annotations

import difflib
import json
import re
import tomllib
from dataclasses import dataclass, field
from dataclasses import fields as dataclass_fields
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from etl.errors import FeedStoppedError
from etl.records import Attributes, EntryKind, EventType, Identifiers
from etl.settings import REFERENCE, Settings

PRESETS = (REFERENCE / "ris_presets.toml", REFERENCE / "extract_presets.toml")
EXAM, OPENING = "exam", "opening"
STRETCH = frozenset({"date", "begin", "end", "duration_min"})
ENTRY_FIELDS = STRETCH | {
    "modality", "station_name", "person", "other_person", "code", "outcome_code", "value", "unit", "count",
    "limit_value",
}  # fmt: skip
CALLED_OFF = frozenset(
    {EventType.ORDER_CANCELLED, EventType.ORDER_DISCONTINUED, EventType.APPT_CANCELLED, EventType.EXAM_DISCONTINUED}
)
# what a mapping's rows become -> the fields its table `fields` may name
TARGETS: dict[str, frozenset[str]] = {
    EXAM: frozenset(),  # milestones and attributes instead
    OPENING: STRETCH | {"scanner_code", "kind", "reason_code", "every_min"},
    **dict.fromkeys(map(str, EntryKind), ENTRY_FIELDS),
}
PARTS = {
    "identifiers": frozenset(Identifiers.__slots__),
    "attributes": frozenset(Attributes.__slots__),
    "milestones": frozenset(EventType),
    "fields": frozenset().union(*TARGETS.values()),
}
BY_FIELD = ("constants", "factors", "values")  # tables whose keys are attributes or fields
TEXTS = ("target", "known_at", "known_at_in_name", "time_format", "date_format", "decimal")
KEYS = frozenset({"version", "source", "optional", "columns", "qualified_by", *BY_FIELD, *TEXTS})


@dataclass(frozen=True)
class Mapping:
    """Which column of an extract is what; data/reference/*_presets.toml explain each part."""

    name: str
    version: int
    identifiers: dict[str, str] = field(default_factory=dict)  # field -> header
    milestones: dict[str, str] = field(default_factory=dict)  # event type -> header
    attributes: dict[str, str] = field(default_factory=dict)  # field -> header
    target: str = EXAM
    fields: dict[str, str] = field(default_factory=dict)  # field of an opening or entry -> header
    constants: dict[str, str] = field(default_factory=dict)  # field -> value of every row
    values: dict[str, dict[str, str]] = field(default_factory=dict)  # field -> local word -> code
    factors: dict[str, float] = field(default_factory=dict)  # field -> what its numbers are multiplied by
    decimal: str = "."
    date_format: str | None = None  # of field `date`; absent means ISO 8601
    qualified_by: dict[str, str] = field(default_factory=dict)  # header -> header
    known_at: str | None = None
    known_at_in_name: str | None = None  # regular expression; its group 1 is a time in the file's name
    time_format: str | None = None
    columns: tuple[str, ...] = ()
    optional: bool = False

    def headers(self) -> list[str]:
        """Return every column the mapping reads, each once."""
        parts = [h for part in PARTS for h in getattr(self, part).values()]
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

    def event_type(self, local_code: str) -> str | None:
        """Return the event type of a row's local code, ``csv:<header>[/<word>]``, by the milestones alone.

        Of a column that another's word qualifies, that is the type of a cancellation only.
        """
        header = local_code.removeprefix("csv:")
        for event_type, column in self.milestones.items():
            called_off = event_type in CALLED_OFF and header.startswith(f"{column}/")
            if called_off or (header == column and column not in self.qualified_by):
                return event_type
        return None

    def coded(self, name: str, text: str) -> str:
        """Return what a local word of a field stands for; a word without a code stands for itself."""
        words = self._words.get(name)
        return text if words is None else words.get(_folded(text), text)

    @cached_property
    def _words(self) -> dict[str, dict[str, str]]:
        return {name: {_folded(w): code for w, code in words.items()} for name, words in self.values.items()}

    def saved(self, name: str, columns: list[str]) -> str:
        """Return this mapping as TOML under a new name and the next version, `columns` pinned to what came."""
        head: dict[str, Any] = {"version": self.version + 1, "columns": columns}
        head |= {key: getattr(self, key) for key in TEXTS if getattr(self, key) != DEFAULTS[key]}
        if self.known_at not in columns:
            head.pop("known_at", None)
        lines = [f"[{name}]", *(f"{key} = {_toml(v)}" for key, v in head.items())]
        for part in (*PARTS, "qualified_by"):
            lines += _table(f"{name}.{part}", {r: h for r, h in getattr(self, part).items() if h in columns})
        for part in ("constants", "factors"):
            lines += _table(f"{name}.{part}", getattr(self, part))
        for role, words in self.values.items():
            lines += _table(f"{name}.values.{role}", words)
        return "\n".join(lines) + "\n"


DEFAULTS = {f.name: f.default for f in dataclass_fields(Mapping)}


def _toml(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)  # a JSON string, number or list of strings is one of TOML


def toml_table(text: str) -> dict[str, Any]:
    """Return the one table of a mapping's TOML text."""
    (table,) = tomllib.loads(text).values()
    return dict(table)


def _table(name: str, rows: dict[str, Any]) -> list[str]:
    return ["", f"[{name}]", *(f"{_toml(key)} = {_toml(value)}" for key, value in rows.items())] if rows else []


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
    tables = [tomllib.loads(path.read_text(encoding="utf-8")) for path in PRESETS]
    return {name: parsed(name, table) for file in tables for name, table in file.items()}


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
    wrong = _unknown(table)
    if wrong:
        raise FeedStoppedError(f"mapping {name!r} has unknown keys: {', '.join(wrong)}")
    missing = missing_in(table)
    if missing:
        raise FeedStoppedError(f"mapping {name!r} needs {', '.join(missing)}")
    values = {key: v for key, v in table.items() if key != "source"}
    try:
        re.compile(values.get("known_at_in_name", ""))
    except re.error as error:
        raise FeedStoppedError(f"mapping {name!r}: known_at_in_name: {error}") from error
    return Mapping(name, **{**values, "columns": tuple(values.get("columns", ()))})


def _unknown(table: dict[str, Any]) -> list[str]:
    """Return the keys of a mapping's table that mean nothing, dotted."""
    target = table.get("target", EXAM)
    if target not in TARGETS:
        return [f"target = {target!r} (known: {', '.join(TARGETS)})"]
    allowed = {**PARTS, "fields": TARGETS[target]}
    for part in BY_FIELD:
        allowed[part] = PARTS["attributes"] if target == EXAM else TARGETS[target]
    wrong = [key for key in table if key not in KEYS and key not in PARTS]
    for part, roles in allowed.items():
        found = table.get(part, {})
        wrong += [part] if not isinstance(found, dict) else [f"{part}.{role}" for role in found if role not in roles]
    return wrong


def missing_in(table: dict[str, Any]) -> list[str]:
    """Return what a mapping of this target cannot do without."""
    told = {**table.get("fields", {}), **table.get("constants", {})}
    if table.get("target", EXAM) == EXAM:
        wanted = {"identifiers": table.get("identifiers"), "milestones": table.get("milestones")}
    elif table["target"] == OPENING:
        wanted = {f"fields.{n}": told.get(n) for n in ("scanner_code", "kind", "begin")}
        wanted["fields.end or duration_min"] = told.get("end") or told.get("duration_min")
    else:
        wanted = {"fields.begin or date": told.get("begin") or told.get("date")}
    wanted["version"] = table.get("version")
    return [name for name, value in wanted.items() if not value]
