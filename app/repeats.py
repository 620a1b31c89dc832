"""The pictures of priors and repeats: how often each region is imaged again, why, and how orders are rated."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from app import charts, data, words
from app.charts import Chart, Spec, tips
from app.filters import View
from app.widgets import no_rows

WINDOWS = {"P02-7": "within 7 days", "P02-30": "within 30 days", "P02-90": "within 90 days"}
RATINGS = {"share": "Appropriate", "may_be": "May be", "rarely": "Rarely", "none": "No criteria"}
REASONS = {
    "REPEAT-FOLLOWUP": "Follow-up", "REPEAT-CHANGE": "Change of state", "REPEAT-TREATMENT": "Treatment",
    "REPEAT-QUALITY": "Image quality", "REPEAT-INCOMPLETE": "Incomplete", "REPEAT-DUPLICATE": "Ordered twice",
    "REPEAT-NOPRIOR": "Prior not there", "REPEAT-NOREPORT": "Report not there", "unknown": "No reason given",
}  # fmt: skip


def region_words(code: str) -> str:
    """Return the regions of a procedure group as a reader says them."""
    named = [one.replace("_", " ") for one in str(code).split()]
    return words.listing(named).capitalize()


def by_region(who: data.Asker, view: View) -> None:
    """Draw, for each body region, the share of exams that repeat one within each window."""
    parts = []
    for kpi, label in WINDOWS.items():
        frame = data.ask(who, view.query(kpi, "body_region")).frame
        parts.append(frame.assign(window=label)[["body_region", "window", "share", "n"]])
    found = pd.concat(parts).dropna(subset=["share"])
    found = found[found["body_region"] != "unknown"]
    if found.empty:
        no_rows(view, pd.concat(parts))
        return
    order = found.groupby("body_region")["share"].max().sort_values(ascending=False).index
    named = [region_words(one) for one in order]
    drawn = pd.DataFrame({"region": found["body_region"].map(region_words), "share": found["share"].round(4)})
    drawn["window"], drawn["said"] = found["window"], [words.amount(v, "share") for v in found["share"]]
    drawn["n"] = [words.count(n) for n in found["n"]]
    top = charts.extreme(found, "share")
    alt = (
        f"Repeat imaging by body region. Most often {region_words(top['body_region']).lower()}, "
        f"{words.amount(top['share'], 'share')} {top['window']}; {len(order)} regions."
    )
    charts.show(Chart(drawn, _dots(named), alt))
    st.caption("A repeat is not a redundant exam: most are follow-up. Only a reason code can say more.")


def _dots(order: list[str]) -> Spec:
    row = {"field": "region", "type": "nominal", "sort": order, "axis": charts.names_axis(170)}
    share = {"field": "share", "type": "quantitative", "axis": {"title": None, "format": "~%"}, "scale": {"zero": True}}
    colour = {"field": "window", "type": "nominal", "scale": {"domain": list(WINDOWS.values())}}
    line = {
        "mark": {"type": "line", "strokeWidth": 1.5, "opacity": 0.35, "aria": False},
        "encoding": {"y": row, "x": share, "detail": {"field": "region"}, "color": {"value": "#8B949E"}},
    }
    dots = {
        "mark": {"type": "point", "filled": True, "size": 90, "opacity": 1},
        "encoding": {
            "y": row, "x": share, "color": {**colour, "legend": charts.legend()},
            "tooltip": tips(region="Region", window="Repeated", said="Share", n="n"),
        },
    }  # fmt: skip
    return {"height": charts.height(len(order), legend=True), "layer": [line, dots]}


def reasons(who: data.Asker, view: View) -> None:
    """Draw how many repeats within 90 days gave which reason."""
    frame = data.ask(who, view.query("P02-redundant", "reason")).frame
    counted = frame.assign(repeats=frame["n"].fillna(0) + frame["missing"].fillna(0))
    counted = counted[counted["repeats"] > 0]
    if counted.empty:
        no_rows(view, frame)
        return
    named = counted.assign(reason=[REASONS.get(str(r), str(r)) for r in counted["reason"]])
    charts.show(charts.ranked(named, "reason", "repeats", "exams", what="Repeats within 90 days by the order's reason"))
    silent = counted[counted["reason"] == "unknown"]["repeats"].sum() / counted["repeats"].sum()
    st.caption(f"{words.amount(float(silent), 'share')} of repeats give no reason: of those nobody can say more.")


def ratings(who: data.Asker, view: View) -> None:
    """Draw the mix of ratings by modality, each bar the whole of its rated orders."""
    result = data.ask(who, view.query("P03", "procedure_group"))
    frame = result.frame.dropna(subset=["share"])
    if frame.empty:
        st.caption(f"{result.meta.absent.capitalize()}." if result.meta.absent else "Too few rated orders to show.")
        return
    frame = frame.sort_values("rarely", ascending=False).head(12)
    long = frame[["procedure_group", "n", *RATINGS]].melt(["procedure_group", "n"], var_name="rating")
    drawn = pd.DataFrame({"group": long["procedure_group"], "share": long["value"].round(4)})
    drawn["rating"], drawn["place"] = long["rating"].map(RATINGS), long["rating"].map(list(RATINGS).index)
    drawn["said"], drawn["n"] = [words.amount(v, "share") for v in long["value"]], [words.count(n) for n in long["n"]]
    worst = frame.iloc[0]
    alt = (
        f"Ratings of orders by procedure group. Rarely appropriate most often {worst['procedure_group']}, "
        f"{words.amount(float(worst['rarely']), 'share')} of {words.count(worst['n'])}."
    )
    charts.show(Chart(drawn, _bars(list(frame["procedure_group"])), alt))


def _bars(order: list[str]) -> Spec:
    colour = {"field": "rating", "type": "nominal", "scale": {"domain": list(RATINGS.values())}}
    share = {"field": "share", "type": "quantitative", "stack": "zero", "axis": {"title": None, "format": "~%"},
             "scale": {"domain": [0, 1]}}  # fmt: skip
    return {
        "height": charts.height(len(order), legend=True),
        "mark": {"type": "bar", "height": {"band": 0.62}},
        "encoding": {
            "y": {"field": "group", "type": "nominal", "sort": order, "axis": charts.names_axis(190)},
            "x": share, "color": {**colour, "legend": charts.legend()}, "order": {"field": "place"},
            "tooltip": tips(group=" ", rating="Rating", said="Share", n="Rated orders"),
        },
    }  # fmt: skip
