"""Where pages get frames and results, never connections; what moved a number is in `app.reasons`.

Cached functions take scalars only (and tuples of them), always with scope, role and data version: Streamlit's
cache is shared between users and hashes large frames by sample.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from app.fact_filters import Where
from app.facts import FACTS
from app.facts_dose import DOSE_FACTS
from app.facts_live import LIVE_FACTS
from etl.access import DEMO, ROW_ROLES, Principal, Role, scoped
from etl.errors import ConfigurationError, RefusedError
from etl.kpis import KPIS, drill, values
from etl.kpis.base import Family, Kpi
from etl.kpis.catalogue import FAMILIES
from etl.kpis.query import Query, Result
from etl.kpis.variant_way import answer, variant_sums
from etl.settings import DEFAULT_CONFIG, Settings, load_settings
from etl.targets.effect import Effect
from etl.targets.effect import effects as target_effects_of
from etl.warehouse.engine import current_version as published_version
from etl.warehouse.engine import read_frame, reader_engine
from etl.warehouse.target_rules import TargetRule, own_targets, parsed_targets, site_targets, table_text

CACHED_RESULTS = 2000
DRILL_ROWS = 200


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, of which published version; the mandatory part of every cached call."""

    principal: Principal
    data_version: str

    @property
    def key(self) -> tuple[str, str, str]:
        """Scope, role and data version."""
        return self.principal.scope, str(self.principal.role), self.data_version


@lru_cache(maxsize=4)
def _settings(path: Path, _mtime_ns: int) -> Settings:
    return load_settings(path)


def settings() -> Settings:
    """Return the settings named by RADPULSE_CONFIG; raises ConfigurationError when there are none."""
    path = Path(os.environ.get("RADPULSE_CONFIG", DEFAULT_CONFIG))
    return _settings(path, path.stat().st_mtime_ns) if path.exists() else load_settings(path)


def current_version() -> str:
    """Return the name of the published version; raises RefusedError when nothing readable is published."""
    reader_engine(settings())  # opened once a version; says here, not in some page, when it cannot be read
    return published_version(settings())


def principal() -> Principal:
    """Return who asks: the demo principal, on demo data only; raises ConfigurationError otherwise."""
    if not settings().demo:
        raise ConfigurationError(
            "this installation has no accounts, and without accounts the dashboard shows demonstration data only"
        )
    return DEMO


def asker() -> Asker:
    """Return the present principal and version; cheap, called by every page run."""
    return Asker(principal(), current_version())


def principal_of(scope: str, role: str) -> Principal:
    """Rebuild a principal from its cache key, so that a cached answer depends on nothing else."""
    sites = scope.split(":", 1)[1]
    return Principal("dashboard", Role(role), None if sites == "*" else frozenset(filter(None, sites.split(","))))


@st.cache_data(max_entries=CACHED_RESULTS, show_spinner=False)
def _result(
    scope: str,
    role: str,
    data_version: str,
    kpi: str,
    from_date: date,
    to_date: date,
    by: tuple[str, ...],
    where: Where,
    as_of: datetime | None,
) -> Result:
    query = Query(kpi, from_date, to_date, by, dict(where), as_of)
    return answer(reader_engine(settings()), query, principal_of(scope, role))


def ask(who: Asker, query: Query) -> Result:
    """Compute a KPI query, from the cache where this scope, role and version asked it before."""
    where = tuple(sorted((name, tuple(chosen)) for name, chosen in query.where.items() if chosen))
    return _result(*who.key, query.kpi, query.from_date, query.to_date, query.by, where, query.as_of)


@st.cache_data(max_entries=100, show_spinner=False)
def _variants(
    scope: str, role: str, data_version: str, from_date: date, to_date: date, by: tuple[str, ...], where: Where
) -> pd.DataFrame:
    query = Query("", from_date, to_date, by, dict(where))
    return variant_sums(reader_engine(settings()), query, principal_of(scope, role)).sums


def variants(who: Asker, query: Query) -> pd.DataFrame:
    """Return the sums all variants of utilization are made of, by the query's dimensions."""
    where = tuple(sorted((name, tuple(chosen)) for name, chosen in query.where.items() if chosen))
    return _variants(*who.key, query.from_date, query.to_date, query.by, where)


@st.cache_data(max_entries=CACHED_RESULTS, show_spinner=False)
def _rows(scope: str, role: str, data_version: str, fact: str, arguments: tuple[Any, ...]) -> pd.DataFrame:
    query, tables = (FACTS | DOSE_FACTS | LIVE_FACTS)[fact](*arguments)
    with reader_engine(settings()).connect() as connection:
        return read_frame(connection, scoped(query, principal_of(scope, role), *tables))


def rows(who: Asker, fact: str, *arguments: Any) -> pd.DataFrame:
    """Return the rows of one of `app.facts.FACTS` that the asker may see."""
    return _rows(*who.key, fact, arguments)


def single_rows(who: Asker, fact: str, *arguments: Any) -> pd.DataFrame:
    """Return pseudonymous single rows of one of `app.facts.FACTS`; raises RefusedError for roles without rows."""
    if who.principal.role not in ROW_ROLES:
        raise RefusedError(f"role {who.principal.role} sees aggregates only; ask a manager or analyst for the rows")
    return rows(who, fact, *arguments)


@st.cache_data(max_entries=50, show_spinner=False)
def _drilled(
    scope: str, role: str, data_version: str, kpi: str, from_date: date, to_date: date, where: Where, limit: int
) -> pd.DataFrame:
    query = Query(kpi, from_date, to_date, (), dict(where))
    return drill(reader_engine(settings()), query, principal_of(scope, role), limit)


def rows_behind(who: Asker, query: Query, limit: int = DRILL_ROWS) -> pd.DataFrame:
    """Return the pseudonymous rows a number was counted from; raises RefusedError for roles without rows."""
    if who.principal.role not in ROW_ROLES:
        raise RefusedError(f"role {who.principal.role} sees aggregates only; ask a manager or analyst for the rows")
    where = tuple(sorted((name, tuple(chosen)) for name, chosen in query.where.items() if chosen))
    return _drilled(*who.key, query.kpi, query.from_date, query.to_date, where, limit)


@st.cache_data(max_entries=100, show_spinner=False)
def _values(scope: str, role: str, data_version: str, dimension: str) -> list[str]:
    return values(reader_engine(settings()), dimension, principal_of(scope, role))


def dimension_values(who: Asker, dimension: str) -> list[str]:
    """Return the values a dimension takes, for filter widgets."""
    return _values(*who.key, dimension)


def exported(who: Principal, data_version: str, query: Query) -> Result:
    """Return a result to hand over: computed anew, the same as the command line's.

    Raises RefusedError when another version was published since the screen was drawn: the file would differ.
    """
    if current_version() != data_version:
        raise RefusedError("newer data was published since this link was made, so the file would not equal the screen")
    return answer(reader_engine(settings()), query, who)


def kpi(name: str) -> Kpi:
    """Return a KPI's definition by key or id."""
    return KPIS[name]


def family(key: str) -> Family:
    """Return a KPI family by key."""
    return next(found for found in FAMILIES if found.key == key)


def kpis() -> tuple[Kpi, ...]:
    """Return every KPI definition, in catalogue order."""
    return tuple(KPIS)


def data_at(who: Asker) -> datetime:
    """Return the instant that counts as now: the version's data time, UTC."""
    latest: datetime = rows(who, "version")["data_at"].iloc[0].to_pydatetime()
    return latest


def zones(who: Asker) -> dict[str, ZoneInfo]:
    """Return each visible site's zone."""
    sites = rows(who, "sites")
    return {code: ZoneInfo(zone) for code, zone in zip(sites["site_code"], sites["zone"], strict=True)}


def calendar(sites: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Return country and subdivision whose holidays the first of `sites` keeps; empty where none is set."""
    site = next((s for s in settings().sites if not sites or s.code in sites), None)
    return () if site is None else tuple(filter(None, (site.holidays_country, site.holidays_subdivision)))


def today(who: Asker, sites: tuple[str, ...] = ()) -> date:
    """Return the site-local date of the data time, the latest one where sites lie in several zones."""
    now, known = data_at(who), zones(who)
    chosen = [known[s] for s in sites if s in known] or list(known.values())
    return max(now.astimezone(zone).date() for zone in chosen)


def main_zone(who: Asker, where: Where = ()) -> ZoneInfo:
    """Return the zone times are shown in: the first chosen site's, else the first site's."""
    known = zones(who)
    chosen = next((site for name, sites in where if name == "site" for site in sites if site in known), None)
    return known[chosen] if chosen else next(iter(known.values()))


def first_day(who: Asker) -> date:
    """Return the first site-local date with an exam; the data time's date where there is none."""
    first = rows(who, "first_day")["first_day"].iloc[0]
    return today(who) if first is None or pd.isna(first) else first


def model_card(target: str) -> dict[str, Any] | None:
    """Return the card written beside a forecast's model file, None where there is none."""
    folder = settings().at(settings().forecast_folder)
    path = folder / f"{target}.json"
    if target not in {p.stem for p in folder.glob("*.json")}:
        return None
    card: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return card


@st.cache_data(max_entries=20, show_spinner=False)
def _target_effects(scope: str, role: str, data_version: str, before: str, after: str) -> list[Effect]:
    engine, packs = reader_engine(settings()), pack_rules()
    now, wished = ([*parsed_targets(text), *packs] for text in (before, after))
    return target_effects_of(engine, now, wished, principal_of(scope, role))


def target_effects(who: Asker, after: str) -> list[Effect]:
    """Return what a table of targets given as CSV would change; nothing is written.

    Raises ConfigurationError for a table that is none.
    """
    return _target_effects(*who.key, table_text(own_targets(settings().at(settings().targets_file))), after)


def targets() -> tuple[TargetRule, ...]:
    """Return the targets that hold: the site's own, then those of packs that are switched on."""
    return site_targets(settings())


def pack_rules() -> tuple[TargetRule, ...]:
    """Return the rules of the packs that are switched on."""
    return tuple(rule for rule in targets() if rule.pack)
