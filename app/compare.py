"""A number beside its own past: its control chart, and earlier periods with the same weekdays."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from statistics import median

import pandas as pd

from app import control, data, words
from app.comparison import SHORT, USUAL, aligned, shifts_of
from app.filters import View
from app.theme import BETTER, CHANGED, STEADY, UNKNOWN, WORSE, State
from etl.errors import RefusedError
from etl.kpis.base import Kpi
from etl.kpis.control import Variation
from etl.kpis.kpi_chart import KpiChart
from etl.kpis.query import Query, Result

MIN_DONE = 8  # fewer finished items say nothing against a usual day
SPARK_DAYS = 84


@dataclass(frozen=True, slots=True)
class Compared:
    """A KPI over a view, with what is usual for it."""

    result: Result
    value: float | None
    unit: str
    usual: float | None
    state: State
    against: str  # what its chart says; without one what it is compared with
    spark: tuple[float, ...]
    chart: KpiChart | None = None
    assured: str = ""  # whether its target can be met, in words
    versus: str = SHORT[USUAL]  # what `usual` is the value of

    @property
    def difference(self) -> float | None:
        """Value minus usual, None where either is missing."""
        return None if self.value is None or self.usual is None else self.value - self.usual


def headline_value(result: Result) -> float | None:
    """Return the headline of a result without cuts; None where there is none."""
    if result.frame.empty:
        return None
    value = result.frame[result.meta.headline].iloc[0]
    return None if words.missing(value) else float(value)


def headline_unit(result: Result) -> str:
    """Return the unit the headline is said in; summed minutes are a total."""
    unit = result.meta.columns[result.meta.headline]
    return words.TOTAL_MIN if unit == "min" and result.meta.headline == "sum" else unit


def compared(who: data.Asker, view: View, name: str) -> Compared:
    """Return a KPI over `view`, its usual value and the daily line; raises RefusedError for what it cannot take."""
    kpi = data.kpi(name)
    result = data.ask(who, view.query(name))
    value, unit = headline_value(result), headline_unit(result)
    chart = control.chart_of(who, view, kpi)
    line = _daily(who, view, kpi)
    now, earlier, label = _earlier(who, view, kpi, value, line)
    state, against = _judged(now, earlier, kpi, unit, label)
    early = _too_early(result)
    usual = median(earlier) if earlier and state is not UNKNOWN and not early else None
    if chart is not None and chart.variation is not Variation.UNKNOWN:
        state, against = control.state_of(chart), control.said(chart, unit)
    elif early:
        state, against = UNKNOWN, early
    # a partly elapsed day is compared over its elapsed hours: shift the usual by what the last hour added
    if usual is not None and now is not None and value is not None and now != value:
        usual += value - now
    assured = "" if chart is None else control.assurance_words(chart, control.target_of(view, kpi), unit)
    return Compared(result, value, unit, usual, state, against, _spark(view, line), chart, assured, SHORT[view.compare])


def _spark(view: View, line: pd.Series[float]) -> tuple[float, ...]:
    """Return the complete days of a line: a running day would end every line in a cliff."""
    complete = line[line.index < pd.Timestamp(view.today)]
    return tuple(float(v) for v in complete.dropna().iloc[-SPARK_DAYS:])


def _daily(who: data.Asker, view: View, kpi: Kpi, reach: timedelta = timedelta(days=28)) -> pd.Series[float]:
    """Return the headline by day over the view and at least `reach` back; empty where the KPI has no days."""
    begin = max(min(view.from_date, view.to_date - timedelta(days=1) - reach), data.first_day(who))
    if "day" not in kpi.grains or begin >= view.to_date:
        return pd.Series(dtype="float64", index=pd.DatetimeIndex([]))
    frame = data.ask(who, view.over(begin, view.to_date).query(kpi.key, "day")).frame
    return pd.Series(frame[kpi.headline].astype("float64").to_numpy(), index=pd.to_datetime(frame["day"]))


def _earlier(
    who: data.Asker, view: View, kpi: Kpi, value: float | None, line: pd.Series[float]
) -> tuple[float | None, list[float], str]:
    """Return (value to compare, earlier values, what they are called).

    A running period is compared with earlier ones as they stood at the same time of day: what was open then is open.
    """
    shifts = [s for s in back_shifts(view) if view.from_date - s >= data.first_day(who)]
    single = f"{view.from_date:%A}s" if view.days == 1 else "periods before"
    if _counts_up(kpi) and view.incomplete and view.days == 1:
        value, line, until = _same_hours(who, view, kpi)
        found = [line.get(pd.Timestamp(view.from_date - s)) for s in shifts]
    else:
        until = ""
        found = [headline_value(data.ask(who, _shifted(who, view, kpi, s))) for s in shifts]
    kept = [float(v) for v in found if v is not None and not words.missing(v)]
    many = f"the last {len(kept)} {single}" if view.days == 1 else f"the {len(kept)} {single}"
    one = "the same weekdays before" if view.compare == USUAL else SHORT[view.compare]
    return value, kept, f"{many if len(kept) > 1 else one}{until}"


def back_shifts(view: View) -> list[timedelta]:
    """Return how far back the view's comparison lies; last year's with the holidays of the first site shown."""
    if view.compare != "year":
        return shifts_of(view.compare, view.days)
    begin, _, _ = aligned(view.from_date, view.to_date, data.calendar(dict(view.where).get("site", ())))
    return [view.from_date - begin]


def versus_words(view: View) -> str:
    """Say which period the numbers are compared with, and the public holidays only one of the two has."""
    if view.compare == USUAL:
        return ""
    back = before(view)
    said = f"compared with {words.period(back.from_date, back.to_date)}"
    if view.compare != "year":
        return said
    _, _, other = aligned(view.from_date, view.to_date, data.calendar(dict(view.where).get("site", ())))
    return f"{said}; public holidays in only one of them: {words.listing(other)}" if other else said


def before(view: View) -> View:
    """Return the period a view is explained against: its comparison, or the same weekdays four weeks before."""
    if view.compare == USUAL:
        return view.four_weeks_back()
    shift = back_shifts(view)[0]
    return view.over(view.from_date - shift, view.to_date - shift)


def _shifted(who: data.Asker, view: View, kpi: Kpi, shift: timedelta) -> Query:
    as_of = data.data_at(who) - shift if view.incomplete and kpi.grains else None
    return view.over(view.from_date - shift, view.to_date - shift).query(kpi.key, as_of=as_of)


def _counts_up(kpi: Kpi) -> bool:
    """Whether a day's number grows through the day, so that only equal hours compare."""
    return kpi.headline in {"count", "sum"} and "hour_of_day" in kpi.dimensions


def _same_hours(who: data.Asker, view: View, kpi: Kpi) -> tuple[float | None, pd.Series[float], str]:
    hour = data.data_at(who).astimezone(data.main_zone(who, view.where)).hour
    if hour == 0:
        return None, pd.Series(dtype="float64"), ""
    narrowed = view.narrowed("hour_of_day", *(str(h) for h in range(hour)))
    line = _daily(who, narrowed, kpi, max(back_shifts(view)))
    now = line.get(pd.Timestamp(view.from_date))
    return (None if now is None or words.missing(now) else float(now)), line, f" until {hour:02d}:00"


def _too_early(result: Result) -> str:
    """Say so when most of a running period is still open: its quantiles are no match for finished days."""
    meta = result.meta
    if "open" not in meta.columns or not meta.open:
        return ""
    done = meta.n - meta.open - meta.missing if "closed" in meta.columns else meta.n
    return (
        f"too early to compare, {words.count(done)} done and {words.count(meta.open)} open" if done < MIN_DONE else ""
    )


def _judged(value: float | None, earlier: list[float], kpi: Kpi, unit: str, label: str) -> tuple[State, str]:
    if value is None:
        return UNKNOWN, "no number yet"
    if not earlier:
        return UNKNOWN, "nothing earlier to compare with"
    low, high = min(earlier), max(earlier)
    said = f"{label} ({words.spread(low, high, unit)})"
    if low <= value <= high:
        return STEADY, f"within {said}"
    side = "above" if value > high else "below"
    if kpi.better == "neutral" or len(earlier) < 2:
        return CHANGED, f"{side} {said}"
    good = (value < low) == (kpi.better == "lower")
    return (BETTER if good else WORSE), f"{side} {said}"


def safely(who: data.Asker, view: View, name: str) -> tuple[Compared | None, str]:
    """Return the comparison, or None and the reason it was refused: one KPI must not take a page down."""
    try:
        return compared(who, view, name), ""
    except RefusedError as error:
        return None, str(error)
