"""KPIs computed a second time, from the simulated department's truth and raw feed files, in plain pandas.

Nothing here comes from `etl`: no definition, no statistic, no reader is shared. Each oracle returns the measures it
can tell; times are aware UTC, durations minutes. Open items are censored at `as_of`.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache, cached_property
from math import nan
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

Measures = dict[str, float]
STEP_CLOSED = pd.Timedelta(seconds=20)  # after the last image: (0040,0251)
ORACLES: dict[str, Callable[[Truth], Measures]] = {}


def oracle(kpi_id: str) -> Callable[[Callable[[Truth], Measures]], Callable[[Truth], Measures]]:
    """Register the oracle of a KPI."""

    def register(function: Callable[[Truth], Measures]) -> Callable[[Truth], Measures]:
        ORACLES[kpi_id] = function
        return function

    return register


@cache
def table(folder: Path, name: str) -> pd.DataFrame:
    """Return a table of the truth, read once; whoever changes it takes a copy."""
    return pd.read_parquet(folder / "truth" / f"{name}.parquet")


@cache
def settings_of(folder: Path) -> dict[str, Any]:
    """Return an installation's settings, read once."""
    return tomllib.loads((folder / "radpulse.toml").read_text(encoding="utf-8"))


@cache
def lived(folder: Path, as_of: datetime, is_late: bool) -> pd.DataFrame:
    """Return all exams as they were at an instant, whatever is asked about."""
    return Truth(folder, date.min, date.max, as_of, is_late).lived()


@dataclass(frozen=True)
class Truth:
    """A simulated department as it really was, asked about the local dates [start, stop) at the instant `as_of`."""

    folder: Path
    start: date
    stop: date
    as_of: datetime
    is_late: bool = False  # whether exams whose end no RIS feed tells end at the latest or the earliest they can
    where: tuple[tuple[str, str], ...] = ()  # site, modality or (scanner) code asked about

    @cached_property
    def settings(self) -> dict[str, Any]:
        """The installation's settings file."""
        return settings_of(self.folder)

    @cached_property
    def zones(self) -> dict[str, ZoneInfo]:
        """Time zone by site."""
        return {site["code"]: ZoneInfo(site["zone"]) for site in self.settings["sites"]}

    @cached_property
    def scanners(self) -> list[dict[str, Any]]:
        """The scanners asked about, as configured."""
        return [s for s in self.settings["scanners"] if all(s[name] == value for name, value in self.where)]

    @cached_property
    def exams(self) -> pd.DataFrame:
        """One row an exam asked about; what happened after `as_of` is blanked."""
        frame = lived(self.folder, self.as_of, self.is_late)
        for name, value in self.where:
            frame = frame[frame["scanner" if name == "code" else name] == value]
        return frame.copy()

    def lived(self) -> pd.DataFrame:
        """Return one row an exam of the department, with what follows from it at once."""
        frame = table(self.folder, "exams").copy()
        for name in frame.columns:
            if name.endswith("_at") and name != "appointment_at":
                frame[name] = frame[name].where(frame[name] <= self.as_of)
        frame = frame[frame["ordered_at"].notna()].copy()
        # where neither message nor extract says that the exam ended the scanner does, by its clock: at the earliest
        # with the last image told of, at the latest when the exam truly ended or the scanner closed its step
        scanner = frame["exam_key"].map(self.told["last_at"])
        if self.is_late:
            series = table(self.folder, "acquisitions").groupby("exam_key")["end_at"].max()
            scanner = pd.concat([frame["end_at"], frame["exam_key"].map(series + STEP_CLOSED)], axis=1).max(axis=1)
            scanner += self.device_ahead(frame["scanner"], scanner)
        frame["end_at"] = scanner.where(frame["accession"].isin(self.never_ended), frame["end_at"])
        frame["performed"] = frame["begin_at"].notna() & frame["end_at"].notna() & frame["aborted_at"].isna()
        frame["communicated_at"] = frame[["prelim_at", "final_at", "crit_notified_at"]].min(axis=1)
        bookings = table(self.folder, "appointments").sort_values("number")
        booked = bookings.drop_duplicates("exam_key", keep="last").set_index("exam_key")
        frame["planned_min"] = frame["exam_key"].map(booked["minutes"])
        # an appointment called off and no other made yet: all that anyone knows is that the exam is off
        known = bookings[bookings["booked_at"] <= self.as_of].drop_duplicates("exam_key", keep="last")
        off = known[known["fate"].isin(["cancelled", "no_show"]) & (known["fate_at"] <= self.as_of)]
        frame["is_off"] = frame["exam_key"].isin(off["exam_key"]) | frame[["cancelled_at", "no_show_at"]].notna().any(
            axis=1
        )
        return frame

    @cached_property
    def told(self) -> pd.DataFrame:
        """First and last acquisition by exam as far as the feeds tell them, by the scanner's clock.

        Only files (of the last days) tell when a series ended, and only some do; else its begin is all there is.
        """
        exams = table(self.folder, "exams").set_index("exam_key")
        series = table(self.folder, "acquisitions").copy()
        exam_at = series["exam_key"].map(exams["begin_at"])
        with_files = (
            self.day(exam_at, series["exam_key"].map(exams["site"])).map(str) >= self.manifest["scenario"]["dicom_from"]
        )
        for name in ("begin_at", "end_at"):
            series[name] += self.device_ahead(series["scanner"], series[name])
        series["told_at"] = series["end_at"].where(series["states_end"] & with_files, series["begin_at"])
        never = {number for entry in self.planted["images_no_images"] for number in entry["accessions"]}
        series = series[~series["exam_key"].map(exams["accession"]).isin(never)]
        span = {"first_at": ("begin_at", "min"), "last_at": ("told_at", "max")}
        own = series.groupby("exam_key").agg(**span)
        # linked accessions are one study, whose images stand for an exam that has none of its own yet
        study = series.groupby(series["exam_key"].map(exams["study_uid"])).agg(**span)
        others = exams.loc[~exams.index.isin(own.index), "study_uid"]
        return pd.concat([own, study.reindex(others).set_axis(others.index).dropna()])

    def device_ahead(self, scanner: pd.Series, at: pd.Series) -> pd.Series:
        """Return by how much scanners' clocks run ahead."""
        ahead = pd.Series(0.0, index=scanner.index)
        for entry in self.planted["clock_offset"]:
            ahead += (scanner == entry["scanner"]) * entry["offset_min"]
        for entry in self.planted["clock_drift"]:
            days = (at - pd.Timestamp(entry["zero_at"])).dt.total_seconds() / 86400
            ahead += ((scanner == entry["scanner"]) * days * entry["drift_min_per_day"]).fillna(0.0)
        return pd.to_timedelta((ahead * 60).round(), unit="s")

    @cached_property
    def never_ended(self) -> set[str]:
        """Accession numbers of exams whose end no RIS feed tells."""
        return {number for entry in self.planted["never_ended"] for number in entry["accessions"]}

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """What the department is, and what was planted."""
        found: dict[str, Any] = json.loads((self.folder / "truth" / "manifest.json").read_text(encoding="utf-8"))
        return found

    @cached_property
    def planted(self) -> dict[str, list[dict[str, Any]]]:
        """The manifest's planted faults by kind."""
        found: dict[str, list[dict[str, Any]]] = {}
        for entry in self.manifest["planted"]:
            found.setdefault(entry.get("fault", "story"), []).append(entry)
        return found

    @cached_property
    def appointments(self) -> pd.DataFrame:
        """One row a booking, in the order made."""
        frame = table(self.folder, "appointments")
        frame = frame[(frame["booked_at"] <= self.as_of) & frame["exam_key"].isin(self.exams["exam_key"])]
        return frame.sort_values(["exam_key", "number"])

    @cached_property
    def openings(self) -> pd.DataFrame:
        """The operating calendar."""
        return table(self.folder, "openings")

    def day(self, at: pd.Series, site: pd.Series) -> pd.Series:
        """Return the site-local dates of instants."""
        local, at = pd.Series(index=at.index, dtype=object), pd.to_datetime(at, utc=True)  # none at all is no time yet
        for code, zone in self.zones.items():
            mine = (site == code) & at.notna()
            local[mine] = at[mine].dt.tz_convert(zone).dt.date
        return local

    def edge(self, zone: ZoneInfo) -> int:
        """Return the last whole hour of a local clock, in Unix seconds."""
        now = int(self.as_of.timestamp())
        ahead = round(self.as_of.astimezone(zone).utcoffset().total_seconds())  # type: ignore[union-attr]
        return (now + ahead) // 3600 * 3600 - ahead

    def within(self, frame: pd.DataFrame, at: pd.Series) -> pd.DataFrame:
        """Return the rows whose local date lies in the period."""
        day = self.day(at, frame["site"])
        inside = [isinstance(d, date) and self.start <= d < self.stop for d in day]
        return frame[np.array(inside, dtype=bool)]

    @cached_property
    def ended(self) -> pd.DataFrame:
        """Performed exams that ended in the period."""
        return self.within(self.exams, self.exams["end_at"]).query("performed")


def minutes(since: pd.Series, to: pd.Series) -> pd.Series:
    """Return to - since in minutes."""
    return (to - since).dt.total_seconds() / 60


def spread(values: pd.Series) -> Measures:
    """Return interpolated median and P90 and the number of values."""
    known = values.dropna()
    return {"p50": known.quantile(0.5), "p90": known.quantile(0.9)}


def kaplan_meier(closed: list[float], censored: list[float], q: float) -> float:
    """Return the product-limit quantile, one closing time after the other."""
    survival = 1.0
    times = sorted(set(closed))
    everything = np.array(sorted(closed + censored))
    for place, time in enumerate(times):
        at_risk = len(everything) - np.searchsorted(everything, time, side="left")
        survival *= 1 - closed.count(time) / at_risk
        if abs(survival - (1 - q)) < 1e-9 and place + 1 < len(times):
            return (time + times[place + 1]) / 2
        if survival < 1 - q + 1e-9:
            return time
    return nan


def turnaround(t: Truth, frame: pd.DataFrame, since: str, to: str, ended_by: tuple[str, ...] = ()) -> Measures:
    """Return a turnaround's quantiles with the open items censored, and the counts."""
    took = minutes(frame[since], frame[to])
    is_closed = took >= 0
    otherwise = frame[list(ended_by)].notna().any(axis=1) if ended_by else pd.Series(False, index=frame.index)
    is_open = frame[since].notna() & frame[to].isna() & ~otherwise
    age = (pd.Timestamp(t.as_of) - frame[since]).dt.total_seconds() / 60
    closed, censored = took[is_closed].tolist(), age[is_open].tolist()
    return {
        "p50": kaplan_meier(closed, censored, 0.5),
        "p90": kaplan_meier(closed, censored, 0.9),
        "p50_closed": kaplan_meier(closed, [], 0.5),
        "p90_closed": kaplan_meier(closed, [], 0.9),
        "n": len(frame),
        "closed": is_closed.sum(),
        "open": is_open.sum(),
    }
