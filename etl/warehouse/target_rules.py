"""Targets as data: rows of the site's own table and of the rule packs it switched on, each valid for a time."""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any

from etl.errors import ConfigurationError
from etl.settings import REFERENCE, Settings
from etl.warehouse.clock_rules import ClockRule, clock_rule
from etl.warehouse.reference import ANY, optional_date, rows, target_minutes

COLUMNS = ("valid_from", "valid_to", "site", "modality", "priority", "patient_class", "phase", "target_min")
PACKS = "rule_packs"


@dataclass(frozen=True, slots=True)
class TargetRule:
    """One row of targets; '*' holds for all, validity is `[valid_from, valid_to)` in site-local dates."""

    valid_from: date | None
    valid_to: date | None
    site: str
    modality: str
    priority: str
    patient_class: str
    phase: str  # one of etl.warehouse.target_phases
    target_min: float
    pack: str = ""  # the rule pack it comes from; the site's own without

    @property
    def scope(self) -> tuple[str, ...]:
        """Whom it is about: site, modality, priority, patient class."""
        return (self.site, self.modality, self.priority, self.patient_class)

    @property
    def named(self) -> int:
        """How much of its scope it names: the more, the sooner it wins."""
        return sum(value != ANY for value in self.scope)

    def holds_on(self, day: date) -> bool:
        """Return whether it is valid on a site-local date."""
        begun = self.valid_from is None or self.valid_from <= day
        return begun and (self.valid_to is None or day < self.valid_to)

    def row(self) -> dict[str, str]:
        """Return it as a row of a table of targets."""
        texts = {name: str(getattr(self, name)) for name in COLUMNS[2:7]}
        days = {name: getattr(self, name) for name in COLUMNS[:2]}
        return {
            **{name: day.isoformat() if day else "" for name, day in days.items()},
            **texts,
            "target_min": f"{self.target_min:g}",
        }


@dataclass(frozen=True, slots=True)
class RulePack:
    """A shipped set of targets or of strata to report by; it holds only where a site switches it on."""

    key: str
    name: str
    source: str
    note: str
    rules: tuple[TargetRule, ...]
    strata: tuple[Mapping[str, Any], ...]  # dimensions to cut a KPI by, with their source
    sources: tuple[str, ...]  # of each rule
    clocks: tuple[ClockRule, ...] = ()  # when a wait is counted anew
    clock_sources: tuple[str, ...] = ()  # of each


def site_targets(settings: Settings, reference: Path = REFERENCE) -> tuple[TargetRule, ...]:
    """Return the targets that hold: the site's own table, then those of the packs it switched on.

    Raises ConfigurationError for a bad table or an unknown pack.
    """
    shipped = [rule for pack in switched_on(settings, reference) for rule in pack.rules]
    return (*own_targets(settings.at(settings.targets_file)), *shipped)


def site_clocks(settings: Settings, reference: Path = REFERENCE) -> tuple[ClockRule, ...]:
    """Return the rules of clocks of the packs a site switched on; raises ConfigurationError for an unknown pack."""
    return tuple(rule for pack in switched_on(settings, reference) for rule in pack.clocks)


def switched_on(settings: Settings, reference: Path = REFERENCE) -> tuple[RulePack, ...]:
    """Return the packs a site switched on; raises ConfigurationError for one that is not shipped."""
    packs = rule_packs(reference) if settings.rule_packs else {}
    unknown = [key for key in settings.rule_packs if key not in packs]
    if unknown:
        raise ConfigurationError(f"rule_packs: {unknown[0]!r} is not shipped; there are {', '.join(packs)}")
    return tuple(packs[key] for key in settings.rule_packs)


def own_targets(path: Path) -> tuple[TargetRule, ...]:
    """Return the rules of a table of targets, none where it does not exist."""
    return tuple(_rule(path, row) for row in rows(path, COLUMNS)) if path.exists() else ()


def parsed_targets(text: str) -> tuple[TargetRule, ...]:
    """Return the rules of a table given as text; raises ConfigurationError naming what is wrong."""
    here = Path("the table")
    reader = csv.DictReader(StringIO(text.strip()))
    missing = set(COLUMNS) - set(reader.fieldnames or ())
    if missing:
        raise ConfigurationError(f"{here} has no column {sorted(missing)}; it needs {', '.join(COLUMNS)}")
    return rules_of({k: (v or "").strip() for k, v in row.items() if k is not None} for row in reader)


def rules_of(table: Iterable[Mapping[str, str]]) -> tuple[TargetRule, ...]:
    """Return the rules of rows already read; raises ConfigurationError for a bad value."""
    return tuple(_rule(Path("the table"), row) for row in table)


def table_text(targets: Iterable[TargetRule]) -> str:
    """Return rules as the text of a table of targets."""
    text = StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rule.row() for rule in targets)
    return text.getvalue()


def _rule(path: Path, row: Mapping[str, str], pack: str = "") -> TargetRule:
    site, modality, priority, patient_class = (row.get(name) or ANY for name in COLUMNS[2:6])
    begin, end = (optional_date(path, row.get(name, "")) for name in COLUMNS[:2])
    minutes = target_minutes(path, row["target_min"])
    return TargetRule(begin, end, site, modality, priority, patient_class, row["phase"], minutes, pack)


def rule_packs(reference: Path = REFERENCE) -> dict[str, RulePack]:
    """Return every shipped pack by key; raises ConfigurationError for a rule without a source."""
    return {path.stem: _pack(path) for path in sorted((reference / PACKS).glob("*.toml"))}


def _pack(path: Path) -> RulePack:
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    given, strata, clocks = (content.get(name, []) for name in ("rules", "strata", "clocks"))
    if any(not entry.get("source") for entry in (*given, *strata, *clocks)):
        raise ConfigurationError(f"{path}: every rule needs its source")
    texts = [{k: str(v) for k, v in entry.items()} for entry in given]
    found = tuple(_rule(path, row, path.stem) for row in texts)
    sources = tuple(entry["source"] for entry in given)
    return RulePack(
        path.stem, content["name"], content["source"], content.get("note", ""), found, tuple(strata), sources,
        tuple(clock_rule(path, entry) for entry in clocks), tuple(entry["source"] for entry in clocks),
    )  # fmt: skip
