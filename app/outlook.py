"""Overview's words: what changed today, and what the forecast expects next."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from app import data, reasons, words
from app.filters import View
from app.theme import BETTER, CHANGED, STEADY, WORSE
from app.widgets import empty, table

HOURS_AHEAD = 24
RISKY = 0.5  # probability from which an exam is counted as likely late


def what_changed(who: data.Asker, view: View) -> list[str]:
    """Return at most three sentences on the last whole day, judged by its natural process limits."""
    states = {"better": BETTER, "worse": WORSE}
    said = []
    for change in reasons.changed(who, view.where):
        state = states.get(change.direction, CHANGED) if change.is_signal else STEADY
        said.append(f":{state.colour}[{state.icon} {state.word.capitalize()}.] {change.text}")
    return said or ["Too few whole days are known to say what is usual. Four weeks are enough."]


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
        at.tz_convert(zones[site]).tz_localize(None) for at, site in zip(frame[column], frame["site_code"], strict=True)
    ]
    return frame.assign(at=pd.Series(local, index=frame.index, dtype="datetime64[us]"))


def fullest_scanners(who: data.Asker, view: View) -> None:
    """Show each scanner's fullest hour of the next day, the fullest first."""
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
                words.spread(lo, hi, "share") for lo, hi in zip(fullest["low_80"], fullest["high_80"], strict=True)
            ],
        }
    )
    table(shown, f"Fullest scanner hours: {shown.iloc[0]['Scanner']} first")
    issued = fullest["issued_at"].iloc[0].tz_convert(data.main_zone(who, view.where))
    st.caption(f"Each scanner's fullest hour in the next {HOURS_AHEAD} hours. Issued {words.moment(issued)}.")


def late_reports(who: data.Asker, view: View) -> None:
    """Say how many open exams will probably exceed their report target, and of which kind."""
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
        names = {"modality": "Modality", "priority": "Priority", "exams": "Likely late"}
        table(by.head(6), "Exams likely late", names)
    st.page_link("pages/forecast.py", label="List them on Forecast", icon=":material/arrow_forward:")


def issued_words(who: data.Asker, view: View) -> str:
    """Say when the forecasts were issued."""
    frame = data.rows(who, "scanner_forecast", "table_utilization", ())
    if frame.empty:
        return "No forecast is published"
    at = frame["issued_at"].max().tz_convert(data.main_zone(who, view.where))
    return f"Issued {words.moment(at)}, for the next seven days"
