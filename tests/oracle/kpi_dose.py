"""Oracles of dose, from the raw report files, and where exams are counted from the truth."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pydicom
from kpi_truth import Measures, Truth, oracle, spread

FLUOROSCOPIC = ["RF", "XA"]
CHECKS = ("alerts", "notifications")
UNLISTED = ("images_no_accession", "images_mistyped_accession", "images_unknown_station")  # made without the worklist


@cache
def dose_reports(folder: Path) -> pd.DataFrame:
    """Return irradiation events of the raw CT dose report files, each counted once."""
    rows: dict[str, dict[str, Any]] = {}
    for file in sorted((folder / "feeds").glob("*_dose/**/*.dcm")):
        dataset = pydicom.dcmread(file)
        site = file.relative_to(folder / "feeds").parts[0].removesuffix("_dose").upper()
        for item in dataset.ContentSequence:
            if item.ConceptNameCodeSequence[0].CodeValue in ("113819", "113706"):
                found = content(item)
                rows[found["uid"]] = found | {"accession": dataset.get("AccessionNumber"), "site": site}
    columns = ["uid", "type", "ctdivol", "ssde", "dlp", "phantom", "agd", "view", "begin", "exposure_s"]
    columns += ["accession", "site"]
    return pd.DataFrame(list(rows.values()), columns=columns)


def content(item: Any) -> dict[str, Any]:
    """Return what the container of a CT acquisition or an exposure says."""
    found: dict[str, Any] = {}
    for part in item.ContentSequence:
        code = part.ConceptNameCodeSequence[0].CodeValue
        if code == "113769":
            found["uid"] = part.UID
        elif code == "113820":
            found["type"] = part.ConceptCodeSequence[0].CodeValue
        elif code in ("113829", "113822"):
            found |= content(part)
        elif code == "113830":
            found["ctdivol"] = float(part.MeasuredValueSequence[0].NumericValue)
        elif code == "113930":
            found["ssde"] = float(part.MeasuredValueSequence[0].NumericValue)
        elif code == "111631":
            found["agd"] = float(part.MeasuredValueSequence[0].NumericValue)
        elif code == "111031":
            found["view"] = part.ConceptCodeSequence[0].CodeValue
        elif code == "113838":
            found["dlp"] = float(part.MeasuredValueSequence[0].NumericValue)
        elif code == "113835":
            found["phantom"] = part.ConceptCodeSequence[0].CodeMeaning
        elif code == "113824":
            found["exposure_s"] = float(part.MeasuredValueSequence[0].NumericValue)
        elif code == "111526":
            found["begin"] = part.DateTime
    return found


def events(t: Truth) -> pd.DataFrame:
    """Irradiation events of the period, localizers left out."""
    frame = dose_reports(t.folder)
    frame = frame[frame["type"] != "113805"]
    begin = [
        pd.Timestamp(str(text).split(".")[0][:14]).tz_localize(t.zones[site], ambiguous=True)  # no offset: the first
        for text, site in zip(frame["begin"], frame["site"], strict=True)
    ]
    inside = [
        whose(t, *one, at) and t.start <= at.date() < t.stop and at <= t.as_of
        for *one, at in zip(frame["site"], frame["accession"], begin, strict=True)
    ]
    return frame[np.array(inside, dtype=bool)]


def whose(t: Truth, site: str, accession: str, at: pd.Timestamp) -> bool:
    """Whether an event is of an exam asked about: made without the worklist, of the one that ran at its time."""
    if accession in set(t.exams["accession"]):
        return True
    unlisted = [number for kind in UNLISTED for entry in t.planted[kind] for number in entry["accessions"]]
    mine = t.exams[(t.exams["site"] == site) & t.exams["accession"].isin(unlisted)]
    return bool(((mine["begin_at"] <= at) & ~(mine["end_at"] < at)).any())


def scans(t: Truth) -> pd.DataFrame:
    """CT irradiation events of the period."""
    frame = events(t)
    return frame[frame["ctdivol"].notna()]


@oracle("D01-ctdivol")
def ctdivol_body(t: Truth) -> Measures:
    frame = scans(t)
    frame = frame[frame["phantom"].astype(str).str.contains("Body")]
    return {**spread(frame["ctdivol"]), "n": len(frame)}


@oracle("D01-ctdivol16")
def ctdivol_head(t: Truth) -> Measures:
    frame = scans(t)
    frame = frame[frame["phantom"].astype(str).str.contains("Head")]
    return {**spread(frame["ctdivol"]), "n": len(frame)}


@oracle("D01-ssde")
def ssde(t: Truth) -> Measures:
    frame = scans(t)
    return {**spread(frame["ssde"]), "n": len(frame), "missing": frame["ssde"].isna().sum()}


@oracle("D08")
def agd_exposure(t: Truth) -> Measures:
    told = events(t)["agd"].dropna()
    return {**spread(told), "n": len(told)}


def of_exams(t: Truth, column: str, modalities: list[str], factor: float = 1.0) -> Measures:
    """Spread of a total over the performed exams of modalities; those that send no report are missing."""
    frame = t.ended[t.ended["modality"].isin(modalities)]
    told = frame[column].where(frame["sends_dose_report"]) * factor
    return {**spread(told), "n": len(frame), "missing": told.isna().sum()}


@oracle("D01-dlp")
def dlp(t: Truth) -> Measures:
    return of_exams(t, "dlp_mgy_cm", ["CT"])


@oracle("D01-dap")
def dap(t: Truth) -> Measures:
    return of_exams(t, "dap_gy_m2", ["DX", *FLUOROSCOPIC], 1e4)


@oracle("D01-rp")
def dose_rp(t: Truth) -> Measures:
    return of_exams(t, "dose_rp_gy", FLUOROSCOPIC, 1e3)


@oracle("D01-time")
def fluoro_time(t: Truth) -> Measures:
    return of_exams(t, "fluoro_time_s", FLUOROSCOPIC, 1 / 60)


@oracle("D01-activity")
def activity(t: Truth) -> Measures:
    return of_exams(t, "activity_mbq", ["NM", "PT"])


def has_report(t: Truth, frame: pd.DataFrame) -> pd.Series:
    """Whether a report tells of each exam: linked accessions are one study, and its report stands for all of them."""
    told = t.exams.groupby("study_uid")["sends_dose_report"].any()
    return frame["study_uid"].map(told).astype(bool)


@oracle("D06")
def dose_coverage(t: Truth) -> Measures:
    frame = t.ended[t.ended["modality"].isin(["CT", "MG", "NM", "PT", *FLUOROSCOPIC])]
    return {"numerator": int(has_report(t, frame).sum()), "n": len(frame)}


@oracle("D03")
def dose_checks(t: Truth) -> Measures:
    frame = t.ended[t.ended["modality"] == "CT"]
    frame = frame[has_report(t, frame)]
    count = {name: (frame[f"dose_{name}"].where(frame["sends_dose_report"]) > 0).sum() for name in CHECKS}
    per_1000 = {name: 1000 * n / len(frame) if len(frame) else np.nan for name, n in count.items()}
    return {**per_1000, "numerator": count["alerts"], "n": len(frame)}


def levels(t: Truth, purpose: str) -> dict[str, float]:
    """The site's levels of a purpose by quantity; the simulated ones hold everywhere and at all times."""
    return {v["quantity"]: float(v["level"]) for v in t.settings["dose"]["levels"] if v["purpose"] == purpose}


@oracle("D04")
def fluoro_over_level(t: Truth) -> Measures:
    frame = t.ended[t.ended["modality"].isin(FLUOROSCOPIC)]
    told = frame[frame["sends_dose_report"]]
    level = levels(t, "fluoroscopy")
    over = {
        "dap": told["dap_gy_m2"] * 1e4 > level["dap"],
        "dose_rp": told["dose_rp_gy"] * 1e3 > level["dose_rp"],
        "fluoro_time": told["fluoro_time_s"] / 60 > level["fluoro_time"],
    }
    n = len(told)
    shares = {name: found.mean() if n else np.nan for name, found in over.items()}
    numerator = (over["dap"] | over["dose_rp"] | over["fluoro_time"]).sum()
    return {**shares, "share": numerator / n if n else np.nan, "numerator": numerator, "n": n}


@oracle("D05")
def cumulative_over_level(t: Truth) -> Measures:
    level = levels(t, "cumulative")
    window = pd.Timedelta(days=t.settings["dose"]["window_days"])
    everyone = t.exams[t.exams["performed"] & t.exams["sends_dose_report"]]
    asked = t.ended["exam_key"]
    over, crossed, n = 0, 0, 0
    for quantity, column, factor in (("dlp", "dlp_mgy_cm", 1.0), ("dap", "dap_gy_m2", 1e4)):
        for _, one in everyone[everyone[column].notna()].groupby("patient"):
            before = False
            for _, exam in one.sort_values("end_at").iterrows():
                inside = (one["end_at"] <= exam["end_at"]) & (one["end_at"] >= exam["end_at"] - window)
                is_over = one.loc[inside, column].sum() * factor > level[quantity]
                if exam["exam_key"] in set(asked):
                    n, over, crossed = n + 1, over + is_over, crossed + (is_over and not before)
                before = is_over
    return {"share": over / n if n else np.nan, "crossed": crossed / n if n else np.nan, "numerator": over, "n": n}


GROUPS = {
    "CTHEADWO": "CT head", "CTCSPINE": "CT spine", "CTANECK": "CT angiography head and neck", "CTCHESTWO": "CT chest",
    "CTAPE": "CT angiography chest", "CTCHESTW": "CT chest", "CTABDPELW": "CT abdomen pelvis",
    "CTRENAL": "CT renal stone", "CTLUNGSCR": "CT lung screening", "CTSINUS": "CT sinus and face",
    "DXCHEST2V": "XR chest", "DXABD1V": "XR abdomen", "DXHIPPEL": "XR hip and pelvis", "DXLSPINE": "XR spine",
    "MGSCREEN": "MG screening", "MGDIAG": "MG diagnostic", "NMBONE": "NM bone", "NMMYOCARD": "NM heart",
    "NMTHYROID": "NM thyroid", "NMHIDA": "NM hepatobiliary",
}  # fmt: skip


def references(t: Truth) -> pd.DataFrame:
    """Rows of the loaded reference tables."""
    return pd.concat([pd.read_csv(f, comment="#") for f in sorted((t.folder / "drl").glob("*.csv"))])


def described(t: Truth) -> pd.DataFrame:
    """Ended exams that send a report, with group, phantom, age, and size in centimetres."""
    frame = t.ended[t.ended["sends_dose_report"]].copy()
    frame["group"] = frame["procedure_code"].map(GROUPS)
    frame["age"] = frame["end_at"].dt.year - frame["birth_year"]
    frame["size_cm"] = frame["diameter_mm"] / 10
    frame["ctdivol"] = frame["ctdivol_max_mgy"]
    return frame


def fits(row: Any, exam: Any) -> int | None:
    """How narrowly a reference is of an exam, None where it is not."""
    if row.procedure_group != exam.group:
        return None
    narrow = 0
    if row.age_band == "adult":
        if exam.age < 18:
            return None
        narrow += 1
    if row.size_band != "*":
        low, high = map(float, row.size_band.split("-"))
        if not low <= exam.size_cm < high:
            return None
        narrow += 1
    return narrow


def relative(t: Truth, quantities: dict[str, tuple[str, float]]) -> pd.Series:
    """Each value of the exams over the narrowest reference of its group."""
    table, found = references(t), []
    for exam in described(t).itertuples():
        for name, (column, factor) in quantities.items():
            value = getattr(exam, column)
            rows = [(fits(row, exam), row.drl) for row in table[table["quantity"] == name].itertuples()]
            known = [(narrow, drl) for narrow, drl in rows if narrow is not None]
            if known and not np.isnan(value):
                found.append(value * factor / max(known)[1])
    return pd.Series(found, dtype=float)


@oracle("D02")
def drl_ratio(t: Truth) -> Measures:
    breasts = [("agd", (f"agd_{side}_mgy", 1.0)) for side in ("left", "right")]
    many = {"ctdivol": ("ctdivol", 1.0), "dlp": ("dlp_mgy_cm", 1.0), "dap": ("dap_gy_m2", 1e4)}
    told = pd.concat([relative(t, many), *(relative(t, dict([breast])) for breast in breasts)])
    return {"p50": told.quantile(0.5), "n": len(told)}


@oracle("D09")
def activity_ratio(t: Truth) -> Measures:
    told = relative(t, {"activity": ("activity_mbq", 1.0)})
    return {**spread(told), "n": len(told)}


@oracle("D08-breast")
def agd_breast(t: Truth) -> Measures:
    frame = described(t)
    told = pd.concat([frame["agd_left_mgy"], frame["agd_right_mgy"]]).dropna()
    return {**spread(told), "n": len(told)}


@oracle("D07")
def ct_measure_preview(t: Truth) -> Measures:
    table = pd.read_csv(t.folder / "ct_measure.csv", comment="#").set_index("procedure_group")
    ended = t.ended[t.ended["modality"] == "CT"]
    adults = ended[ended["end_at"].dt.year - ended["birth_year"] >= 18]
    adults = adults.assign(group=adults["procedure_code"].map(GROUPS))
    adults = adults[adults["group"].isin(table.index)]
    loaded = table.loc[adults["group"]].set_axis(adults.index)
    bigger = adults["diameter_mm"] / 10 - loaded["reference_diameter_cm"]
    adjusted = (adults["dlp_mgy_cm"] / np.exp(loaded["slope_per_cm"] * bigger)).where(adults["sends_dose_report"])
    known = adjusted.notna()
    over = (adjusted[known] >= loaded.loc[known, "limit_mgy_cm"]).sum()
    n = known.sum()
    return {"share": over / n if n else np.nan, "numerator": over, "n": n, "missing": (~known).sum()}
