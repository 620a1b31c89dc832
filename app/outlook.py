"""Overview's words: what changed today, and what the forecast expects next."""

from __future__ import annotations

from datetime import timedelta

import pandas as pd
import streamlit as st

from app import data, words
from app.compare import Compared, safely
from app.filters import View
from app.widgets import empty, table, tile_label

SENTENCES = 3
HOURS_AHEAD = 24
MOVED = frozenset({"worse", "better", "changed"})
RISKY = 0.5  # probability from which an exam is counted as likely late


def what_changed(who: data.Asker, view: View, names: tuple[str, ...]) -> list[str]:
    """Return at most three sentences on today and yesterday, the largest departures from usual first.

    Yesterday is told because a day that has just begun cannot differ from usual yet.
    """
    one = timedelta(days=1)
    days = (("", view), ("Yesterday, ", view.over(view.from_date - one, view.from_date)))
    facts = [(when, v, f) for when, v in days for f in (safely(who, v, name)[0] for name in names) if f is not None]
    moved = sorted((x for x in facts if x[2].state.word in MOVED), key=lambda x: _weight(x[2]), reverse=True)
    first = {x[2].result.meta.kpi_key: x for x in reversed(moved)}  # one sentence a KPI
    told = [x for x in moved if first[x[2].result.meta.kpi_key] is x]
    said = [_sentence(who, v, f, when) for when, v, f in told[:SENTENCES]]
    usual = [f.result.meta.label for when, _, f in facts if f.state.word == "about the same" and not when]
    if len(said) < SENTENCES and usual:
        said.append(f":gray[:material/drag_handle:] Within its usual range: {words.listing(usual, 6)}.")
    return said or ["Nothing has been recorded yet today, so there is nothing to compare."]


def _weight(facts: Compared) -> tuple[bool, float]:
    change = facts.difference or 0.0
    return facts.state.word == "worse", abs(change) / max(abs(facts.usual or 0.0), 1e-9)


def _sentence(who: data.Asker, view: View, facts: Compared, when: str) -> str:
    state, verb = facts.state, "was" if when else "is"
    label = tile_label(facts)
    head = f":{state.colour}[{state.icon} {state.word.capitalize()}:] {when}**{label}** {verb} "
    return f"{head}{words.amount(facts.value, facts.unit)}, {facts.against}{_driver(who, view, facts)}."


def _driver(who: data.Asker, view: View, facts: Compared) -> str:
    """Name the modality or scanner that stands out most from the same weekday a week before."""
    kpi = data.kpi(facts.result.meta.kpi_key)
    cut = next((d for d in ("modality", "scanner") if d in kpi.dimensions), None)
    if cut is None:
        return ""
    week = timedelta(days=7)
    now = data.ask(who, view.query(kpi.key, cut)).frame[[cut, kpi.headline]]
    back = view.over(view.from_date - week, view.to_date - week)
    before = data.ask(who, back.query(kpi.key, cut)).frame[[cut, kpi.headline]]
    both = now.merge(before, on=cut, suffixes=("", "_before")).dropna()
    if both.empty or facts.difference is None:
        return ""
    moved = (both[kpi.headline] - both[f"{kpi.headline}_before"]) * (1 if facts.difference >= 0 else -1)
    top = both.loc[moved.idxmax()]
    if moved.max() <= 0:
        return ""
    now_said, before_said = (words.amount(float(top[c]), facts.unit) for c in (kpi.headline, f"{kpi.headline}_before"))
    return f"; most of it in {top[cut]} ({now_said}, a week ago {before_said})"


def next_hours(who: data.Asker, view: View) -> None:
    """Show where the next hours will be fullest and which open exams will probably be late."""
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown(f"**Fullest scanners, next {HOURS_AHEAD} hours**")
        _fullest(who, view)
    with right:
        st.markdown("**Reports likely late**")
        _late(who, view)


def upcoming(who: data.Asker, view: View, target: str, hours: int) -> pd.DataFrame:
    """Return the forecast of the next hours with naive local time `at`."""
    frame = data.rows(who, "scanner_forecast", target, view.where)
    if frame.empty:
        return frame.assign(at=pd.Series(dtype="datetime64[us]"))
    now = pd.Timestamp(data.data_at(who))
    ahead = frame[(frame["hour_at"] >= now.floor("h")) & (frame["hour_at"] < now + pd.Timedelta(hours=hours))]
    return with_local_time(who, ahead)


def with_local_time(who: data.Asker, frame: pd.DataFrame, column: str = "hour_at") -> pd.DataFrame:
    """Return `frame` with `at`, the site-local wall clock of `column`."""
    zones = data.zones(who)
    local = [
        at.tz_convert(zones[site]).tz_localize(None)
        for at, site in zip(frame[column], frame["site_code"], strict=True)
    ]
    return frame.assign(at=pd.Series(local, index=frame.index, dtype="datetime64[us]"))


def _fullest(who: data.Asker, view: View) -> None:
    ahead = upcoming(who, view, "table_utilization", HOURS_AHEAD)
    if ahead.empty:
        empty("No forecast is published.", "Run `radpulse forecast`, then `radpulse publish`.")
        return
    fullest = ahead.sort_values("value", ascending=False).groupby("scanner_code", sort=False).head(1).head(6)
    shown = pd.DataFrame(
        {
            "Scanner": fullest["scanner_code"],
            "Fullest hour": [words.moment(at) for at in fullest["at"]],
            "Table utilization": [words.amount(v, "share") for v in fullest["value"]],
            "80 % interval": [
                f"{words.amount(lo, 'share')} to {words.amount(hi, 'share')}"
                for lo, hi in zip(fullest["low_80"], fullest["high_80"], strict=True)
            ],
        }
    )
    table(shown, {c: c for c in shown}, f"Fullest scanner hours: {shown.iloc[0]['Scanner']} first")
    st.caption(f"Issued {words.moment(fullest['issued_at'].iloc[0].tz_convert(data.main_zone(who, view.where)))}.")


def _late(who: data.Asker, view: View) -> None:
    risky = data.rows(who, "exams_at_risk", view.where, 500)
    if risky.empty:
        empty("No open exam has a report forecast.", "Exams appear here once they end without a report.")
        return
    likely = risky[risky["probability"] >= RISKY]
    st.markdown(
        f"{words.count(len(likely))} of {words.plural(len(risky), 'open exam')} will probably exceed the report target "
        f"(chance of {RISKY:.0%} or more)."
    )
    by = likely.groupby(["modality", "priority"]).size().reset_index(name="exams").sort_values("exams", ascending=False)
    if not by.empty:
        table(by.head(6), {"modality": "Modality", "priority": "Priority", "exams": "Likely late"}, "Exams likely late")
    st.page_link("pages/forecast.py", label="List them on Forecast", icon=":material/arrow_forward:")


def issued_words(who: data.Asker, view: View) -> str:
    """Say when the forecasts were issued."""
    frame = data.rows(who, "scanner_forecast", "table_utilization", ())
    if frame.empty:
        return "No forecast is published"
    at = frame["issued_at"].max().tz_convert(data.main_zone(who, view.where))
    return f"Issued {words.moment(at)}, for the next seven days"
