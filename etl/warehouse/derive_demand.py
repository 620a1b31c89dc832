"""Demand against capacity by day: modelled minutes ordered and waiting, and the scanners' operating minutes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import BigInteger, ColumnElement, Connection, and_, cast, extract, func, literal_column, select

from etl.warehouse.append import read_frame
from etl.warehouse.local_time import dates, day_numbers, local_days, microsecond, microseconds, times
from etl.warehouse.parameters import Parameters
from etl.warehouse.tables import fact_exam, fact_scanner_hour, fact_visit

QUARTER_S = 900  # every zone's midnight lies on a quarter of an hour
WEEKS_DAYS = 28  # capacity of a week is the mean of so many days, times seven
POOL = ["site_code", "modality"]
_x = fact_exam.c
CLOSED_AT = func.least(
    _x.exam_begin_at, _x.exam_end_at, _x.first_acquisition_at, _x.first_communication_at, _x.cancelled_at, _x.no_show_at
)
WAITED = and_(_x.order_accepted_at.is_not(None), func.coalesce(_x.order_accepted_at < CLOSED_AT, True))
OFF = and_(_x.cancelled_at.is_(None), _x.no_show_at.is_(None))


def derive_demand(connection: Connection, parameters: Parameters, data_at: datetime) -> pd.DataFrame:
    """Return fact_demand_day rows of every pool, one for each local day from its site's first order to the data's now.

    A pool nobody orders from has its capacity all the same.
    """
    minutes = modelled_minutes(connection)
    ordered = _by_day(connection, _x.order_entered_at, _x.order_entered_at.is_not(None), minutes, parameters)
    kept = _by_day(connection, _x.order_entered_at, and_(_x.order_entered_at.is_not(None), OFF), minutes, parameters)
    opened = _by_day(connection, _x.order_accepted_at, WAITED, minutes, parameters)
    closed = _by_day(connection, CLOSED_AT, and_(WAITED, CLOSED_AT.is_not(None)), minutes, parameters)
    operating = _operating(connection)
    rows = _grid(ordered, opened, operating, data_at, parameters)
    for frame, n, work in (
        (ordered, "orders", "ordered_min"), (kept, "kept", "kept_min"), (opened, "in", "in_min"),
        (closed, "out", "out_min"),
    ):  # fmt: skip
        rows = rows.merge(frame.rename(columns={"n": n, "work": work}), on=[*POOL, "day"], how="left")
    rows = rows.merge(operating, on=[*POOL, "day"], how="left")
    rows = _since_opening(rows.sort_values([*POOL, "day"], ignore_index=True))
    gone = rows.groupby(POOL, sort=False)[["in", "in_min", "out", "out_min"]].cumsum()
    weekly = rows.groupby(POOL, sort=False)["operating_min"].rolling(WEEKS_DAYS, min_periods=1).mean()
    return rows[POOL].assign(
        local_date=dates(rows["day"].to_numpy(dtype=np.int64)),
        end_at=_ends(rows, parameters),
        orders=rows["orders"].astype("int64"),
        ordered_min=rows["ordered_min"],
        kept_min=rows["kept_min"],
        operating_min=rows["operating_min"],
        backlog_orders=(gone["in"] - gone["out"]).astype("int64"),
        backlog_min=(gone["in_min"] - gone["out_min"]).round(6),
        weekly_operating_min=7 * weekly.to_numpy(),
    )


def modelled_minutes(connection: Connection) -> pd.DataFrame:
    """Return `work_min` by site, modality and procedure group: median exam duration and median turnover.

    The group NULL holds the modality's own median, for groups nobody has been examined in yet.
    """
    turnover = _median(connection, fact_visit, fact_visit.c.gap_before_min, fact_visit.c.gap_kind == "turnover", POOL)
    groups = [*POOL, "procedure_group"]
    ran = and_(_x.is_performed.is_(True), _x.exam_duration_min.is_not(None))
    by_group = _median(connection, fact_exam, _x.exam_duration_min, ran, groups)
    by_modality = _median(connection, fact_exam, _x.exam_duration_min, ran, POOL).assign(procedure_group=None)
    found = pd.concat([by_group.dropna(subset=["procedure_group"]), by_modality], ignore_index=True)
    found = found.merge(turnover.rename(columns={"median": "turnover"}), on=POOL, how="left")
    return found.assign(work_min=found["median"] + found["turnover"].fillna(0.0))[[*groups, "work_min"]]


def _median(connection: Connection, table: Any, value: Any, condition: Any, names: list[str]) -> pd.DataFrame:
    keys = [table.c[name] for name in names]
    median = func.percentile_cont(literal_column("0.5")).within_group(value).label("median")
    return read_frame(connection, select(*keys, median).where(condition).group_by(*keys))


def _by_day(
    connection: Connection, instant: ColumnElement[Any], condition: Any, minutes: pd.DataFrame, parameters: Parameters
) -> pd.DataFrame:
    """Return how many exams, and how many modelled minutes, by pool and the local day of an instant."""
    quarter = cast(func.floor(extract("epoch", instant) / QUARTER_S), BigInteger).label("quarter")
    keys = (_x.site_code, _x.modality, _x.procedure_group)
    counted = select(*keys, quarter, func.count().label("n")).where(condition, _x.modality.is_not(None))
    names: list[ColumnElement[Any]] = [
        literal_column(name) for name in ("site_code", "modality", "procedure_group", "quarter")
    ]
    frame = read_frame(connection, counted.group_by(*names))
    frame["day"], _ = local_days(
        frame["quarter"].to_numpy(dtype=np.int64) * QUARTER_S * 1_000_000, frame["site_code"], parameters.zones
    )
    whole = minutes[minutes["procedure_group"].isna()].drop(columns="procedure_group")
    frame = frame.merge(minutes.dropna(subset=["procedure_group"]), on=[*POOL, "procedure_group"], how="left")
    frame = frame.merge(whole.rename(columns={"work_min": "other_min"}), on=POOL, how="left")
    work = frame["work_min"].fillna(frame["other_min"]).fillna(0.0) * frame["n"]
    return frame.assign(work=work).groupby([*POOL, "day"], as_index=False)[["n", "work"]].sum()


def _grid(
    ordered: pd.DataFrame, opened: pd.DataFrame, operating: pd.DataFrame, data_at: datetime, parameters: Parameters
) -> pd.DataFrame:
    """Return every day of every pool from its site's first order to now."""
    asked = pd.concat([ordered, opened])
    pools = pd.concat([asked, operating])[POOL].drop_duplicates()
    first = pools.merge(asked.groupby("site_code", as_index=False)["day"].min(), on="site_code")
    first = first.sort_values(POOL, ignore_index=True)
    now = np.full(len(first), microsecond(data_at), dtype=np.int64)
    last, _ = local_days(now, first["site_code"], parameters.zones)
    days = [np.arange(begin, end + 1) for begin, end in zip(first["day"], last, strict=True)]
    every = first[POOL].assign(day=pd.Series(days, index=first.index, dtype=object)).explode("day", ignore_index=True)
    whole: pd.DataFrame = every.dropna(subset=["day"]).astype({"day": "int64"})
    return whole


def _operating(connection: Connection) -> pd.DataFrame:
    h = fact_scanner_hour.c
    keys = (h.site_code, h.modality, h.local_date)
    frame = read_frame(connection, select(*keys, func.sum(h.operating_min).label("operating_min")).group_by(*keys))
    # PostgreSQL sums to nullable integers, whose missing days would be neither open nor closed
    frame["operating_min"] = frame["operating_min"].astype("float64")
    return frame.assign(day=day_numbers(frame["local_date"])).drop(columns="local_date")


def _since_opening(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with nothing where nothing was, but no capacity before a pool's calendar begins.

    Hours of earlier days may be told of, by a booking or an exam; only operating time shows that it has begun.
    """
    opened = rows["operating_min"].gt(0).groupby([rows[name] for name in POOL]).cumsum() > 0
    return rows.assign(operating_min=rows["operating_min"].fillna(0.0).where(opened)).fillna(
        dict.fromkeys(("orders", "ordered_min", "kept_min", "in", "in_min", "out", "out_min"), 0.0)
    )


def _ends(rows: pd.DataFrame, parameters: Parameters) -> pd.Series:
    """Return the instant each local day ends."""
    found = pd.Series(pd.NaT, index=rows.index, dtype="datetime64[us, UTC]")
    wall = pd.DatetimeIndex((rows["day"].to_numpy(dtype=np.int64) + 1).astype("datetime64[D]").astype("datetime64[us]"))
    for site in rows["site_code"].unique():
        mine = (rows["site_code"] == site).to_numpy()
        zone = parameters.zones.get(site, "UTC")
        first = np.ones(int(mine.sum()), dtype=bool)  # of a midnight that comes twice
        local = wall[mine].tz_localize(zone, ambiguous=first, nonexistent="shift_forward")
        found[mine] = times(microseconds(pd.Series(local))).to_numpy()
    return found
