"""Oracles of scanner use: U01 to U14, second by second."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import cache
from itertools import pairwise
from math import nan
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from kpi_truth import Measures, Truth, oracle, spread


class Seconds:
    """A scanner's time in the period, second by second: brute force instead of interval arithmetic."""

    def __init__(self, t: Truth, scanner: dict[str, Any], *, whole_hours: bool = True) -> None:
        zone = t.zones[scanner["site"]]
        self.begin = int(pd.Timestamp(t.start).tz_localize(zone).timestamp())
        stop = int(pd.Timestamp(t.stop).tz_localize(zone).timestamp())
        self.end = min(stop, t.edge(zone) if whole_hours else int(t.as_of.timestamp()))
        self.size = self.end - self.begin

    def of(self, begins: pd.Series, ends: pd.Series, before_s: int = 0, after_s: int = 0) -> np.ndarray:
        """Return which seconds lie in any of the intervals."""
        busy = np.zeros(self.size, dtype=bool)
        for begin, end in zip(begins, ends, strict=True):
            first = int(begin.timestamp()) - before_s - self.begin
            last = int(end.timestamp()) + after_s - self.begin
            busy[max(0, first) : max(0, last)] = True
        return busy


def scanner_seconds(t: Truth) -> dict[str, float]:
    """Return seconds summed over scanners: operating, planned open, down, table, room, booked, after hours."""
    each = [seconds_of(t.folder, t.start, t.stop, t.as_of, scanner["code"]) for scanner in t.scanners]
    return {name: sum(one[name] for one in each) for name in each[0]}


@cache
def seconds_of(folder: Path, start: date, stop: date, as_of: datetime, code: str) -> dict[str, float]:
    """Return one scanner's seconds; filters choose scanners, never parts of one."""
    t = Truth(folder, start, stop, as_of)
    scanner = next(s for s in t.scanners if s["code"] == code)
    seconds = Seconds(t, scanner)
    calendar = t.openings[t.openings["scanner"] == code]
    kind = {name: seconds.of(part["begin_at"], part["end_at"]) for name, part in calendar.groupby("kind")}
    nothing = np.zeros(seconds.size, dtype=bool)
    planned = kind.get("open", nothing) & ~kind.get("closure", nothing)
    unplanned = kind.get("downtime_unplanned", nothing) & planned
    down = (kind.get("downtime_planned", nothing) & planned) | unplanned
    operating = planned & ~down
    used = stretches(t, code)
    before, after = (int(scanner[f"room_buffer_{side}_min"] * 60) for side in ("before", "after"))
    table = seconds.of(used["begin_at"], used["end_at"])
    room = seconds.of(used["begin_at"], used["end_at"], before, after)
    held = t.appointments[(t.appointments["scanner"] == code) & ~t.appointments["fate"].isin(["cancelled", "moved"])]
    booked = seconds.of(held["begin_at"], held["begin_at"] + pd.to_timedelta(held["minutes"], unit="min"))
    found = {
        "operating": operating, "planned": planned, "down": down, "unplanned": unplanned,
        "table": table & operating, "room": room & operating, "booked": booked & operating,
        "after_hours": table & ~operating,
    }  # fmt: skip
    return {name: float(mask.sum()) for name, mask in found.items()}


def stretches(t: Truth, scanner: str) -> pd.DataFrame:
    """Return when patients were on a scanner's table: parts of each exam, running ones until now."""
    mine = t.exams[(t.exams["scanner"] == scanner) & t.exams["begin_at"].notna()]
    rows = []
    for exam in mine.itertuples():
        stop = exam.aborted_at if pd.notna(exam.aborted_at) else exam.end_at
        stop = t.as_of if pd.isna(stop) else stop
        parts = [(p["begin_at"], p["end_at"]) for p in exam.parts] if len(exam.parts) > 1 else [(exam.begin_at, stop)]
        rows += parts
    return pd.DataFrame(rows, columns=["begin_at", "end_at"])


def share_of_seconds(t: Truth, numerator: str, available: str) -> Measures:
    seconds = scanner_seconds(t)
    return shared(seconds[numerator] / 60, seconds[available] / 60)


def shared(numerator: float, available: float) -> Measures:
    """Return minutes over minutes; where no minute was available nothing is told of either."""
    if not available:
        return dict.fromkeys(("share", "numerator", "available"), nan)
    return {"share": numerator / available, "numerator": numerator, "available": available}


@oracle("U01")
def table_utilization(t: Truth) -> Measures:
    return share_of_seconds(t, "table", "operating")


@oracle("U02")
def room_utilization(t: Truth) -> Measures:
    return share_of_seconds(t, "room", "operating")


@oracle("U04")
def schedule_utilization(t: Truth) -> Measures:
    return share_of_seconds(t, "booked", "operating")


@oracle("U11")
def after_hours(t: Truth) -> Measures:
    minutes = scanner_seconds(t)["after_hours"] / 60
    return {"sum": minutes if minutes else float("nan")}  # none recorded is not zero


@oracle("U14")
def downtime(t: Truth) -> Measures:
    return share_of_seconds(t, "down", "planned")


def visits(t: Truth, scanner: dict[str, Any]) -> pd.DataFrame:
    """Return a scanner's visits in order: linked accessions are one; open ones run until now."""
    mine = t.exams[(t.exams["scanner"] == scanner["code"]) & t.exams["begin_at"].notna()]
    stop = mine["end_at"].fillna(mine["aborted_at"]).fillna(pd.Timestamp(t.as_of))
    lead = mine["linked_to"].fillna(mine["exam_key"])
    found = (
        mine.assign(stop=stop)
        .groupby(lead)
        .agg(site=("site", "first"), begin_at=("begin_at", "min"), stop=("stop", "max"))
    )
    return found.sort_values("begin_at")


def gaps(t: Truth) -> pd.DataFrame:
    """Return the gaps between a visit and the end before it on its scanner and local day.

    Beside their minutes: the idle part, its longest stretch, and the minutes a further patient would have needed.
    """
    everyone = Truth(t.folder, t.start, t.stop, t.as_of, t.is_late)
    frames = [scanner_gaps(everyone, scanner["code"]) for scanner in t.scanners]
    return pd.concat(frames, ignore_index=True)


@cache
def scanner_gaps(t: Truth, code: str) -> pd.DataFrame:
    """Return one scanner's gaps; its usual turnover is over all it ever did."""
    scanner = next(s for s in t.scanners if s["code"] == code)
    everything = Truth(t.folder, t.start - timedelta(days=30), t.stop, t.as_of, t.is_late)
    found = visits(t, scanner)
    found["day"] = t.day(found["begin_at"], found["site"])
    operating = Operating(everything, scanner)
    rows = []
    for day, today in found.groupby("day"):
        busy_until = None
        for visit in today.itertuples():
            if busy_until is not None and visit.begin_at >= busy_until:
                gap = (visit.begin_at - busy_until).total_seconds() / 60
                idle, longest = (
                    operating.minutes(busy_until, visit.begin_at),
                    operating.longest(busy_until, visit.begin_at),
                )
                rows.append((day, visit.begin_at, gap, idle, longest))
            busy_until = visit.stop if busy_until is None else max(busy_until, visit.stop)
    frame = pd.DataFrame(rows, columns=["day", "at", "gap", "idle", "longest"])
    slots = t.openings[(t.openings["scanner"] == scanner["code"]) & (t.openings["kind"] == "slot")]
    length = ((slots["end_at"] - slots["begin_at"]).dt.total_seconds() / 60).mode()
    usual = frame["gap"][frame["gap"] <= 45].median()
    frame["needed"] = (length.min() if len(length) else float("nan")) + (0.0 if pd.isna(usual) else usual)
    frame["site"] = scanner["site"]
    return frame[np.array([t.start <= day < t.stop for day in frame["day"]], dtype=bool)]


class Operating:
    """When a scanner operated, second by second."""

    def __init__(self, t: Truth, scanner: dict[str, Any]) -> None:
        self.seconds = Seconds(t, scanner, whole_hours=False)
        calendar = t.openings[t.openings["scanner"] == scanner["code"]]
        kind = {name: self.seconds.of(part["begin_at"], part["end_at"]) for name, part in calendar.groupby("kind")}
        nothing = np.zeros(self.seconds.size, dtype=bool)
        off = nothing.copy()
        for name in ("closure", "downtime_planned", "downtime_unplanned"):
            off |= kind.get(name, nothing)
        self.mask = kind.get("open", nothing) & ~off

    def of(self, since: pd.Timestamp, until: pd.Timestamp) -> np.ndarray:
        """Return the seconds between two instants."""
        first, last = (int(at.timestamp()) - self.seconds.begin for at in (since, until))
        return self.mask[first:last]

    def minutes(self, since: pd.Timestamp, until: pd.Timestamp) -> float:
        """Return the operating minutes between two instants."""
        return float(self.of(since, until).sum()) / 60

    def longest(self, since: pd.Timestamp, until: pd.Timestamp) -> float:
        """Return the longest run of operating time between two instants, in minutes."""
        edges = np.flatnonzero(np.diff(np.concatenate(([0], self.of(since, until).astype(np.int8), [0]))))
        return float((edges[1::2] - edges[::2]).max(initial=0)) / 60


def operating_seconds(t: Truth, scanner: dict[str, Any]) -> Any:
    """Return a function that counts the operating minutes between two instants."""
    seconds = Seconds(t, scanner, whole_hours=False)
    calendar = t.openings[t.openings["scanner"] == scanner["code"]]
    kind = {name: seconds.of(part["begin_at"], part["end_at"]) for name, part in calendar.groupby("kind")}
    nothing = np.zeros(seconds.size, dtype=bool)
    off = kind.get("closure", nothing) | kind.get("downtime_planned", nothing) | kind.get("downtime_unplanned", nothing)
    open_ = np.concatenate(([0], np.cumsum(kind.get("open", nothing) & ~off)))

    def between(since: pd.Timestamp, until: pd.Timestamp) -> float:
        first, last = (min(int(at.timestamp()) - seconds.begin, seconds.size) for at in (since, until))
        return float(open_[last] - open_[first]) / 60

    return between


def local_hours(begin: int, end: int, zone: ZoneInfo) -> list[int]:
    """Return the edges of the hours of a local clock: a new one begins where the hour or the zone's offset changes."""
    edges, seen = [begin], None
    for at in range(begin, end, 900):
        local = datetime.fromtimestamp(at, zone)
        now = (local.date(), local.hour, local.utcoffset())
        if seen is not None and now != seen:
            edges.append(at)
        seen = now
    return [*edges, end]


@oracle("U08")
def turnover(t: Truth) -> Measures:
    frame = gaps(t).query("gap <= 45")
    return {**spread(frame["gap"]), "n": len(frame)}


@oracle("U09")
def idle_gap(t: Truth) -> Measures:
    frame = gaps(t).query("gap > 45 and idle > 0")
    usable = frame["longest"] >= frame["needed"]
    return {
        "sum": frame["idle"].sum() if len(frame) else nan,
        "p50": frame["idle"].quantile(0.5),
        "max": frame["idle"].max(),
        "n": len(frame),
        "usable": usable.mean(),
        "usable_min": frame["idle"][usable].sum() if usable.any() else float("nan"),
    }


@oracle("U12")
def visits_per_hour(t: Truth) -> Measures:
    number, available = 0, 0.0
    days: set[tuple[str, object]] = set()
    for scanner in t.scanners:
        between = operating_seconds(t, scanner)
        zone = t.zones[scanner["site"]]
        seconds = Seconds(t, scanner)
        begun = visits(t, scanner)["begin_at"]
        edges = [pd.Timestamp(at, unit="s", tz="UTC") for at in local_hours(seconds.begin, seconds.end, zone)]
        for begin, end in pairwise(edges):
            minutes = between(begin, end)
            available += minutes
            if minutes:
                days.add((scanner["code"], begin.tz_convert(zone).date()))
                number += int(((begun >= begin) & (begun < end)).sum())
    if not available:
        return dict.fromkeys(("numerator", "per_hour", "per_scanner_day"), nan)
    return {"numerator": number, "per_hour": number / available * 60, "per_scanner_day": number / len(days)}
