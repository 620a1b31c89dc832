"""Dose facts: one row an irradiation event, whichever and however many reports told of it, and exam totals."""

from __future__ import annotations

import pandas as pd

from etl.warehouse.event_set import canonical
from etl.warehouse.keys import NO_EXAM
from etl.warehouse.local_time import dates, local_days, microseconds
from etl.warehouse.parameters import Parameters
from etl.warehouse.protocols import site_protocols
from etl.warehouse.scanners import modality_of, scanner_of

VALUES = (
    "ctdivol_mgy",
    "dlp_mgy_cm",
    "ssde_mgy",
    "dap_gy_m2",
    "dose_rp_gy",
    "fluoro_time_s",
    "agd_mgy",
    "activity_mbq",
)
TOTALS = (
    "dlp_total_mgy_cm",
    "ctdivol_max_mgy",
    "dap_total_gy_m2",
    "dose_rp_total_gy",
    "agd_left_mgy",
    "agd_right_mgy",
    "activity_mbq",
)


def derive_dose_events(dose: pd.DataFrame, links: pd.DataFrame, parameters: Parameters) -> pd.DataFrame:
    """Return fact_dose_event rows (procedure_group left out) of patients, with ended_at and study_token beside them.

    Of several records of one irradiation event the linked one counts, a report's before an image header's, the one
    with most values, the latest known among equals, then the one with the lowest event id. Image headers count only
    in exams and studies of which no report tells.
    """
    if dose.empty:
        return pd.DataFrame()
    rows = dose.merge(links[["event_id", "exam_key"]], on="event_id")
    rows = rows[rows["is_patient"].fillna(True).astype(bool)]
    rows["linked"] = rows["exam_key"] != NO_EXAM
    rows["reported"] = rows["origin"].isna()
    rows["filled"] = rows[list(VALUES)].notna().sum(axis=1)
    rows["irradiation_token"] = rows["irradiation_token"].where(rows["irradiation_token"].notna(), rows["event_id"])
    rows = rows.sort_values(
        ["linked", "reported", "filled", "known_at", "event_id"],
        ascending=[False, False, False, False, True],
        na_position="last",
    )
    rows = _outdone(rows.drop_duplicates("irradiation_token")).sort_values("irradiation_token", ignore_index=True)
    return _placed(rows, parameters)


def _outdone(rows: pd.DataFrame) -> pd.DataFrame:
    """Leave out what image headers say of exams and studies that have a report."""
    reports = rows[rows["reported"]]
    exams = set(reports["exam_key"]) - {NO_EXAM}
    studies = set(reports["study_token"].dropna())
    return rows[rows["reported"] | ~(rows["exam_key"].isin(exams) | rows["study_token"].isin(studies))]


def _placed(rows: pd.DataFrame, parameters: Parameters) -> pd.DataFrame:
    day, _ = local_days(microseconds(rows["occurred_at"]), rows["site_code"], parameters.zones)
    scanner = scanner_of(rows["site_code"], rows["station_name"], parameters)
    modality = canonical(rows["modality"], parameters.modalities)
    own = pd.Series(modality_of(scanner, parameters), index=rows.index)
    modality = modality.where(modality.notna(), own)
    protocol = site_protocols(modality, rows["protocol_name"], parameters)
    return rows.assign(scanner_code=scanner, modality=modality, protocol_name=protocol, local_date=dates(day))


def dose_totals(found: pd.DataFrame) -> pd.DataFrame:
    """Return by exam_key the totals over its irradiation events; NULL where no event has the value."""
    if found.empty:
        return pd.DataFrame({name: pd.Series(dtype="float64") for name in TOTALS}, index=pd.Index([], dtype="int64"))
    linked = found[found["exam_key"] != NO_EXAM]
    side = linked["laterality"].astype(object)
    values = {
        "dlp_total_mgy_cm": linked["dlp_mgy_cm"],
        "dap_total_gy_m2": linked["dap_gy_m2"],
        "dose_rp_total_gy": linked["dose_rp_gy"],
        "agd_left_mgy": linked["agd_mgy"].where(side == "L"),
        "agd_right_mgy": linked["agd_mgy"].where(side == "R"),
        "activity_mbq": linked["activity_mbq"],
    }
    by_exam = pd.DataFrame(values).groupby(linked["exam_key"])
    return by_exam.sum(min_count=1).assign(ctdivol_max_mgy=linked.groupby("exam_key")["ctdivol_mgy"].max())
