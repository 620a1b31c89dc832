"""Records to rows: identifiers become tokens, texts are bounded, and every row gets its identity.

This runs once per event of every feed, so it works on plain tuples in the order of `columns.py`.
"""

from __future__ import annotations

from hashlib import blake2b
from math import isfinite
from typing import Any

from etl.records import DoseRecord, EntryRecord, EventRecord, Identifiers, OpeningRecord, Record, SeriesRecord
from etl.staging.clean import birth_year, micros, sex, text
from etl.staging.pseudonymise import Pseudonymiser

Row = tuple[Any, ...]
NO_IDENTIFIERS: Row = (None,) * 8


def digest(message: str) -> str:
    """Return the 128-bit BLAKE2b of a text as 32 hexadecimal characters."""
    return blake2b(message.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _at(value: Any) -> int | None:
    return None if value is None else micros(value)


def _number(value: float | None) -> float | None:
    return float(value) if value is not None and isfinite(value) else None


def _hashed(tokens: Row) -> Row:
    """Return the tokens that go into hashes; one that came later stays out where it was not sent.

    So an event read before the column existed is the same event when it is read again.
    """
    return tokens if tokens[-1] is not None else tokens[:-1]


class RowMaker:
    """Makes the rows of one feed; `row(record)` returns the table's name and the row without its item."""

    def __init__(self, feed_key: str, site_code: str, pseudonymiser: Pseudonymiser) -> None:
        self._feed = feed_key
        self._site = site_code
        self._token = pseudonymiser.token
        self._epoch = pseudonymiser.epoch

    def row(self, record: Record) -> tuple[str, Row]:
        """Return the event table a record belongs to, and its row."""
        if isinstance(record, EventRecord):
            return "event", self._event(record)
        if isinstance(record, SeriesRecord):
            return "event_series", self._series(record)
        if isinstance(record, DoseRecord):
            return "event_dose", self._dose(record)
        if isinstance(record, EntryRecord):
            return "event_entry", self._entry(record)
        return "event_opening", self._opening(record)

    def _tokens(self, ids: Identifiers) -> Row:
        token, site = self._token, self._site
        return (
            token("patient", ids.patient_id_issuer or site, ids.patient_id),
            token("accession", site, ids.accession_number),
            token("placer", site, ids.placer_order_number),
            token("filler", site, ids.filler_order_number),
            token("study", "", ids.study_instance_uid),
            token("visit", site, ids.visit_number),
            token("appointment", site, ids.appointment_id),
            token("procedure", site, ids.requested_procedure_id),
        )

    def _sealed(self, identity: Row, head: Row, known_at: int | None, tokens: Row, rest: Row, later: Row = ()) -> Row:
        """Put the hashes in: identity over what was sent, content over everything beside it (decision 1).

        `later` are columns that came later; they stay out of the hash where they say nothing.
        """
        event_id = digest("\x1f".join(["" if v is None else str(v) for v in (self._feed, *identity)]))
        told = (*rest, *(value for value in later if value is not None))
        content = digest(repr((self._feed, self._site, *head, self._epoch, *_hashed(tokens), *told)))
        return (
            event_id, self._feed, self._site, *head, known_at, content, self._epoch, *tokens, *rest,
        )  # fmt: skip

    def _event(self, r: EventRecord) -> Row:
        return self.event(r, self._tokens(r.ids))

    def event(self, r: EventRecord, tokens: Row) -> Row:
        """Return the row of an event whose identifiers are these tokens, in the order of `columns.SOURCE`."""
        issuer = r.ids.prior_patient_id_issuer or r.ids.patient_id_issuer or self._site
        prior = self._token("patient", issuer, r.ids.prior_patient_id)
        code, raw = text(r.local_code, 200), text(r.raw_time, 64)
        head = (code, raw, micros(r.occurred_at), r.utc_offset_min, r.time_flag, text(r.clock, 128))
        identity = (*_hashed(tokens), prior, code, raw, r.ordinal)
        return self._sealed(identity, head, _at(r.known_at), tokens, (prior, *self._attributes(r)))

    def _attributes(self, r: EventRecord) -> Row:
        a, token, site = r.attributes, self._token, self._site
        return (
            text(a.modality, 64),
            text(a.station_name, 128),
            text(a.procedure_code, 128),
            text(a.procedure_text, 200),
            text(a.priority_code, 64),
            text(a.patient_class_code, 64),
            birth_year(a.birth_date),
            sex(a.sex),
            token("person", site, a.ordering_person),
            token("person", site, a.technologist),
            token("person", site, a.reader),
            token("person", site, a.assistant_reader),
            _at(a.appointment_at),
            _number(a.planned_duration_min),
            text(a.reason_code, 128),
            text(a.result_code, 128),
        )

    def _series(self, r: SeriesRecord) -> Row:
        tokens = self._tokens(r.ids)
        series = self._token("series", "", r.series_instance_uid)
        instance = self._token("instance", "", r.sop_instance_uid)
        raw = text(r.raw_time, 64)
        head = ("dicom:series", raw, micros(r.begin_at), r.utc_offset_min, r.time_flag, text(r.clock, 128))
        rest = (series, instance, *self._series_header(r))
        # a series is asked for again while it grows: every state is an event, derivation takes the largest
        told: Row = () if r.sop_instance_uid is not None else (r.number_of_instances,)
        told += () if r.stored_at is None else (micros(r.stored_at),)  # and of several times the first
        identity = (*_hashed(tokens), series, instance, "dicom:series", raw, *told)
        return self._sealed(identity, head, _at(r.known_at), tokens, rest)

    def _series_header(self, r: SeriesRecord) -> Row:
        return (
            text(r.modality, 64),
            text(r.station_name, 128),
            text(r.manufacturer, 128),
            text(r.model_name, 128),
            text(r.protocol_name, 128),
            text(r.body_part, 64),
            _at(r.end_at),
            text(r.time_source, 64),
            r.number_of_instances,
            r.size_bytes,
            _at(r.performed_begin_at),
            _at(r.performed_end_at),
            _at(r.stored_at),
            birth_year(r.patient_birth_date),
            sex(r.patient_sex),
        )

    def _dose(self, r: DoseRecord) -> Row:
        tokens = self._tokens(r.ids)
        report = self._token("report", "", r.report_uid)
        irradiation = self._token("irradiation", "", r.irradiation_event_uid)
        raw = text(r.raw_time, 64)
        head = ("dicom:dose", raw, micros(r.occurred_at), r.utc_offset_min, r.time_flag, text(r.clock, 128))
        rest = (report, irradiation, *self._dose_values(r))
        identity = (*_hashed(tokens), report, irradiation, "dicom:dose", raw)
        later = (text(r.origin, 64), text(r.view_code, 64), _number(r.thickness_mm), _number(r.diameter_mm))
        return (*self._sealed(identity, head, _at(r.known_at), tokens, rest, later), *later)

    def _dose_values(self, r: DoseRecord) -> Row:
        return (
            text(r.modality, 64),
            text(r.station_name, 128),
            text(r.manufacturer, 128),
            text(r.model_name, 128),
            text(r.protocol_name, 128),
            text(r.target_region, 64),
            text(r.acquisition_type, 64),
            _at(r.ended_at),
            _number(r.ctdivol_mgy),
            r.phantom_cm,
            _number(r.dlp_mgy_cm),
            _number(r.ssde_mgy),
            _number(r.dap_gy_m2),
            _number(r.dose_rp_gy),
            _number(r.fluoro_time_s),
            _number(r.agd_mgy),
            r.laterality,
            _number(r.activity_mbq),
            text(r.dose_check, 64),
            r.is_patient,
        )

    def _entry(self, r: EntryRecord) -> Row:
        tokens = self._tokens(r.ids)
        person = self._token("person", self._site, r.person)
        other = self._token("person", self._site, r.other_person)
        local_code, raw, code = f"entry:{r.kind}", text(r.raw_time, 64), text(r.code, 128)
        station = text(r.station_name, 128)
        head = (local_code, raw, micros(r.begin_at), r.utc_offset_min, r.time_flag, text(r.clock, 128))
        rest = (
            str(r.kind), r.ordinal, _at(r.end_at), text(r.modality, 64), station, person, other, code,
            text(r.outcome_code, 128), _number(r.value), text(r.unit, 64), r.count, _number(r.limit_value),
        )  # fmt: skip
        # what a list says of one thing may be corrected later: the whole row is its identity, derivation takes the last
        identity = (*_hashed(tokens), local_code, raw, *rest)
        return self._sealed(identity, head, _at(r.known_at), tokens, rest)

    def _opening(self, r: OpeningRecord) -> Row:
        code, raw = f"opening:{r.kind}", text(r.raw_time, 64)
        begin_at, end_at = micros(r.begin_at), micros(r.end_at)
        scanner = text(r.scanner_code, 64)
        head = (code, raw, begin_at, None, None, text(r.clock, 128))
        rest = (scanner, str(r.kind), end_at, r.local_date, text(r.reason_code, 128))
        identity = (scanner, code, raw, begin_at, end_at)
        return self._sealed(identity, head, _at(r.known_at), NO_IDENTIFIERS, rest)
