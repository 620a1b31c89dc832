"""The archive's pictures: what came in by modality with its slope, when it is full, and how fast it comes by hour."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pandas as pd
import streamlit as st

from app import charts, data, words
from app.charts import Chart, Spec, millis, tips
from app.filters import View
from app.widgets import no_rows
from etl.errors import RefusedError

TB = 1e12
CELL_PX = 260
UNMATCHED_ROWS = 100
SIDES = {"images": "Images without exam", "exam": "Exam without images"}


def full_words(who: data.Asker, view: View) -> None:
    """Say of every volume when it will be full, by what it holds and by what comes in."""
    frame = data.rows(who, "storage_volumes", view.where)
    whole = frame[frame["modality"].isna()] if len(frame) else frame
    listed = whole[whole["origin"] == "list"] if len(whole) else whole
    if listed.empty:
        st.info("No storage list is fed, so nobody can say when the archive is full.", icon=":material/inbox:")
        return
    coming = whole[whole["origin"] != "list"].set_index("site_code")
    for volume in listed.to_dict("records"):
        st.markdown(f"- {_full(volume)}{_second(coming, volume['site_code'])}")
    st.caption(
        "At the robust pace of the last 30 days (the middle of all day-to-day slopes, which one migration does not "
        "move); the range is what the fastest and the slowest seven days among them would give."
    )


def _full(volume: dict[Any, Any]) -> str:
    name = f"**{volume['site_code']}, {volume['volume'] or 'archive'}**"
    holds = f"holds {volume['held_bytes'] / TB:,.1f} of {volume['capacity_bytes'] / TB:,.1f} TB"
    days = volume["days_to_full"]
    if words.missing(days):
        why = "is not filling" if not words.missing(volume["bytes_per_day"]) else "has too few days to judge by"
        return f"{name} {holds} and {why}."
    until = volume["local_date"] + timedelta(days=round(days))
    low, high = volume["days_to_full_low"], volume["days_to_full_high"]
    between = (
        "" if words.missing(low) else f", between {low:,.0f} and {'never' if words.missing(high) else f'{high:,.0f}'}"
    )
    return (
        f"{name} is full in about **{days:,.0f} days{between}** ({until:%-d %b %Y}): it {holds} and grows by "
        f"{volume['bytes_per_day'] / 1e9:,.0f} GB a day."
    )


def _second(coming: pd.DataFrame, site: str) -> str:
    """Say the same of what was seen to come in, which a list that is wrong does not move."""
    if site not in coming.index or words.missing(coming["bytes_per_day"][site]):
        return ""
    pace, days = float(coming["bytes_per_day"][site]), float(coming["days_to_full"][site])
    said = "" if words.missing(days) else f": {days:,.0f} days"
    return f" By the images that came in it grows by {pace / 1e9:,.0f} GB a day{said}."


def by_modality(who: data.Asker, view: View) -> None:
    """Draw a small chart a modality: gigabytes a day with the slope of the last 30 days as a line."""
    frame = data.ask(who, view.query("I01", "day", "modality")).frame.dropna(subset=["sum"])
    if frame.empty:
        no_rows(view)
        return
    volumes = data.rows(who, "storage_volumes", view.where)
    slopes = volumes[(volumes["origin"] != "list") & volumes["modality"].notna()]
    pace = slopes.groupby("modality")["bytes_per_day"].sum(min_count=1) / 1e9
    order = frame.groupby("modality")["sum"].sum().sort_values(ascending=False).index
    last = view.today if view.incomplete else None
    grid = st.grid(3, min_column_width=CELL_PX, gap="small")
    for modality in order:
        with grid.cell():
            mine = frame[frame["modality"] == modality]
            st.markdown(f"**{modality}**")
            charts.show(_bars(mine, modality, pace.get(modality), last), key=f"growth_{modality}")
    st.caption("Bars: gigabytes a day. Line: robust growth a day over the last 30 days. A pale bar is a day still on.")


def _bars(frame: pd.DataFrame, modality: str, pace: float | None, running: Any) -> Chart:
    drawn = pd.DataFrame({"t": millis(frame["day"]), "gb": frame["sum"].round(3)})
    drawn["day"] = [words.day(d) for d in frame["day"]]
    drawn["running"] = [running is not None and d.date() >= running for d in frame["day"]]
    drawn["said"] = [words.amount(v, "GB") for v in frame["sum"]]
    axis = {"title": None, "format": "%-d %b", "grid": False, "tickCount": 3, "labelOverlap": True}
    bar: Spec = {
        "mark": {"type": "bar"},
        "encoding": {
            "x": {"field": "t", "type": "temporal", "scale": {"type": "utc"}, "axis": axis, "bandPosition": 0},
            "y": {"field": "gb", "type": "quantitative", "axis": {"title": "GB a day", "tickCount": 3}},
            "opacity": {"condition": {"test": "datum.running", "value": 0.35}, "value": 0.85},
            "tooltip": tips(day="Day", said="Came in"),
        },
    }
    layers = [bar]
    usual = "too few days for a slope"
    if pace is not None and not words.missing(pace):
        usual = f"growing by {words.amount(pace, 'GB')} a day"
        rule = {"type": "rule", "strokeWidth": 2, "strokeDash": [5, 3], "color": "#D55E00", "aria": False}
        layers.append({"mark": rule, "encoding": {"y": {"datum": float(pace)}}})
    alt = f"{modality}: {usual}; between {drawn['gb'].min():,.1f} and {drawn['gb'].max():,.1f} GB on {len(drawn)} days."
    return Chart(drawn, {"height": 150, "layer": layers}, alt)


def by_hour(who: data.Asker, view: View) -> None:
    """Draw the transfer rate by hour of day, and under it what is moved in that hour, prefetched priors apart."""
    frame = data.ask(who, view.query("I02", "hour_of_day")).frame.dropna(subset=["p50"])
    if frame.empty:
        no_rows(view)
        return
    moved = data.rows(who, "moved_by_hour", view.from_date, view.to_date, view.where)
    slow, quick = (charts.extreme(frame, "p50", largest=largest) for largest in (False, True))
    alt = (
        f"Transfer rate by hour. Slowest {int(slow['hour_of_day']):02d} h, median {words.amount(slow['p50'], 'MB/s')}; "
        f"fastest {int(quick['hour_of_day']):02d} h, {words.amount(quick['p50'], 'MB/s')}."
    )
    charts.show(Chart(_long(frame), _lines(), alt))
    charts.show(_moved(moved))


HOURS: Spec = {
    "field": "hour", "type": "quantitative", "scale": {"domain": [0, 23]},
    "axis": {"title": "hour of day", "titleAnchor": "end", "titleFontWeight": "normal", "grid": False, "format": "02d"},
}  # fmt: skip


def _long(frame: pd.DataFrame) -> pd.DataFrame:
    names = {"p50": "Median", "p10": "Slowest tenth"}
    long = frame[["hour_of_day", *names]].melt("hour_of_day", var_name="column", value_name="rate").dropna()
    said = [words.amount(v, "MB/s") for v in long["rate"]]
    return pd.DataFrame(
        {"hour": long["hour_of_day"], "rate": long["rate"], "series": long["column"].map(names), "said": said}
    )


def _lines() -> Spec:
    colour = {"field": "series", "type": "nominal", "scale": {"domain": ["Median", "Slowest tenth"]}}
    return {
        "height": 280,
        "mark": {"type": "line", "strokeWidth": 2, "point": True},
        "encoding": {
            "x": HOURS,
            "y": {"field": "rate", "type": "quantitative", "axis": {"title": "MB/s"}, "scale": {"zero": True}},
            "color": {**colour, "legend": charts.legend()},
            "tooltip": tips(hour="Hour", series=" ", said="Rate"),
        },
    }


def _moved(moved: pd.DataFrame) -> Chart:
    names = {"store": "New studies", "prefetch": "Fetched priors"}
    drawn = pd.DataFrame({"hour": moved["local_hour"], "gb": moved["size_bytes"] / 1e9})
    drawn["series"] = moved["direction"].map(names).fillna(moved["direction"])
    drawn["said"] = [words.amount(v, "GB") for v in drawn["gb"]]
    fetched = drawn[drawn["series"] == names["prefetch"]]
    night = sorted({int(h) for h in fetched["hour"]})
    when = f"between {night[0]:02d} and {night[-1] + 1:02d} h" if night else "never"
    colour = {"field": "series", "type": "nominal", "scale": {"domain": list(names.values())}}
    spec: Spec = {
        "height": 220,
        "mark": {"type": "bar", "size": 14},
        "encoding": {
            "x": HOURS,
            "y": {"field": "gb", "type": "quantitative", "axis": {"title": "GB moved", "tickCount": 3}},
            "color": {**colour, "legend": charts.legend()},
            "tooltip": tips(hour="Hour", series=" ", said="Moved"),
        },
    }
    alt = f"Gigabytes moved by hour of day: {drawn['gb'].sum():,.0f} GB in all; priors are fetched {when}."
    return Chart(drawn, spec, alt)


def without_partner(who: data.Asker, view: View) -> None:
    """List images without exam and exams without images, newest first, to roles that may see rows."""
    try:
        frame = data.single_rows(who, "partnerless", view.from_date, view.to_date, view.where, UNMATCHED_ROWS)
    except RefusedError as refused:
        st.caption(str(refused))
        return
    if frame.empty:
        st.caption("All images have their exam, and all exams their images.")
        return
    zone = data.main_zone(who, view.where)
    shown = pd.DataFrame(
        {
            "": frame["side"].map(SIDES),
            "Likely cause": frame["cause"].str.replace("_", " "),
            "Site": frame["site_code"],
            "Scanner": frame["scanner_code"].fillna("not known"),
            "Modality": frame["modality"],
            "Begin": [words.moment(at.tz_convert(zone)) for at in frame["begin_at"]],
        }
    )
    st.dataframe(shown, hide_index=True, height=min(460, 60 + 35 * len(shown)), alt=f"{len(shown)} without a partner")
    st.caption("Causes are explained on Data health; `radpulse unmatched` lists the candidates.")
