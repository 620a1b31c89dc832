"""Reading hours: who was rostered to read, and what they signed meanwhile; the group as one unless a site opts in."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pandas as pd
from sqlalchemy import Connection, select

from etl.records import EntryKind
from etl.warehouse.append import read_frame
from etl.warehouse.derive_exam_value import cost_table, value_at
from etl.warehouse.intervals import Bools, Intervals, covered_before, split, union
from etl.warehouse.keys import Ints
from etl.warehouse.local_time import (
    HOUR_US,
    dates,
    hour_grid,
    hours,
    local_days,
    local_hours_begin,
    microsecond,
    microseconds,
    shifts,
    times,
)
from etl.warehouse.parameters import Parameters
from etl.warehouse.tables import fact_entry, fact_exam

READING = "reader"  # role of those who sign; trainees are rostered too, but sign nothing final
GROUP = "all readers"
KEYS = ["site_code", "hour", "rostered_reader"]
COUNTED = ["rostered_min", "finals", "finals_off", "wrvu"]


def derive_reader_hours(connection: Connection, parameters: Parameters, data_at: datetime) -> pd.DataFrame:
    """Return fact_reader_hour rows of all sites whose roster names readers, up to `data_at`."""
    roster = _roster(connection)
    if roster.empty:
        return pd.DataFrame(columns=["site_code"])
    people = roster[["site_code", "person"]].drop_duplicates(ignore_index=True)
    on_duty = _on_duty(roster, people)
    rows = [
        _rostered(on_duty, people, parameters, microsecond(data_at)),
        _signed(connection, on_duty, people, parameters),
    ]
    found = pd.concat(rows, ignore_index=True).reindex(columns=[*KEYS, *COUNTED])  # nobody on duty yet, or no final
    if not parameters.individual_readers:
        found["rostered_reader"] = GROUP
    found = found.groupby(KEYS, as_index=False)[COUNTED].sum()
    at = found.pop("hour").to_numpy(dtype=np.int64)
    day, hour = local_days(at, found["site_code"], parameters.zones)
    return found.assign(
        hour_at=times(at),
        local_date=dates(day),
        local_hour=hours(hour),
        shift=shifts(day, hour, parameters.rules.shift_hours),
    )


def _roster(connection: Connection) -> pd.DataFrame:
    e = fact_entry.c
    reading = (e.kind == str(EntryKind.SHIFT)) & (e.code == READING) & e.person.is_not(None) & e.end_at.is_not(None)
    return read_frame(connection, select(e.site_code, e.person, e.begin_at, e.end_at).where(reading))


def _on_duty(roster: pd.DataFrame, people: pd.DataFrame) -> Intervals:
    """Return when each person (numbered as in `people`) was rostered: a union, so that two rows count once."""
    person = _places(people, roster["site_code"], roster["person"])
    return union(Intervals.of(person, microseconds(roster["begin_at"]), microseconds(roster["end_at"])))


def _places(people: pd.DataFrame, site: pd.Series, person: pd.Series) -> Ints:
    index = pd.MultiIndex.from_frame(people)
    return np.asarray(index.get_indexer(pd.MultiIndex.from_arrays([site, person])), dtype=np.int64)


def _rostered(on_duty: Intervals, people: pd.DataFrame, parameters: Parameters, data_at: int) -> pd.DataFrame:
    frames = []
    site = people["site_code"].to_numpy()[on_duty.group]
    for code, zone in parameters.zones.items():
        mine = on_duty.where(site == code)
        begun: Bools = mine.begin < data_at + HOUR_US
        mine = mine.where(begun)
        if not len(mine):
            continue
        grid = hour_grid(int(mine.begin.min()), min(int(mine.end.max()), data_at + HOUR_US), zone)
        cut = split(mine.begin, mine.end, grid.edges)
        named = {"site_code": code, "hour": grid.edges[cut.cell]}
        who = people["person"].to_numpy()[mine.group[cut.source]]
        frames.append(pd.DataFrame({**named, "rostered_reader": who, "rostered_min": cut.minutes}))
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def _signed(connection: Connection, on_duty: Intervals, people: pd.DataFrame, parameters: Parameters) -> pd.DataFrame:
    """Return a row a first final of rostered people, with its work units, on duty or off."""
    x = fact_exam.c
    columns = (x.site_code, x.reader, x.first_final_at, x.procedure_code, x.modality, x.exam_end_at)
    wanted = x.first_final_at.is_not(None) & x.reader.is_not(None)
    exams = read_frame(connection, select(*columns).where(wanted))
    person = _places(people, exams["site_code"], exams["reader"])
    exams, person = exams[person >= 0].reset_index(drop=True), person[person >= 0]
    at = microseconds(exams["first_final_at"])
    # on duty where the instant's microsecond is covered
    busy = covered_before(on_duty, person, at + 1) > covered_before(on_duty, person, at)
    table = cost_table(connection)
    done = exams["exam_end_at"].fillna(exams["first_final_at"])
    units = value_at(exams, microseconds(done), table[table["is_work"]]).fillna(0.0)
    return pd.DataFrame(
        {
            "site_code": exams["site_code"],
            "hour": local_hours_begin(at, exams["site_code"], parameters.zones),
            "rostered_reader": exams["reader"],
            "finals": busy.astype(np.int64),
            "finals_off": (~busy).astype(np.int64),
            "wrvu": np.where(busy, units, 0.0),
        }
    )
