"""The first booked exam of each scanner's day, by the appointments that stood."""

from __future__ import annotations

from datetime import datetime

import pandas as pd
from sqlalchemy import Connection, func, select

from etl.warehouse.append import read_frame
from etl.warehouse.parameters import Parameters
from etl.warehouse.tables import fact_exam, fact_first_case

_x = fact_exam.c
# by position in the day: linked exams share an appointment, and the one begun first opens it
_ORDER = (_x.appointment_at, _x.exam_begin_at.nulls_last(), _x.exam_key)


def derive_first_cases(connection: Connection, parameters: Parameters, data_at: datetime) -> pd.DataFrame:
    """Return fact_first_case rows; cancelled, missed and aborted exams open no day, the next one does."""
    scanner = func.coalesce(_x.booked_scanner_code, _x.scanner_code)
    place = func.row_number().over(partition_by=(_x.site_code, scanner, _x.appointment_local_date), order_by=_ORDER)
    moved = {
        "scanner_code": scanner,
        "local_date": _x.appointment_local_date,
        "local_hour": _x.appointment_local_hour,
    }
    columns = [(moved[c.name] if c.name in moved else _x[c.name]).label(c.name) for c in fact_first_case.columns]
    off = (_x.cancelled_at, _x.no_show_at, _x.aborted_at)
    booked = select(*columns, place.label("place")).where(
        _x.appointment_at.is_not(None), scanner.is_not(None), *(at.is_(None) for at in off)
    )
    numbered = booked.subquery()
    query = select(*[numbered.c[c.name] for c in fact_first_case.columns]).where(numbered.c.place == 1)
    return read_frame(connection, query.order_by(numbered.c.exam_key))
