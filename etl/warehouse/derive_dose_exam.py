"""What each exam gave: one row an exam that irradiates, its totals, its levels, and what its plan was."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from etl.warehouse.derive_exam import Exams
from etl.warehouse.dose_rules import DoseRules
from etl.warehouse.keys import NO_EXAM
from etl.warehouse.parameters import Parameters

IRRADIATING = ("CT", "DX", "MG", "NM", "PT", "RF", "XA")
FLUOROSCOPIC = ("RF", "XA")
LOCALIZER = "113805"  # DCM: Constant Angle Acquisition, the scout before the scan
VIEWS = {  # DICOM CID 4014 in SRT and SNOMED CT
    "R-10242": "CC", "399162004": "CC", "R-10226": "MLO", "399368009": "MLO", "R-10224": "ML", "399260004": "ML",
    "R-10228": "LM", "399352003": "LM", "R-10230": "LMO", "399099002": "LMO", "R-1024A": "XCCL", "399192008": "XCCL",
    "R-1024B": "XCCM", "399101009": "XCCM", "R-10244": "FB", "399196006": "FB",
}  # fmt: skip
OVER_PLAN = 0.25  # of the planned duration (U10)
INLINE = [
    "exam_key", "accession_token", "patient_key", "site_code", "scanner_code", "modality", "procedure_code",
    "procedure_group", "priority", "patient_class", "section", "shift", "reader_mode", "exam_end_at",
    "has_dose_report",
]  # fmt: skip
EVENT_DIMENSIONS = (
    "procedure_code", "procedure_group", "priority", "patient_class", "section", "shift", "reader_mode",
)  # fmt: skip
Values = pd.Series


def event_dimensions(dosed: pd.DataFrame, exams: pd.DataFrame) -> pd.DataFrame:
    """Return irradiation events with their exam's dimensions and the names of mammographic views."""
    if dosed.empty:
        return dosed
    of_exam = exams.set_index("exam_key")
    told = {name: dosed["exam_key"].map(of_exam[name]) for name in EVENT_DIMENSIONS}
    return dosed.assign(**told, exposure_view=dosed["view_code"].replace(VIEWS))


def derive_dose_exams(exams: Exams, parameters: Parameters, _data_at: int) -> pd.DataFrame:
    """Return fact_dose_exam rows of the performed exams of modalities that irradiate."""
    every = exams.frame
    frame = every[every["is_performed"] & every["modality"].isin(IRRADIATING)].reset_index(drop=True)
    rows = frame[INLINE].assign(
        local_date=frame["end_local_date"],
        local_hour=frame["end_local_hour"],
        age_years=_ages(frame),
        dlp_mgy_cm=frame["dlp_total_mgy_cm"],
        dap_gy_cm2=frame["dap_total_gy_m2"] * 1e4,
        dose_rp_mgy=frame["dose_rp_total_gy"] * 1e3,
        activity_mbq=frame["activity_mbq"],
        plan=_plan(frame),
    )
    rows = rows.join(_of_events(exams.dosed), on="exam_key")
    for name in ("has_alert", "has_notification"):
        rows[name] = rows[name].astype("boolean").fillna(False)
    return _with_ct_measure(_with_levels(rows, parameters.dose), parameters.dose)


def _ages(frame: pd.DataFrame) -> pd.Series:
    year = pd.to_datetime(frame["end_local_date"]).dt.year.astype("Int64")
    age = year - frame["birth_year"].astype("Int64")
    return age.where((age >= 0) & (age < 130))


def _plan(frame: pd.DataFrame) -> pd.Series:
    share = frame["overrun_min"].astype("float64") / frame["planned_duration_min"].astype("float64")
    named = np.where(share >= OVER_PLAN, "over plan", "within plan")
    return pd.Series(named, index=frame.index, dtype=object).where(share.notna() & np.isfinite(share), None)


def _of_events(dosed: pd.DataFrame) -> pd.DataFrame:
    """Return by exam_key what its irradiation events say beside the totals; localizers only of dose checks."""
    names = (
        "protocol_name", "phantom", "ctdivol_mgy", "ssde_mgy", "diameter_mm", "fluoro_time_min", "has_alert",
        "has_notification",
    )  # fmt: skip
    if dosed.empty:
        return pd.DataFrame(columns=list(names), index=pd.Index([], dtype="int64"))
    linked = dosed[dosed["exam_key"] != NO_EXAM]
    scans = linked[linked["acquisition_type"].ne(LOCALIZER).fillna(True).astype(bool)]
    by_exam, every = scans.groupby("exam_key"), linked.groupby("exam_key")
    check = linked["dose_check"].astype(object)
    return pd.DataFrame(
        {
            "protocol_name": _protocols(scans),
            "phantom": _phantoms(scans),
            "ctdivol_mgy": by_exam["ctdivol_mgy"].max(),
            "ssde_mgy": by_exam["ssde_mgy"].max(),
            "diameter_mm": by_exam["diameter_mm"].median(),
            "fluoro_time_min": every["fluoro_time_s"].sum(min_count=1) / 60,
            "has_alert": (check == "alert").groupby(linked["exam_key"]).any(),
            "has_notification": (check == "notification").groupby(linked["exam_key"]).any(),
        }
    )


def _protocols(scans: pd.DataFrame) -> pd.Series:
    """Return the protocol of the event that gave most, the lowest token among equals."""
    named = scans[scans["protocol_name"].notna()]
    weight = pd.Series(np.nan, index=named.index)
    for name in ("dlp_mgy_cm", "dap_gy_m2", "agd_mgy", "activity_mbq", "ctdivol_mgy"):
        weight = weight.where(weight.notna(), named[name].astype("float64"))
    named = named.assign(weight=weight).sort_values(
        ["exam_key", "weight", "irradiation_token"], ascending=[True, False, True], na_position="last"
    )
    return named.drop_duplicates("exam_key").set_index("exam_key")["protocol_name"]


def _phantoms(scans: pd.DataFrame) -> pd.Series:
    known = scans[scans["ctdivol_mgy"].notna() & scans["phantom_cm"].notna()]
    by_exam = known.groupby("exam_key")["phantom_cm"]
    first = by_exam.min().astype("int64").astype(str) + " cm"
    return first.where(by_exam.nunique() == 1, "mixed").astype(object)


def level_values(rows: pd.DataFrame, rules: DoseRules, purpose: str, quantity: str) -> npt.NDArray[np.float64]:
    """Return the site's level that held on each row's date, NaN without one; a site's own wins over '*'."""
    found = np.full(len(rows), np.nan)
    day = pd.to_datetime(rows["local_date"]).to_numpy("datetime64[D]")
    site = rows["site_code"].to_numpy(dtype=object)
    for rule in rules.levels:
        if (rule.purpose, rule.quantity) == (purpose, quantity):
            applies = day >= np.datetime64(rule.valid_from, "D")
            found[applies & ((site == rule.site) | (rule.site == "*"))] = rule.value
    return found


def _with_levels(rows: pd.DataFrame, rules: DoseRules) -> pd.DataFrame:
    """Add which fluoroscopy levels were exceeded; an exam without value or level is none of both."""
    fluoroscopy = rows["modality"].isin(FLUOROSCOPIC).to_numpy(dtype=bool)
    over: dict[str, Values] = {}
    columns = {"over_dap": ("DAP", "dap_gy_cm2"), "over_dose_rp": ("dose RP", "dose_rp_mgy")}
    columns |= {"over_fluoro_time": ("fluoro time", "fluoro_time_min")}
    for name, (quantity, column) in columns.items():
        level, value = level_values(rows, rules, "fluoroscopy", quantity), rows[column].to_numpy(dtype="float64")
        judged = fluoroscopy & ~np.isnan(level) & ~np.isnan(value)
        over[name] = pd.Series(value > level, index=rows.index, dtype="boolean").where(judged, pd.NA)
    flags = pd.DataFrame(over)
    any_over = flags.fillna(False).any(axis=1).astype("boolean")
    return rows.assign(**over, over_level=any_over.where(flags.notna().any(axis=1), pd.NA))


def _with_ct_measure(rows: pd.DataFrame, rules: DoseRules) -> pd.DataFrame:
    """Add category, size-adjusted DLP and limit of the loaded CT reference, for adults with known size."""
    table = pd.DataFrame(
        [(c.procedure_group, c.category, c.limit_mgy_cm, c.reference_diameter_cm, c.slope_per_cm)
         for c in rules.ct_categories],
        columns=["procedure_group", "ct_category", "ct_limit_mgy_cm", "of_cm", "slope"],
    ).drop_duplicates("procedure_group")  # fmt: skip
    adults = ((rows["modality"] == "CT") & (rows["age_years"] >= 18)).fillna(False).astype(bool)
    group = rows["procedure_group"].where(adults)
    found = {name: group.map(table.set_index("procedure_group")[name]) for name in table.columns[1:]}
    bigger_cm = rows["diameter_mm"].astype("float64") / 10 - found["of_cm"].astype("float64")
    adjusted: Values = rows["dlp_mgy_cm"].astype("float64") / np.exp(found["slope"].astype("float64") * bigger_cm)
    return rows.assign(
        ct_category=found["ct_category"], ct_adjusted_mgy_cm=adjusted, ct_limit_mgy_cm=found["ct_limit_mgy_cm"]
    )
