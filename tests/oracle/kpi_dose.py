"""Oracles of dose, from the raw report files."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pydicom
from kpi_truth import Measures, Truth, oracle, spread


@cache
def dose_reports(folder: Path) -> pd.DataFrame:
    """Return irradiation events of the raw CT dose report files, each counted once."""
    rows: dict[str, dict[str, Any]] = {}
    for file in sorted((folder / "feeds").glob("*_dose/**/*.dcm")):
        dataset = pydicom.dcmread(file)
        for item in dataset.ContentSequence:
            if item.ConceptNameCodeSequence[0].CodeValue == "113819":
                found = content(item)
                rows[found["uid"]] = found | {"accession": dataset.get("AccessionNumber")}
    columns = ["uid", "type", "ctdivol", "dlp", "phantom", "begin", "accession"]
    return pd.DataFrame(list(rows.values()), columns=columns)


def content(item: Any) -> dict[str, Any]:
    """Return what a CT Acquisition container says: event UID, type, CTDIvol, phantom, DLP, start."""
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
        elif code == "113838":
            found["dlp"] = float(part.MeasuredValueSequence[0].NumericValue)
        elif code == "113835":
            found["phantom"] = part.ConceptCodeSequence[0].CodeMeaning
        elif code == "111526":
            found["begin"] = part.DateTime
    return found


def scans(t: Truth) -> pd.DataFrame:
    """CT irradiation events of the period, localizers left out."""
    frame = dose_reports(t.folder)
    accession = t.exams.set_index("accession")["site"]
    frame = frame[frame["accession"].isin(accession.index) & (frame["type"] != "113805")]
    begin = [
        pd.Timestamp(str(text).split(".")[0][:14]).tz_localize(t.zones[accession[number]])
        for text, number in zip(frame["begin"], frame["accession"], strict=True)
    ]
    inside = [t.start <= at.date() < t.stop and at <= t.as_of for at in begin]
    return frame[np.array(inside, dtype=bool)]


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


@oracle("D01-dlp")
def dlp(t: Truth) -> Measures:
    frame = t.ended[t.ended["modality"] == "CT"]
    told = frame["dlp_mgy_cm"].where(frame["sends_dose_report"])
    return {**spread(told), "n": len(frame), "missing": told.isna().sum()}


@oracle("D06")
def dose_coverage(t: Truth) -> Measures:
    frame = t.ended[t.ended["modality"].isin(["CT", "MG", "RF", "XA"])]
    # linked accessions are one study, and its report stands for all of them
    told = t.exams.groupby("study_uid")["sends_dose_report"].any()
    return {"numerator": int(frame["study_uid"].map(told).astype(bool).sum()), "n": len(frame)}
