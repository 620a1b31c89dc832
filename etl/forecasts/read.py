"""The only place where forecasts touch the database: fact tables in, plain frames out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pandas as pd
from sqlalchemy import Connection, Engine, Select, Table, select

from etl.settings import Settings
from etl.warehouse import tables
from etl.warehouse.engine import read_frame

HISTORY_DAYS = 400  # enough for last year's holiday, short enough to train in seconds

HOUR_COLUMNS = (
    "site_code",
    "scanner_code",
    "modality",
    "hour_at",
    "operating_min",
    "unplanned_down_min",
    "table_min",
    "begun_visits",
)
SLOT_COLUMNS = (
    "site_code",
    "scanner_code",
    "appointment_at",
    "planned_duration_min",
    "state",
    "valid_from_at",
    "valid_to_at",
)
EXAM_COLUMNS = (
    "exam_key",
    "site_code",
    "scanner_code",
    "modality",
    "procedure_group",
    "priority",
    "patient_class",
    "section",
    "status",
    "exam_begin_at",
    "exam_end_at",
    "first_final_at",
    "aborted_at",
    "exam_duration_min",
    "planned_duration_min",
    "report_target_min",
)
OPENING_COLUMNS = ("site_code", "scanner_code", "kind", "begin_at", "end_at")
SITE_COLUMNS = ("site_code", "zone", "country", "subdivision")


@dataclass(frozen=True)
class History:
    """What forecasts may look at, as frames whose columns are named in this module; times are aware UTC.

    Nothing is cut at the origin here: features do that, so that one history serves every origin of a backtest.
    """

    hours: pd.DataFrame
    slots: pd.DataFrame
    exams: pd.DataFrame
    openings: pd.DataFrame
    sites: pd.DataFrame


def read_history(engine: Engine, settings: Settings, issued_at: datetime) -> History:
    """Read the last `HISTORY_DAYS` before `issued_at` and the calendar and bookings after it."""
    since = issued_at - timedelta(days=HISTORY_DAYS)
    with engine.connect() as connection:
        return History(
            hours=_read(connection, tables.fact_scanner_hour, HOUR_COLUMNS, "hour_at", since),
            slots=_read(connection, tables.fact_slot, SLOT_COLUMNS, "appointment_at", since),
            exams=_read(connection, tables.fact_exam, EXAM_COLUMNS, "exam_begin_at", since),
            openings=_read(connection, tables.fact_opening, OPENING_COLUMNS, "end_at", since),
            sites=_sites(connection, settings),
        )


def _read(connection: Connection, table: Table, columns: tuple[str, ...], at: str, since: datetime) -> pd.DataFrame:
    query: Select[Any] = select(*[table.c[name] for name in columns]).where(table.c[at] >= since)
    return read_frame(connection, query)


def _sites(connection: Connection, settings: Settings) -> pd.DataFrame:
    """Zones come from the warehouse, holiday calendars from the settings of the same site, where it has them."""
    frame = read_frame(connection, select(tables.dim_site.c.site_code, tables.dim_site.c.zone))
    known = {s.code: (s.holidays_country, s.holidays_subdivision) for s in settings.sites}
    pairs = [known.get(code, (None, None)) for code in frame["site_code"]]
    frame["country"] = pd.Series([p[0] for p in pairs], dtype="object", index=frame.index)
    frame["subdivision"] = pd.Series([p[1] for p in pairs], dtype="object", index=frame.index)
    return frame[list(SITE_COLUMNS)]
