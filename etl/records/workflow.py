"""What messages and extracts tell of the workflow: identifiers, attributes and timestamped happenings."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


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
