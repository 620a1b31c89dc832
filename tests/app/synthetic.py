"""Exams, visits, hours and bookings of a small synthetic department: two sites, twelve scanners, forty days."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

DATA_AT = datetime(2026, 11, 24, 12, 12, tzinfo=UTC)  # 07:12 at NORTH, 06:12 at SOUTH
DAYS = 40
ZONES = {"NORTH": ZoneInfo("America/New_York"), "SOUTH": ZoneInfo("America/Chicago")}
SCANNERS = {
    "NCT1": "CT",
    "NCT2": "CT",
    "NMR1": "MR",
    "NMR2": "MR",
    "NDX1": "DX",
    "NUS1": "US",
    "NMG1": "MG",
    "NNM1": "NM",
    "SCT1": "CT",
    "SMR1": "MR",
    "SDX1": "DX",
    "SUS1": "US",
}
MINUTES = {"CT": 18, "MR": 34, "DX": 7, "US": 24, "MG": 15, "NM": 40}
GROUPS = {
    "CT": "CT abdomen",
    "MR": "MR brain",
    "DX": "Chest X-ray",
    "US": "US abdomen",
    "MG": "Screening",
    "NM": "Bone scan",
}


def key(text: str) -> int:
    """A stable positive 63-bit key."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def local(site: str, instant: datetime | None) -> tuple[date | None, int | None]:
    """Site-local date and hour."""
    if instant is None:
        return None, None
    wall = instant.astimezone(ZONES[site])
    return wall.date(), wall.hour


def minutes(begin: datetime | None, end: datetime | None) -> float | None:
    """Minutes between two instants, None when one is missing."""
    return None if begin is None or end is None else (end - begin).total_seconds() / 60


def exam(scanner: str, begin: datetime, number: int, dice: np.random.Generator) -> dict[str, object]:
    """One exam with its milestones; what lies after DATA_AT has not happened."""
    site, modality = ("NORTH" if scanner[0] == "N" else "SOUTH"), SCANNERS[scanner]
    kind = str(dice.choice(["E", "I", "O"], p=[0.25, 0.25, 0.5]))
    priority = str(dice.choice(["STAT", "URGENT", "ROUTINE"], p=[0.15, 0.2, 0.65]))
    length = float(MINUTES[modality] * dice.uniform(0.7, 1.4))
    read = float(dice.lognormal({"STAT": 3.4, "URGENT": 4.3, "ROUTINE": 5.2}[priority], 0.7))
    plan = {
        "order_entered_at": -float(dice.uniform(60, 4000)),
        "arrived_at": -float(dice.uniform(5, 45)),
        "appointment_at": float(dice.uniform(-20, 5)),
        "in_room_at": -4.0,
        "exam_begin_at": 0.0,
        "exam_end_at": length,
        "images_available_at": length + float(dice.uniform(1, 12)),
        "read_opened_at": length + 0.8 * read,
        "first_prelim_at": length + 0.9 * read if number % 4 == 0 else None,
        "dictated_at": length + 0.95 * read,
        "first_final_at": length + read,
    }
    at = {k: None if v is None or (when := begin + timedelta(minutes=v)) > DATA_AT else when for k, v in plan.items()}
    row: dict[str, object] = {
        **at,
        "exam_key": key(f"{scanner}{begin}"),
        "accession_token": hashlib.sha256(f"{scanner}{begin}".encode()).hexdigest()[:32],
        "visit_key": key(f"v{scanner}{begin}"),
        "patient_key": key(f"p{number}"),
        "site_code": site,
        "scanner_code": scanner,
        "booked_scanner_code": scanner,
        "modality": modality,
        "procedure_code": modality + "1",
        "procedure_group": GROUPS[modality],
        "priority": priority,
        "patient_class": kind,
        "section": "body",
        "shift": "day",
        "planned_duration_min": float(MINUTES[modality]),
        "status": "final" if at["first_final_at"] else "ended" if at["exam_end_at"] else "in_progress",
        "order_accepted_at": at["order_entered_at"],
        "scheduled_at": at["order_entered_at"],
        "first_acquisition_at": at["exam_begin_at"],
        "last_acquisition_at": at["exam_end_at"],
        "is_performed": at["exam_end_at"] is not None,
        "is_addon": kind == "E",
        "has_images": True,
        "has_dose_report": modality == "CT",
        "has_order_violation": False,
        "report_target_min": {"STAT": 60.0, "URGENT": 240.0, "ROUTINE": 1440.0}[priority],
        "dlp_total_mgy_cm": float(dice.normal(450, 80)) if modality == "CT" else None,
        "ctdivol_max_mgy": float(dice.normal(11, 2)) if modality == "CT" else None,
        "reader_mode": "single",
        "first_communication_at": at["first_prelim_at"] or at["first_final_at"],
    }
    begun, ended, final = at["exam_begin_at"], at["exam_end_at"], at["first_final_at"]
    ready = max(at["arrived_at"] or begin, at["appointment_at"] or begin)
    row |= {
        "order_to_arrive_min": minutes(at["order_entered_at"], at["arrived_at"]),
        "patient_wait_min": None if begun is None else max(0.0, minutes(ready, begun) or 0.0),
        "arrival_to_begin_min": minutes(at["arrived_at"], begun),
        "exam_duration_min": minutes(begun, ended),
        "dicom_duration_min": minutes(begun, ended),
        "ris_dicom_difference_min": 0.0 if ended else None,
        "images_delay_min": minutes(ended, at["images_available_at"]),
        "report_tat_min": minutes(ended, final),
        "first_communication_min": minutes(ended, at["first_prelim_at"] or final),
        "unread_wait_min": minutes(at["images_available_at"], at["read_opened_at"]),
        "read_time_min": minutes(at["read_opened_at"], at["dictated_at"]),
        "prelim_to_final_min": minutes(at["first_prelim_at"], final),
        "end_to_end_min": minutes(at["order_entered_at"], final),
    }
    for name, column in (
        ("order", "order_entered_at"),
        ("appointment", "appointment_at"),
        ("begin", "exam_begin_at"),
        ("end", "exam_end_at"),
        ("final", "first_final_at"),
    ):
        row[f"{name}_local_date"], row[f"{name}_local_hour"] = local(site, at[column])
    return row


def exams() -> pd.DataFrame:
    """All exams: one after the other on every scanner, 07:00 to 18:00, the weekend half as long."""
    dice, rows = np.random.default_rng(7), []
    for scanner, modality in SCANNERS.items():
        site = "NORTH" if scanner[0] == "N" else "SOUTH"
        for back in range(DAYS, -1, -1):
            day = DATA_AT.astimezone(ZONES[site]).date() - timedelta(days=back)
            clock = datetime(day.year, day.month, day.day, 6, 5, tzinfo=ZONES[site]).astimezone(UTC)
            close = clock + timedelta(hours=11 if day.weekday() < 5 else 4)
            while clock < min(close, DATA_AT):
                rows.append(exam(scanner, clock, len(rows), dice))
                clock += timedelta(
                    minutes=float(MINUTES[modality] * dice.uniform(1.1, 2.4) + dice.choice([3, 50], p=[0.9, 0.1]))
                )
    return pd.DataFrame(rows)


def visits(exam_rows: pd.DataFrame) -> pd.DataFrame:
    """One visit an ended exam, with the gap before it."""
    done = exam_rows[exam_rows["exam_end_at"].notna()].sort_values(["scanner_code", "exam_begin_at"])
    frame = done[
        [
            "visit_key",
            "site_code",
            "scanner_code",
            "modality",
            "procedure_group",
            "priority",
            "patient_class",
            "shift",
            "patient_key",
        ]
    ].copy()
    frame["begin_at"], frame["end_at"] = (
        pd.to_datetime(done["exam_begin_at"], utc=True),
        pd.to_datetime(done["exam_end_at"], utc=True),
    )
    frame["part"], frame["exams"], frame["local_date"], frame["local_hour"] = (
        0,
        1,
        done["begin_local_date"],
        done["begin_local_hour"],
    )
    frame["duration_min"] = done["exam_duration_min"]
    gap = (frame["begin_at"] - frame.groupby(["scanner_code", "local_date"])["end_at"].shift()).dt.total_seconds() / 60
    frame["gap_before_min"] = gap.clip(lower=0)
    frame["gap_kind"] = np.where(gap.isna(), None, np.where(gap < 45, "turnover", "idle"))
    frame["idle_in_hours_min"] = frame["gap_before_min"].where(frame["gap_kind"] == "idle")
    return frame


def scanner_hours(visit_rows: pd.DataFrame) -> pd.DataFrame:
    """One row a scanner and local hour 06..17: operating, table, room and booked minutes."""
    rows = []
    begun = visit_rows.groupby(["scanner_code", "local_date", "local_hour"])["duration_min"].agg(["size", "sum"])
    for scanner, modality in SCANNERS.items():
        site = "NORTH" if scanner[0] == "N" else "SOUTH"
        for back in range(DAYS, -1, -1):
            day = DATA_AT.astimezone(ZONES[site]).date() - timedelta(days=back)
            for hour in range(6, 17 if day.weekday() < 5 else 10):
                n, used = begun.loc[(scanner, day, hour)] if (scanner, day, hour) in begun.index else (0, 0.0)
                table_min = float(min(used, 60))
                rows.append(
                    {
                        "site_code": site,
                        "scanner_code": scanner,
                        "modality": modality,
                        "local_date": day,
                        "local_hour": hour,
                        "hour_at": datetime(day.year, day.month, day.day, hour, tzinfo=ZONES[site]).astimezone(UTC),
                        "shift": "day",
                        "operating_min": 60.0,
                        "scheduled_open_min": 60.0,
                        "down_min": 0.0,
                        "unplanned_down_min": 0.0,
                        "table_min": table_min,
                        "room_min": min(table_min * 1.2, 60.0),
                        "booked_min": min(table_min * 1.1, 60.0),
                        "after_hours_min": 0.0,
                        "idle_min": 60 - table_min,
                        "begun_visits": int(n),
                        "begun_exams": int(n),
                        "booked_exams": int(n),
                    }
                )
    return pd.DataFrame(rows)


def openings() -> pd.DataFrame:
    """Open 06:00 to 17:00 every day; NMR1 was down for an hour yesterday."""
    rows = []
    for scanner, modality in SCANNERS.items():
        site = "NORTH" if scanner[0] == "N" else "SOUTH"
        for back in range(DAYS, -1, -1):
            day = DATA_AT.astimezone(ZONES[site]).date() - timedelta(days=back)
            midnight = datetime(day.year, day.month, day.day, tzinfo=ZONES[site])
            spans = [("open", 6, 17)] + ([("downtime_unplanned", 9, 10)] if scanner == "NMR1" and back == 1 else [])
            rows += [
                {
                    "site_code": site,
                    "scanner_code": scanner,
                    "modality": modality,
                    "kind": kind,
                    "local_date": day,
                    "begin_at": (midnight + timedelta(hours=a)).astimezone(UTC),
                    "end_at": (midnight + timedelta(hours=b)).astimezone(UTC),
                }
                for kind, a, b in spans
            ]
    return pd.DataFrame(rows)


def slots(exam_rows: pd.DataFrame) -> pd.DataFrame:
    """The last booking of every exam; every thirtieth outpatient did not come."""
    frame = exam_rows[
        [
            "exam_key",
            "site_code",
            "scanner_code",
            "modality",
            "procedure_code",
            "procedure_group",
            "priority",
            "patient_class",
            "section",
            "shift",
            "appointment_at",
            "planned_duration_min",
        ]
    ].copy()
    frame["slot_key"] = frame["exam_key"]
    frame["state"] = np.where(np.arange(len(frame)) % 30 == 0, "no_show", "arrived")
    frame["valid_from_at"], frame["is_last"], frame["lead_time_min"] = exam_rows["order_entered_at"], True, 5000.0
    frame["local_date"], frame["local_hour"] = exam_rows["appointment_local_date"], exam_rows["appointment_local_hour"]
    return frame.dropna(subset=["appointment_at"])
