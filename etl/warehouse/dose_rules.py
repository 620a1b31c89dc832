"""What derivation must know of dose: the references that hold, the site's levels, the window of rolling sums."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from etl.dose.ct_measure import CtCategory, ct_categories
from etl.dose.quantities import QUANTITIES
from etl.dose.references import DoseReference, Groups, loaded
from etl.settings import Settings
from etl.warehouse.rule_rows import ProcedureRule


@dataclass(frozen=True, slots=True)
class LevelRule:
    """A level of the site in its quantity's own unit, from a date on; `site` may be '*'."""

    purpose: str
    quantity: str
    site: str
    valid_from: date
    value: float


@dataclass(frozen=True, slots=True)
class DoseRules:
    """Loaded references, levels in the order in which later ones win, categories of the CT preview."""

    references: tuple[DoseReference, ...] = ()
    levels: tuple[LevelRule, ...] = ()
    ct_categories: tuple[CtCategory, ...] = ()
    window_days: int = 365


def dose_rules(settings: Settings, procedures: Iterable[ProcedureRule]) -> DoseRules:
    """Read the dose rules of an installation; raises ConfigurationError naming what is wrong."""
    groups, dose = procedure_group_names(procedures), settings.dose
    tables = loaded(settings.at(dose.drl_folder), groups, dose.region)
    levels = [LevelRule(v.purpose, QUANTITIES[v.quantity].name, v.site, v.valid_from, v.value) for v in dose.levels]
    return DoseRules(
        references=tuple(row for table in tables for row in table.references),
        levels=tuple(sorted(levels, key=lambda rule: (rule.site != "*", rule.valid_from))),
        ct_categories=ct_categories(settings.at(dose.ct_measure_file), groups.get("CT", frozenset())),
        window_days=dose.window_days,
    )


def procedure_group_names(procedures: Iterable[ProcedureRule]) -> Groups:
    """Return the procedure groups that exams can be in, by modality."""
    found: dict[str, set[str]] = defaultdict(set)
    for rule in procedures:
        found[rule.modality].add(rule.procedure_group)
    return {modality: frozenset(names) for modality, names in found.items()}
