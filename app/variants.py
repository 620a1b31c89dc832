"""Variants of utilization side by side, and the way from one to another as a waterfall with its words and table."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from app import charts, data, words
from app.charts import Chart, Spec, height, names_axis, tips
from app.filters import View
from app.theme import GREY
from app.widgets import no_rows, section, table
from etl.errors import RefusedError
from etl.kpis.query import Query, Result
from etl.kpis.variant_way import way_name
from etl.kpis.waterfall import VARIANTS, amounts

LABELS = {v.id: f"{v.label} ({v.id})" for v in VARIANTS}
SIDES = {"numerator": "counted as used", "denominator": "divided by"}


def side_by_side(who: data.Asker, view: View) -> None:
    """Draw every variant over the same hours, with the minutes each is made of."""
    section(who, "One scanner time, many utilizations")
    found = amounts(data.variants(who, view.query("U04-24h")).iloc[0])
    rows = [
        {
            "Variant": LABELS[key],
            "Share": words.amount(float(amount.share), "share"),
            "Counted as used": _hours(float(amount.numerator)),
            "Divided by": _hours(float(amount.denominator)),
        }
        for key, amount in found.items()
        if amount is not None
    ]
    if not rows:
        no_rows(view)
        return
    table(pd.DataFrame(rows), alt=f"{len(rows)} variants of utilization over the same hours")
    missing = [LABELS[key] for key, amount in found.items() if amount is None]
    if missing:
        st.caption(f"Nothing to divide by here: {', '.join(missing)}.")


def _hours(minutes: float) -> str:
    return f"{minutes / 60:,.1f} h"


def why_they_differ(who: data.Asker, view: View) -> None:
    """Let the reader pick two variants and a scanner, and draw the way between them."""
    head = st.container()
    way, query = _asked(who, view)
    with head:
        section(who, "Why two of them differ", query)
    try:
        found = data.ask(who, query)
    except RefusedError as refused:
        st.info(f"{refused}. Choose another variant, scanner or period.", icon=":material/inbox:")
        return
    _said(found)
    frame = found.frame
    left, right = st.columns([3, 2], gap="large")
    with left:
        charts.show(drawn(frame, way))
    with right:
        table(_listed(frame), alt=f"The steps {way}, in hours and percentage points")
    if found.meta.not_applied:
        st.caption(f"~~{', '.join(found.meta.not_applied)}~~ not applied: a scanner's minutes have no such cut")
    st.caption(
        "Hours that have ended only. In percentage points a step in what is counted weighs by the mean of both "
        "reciprocal denominators, one in what it is divided by by the mean of both numerators: the steps add up "
        "exactly, in any order, and the way back is the same with the signs turned."
    )


def _variant(title: str, key: str, usual: str) -> str:
    """Let the reader pick a variant; the URL holds its id, which unlike a label never changes."""
    wished = st.query_params.get(key, "")
    wished = {label: id for id, label in LABELS.items()}.get(wished, wished)  # links kept from before held the label
    if key not in st.session_state:
        st.session_state[key] = wished if wished in LABELS else usual
    chosen = str(st.selectbox(title, list(LABELS), format_func=LABELS.__getitem__, key=key, width=270))
    st.query_params.pop(key, None)
    if chosen != usual:
        st.query_params[key] = chosen
    return chosen


def _asked(who: data.Asker, view: View) -> tuple[str, Query]:
    ids = list(LABELS)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        start, end = _variant("From", "way_from", ids[0]), _variant("To", "way_to", ids[3])
        scanners = ["all", *data.dimension_values(who, "scanner")]
        only = st.selectbox("Scanner", scanners, key="way_scanner", bind="query-params", width=150)
    where = {name: tuple(chosen) for name, chosen in view.where} | ({} if only == "all" else {"scanner": (only,)})
    query = Query(way_name(start, end), view.from_date, view.to_date, (), where)
    return f"from {LABELS[start]} to {LABELS[end]}", query


def _said(found: Result) -> None:
    """Say the way in one sentence: both ends, and the steps that matter most."""
    frame = found.frame
    first, last, steps = frame.iloc[0], frame.iloc[-1], frame.iloc[1:-1]
    most = steps.reindex(steps["share"].abs().sort_values(ascending=False).index).head(3)
    said = [f"{words.difference(float(s['share']), 'share')} {s['step']}" for _, s in most.iterrows()]
    change = float(last["share_after"]) - float(first["share_after"])
    text = (
        f"{first['step']} is {words.amount(float(first['share_after']), 'share')}, {str(last['step']).lower()} "
        f"{words.amount(float(last['share_after']), 'share')}: {words.difference(change, 'share')}"
    )
    st.markdown(f"{text}. Most of it: {'; '.join(said)}." if said else f"{text}: the same minutes.")


def _listed(frame: pd.DataFrame) -> pd.DataFrame:
    steps = frame.iloc[1:-1]
    return pd.DataFrame(
        {
            "Step": [f"{s} ({SIDES[side]})" for side, s in zip(steps["side"], steps["step"], strict=True)],
            "Hours": [f"{m / 60:+,.1f} h".replace("-", "\N{MINUS SIGN}") for m in steps["minutes"]],
            "Adds": [words.difference(float(s), "share") for s in steps["share"]],
        }
    )


def drawn(frame: pd.DataFrame, way: str) -> Chart:
    """Draw the way as horizontal bars, each beginning where the one before ended."""
    rows: list[Spec] = []
    before = 0.0
    for number, row in enumerate(frame.to_dict("records")):
        is_end = row["side"] in ("start", "end")
        begin, end = (0.0, float(row["share_after"])) if is_end else (before, float(row["share_after"]))
        before = float(row["share_after"])
        label = words.amount(end, "share") if is_end else words.difference(float(row["share"]), "share")
        kind = "variant" if is_end else SIDES[row["side"]]
        rows.append(
            {
                "place": number,
                "step": row["step"],
                "begin": begin,
                "end": end,
                "right": max(begin, end),
                "kind": kind,
                "label": label,
                "hours": _hours(float(row["minutes"])),
            }
        )
    shown = pd.DataFrame(rows)
    place: Spec = {"field": "place", "type": "ordinal", "axis": {**names_axis(260), "labelExpr": _names(shown)}}
    scale = {"domain": ["variant", *SIDES.values()]}
    room = {"domain": [min(0.0, float(shown["begin"].min())), 1.25 * float(shown["right"].max())]}  # for the words
    share = {"type": "quantitative", "axis": {"title": None, "format": "~%", "tickCount": 5}, "scale": room}
    bar = {
        "mark": {"type": "bar", "height": {"band": 0.62}, "cornerRadius": 2, "minBandSize": 2},
        "encoding": {
            "y": place,
            "x": {**share, "field": "begin"},
            "x2": {"field": "end"},
            "color": {"field": "kind", "type": "nominal", "scale": scale, "legend": charts.legend()},
            "tooltip": tips(step="Step", label="Adds", hours="Hours"),
        },
    }
    text = {
        "mark": {"type": "text", "aria": False, "align": "left", "dx": 4, "color": GREY},
        "encoding": {"y": place, "x": {**share, "field": "right"}, "text": {"field": "label"}},
    }
    spec: Spec = {"height": height(len(shown), 30) + charts.LEGEND_PX, "layer": [bar, text]}
    first, last = shown.iloc[0], shown.iloc[-1]
    steps = ", ".join(f"{r['step']} {r['label']}" for r in rows[1:-1])
    alt = f"Waterfall {way}. From {first['label']} to {last['label']}: {steps or 'no difference'}."
    return Chart(shown, spec, alt)


def _names(shown: pd.DataFrame) -> str:
    """Return the axis expression that says each place's step."""
    names = ", ".join("'" + str(step).replace("'", "\u2019") + "'" for step in shown["step"])
    return f"[{names}][datum.value]"
