"""The one vocabulary that sources, staging and warehouse share: items, records and the event types.

A *source item* is conservation's unit (message, CSV row, DICOM instance, dose report, QIDO-RS series) and ends
in exactly one class: read, refused or filtered. A read item carries records; records still hold raw identifiers
and live only until staging pseudonymises them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from etl.errors import FilterReason, Reason


class EventType(StrEnum):
    """Canonical imaging events (kpis.md E3; the phases follow SIIM SWIM, the idea IHE SOLE)."""

    ORDER_ENTERED = "order_entered"
    ORDER_ACCEPTED = "order_accepted"
    ORDER_CHANGED = "order_changed"
    ORDER_CANCELLED = "order_cancelled"
    ORDER_DISCONTINUED = "order_discontinued"
    PROTOCOL_ASSIGNED = "protocol_assigned"
    EXAM_SCHEDULED = "exam_scheduled"
    EXAM_RESCHEDULED = "exam_rescheduled"
    APPT_CANCELLED = "appt_cancelled"
    NO_SHOW = "no_show"
    PATIENT_ARRIVED = "patient_arrived"
    IN_ROOM = "in_room"
    PREP_BEGIN = "prep_begin"
    EXAM_BEGIN = "exam_begin"
    EXAM_END = "exam_end"
    EXAM_DISCONTINUED = "exam_discontinued"
    QC_COMPLETE = "qc_complete"
    IMAGES_AVAILABLE = "images_available"
    POSTPROC_BEGIN = "postproc_begin"
    POSTPROC_END = "postproc_end"
    READ_OPENED = "read_opened"
    DICTATED = "dictated"
    TRANSCRIBED = "transcribed"
    PRELIM = "prelim"
    FINAL = "final"
    ADDENDUM = "addendum"
    CRIT_IDENTIFIED = "crit_identified"
    CRIT_NOTIFIED = "crit_notified"
    CRIT_ACK = "crit_ack"
    FOLLOWUP_RECOMMENDED = "followup_recommended"
    PATIENT_DEPARTED = "patient_departed"
    PATIENT_MERGED = "patient_merged"
    # appended as feeds brought them: positions are stored in derived frames, never in the warehouse
    PATIENT_UNMERGED = "patient_unmerged"  # ADT^A37
    PATIENT_UPDATED = "patient_updated"  # ADT^A08, A31
    RESOURCE_ASSIGNED = "resource_assigned"
    TRANSPORT_BEGIN = "transport_begin"  # ADT^A09
    TRANSPORT_END = "transport_end"  # ADT^A10
    ROOM_READY = "room_ready"
    QC_REJECT = "qc_reject"  # RID28816
    QC_REPEAT_DONE = "qc_repeat_done"  # SOLE105
    PRIOR_REQUESTED = "prior_requested"  # SOLE112
    PRIOR_AVAILABLE = "prior_available"  # SOLE113
    READ_CLAIMED = "read_claimed"
    REPORT_VIEWED = "report_viewed"
    CRIT_DELEGATED = "crit_delegated"  # SOLE107
    CRIT_CLOSED = "crit_closed"  # SOLE106
    FOLLOWUP_SCHEDULED = "followup_scheduled"
    FOLLOWUP_COMPLETED = "followup_completed"
    FOLLOWUP_DISMISSED = "followup_dismissed"
    PEER_REVIEWED = "peer_reviewed"
    DEVICE_DOWN = "device_down"
    DEVICE_UP = "device_up"
    PATIENT_LINKED = "patient_linked"  # ADT^A24
    ORDER_REPLACED = "order_replaced"  # ORC-1 RP, RU, RQ: another order takes its place
    ORDER_REINSTATED = "order_reinstated"  # ORC-1 UC, UD, RL: a stop or hold that does not hold
    PROCEDURE_CHANGED = "procedure_changed"  # Epic audit action: another procedure billed or reported
    ADDENDUM_CLASSED = "addendum_classed"  # OBX ADDCLASS: typographic or clinical
    DISCREPANCY_GRADED = "discrepancy_graded"  # OBX DISCREP on the final: how far it departs from the preliminary
    IMPRESSION_TOLD = "impression_told"  # OBX-3 says that the report has an impression; its text is never read
    FOLLOWUP_REOPENED = "followup_reopened"  # who dismissed it took that back


@dataclass(frozen=True, slots=True)
class Identifiers:
    """Identifiers exactly as sent (raw; replaced by tokens in staging). Empty text is never stored, None is."""

    patient_id: str | None = None  # PID-3.1 / (0010,0020)
    patient_id_issuer: str | None = None  # PID-3.4 / (0010,0021)
    prior_patient_id: str | None = None  # MRG-1.1, merges only
    prior_patient_id_issuer: str | None = None  # MRG-1.4; None: the same as patient_id_issuer
    accession_number: str | None = None  # OBR-18, IPC-1 / (0008,0050)
    placer_order_number: str | None = None  # ORC-2, OBR-2
    filler_order_number: str | None = None  # ORC-3, OBR-3
    study_instance_uid: str | None = None  # ZDS-1, IPC-3 / (0020,000D)
    visit_number: str | None = None  # PV1-19
    appointment_id: str | None = None  # SCH-2 (else SCH-1)
    requested_procedure_id: str | None = None  # OBR-19, IPC-2 / (0040,1001)


@dataclass(frozen=True, slots=True)
class Attributes:
    """What a message says about the exam beside its times; local codes, never free text or names."""

    modality: str | None = None  # OBR-24 / (0008,0060)
    station_name: str | None = None  # performed or booked room, station or AE title as sent
    procedure_code: str | None = None  # OBR-4.1
    procedure_text: str | None = None  # OBR-4.2
    priority_code: str | None = None  # OBR-27.6, TQ1-9, OBR-5
    patient_class_code: str | None = None  # PV1-2
    birth_date: str | None = None  # raw; staging keeps the year
    sex: str | None = None  # PID-8 / (0010,0040)
    ordering_person: str | None = None  # OBR-16.1
    technologist: str | None = None  # OBR-34
    reader: str | None = None  # OBR-32
    assistant_reader: str | None = None  # OBR-33 (trainee)
    appointment_at: datetime | None = None  # SCH-11.4, TQ1-7, OBR-36
    planned_duration_min: float | None = None  # SCH-9 in minutes
    reason_code: str | None = None  # SCH-6/ORC-16: why cancelled, (0040,0281)
    result_code: str | None = None  # coded finding class: critical class, AI result, follow-up interval


NO_ATTRIBUTES = Attributes()


@dataclass(frozen=True, slots=True)
class EventRecord:
    """One timestamped happening of the workflow.

    `local_code` is the sender's own status in one string (HL7: ``ORM^O01/SC/IP/`` = MSH-9 / ORC-1 / ORC-5 /
    OBR-25; RIS extract: ``csv:<column header>``; DICOM: ``dicom:<Keyword>``); derivation maps it to an EventType.
    `raw_time` is the text as sent, `occurred_at` that text as an aware UTC instant.
    """

    ids: Identifiers
    local_code: str
    raw_time: str
    occurred_at: datetime
    utc_offset_min: int | None
    known_at: datetime | None  # the sender's message time (MSH-7), row time for extracts
    clock: str  # which clock wrote it: sending application, station
    ordinal: int = 0  # position within the item (OBR repetition)
    time_flag: str | None = None  # "ambiguous" for a repeated DST hour read without offset
    attributes: Attributes = NO_ATTRIBUTES
    report_text: str | None = field(default=None, repr=False)  # of a final report; staging reads it and drops it


@dataclass(frozen=True, slots=True)
class SeriesRecord:
    """The header of one DICOM series (QIDO-RS) or of one instance of it (file); pixels are never read.

    Durations follow (0018,9073) where present; else `end_at` is None and derivation uses the last begin.
    """

    ids: Identifiers
    series_instance_uid: str
    sop_instance_uid: str | None
    modality: str
    station_name: str | None
    manufacturer: str | None
    model_name: str | None
    protocol_name: str | None
    body_part: str | None
    raw_time: str
    begin_at: datetime
    end_at: datetime | None
    utc_offset_min: int | None
    time_source: str  # DICOM keyword that gave begin_at
    known_at: datetime | None
    clock: str
    number_of_instances: int = 1
    size_bytes: int | None = None
    performed_begin_at: datetime | None = None  # (0040,0244)+(0040,0245)
    performed_end_at: datetime | None = None  # (0040,0250)+(0040,0251)
    stored_at: datetime | None = None  # when the archive had it, where known
    patient_birth_date: str | None = None
    patient_sex: str | None = None
    time_flag: str | None = None


@dataclass(frozen=True, slots=True)
class DoseRecord:
    """One irradiation (or administration) event of a dose report, units normalised; the study total is their
    union over `irradiation_event_uid` (TID 10003, 10013, 10022)."""

    ids: Identifiers
    report_uid: str
    irradiation_event_uid: str  # made from report and position where a sender leaves it out
    modality: str
    station_name: str | None
    manufacturer: str | None
    model_name: str | None
    protocol_name: str | None  # 125203
    target_region: str | None  # 123014, code value
    acquisition_type: str | None  # 113820, code value
    raw_time: str
    occurred_at: datetime  # 111526 or 113809; else the report's content time
    ended_at: datetime | None
    utc_offset_min: int | None
    known_at: datetime | None
    clock: str
    ctdivol_mgy: float | None = None  # 113830
    phantom_cm: int | None = None  # 113835: 16 or 32
    dlp_mgy_cm: float | None = None  # 113838
    ssde_mgy: float | None = None  # 113930
    dap_gy_m2: float | None = None  # 122130
    dose_rp_gy: float | None = None  # 113738
    fluoro_time_s: float | None = None
    agd_mgy: float | None = None  # 111631
    laterality: str | None = None  # "L" or "R"
    activity_mbq: float | None = None  # 113507
    dose_check: str | None = None  # "alert" (113900), "notification" (113908)
    is_patient: bool = True  # False for QA phantoms
    time_flag: str | None = None
    origin: str | None = None  # None for a dose report; "image" for an image's header, which a report outdoes
    view_code: str | None = None  # 111031, code value
    thickness_mm: float | None = None  # 111633, compressed breast
    diameter_mm: float | None = None  # 113980 water equivalent, else 113933 effective: the size behind SSDE


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


Record = EventRecord | SeriesRecord | DoseRecord | OpeningRecord | EntryRecord


@dataclass(frozen=True, slots=True)
class Read:
    """An item that yielded records (at least one with an identifier and a time)."""

    source_ref: str  # relative file and position: "2026-10-01.hl7#17"
    records: tuple[Record, ...]
    control_id: str | None = None  # MSH-10, SOP Instance UID; goes to the receipt, never into event identity


@dataclass(frozen=True, slots=True)
class Refused:
    """An item that goes to quarantine; `detail` is already free of patient data, `raw` is kept encrypted."""

    source_ref: str
    reason: Reason
    detail: str
    raw: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Filtered:
    """A readable item left out under a listed reason."""

    source_ref: str
    reason: FilterReason


SourceItem = Read | Refused | Filtered
