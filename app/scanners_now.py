"""What each scanner does at this moment: down, late, busy, idle or closed, since when, and what comes next.

Pure functions of rows as `app.facts_live` selects them; `now` is the version's data time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

from app import words
from app.theme import BUSY, CLOSED, DOWN, IDLE, OVER, State

LATE_AFTER_MIN = 15.0  # the latest of T08's thresholds
OVERRUN = 1.25  # of the planned length: U10's threshold
RANK = {state.word: place for place, state in enumerate((DOWN, OVER, BUSY, IDLE, CLOSED))}
Rows = Mapping[str, pd.DataFrame]


@dataclass(frozen=True, slots=True)
class ScannerNow:
    """A scanner's state at an instant, in words."""

    site: str
    scanner: str
    modality: str
    state: State
    said: str
    following: str  # the next appointment or opening, '' where none is known


def scanners_now(scanners: pd.DataFrame, rows: Rows, now: datetime, zones: Mapping[str, ZoneInfo]) -> list[ScannerNow]:
    """Return the state of every scanner, those that need somebody first."""
    found = []
    for scanner in scanners.to_dict("records"):
        code, site = str(scanner["scanner_code"]), str(scanner["site_code"])
        own = {name: frame[frame["scanner_code"] == code] for name, frame in rows.items()}
        state, said = _state(own, pd.Timestamp(now), zones[site])
        following = _following(own, pd.Timestamp(now), zones[site], state)
        found.append(ScannerNow(site, code, str(scanner["modality"]), state, said, following))
    return sorted(found, key=lambda one: (one.site, RANK[one.state.word], one.scanner))


def _state(own: Rows, now: pd.Timestamp, zone: ZoneInfo) -> tuple[State, str]:
    down = _covering(own["hours_around"], now, "downtime")
    if down is not None:
        until = "" if pd.isna(down["end_at"]) else f", expected back {clock(down['end_at'], zone, now)}"
        return DOWN, f"{_of(down['kind'])} since {clock(down['begin_at'], zone, now)}{until}"
    if len(own["in_rooms"]):
        return _occupied(own["in_rooms"].iloc[-1], now, zone)
    due = own["booked_around"][own["booked_around"]["appointment_at"] <= now - timedelta(minutes=LATE_AFTER_MIN)]
    if len(due) and _is_open(own["hours_around"], now):
        return OVER, _unbegun(due.iloc[0], now, zone)
    if not _is_open(own["hours_around"], now):
        closure = _covering(own["hours_around"], now, "closure")
        return CLOSED, "closed for the day" if closure is not None else "outside opening hours"
    ended = own["last_left"]["end_at"]
    return IDLE, f"empty since {clock(ended.iloc[0], zone, now)}" if len(ended) else "no visit for a day"


def _of(kind: str) -> str:
    return {"downtime_planned": "planned downtime", "downtime_unplanned": "down unplanned"}.get(kind, "down")


def _occupied(exam: pd.Series[Any], now: pd.Timestamp, zone: ZoneInfo) -> tuple[State, str]:
    passed = (now - exam["exam_begin_at"]).total_seconds() / 60
    planned = exam["planned_duration_min"]
    begun = f"patient since {clock(exam['exam_begin_at'], zone, now)}"
    if not pd.isna(planned) and passed > OVERRUN * planned:
        return OVER, f"{begun}, {words.amount(float(round(passed - planned)), 'min')} over plan"
    return BUSY, begun


def _unbegun(slot: pd.Series[Any], now: pd.Timestamp, zone: ZoneInfo) -> str:
    behind = round((now - slot["appointment_at"]).total_seconds() / 60)
    arrived = "patient is here" if not pd.isna(slot["arrived_at"]) else "patient has not arrived"
    return f"the {clock(slot['appointment_at'], zone, now)} appointment is {words.age(behind)} late, {arrived}"


def _covering(hours: pd.DataFrame, now: pd.Timestamp, kind: str) -> pd.Series[Any] | None:
    """Return the last row of a kind that holds at `now`, None where none does."""
    held = hours[
        hours["kind"].str.startswith(kind)
        & (hours["begin_at"] <= now)
        & (hours["end_at"].isna() | (hours["end_at"] > now))
    ]
    return held.iloc[-1] if len(held) else None


def _is_open(hours: pd.DataFrame, now: pd.Timestamp) -> bool:
    return _covering(hours, now, "open") is not None and _covering(hours, now, "closure") is None


def _following(own: Rows, now: pd.Timestamp, zone: ZoneInfo, state: State) -> str:
    ahead = own["booked_around"][own["booked_around"]["appointment_at"] > now]
    if len(ahead):
        return f"next {clock(ahead['appointment_at'].iloc[0], zone, now)}"
    opening = own["hours_around"]
    later = opening[(opening["kind"] == "open") & (opening["begin_at"] > now)]
    if state is CLOSED and len(later):
        return f"opens {clock(later['begin_at'].iloc[0], zone, now)}"
    return "" if state is CLOSED else "nothing booked ahead"


def clock(at: datetime, zone: ZoneInfo, now: datetime) -> str:
    """Return an instant as site-local time of day, with the weekday where it is another day."""
    local = pd.Timestamp(at).tz_convert(zone)
    return f"{local:%H:%M}" if local.date() == pd.Timestamp(now).tz_convert(zone).date() else f"{local:%a %H:%M}"
