"""What an exam is, for whom, where and by whom: the last thing its events said of each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from etl.records import EventType as E
from etl.warehouse.event_set import TYPE_CODE, canonical
from etl.warehouse.keys import Ints
from etl.warehouse.local_time import NO_TIME
from etl.warehouse.milestones import BOOKINGS, NONE, Milestones, lowest
from etl.warehouse.parameters import Parameters
from etl.warehouse.patients import SAID as PATIENT_SAID
from etl.warehouse.patients import Patients, known_or_at
from etl.warehouse.reference_match import procedure_groups
from etl.warehouse.scanners import modality_of, only_scanner, scanner_of

Texts = npt.NDArray[np.object_]
UNKNOWN = "UNKNOWN"
SAID = (
    "site_code",
    "modality",
    "procedure_code",
    "procedure_text",
    "priority_code",
    "patient_class_code",
    "ordering_token",
    "technologist_token",
    "patient_token",
    "study_token",
    "appointment_at",
)
PERFORMING_TYPES = (E.EXAM_END, E.EXAM_BEGIN, E.IN_ROOM)


def texts(values: pd.Series) -> Texts:
    """Return a column as an object array with None for NULL."""
    plain = values.astype(object)
    return np.asarray(plain.where(plain.notna(), None), dtype=object)


def either(*choices: Texts) -> Texts:
    """Return the first choice that is not None, row by row."""
    found = choices[0]
    for other in choices[1:]:
        found = np.where(found == None, other, found)  # noqa: E711  # elementwise test of an object array
    return found


def last_said(rows: pd.DataFrame, exam: Ints, exams: int) -> pd.DataFrame:
    """Return each exam's last value of every column of SAID; `rows` are linked events in event_id order."""
    order = np.lexsort((rows["known"].to_numpy(), rows["at"].to_numpy(), exam))
    exam = exam[order]
    return pd.DataFrame({name: _last(rows[name].iloc[order], exam, exams) for name in SAID})


def demographics(
    rows: pd.DataFrame, exam: Ints, exams: int, patient: pd.Series, patients: Patients
) -> dict[str, pd.Series]:
    """Return birth_year and sex by exam: what its own events or its patient's updates said last, by knowledge."""
    when = known_or_at(rows)
    order = np.lexsort((rows["at"].to_numpy(), when, exam))
    exam, when = exam[order], when[order]
    found = {}
    for name in PATIENT_SAID:
        values = rows[name].iloc[order]
        place = np.flatnonzero(values.notna().to_numpy())
        known = np.full(exams, NO_TIME, dtype=np.int64)
        known[exam[place]] = when[place]
        found[name] = patients.corrected(name, patient, _last(values, exam, exams), known)
    return found


def _last(values: pd.Series, exam: Ints, exams: int) -> pd.Series:
    place = np.flatnonzero(values.notna().to_numpy())
    last = np.full(exams, NONE, dtype=np.int64)
    last[exam[place]] = place
    if not len(place):
        return pd.Series([None] * exams, dtype=values.dtype)
    return values.take(np.maximum(last, 0)).reset_index(drop=True).where(last != NONE)


@dataclass(frozen=True, slots=True)
class Places:
    """Scanner codes by exam: where it was booked last and where it was done (or would be)."""

    booked: Texts
    performed: Texts
    told: Texts  # where it was done, as a device or the RIS tells


def places(found: Milestones, site: Texts, modality: Texts, device: pd.DataFrame, parameters: Parameters) -> Places:
    """Return where exams were booked and done: the device's own word, the RIS room, the booking, the only scanner."""
    sites = pd.Series(site)
    last_booking = found.any_last(BOOKINGS)
    booked = scanner_of(sites, found.value_of("station_name", last_booking), parameters)
    rooms = [
        scanner_of(sites, found.value_of("station_name", found.last[:, TYPE_CODE[kind]]), parameters)
        for kind in PERFORMING_TYPES
    ]
    modality = either(texts(device["modality"]), modality, modality_of(booked, parameters))
    sole = only_scanner(site, modality, parameters)
    told = either(texts(device["scanner_code"]), *rooms)
    return Places(booked, either(told, booked, sole), told)


def other_scanner(place: Places) -> pd.Series:
    """Return whether exams were done on another scanner than booked; NULL where either is not told."""
    known = np.array([b is not None and t is not None for b, t in zip(place.booked, place.told, strict=True)], bool)
    return pd.Series(place.booked != place.told, dtype="boolean").mask(~known)


def patient_tokens(said: pd.DataFrame, device: pd.DataFrame) -> pd.Series:
    """Return each exam's patient as its messages name it, else as its images do."""
    return pd.Series(either(texts(said["patient_token"]), texts(device["patient_token"])))


def describe(
    said: pd.DataFrame, found: Milestones, device: pd.DataFrame, patients: Patients, parameters: Parameters
) -> pd.DataFrame:
    """Return the descriptive columns of fact_exam but for birth_year and sex, by exam position."""
    site = either(texts(said["site_code"]), texts(device["site_code"]))
    sent = texts(canonical(said["modality"], parameters.modalities))
    place = places(found, site, sent, device, parameters)
    modality = either(sent, texts(device["modality"]), modality_of(place.performed, parameters))
    group, section = procedure_groups(said.assign(modality=modality), parameters.procedure_rules)
    patient = patient_tokens(said, device)
    return pd.DataFrame(
        {
            "patient_key": patients.keys(patient),
            "site_code": site,
            "scanner_code": place.performed,
            "booked_scanner_code": place.booked,
            "is_other_scanner": other_scanner(place),
            "modality": modality,
            "procedure_code": said["procedure_code"],
            "procedure_group": group,
            "section": section,
            "priority": canonical(said["priority_code"], parameters.priorities).fillna(UNKNOWN),
            "patient_class": canonical(said["patient_class_code"], parameters.patient_classes).fillna(UNKNOWN),
            "ordering_person": said["ordering_token"],
            "technologist": said["technologist_token"],
        }
    ).assign(**readers(found))


def readers(found: Milestones) -> dict[str, Texts]:
    """Return reader of the first final, the assistant, and whether a trainee took part (NULL while unread)."""
    report = found.any_first((E.PRELIM, E.FINAL, E.ADDENDUM))
    final = lowest(found.first[:, [TYPE_CODE[E.FINAL], TYPE_CODE[E.ADDENDUM]]])
    prelim = found.first[:, TYPE_CODE[E.PRELIM]]
    signer = texts(found.value_of("reader_token", final))
    drafter = texts(found.value_of("reader_token", prelim))
    assistant = either(
        texts(found.value_of("assistant_token", final)), texts(found.value_of("assistant_token", prelim))
    )
    handed = np.array([s is not None and d is not None and s != d for s, d in zip(signer, drafter, strict=True)])
    trainee = np.array([a is not None for a in assistant], dtype=bool) | handed.astype(bool)
    mode = np.where(trainee, "trainee", "single").astype(object)
    mode[report == NONE] = None
    return {"reader": signer, "assistant_reader": assistant, "reader_mode": mode}
