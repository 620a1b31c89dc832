"""The archive: what came in and how fast, what it holds by day, how fast it fills."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from sqlalchemy import ColumnElement, Connection, Double, case, cast, extract, func, select

from etl.records import EntryKind
from etl.warehouse.append import read_frame
from etl.warehouse.growth import growth
from etl.warehouse.parameters import Parameters
from etl.warehouse.tables import fact_acquisition, fact_entry, fact_exam, fact_storage_day, fact_transmission
from etl.warehouse.tables.columns import exam_dimensions

STORE = "store"
LIST, TRANSFER, SERIES = "list", "transfer", "series"
WINDOW_DAYS = 30
NOON = 12
VOLUME = ["site_code", "volume", "origin"]

_e, _x = fact_entry.c, fact_exam.c


def derive_transmissions(connection: Connection, parameters: Parameters, data_at: datetime) -> pd.DataFrame:
    """Return fact_transmission rows of the archive's log; fact_entry and fact_exam must be up to the events."""
    seconds: ColumnElement[Any] = cast(extract("epoch", _e.end_at), Double) - cast(
        extract("epoch", _e.begin_at), Double
    )
    own = {"site_code": _e.site_code, "scanner_code": func.coalesce(_e.scanner_code, _x.scanner_code)}
    own |= {"modality": func.coalesce(_e.modality, _x.modality)}
    dimensions = [own.get(c.name, _x[c.name]).label(c.name) for c in exam_dimensions() if c.name in _x]
    query = (
        select(_e.event_id, _e.exam_key, *dimensions, func.coalesce(_e.code, STORE).label("direction"))
        .add_columns(_e.begin_at.label("first_stored_at"), _e.end_at.label("last_stored_at"))
        .add_columns(_e.local_date, _e.local_hour, _e.value.label("size_bytes"), _e.count.label("instances"))
        .add_columns((seconds / 60).label("span_min"))
        .add_columns(case((seconds >= 1, _e.value / 1e6 / seconds)).label("mb_per_s"))
        .select_from(fact_entry.outerjoin(fact_exam, _x.exam_key == _e.exam_key))
        .where(_e.kind == str(EntryKind.TRANSFER))
    )
    frame = read_frame(connection, query)
    return frame.assign(size_bytes=frame["size_bytes"].round().astype("Int64"))


def derive_storage_days(connection: Connection, parameters: Parameters, data_at: datetime) -> pd.DataFrame:
    """Return fact_storage_day rows; fact_transmission and fact_acquisition must be up to the events.

    What came in is told by the archive's log, at sites without one by the series seen.
    """
    logged, seen = _logged(connection), _seen(connection)
    seen = seen[~seen["site_code"].isin(logged["site_code"].unique())]
    found = [frame for frame in (_held(connection), logged, seen) if len(frame)]
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=[c.name for c in fact_storage_day.c])


def _held(connection: Connection) -> pd.DataFrame:
    """Return what lists say is held at each day's last measure, and how much more that is than at the one before."""
    names = (_e.site_code, _e.modality, _e.local_date, _e.local_hour, _e.begin_at, _e.count.label("studies"))
    query = (
        select(*names, _e.value.label("held_bytes"), _e.limit_value.label("capacity_bytes"), _e.event_id)
        .add_columns(func.coalesce(_e.code, "").label("volume"))
        .where(_e.kind == str(EntryKind.STORAGE), _e.value.is_not(None))
    )
    rows = read_frame(connection, query).sort_values(["begin_at", "event_id"])
    rows["local_date"] = measured_days(rows)
    place = ["site_code", "volume", "modality"]
    last = rows.drop_duplicates([*place, "local_date"], keep="last")
    return last.assign(added_bytes=last.groupby(place, dropna=False)["held_bytes"].diff(), origin=LIST)


def measured_days(rows: pd.DataFrame) -> pd.Series:
    """Return the day each measure is the end of: one taken before noon (a nightly list) ends the day before.

    Else what came in on a month's last day would be the next month's growth.
    """
    before = rows["local_hour"].to_numpy() < NOON
    return rows["local_date"].where(~before, rows["local_date"] - timedelta(days=1))


def _logged(connection: Connection) -> pd.DataFrame:
    t = fact_transmission.c
    by = (t.site_code, t.modality, t.scanner_code, t.local_date)
    query = select(*by, cast(func.sum(t.size_bytes), Double).label("added_bytes"), func.count().label("studies"))
    frame = read_frame(connection, query.where(t.direction == STORE).group_by(*by))
    return frame.assign(origin=TRANSFER, volume="")


def _seen(connection: Connection) -> pd.DataFrame:
    a = fact_acquisition.c
    by = (a.site_code, a.modality, a.scanner_code, a.local_date)
    studies = func.count(a.exam_key.distinct()).label("studies")
    query = select(*by, cast(func.sum(a.size_bytes), Double).label("added_bytes"), studies)
    frame = read_frame(connection, query.where(a.size_bytes.is_not(None)).group_by(*by))
    return frame.assign(origin=SERIES, volume="")


def derive_storage_volumes(connection: Connection, parameters: Parameters, data_at: datetime) -> pd.DataFrame:
    """Return fact_storage_volume rows; fact_storage_day must be up to the events.

    A day still running at the site does not count. Growth is judged over the last 30 days up to the last whole one.
    """
    days = read_frame(connection, select(fact_storage_day))
    today = {site: data_at.astimezone(ZoneInfo(zone)).date() for site, zone in parameters.zones.items()}
    running = np.array([today.get(s) for s in days["site_code"]], dtype=object)
    listed = days["origin"].eq(LIST)  # measured at one moment: of a running day too that is all there is
    days = days[listed | (days["local_date"] < running)]
    rows = [row for one in (VOLUME, [*VOLUME, "modality"]) for row in _volumes(days, one)]
    return _with_room(pd.DataFrame(rows)) if rows else pd.DataFrame()


def _volumes(days: pd.DataFrame, keys: list[str]) -> list[dict[str, Any]]:
    found = []
    for names, mine in days.groupby(keys):
        told = dict(zip(keys, names, strict=True))
        daily = mine.groupby("local_date")[["added_bytes", "held_bytes"]].sum(min_count=1)
        last = daily.index.max()
        daily = daily[daily.index > last - timedelta(days=WINDOW_DAYS)]
        whole = pd.date_range(daily.index.min(), last)
        level = daily["held_bytes"].reindex(whole.date) if told["origin"] == LIST else _level(daily, whole)
        told |= {"local_date": last, "days": int(level.notna().sum()), "held_bytes": daily["held_bytes"].iloc[-1]}
        found.append(told | growth(level.to_numpy(dtype=np.float64)) | _capacity(mine, last, keys))
    return found


def _level(daily: pd.DataFrame, whole: pd.DatetimeIndex) -> pd.Series:
    """Return what had come in by the end of each day; a day on which nothing came is no gap."""
    return daily["added_bytes"].reindex(whole.date).fillna(0.0).cumsum()


def _capacity(mine: pd.DataFrame, last: date, keys: list[str]) -> dict[str, Any]:
    """Return a volume's capacity, which each of its modalities' rows repeats; no part of it is a modality's own."""
    known = mine[mine["local_date"] == last]["capacity_bytes"].dropna()
    whole = "modality" not in keys and len(known)
    return {"capacity_bytes": float(known.max()) if whole else np.nan}


def _with_room(rows: pd.DataFrame) -> pd.DataFrame:
    """Add when the volumes will be full; what comes in fills the site's volumes together."""
    rows = rows.assign(modality=rows.get("modality"))
    whole = rows["modality"].isna()
    listed = rows[whole & rows["origin"].eq(LIST)].groupby("site_code")[["held_bytes", "capacity_bytes"]].sum()
    coming = whole & ~rows["origin"].eq(LIST)
    for name in ("held_bytes", "capacity_bytes"):
        rows[name] = rows[name].where(~coming, rows["site_code"].map(listed[name]))
    free = (rows["capacity_bytes"] - rows["held_bytes"]).clip(lower=0)
    paces = {
        "days_to_full": "bytes_per_day", "days_to_full_low": "fastest_week_per_day",
        "days_to_full_high": "slowest_week_per_day",
    }  # fmt: skip
    return rows.assign(**{name: free / rows[pace].where(rows[pace] > 0) for name, pace in paces.items()})
