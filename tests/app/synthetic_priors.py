"""Priors, repeats and the archive of the synthetic warehouse: every third exam repeats one, the archive fills."""

from __future__ import annotations

from datetime import timedelta

import pandas as pd
from synthetic import DATA_AT

REGIONS = {"CT": "chest", "MR": "head", "DX": "chest", "US": "abdomen", "MG": "breast"}
TOLD = ("prior_requested", "prior_available", "entry.appropriateness", "entry.storage", "entry.transfer", "series")
SHARED = [
    "exam_key", "site_code", "scanner_code", "modality", "procedure_group", "priority", "patient_class", "patient_key",
    "is_performed", "order_local_date", "order_local_hour", "exam_begin_at", "exam_end_at",
]  # fmt: skip


def priors(exams: pd.DataFrame) -> pd.DataFrame:
    """Return a prior for every exam whose key is divisible by three, with reasons and ratings for some."""
    found = exams[SHARED].copy()
    number = pd.Series(range(len(found)), index=found.index)
    again = (number % 3 == 0) & found["is_performed"]
    found["local_date"], found["local_hour"] = exams["end_local_date"], exams["end_local_hour"]
    found["body_region"] = found["modality"].map(REGIONS)
    found["modality_family"], found["history_days"] = found["modality"], 400.0
    found["prior_days"] = (2.0 + number % 80).where(again)
    found["read_began_at"] = exams["read_opened_at"]
    found["is_prior_known"], found["is_prior_online"] = again, (number % 9 != 0).where(again)
    asked = again & (number % 6 == 0)
    found["prior_requested_at"] = found["exam_end_at"].where(asked) - timedelta(minutes=40)
    found["prior_available_at"] = found["exam_end_at"].where(asked & (number % 12 == 0)) - timedelta(minutes=10)
    found["prior_transfer_min"] = (asked & (number % 12 == 0)).map({True: 30.0})
    found["reason"] = (number % 2 == 0).map({True: "REPEAT-DUPLICATE", False: None}).where(again)
    found["reason_class"] = found["reason"].map({"REPEAT-DUPLICATE": "redundant"})
    found["rating"] = (number % 4).map({0: "appropriate", 1: "appropriate", 2: "may_be", 3: "rarely"})
    return found.assign(rated_at=exams["order_entered_at"])


def archive(exams: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return what every performed exam sent, day by day, and one volume a site that fills."""
    done = exams[exams["is_performed"]]
    rate = 20.0 - 15.0 * (done["end_local_hour"] < 9)
    moved = done[["exam_key", "site_code", "scanner_code", "modality"]].assign(
        event_id=[f"t{n}" for n in range(len(done))], direction="store", first_stored_at=done["exam_end_at"],
        last_stored_at=done["exam_end_at"] + timedelta(seconds=12), local_date=done["end_local_date"],
        local_hour=done["end_local_hour"], size_bytes=200_000_000, instances=300, span_min=0.2, mb_per_s=rate,
    )  # fmt: skip
    keys = ["site_code", "modality", "scanner_code", "local_date"]
    days = moved.groupby(keys)["size_bytes"].agg(["sum", "size"]).reset_index()
    days = days.rename(columns={"sum": "added_bytes", "size": "studies"}).assign(origin="transfer", volume="")
    volumes = [
        {"site_code": site, "volume": volume, "modality": modality, "origin": origin, "local_date": DATA_AT.date(),
         "days": 30, "held_bytes": 61e12, "capacity_bytes": 64e12, "bytes_per_day": 3e10, "slowest_week_per_day": 2e10,
         "fastest_week_per_day": 4e10, "days_to_full": 100.0, "days_to_full_low": 75.0, "days_to_full_high": 150.0}
        for site in ("NORTH", "SOUTH")
        for volume, origin, modality in (("A", "list", None), ("", "transfer", None), ("", "transfer", "CT"))
    ]  # fmt: skip
    return {"fact_transmission": moved, "fact_storage_day": days, "fact_storage_volume": pd.DataFrame(volumes)}


def evidence() -> pd.DataFrame:
    """Return that both sites' feeds tell what these families need."""
    return pd.DataFrame([{"site_code": s, "what": what, "n": 1} for s in ("NORTH", "SOUTH") for what in TOLD])
