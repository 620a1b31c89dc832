"""What a department's own lists tell: operating calendars and rows of rosters, reviews, storage and the like."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from etl.records.workflow import Identifiers


class OpeningKind(StrEnum):
    """What an operating-calendar row says of a scanner between two instants."""

    OPEN = "open"
    CLOSURE = "closure"
    DOWNTIME_PLANNED = "downtime_planned"
    DOWNTIME_UNPLANNED = "downtime_unplanned"
    SLOT = "slot"  # one template slot


@dataclass(frozen=True, slots=True)
class OpeningRecord:
    """A stretch `[begin_at, end_at)` of a scanner's operating calendar."""

    scanner_code: str
    kind: OpeningKind
    raw_time: str
    begin_at: datetime
    end_at: datetime
    local_date: date
    known_at: datetime | None
    clock: str
    reason_code: str | None = None


class EntryKind(StrEnum):
    """What a row of a department's own lists tells, beside workflow events and operating calendars."""

    SHIFT = "shift"  # rostered hours of a person
    AI_RESULT = "ai_result"
    PEER_REVIEW = "peer_review"
    INCIDENT = "incident"
    REJECT = "reject"  # rejected exposures (AAPM TG-305)
    STORAGE = "storage"  # bytes held on a volume
    COST = "cost"  # cost or RVU of a procedure, valid for a time
    COMMUNICATION = "communication"  # a critical finding told: who, to whom, how, read back
    TRANSFER = "transfer"  # a study's way into the archive, or a prior's out of it
    APPROPRIATENESS = "appropriateness"  # what decision support said of an order
    PEER_LEARNING = "peer_learning"  # a case handed in to learn from
    AI_VERDICT = "ai_verdict"  # what the reader made of an AI result: agreed, or why not
    AI_ADJUDICATION = "ai_adjudication"  # what a human found who looked again where AI and report differ
    REFERENCE = "reference"  # what a reference (pathology, registry) found, beside what the report had said


@dataclass(frozen=True, slots=True)
class EntryRecord:
    """One row of a list: a stretch or an instant, who and where, a code, and a number with its unit."""

    kind: EntryKind
    ids: Identifiers
    raw_time: str
    begin_at: datetime
    utc_offset_min: int | None
    known_at: datetime | None
    clock: str
    end_at: datetime | None = None  # shifts and validities
    ordinal: int = 0
    time_flag: str | None = None
    modality: str | None = None
    station_name: str | None = None
    person: str | None = None  # who works, reads or is reviewed; a token past staging
    other_person: str | None = None  # the reviewer
    code: str | None = None  # role, finding, score, incident or reject type, volume, procedure code
    outcome_code: str | None = None  # second code: human's verdict on an AI result, reason of an exposure's rejection
    value: float | None = None  # bytes, RVU, money, hours, probability
    unit: str | None = None
    count: int | None = None  # accepted and rejected exposures, weight of a row
    limit_value: float | None = None  # capacity of a volume, accepted exposures
