"""Views of AI oversight: the two by two table in words, the drift of what is flagged, and the waits of who is not."""

from __future__ import annotations

from datetime import date

import pandas as pd
import streamlit as st

from app import charts, data, words
from app.fact_filters import Where
from app.filters import View
from app.uncertainty import control, intervals
from app.widgets import empty, no_rows, table
from etl.kpis.triage import Effect, triage_effects

HOURS = {"work": "work hours", "off": "off hours"}
EFFECT_WORDS = {
    "flagged_vs_unflagged": "Flagged against not flagged",
    "flagged_vs_before": "Flagged against before",
    "unflagged_vs_before": "Not flagged against before",
}
MODEL = """
Minutes of wait (images available to opened) are regressed, apart for work and off hours, on algorithm, priority and
patient class together, the hour of day, the length of the section's unread queue when the images came (and its
square), and on the groups. With exams before the algorithm and a site without it, each difference is a difference in
differences: what happened beyond what happened to the control. Intervals: 400 draws of whole days. Unread exams are
left out. Control exams may share the readers, so a delay of theirs makes the benefit look larger.
"""


def two_by_two(who: data.Asker, view: View) -> None:
    """Draw AI against report as a table of counts, and say what the corners mean."""
    row = data.ask(who, view.query("A02")).frame.iloc[0]
    if words.missing(row["share"]):
        empty("No judged AI result in this period and filter.", "Verdicts come with the list of AI verdicts.")
        return
    many = {name: round(row[name] * row["n"]) for name in ("both_positive", "ai_only", "report_only", "both_negative")}
    shown = pd.DataFrame(
        {
            "": ["AI flagged it", "AI did not"],
            "Report has the finding": [words.count(many["both_positive"]), words.count(many["report_only"])],
            "Report has not": [words.count(many["ai_only"]), words.count(many["both_negative"])],
        }
    )
    table(shown, alt="AI results against reports, counts of exams")
    st.caption(
        f"Of {words.count(row['n'])} judged results {words.amount(row['share'], 'share')} agree. "
        f"{words.count(many['ai_only'])} were flagged and not reported, "
        f"{words.count(many['report_only'])} reported and not flagged; {words.count(row['open'])} are not judged yet."
    )


def drift(who: data.Asker, view: View) -> None:
    """Draw the share of right flags by week for each algorithm's choice, against its own usual."""
    named = data.dimension_values(who, "algorithm")
    chosen = st.segmented_control("Algorithm", named, default=named[0], key="drift_of") if named else None
    if chosen is None:
        empty("No algorithm to show.", "Choose one above.")
        return
    long = view.over(data.first_day(who), view.to_date).narrowed("algorithm", chosen)
    weekly = data.ask(who, long.query("A02-ppv", "week")).frame
    if weekly["share"].notna().sum() < 2:
        no_rows(view, weekly)
        return
    charts.show(control(weekly, "week", "share", "share", what=f"Share of {chosen} flags that are right by week"))
    st.caption("All weeks. Dashed: natural limits of this algorithm itself; a diamond is more than chance.")


@st.cache_data(max_entries=50, show_spinner="Drawing the intervals of the waits ...")
def _effects(scope: str, role: str, data_version: str, to_date: date, where: Where) -> list[Effect]:
    who = data.Asker(data.principal_of(scope, role), data_version)
    return triage_effects(data.rows(who, "ai_waits", to_date, where))


def waits_of_flagged(who: data.Asker, view: View) -> None:
    """Draw the queue-adjusted differences of waits in work and off hours with their intervals."""
    where = tuple((name, values) for name, values in view.where if name in ("modality", "priority", "patient_class"))
    effects = _effects(*who.key, view.to_date, where)
    rows = [
        {
            "what": f"{EFFECT_WORDS[e.name]}, {HOURS[e.hours]}", "minutes": e.minutes, "low": e.low, "high": e.high,
            "n": e.n,
        }
        for e in effects
    ]  # fmt: skip
    known = pd.DataFrame(rows).dropna(subset=["minutes"])
    if known.empty:
        empty("Too few flagged exams with a known wait.", "The regression needs 10 of each group.")
        return
    order = list(known["what"])
    charts.show(
        intervals(known, "what", "minutes", "min", what="Difference of waits in minutes", order=order, signed=True)
    )
    st.markdown("  \n".join(_said(e) for e in effects if e.is_clear) or "No difference is beyond chance.")
    control_words = "with" if any(e.has_control for e in effects) else "without"
    st.caption(
        f"All dates up to the period's end, all sites, {control_words} a control group. Left of the line: sooner."
    )
    with st.expander("The model"):
        st.markdown(MODEL)


def _said(effect: Effect) -> str:
    sooner = "sooner" if effect.minutes < 0 else "later"
    subject, against = EFFECT_WORDS[effect.name].split(" against ")
    between = (
        words.spread(abs(effect.high), abs(effect.low), "min")
        if effect.minutes < 0
        else words.spread(effect.low, effect.high, "min")
    )
    return (
        f"**{subject} exams in {HOURS[effect.hours]}** are on average read "
        f"{words.amount(abs(effect.minutes), 'min')} {sooner} than {against} ({between})."
    )


def who_is_delayed(who: data.Asker, view: View, dimension: str) -> None:
    """Draw how much longer exams the AI did not flag wait than like ones before, by one dimension."""
    found = data.ask(who, view.query("A04", dimension)).frame
    found = found[found["p50"].notna()].sort_values("p50", ascending=False)
    if found.empty:
        no_rows(view, found)
        return
    shown = pd.DataFrame(
        {
            dimension.replace("_", " ").capitalize(): found[dimension],
            "Typical change (median)": [words.difference(v, "min") for v in found["p50"]],
            "Off hours": [_change(v) for v in found["off_p50"]],
            "One in ten by more than": [_change(v) for v in found["p90"]],
            "n": [words.count(v) for v in found["n"]],
        }
    )
    table(shown, alt=f"Change of wait of exams not flagged, by {dimension}")
    st.caption("Against like exams before the algorithm: same section, priority, class, hours and queue (A04).")


def _change(minutes: float) -> str:
    return "no value" if words.missing(minutes) else words.difference(minutes, "min")
