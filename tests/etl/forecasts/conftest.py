"""A department with known truth, as fact frames: Poisson add-ons, bookings with 12 % no-show, log-logistic waits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_limits

from etl.forecasts.read import EXAM_COLUMNS, HOUR_COLUMNS, OPENING_COLUMNS, SLOT_COLUMNS, History

SHOW = 0.88
SITES = {"NORTH": "America/New_York", "SOUTH": "America/Chicago"}
# code, site, modality, add-ons per open hour, slots per open hour, opens, closes (local), open at weekends
SCANNERS = (
    ("NCT1", "NORTH", "CT", 2.2, 0.0, 0, 24, True),
    ("NMR1", "NORTH", "MR", 0.3, 1.4, 7, 19, False),
    ("SDX1", "SOUTH", "DX", 4.0, 0.0, 7, 21, True),
    ("SMR1", "SOUTH", "MR", 0.2, 1.6, 8, 18, False),
)
PRIORITIES = ("STAT", "URGENT", "ROUTINE")
MEDIAN_MIN = {"STAT": 30.0, "URGENT": 110.0, "ROUTINE": 420.0}
TARGET_MIN = {"STAT": 60.0, "URGENT": 240.0, "ROUTINE": 1440.0}
SHAPE = 2.2  # of the log-logistic waits


@dataclass(frozen=True)
class Department:
    """Frames as the warehouse would give them, and the true mean of every scanner hour."""

    history: History
    issued_at: datetime
    truth: pd.DataFrame  # scanner_code, hour_at, mean_visits


def make_hours(rng: np.random.Generator, end: datetime, days: int) -> pd.DataFrame:
    """Return opening, add-on and slot rates of every open scanner hour, the week after `end` included."""
    frames = []
    hours = pd.date_range(end - timedelta(days=days), end + timedelta(days=8), freq="h", inclusive="left")
    for code, site, modality, addons, slots, opens, closes, weekends in SCANNERS:
        local = hours.tz_convert(SITES[site])
        is_open = (local.hour >= opens) & (local.hour < closes) & (weekends | (local.day_of_week < 5))
        shape = 0.35 + 1.1 * np.exp(-(((local.hour.to_numpy() - 13) / 5.0) ** 2))
        weekly = 1 + 0.25 * np.cos(2 * np.pi * local.day_of_week.to_numpy() / 7)
        trend = 1 + 0.3 * np.linspace(-1, 1, len(hours)) * (1 if modality == "CT" else 0)
        frames.append(
            pd.DataFrame(
                {
                    "site_code": site,
                    "scanner_code": code,
                    "modality": modality,
                    "hour_at": hours,
                    "addon_mean": addons * shape * weekly * trend,
                    "slots": np.minimum(rng.poisson(slots, len(hours)), 3),
                    "is_open": is_open,
                }
            )
        )
    frame = pd.concat(frames, ignore_index=True)
    return frame[frame["is_open"]].reset_index(drop=True)


def make_slots(rng: np.random.Generator, hours: pd.DataFrame, end: datetime) -> pd.DataFrame:
    """Return booking states: booked one to twenty days ahead, then arrived or no_show a quarter past the hour."""
    rows = hours.loc[hours.index.repeat(hours["slots"])].reset_index(drop=True)
    lead = pd.to_timedelta(1 + rng.gamma(2.0, 4.0, len(rows)), unit="D")
    shown = rng.random(len(rows)) < SHOW
    turn = rows["hour_at"] + pd.Timedelta(minutes=15)
    base = pd.DataFrame(
        {
            "site_code": rows["site_code"],
            "scanner_code": rows["scanner_code"],
            "appointment_at": rows["hour_at"],
            "planned_duration_min": 30.0,
            "shown": shown,
        }
    )
    booked = base.assign(state="booked", valid_from_at=rows["hour_at"] - lead, valid_to_at=turn)
    after = base.assign(
        state=np.where(shown, "arrived", "no_show"), valid_from_at=turn, valid_to_at=pd.Series(pd.NaT, rows.index)
    )
    after["valid_to_at"] = pd.to_datetime(after["valid_to_at"], utc=True)
    return pd.concat([booked, after[after["valid_from_at"] < end]], ignore_index=True)


def fill_hours(
    rng: np.random.Generator, hours: pd.DataFrame, slots: pd.DataFrame, end: datetime
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return `fact_scanner_hour` rows (nothing happened yet after `end`) and the true means."""
    booked = slots[slots["state"] == "booked"]
    kept = booked[booked["shown"]].groupby(["scanner_code", "appointment_at"]).size()
    place = pd.MultiIndex.from_frame(hours[["scanner_code", "hour_at"]])
    shown = kept.reindex(place, fill_value=0).to_numpy()
    visits = rng.poisson(hours["addon_mean"].to_numpy()) + shown
    over = (hours["hour_at"] < end).to_numpy()
    busy = np.minimum(visits * rng.uniform(12, 22, len(hours)), 60.0)
    frame = hours.assign(
        operating_min=60.0,
        unplanned_down_min=0.0,
        table_min=np.where(over, busy, 0.0),
        begun_visits=np.where(over, visits, 0),
    )
    truth = hours[["scanner_code", "hour_at"]].assign(
        mean_visits=hours["addon_mean"].to_numpy() + SHOW * hours["slots"].to_numpy(), visits=visits
    )
    return frame[list(HOUR_COLUMNS)], truth


def make_exams(rng: np.random.Generator, end: datetime, days: int, count: int, drift: float = 0.0) -> pd.DataFrame:
    """Return exams whose waits are log-logistic by priority; reports after `end` are not yet known."""
    ended = pd.Series(end - pd.to_timedelta(np.sort(rng.uniform(0, days, count))[::-1], unit="D"))
    priority = rng.choice(PRIORITIES, count, p=[0.25, 0.25, 0.5])
    level = 1 + drift * np.linspace(0, 1, count)
    uniform = rng.random(count)
    wait = np.vectorize(MEDIAN_MIN.get)(priority) * level * (uniform / (1 - uniform)) ** (1 / SHAPE)
    final = ended + pd.to_timedelta(wait, unit="min")
    frame = pd.DataFrame(
        {
            "exam_key": np.arange(count, dtype="int64") + 1,
            "site_code": "NORTH",
            "scanner_code": "NCT1",
            "modality": "CT",
            "procedure_group": rng.choice(["head", "chest"], count),
            "priority": priority,
            "patient_class": rng.choice(["E", "I", "O"], count),
            "section": rng.choice(["NEURO", "BODY"], count),
            "status": np.where(final <= end, "final", "ended"),
            "exam_begin_at": ended - pd.Timedelta(minutes=20),
            "exam_end_at": ended,
            "first_final_at": final.where(final <= end),
            "aborted_at": pd.to_datetime(pd.Series([None] * count), utc=True),
            "exam_duration_min": 20.0,
            "planned_duration_min": 20.0,
            "report_target_min": np.vectorize(TARGET_MIN.get)(priority),
        }
    )
    return frame[list(EXAM_COLUMNS)]


def build_department(seed: int = 7, end: datetime | None = None, days: int = 120, exams: int = 6000) -> Department:
    """Return a whole department ending at `end`."""
    rng = np.random.default_rng(seed)
    end = end or datetime(2026, 9, 14, 10, tzinfo=UTC)
    hours = make_hours(rng, end, days)
    slots = make_slots(rng, hours, end)
    frame, truth = fill_hours(rng, hours, slots, end)
    openings = pd.DataFrame({c: pd.Series(dtype="object") for c in OPENING_COLUMNS})
    sites = pd.DataFrame(
        {"site_code": list(SITES), "zone": list(SITES.values()), "country": "US", "subdivision": ["NY", "IL"]}
    )
    known = slots[slots["valid_from_at"] <= end]
    history = History(frame, known[list(SLOT_COLUMNS)], make_exams(rng, end, days, exams), openings, sites)
    return Department(history, end, truth)


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    """Boosting on threads that wait for a busy core is slower than on one."""
    with threadpool_limits(limits=1):
        yield


@pytest.fixture(scope="session")
def department() -> Department:
    """A department of 120 days, shared: do not change its frames in place."""
    return build_department()


@pytest.fixture(scope="session")
def make_department() -> Callable[..., Department]:
    """The generator itself, for other ends, lengths and seeds."""
    return build_department
