"""Waits for an exam by a clock that begins anew where a rule says so: each stretch of a wait under one clock.

An outpatient's clock begins when the request is received. An appointment given up in a way that a rule names begins it
anew, from when that was known; it never runs backwards. Without rules there is no such clock, only the wait itself.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from etl.warehouse.clock_rules import ANYBODY, ClockRule
from etl.warehouse.derive_exam import Exams
from etl.warehouse.intervals import MINUTE_US
from etl.warehouse.keys import Ints
from etl.warehouse.local_time import NO_TIME, microseconds, times
from etl.warehouse.parameters import Parameters
from etl.warehouse.tables import fact_wait

DONE = ("exam_end_at", "first_acquisition_at", "first_communication_at")
OFF = ("cancelled_at", "no_show_at")


def derive_waits(exams: Exams, parameters: Parameters, data_at: int) -> pd.DataFrame:
    """Return fact_wait rows of these exams."""
    frame = exams.frame
    accepted = microseconds(frame["order_accepted_at"])
    waits = (frame["patient_class"] == "O").to_numpy(dtype=bool) & (accepted != NO_TIME)
    place = np.flatnonzero(waits if parameters.clock_rules else np.zeros(len(frame), dtype=bool))
    first = pd.DataFrame({"exam": place, "clock": accepted[place], "since": accepted[place]})
    given_up = _given_up(exams.slots, pd.Index(frame["exam_key"]), parameters.clock_rules)
    begin = microseconds(frame["exam_begin_at"])
    rows = pd.concat([first, given_up[np.isin(given_up["exam"], place)]], ignore_index=True)
    rows = _in_order(rows, begin)
    return _described(rows, frame, begin)


def _given_up(slots: pd.DataFrame, exams: pd.Index[int], rules: tuple[ClockRule, ...]) -> pd.DataFrame:
    """Return when which exam's clock begins anew, and since when that is known (microseconds)."""
    if not len(slots) or not rules:
        return pd.DataFrame({name: pd.Series(dtype="int64") for name in ("exam", "clock", "since")})
    due = pd.Series(microseconds(slots["appointment_at"]), index=slots.index)
    before = due.groupby(slots["exam_key"], sort=False).shift()
    moved = (slots["state"] == "rescheduled") & before.notna() & (before != due)
    given = due.where(~moved, before).astype("int64")
    known = microseconds(slots["valid_from_at"])
    since = np.where(known == NO_TIME, given, known)
    clock = np.full(len(slots), NO_TIME)
    for rule in reversed(rules):
        holds = (slots["state"] == rule.after) & (moved | (slots["state"] != "rescheduled"))
        holds &= (slots["called_off_by"] == rule.by) if rule.by != ANYBODY else True
        clock = np.where(holds, given if rule.restart == "appointment" else since, clock)
    found = pd.DataFrame({"exam": exams.get_indexer(pd.Index(slots["exam_key"])), "clock": clock, "since": since})
    return found[found["clock"] != NO_TIME]


def _in_order(rows: pd.DataFrame, begin: Ints) -> pd.DataFrame:
    """Return the stretches in order, with `until`; what was given up once the exam had begun changes nothing."""
    began = begin[rows["exam"].to_numpy(dtype=np.int64)]
    rows = rows[(began == NO_TIME) | (rows["since"] < began)].sort_values(["exam", "since", "clock"], kind="stable")
    exam = rows.groupby("exam", sort=False)
    rows = rows.assign(
        clock=exam["clock"].cummax(),
        since=exam["since"].cummax(),
        restarts=exam.cumcount(),
        until=exam["since"].shift(-1, fill_value=NO_TIME),
        is_last=~rows["exam"].duplicated(keep="last"),
    )
    return rows[rows["until"] != rows["since"]].reset_index(drop=True)


def _described(rows: pd.DataFrame, frame: pd.DataFrame, begin: Ints) -> pd.DataFrame:
    exam, clock = (rows[name].to_numpy(dtype=np.int64) for name in ("exam", "clock"))
    columns = [column.name for column in fact_wait.columns if column.name in frame]
    described = frame[columns].iloc[exam].reset_index(drop=True)
    of_exam = frame.iloc[exam].reset_index(drop=True)
    counted = rows["is_last"].to_numpy(dtype=bool) & (begin[exam] != NO_TIME)
    return described.assign(
        clock_at=times(clock),
        entered_at=times(rows["since"].to_numpy(dtype=np.int64)),
        until_at=times(rows["until"].to_numpy(dtype=np.int64)),
        done_at=of_exam[list(DONE)].min(axis=1),
        off_at=of_exam[list(OFF)].min(axis=1),
        restarts=rows["restarts"].astype("int32"),
        is_last=rows["is_last"],
        wait_min=np.where(counted, np.maximum(begin[exam] - clock, 0) / MINUTE_US, np.nan),
        limit_min=of_exam["access_target_min"],
        local_date=of_exam["order_local_date"],
        local_hour=of_exam["order_local_hour"],
    )
