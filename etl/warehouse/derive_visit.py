"""Room visits: linked accessions merged, pauses split, gaps to the visit before (K0.3, K0.5, U08, U09)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from etl.warehouse.acquired import acquired_min
from etl.warehouse.components import components
from etl.warehouse.exam_durations import span_min
from etl.warehouse.intervals import MINUTE_US, Bools, Floats, Intervals, covered_before, union
from etl.warehouse.keys import Ints, stable_keys
from etl.warehouse.local_time import NO_TIME, dates, hours, local_days, local_hours_begin, microseconds, shifts, times
from etl.warehouse.parameters import Parameters, Rules
from etl.warehouse.scanners import places_of

URGENCY = ("STAT", "URGENT", "ROUTINE")


@dataclass(frozen=True, slots=True)
class Visits:
    """`frame`: fact_visit; `key_of_exam`: exam_key -> visit_key; begin and end of parts in microseconds beside."""

    frame: pd.DataFrame
    key_of_exam: pd.Series
    begin: Ints
    end: Ints  # NO_TIME while unknown


def occupied_until(exams: pd.DataFrame, data_at: int, rules: Rules) -> Ints:
    """Return until when each exam held its scanner: its end, its abortion, now while in progress, or as planned.

    NO_TIME where nothing tells: a begin without an end, older than the cap, that had no planned length.
    """
    begin, end = microseconds(exams["exam_begin_at"]), microseconds(exams["exam_end_at"])
    end = np.where(end == NO_TIME, microseconds(exams["aborted_at"]), end)
    end = np.where((end - begin > rules.longest_exam_min * MINUTE_US) | (end < begin), NO_TIME, end)
    running = (exams["status"] == "in_progress").to_numpy() & (begin <= data_at)
    running &= data_at - begin <= rules.open_exam_cap_min * MINUTE_US
    end = np.where((end == NO_TIME) & running, data_at, end)
    planned = exams["planned_duration_min"].to_numpy(dtype=np.float64, na_value=np.nan)
    as_planned = begin + np.nan_to_num(planned * MINUTE_US).astype(np.int64)
    return np.where((end == NO_TIME) & ~np.isnan(planned) & (begin != NO_TIME), as_planned, end)


def derive_visits(
    exams: pd.DataFrame, acquired: pd.DataFrame, operating: Intervals, parameters: Parameters, data_at: int
) -> Visits:
    """Return the visits of begun exams with a scanner; `exams` has study_token beside fact_exam's columns.

    `operating` is by scanner, numbered as in `parameters.scanners`.
    """
    begun = exams["exam_begin_at"].notna() & exams["scanner_code"].notna()
    rows = exams[begun].assign(begin=lambda f: microseconds(f["exam_begin_at"]))
    rows = rows.sort_values(["scanner_code", "begin", "exam_key"], ignore_index=True)
    rows["end"] = occupied_until(rows, data_at, parameters.rules)
    rows["visit"] = _joined(rows, parameters.rules)
    heads = _heads(rows)
    parts = _parts(rows, heads, acquired, parameters.rules)
    frame = _described(parts, heads, rows, parameters, data_at)
    frame = _with_gaps(frame, parts, operating, parameters)
    frame = frame.assign(acquired_min=acquired_min(parts, visits_of(rows), acquired))
    key = pd.Series(heads["visit_key"].reindex(rows["visit"]).to_numpy(), index=rows["exam_key"])
    return Visits(frame, key, parts["begin"].to_numpy(), parts["end"].to_numpy())


def visits_of(rows: pd.DataFrame) -> pd.Series:
    """Return the visit of each exam_key."""
    return pd.Series(rows["visit"].to_numpy(), index=rows["exam_key"])


def _joined(rows: pd.DataFrame, rules: Rules) -> Ints:
    """Return the row of the first exam of each exam's visit: same patient and scanner, overlapping or one study."""
    size = len(rows)
    place = np.arange(size)
    begin: Ints = rows["begin"].to_numpy(dtype=np.int64)
    end: Ints = np.maximum(rows["end"].to_numpy(dtype=np.int64), begin)
    edges = [np.empty((0, 2), dtype=np.int64)]
    limit = rules.same_study_join_min * MINUTE_US
    for tie, same_study in (("patient_key", False), ("study_token", True)):
        known = place[rows[tie].notna().to_numpy()]
        tied = rows.iloc[known].groupby(["scanner_code", tie], sort=False).ngroup().to_numpy()
        order = np.lexsort((known, tied))
        known, group = known[order], np.asarray(tied[order], dtype=np.int64)
        reach = _reach(group, end[known])
        follows = (group[1:] == group[:-1]) & (
            begin[known[1:]] - begin[known[:-1]] <= limit if same_study else begin[known[1:]] <= reach[:-1]
        )
        edges.append(np.column_stack([known[:-1][follows], known[1:][follows]]))
    pairs = np.concatenate(edges)
    return components(size, pairs[:, 0], pairs[:, 1])


def _reach(group: Ints, end: Ints) -> Ints:
    """Return the latest end so far within each (sorted) group."""
    return pd.Series(end).groupby(group).cummax().to_numpy(dtype=np.int64)


def _heads(rows: pd.DataFrame) -> pd.DataFrame:
    """Return by visit what it is: keys and descriptions of its first, longest and most urgent exam."""
    rank = rows["priority"].map({name: place for place, name in enumerate(URGENCY)}).fillna(len(URGENCY))
    longest = rows.assign(length=rows["end"].where(rows["end"] != NO_TIME, rows["begin"]) - rows["begin"])
    longest = longest.sort_values(["visit", "length", "exam_key"], ascending=[True, False, True])
    urgent = rows.assign(rank=rank).sort_values(["visit", "rank", "exam_key"]).drop_duplicates("visit")
    heads = rows.drop_duplicates("visit").set_index("visit")
    heads = heads[["site_code", "scanner_code", "modality", "patient_class", "patient_key", "exam_key"]]
    heads["procedure_group"] = longest.drop_duplicates("visit").set_index("visit")["procedure_group"]
    heads["priority"] = urgent.set_index("visit")["priority"]
    by = rows.groupby("visit")
    heads["exams"] = by.size()
    heads["begin"] = by["begin"].min()
    heads["end"] = by["end"].max()  # NO_TIME is the lowest: a known end remains
    heads["visit_key"] = stable_keys("visit", heads["scanner_code"], heads["exam_key"])
    return heads


def _parts(rows: pd.DataFrame, heads: pd.DataFrame, acquired: pd.DataFrame, rules: Rules) -> pd.DataFrame:
    """Return the stretches of each visit, split where no series was acquired for longer than a pause."""
    pauses = _pauses(rows, heads, acquired, rules)
    begin = pd.concat([pd.DataFrame({"visit": heads.index, "begin": heads["begin"].to_numpy()}), pauses["back"]])
    end = pd.concat([pauses["left"], pd.DataFrame({"visit": heads.index, "end": heads["end"].to_numpy()})])
    begin = begin.sort_values(["visit", "begin"], ignore_index=True)
    last = end["end"].where(end["end"] != NO_TIME, np.iinfo(np.int64).max)
    end = end.assign(last=last).sort_values(["visit", "last"], ignore_index=True)
    return begin.assign(end=end["end"], part=begin.groupby("visit").cumcount())


def _pauses(rows: pd.DataFrame, heads: pd.DataFrame, acquired: pd.DataFrame, rules: Rules) -> dict[str, pd.DataFrame]:
    """Return when patients left and when they were back, for gaps inside their visit's interval."""
    nothing = np.empty(0, dtype=np.int64)
    none = {name: pd.DataFrame({"visit": nothing, at: nothing}) for name, at in (("left", "end"), ("back", "begin"))}
    if acquired.empty:
        return none
    visit = visits_of(rows)
    series = acquired[acquired["acquired"] & acquired["exam_key"].isin(visit.index)]
    if series.empty:
        return none
    order = _series_of_visits(series, visit.reindex(series["exam_key"]).to_numpy(), heads, rules)
    so_far = order.groupby("visit")[["end", "until"]].cummax().groupby(order["visit"]).shift()
    left = so_far["end"]
    limits = heads[["begin", "end"]].reindex(order["visit"]).reset_index(drop=True)
    inside = (left > limits["begin"]) & (order["begin"] < limits["end"])
    paused = inside & (order["begin"] - so_far["until"] > rules.pause_min * MINUTE_US)
    return {
        "left": pd.DataFrame({"visit": order["visit"][paused], "end": left[paused].astype("int64")}),
        "back": pd.DataFrame({"visit": order["visit"][paused], "begin": order["begin"][paused]}),
    }


def _series_of_visits(series: pd.DataFrame, visit: Ints, heads: pd.DataFrame, rules: Rules) -> pd.DataFrame:
    """Return begin, probable `end` and certain end (`until`) of series, by visit and begin.

    Where no header says how long a series took it may have lasted as long as its kind can; probably it took as
    long as the last one, which the exam's end tells.
    """
    begin, end = microseconds(series["begin_at"]), microseconds(series["end_at"])
    allowed = dict(rules.series_may_last_min)
    longest = series["modality"].map(allowed).fillna(allowed["*"]).to_numpy(dtype=np.float64)
    longest_us = (longest * MINUTE_US).astype(np.int64)
    last = pd.Series(begin).groupby(visit).transform("max").to_numpy()
    until_end = np.clip(heads["end"].reindex(visit).to_numpy() - last, 0, longest_us)
    stated = end > begin
    frame = pd.DataFrame(
        {
            "visit": visit,
            "begin": begin,
            "end": np.where(stated, end, begin + until_end),
            "until": np.where(stated, end, begin + longest_us),
        }
    )
    return frame.sort_values(["visit", "begin", "end"], ignore_index=True)


def _described(
    parts: pd.DataFrame, heads: pd.DataFrame, rows: pd.DataFrame, parameters: Parameters, data_at: int
) -> pd.DataFrame:
    of_visit = heads.drop(columns=["begin", "end"]).reindex(parts["visit"]).reset_index(drop=True)
    begin, end = parts["begin"].to_numpy(), parts["end"].to_numpy()
    day, hour = local_days(begin, of_visit["site_code"], parameters.zones)
    shown = _closed_end(parts, rows)
    key = stable_keys("visit", of_visit["scanner_code"], of_visit["exam_key"], parts["part"])
    return of_visit.drop(columns="exam_key").assign(
        visit_key=np.where(parts["part"] == 0, of_visit["visit_key"], key),
        part=parts["part"],
        begin_at=times(begin),
        end_at=times(np.where(shown, end, NO_TIME)),
        shift=shifts(day, hour, parameters.rules.shift_hours),
        local_date=dates(day),
        local_hour=hours(hour),
        hour_at=times(local_hours_begin(begin, of_visit["site_code"], parameters.zones)),
        duration_min=np.where(shown, span_min(end, begin), np.nan),
    )


def _closed_end(parts: pd.DataFrame, rows: pd.DataFrame) -> Bools:
    """Return which parts ended by what was told; the running or planned end of an open exam is an assumption."""
    told = rows["exam_end_at"].notna() | rows["aborted_at"].notna()
    all_told = told.groupby(rows["visit"]).all().reindex(parts["visit"]).to_numpy(dtype=bool)
    last = (parts.groupby("visit").cumcount(ascending=False) == 0).to_numpy()
    return (all_told | ~last) & (parts["end"] != NO_TIME).to_numpy()


def _with_gaps(frame: pd.DataFrame, parts: pd.DataFrame, operating: Intervals, parameters: Parameters) -> pd.DataFrame:
    """Add the gap to the end before on the same scanner and local day, its kind, and what of it was idle."""
    begin, end = parts["begin"].to_numpy(), parts["end"].to_numpy()
    scanner = places_of(frame["scanner_code"], parameters)
    order = np.lexsort((frame["visit_key"].to_numpy(), begin, scanner))
    day = frame["local_date"].to_numpy()[order]
    until = pd.Series(np.maximum(end, begin)[order]).groupby([scanner[order], day]).cummax()
    before = until.groupby([scanner[order], day]).shift().fillna(NO_TIME).astype("int64").to_numpy()
    previous = np.full(len(frame), NO_TIME)
    previous[order] = np.where(before < 0, NO_TIME, before)
    gap = span_min(begin, previous)
    gap = np.where(gap < 0, np.nan, gap)  # two visits overlap: the change time is unknown
    kind = np.where(gap <= parameters.rules.turnover_cap_min, "turnover", "idle").astype(object)
    kind[np.isnan(gap)] = None
    idle = _open_minutes(operating, scanner, previous, begin)
    return frame.assign(gap_before_min=gap, gap_kind=kind, idle_in_hours_min=np.where(kind == "idle", idle, np.nan))


def _open_minutes(operating: Intervals, scanner: Ints, since: Ints, until: Ints) -> Floats:
    """Return the operating minutes between instants."""
    merged = union(operating)
    known = since != NO_TIME
    start = covered_before(merged, scanner, np.where(known, since, until))
    return (covered_before(merged, scanner, until) - start) / MINUTE_US
