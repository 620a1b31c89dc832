"""What scanners' performed procedure steps say of exams (kpis.md E5), beside what the RIS says.

An exam may have many steps: it begins with the first and ends with the last that was completed. A step that broke
off counts only where none was completed; one left open gives a begin where nothing better does, and never an end.
Which begins were closed is known without naming steps: a step that is over says its begin again (source `mpps`).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
from sqlalchemy import Select, and_, exists, func, select

from etl.records import EventType as E
from etl.warehouse.event_set import TYPE_CODE
from etl.warehouse.exam_device import DeviceSpans
from etl.warehouse.intervals import Bools
from etl.warehouse.keys import Ints
from etl.warehouse.local_time import NO_TIME
from etl.warehouse.milestones import Milestones, take
from etl.warehouse.parameters import Parameters
from etl.warehouse.tables import event

KIND = "mpps"
OPEN, COMPLETED, DISCONTINUED, BEGIN = "mpps:IN PROGRESS", "mpps:COMPLETED", "mpps:DISCONTINUED", "#begin"
LATEST = np.iinfo(np.int64).max


def step_feeds(parameters: Parameters) -> frozenset[str]:
    """Return the keys of the feeds that hold performed procedure steps."""
    return frozenset(feed.key for feed in parameters.feeds if feed.kind == KIND)


def _by_steps(rows: pd.DataFrame, parameters: Parameters) -> Bools:
    return np.asarray(rows["feed_key"].isin(step_feeds(parameters)), dtype=bool)


def counting_rows(rows: pd.DataFrame, exam: Ints, exams: int, parameters: Parameters) -> Bools:
    """Return which workflow rows count: all but begins that are closed, and steps that broke off beside a whole one."""
    mine = _by_steps(rows, parameters)
    if not mine.any():
        return np.full(len(rows), True)
    code = rows["local_code"].astype(str)
    closing = mine & code.str.endswith(BEGIN).to_numpy(dtype=bool)
    pair = pd.MultiIndex.from_arrays([exam, rows["at"].to_numpy(dtype=np.int64)])
    closed = mine & (code == OPEN).to_numpy(dtype=bool) & pair.isin(pair[closing])
    whole = np.zeros(exams, dtype=bool)
    whole[exam[mine & (rows["type"] == TYPE_CODE[E.EXAM_END]).to_numpy(dtype=bool)]] = True
    broken = mine & code.str.startswith(DISCONTINUED).to_numpy(dtype=bool) & whole[exam]
    return np.asarray(~(closed | broken), dtype=bool)


def with_steps(
    spans: DeviceSpans, rows: pd.DataFrame, exam: Ints, restart_at: Ints, parameters: Parameters
) -> DeviceSpans:
    """Return `spans` with begin and end of the steps of the attempt that counts; images say them where no step does.

    `rows` are those that count.
    """
    at, kind = rows["at"].to_numpy(dtype=np.int64), rows["type"].to_numpy(dtype=np.int64)
    mine = _by_steps(rows, parameters) & (at >= restart_at[exam])
    ended = mine & (kind == TYPE_CODE[E.EXAM_END])
    whole = np.zeros(len(restart_at), dtype=bool)
    whole[exam[ended]] = True
    told = ~whole[exam] | (rows["local_code"] == COMPLETED + BEGIN).to_numpy(dtype=bool)
    begun = mine & (kind == TYPE_CODE[E.EXAM_BEGIN]) & told
    begin, end = np.full(len(restart_at), LATEST), np.full(len(restart_at), NO_TIME)
    np.minimum.at(begin, exam[begun], at[begun])
    np.maximum.at(end, exam[ended], at[ended])
    return replace(
        spans,
        performed_begin=np.where(begin != LATEST, begin, spans.performed_begin),
        performed_end=np.where(end != NO_TIME, end, spans.performed_end),
    )


def first_by_ris(found: Milestones, kind: E, parameters: Parameters) -> Ints:
    """Return when anyone but a scanner first said an event type of each exam."""
    position = found.first[:, TYPE_CODE[kind]]
    by_scanner = take(_by_steps(found.rows, parameters).astype(np.int64), position, 0)
    return np.where(by_scanner == 1, NO_TIME, found.time_of(position))


def unclosed_steps(parameters: Parameters, data_at: datetime) -> Select[tuple[str, int]]:
    """Return a query of how many steps of each feed are in progress for longer than an exam may last."""
    closing = event.alias("closing")
    cap = timedelta(minutes=parameters.rules.open_exam_cap_min)
    closed = and_(
        closing.c.feed_key == event.c.feed_key,
        closing.c.occurred_at == event.c.occurred_at,
        closing.c.local_code.endswith(BEGIN),
        *[
            func.coalesce(closing.c[token], "") == func.coalesce(event.c[token], "")
            for token in ("accession_token", "study_token", "patient_token")
        ],
    )
    return (
        select(event.c.feed_key, func.count().label("n"))
        .where(
            event.c.feed_key.in_(step_feeds(parameters)),
            event.c.local_code == OPEN,
            event.c.occurred_at < data_at - cap,
            ~exists().where(closed),
        )
        .group_by(event.c.feed_key)
    )
