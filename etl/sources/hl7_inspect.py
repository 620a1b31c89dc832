"""What an HL7 file would become, as plain JSON values with masked identifiers, for `radpulse inspect`."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from etl.errors import FilterReason, ItemRefused, Reason
from etl.followup_text import TEXT_FLAG, Match, followup_rules
from etl.records import EventRecord, Identifiers
from etl.sources.base import masked
from etl.sources.hl7_charset import decode, decode_chunk
from etl.sources.hl7_events import events, time_role
from etl.sources.hl7_message import Chunk, chunks
from etl.sources.hl7_rules import FieldRules, Fields, field_rules, found_at, value
from etl.sources.hl7_structure import Message, read_message
from etl.sources.status_map import shipped_event_type

ZONE = ZoneInfo("UTC")  # no settings, so no site: times without offset are shown as if UTC, and it says so
IDENTIFIERS = frozenset(Identifiers.__slots__)
PERSONS = frozenset({"ordering_person", "technologist", "reader", "assistant_reader"})


def describe(data: bytes) -> dict[str, Any]:
    """Return kind, assumed zone and messages of a file.

    Raises ItemRefused with the first refusal's reason when no message of the file can be read.
    """
    text, raw = decode(data)
    rules = field_rules({})
    messages, first = [], None
    for chunk in chunks(text):
        try:
            if chunk.name in ("MSH", ""):
                messages.append(_describe(chunk, raw, rules))
        except ItemRefused as refused:
            first = first or refused
            messages.append({"refused": str(refused.reason), "detail": refused.detail})
    if not any("type" in message for message in messages):
        raise first or ItemRefused(Reason.TRUNCATED, "the file holds no message")
    return {"kind": "hl7v2", "zone": f"{ZONE.key} (assumed where a time has no offset)", "messages": messages}


def _describe(chunk: Chunk, raw: bool, rules: FieldRules) -> dict[str, Any]:
    if not chunk.name:
        raise ItemRefused(Reason.NOT_THIS_FORMAT, "text outside of any HL7 message")
    if not chunk.complete:
        raise ItemRefused(Reason.TRUNCATED, "the MLLP frame has no end")
    message = read_message(decode_chunk(chunk.text, raw), ZONE, rules)
    found = events(message, ZONE, rules)
    if isinstance(found, FilterReason):
        return {"type": message.kind, "filtered": str(found), "events": [], "fields": {}}
    shown = [_event(event, _scene(message, event), rules, message) for event in found]
    shown += [_recommendation(event, match) for event in found for match in _matches(event)]
    return {"type": message.kind, "events": shown, "fields": _fields(_scene(message, found[0]), rules, message)}


def _scene(message: Message, event: EventRecord) -> Fields:
    """Return the segments an event was made of; its ordinal counts groups (and 1000 for each equal flag)."""
    if message.pairs:
        return message.pairs[event.ordinal]
    return message.groups[event.ordinal % 1000].fields() if message.groups else message.header


def _event(event: EventRecord, fields: Fields, rules: FieldRules, message: Message) -> dict[str, Any]:
    return {
        "local_code": event.local_code,
        "event_type": shipped_event_type("hl7v2", event.local_code),
        "raw_time": event.raw_time,
        "occurred_at": event.occurred_at.isoformat(),
        "utc_offset_min": event.utc_offset_min,
        "known_at": event.known_at.isoformat() if event.known_at else None,
        "time_field": _time_field(event, fields, rules, message),
        "time_flag": event.time_flag,
        "clock": event.clock,
        "ids": {name: masked(v) for name in Identifiers.__slots__ if (v := getattr(event.ids, name))},
        "result_code": event.attributes.result_code,
    }


def _matches(event: EventRecord) -> list[Match]:
    return followup_rules().matches(event.report_text) if event.report_text else []


def _recommendation(event: EventRecord, match: Match) -> dict[str, Any]:
    """Return what a rule found in a report's text: the words that matched and nothing else of it."""
    local_code = f"{event.local_code}#{TEXT_FLAG}"
    return {
        "local_code": local_code,
        "event_type": shipped_event_type("hl7v2", local_code),
        "rule": match.rule_id,
        "result_code": match.code,
        "matched_words": list(match.words),
    }


def _time_field(event: EventRecord, fields: Fields, rules: FieldRules, message: Message) -> str | None:
    suffix = event.local_code.partition("#")[2]
    rule = rules[time_role(message.kind, fields)]
    if suffix == "OBR-7":
        rule = rules["processing_begin_time"]
    where = found_at(fields, rule, message.d)
    if suffix in rules.result_flags.values() and value(fields, rule, message.d) != event.raw_time:
        return "OBX-14"
    return f"{where.segment}-{where.field}" if where else None


def _fields(fields: Fields, rules: FieldRules, message: Message) -> dict[str, Any]:
    shown = {}
    for role, rule in rules.rules.items():
        where = found_at(fields, rule, message.d)
        if where is not None and not role.endswith("_time"):
            text = value(fields, rule, message.d)
            shown[role] = {"value": _shown(role, text), "field": f"{where.segment}-{where.field}"}
    return shown


def _shown(role: str, text: str | None) -> str | None:
    if role == "birth_date":
        return text[:4] if text and text[:4].isdigit() else None  # the year is what staging keeps
    return masked(text) if role in IDENTIFIERS | PERSONS and role != "patient_id_issuer" else text
