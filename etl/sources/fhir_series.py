"""The series of a FHIR ImagingStudy, as records of DICOM series."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from etl.errors import FilterReason
from etl.records import Identifiers, SeriesRecord
from etl.sources.dicom_header import MODALITY, classify
from etl.sources.fhir_elements import Resource, code_of, literal, many, one, own_reference, word
from etl.sources.fhir_identity import OID, Person

if TYPE_CHECKING:
    from etl.sources.fhir_events import Reader

MOST_INSTANCES = 10_000_000


def series_records(
    study: Resource, ids: Identifiers, person: Person, reader: Reader
) -> list[SeriesRecord] | FilterReason:
    """Return the records of a study's image series that have a UID and a time; a reason where all are no images.

    A series without a time of its own takes the study's.
    """
    listed = [series for series in many(study.get("series")) if _uid(series)]
    images = [series for series in listed if classify({MODALITY: _modality(series)}, None) is None]
    if listed and not images:
        return FilterReason.NOT_AN_IMAGE
    found = (_record(series, study, ids, person, reader) for series in images)
    return [record for record in found if record is not None]


def _record(series: Resource, study: Resource, ids: Identifiers, person: Person, reader: Reader) -> SeriesRecord | None:
    own = reader.moment(series.get("started"))
    begin = own or reader.moment(study.get("started"))
    if begin is None:
        return None
    updated = reader.updated(study)
    return SeriesRecord(
        ids=ids,
        series_instance_uid=_uid(series),
        sop_instance_uid=None,
        modality=_modality(series),
        station_name=_station(series, study, reader),
        manufacturer=None,
        model_name=None,
        protocol_name=None,
        body_part=code_of(series.get("bodySite")),
        raw_time=begin.raw,
        begin_at=begin.instant.at,
        end_at=None,
        utc_offset_min=begin.instant.utc_offset_min,
        time_source="ImagingStudy.series.started" if own else "ImagingStudy.started",
        known_at=max(updated.instant.at, begin.instant.at) if updated else None,
        clock=reader.clock,
        number_of_instances=_count(series.get("numberOfInstances"), len(many(series.get("instance")))),
        patient_birth_date=person.birth_date,
        patient_sex=person.sex,
        time_flag=begin.instant.flag,
    )


def _uid(series: Resource) -> str:
    return (word(series.get("uid")) or "").removeprefix(OID)


def _modality(series: Resource) -> str:
    return (code_of(series.get("modality")) or "OT").upper()


def _count(value: Any, listed: int) -> int:
    stated = value if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= MOST_INSTANCES else 0
    return max(stated, min(listed, MOST_INSTANCES), 1)


def _station(series: Resource, study: Resource, reader: Reader) -> str | None:
    """Return the device that performed a series: its identifier, else its reference."""
    for performer in many(series.get("performer")):
        found = reader.finder.scope.follow(performer.get("actor"), study)
        name = own_reference(found) if found else literal(performer.get("actor"))
        if name and name.startswith("Device/"):
            return word(one((found or {}).get("identifier")).get("value")) or name
    return None
