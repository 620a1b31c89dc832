"""From one HL7 v2 message to its imaging events; what the statuses mean is left to the status map."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from etl.errors import FilterReason, ItemRefused, Reason
from etl.records import Attributes, EventRecord, Identifiers
from etl.sources.hl7_message import unescaped
from etl.sources.hl7_rules import PRESENCE_FLAGS, RATING, FieldRules, Fields, Plan, value
from etl.sources.hl7_structure import ORDERS, REPLIES, Group, Message, field_text
from etl.sources.times import Instant, instant

RESULTS = "ORU"
BOOKINGS = frozenset({"S12", "S13", "S14", "S15", "S16", "S17", "S26"})  # table 0003, kpis.md E3
VISITS = frozenset({"A03", "A04", "A09", "A10"})
MERGES = frozenset({"A18", "A30", "A34", "A35", "A36", "A40", "A47"})
LINKS = frozenset({"A24", "A37"})  # two PIDs linked, and unlinked again
UPDATES = frozenset({"A08", "A31"})

# ORC-1 codes that speak of the order itself, so ORC-9 dates them (table 0119)
ORDER_CONTROLS = frozenset(
    "NW SN NA OK XO XX XR CA OC CR UC UD RP RU RQ RO HD OH HR RL OE OR".split()  # noqa: SIM905 - a table
)
TIME_BY_STATUS = {"IP": "begin_time", "CM": "end_time"}  # ORC-5, table 0038

AI_FLAG = "AITRIAGE"
SIGNED = frozenset({"F", "C"})  # OBR-25 of reports whose recommendations count
TEXTS = (["TX"], ["FT"])  # OBX-2
ACTIONABLE = re.compile(r"RID4948([012])\b")  # RadLex: actionable finding of category 1, 2, 3
NUMBER = re.compile(r"\d{1,6}(\.\d{1,6})?", re.ASCII)
CODE = re.compile(r"[\w.+-]{1,32}", re.ASCII)
MINUTES = {"S": 1 / 60, "SEC": 1 / 60, "M": 1.0, "MIN": 1.0, "MINUTES": 1.0, "": 1.0, "H": 60.0, "HR": 60.0}


def events(message: Message, zone: ZoneInfo, rules: FieldRules) -> list[EventRecord] | FilterReason:
    """Return the events of a message, or why it is left out; raises ItemRefused when it cannot be read."""
    kind, _, trigger = message.kind.partition("^")
    reader = Reader(message, zone, rules)
    if kind in ORDERS:
        return reader.orders()
    if kind == RESULTS:
        return reader.results()
    if kind == "SIU" and trigger in BOOKINGS:
        return reader.bookings()
    if kind == "ADT" and trigger in VISITS:
        return [reader.event(message.header, f"{message.kind}///", "adt_time", 0)]
    if kind == "ADT" and trigger in MERGES | LINKS:
        return reader.merges()
    if kind == "ADT" and trigger in UPDATES:
        return reader.update()
    return FilterReason.NOT_IMAGING


def time_role(kind: str, fields: Fields) -> str:
    """Return which time rule dates a message of this kind with these segments."""
    if kind[:3] in ORDERS:
        orc = fields.get("ORC")
        if field_text(orc, 1) in ORDER_CONTROLS:
            return "order_time"
        return TIME_BY_STATUS.get(field_text(orc, 5), "status_time")
    return {"ORU": "result_time", "SIU": "booking_time"}.get(kind[:3], "adt_time")


@dataclass(slots=True)
class Reader:
    """Builds the records of one message."""

    message: Message
    zone: ZoneInfo
    rules: FieldRules

    def orders(self) -> list[EventRecord] | FilterReason:
        """One event for each ORC/OBR; orders of drugs, diets and supplies are not imaging.

        A reply may only repeat the message it answers, or a number without saying whose: one without OBR is left out.
        """
        if self.message.kind[:3] in REPLIES and not any("OBR" in g.own for g in self.message.groups):
            return FilterReason.NOT_IMAGING
        groups = self._imaging("ORC or OBR")
        return [self._order(n, g) for n, g in groups] or FilterReason.NOT_IMAGING

    def _order(self, ordinal: int, group: Group) -> EventRecord:
        event = self.event(group.fields(), self.code(group), time_role(self.message.kind, group.own), ordinal)
        rating = next((code for suffix, code, _ in self._flags(group.results) if suffix == RATING), None)
        return replace(event, attributes=_with_result(event.attributes, rating)) if rating else event

    def results(self) -> list[EventRecord] | FilterReason:
        """One event for each OBR's status and one for each coded flag in its OBX."""
        groups = self._imaging("OBR")
        return [e for n, g in groups for e in self._result(n, g)] or FilterReason.NOT_IMAGING

    def bookings(self) -> list[EventRecord]:
        """One event for each filler order of the appointment (SCH-26 and SCH-27 repeat)."""
        if "SCH" not in self.message.header and "AIS" not in self.message.header:
            raise ItemRefused(Reason.BAD_STRUCTURE, "SIU without SCH and AIS")
        code = f"{self.message.kind}///"
        return [self.event(f, code, "booking_time", n) for n, f in enumerate(self._by_order())]

    def merges(self) -> list[EventRecord] | FilterReason:
        """One event for each number merged, linked or unlinked; one of accounts within one patient is none."""
        if not self.message.pairs:
            raise ItemRefused(Reason.BAD_STRUCTURE, f"{self.message.kind} without MRG or second PID")
        found = []
        for ordinal, fields in enumerate(f for pair in self.message.pairs for f in self._by_prior(pair)):
            event = self.event(fields, f"{self.message.kind}///", "adt_time", ordinal)
            if event.ids.prior_patient_id is None or event.ids.patient_id is None:
                raise ItemRefused(Reason.MISSING_IDENTIFIER, "a merge without PID-3 or MRG-1")
            if event.ids.prior_patient_id != event.ids.patient_id or _issuers_differ(event.ids):
                found.append(event)
        return found or FilterReason.NOT_IMAGING

    def _by_prior(self, pair: Fields) -> Iterator[Fields]:
        """Yield the pair once for each number in MRG-1 of the first one's type and authority (MRG-1 repeats)."""
        d, mrg = self.message.d, pair["MRG"]
        repetitions = [r for r in (mrg[1] if len(mrg) > 1 else "").split(d.repetition) if r]
        kinds = [_kind_of_number(r, d.component) for r in repetitions]
        first = next((k for k in kinds if k[1] == "MR"), kinds[0] if kinds else None)
        mine = [r for r, kind in zip(repetitions, kinds, strict=True) if kind == first]
        for repetition in mine or [""]:
            yield {**pair, "MRG": ["MRG", repetition, *mrg[2:]]}

    def update(self) -> list[EventRecord] | FilterReason:
        """One event of what is now known of a patient, unless the message says none of it."""
        event = self.event(self.message.header, f"{self.message.kind}///", "adt_time", 0)
        if event.ids.patient_id is None:
            raise ItemRefused(Reason.MISSING_IDENTIFIER, "an update without PID-3")
        a = event.attributes
        says = a.birth_date or a.sex or (a.patient_class_code and event.ids.visit_number)
        return [event] if says else FilterReason.NOT_IMAGING

    def _imaging(self, needed: str) -> list[tuple[int, Group]]:
        if not self.message.groups:
            raise ItemRefused(Reason.BAD_STRUCTURE, f"{self.message.kind} without {needed}")
        return [(n, g) for n, g in enumerate(self.message.groups) if self._is_imaging(g)]

    def _is_imaging(self, group: Group) -> bool:
        if self.message.kind[:3] in REPLIES and "OBR" not in group.own:
            return False
        section = field_text(group.own.get("OBR"), 24)
        return not group.other_detail and section.upper() not in self.rules.other_sections

    def code(self, group: Group) -> str:
        """Return ``MSH-9/ORC-1/ORC-5/OBR-25`` as sent."""
        orc, obr = group.own.get("ORC"), group.own.get("OBR")
        return f"{self.message.kind}/{field_text(orc, 1)}/{field_text(orc, 5)}/{field_text(obr, 25)}"

    def _result(self, ordinal: int, group: Group) -> Iterator[EventRecord]:
        fields, code = group.fields(), self.code(group)
        base = self.event(fields, code, "result_time", ordinal)
        flags = [flag for flag in self._flags(group.results) if flag[0] != RATING]
        if any(suffix == AI_FLAG for suffix, _, _ in flags):
            # an algorithm's result says nothing of the report's status, whatever OBR-25 it carries
            if value(fields, self.rules["processing_begin_time"], self.message.d):
                yield self.event(fields, f"{code}#OBR-7", "processing_begin_time", ordinal)
        else:
            yield replace(base, report_text=self._report_text(group)) if self._is_signed(group) else base
        seen: dict[str, int] = {}
        for suffix, result_code, time_text in flags:
            nth = seen[suffix] = seen.get(suffix, -1) + 1
            yield self._flag_event(base, f"{code}#{suffix}", result_code, time_text, ordinal + 1000 * nth)

    def _is_signed(self, group: Group) -> bool:
        return field_text(group.own.get("OBR"), 25) in SIGNED

    def _report_text(self, group: Group) -> str | None:
        """Return the text of OBX-5 (TX, FT), lines joined; None without any."""
        d = self.message.d
        texts = [obx[5] for line in group.results if (obx := line.split(d.field))[2:3] in TEXTS and len(obx) > 5]
        lines = [unescaped(text, d) for whole in texts for text in whole.split(d.repetition)]
        return "\n".join(lines) or None

    def _flags(self, lines: Iterable[str]) -> Iterator[tuple[str, str | None, str]]:
        """Yield (suffix, coded value, OBX-14) of coded results; text is left to staging."""
        d = self.message.d
        categories: dict[str, None] = {}
        for line in lines:
            code = field_text(line.split(d.field, 4), 3).split(d.component)[0]
            suffix = self.rules.result_flags.get(code)
            if suffix is not None:
                obx = line.split(d.field)
                found = "" if suffix in PRESENCE_FLAGS else field_text(obx, 5).split(d.component)[0]
                yield suffix, found if CODE.fullmatch(found) else None, field_text(obx, 14)
            elif "RID4948" in line:
                categories.update((str(int(c) + 1), None) for c in ACTIONABLE.findall(line))
        for category in categories:
            yield "CRIT", category, ""

    def _flag_event(
        self, base: EventRecord, code: str, result_code: str | None, time_text: str, ordinal: int
    ) -> EventRecord:
        attributes = _with_result(base.attributes, result_code)
        at = Instant(base.occurred_at, base.utc_offset_min or 0, base.time_flag)
        if time_text:
            time_text = time_text.split(self.message.d.component)[0]
            at = instant(time_text, self.zone, kind="hl7")
        return EventRecord(
            base.ids, code, time_text or base.raw_time, at.at, at.utc_offset_min, base.known_at, base.clock,
            ordinal, at.flag, attributes,
        )  # fmt: skip

    def _by_order(self) -> Iterator[Fields]:
        header, repetition = self.message.header, self.message.d.repetition
        sch = header.get("SCH", [])
        placers, fillers = (field_text(sch, n).split(repetition) for n in (26, 27))
        if max(len(placers), len(fillers)) == 1:
            yield header
            return
        for n in range(max(len(placers), len(fillers))):
            own = [*sch, *[""] * (28 - len(sch))]
            own[26], own[27] = ((many[n : n + 1] or [""])[0] for many in (placers, fillers))
            yield {**header, "SCH": own}

    def event(self, fields: Fields, code: str, time_role: str, ordinal: int) -> EventRecord:
        """Return one event; raises ItemRefused MISSING_IDENTIFIER, MISSING_TIME or the time's own reason."""
        message, plan = self.message, self.rules.plan(fields)
        raw = (value(fields, plan.by_role[time_role], message.d) or "").split(message.d.component)[0]
        if not raw:
            positions = ", ".join(map(str, self.rules[time_role]))
            raise ItemRefused(Reason.MISSING_TIME, f"no time in {positions}")
        at, utc_offset_min, flag = instant(raw, self.zone, kind="hl7")
        ids, attributes = self._identifiers(fields, plan), self._attributes(fields, plan)
        return EventRecord(
            ids, code, raw, at, utc_offset_min, message.known_at, message.clock, ordinal, flag, attributes
        )

    def _identifiers(self, fields: Fields, plan: Plan) -> Identifiers:
        d = self.message.d
        found = [value(fields, rule, d) if rule else None for rule in plan.identifiers]
        if not any(found):
            raise ItemRefused(Reason.MISSING_IDENTIFIER, "no patient, order, visit or appointment number")
        if found[0] is None:
            found[1] = None  # an issuer without its number says nothing
        return Identifiers(*found)

    def _attributes(self, fields: Fields, plan: Plan) -> Attributes:
        d, rules = self.message.d, plan.by_role
        found: list[Any] = [value(fields, rule, d) if rule else None for rule in plan.attributes]
        reason = value(fields, rules["reason_code"], d)
        duration = value(fields, rules["planned_duration"], d)
        unit = value(fields, rules["planned_duration_unit"], d)
        found.append(self._appointment_at(value(fields, rules["appointment_at"], d)))
        found.append(_minutes(duration, unit))
        found.append(reason if reason and CODE.fullmatch(reason) else None)
        return Attributes(*found)

    def _appointment_at(self, text: str | None) -> datetime | None:
        if text is None:
            return None
        try:
            return instant(text.split(self.message.d.component)[0], self.zone, kind="hl7").at
        except ItemRefused:
            if self.message.kind.startswith("SIU"):
                raise
            return None


def _kind_of_number(text: str, separator: str) -> tuple[str, str]:
    """Return the assigning authority and the type of a CX (v2.5.1 2A.14)."""
    parts = [*text.split(separator), "", "", "", "", ""]
    return parts[3], parts[4]


def _issuers_differ(ids: Identifiers) -> bool:
    prior = ids.prior_patient_id_issuer
    return prior is not None and prior != ids.patient_id_issuer


def _minutes(text: str | None, unit: str | None) -> float | None:
    if text is None or not NUMBER.fullmatch(text) or (unit or "").upper() not in MINUTES:
        return None
    return float(text) * MINUTES[(unit or "").upper()]


def _with_result(attributes: Attributes, result_code: str | None) -> Attributes:
    values = {name: getattr(attributes, name) for name in Attributes.__slots__}
    return Attributes(**{**values, "result_code": result_code})
