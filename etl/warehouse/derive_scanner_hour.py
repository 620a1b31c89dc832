"""Scanner hours: minutes operating, used, booked and lost, by local hour: what all of utilization is counted from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from etl.warehouse.derive_visit import Visits
from etl.warehouse.intervals import MINUTE_US, Floats, Intervals, intersect, split, subtract, union
from etl.warehouse.keys import Ints
from etl.warehouse.local_time import DAY_US, NO_TIME, HourGrid, dates, hour_grid, hours, microseconds, shifts, times
from etl.warehouse.openings import OperatingTime
from etl.warehouse.parameters import Parameters
from etl.warehouse.scanners import places_of

KEPT_STATES = ("booked", "rescheduled", "arrived", "no_show")  # an appointment that held its slot to the end


@dataclass(frozen=True, slots=True)
class Measures:
    """What is laid over the hours: minutes of intervals, and numbers at instants (scanner, time, number)."""

    minutes: dict[str, Intervals]  # merged or not: overlapping ones are added
    numbers: dict[str, tuple[Ints, Ints, Floats]]


def derive_scanner_hours(
    visits: Visits,
    exams: pd.DataFrame,
    slots: pd.DataFrame,
    calendar: OperatingTime,
    parameters: Parameters,
    data_at: int,
) -> pd.DataFrame:
    """Return fact_scanner_hour rows of every hour with operating time, bookings or activity."""
    measures = _measures(visits, exams, slots, calendar, parameters)
    low, high = _limits(measures, parameters, data_at)
    if low >= high:
        return pd.DataFrame()
    frames = [_of_site(site.code, hour_grid(low, high, site.zone), measures, parameters) for site in parameters.sites]
    return pd.concat(frames, ignore_index=True)


def _measures(
    visits: Visits, exams: pd.DataFrame, slots: pd.DataFrame, calendar: OperatingTime, parameters: Parameters
) -> Measures:
    scanner = places_of(visits.frame["scanner_code"], parameters)
    used = _occupied(scanner, visits, parameters)
    table, operating = union(used.bare), calendar.operating
    held = slots[slots["is_last"] & slots["state"].isin(KEPT_STATES)]
    booked_on = places_of(held["scanner_code"], parameters)
    begin = microseconds(held["appointment_at"])
    length = held["planned_duration_min"].fillna(parameters.rules.booking_default_min).to_numpy(dtype=np.float64)
    booked = Intervals.of(booked_on, begin, begin + (length * MINUTE_US).astype(np.int64))
    booked = booked.where(booked.group >= 0)
    begun = places_of(exams["scanner_code"], parameters), microseconds(exams["exam_begin_at"])
    return Measures(
        minutes={
            "operating_min": operating,
            "scheduled_open_min": calendar.scheduled,
            "down_min": calendar.down,
            "unplanned_down_min": calendar.unplanned_down,
            "table_min": intersect(table, operating),
            "room_before_min": intersect(used.widened_before, operating),
            "room_min": intersect(used.widened, operating),
            "booked_min": intersect(booked, operating),
            "used_booked_min": intersect(intersect(booked, table), operating),
            "after_hours_min": subtract(table, operating),
            "summed_min": used.bare,
        },
        numbers={
            **_of_visits(scanner, visits),
            "begun_exams": (*begun, np.ones(len(exams))),
            "booked_exams": (booked_on, begin, np.ones(len(held))),
        },
    )


def _of_visits(scanner: Ints, visits: Visits) -> dict[str, tuple[Ints, Ints, Floats]]:
    """Return the numbers that belong to the hour in which a visit (or its part after a pause) begins."""
    frame = visits.frame
    ended = visits.end != NO_TIME
    minutes = np.where(ended, np.where(ended, visits.end, visits.begin) - visits.begin, 0) / MINUTE_US
    turnover = (frame["gap_kind"] == "turnover").to_numpy()
    imaged = frame["acquired_min"].notna().to_numpy() & frame["duration_min"].notna().to_numpy()
    values = {
        "begun_visits": (frame["part"] == 0).to_numpy(dtype=np.float64),
        "begun_scan_min": np.maximum(minutes, 0.0),
        "turnover_min": np.where(turnover, frame["gap_before_min"], 0.0),
        "turnovers": turnover.astype(np.float64),
        "imaged_min": np.where(imaged, frame["duration_min"], 0.0),
        "acquired_min": np.where(imaged, frame["acquired_min"], 0.0),
    }
    return {name: (scanner, visits.begin, number) for name, number in values.items()}


@dataclass(frozen=True, slots=True)
class Occupied:
    """The visits' intervals, bare and with the room's buffers: the one before, both."""

    bare: Intervals
    widened_before: Intervals
    widened: Intervals


def _occupied(scanner: Ints, visits: Visits, parameters: Parameters) -> Occupied:
    mine = (scanner >= 0) & (visits.end != NO_TIME)
    group, begin, end = scanner[mine], visits.begin[mine], visits.end[mine]
    before, after = _buffers(group, visits.frame["procedure_group"][mine], parameters)
    wide_begin, wide_end = begin - before, end + after
    return Occupied(
        Intervals.of(group, begin, end), Intervals.of(group, wide_begin, end), Intervals.of(group, wide_begin, wide_end)
    )


def _buffers(group: Ints, procedure_group: pd.Series, parameters: Parameters) -> tuple[Ints, Ints]:
    """Return the room's buffers before and after each visit: its procedure group's, else the scanner's."""
    scanners = parameters.scanners
    own = [(s.room_buffer_before_min, s.room_buffer_after_min) for s in scanners]
    found = np.array(own or [(0.0, 0.0)])[group]
    for place, scanner in enumerate(scanners):
        for name, both in scanner.room_buffers_min.items():
            found[(group == place) & (procedure_group == name).to_numpy()] = both
    before, after = (found * MINUTE_US).astype(np.int64).T
    return before, after


def _limits(measures: Measures, parameters: Parameters, data_at: int) -> tuple[int, int]:
    """Return the span of time that needs hours; a broken clock's stamps far ahead are left out."""
    begins = [m.begin for m in measures.minutes.values()] + [at for _, at, _ in measures.numbers.values()]
    ends = [m.end for m in measures.minutes.values()] + [at + 1 for _, at, _ in measures.numbers.values()]
    start, stop = np.concatenate(begins), np.concatenate(ends)
    start, stop = start[start > 0], stop[stop > 0]
    if not len(start):
        return 0, 0
    return int(start.min()), min(int(stop.max()), data_at + parameters.rules.calendar_ahead_days * DAY_US)


def _of_site(site: str, grid: HourGrid, measures: Measures, parameters: Parameters) -> pd.DataFrame:
    scanners = [place for place, scanner in enumerate(parameters.scanners) if scanner.site == site]
    cells = len(grid.day)
    place = np.full(len(parameters.scanners) + 1, -1)  # the last is for scanner -1, unknown
    place[scanners] = np.arange(len(scanners))
    size = len(scanners) * cells
    columns: dict[str, Floats] = {
        name: _minutes(given.where(place[given.group] >= 0), place, grid, size)
        for name, given in measures.minutes.items()
    }
    for name, (scanner, at, number) in measures.numbers.items():
        inside = (place[scanner] >= 0) & (at >= grid.edges[0]) & (at < grid.edges[-1])
        cell = np.searchsorted(grid.edges, at[inside], side="right") - 1
        row = place[scanner[inside]] * cells + cell
        columns[name] = np.bincount(row, weights=number[inside], minlength=size).astype(np.float64)
    kept = np.flatnonzero(np.any([values > 0 for values in columns.values()], axis=0))
    return _framed(site, np.array(scanners, dtype=np.int64), grid, kept, columns, parameters)


def _minutes(given: Intervals, place: Ints, grid: HourGrid, size: int) -> Floats:
    cut = split(given.begin, given.end, grid.edges)
    row = place[given.group[cut.source]] * len(grid.day) + cut.cell
    return np.bincount(row, weights=cut.minutes, minlength=size).astype(np.float64)


def _framed(
    site: str, scanners: Ints, grid: HourGrid, kept: Ints, columns: dict[str, Floats], parameters: Parameters
) -> pd.DataFrame:
    cell = kept % len(grid.day)
    chosen = [parameters.scanners[i] for i in scanners[kept // len(grid.day)]] if len(kept) else []
    frame = pd.DataFrame(
        {
            "site_code": site,
            "scanner_code": [s.code for s in chosen],
            "modality": [s.modality for s in chosen],
            "hour_at": times(grid.edges[:-1][cell]),
            "local_date": dates(grid.day[cell]),
            "local_hour": hours(grid.hour[cell]),
            "shift": shifts(grid.day[cell], grid.hour[cell], parameters.rules.shift_hours),
        }
    )
    values = {name: column[kept] for name, column in columns.items()}
    frame = frame.assign(**values)
    return frame.assign(idle_min=(frame["operating_min"] - frame["table_min"]).clip(lower=0.0))
