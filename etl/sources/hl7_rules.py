"""Which HL7 position fills which field: shipped rules as data, overridden per feed in its options."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

from etl.errors import FeedStoppedError
from etl.settings import REFERENCE
from etl.sources.hl7_message import Delimiters, unescaped

Fields = dict[str, list[str]]  # segment name -> its fields, the name itself at 0

POSITION = re.compile(r"([A-Z][A-Z0-9]{2})-(\d{1,3})(?:\[(\w+)\])?(?:\.(\d{1,2}))?(?:\.(\d{1,2}))?")
ALIASES = {"accession": "accession_number"}
OTHER_OPTIONS = frozenset({"status_preset", "other_sections", "result_flags"})
# the roles that fill etl.records.Identifiers, and those that fill Attributes as text, in their own order
IDENTIFIER_ROLES = (
    "patient_id",
    "patient_id_issuer",
    "prior_patient_id",
    "prior_patient_id_issuer",
    "accession_number",
    "placer_order_number",
    "filler_order_number",
    "study_instance_uid",
    "visit_number",
    "appointment_id",
    "requested_procedure_id",
)
ATTRIBUTE_ROLES = (
    "modality",
    "station_name",
    "procedure_code",
    "procedure_text",
    "priority_code",
    "patient_class_code",
    "birth_date",
    "sex",
    "ordering_person",
    "technologist",
    "reader",
    "assistant_reader",
)
NULL = '""'  # v2.5.1 2.5.3: delete the value
MAX_PLANS = 1000
IDENTIFIER_TYPE = 4  # CX.5, counted from 0

# HL7 table 0074 without imaging sections and without letters that DICOM uses for a modality
OTHER_SECTIONS = frozenset(
    "BG BLB CG CH CP EN GE HM IMM LAB MB MCB MYC NRS OSL PF PHR PHY RC SP VR".split()  # noqa: SIM905 - a table
)


# OBX-3.1 -> what it tells beside the report's status; the suffix of its event's local code
RESULT_FLAGS = {code: code for code in ("CRIT", "CRITNOTIF", "CRITACK", "FOLLOWUP", "AITRIAGE", "ADDCLASS", "DISCREP")}
# sections of a report: LOINC 19005-8 is Radiology Imaging study [Interpretation], IMP the suffix of HL7 v2.5.1 7.1.3
RESULT_FLAGS |= {"IMP": "IMP", "19005-8": "IMP"}
RATING = "RATING"  # of an order alone: what decision support said of it
PRESENCE_FLAGS = frozenset({"IMP"})  # that the line is there is all there is to know: its value is text


class Position(NamedTuple):
    """``SEG-field[type].component.sub``; counted from 1 as in the standard, 0 for the whole."""

    segment: str
    field: int
    component: int = 0
    sub: int = 0
    wanted_type: str = ""  # only the repetition whose CX.5 is this

    def __str__(self) -> str:
        typed = f"[{self.wanted_type}]" if self.wanted_type else ""
        parts = "".join(f".{n}" for n in (self.component, self.sub) if n)
        return f"{self.segment}-{self.field}{typed}{parts}"


Rule = tuple[Position, ...]


class Plan(NamedTuple):
    """The rules that can answer for a message with given segments, the others' positions left out."""

    identifiers: tuple[Rule, ...]  # of IDENTIFIER_ROLES
    attributes: tuple[Rule, ...]  # of ATTRIBUTE_ROLES
    by_role: dict[str, Rule]


@dataclass(frozen=True)
class FieldRules:
    """Every role's positions, best first, and the segments they need."""

    rules: dict[str, Rule]
    segments: frozenset[str]
    other_sections: frozenset[str]
    result_flags: dict[str, str]
    plans: dict[tuple[str, ...], Plan] = field(default_factory=dict, repr=False, compare=False)

    def __getitem__(self, role: str) -> Rule:
        return self.rules[role]

    def plan(self, fields: Fields) -> Plan:
        """Return the plan for these segments; a feed has some ten kinds of messages, so plans are kept."""
        present = tuple(fields)
        found = self.plans.get(present)
        if found is None:
            by_role = {role: tuple(p for p in rule if p.segment in fields) for role, rule in self.rules.items()}
            identifiers = tuple(by_role[role] for role in IDENTIFIER_ROLES)
            found = Plan(identifiers, tuple(by_role[role] for role in ATTRIBUTE_ROLES), by_role)
            if len(self.plans) < MAX_PLANS:
                self.plans[present] = found
        return found


def position(text: str) -> Position:
    """Return the position written as ``OBR-27.6`` or ``PID-3[MR].1``; raises ValueError for anything else."""
    match = POSITION.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not an HL7 position such as OBR-18 or PID-3.1")
    segment, number, wanted, component, sub = match.groups()
    return Position(segment, int(number), int(component or 0), int(sub or 0), wanted or "")


@lru_cache(maxsize=1)
def shipped_rules() -> dict[str, Rule]:
    """Return the rules of data/reference/hl7_field_rules.csv, each with its source there."""
    with (REFERENCE / "hl7_field_rules.csv").open(encoding="utf-8", newline="") as file:
        return {row["role"]: tuple(map(position, row["positions"].split())) for row in csv.DictReader(file)}


def field_rules(options: dict[str, Any]) -> FieldRules:
    """Return the shipped rules with a feed's own in their place.

    Options: any role of the shipped table (``accession_number = ["OBR-18", "OBR-3.1"]``, one position or
    several, best first), ``other_sections`` (OBR-24 codes that are not imaging) and ``result_flags`` (a site's
    OBX-3.1 codes -> CRIT, CRITNOTIF, CRITACK, FOLLOWUP, AITRIAGE, ADDCLASS, DISCREP, IMP or RATING). Raises
    FeedStoppedError naming the unknown option or the bad position.
    """
    rules = dict(shipped_rules())
    for option, value in options.items():
        if option in OTHER_OPTIONS:
            continue
        role = ALIASES.get(option, option)
        if role not in rules:
            raise FeedStoppedError(f"unknown option {option!r}; known: {', '.join(sorted(rules))}")
        try:
            rules[role] = tuple(map(position, [value] if isinstance(value, str) else value))
        except (TypeError, ValueError) as error:
            raise FeedStoppedError(f"option {option!r}: {error}") from error
    needed = frozenset(p.segment for rule in rules.values() for p in rule)
    sections = frozenset(options.get("other_sections", OTHER_SECTIONS))
    flags = {**RESULT_FLAGS, **options.get("result_flags", {})}
    return FieldRules(rules, needed, sections, flags)


def value(fields: Fields, rule: Rule, d: Delimiters) -> str | None:
    """Return the first non-empty value of a rule, unescaped and stripped; None when there is none."""
    for name, number, component, sub, wanted in rule:
        segment = fields.get(name)
        if segment is None or len(segment) <= number or not (text := segment[number]):
            continue
        if text.isalnum():  # so without delimiters: the whole is its own first component
            if component < 2 and sub < 2:
                return text
            continue
        text = _part(text, component, sub, wanted, d)
        if text and text != NULL:
            return text
    return None


def found_at(fields: Fields, rule: Rule, d: Delimiters) -> Position | None:
    """Return the position from which `value` takes its answer."""
    return next((where for where in rule if value(fields, (where,), d) is not None), None)


def _part(text: str, component: int, sub: int, wanted: str, d: Delimiters) -> str:
    _, by_component, by_repetition, escape, by_sub = d
    if by_repetition in text:
        text = _repetition(text, wanted, d)
    if component:
        text = _nth(text, by_component, component)
        if sub:
            text = _nth(text, by_sub, sub)
    return unescaped(text, d).strip() if escape in text else text.strip()


def _nth(text: str, separator: str, number: int) -> str:
    if number == 1:
        return text.partition(separator)[0]
    parts = text.split(separator, number)
    return parts[number - 1] if len(parts) >= number else ""


def _repetition(text: str, wanted_type: str, d: Delimiters) -> str:
    repetitions = text.split(d.repetition)
    if not wanted_type:
        return next((r for r in repetitions if r), "")
    for repetition in repetitions:
        components = repetition.split(d.component)
        if len(components) > IDENTIFIER_TYPE and components[IDENTIFIER_TYPE] == wanted_type:
            return repetition
    return ""
