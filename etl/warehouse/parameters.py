"""The versioned parameter set that derivation is a function of, beside the events (decision 2)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType

from etl.errors import ConfigurationError
from etl.settings import REFERENCE, Corrections, Feed, Scanner, Settings, Site
from etl.site_codes import CodeKind, site_map
from etl.warehouse.care_rules import AiUse, StandardRule, ai_uses, standard_rules
from etl.warehouse.clock_rules import ClockRule
from etl.warehouse.derivation_rules import MATCHING as MATCHING
from etl.warehouse.derivation_rules import MatchRules as MatchRules
from etl.warehouse.derivation_rules import Rules as Rules
from etl.warehouse.dose_rules import DoseRules, dose_rules
from etl.warehouse.mapping_rules import milestones
from etl.warehouse.modality_families import modality_families
from etl.warehouse.reference import ANY, optional_date, pattern_key, rows
from etl.warehouse.rule_rows import DASHBOARD as DASHBOARD
from etl.warehouse.rule_rows import FeedRule as FeedRule
from etl.warehouse.rule_rows import PrecedenceRule as PrecedenceRule
from etl.warehouse.rule_rows import ProcedureRule as ProcedureRule
from etl.warehouse.rule_rows import ReasonRule as ReasonRule
from etl.warehouse.rule_rows import StatusRule as StatusRule
from etl.warehouse.site_rules import SiteMap, code_map, procedure_rules, protocol_names, status_rules, with_aliases
from etl.warehouse.target_rules import TargetRule as TargetRule
from etl.warehouse.target_rules import site_clocks, site_targets
from etl.warehouse.vocabulary import sole_codes

CALLED_OFF_BY = ("patient", "provider", "site", "other")
NO_DOSE_RULES = DoseRules()
STANDARD_RULES = Rules()
DERIVATION_VERSION = 5  # 2: own lists; 3: when feeds are expected; 4: scored matching, clocks; 5: whole catalogue


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, date) else dict(value) if isinstance(value, Mapping) else str(value)


@dataclass(frozen=True)
class Parameters:
    """Everything beside the events that facts depend on."""

    sites: tuple[Site, ...] = ()
    scanners: tuple[Scanner, ...] = ()
    feeds: tuple[FeedRule, ...] = ()
    clock_corrections: Mapping[str, Corrections] = field(
        default_factory=lambda: MappingProxyType({})
    )  # clock -> seconds
    status_rules: tuple[StatusRule, ...] = ()
    procedure_rules: tuple[ProcedureRule, ...] = ()
    priorities: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))  # code -> canonical
    patient_classes: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    modalities: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    protocols: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))  # MODALITY|AS SENT -> name
    regions: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))  # group -> body regions
    modality_families: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    order_ratings: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))  # CODE -> rating
    repeat_reasons: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))  # CODE -> class
    cancellation_reasons: tuple[ReasonRule, ...] = ()
    targets: tuple[TargetRule, ...] = ()
    clock_rules: tuple[ClockRule, ...] = ()  # of waits
    precedence: tuple[PrecedenceRule, ...] = ()
    standards: tuple[StandardRule, ...] = ()
    ai_uses: tuple[AiUse, ...] = ()
    dose: DoseRules = NO_DOSE_RULES
    rules: Rules = STANDARD_RULES
    individual_readers: bool = False  # whether facts of reading name single people (by pseudonym)

    @cached_property
    def hash(self) -> str:
        """32 hex digits over the whole content and the derivation's own version."""
        content = {
            "derivation": DERIVATION_VERSION,
            "sites": [s.model_dump() for s in self.sites],
            "scanners": [s.model_dump() for s in self.scanners],
            "maps": [dict(m) for m in self._maps],
            "rows": [
                [asdict(row) for row in group]
                for group in (
                    self.feeds,
                    self.status_rules,
                    self.procedure_rules,
                    self.targets,
                    self.clock_rules,
                    self.precedence,
                    self.cancellation_reasons,
                )
            ],
            "care": [[asdict(row) for row in group] for group in (self.standards, self.ai_uses)],
            "dose": asdict(self.dose),
            "rules": asdict(self.rules),
            "individual_readers": self.individual_readers,
        }
        return sha256(json.dumps(content, sort_keys=True, default=_plain).encode()).hexdigest()[:32]

    @property
    def _maps(self) -> tuple[Mapping[str, object], ...]:
        codes = (self.clock_corrections, self.priorities, self.patient_classes, self.modalities, self.protocols)
        return (*codes, self.regions, self.modality_families, self.repeat_reasons, self.order_ratings)

    @property
    def zones(self) -> dict[str, str]:
        """IANA zone by site code."""
        return {site.code: site.zone for site in self.sites}


def load_parameters(settings: Settings, reference: Path = REFERENCE, codes: SiteMap | None = None) -> Parameters:
    """Read the parameter set: settings, `data/reference/*.csv`, the site's own targets and codes.

    `codes` stands in for what the site's file of codes says. Raises ConfigurationError naming file and row when a
    table is missing or has a bad value.
    """
    own = site_map(settings) if codes is None else codes
    procedures = _procedure_rules(reference / "procedure_groups.csv")
    return Parameters(
        sites=settings.sites,
        scanners=with_aliases(settings.scanners, own),
        feeds=tuple(_feed(feed) for feed in settings.feeds),
        clock_corrections=MappingProxyType(dict(settings.clock_corrections)),
        status_rules=(
            *status_rules(own),
            *_status_rules(reference / "status_maps.csv"),
            *_milestone_rules(settings, reference),
            *_vocabulary_rules(settings),
        ),
        procedure_rules=procedure_rules(own, procedures) + procedures,
        priorities=code_map(_code_map(reference / "priority_map.csv"), own, CodeKind.PRIORITY),
        patient_classes=code_map(_code_map(reference / "patient_class_map.csv"), own, CodeKind.PATIENT_CLASS),
        modalities=code_map(_code_map(reference / "modality_map.csv"), own, CodeKind.MODALITY),
        protocols=protocol_names(own),
        targets=site_targets(settings, reference),
        clock_rules=site_clocks(settings, reference),
        regions=_column(reference / "body_regions.csv", "procedure_group", "regions"),
        modality_families=modality_families(reference),
        order_ratings=code_map({}, own, CodeKind.RATING),
        repeat_reasons=_column(reference / "repeat_reasons.csv", "code", "reason_class"),
        precedence=_precedence(reference / "clock_precedence.csv"),
        individual_readers=settings.individual_readers,
        standards=standard_rules(settings.at(settings.standards_file)),
        ai_uses=ai_uses(settings.at(settings.ai_use_file)),
        cancellation_reasons=(
            *_reasons(settings.at(settings.cancellation_reasons_file), is_site=True),
            *_reasons(reference / "cancellation_reasons.csv"),
        ),
        dose=dose_rules(settings, procedure_rules(own, procedures) + procedures),
        rules=Rules(
            followup_grace_days=settings.followup.grace_days,
            followup_early_share=settings.followup.early_share,
            followup_late_days=settings.followup.late_days,
        ),
    )


def _feed(feed: Feed) -> FeedRule:
    # an extract's mapping preset names its status columns too, unless the feed says otherwise
    preset = feed.options.get("status_preset") or feed.options.get("preset") or feed.options.get("mapping") or ""
    delivered = feed.expected_every_min if "expected_every_min" in feed.model_fields_set else 0
    return FeedRule(feed.key, feed.kind, feed.site, str(preset), feed.expected_every_min, delivered)


def _status_rules(path: Path) -> tuple[StatusRule, ...]:
    columns = ("kind", "preset", "pattern", "event_type")
    return tuple(StatusRule(*(row[c] for c in columns)) for row in rows(path, columns))


def _vocabulary_rules(settings: Settings) -> tuple[StatusRule, ...]:
    return tuple(StatusRule("sole", "", pattern, event_type) for pattern, event_type in sole_codes(settings))


def _milestone_rules(settings: Settings, reference: Path) -> tuple[StatusRule, ...]:
    """Return what the feeds' own column mappings say; shipped rows come before and may say it finer."""
    return tuple(
        StatusRule(feed.kind, "", pattern, event_type, feed.key)
        for feed in settings.feeds
        for pattern, event_type in milestones(feed, settings, reference)
    )


def _procedure_rules(path: Path) -> tuple[ProcedureRule, ...]:
    columns = ("modality", "pattern", "procedure_group", "section")
    return tuple(
        ProcedureRule(row["modality"], pattern_key(row["pattern"]), row["procedure_group"], row["section"])
        for row in rows(path, columns)
    )


def _column(path: Path, key: str, value: str) -> Mapping[str, str]:
    return MappingProxyType({row[key]: row[value] for row in rows(path, (key, value))})


def _code_map(path: Path) -> Mapping[str, str]:
    return MappingProxyType({row["code"].upper(): row["canonical"] for row in rows(path, ("code", "canonical"))})


def _reasons(path: Path, *, is_site: bool = False) -> tuple[ReasonRule, ...]:
    if is_site and not path.exists():
        return ()
    found = tuple(
        ReasonRule(pattern_key(row["pattern"]), row["called_off_by"])
        for row in rows(path, ("pattern", "called_off_by"))
    )
    unknown = {rule.called_off_by for rule in found} - set(CALLED_OFF_BY)
    if unknown:
        raise ConfigurationError(f"{path}: called_off_by is {sorted(unknown)}; it is one of {', '.join(CALLED_OFF_BY)}")
    return found


def _precedence(path: Path) -> tuple[PrecedenceRule, ...]:
    columns = ("milestone", "site", "valid_from", "order")
    return tuple(
        PrecedenceRule(
            row["milestone"], row["site"] or ANY, optional_date(path, row["valid_from"]), tuple(row["order"].split())
        )
        for row in rows(path, columns)
    )
