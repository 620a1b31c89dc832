"""The exams a registry is offered: of one site-local month, as they stood at the version's data time."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pandas as pd
from sqlalchemy import ColumnElement, Connection, Select, and_, func, or_, select

from etl.access import Principal, scoped
from etl.errors import RefusedError
from etl.kpis.compute import current_version, site_zones
from etl.submissions.site_maps import SiteMaps
from etl.warehouse.engine import read_frame
from etl.warehouse.tables import fact_dose_event, fact_exam

_x = fact_exam.c
_EXAM = (
    *("exam_key", "accession_token", "site_code", "scanner_code", "modality", "procedure_code", "procedure_group"),
    *("patient_class", "sex", "birth_year", "reader_mode", "order_entered_at", "order_accepted_at", "exam_begin_at"),
    *("exam_end_at", "first_final_at", "report_tat_min", "has_dose_report", "dlp_total_mgy_cm", "ctdivol_max_mgy"),
    *("dap_total_gy_m2", "dose_rp_total_gy", "agd_left_mgy", "agd_right_mgy", "activity_mbq"),
)
_CLOSED = (
    _x.exam_begin_at,
    _x.exam_end_at,
    _x.first_acquisition_at,
    _x.first_communication_at,
    _x.cancelled_at,
    _x.no_show_at,
)


@dataclass(frozen=True, slots=True)
class Asked:
    """The month asked about, of which sites, at which data time, with which site maps."""

    connection: Connection
    principal: Principal
    month: date  # its first day
    zones: dict[str, ZoneInfo]
    data_version: str
    data_at: datetime
    maps: SiteMaps

    @property
    def stop(self) -> date:
        """The first day of the next month."""
        return (self.month + timedelta(days=32)).replace(day=1)

    def census_at(self, site: str) -> datetime:
        """Return the instant at which the month ends at a site, UTC."""
        return datetime(self.stop.year, self.stop.month, 1, tzinfo=self.zones[site]).astimezone(UTC)


@dataclass(slots=True)
class Offered:
    """What a registry's rows were made of: the rows, how many exams were offered, and why others are out of scope."""

    rows: pd.DataFrame
    exams: int
    out_of_scope: dict[str, int] = field(default_factory=dict)


def asked(connection: Connection, principal: Principal, month: date, maps: SiteMaps) -> Asked:
    """Return the question; raises RefusedError while the month is not over in the data of every site."""
    version, zones = current_version(connection), site_zones(connection, principal)
    if not zones:
        raise RefusedError("no site is known that you may see")
    found = Asked(connection, principal, month.replace(day=1), zones, version.name, version.data_at, maps)
    running = sorted(site for site in zones if found.census_at(site) > version.data_at)
    if running:
        until = f"{version.data_at:%Y-%m-%d %H:%M} UTC"
        raise RefusedError(f"{month:%Y-%m} is not over at {', '.join(running)}: data reaches to {until}")
    return found


def performed(asked: Asked, day: ColumnElement[date]) -> pd.DataFrame:
    """Return exams performed in the month by a site-local date column, with the number of their dose events."""
    condition = and_(_x.is_performed.is_(True), day >= asked.month, day < asked.stop)
    frame = _exams(asked, select(*(_x[name] for name in _EXAM)).where(condition))
    # what was signed after the data time is not known yet
    late = frame["first_final_at"] > pd.Timestamp(asked.data_at)
    unknown = {name: frame[name].mask(late) for name in ("first_final_at", "report_tat_min")}
    return frame.assign(**unknown)


def waiting(asked: Asked) -> pd.DataFrame:
    """Return orders accepted and neither begun nor withdrawn at the end of the month, by each site's clock."""
    parts = []
    for site in sorted(asked.zones):
        at = asked.census_at(site)
        still = (or_(column.is_(None), column > at) for column in _CLOSED)
        condition = and_(_x.site_code == site, _x.order_accepted_at < at, *still)
        parts.append(_exams(asked, select(*(_x[name] for name in _EXAM)).where(condition)))
    return pd.concat(parts, ignore_index=True)


def dose_events(asked: Asked, exam_keys: pd.Series[int]) -> pd.DataFrame:
    """Return for each exam the number of irradiation events and the phantoms of their CTDI."""
    c = fact_dose_event.c
    counted = (
        select(
            c.exam_key,
            func.count().label("events"),
            func.min(c.phantom_cm).label("smallest"),
            func.max(c.phantom_cm).label("largest"),
        )
        .where(
            c.exam_key.in_(select(_x.exam_key).where(_x.end_local_date >= asked.month, _x.end_local_date < asked.stop))
        )
        .group_by(c.exam_key)
    )
    frame = read_frame(asked.connection, scoped(counted, asked.principal, fact_dose_event))
    return frame.set_index("exam_key").reindex(exam_keys)


def _exams(asked: Asked, query: Select[tuple[object, ...]]) -> pd.DataFrame:
    ordered = scoped(query, asked.principal, fact_exam).order_by(_x.site_code, _x.accession_token, _x.exam_key)
    return read_frame(asked.connection, ordered)


def left_out(offered: Offered, frame: pd.DataFrame, condition: pd.Series[bool], why: str) -> pd.DataFrame:
    """Return `frame` without the rows out of scope, counted under their reason."""
    number = int(condition.sum())
    if number:
        offered.out_of_scope[why] = offered.out_of_scope.get(why, 0) + number
    return frame[~condition].reset_index(drop=True)


def decided(asked: Asked, registry: str, offered: Offered, frame: pd.DataFrame) -> pd.DataFrame:
    """Return `frame` without the exams the site has decided to leave out, each under its reason."""
    for why in sorted({reason for (which, _), reason in asked.maps.excluded.items() if which == registry}):
        tokens = {t for (which, t), r in asked.maps.excluded.items() if which == registry and r == why}
        frame = left_out(offered, frame, frame["accession_token"].isin(tokens), f"decided: {why}")
    return frame
