"""What each site's feeds tell at all: event types as mapped, lists, calendars, series and dose reports."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pandas as pd
from sqlalchemy import ColumnElement, Connection, Select, Table, case, func, literal_column, select

from etl.warehouse.append import read_frame
from etl.warehouse.event_set import TYPES, event_types
from etl.warehouse.order_ratings import is_rated
from etl.warehouse.parameters import Parameters
from etl.warehouse.tables import event, event_dose, event_entry, event_opening, event_series

COLUMNS = ["site_code", "what", "n", "first_at", "last_at"]


def derive_evidence(connection: Connection, parameters: Parameters, data_at: datetime) -> pd.DataFrame:
    """Return fact_evidence rows of all events held."""
    told = [
        _workflow(connection, parameters),
        *(read_frame(connection, q) for q in _others(parameters)),
        _set(parameters),
    ]
    rows = pd.concat([frame for frame in told if len(frame)] or told)
    summed = {"n": ("n", "sum"), "first_at": ("first_at", "min"), "last_at": ("last_at", "max")}
    found = rows.groupby(["site_code", "what"], as_index=False).agg(**summed)
    return found[COLUMNS]


def _workflow(connection: Connection, parameters: Parameters) -> pd.DataFrame:
    columns = (event.c.feed_key, event.c.site_code, event.c.local_code)
    rows = read_frame(connection, select(*columns, *_seen(event)).group_by(*columns))
    kind = event_types(rows, parameters)
    rows["what"] = [str(TYPES[code]) if code >= 0 else None for code in kind]
    return rows[rows["what"].notna()][COLUMNS]


def _set(parameters: Parameters) -> pd.DataFrame:
    """Return what a site has loaded, set or switched on itself: references, levels, rules of clocks."""
    dose = parameters.dose
    found = [("reference.drl", "*")] * bool(dose.references) + [("reference.ct_measure", "*")] * bool(
        dose.ct_categories
    )
    found += [(f"level.{rule.purpose}", rule.site) for rule in dose.levels]
    found += [("rule_pack.wait_clock", "*")] * bool(parameters.clock_rules)
    rows = [
        (site.code, what, 1, None, None) for what, of in found for site in parameters.sites if of in ("*", site.code)
    ]
    frame = pd.DataFrame(rows, columns=COLUMNS)
    return frame.assign(**{name: pd.to_datetime(frame[name], utc=True) for name in ("first_at", "last_at")})


def _others(parameters: Parameters) -> Iterator[Select[tuple[object, ...]]]:
    image = case(
        (event_dose.c.origin == "image", literal_column("'dose_image'")), else_=literal_column("'dose_report'")
    )
    yield _by(event_entry, literal_column("'entry.'") + event_entry.c.kind)
    yield _by(event_opening, literal_column("'opening.'") + event_opening.c.kind)
    yield _by(event_series, literal_column("'series'"))
    yield _by(event_dose, image)
    if parameters.order_ratings:
        yield _by(event, literal_column("'order.rating'"), is_rated(parameters.order_ratings))


def _by(table: Table, what: ColumnElement[str], *where: ColumnElement[bool]) -> Select[tuple[object, ...]]:
    named = select(table.c.site_code, what.label("what"), table.c.occurred_at).where(*where).subquery()
    return select(named.c.site_code, named.c.what, *_seen(named)).group_by(named.c.site_code, named.c.what)


def _seen(table: object) -> tuple[ColumnElement[Any], ...]:
    at = table.c.occurred_at  # type: ignore[attr-defined]  # a table or a subquery
    return func.count().label("n"), func.min(at).label("first_at"), func.max(at).label("last_at")
