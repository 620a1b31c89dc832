"""Charts along a clock: the scanner day, booked against actual, and forecasts with their intervals."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from app import words
from app.charts import Chart, Spec, extreme, height, millis, names_axis, tips
from app.theme import GREY

LANE_PX = 40
KINDS = ("exam", "idle gap", "booked", "", "down")  # order = palette: blue, orange, grey, (unused), violet


def scanner_day(bars: pd.DataFrame, scanners: Sequence[str], now_hour: float | None, what: str) -> Chart:
    """Draw a site-local day, one row a scanner: open hours behind, booked below, exams and gaps on top.

    `bars` has scanner, kind ("open", or one of KINDS), begin and end in hours since local midnight, and `said`.
    """
    shown = [k for k in KINDS if k and (bars["kind"] == k).any()]
    legend = {"orient": "top", "title": None, "values": shown, "symbolStrokeWidth": 0}
    colour = {"field": "kind", "type": "nominal", "scale": {"domain": list(KINDS)}, "legend": legend}
    place: Spec = {
        "x": _clock_axis(bars),
        "x2": {"field": "end"},
        "y": {
            "field": "scanner",
            "type": "nominal",
            "scale": {"domain": list(scanners)},
            "axis": names_axis(120),
        },
        "tooltip": tips(scanner="Scanner", said=" "),
    }

    def lane(kind: str, mark: Spec) -> Spec:
        return {
            "transform": [{"filter": f"datum.kind == '{kind}'"}],
            "mark": {"type": "bar", **mark},
            "encoding": place if kind == "open" else {**place, "color": colour},
        }

    layers = [
        lane("open", {"height": {"band": 0.92}, "color": GREY, "opacity": 0.13}),
        lane("booked", {"height": 5, "yOffset": 13, "opacity": 0.9, "stroke": "white", "strokeWidth": 0.4}),
        lane("idle gap", {"height": 5, "yOffset": -3}),
        lane("down", {"height": {"band": 0.8}, "opacity": 0.45}),
        lane("exam", {"height": 15, "yOffset": -3, "cornerRadius": 2, "stroke": "white", "strokeWidth": 0.4}),
    ]
    if now_hour is not None:
        layers.append(
            {
                "mark": {"type": "rule", "aria": False, "color": GREY, "strokeDash": [3, 3], "strokeWidth": 1.5},
                "encoding": {"x": {"datum": now_hour}, "tooltip": {"value": "data until here"}},
            }
        )
    spec = {"height": height(len(scanners), LANE_PX, legend=True, title=False), "layer": layers}
    return Chart(bars, spec, _day_words(bars, what))


def _clock_axis(bars: pd.DataFrame) -> Spec:
    """Return the axis of hours since midnight that spans the bars."""
    low = float(bars["begin"].min()) if len(bars) else 0.0
    high = float(bars["end"].max()) if len(bars) else 24.0
    label = "format(datum.value % 24, '02') + ':00'"
    return {
        "field": "begin",
        "type": "quantitative",
        "scale": {"domain": [int(low), min(int(high) + 1, 30)], "nice": False},
        "axis": {"title": None, "orient": "top", "tickMinStep": 1, "labelExpr": label},
    }


def _day_words(bars: pd.DataFrame, what: str) -> str:
    exams, gaps = bars[bars["kind"] == "exam"], bars[bars["kind"] == "idle gap"]
    if exams.empty:
        return f"{what}: no exam on this day."
    said = f"{what}. {words.plural(len(exams), 'visit')} on {words.plural(exams['scanner'].nunique(), 'scanner')}"
    if gaps.empty:
        return f"{said}, no idle gap."
    longest = extreme(gaps.assign(length=gaps["end"] - gaps["begin"]), "length")
    return (
        f"{said}, {words.plural(len(gaps), 'idle gap')}, "
        f"the longest {words.amount(float(longest['length']) * 60, 'min')} "
        f"on {longest['scanner']} from {clock(float(longest['begin']))}."
    )


def clock(hours: float) -> str:
    """Return hours since midnight as HH:MM."""
    minutes = round(hours * 60)
    return f"{minutes // 60 % 24:02d}:{minutes % 60:02d}"


def pairs(
    frame: pd.DataFrame,
    category: str,
    first: str,
    second: str,
    names: tuple[str, str],
    what: str,
    title: str = "share of operating time",
) -> Chart:
    """Draw two shares per category as two marks on one line: `first` a grey ring, `second` a blue dot."""
    shown = frame.dropna(subset=[first, second], how="all").sort_values(second, ascending=False)
    order = [str(c) for c in shown[category]]
    drawn = pd.DataFrame({"category": order, "low": shown[first].astype(float), "high": shown[second].astype(float)})
    drawn["first"], drawn["second"] = shown[first].astype(float), shown[second].astype(float)
    drawn["first_said"] = [words.amount(v, "share") for v in drawn["first"]]
    drawn["second_said"] = [words.amount(v, "share") for v in drawn["second"]]
    y: Spec = {
        "field": "category",
        "type": "nominal",
        "sort": order,
        "axis": names_axis(150),
    }
    axis = {"title": title, "titleAnchor": "end", "titleFontWeight": "normal", "format": "~%"}
    x: Spec = {"type": "quantitative", "axis": axis, "scale": {"zero": True}}
    tooltip = tips(category=" ", first_said=names[0], second_said=names[1])
    scale = {"domain": [names[1], "", names[0]]}
    legend = {"orient": "top", "title": None, "values": list(names)}

    def dots(column: str, name: str, mark: Spec) -> Spec:
        colour = {"datum": name, "type": "nominal", "scale": scale, "legend": legend}
        return {
            "mark": {"type": "point", "size": 110, "strokeWidth": 2, **mark},
            "encoding": {"y": y, "x": {**x, "field": column}, "color": colour, "tooltip": tooltip},
        }

    layers = [
        {
            "mark": {"type": "rule", "aria": False, "color": GREY, "strokeWidth": 1.5, "opacity": 0.6},
            "encoding": {"y": y, "x": {**x, "field": "low"}, "x2": {"field": "high"}},
        },
        dots("first", names[0], {"filled": False}),
        dots("second", names[1], {"filled": True, "opacity": 1}),
    ]
    return Chart(
        drawn,
        {"height": height(len(drawn), legend=True), "layer": layers},
        _pair_words(shown, category, first, second, names, what),
    )


def _pair_words(shown: pd.DataFrame, category: str, first: str, second: str, names: tuple[str, str], what: str) -> str:
    both = shown.dropna(subset=[first, second])
    if both.empty:
        return f"{what}: no values."
    widest = extreme(both.assign(difference=(both[first] - both[second]).abs()), "difference")
    return (
        f"{what}. Widest difference on {widest[category]}: {names[0]} {words.amount(float(widest[first]), 'share')}, "
        f"{names[1]} {words.amount(float(widest[second]), 'share')}."
    )


def band(past: pd.DataFrame, ahead: pd.DataFrame, unit: str, what: str) -> Chart:
    """Draw what happened (grey) and the forecast (blue) by local hour with its 80 % and 95 % intervals.

    `past` has at (naive local) and value; `ahead` at, value, low_80, high_80, low_95, high_95.
    """
    drawn = _banded(past, ahead, unit)
    x: Spec = {
        "field": "t",
        "type": "temporal",
        "scale": {"type": "utc"},
        "axis": {"title": None, "format": "%a %-d", "tickCount": {"interval": "day", "step": 1}, "labelOverlap": True},
    }
    _, title, number = words.axis(unit, 1.0)
    axis = {"title": None if unit == "share" else title, "titleAnchor": "end", "titleFontWeight": "normal"}
    smallest = 0.1 if unit == "share" else 1
    y: Spec = {"field": "value", "type": "quantitative", "axis": {**axis, "format": number, "tickMinStep": smallest}}
    legend = {"orient": "top", "title": None, "values": ["actual", "forecast"], "symbolOpacity": 1}
    scale = {"domain": ["forecast", "", "actual"]}
    colour = {"field": "series", "type": "nominal", "scale": scale, "legend": legend}
    step = {"interpolate": "step-after"}
    areas: list[Spec] = [
        {
            "transform": [{"filter": "datum.series == 'forecast'"}],
            "mark": {"type": "area", "opacity": opacity, **step},
            "encoding": {
                "x": x,
                "y": {**y, "field": f"low_{level}"},
                "y2": {"field": f"high_{level}"},
                "color": colour,
            },
        }
        for level, opacity in ((95, 0.16), (80, 0.28))
    ]
    line = {"mark": {"type": "line", "strokeWidth": 2, **step}, "encoding": {"x": x, "y": y, "color": colour}}
    tooltip = tips(hour="Hour", series="Series", said="Value", interval="80 % interval")
    points = {"mark": {"type": "point", "opacity": 0, "size": 80}, "encoding": {"x": x, "y": y, "tooltip": tooltip}}
    return Chart(drawn, {"height": 300, "layer": [*areas, line, points]}, _band_words(ahead, unit, what))


def _banded(past: pd.DataFrame, ahead: pd.DataFrame, unit: str) -> pd.DataFrame:
    """Return past and forecast as drawn rows with their words."""
    columns = ["at", "value", "low_80", "high_80", "low_95", "high_95"]
    parts = [stepped(past).assign(series="actual"), stepped(ahead[columns]).assign(series="forecast")]
    both = pd.concat(parts, ignore_index=True)
    drawn = both.drop(columns="at")
    drawn.insert(0, "t", millis(both["at"]))
    drawn["hour"] = [words.moment(at) for at in both["at"]]
    drawn["said"] = [words.amount(v, unit) for v in both["value"]]
    drawn["interval"] = [
        "" if words.missing(lo) else words.spread(lo, hi, unit)
        for lo, hi in zip(both["low_80"], both["high_80"], strict=True)
    ]
    return drawn


def stepped(frame: pd.DataFrame) -> pd.DataFrame:
    """Return hourly rows with each unbroken run closed at its last hour's end and followed by a gap.

    Otherwise a line would bridge closed hours and lose the width of the last open one.
    """
    hour = pd.Timedelta(hours=1)
    frame = frame.sort_values("at")
    ends = frame[frame["at"].shift(-1) != frame["at"] + hour]
    gaps = pd.DataFrame({"at": ends["at"] + hour + pd.Timedelta(seconds=1)})
    closed = ends.assign(at=ends["at"] + hour)
    return pd.concat([frame, closed, gaps]).sort_values("at", kind="stable")


def _band_words(ahead: pd.DataFrame, unit: str, what: str) -> str:
    if ahead.empty:
        return f"{what}: no forecast."
    top = extreme(ahead, "value")
    return (
        f"{what}. Highest {words.amount(float(top['value']), unit)} at {words.moment(top['at'])}, "
        f"80 % interval {words.amount(float(top['low_80']), unit)} to {words.amount(float(top['high_80']), unit)}."
    )
