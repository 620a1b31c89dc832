"""The instant that counts as now: the latest time at which anything is plausibly known (decision 4)."""

from __future__ import annotations

from datetime import date, datetime

import pandas as pd
from sqlalchemy import Connection, Date, Select, Table, cast, func, select

from etl.settings import OWN_FEED
from etl.warehouse.append import read_frame
from etl.warehouse.parameters import Rules
from etl.warehouse.tables import event, event_dose, event_series

DEFAULT = Rules()


def data_time(connection: Connection, rules: Rules = DEFAULT) -> datetime | None:
    """Return `data_at` of the events held, None without any; stamps of a clock far ahead do not move it.

    Nor does a device's clock that is minutes ahead: on a day of which messages or extracts tell, these say until when.
    What people do in the dashboard says nothing of how far the feeds reach.
    """
    told, *devices = [read_frame(connection, _by_day(t)) for t in (event, event_series, event_dose)]
    days = pd.concat([told, *devices])
    if days.empty:
        return None
    days = days.groupby("day").agg(n=("n", "sum"), last=("last", "max")).sort_index()
    until = latest_plausible(list(days.index), [int(n) for n in days["n"]], rules)
    last: datetime = (days["last"].to_dict() | told.set_index("day")["last"].to_dict())[until].to_pydatetime()
    return last


def _by_day(table: Table) -> Select[tuple[date, int, datetime]]:
    known = func.coalesce(table.c.known_at, table.c.occurred_at)
    day = cast(known, Date).label("day")
    query = select(day, func.count().label("n"), func.max(known).label("last")).group_by(day)
    return query.where(table.c.feed_key != OWN_FEED)


def latest_plausible(days: list[date], counts: list[int], rules: Rules) -> date:
    """Return the last of sorted days before a long gap that hardly any event lies beyond."""
    beyond, total = sum(counts), sum(counts)
    for place, day in enumerate(days[:-1]):
        beyond -= counts[place]
        if (days[place + 1] - day).days > rules.future_gap_days and beyond < rules.future_share * total:
            return day
    return days[-1]
