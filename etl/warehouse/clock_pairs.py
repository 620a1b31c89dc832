"""What several clocks said of the same exams: the RIS, the images, and performed procedure steps."""

from __future__ import annotations

import pandas as pd
from sqlalchemy import Connection, select

from etl.records import EventType
from etl.warehouse.append import read_frame
from etl.warehouse.clock_correction import corrected
from etl.warehouse.event_set import TYPE_CODE, event_types
from etl.warehouse.intervals import MINUTE_US
from etl.warehouse.keys import NO_EXAM
from etl.warehouse.local_time import microseconds
from etl.warehouse.parameters import Parameters
from etl.warehouse.tables import event, fact_exam, link

NAMES = ("exam_key", "scanner_code", "exam_begin_at", "begin_offset_min", "end_offset_min", "first_acquisition_at")


def clock_pairs(connection: Connection, parameters: Parameters) -> pd.DataFrame:
    """Return exams with RIS and image times as `derive_clocks` wants them, steps beside where devices sent some."""
    exams = read_frame(
        connection, select(*[fact_exam.c[n] for n in NAMES]).where(fact_exam.c.begin_offset_min.is_not(None))
    )
    begun = _steps_begun(connection, parameters).reindex(exams["exam_key"])
    ris = microseconds(exams["first_acquisition_at"]) + exams["begin_offset_min"].to_numpy(dtype=float) * MINUTE_US
    step = (microseconds(begun) - ris) / MINUTE_US
    return exams.assign(step_lead_min=pd.Series(step).where(begun.notna().to_numpy()))


def _steps_begun(connection: Connection, parameters: Parameters) -> pd.Series:
    """Return by exam when its first performed procedure step began by the device's (corrected) clock."""
    devices = sorted(f.key for f in parameters.feeds if f.kind in parameters.rules.scanner_kinds)
    told = [event.c[n] for n in ("feed_key", "local_code", "clock_key", "occurred_at")]
    query = select(link.c.exam_key, *told).join(link, link.c.event_id == event.c.event_id)
    rows = read_frame(connection, query.where(event.c.feed_key.in_(devices), link.c.exam_key != NO_EXAM))
    rows = corrected(rows, ("occurred_at",), parameters.clock_corrections)
    begun = rows[event_types(rows, parameters) == TYPE_CODE[EventType.EXAM_BEGIN]]
    first: pd.Series = begun.groupby("exam_key")["occurred_at"].min()
    return first
