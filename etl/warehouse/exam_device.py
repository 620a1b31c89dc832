"""What devices say of exams: images, performed procedure steps and dose reports, for the attempt that counts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from etl.warehouse.intervals import Bools
from etl.warehouse.keys import NO_EXAM, Ints
from etl.warehouse.local_time import NO_TIME, microseconds

Texts = npt.NDArray[np.object_]
SPAN_COLUMNS = ("first_acquisition_at", "last_acquisition_at", "performed_begin_at", "performed_end_at", "stored_at")


@dataclass(frozen=True, slots=True)
class DeviceSpans:
    """By exam position: times (NO_TIME: none), and whether images and dose reports were found."""

    first_acquisition: Ints
    last_acquisition: Ints
    performed_begin: Ints
    performed_end: Ints
    stored: Ints
    has_images: Bools
    has_dose_report: Bools


def device_spans(
    keys: Ints, study: Texts, restart_at: Ints, acquired: pd.DataFrame, dosed: pd.DataFrame
) -> DeviceSpans:
    """Return what devices say of the exams `keys`; `study` names each exam's study, for linked accessions.

    An exam without images of its own takes those of its study: the same images were read under another accession.
    """
    spans = _spans(keys, study, restart_at, acquired)
    irradiated = _irradiated(keys, restart_at, dosed)
    reports = dosed[dosed["origin"].isna()] if len(dosed) else dosed
    has_dose = _irradiated(keys, restart_at, reports)[0] != NO_TIME
    studies = set(reports["study_token"].dropna()) if len(reports) else set()
    has_dose |= np.array([s in studies for s in study], dtype=bool)
    first = spans["first_acquisition_at"]
    imaged = first != NO_TIME
    return DeviceSpans(
        first_acquisition=np.where(imaged, first, irradiated[0]),
        last_acquisition=np.where(imaged, spans["last_acquisition_at"], irradiated[1]),
        performed_begin=spans["performed_begin_at"],
        performed_end=spans["performed_end_at"],
        stored=spans["stored_at"],
        has_images=imaged,
        has_dose_report=has_dose,
    )


def _spans(keys: Ints, study: Texts, restart_at: Ints, acquired: pd.DataFrame) -> dict[str, Ints]:
    none = {name: np.full(len(keys), NO_TIME) for name in SPAN_COLUMNS}
    if acquired.empty:
        return none
    rows = acquired[acquired["acquired"] & _after_restart(acquired, "begin_at", keys, restart_at)]
    own = _limits(rows[rows["exam_key"] != NO_EXAM], "exam_key").reindex(keys)
    alone = own["first_acquisition_at"].isna().to_numpy()
    shared = _limits(rows, "study_token").reindex(study)
    return {name: np.where(alone, microseconds(shared[name]), microseconds(own[name])) for name in SPAN_COLUMNS}


def _after_restart(rows: pd.DataFrame, at: str, keys: Ints, restart_at: Ints) -> Bools:
    """Return which rows are not of an attempt that was given up."""
    place = pd.Index(keys).get_indexer(pd.Index(rows["exam_key"]))
    limit = np.where(place < 0, NO_TIME, restart_at[place]) if len(keys) else np.full(len(rows), NO_TIME)
    return microseconds(rows[at]) >= limit


def _limits(rows: pd.DataFrame, by: str) -> pd.DataFrame:
    """Return the limits by exam or study; it is stored once all of its series are."""
    groups = rows.groupby(by)
    found = groups.agg(
        first_acquisition_at=("begin_at", "min"),
        last_acquisition_at=("end_at", "max"),
        performed_begin_at=("performed_begin_at", "min"),
        performed_end_at=("performed_end_at", "max"),
        stored_at=("stored_at", "max"),
    )
    return found.assign(stored_at=found["stored_at"].where(groups["stored_at"].count() == groups.size()))


def _irradiated(keys: Ints, restart_at: Ints, dosed: pd.DataFrame) -> tuple[Ints, Ints]:
    """Return begin and end of irradiation, for exams without images (acquisition: DICOM before RDSR)."""
    if dosed.empty:
        return np.full(len(keys), NO_TIME), np.full(len(keys), NO_TIME)
    rows = dosed[(dosed["exam_key"] != NO_EXAM) & _after_restart(dosed, "occurred_at", keys, restart_at)]
    ended = rows["ended_at"].where(rows["ended_at"].notna(), rows["occurred_at"])
    begin = rows.groupby("exam_key")["occurred_at"].min().reindex(keys)
    end = ended.groupby(rows["exam_key"]).max().reindex(keys)
    return microseconds(begin), microseconds(end)


def device_texts(keys: Ints, acquired: pd.DataFrame, dosed: pd.DataFrame) -> pd.DataFrame:
    """Return by exam what images (else dose reports) say of site, scanner, modality, study and patient."""
    names = ["site_code", "scanner_code", "modality", "study_token", "patient_token"]
    frames = []
    for rows, order in ((acquired, "series_key"), (dosed, "irradiation_token")):
        if len(rows):
            linked = rows[rows["exam_key"] != NO_EXAM]
            linked = linked[linked["acquired"]] if "acquired" in linked else linked
            frames.append(_first_texts(linked.sort_values(order), names).reindex(keys))
    empty = pd.DataFrame(index=pd.Index(keys, name="exam_key"), columns=names, dtype=object)
    found = empty
    for frame in frames:
        found = found.where(found.notna(), frame.astype(object))
    return found.where(found.notna(), None).reset_index(drop=True)


def _first_texts(rows: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    columns = {name: rows[rows[name].notna()].drop_duplicates("exam_key").set_index("exam_key")[name] for name in names}
    return pd.DataFrame(columns)
