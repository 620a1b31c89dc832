"""The two sides of scored matching: images that no identifier led to an exam, and exams without images."""

from __future__ import annotations

import numpy as np
import pandas as pd

from etl.warehouse.append import UTC_US
from etl.warehouse.keys import NO_EXAM, stable_keys
from etl.warehouse.match import EXAM, IMAGES
from etl.warehouse.patients import Patients

COLUMNS = (
    "node_key", "side", "site_code", "scanner_code", "modality", "patient_key", "birth_year", "sex", "begin_at",
    "end_at", "appointment_at", "station_name", "kind", "token", "exam_key",
)  # fmt: skip
NOT_AWAITED = ("cancelled", "no_show")
TEXTS = ("site_code", "scanner_code", "modality", "station_name", "sex", "patient_token", "kind", "token")


def nodes_of(
    exams: pd.DataFrame, named: pd.DataFrame, acquired: pd.DataFrame, dosed: pd.DataFrame, patients: Patients
) -> pd.DataFrame:
    """Return the nodes of derived facts in COLUMNS; `named` is `Links.exams`.

    Images are one node an accession number that only devices tell of, else a study, else a series. Neither side
    depends on what scored matching made of it before.
    """
    ordered = named.set_index("exam_key")["is_ordered"].reindex(exams["exam_key"]).to_numpy(dtype=bool)
    device_only = named[~named["is_ordered"] & (named["anchor"] == "accession")].set_index("exam_key")["token"]
    frames = [_exam_nodes(exams[ordered])]
    known = set(exams.loc[ordered, "study_token"].dropna()) if len(exams) else set()
    pieces = [_pieces(acquired[acquired["acquired"]], "begin_at", "series_token")] if len(acquired) else []
    if len(dosed):
        pieces.append(_pieces(dosed.assign(end_at=dosed["ended_at"]), "occurred_at", "irradiation_token"))
    if pieces:
        frames.append(_image_nodes(pd.concat(pieces, ignore_index=True), device_only, known, patients))
    nodes = pd.concat([f for f in frames if len(f)] or frames[:1], ignore_index=True)
    return nodes.reindex(columns=list(COLUMNS)).astype({"node_key": "int64", "exam_key": "int64"})


def _exam_nodes(exams: pd.DataFrame) -> pd.DataFrame:
    """Exams that were or will be performed, and have no images yet."""
    timed = exams["exam_begin_at"].notna() | exams["appointment_at"].notna()
    bare = exams[~exams["has_images"].astype(bool) & timed & ~exams["status"].isin(NOT_AWAITED)]
    names = ["site_code", "scanner_code", "modality", "patient_key", "birth_year", "sex", "appointment_at", "exam_key"]
    return bare[names].assign(
        node_key=bare["exam_key"], side=EXAM, begin_at=bare["exam_begin_at"], end_at=bare["exam_end_at"]
    )


def _pieces(rows: pd.DataFrame, begin: str, own: str) -> pd.DataFrame:
    names = ["exam_key", "study_token", "site_code", "scanner_code", "modality", "station_name", "patient_token"]
    given = rows[[*names, "end_at"]].assign(begin_at=rows[begin], own=rows[own], own_kind=own)
    return given.assign(**{n: rows.get(n) for n in ("birth_year", "sex")})


def _image_nodes(pieces: pd.DataFrame, device_only: pd.Series, known: set[object], patients: Patients) -> pd.DataFrame:
    accession = pieces["exam_key"].map(device_only)
    loose = (pieces["exam_key"] == NO_EXAM) & ~pieces["study_token"].isin(known)
    rows = pieces[loose | accession.notna()].assign(accession=accession)
    by_study = rows["accession"].isna() & rows["study_token"].notna()
    rows["token"] = rows["accession"].where(rows["accession"].notna(), rows["study_token"])
    rows["token"] = rows["token"].where(rows["token"].notna(), rows["own"])
    kind = np.where(by_study, "study_token", rows["own_kind"])
    rows["kind"] = np.where(rows["accession"].notna(), "accession_token", kind)
    rows = rows.sort_values(["kind", "token", "begin_at", "own_kind", "own"], ignore_index=True)
    by = rows.groupby(["kind", "token", "exam_key"], sort=True)  # a number used twice makes two exams
    found = by.agg(begin_at=("begin_at", "min"), end_at=("end_at", "max"))
    for name in ("site_code", "scanner_code", "modality", "station_name", "patient_token", "birth_year", "sex"):
        found[name] = by[name].first()
    found = found.reset_index()
    return found.assign(
        node_key=stable_keys("images", found["kind"], found["token"], found["exam_key"]),
        side=IMAGES,
        appointment_at=pd.Series(pd.NaT, index=found.index, dtype=UTC_US),  # a time, also where no exam brings one
        patient_key=patients.keys(found["patient_token"]),
    )
