"""The day timeline of each scanner: what was booked, what happened, and the gaps between."""

from __future__ import annotations

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from app import charts, data, timelines, words
from app.filters import View
from app.widgets import empty, table

NOT_APPLIED = ("priority", "patient_class", "procedure_group")
LONG_GAP_MIN = 15.0
IDLE = "idle gap"
Span = tuple[float, float]


def day_picker(view: View) -> date:
    """Let the user pick a day of the period; the last complete day first."""
    last = view.to_date - timedelta(days=2 if view.incomplete and view.days > 1 else 1)
    picked = st.date_input(
        "Day",
        last,
        min_value=view.from_date,
        max_value=view.to_date - timedelta(days=1),
        key="day",
        width=200,
        bind="query-params",
    )
    return picked if isinstance(picked, date) else last


def draw_day(who: data.Asker, view: View, day: date) -> None:
    """Draw the chosen day for all scanners the filters leave, then list its longest idle gaps."""
    where = tuple((name, chosen) for name, chosen in view.where if name not in NOT_APPLIED)
    bars = day_bars(who, day, where)
    if not (bars["kind"] == "exam").any():
        empty(f"No visit on {words.day(day)}.", "Pick another day, or clear a filter above.")
        return
    scanners = sorted(bars["scanner"].unique())
    now = data.data_at(who).astimezone(data.main_zone(who, where))
    now_hour = now.hour + now.minute / 60 if now.date() == day else None
    charts.show(timelines.scanner_day(bars, scanners, now_hour, f"Scanner day {words.day(day)}"))
    skipped = [n.replace("_", " ") for n in NOT_APPLIED if dict(view.where).get(n)]
    if skipped:
        st.caption(f"~~{', '.join(skipped)}~~ not applied: a gap belongs to the scanner, not to one kind of patient")
    _longest_gaps(bars)


def _longest_gaps(bars: pd.DataFrame) -> None:
    gaps = bars[bars["kind"] == IDLE].assign(length=lambda f: (f["end"] - f["begin"]) * 60)
    gaps = gaps[gaps["length"] >= LONG_GAP_MIN].sort_values("length", ascending=False).head(5)
    if gaps.empty:
        return
    shown = pd.DataFrame(
        {
            "Scanner": gaps["scanner"],
            "From": [timelines.clock(h) for h in gaps["begin"]],
            "To": [timelines.clock(h) for h in gaps["end"]],
            "Idle": [words.amount(m, "min") for m in gaps["length"]],
        }
    )
    st.markdown("**Longest idle gaps of the day**, inside opening hours and outside downtime")
    table(shown, f"Longest idle gaps, {shown.iloc[0]['Scanner']} first")


def day_bars(who: data.Asker, day: date, where: tuple[tuple[str, tuple[str, ...]], ...]) -> pd.DataFrame:
    """Return bars with scanner, kind, begin and end in hours since local midnight, and words for each."""
    zones = data.zones(who)
    parts = [
        _openings(data.rows(who, "openings", day, where), zones, day),
        _bookings(data.rows(who, "bookings", day, where), zones, day),
        _visits(data.rows(who, "visits", day, where), zones, day),
    ]
    known = [p for p in parts if not p.empty] or [pd.DataFrame(columns=["scanner", "kind", "begin", "end", "said"])]
    bars = pd.concat(known)
    return _clipped_gaps(bars[bars["end"] > bars["begin"]].reset_index(drop=True))


def _clipped_gaps(bars: pd.DataFrame) -> pd.DataFrame:
    """Return the bars with idle gaps cut to opening hours and out of downtime: a closed scanner is not idle."""
    spans = {
        (scanner, kind): list(zip(part["begin"], part["end"], strict=True))
        for (scanner, kind), part in bars.groupby(["scanner", "kind"])
    }
    pieces = []
    for gap in bars[bars["kind"] == IDLE].to_dict("records"):
        for begin, end in spans.get((gap["scanner"], "open"), []):
            inside = (max(gap["begin"], begin), min(gap["end"], end))
            pieces += [
                gap | {"begin": b, "end": e} for b, e in without(inside, spans.get((gap["scanner"], "down"), []))
            ]
    cut = pd.DataFrame(pieces, columns=bars.columns)
    cut["said"] = [
        f"idle {words.amount((e - b) * 60, 'min')} from {timelines.clock(b)}"
        for b, e in zip(cut["begin"], cut["end"], strict=True)
    ]
    return pd.concat([bars[bars["kind"] != IDLE], cut], ignore_index=True) if pieces else bars[bars["kind"] != IDLE]


def without(span: Span, holes: list[Span]) -> list[Span]:
    """Return what is left of an interval after taking holes out, in order."""
    left, (begin, end) = [], span
    for hole_begin, hole_end in sorted(holes):
        if hole_end <= begin or hole_begin >= end:
            continue
        if hole_begin > begin:
            left.append((begin, hole_begin))
        begin = max(begin, hole_end)
    return [*left, (begin, end)] if begin < end else left


def _hours(times: pd.Series, sites: pd.Series, zones: dict[str, ZoneInfo], day: date) -> list[float]:
    """Hours of the wall clock since the day's local midnight."""
    midnight = pd.Timestamp(day)
    local = [t.tz_convert(zones[s]).tz_localize(None) for t, s in zip(times, sites, strict=True)]
    return [(t - midnight).total_seconds() / 3600 for t in local]


def _bars(frame: pd.DataFrame, kind: list[str] | str, begin: list[float], end: list[float]) -> pd.DataFrame:
    return pd.DataFrame(
        {"scanner": frame["scanner_code"].astype(str).to_numpy(), "kind": kind, "begin": begin, "end": end}
    )


def _openings(frame: pd.DataFrame, zones: dict[str, ZoneInfo], day: date) -> pd.DataFrame:
    begin, end = (_hours(frame[c], frame["site_code"], zones, day) for c in ("begin_at", "end_at"))
    kinds = ["open" if k == "open" else "down" for k in frame["kind"]]
    said = [
        f"{k.replace('_', ' ')} {timelines.clock(b)} to {timelines.clock(e)}"
        for k, b, e in zip(frame["kind"], begin, end, strict=True)
    ]
    return _bars(frame, kinds, begin, end).assign(said=said)


def _bookings(frame: pd.DataFrame, zones: dict[str, ZoneInfo], day: date) -> pd.DataFrame:
    kept = frame[~frame["state"].isin(["cancelled", "rescheduled"])].dropna(
        subset=["appointment_at", "planned_duration_min"]
    )
    begin = _hours(kept["appointment_at"], kept["site_code"], zones, day)
    end = [b + m / 60 for b, m in zip(begin, kept["planned_duration_min"], strict=True)]
    said = [
        f"booked {timelines.clock(b)} for {words.amount(m, 'min')}" + (", did not come" if s == "no_show" else "")
        for b, m, s in zip(begin, kept["planned_duration_min"], kept["state"], strict=True)
    ]
    return _bars(kept, "booked", begin, end).assign(said=said)


def _visits(frame: pd.DataFrame, zones: dict[str, ZoneInfo], day: date) -> pd.DataFrame:
    done = frame.dropna(subset=["end_at"])
    begin, end = (_hours(done[c], done["site_code"], zones, day) for c in ("begin_at", "end_at"))
    said = [
        f"{g}, {timelines.clock(b)} to {timelines.clock(e)} ({words.amount((e - b) * 60, 'min')}), {p}"
        for g, b, e, p in zip(done["procedure_group"], begin, end, done["priority"], strict=True)
    ]
    exams = _bars(done, "exam", begin, end).assign(said=said)
    idle = (done["gap_kind"] == "idle").fillna(False).to_numpy(dtype=bool)
    before = done["gap_before_min"].to_numpy(dtype="float64", na_value=0.0) / 60
    gaps = exams[idle].assign(kind=IDLE, end=exams["begin"][idle], begin=exams["begin"][idle] - before[idle])
    return pd.concat([exams, gaps])
