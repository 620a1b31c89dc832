"""What changed: the last whole day against the same weekdays of the four weeks before, in plain sentences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
import pandas as pd
from sqlalchemy import Engine

from etl.access import Principal
from etl.kpis.base import Kpi
from etl.kpis.catalogue import KPIS
from etl.kpis.compute import compute, current_version, site_zones
from etl.kpis.query import Query
from etl.kpis.spc import LIMIT_FACTOR, mean_moving_range
from etl.kpis.words import amount, difference

WATCHED = ("T16", "T06", "V01-accessions", "U01", "U15", "U21")
MEMBERS = ("scanner", "modality", "site")  # where a change may sit, finest first
WEEKS = 4
FEWEST = 5  # items on the day below which nothing is said
MOST = 3


@dataclass(frozen=True, slots=True)
class Change:
    """A sentence on one KPI; `magnitude` is the distance from the usual in units of its limit (1 is the limit)."""

    text: str
    kpi: str
    direction: str  # "better", "worse", "neutral"
    magnitude: float
    is_signal: bool
    day: date


@dataclass(frozen=True, slots=True)
class _Move:
    kpi: Kpi
    day: date
    value: float
    usual: float
    magnitude: float


def changes(
    engine: Engine,
    principal: Principal,
    as_of: datetime | None = None,
    where: Mapping[str, tuple[str, ...]] | None = None,
) -> list[Change]:
    """Return at most three sentences, the most unusual first; moves within the usual range say so.

    A move counts as unusual beyond 2.66 mean moving ranges of the day's difference from its weekday's mean.
    """
    with engine.connect() as connection:
        as_of = as_of or current_version(connection).data_at
        zones = site_zones(connection, principal)
    if not zones:
        return []
    day = min(as_of.astimezone(zone).date() for zone in zones.values()) - timedelta(days=1)
    moves = [_move(engine, KPIS[key], day, principal, as_of, where or {}) for key in WATCHED]
    found = sorted((move for move in moves if move is not None), key=lambda move: (-move.magnitude, move.kpi.id))
    return [_told(engine, move, principal, as_of, where or {}) for move in found[:MOST] if move.magnitude > 0]


def _move(
    engine: Engine, kpi: Kpi, day: date, principal: Principal, as_of: datetime, where: Mapping[str, tuple[str, ...]]
) -> _Move | None:
    """Return how far the day is from its usual, or None where too little is known."""
    first = day - timedelta(days=7 * WEEKS)
    query = Query(kpi.key, first, day + timedelta(days=1), ("day",), where, as_of)
    frame = compute(engine, query, principal).frame.set_index("day")
    n = frame["n"].reindex([pd.Timestamp(day)]).fillna(0)
    if float(n.iloc[0]) < FEWEST:
        return None
    series = frame[kpi.headline].reindex(pd.date_range(first, day))
    before = series.iloc[:-1].to_numpy().reshape(WEEKS, 7)
    usual = _mean(before[:, 0])
    differences = (before - np.array([_mean(column) for column in before.T])).ravel()
    known = differences[~np.isnan(differences)]
    limit = LIMIT_FACTOR * mean_moving_range(list(known)) if known.size > 7 else float("nan")
    value = float(series.iloc[-1])
    if np.isnan(limit) or np.isnan(value - usual):
        return None
    moved = abs(value - usual)
    magnitude = moved / limit if limit > 0 else float("inf") if moved > 0 else 0.0  # what never moved, moved
    return _Move(kpi, day, value, usual, magnitude)


def _mean(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else float("nan")


def _told(
    engine: Engine, move: _Move, principal: Principal, as_of: datetime, where: Mapping[str, tuple[str, ...]]
) -> Change:
    kpi, up = move.kpi, move.value > move.usual
    is_signal = move.magnitude > 1
    better = kpi.better if kpi.better == "neutral" else "better" if up == (kpi.better == "higher") else "worse"
    member = _member(engine, move, principal, as_of, where) if is_signal else None
    what = "median " if kpi.headline == "p50" else ""
    sentence = (
        f"{kpi.label} on {move.day:%A} {move.day.day} {move.day:%B}: {what}{amount(move.value, kpi.unit)}, "
        f"{difference(move.value, move.usual, kpi.unit)} from {amount(move.usual, kpi.unit)}, "
        f"the mean of the {WEEKS} {move.day:%A}s before, {'outside' if is_signal else 'within'} its usual range"
    )
    sentence += f"; the largest part in {member}." if member else "."
    return Change(sentence, kpi.id, better, move.magnitude, is_signal, move.day)


def _member(
    engine: Engine, move: _Move, principal: Principal, as_of: datetime, where: Mapping[str, tuple[str, ...]]
) -> str | None:
    """Return the dimension member that moved most in the change's direction, as 'scanner NCT1'."""
    dimension = next((name for name in MEMBERS if name in move.kpi.dimensions), None)
    if dimension is None:
        return None
    first = move.day - timedelta(days=7 * WEEKS)
    query = Query(move.kpi.key, first, move.day + timedelta(days=1), ("day", dimension), where, as_of)
    frame = compute(engine, query, principal).frame
    frame = frame[frame["day"].isin([pd.Timestamp(move.day - timedelta(days=7 * week)) for week in range(WEEKS + 1)])]
    parts = _contributions(frame, dimension, move)
    if parts.empty or parts.max() <= 0:
        return None
    return f"{dimension} {parts.idxmax()}"


def _contributions(frame: pd.DataFrame, dimension: str, move: _Move) -> pd.Series[float]:
    """Return by member how much it adds to the change: differences of counts, weighted differences of the rest."""
    now = frame[frame["day"] == pd.Timestamp(move.day)].set_index(dimension)
    before = frame[frame["day"] != pd.Timestamp(move.day)].groupby(dimension)
    headline = move.kpi.headline
    if headline == "count":  # a member without items on a day had none
        members = now.index.union(pd.Index(list(before.groups)))
        delta = now[headline].reindex(members).fillna(0) - before[headline].sum().reindex(members).fillna(0) / WEEKS
    else:
        delta = (now[headline] - before[headline].mean()) * now["n"] / now["n"].sum()
    towards: pd.Series[float] = delta.dropna() * np.sign(move.value - move.usual)
    return towards
