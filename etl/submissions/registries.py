"""The rows of each registry, made from the warehouse and the site's maps; nothing is judged here."""

from __future__ import annotations

from collections.abc import Callable
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from etl.submissions.population import Asked, Offered, decided, dose_events, left_out, performed, waiting
from etl.submissions.spec import Spec
from etl.submissions.validate import ROW
from etl.warehouse.tables import fact_exam

_READERS = {"single": "1", "trainee": ">1"}
_GENDER = {"F": "2", "M": "1", "O": "9"}  # national code; not known is 0
IONISING = ("CT", "XA", "RF", "MG", "DX", "CR", "NM", "PT")
OLDEST = 90  # an exact age beyond it could point at a person
_TOTALS = (
    "ctdivol_max_mgy",
    "dlp_total_mgy_cm",
    "dap_total_gy_m2",
    "dose_rp_total_gy",
    "agd_left_mgy",
    "agd_right_mgy",
    "activity_mbq",
)


def grid(asked: Asked, _spec: Spec) -> Offered:
    """Return performed exams of the month with a final report; those without one yet are out of scope, counted."""
    frame = performed(asked, fact_exam.c.end_local_date)
    offered = Offered(frame, len(frame))
    frame = decided(asked, "grid", offered, frame)
    frame = left_out(offered, frame, frame["first_final_at"].isna(), "no final report by the data time")
    offered.rows = pd.DataFrame(
        {
            ROW: frame["accession_token"],
            "facility_id": asked.maps.column("facility", frame["site_code"]),
            "exam_id": frame["accession_token"],
            "exam_month": f"{asked.month:%Y-%m}",
            "modality": frame["modality"],
            "place_of_service": asked.maps.column("place_of_service", frame["patient_class"]),
            "number_of_readers": frame["reader_mode"].map(_READERS),
            "report_tat_hours": (frame["report_tat_min"] / 60).round(4),
        }
    )
    return offered


def dids(asked: Asked, _spec: Spec) -> Offered:
    """Return performed exams of the month with the items the warehouse can tell; wall-clock times with offset."""
    frame = performed(asked, fact_exam.c.end_local_date)
    offered = Offered(frame, len(frame))
    frame = decided(asked, "dids", offered, frame)
    maps, site = asked.maps, frame["site_code"]
    nicip, snomed = _imaging_codes(asked, frame["procedure_code"])
    offered.rows = pd.DataFrame(
        {
            ROW: frame["accession_token"],
            "PERSON GENDER CODE": frame["sex"].map(_GENDER).fillna("0"),
            "PATIENT SOURCE SETTING TYPE (DIAGNOSTIC IMAGING)": maps.column("source_setting", frame["patient_class"]),
            "DIAGNOSTIC TEST REQUEST TIMESTAMP": _wall(frame["order_entered_at"], site, asked.zones),
            "DIAGNOSTIC TEST REQUEST RECEIVED TIMESTAMP": _wall(frame["order_accepted_at"], site, asked.zones),
            "CODED PROCEDURE (NICIP)": nicip,
            "CODED PROCEDURE (SNOMED CT)": snomed,
            "CODED PROCEDURE END TIMESTAMP": _wall(frame["exam_end_at"], site, asked.zones),
            "SERVICE REPORT ISSUE TIMESTAMP": _wall(frame["first_final_at"], site, asked.zones),
            "SITE CODE (OF IMAGING)": maps.column("facility", site),
        }
    )
    return offered


def _imaging_codes(asked: Asked, codes: pd.Series[str]) -> tuple[list[str | None], list[str | None]]:
    """Return NICIP and SNOMED CT of local codes; a code with either is not missing the other."""
    entries = asked.maps.entries
    local = [None if pd.isna(code) else str(code) for code in codes]
    nicip = [entries.get(("nicip", code)) if code else None for code in local]
    snomed = [entries.get(("snomed_ct", code)) if code else None for code in local]
    for code, one, other in zip(local, nicip, snomed, strict=True):
        if one is None and other is None:
            asked.maps.missing["snomed_ct", code or "(empty)"] += 1
    return nicip, snomed


def _wall(instants: pd.Series[pd.Timestamp], sites: pd.Series[str], zones: dict[str, ZoneInfo]) -> list[str | None]:
    """Return instants as the site's wall clock with its offset then: '2026-10-25T01:30:00+00:00'."""
    return [
        None if pd.isna(at) else at.tz_convert(zones[site]).isoformat(timespec="seconds")
        for at, site in zip(instants, sites, strict=True)
    ]


def dm01(asked: Asked, _spec: Spec) -> Offered:
    """Return waiters at the end of the month and exams performed in it, one row each; `counted` makes the census."""
    parts = [waiting(asked).assign(kind="waiting"), performed(asked, fact_exam.c.begin_local_date).assign(kind="done")]
    frame = pd.concat([part for part in parts if not part.empty] or parts[:1], ignore_index=True)
    offered = Offered(frame, len(frame))
    frame = decided(asked, "dm01", offered, frame)
    by_modality = "modality:" + frame["modality"].astype("object")
    rows = pd.DataFrame(
        {
            ROW: frame["accession_token"],
            "provider": asked.maps.column("facility", frame["site_code"]),
            "test": asked.maps.column("dm01_test", frame["procedure_code"], by_modality),
            "activity": asked.maps.column("dm01_activity", frame["patient_class"]),
            "waited_days": _waited(asked, frame),
            "kind": frame["kind"],
        }
    )
    rows = left_out(offered, rows, rows["test"] == "none", "no DM01 test")
    not_waiting = (rows["kind"] == "waiting") & rows["activity"].isin(["planned", "unscheduled"])
    offered.rows = left_out(offered, rows, not_waiting, "planned or unscheduled, so not on the waiting list")
    return offered


def _waited(asked: Asked, frame: pd.DataFrame) -> list[int | None]:
    """Return days from receipt of the request to the last day of the month, both site-local dates; of waiters."""
    census = asked.stop.toordinal() - 1
    return [
        census - at.tz_convert(asked.zones[site]).date().toordinal() if kind == "waiting" else None
        for at, site, kind in zip(frame["order_accepted_at"], frame["site_code"], frame["kind"], strict=True)
    ]


def dose(asked: Asked, _spec: Spec) -> Offered:
    """Return performed exams of the month with a dose report; those without one are out of scope, counted."""
    frame = performed(asked, fact_exam.c.end_local_date)
    offered = Offered(frame, len(frame))
    frame = decided(asked, "dose", offered, frame)
    frame = left_out(offered, frame, ~frame["modality"].isin(IONISING), "no ionising radiation")
    frame = left_out(offered, frame, ~frame["has_dose_report"].fillna(False).astype(bool), "no dose report")
    events = dose_events(asked, frame["exam_key"])
    offered.rows = pd.DataFrame(
        {
            ROW: frame["accession_token"],
            "facility_id": asked.maps.column("facility", frame["site_code"]),
            "exam_id": frame["accession_token"],
            "exam_month": f"{asked.month:%Y-%m}",
            "modality": frame["modality"],
            "procedure_group": frame["procedure_group"],
            "scanner": frame["scanner_code"],
            "age_years": (asked.month.year - frame["birth_year"]).clip(upper=OLDEST),
            "sex": frame["sex"].fillna("U"),
            "irradiation_events": events["events"].fillna(0).astype("int64").to_numpy(),
            "phantom_cm": _phantoms(events),
            **{name: frame[name] for name in _TOTALS},
        }
    )
    return offered


def _phantoms(events: pd.DataFrame) -> list[str | None]:
    pairs = zip(events["smallest"], events["largest"], strict=True)
    return [None if pd.isna(a) else str(int(a)) if a == b else "mixed" for a, b in pairs]


def as_is(rows: pd.DataFrame, spec: Spec) -> pd.DataFrame:
    """Return the file's columns in the spec's order, one row an exam."""
    return rows[[field.name for field in spec.told]]


BANDS = 14  # 0 to 12 whole weeks, and 13 or more


def counted(rows: pd.DataFrame, _spec: Spec) -> pd.DataFrame:
    """Return the census: a row a provider and test, with waiters by whole weeks and activity by kind."""
    keys = ["provider", "test"]
    waiters = rows[rows["kind"] == "waiting"]
    weeks = np.minimum(waiters["waited_days"].astype("int64") // 7, BANDS - 1)
    names = [f"weeks_{week:02}" if week < BANDS - 1 else f"weeks_{week:02}_plus" for week in range(BANDS)]
    bands = pd.crosstab([waiters["provider"], waiters["test"]], weeks).reindex(columns=range(BANDS), fill_value=0)
    done = rows[rows["kind"] == "done"]
    kinds = ["waiting_list", "planned", "unscheduled"]
    activity = pd.crosstab([done["provider"], done["test"]], done["activity"]).reindex(columns=kinds, fill_value=0)
    index = pd.MultiIndex.from_frame(rows[keys].drop_duplicates().sort_values(keys))
    bands, activity = bands.reindex(index, fill_value=0), activity.reindex(index, fill_value=0)
    census = bands.set_axis(names, axis="columns")
    census.insert(BANDS, "waiting", bands.sum(axis=1))
    census.insert(BANDS + 1, "waiting_6_weeks_or_more", bands.loc[:, 6:].sum(axis=1))
    for kind in kinds:
        census[f"activity_{kind}"] = activity[kind]
    return census.rename_axis(index=keys).reset_index()


Rows = Callable[[Asked, Spec], Offered]
Shape = Callable[[pd.DataFrame, Spec], pd.DataFrame]
MAKERS: dict[str, tuple[Rows, Shape]] = {
    "grid": (grid, as_is),
    "dids": (dids, as_is),
    "dm01": (dm01, counted),
    "dose": (dose, as_is),
}
