"""One HL7 v2 message cut into header, order groups and merge pairs, as far as imaging needs it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from etl.errors import ItemRefused, Reason
from etl.sources.hl7_message import Delimiters, segments
from etl.sources.hl7_rules import FieldRules, Fields
from etl.sources.times import instant

REPLIES = frozenset({"ORR", "ORI", "ORG"})  # application replies to orders
ORDERS = frozenset({"ORM", "OMI", "OMG"}) | REPLIES
PRIOR_RESULTS = frozenset({"OMI", "OMG"})  # their grammar ends each order with prior results (chapter 4)
OTHER_DETAILS = frozenset({"RXO", "RXE", "RQD", "ODS", "ODT", "BPO"})  # order details that are no OBR
STRUCTURE = frozenset({"MSH", "PID", "PV1", "EVN", "MRG", "ORC", "OBR", "SCH", "AIS"}) | OTHER_DETAILS
IN_GROUP = frozenset({"TQ1", "IPC"})
LINKING = frozenset({"ADT^A24", "ADT^A37"})  # their grammar holds two PIDs and no MRG (v2.5.1 3.3.24, 3.3.37)
LONGEST_HEADER_FIELD = 256  # MSH-3, MSH-4 and MSH-9 are remembered; what a broken sender puts there may be megabytes
STUDY = "113014"  # DCM: DICOM Study
MESSAGE_TYPE = re.compile(r"[A-Z][A-Z0-9]{2}")


@dataclass(slots=True)
class Group:
    """One order or result: the message's own segments, those of this group, and its raw OBX lines."""

    header: Fields
    own: Fields
    results: list[str] = field(default_factory=list)
    other_detail: bool = False

    def fields(self) -> Fields:
        """Return the segments by name, the group's own first; as OBX the one that names the study, if one does."""
        if self.results and (named := self._study()):
            return {**self.header, **self.own, "OBX": named}
        return {**self.header, **self.own}

    def _study(self) -> list[str] | None:
        studies = [line.split(line[3]) for line in self.results if STUDY in line[:64]]
        named = {obx[5]: obx for obx in studies if len(obx) > 5 and obx[3].startswith(STUDY)}
        # two would be a study and its prior, and which is which is not said
        return named.popitem()[1] if len(named) == 1 else None


class Message(NamedTuple):
    """A message cut as far as it is needed."""

    d: Delimiters
    kind: str  # "ORM^O01"
    header: Fields
    groups: list[Group]
    pairs: list[Fields]  # PID with its MRG; of a link the second PID stands in MRG
    known_at: datetime | None
    clock: str
    control_id: str | None


def read_message(text: str, zone: ZoneInfo, rules: FieldRules) -> Message:
    """Return the message with header and groups; raises ItemRefused when MSH or the structure is broken."""
    d, lines = segments(text)
    msh = lines[0].split(d.field)
    msh.insert(1, d.field)
    if len(msh) < 10:
        raise ItemRefused(Reason.TRUNCATED, f"MSH ends after field {len(msh) - 1}")
    kind = _kind(msh[9][:LONGEST_HEADER_FIELD], d.component)
    header: Fields = {"MSH": msh}
    groups, pairs = _collect(lines, d, rules.segments, header)
    control = msh[10].strip() if len(msh) > 10 else ""
    known_at = _known_at(msh[7].partition(d.component)[0], zone)
    clock = _clock(msh[3][:LONGEST_HEADER_FIELD], msh[4][:LONGEST_HEADER_FIELD], d.component)
    return Message(d, kind, header, groups, pairs, known_at, clock, control or None)


@lru_cache(maxsize=1024)
def _kind(text: str, separator: str) -> str:
    """Return ``MSH-9.1^MSH-9.2``; raises ItemRefused BAD_STRUCTURE when that is no message type."""
    kind, _, rest = text.partition(separator)
    if not MESSAGE_TYPE.fullmatch(kind):
        raise ItemRefused(Reason.BAD_STRUCTURE, "MSH-9 holds no message type")
    return f"{kind}^{rest.partition(separator)[0]}"


@lru_cache(maxsize=1024)
def _clock(application: str, facility: str, separator: str) -> str:
    sender = [text.partition(separator)[0].strip() for text in (application, facility)]
    return "|".join(part for part in sender if part)[:128] or "hl7"


def _collect(
    lines: list[str], d: Delimiters, needed: frozenset[str], header: Fields
) -> tuple[list[Group], list[Fields]]:
    """Sort the segments into the header and its order groups; see the message grammars of chapters 4 and 7."""
    groups: list[Group] = []
    pairs: list[Fields] = []
    lists_priors = header["MSH"][9][:3] in PRIOR_RESULTS
    links = _kind(header["MSH"][9][:LONGEST_HEADER_FIELD], d.component) in LINKING
    for line in lines[1:]:
        name = line[:3]
        if name == "OBX":
            if groups:
                groups[-1].results.append(line)
        elif name in needed or name in STRUCTURE:
            if groups and name in ("PID", "PV1"):
                if lists_priors:
                    break  # what follows are results of earlier orders
                if name == "PID":
                    header = {"MSH": header["MSH"]}  # the next patient
            if links and name == "PID" and "PID" in header:
                pairs.append({**header, "MRG": ["MRG", *line.split(d.field)[3:4]]})
            else:
                _place(name, line.split(d.field), header, groups, pairs)
    return groups, pairs


def _place(name: str, fields: list[str], header: Fields, groups: list[Group], pairs: list[Fields]) -> None:
    last = groups[-1] if groups and groups[-1].header is header else None
    if name == "ORC":
        groups.append(Group(header, {name: fields}))
    elif name == "OBR":
        if last is None or "OBR" in last.own:
            shared = {"ORC": last.own["ORC"]} if last is not None and "ORC" in last.own else {}
            groups.append(Group(header, {**shared, name: fields}))
        else:
            last.own[name] = fields
    elif name in IN_GROUP and last is not None:
        last.own.setdefault(name, fields)
    elif name in OTHER_DETAILS:
        if last is not None:
            last.other_detail = True
    elif name == "MRG":
        pairs.append({**header, name: fields})
    elif name == "PID":
        header[name] = fields  # each MRG of an A40 follows its own PID
    else:
        header.setdefault(name, fields)


def _known_at(text: str, zone: ZoneInfo) -> datetime | None:
    try:
        return instant(text, zone, kind="hl7").at
    except ItemRefused:
        return None  # an unreadable MSH-7 leaves the event without knowledge time, not without itself


def field_text(fields: list[str] | None, number: int) -> str:
    """Return a whole field, stripped; empty when segment or field is absent."""
    return fields[number].strip() if fields is not None and len(fields) > number else ""
