"""The length of a queue hour by hour, as a stepped line."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pandas as pd

from app import words
from app.charts import Chart, Spec, extreme, millis, tips

HEIGHT_PX = 260


def begun_everywhere(history: pd.DataFrame, now: datetime, zones: list[ZoneInfo]) -> pd.DataFrame:
    """Return the hours that have begun at every site: an hour the western sites have not reached holds only some."""
    earliest = min(now.astimezone(zone).replace(tzinfo=None) for zone in zones)
    return history[history["hour"] <= pd.Timestamp(earliest)]


def queue_history(frame: pd.DataFrame, what: str, counted: str) -> Chart:
    """Draw the count at the end of each site-local hour; `frame` has hour, count and oldest (minutes)."""
    drawn = pd.DataFrame({
        "t": millis(frame["hour"]),
        "count": frame["count"].astype("float64"),
        "said": [f"{words.count(n)} {counted}" for n in frame["count"].fillna(0)],
        "oldest": [words.amount(age, "min") for age in frame["oldest"]],
        "when": [words.moment(hour) for hour in frame["hour"]],
    })  # fmt: skip
    axis: Spec = {"title": None, "format": "%a %-d", "grid": False, "labelOverlap": True, "tickCount": "day"}
    spec: Spec = {
        "height": HEIGHT_PX,
        "mark": {"type": "line", "interpolate": "step-after", "strokeWidth": 2},
        "encoding": {
            "x": {"field": "t", "type": "temporal", "scale": {"type": "utc"}, "axis": axis},
            "y": {"field": "count", "type": "quantitative", "axis": {"title": counted, "titleAnchor": "end"}},
            "tooltip": tips(when="Hour", said="Waiting", oldest="Oldest"),
        },
    }
    return Chart(drawn, spec, queue_words(frame, what, counted))


def queue_words(frame: pd.DataFrame, what: str, counted: str) -> str:
    """Say the queue at the end and when it was longest."""
    most, last = extreme(frame, "count"), frame.iloc[-1]
    return (
        f"{what} by hour. At the end {words.count(last['count'])} {counted}; "
        f"the most were {words.count(most['count'])} on {words.moment(most['hour'])}."
    )
