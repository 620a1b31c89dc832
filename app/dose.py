"""Dose's pictures: groups beside their reference, a protocol's days, and the two lists that show rows."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from app import charts, data, matrix, words
from app.charts import Chart, Spec, height, names_axis, tips
from app.filters import View
from app.note_layers import show_days
from app.theme import GREY
from app.widgets import empty, no_rows, table
from etl.access import ROW_ROLES
from etl.kpis.dose_levels import CUMULATIVE_CAVEAT, GROUP_CAVEAT
from etl.kpis.small_numbers import SMALLEST_CELL

UNITS = {
    "CTDIvol": "mGy", "DLP": "mGy.cm", "SSDE": "mGy", "DAP": "Gy.cm2", "dose RP": "mGy", "fluoro time": "min",
    "AGD": "mGy", "activity": "MBq",
}  # fmt: skip
LEAST_FOR_REFERENCE = 20  # fewer patients than that say little about a site's median
LEAST_A_DAY = 3
LATE_DAYS = 7
MOST_ROWS = 100
KEYS = ("modality", "protocol_name", "quantity")
MARKS = ("median", "reference", "achievable")


def groups(who: data.Asker, view: View) -> None:
    """Draw each procedure group's quartiles and median with the marks of its loaded reference."""
    quantity = str(st.segmented_control("Quantity", list(UNITS), default="CTDIvol", key="dose_quantity") or "CTDIvol")
    found = data.rows(who, "dose_groups", view.from_date, view.to_date, quantity, view.where)
    shown = found[found["n"] >= SMALLEST_CELL]
    if shown.empty:
        no_rows(view, found)
        return
    phantoms = shown.groupby("procedure_group", dropna=False)["phantom"].transform("nunique")
    with_reference = bool(shown["reference"].notna().any())
    rows = zip(shown.to_dict("records"), phantoms, strict=True)
    shown = shown.assign(group=[_group_name(row, several > 1, with_reference) for row, several in rows])
    st.markdown(_answer(shown, quantity))
    charts.show(reference_chart(shown, UNITS[quantity], f"{quantity} by procedure group"))
    st.caption(_group_words(found, shown, quantity))


def _group_name(row: Mapping[Hashable, Any], with_phantom: bool, with_reference: bool) -> str:
    """Name a group by what tells it from the others: its bands, its phantom, that no reference holds for it."""
    known = {name: "" if pd.isna(row[name]) else str(row[name]) for name in ("phantom", "reference_band")}
    group = "no group" if pd.isna(row["procedure_group"]) else str(row["procedure_group"])
    phantom = f"{known['phantom']} phantom" if with_phantom and known["phantom"] else ""
    alone = "no reference" if with_reference and pd.isna(row["reference"]) else ""
    return ", ".join(filter(None, (group, known["reference_band"], phantom, alone)))


def _answer(shown: pd.DataFrame, quantity: str) -> str:
    """Say first which groups lie above their reference, the farthest first, and else which comes nearest."""
    compared = shown.dropna(subset=["reference"])
    if compared.empty:
        return (
            f"No reference for {quantity} is loaded, so nothing can be said of it; `radpulse drl load FILE` loads one."
        )
    compared = compared.assign(ratio=compared["p50"] / compared["reference"]).sort_values("ratio", ascending=False)
    named = [f"{row['group']} ({100 * row['ratio']:.0f} %)" for row in compared.to_dict("records")]
    above = int((compared["ratio"] > 1).sum())
    if not above:
        groups = words.plural(len(compared), "group")
        return f"**No group of {groups} has a median {quantity} above its reference.** Nearest to it: {named[0]}."
    verb, farthest = "group has" if above == 1 else "groups have", words.listing(named[:above], 5)
    return f"**{above} of {len(compared)} {verb} a median {quantity} above the reference:** {farthest}."


def _group_words(found: pd.DataFrame, shown: pd.DataFrame, quantity: str) -> str:
    compared = shown[shown["reference"].notna()]
    said = [f"Bar: middle half of the exams; n = {words.count(float(shown['n'].sum()))}."]
    if not compared.empty:
        said.append(f"Source: {words.listing(sorted(set(compared['source'].astype(str))))}.")
        few = compared[compared["n"] < LEAST_FOR_REFERENCE]
        said += [f"{len(few)} of them rest on fewer than {LEAST_FOR_REFERENCE} exams."] * bool(len(few))
    hidden = len(found) - len(shown)
    said += [f"{words.plural(hidden, 'group')} with fewer than {SMALLEST_CELL} exams left out."] * bool(hidden)
    return " ".join([*said, GROUP_CAVEAT])


def reference_chart(frame: pd.DataFrame, unit: str, what: str) -> Chart:
    """Draw a bar from lower to upper quartile, a dot at the median, ticks at reference and achievable value."""
    order = [str(g) for g in frame.sort_values("p50", ascending=False)["group"]]
    drawn = frame[["group", "p25", "p50", "p75", "reference", "achievable"]].astype({"group": str})
    for name in ("p50", "reference", "achievable"):
        drawn[f"{name}_said"] = [words.amount(v, unit) for v in frame[name]]
    drawn["n"] = [words.count(float(n)) for n in frame["n"]]
    tooltip = tips(group=" ", p50_said="Median", reference_said="Reference", achievable_said="Achievable", n="n")
    y: Spec = {"field": "group", "type": "nominal", "sort": order, "axis": names_axis(280)}
    axis = {"title": unit, "titleAnchor": "end", "titleFontWeight": "normal", "tickCount": 6, "format": "~g"}
    x: Spec = {"type": "quantitative", "scale": {"type": "log", "nice": False, "padding": 14}, "axis": axis}
    bar = {
        "mark": {"type": "bar", "aria": False, "color": GREY, "opacity": 0.35, "height": {"band": 0.45}},
        "encoding": {"y": y, "x": {**x, "field": "p25"}, "x2": {"field": "p75"}, "tooltip": tooltip},
    }
    marks: tuple[tuple[str, Spec], ...] = (
        ("p50", {"type": "point", "filled": True, "size": 90, "opacity": 1}),
        ("reference", {"type": "tick", "thickness": 3, "height": {"band": 0.75}}),
        ("achievable", {"type": "tick", "thickness": 2, "height": {"band": 0.45}}),
    )
    scale = {"domain": list(MARKS)}
    legend = {"orient": "top", "title": None, "labelLimit": 220, "symbolType": "square"}
    layers: list[Spec] = [
        {
            "mark": mark,
            "transform": [{"filter": f"isValid(datum.{field})"}],
            "encoding": {
                "y": y, "x": {**x, "field": field}, "tooltip": tooltip,
                "color": {"datum": name, "type": "nominal", "scale": scale, "legend": legend},
            },
        }
        for name, (field, mark) in zip(MARKS, marks, strict=True)
    ]  # fmt: skip
    spec = {"height": height(len(drawn), 28, legend=True), "layer": [bar, *layers[::-1]]}
    return Chart(drawn, spec, reference_words(frame, unit, what))


def reference_words(frame: pd.DataFrame, unit: str, what: str) -> str:
    """Say which group lies highest against its reference."""
    compared = frame.dropna(subset=["reference"])
    if compared.empty:
        return f"{what}: {words.plural(len(frame), 'group')}, none with a loaded reference."
    top = charts.extreme(compared.assign(ratio=compared["p50"] / compared["reference"]), "ratio")
    return (
        f"{what}: {words.plural(len(frame), 'group')}. Highest against its reference: {top['group']}, median "
        f"{words.amount(float(top['p50']), unit)}, reference {words.amount(float(top['reference']), unit)}."
    )


def protocol_days(who: data.Asker, view: View) -> None:
    """Draw the daily medians of one protocol by scanner; the one that moved most comes first."""
    middle = view.to_date - timedelta(days=min(LATE_DAYS, max(view.days // 2, 1)))
    moved = data.rows(who, "dose_shifts", view.from_date, middle, view.to_date, view.where)
    moved = moved[(moved["n_late"] >= SMALLEST_CELL) & (moved["n_early"] >= SMALLEST_CELL) & (moved["early"] > 0)]
    if moved.empty:
        empty("No protocol has enough exams to compare its days.", "Choose a longer period.")
        return
    moved = moved.assign(change=moved["late"] / moved["early"] - 1, clear=_clearness(moved))
    moved = moved.sort_values("clear", ascending=False, kind="stable")
    names = [f"{m}: {p} ({q})" for m, p, q in zip(*(moved[c] for c in KEYS), strict=True)]
    chosen = st.selectbox("Protocol, the clearest change first", list(dict.fromkeys(names)), key="dose_protocol")
    _days_of(who, view, moved.iloc[names.index(str(chosen))])


def _clearness(moved: pd.DataFrame) -> pd.Series:
    """Return how many standard errors the logarithms of a median moved; the spread is that of the days before."""
    late, early, low, high = (np.log(moved[n].to_numpy("float64")) for n in ("late", "early", "early_p25", "early_p75"))
    error = np.sqrt(1 / moved["n_late"].to_numpy("float64") + 1 / moved["n_early"].to_numpy("float64"))
    return pd.Series(np.abs(late - early) / np.maximum((high - low) / 1.349, 0.02) / error, index=moved.index)


def _days_of(who: data.Asker, view: View, moved: Any) -> None:
    """Draw the days of the protocol and scanner that `moved` describes."""
    protocol, quantity = str(moved["protocol_name"]), str(moved["quantity"])
    days = data.rows(who, "dose_days", view.from_date, view.to_date, protocol, quantity, view.where)
    days = days[days["n"] >= LEAST_A_DAY]
    if days.empty:
        empty(f"No day has {LEAST_A_DAY} exams of this protocol on one scanner.", "Choose another protocol.")
        return
    wide = days.pivot_table(index="local_date", columns="scanner_code", values="p50").reset_index()
    series, unit = {str(code): str(code) for code in wide.columns[1:]}, UNITS[quantity]
    limit = view.today if view.incomplete else None
    what = f"Median {quantity} of {protocol} by day"
    show_days(charts.trend(wide, "local_date", series, unit, what=what, incomplete_from=limit), view)
    late, early = (words.amount(float(moved[name]), unit) for name in ("late", "early"))
    st.caption(
        f"{moved['scanner_code']}: median {late} in the last {LATE_DAYS} days, {early} before "
        f"({100 * float(moved['change']):+.0f} %). Days with fewer than {LEAST_A_DAY} exams on a scanner are left out."
    )


def outliers(who: data.Asker, view: View) -> None:
    """List exams far from what their protocol usually gives, for roles that may see rows."""
    st.caption(
        "Robust z of the logarithm beyond 3.5, against all exams of the same protocol and phantom at the site; "
        "protocols with fewer than 20 values judge nobody. Unusual is not wrong: think of size, repeats, protocol."
    )
    if who.principal.role not in ROW_ROLES:
        empty("Single exams are for managers and analysts.", "Ask one of them for the list.")
        return
    found = data.rows(who, "dose_outliers", view.from_date, view.to_date, view.where, MOST_ROWS)
    if found.empty:
        empty("No exam lies that far from its protocol.", "Choose a longer period to look further back.")
        return
    shown = pd.DataFrame(
        {
            "Exam": found["accession_token"].str[:10],
            "Scanner": found["scanner_code"],
            "Protocol": found["protocol_name"],
            "Quantity": found["quantity"],
            "Value": _amounts(found, "value"),
            "Usual": _amounts(found, "median_value"),
            "Times usual": [f"{v / m:.1f}" for v, m in zip(found["value"], found["median_value"], strict=True)],
            "Robust z": [f"{z:+.1f}" for z in found["z"]],
        }
    )
    table(shown, alt="Exams with an unusual dose for their protocol, farthest first")


def cumulative(who: data.Asker, view: View) -> None:
    """List patients above the site's level for the rolling sum, always with the caveat."""
    st.info(CUMULATIVE_CAVEAT, icon=":material/info:")
    if who.principal.role not in ROW_ROLES:
        empty("Single patients are for managers and analysts, as pseudonyms.", "Ask one of them for the list.")
        return
    absent = data.ask(who, view.query("D05")).meta.absent
    if absent:
        empty(f"No list: {absent}.", 'Set [[dose.levels]] with purpose = "cumulative" in radpulse.toml.')
        return
    found = data.rows(who, "dose_patients", view.to_date, view.where, MOST_ROWS)
    if found.empty:
        empty("No patient's sum lies above the site's level.", "The level is the site's own, see the settings.")
        return
    shown = pd.DataFrame(
        {
            "Patient (pseudonym)": [f"{int(key) & (2**64 - 1):016x}" for key in found["patient_key"]],
            "Site": found["site_code"],
            "Quantity": found["quantity"],
            "Sum": _amounts(found, "rolling_value"),
            "Level": _amounts(found, "level_value"),
            "Exams in the sum": found["rolling_exams"],
            "Over": [f"{(b - a).days} days to {words.day(b)} {b.year}" for a, b in _windows(found)],
        }
    )
    table(shown, alt="Patients whose rolling sum lies above the site's level, highest first")


def _windows(found: pd.DataFrame) -> list[tuple[date, date]]:
    begins, ends = (pd.to_datetime(found[name]).dt.date for name in ("window_from", "local_date"))
    return list(zip(begins, ends, strict=True))


def _amounts(found: pd.DataFrame, column: str) -> list[str]:
    return [words.amount(float(v), UNITS[q]) for v, q in zip(found[column], found["quantity"], strict=True)]


def scanner_shift(who: data.Asker, view: View) -> None:
    """Draw median dose relative to its reference by scanner and shift."""
    frame = data.ask(who, view.query("D02", "scanner", "shift")).frame
    if frame.empty or frame["p50"].notna().sum() == 0:
        no_rows(view, frame)
        return
    shifts = [s for s in ("day", "evening", "night", "weekend") if s in set(frame["shift"])]
    scanners = sorted(frame["scanner"].unique())
    what = "Median dose relative to the reference"
    charts.show(
        matrix.heat(frame, "shift", "scanner", "p50", "of reference", what=what, x_order=shifts, y_order=scanners)
    )
    st.caption(
        "Each exam is measured against its own group's reference, so that a different mix of exams changes little."
    )


def plans(who: data.Asker, view: View) -> None:
    """Draw relative dose of exams within and over their planned length, by scanner."""
    found = data.rows(who, "dose_plans", view.from_date, view.to_date, view.where)
    found = found[found["n"] >= SMALLEST_CELL]
    if found.empty:
        no_rows(view, found)
        return
    what = "Median dose relative to the reference"
    order = [p for p in ("within plan", "over plan") if p in set(found["plan"])]
    scanners = sorted(found["scanner_code"].unique())
    charts.show(
        matrix.heat(found, "plan", "scanner_code", "p50", "of reference", what=what, x_order=order, y_order=scanners)
    )
    st.caption("Over plan: a quarter longer than booked, or more. Exams without a booked length are left out.")


def coverage_days(who: data.Asker, view: View) -> None:
    """Draw the share of exams with a dose report by scanner and day."""
    frame = data.ask(who, view.query("D06", "day", "scanner")).frame
    if frame.empty or frame["share"].notna().sum() == 0:
        no_rows(view, frame)
        return
    frame = frame.assign(date=pd.to_datetime(frame["day"]).dt.date)
    days = [view.from_date + timedelta(days=n) for n in range(view.days)]
    labels = {day: f"{day:%d %b}" for day in days}
    scanners = sorted(frame["scanner"].unique())
    charts.show(
        matrix.heat(
            frame, "date", "scanner", "share", "share", what="Exams with a dose report", x_order=days,
            y_order=scanners, x_labels=labels,
        )
    )  # fmt: skip
    st.caption("Dark: every exam has its report. Pale: reports are missing. Blank: fewer than 5 exams that day.")
