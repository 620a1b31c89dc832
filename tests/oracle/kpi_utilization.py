"""Oracles of utilization with denominators of its own, of reading per rostered hour, and of the sites' own tables."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import cache
from math import nan

import numpy as np
import pandas as pd
from kpi_scanners import Seconds, gaps, scanner_seconds, shared, visits
from kpi_truth import Measures, Truth, minutes, oracle, table


def days_told(t: Truth, scanner: dict[str, object]) -> list[tuple[Seconds, int]]:
    """Return each day of a scanner from its first operating one to the last whole hour, and the whole day's seconds.

    Its calendar is sent months ahead: no last operating day ever lies behind.
    """
    everything = replace(t, start=t.start - timedelta(days=30), stop=t.stop + timedelta(days=400))
    calendar = everything.openings[everything.openings["scanner"] == scanner["code"]]
    opened = list(calendar[calendar["kind"] == "open"]["day"])
    zone = t.zones[str(scanner["site"])]
    found: list[tuple[Seconds, int]] = []
    if not opened:
        return found
    day = t.start
    while day < t.stop:
        whole = Seconds(
            replace(t, start=day, stop=day + timedelta(days=1), as_of=t.as_of + timedelta(days=999)), scanner
        )
        if whole.begin < t.edge(zone) and min(opened) <= day:
            told = Seconds(replace(t, start=day, stop=day + timedelta(days=1)), scanner)
            found.append((told, whole.size))
        day += timedelta(days=1)
    return found


def clock(t: Truth) -> dict[str, float]:
    """Return the denominators that hang on the clock, in minutes: all hours, 50 hours a week, stated hours."""
    found = {"clock": 0.0, "week": 0.0, "stated": 0.0}
    for scanner in t.scanners:
        for name, value in _clock(replace(t, where=(("code", scanner["code"]),))).items():
            found[name] += value
    return found


@cache
def _clock(one: Truth) -> dict[str, float]:
    t, found = one, {"clock": 0.0, "week": 0.0, "stated": 0.0}
    for scanner in one.scanners:
        stated = scanner.get("stated_hours_per_day")
        calendar = t.openings[(t.openings["scanner"] == scanner["code"])]
        for told, whole in days_told(t, scanner):
            found["clock"] += told.size / 60
            found["week"] += 50 * 60 / 7 * told.size / whole
            if stated:
                kind = {name: told.of(part["begin_at"], part["end_at"]) for name, part in calendar.groupby("kind")}
                nothing = np.zeros(told.size, dtype=bool)
                is_open = (kind.get("open", nothing) & ~kind.get("closure", nothing)).any()
                found["stated"] += stated * 60 * told.size / whole if is_open else 0.0
        if not stated:
            found["stated"] += scanner_seconds(one)["planned"] / 60
    return found


@oracle("U03")
def um_utilization(t: Truth) -> Measures:
    scan, number = 0.0, 0
    changes = gaps(t)
    edges = {site: pd.Timestamp(t.edge(zone), unit="s", tz="UTC") for site, zone in t.zones.items()}
    changes = changes[(changes["gap"] <= 45) & (changes["at"] < changes["site"].map(edges))]["gap"]
    for scanner in t.scanners:
        edge = edges[scanner["site"]]
        seen = visits(t, scanner)
        begun = t.within(seen, seen["begin_at"])
        begun = begun[begun["begin_at"] < edge]
        scan += minutes(begun["begin_at"], begun["stop"]).sum()
        number += len(begun)
    whole = scan + (changes.mean() if len(changes) else 0.0) * number
    available = clock(t)["stated"]
    return shared(whole, available)


@oracle("U04-24h")
def schedule_utilization_24h(t: Truth) -> Measures:
    booked, all_hours = scanner_seconds(t)["booked"] / 60, clock(t)["clock"]
    return shared(booked, all_hours)


@oracle("U06")
def cms_utilization(t: Truth) -> Measures:
    used, week = scanner_seconds(t)["table"] / 60, clock(t)["week"]
    return shared(used, week)


@oracle("U07")
def acquisition_share(t: Truth) -> Measures:
    series = table(t.folder, "acquisitions").merge(
        t.exams[["exam_key", "site", "scanner", "begin_at", "linked_to"]].rename(columns={"begin_at": "exam_at"}),
        on="exam_key",
        suffixes=("_told", ""),
    )
    with_files = t.day(series["exam_at"], series["site"]).map(str) >= t.manifest["scenario"]["dicom_from"]
    series["tells"] = series["states_end"] & with_files
    ahead = t.device_ahead(series["scanner"], series["exam_at"])
    series["begin_at"], series["end_at"] = series["begin_at"] + ahead, series["end_at"] + ahead
    series["lead"] = series["linked_to"].fillna(series["exam_key"])
    acquired, lasted = 0.0, 0.0
    for scanner in t.scanners:
        edge = pd.Timestamp(t.edge(t.zones[scanner["site"]]), unit="s", tz="UTC")
        seen = visits(t, scanner)
        ended = seen[(seen["begin_at"] < edge) & (seen["stop"] < pd.Timestamp(t.as_of))]
        for lead, visit in t.within(ended, ended["begin_at"]).iterrows():
            mine = series[series["lead"] == lead]
            several = mine[mine["instances"] > 1]
            if several.empty or not several["tells"].all():
                continue
            begin = int(visit["begin_at"].timestamp())
            seconds = np.zeros(int(visit["stop"].timestamp()) - begin, dtype=bool)
            for one in mine[mine["tells"]].itertuples():
                since, until = (int(at.timestamp()) - begin for at in (one.begin_at, one.end_at))
                seconds[max(since, 0) : max(until, 0)] = True
            acquired += seconds.sum() / 60
            lasted += len(seconds) / 60
    return {"share": acquired / lasted if lasted else nan, "numerator": acquired or nan, "available": lasted or nan}


def roster(t: Truth, site: str) -> pd.DataFrame:
    """Return who was rostered to read at a hospital; people who read for two are on both rosters."""
    files = sorted((t.folder / "feeds" / f"{site.lower()}_roster").glob("*.csv"))
    rows = pd.concat([pd.read_csv(file, dtype=str) for file in files])
    rows = rows[rows["Role"] == "Radiologist"]
    begin = pd.to_datetime(rows["Date"] + " " + rows["Start"])
    end = pd.to_datetime(rows["Date"] + " " + rows["End"].replace("24:00", "00:00"))
    end = end.where(end > begin, end + pd.Timedelta(days=1))
    zone = t.zones[site]
    first = np.ones(len(rows), dtype=bool)  # of an hour that comes twice
    begin, end = (at.dt.tz_localize(zone, ambiguous=first) for at in (begin, end))
    found = pd.DataFrame({"reader": rows["Staff ID"], "begin": begin, "end": end})
    return found.drop_duplicates().reset_index(drop=True)


def reading(t: Truth) -> tuple[float, pd.DataFrame, int]:
    """Return rostered minutes, finals signed on the roster, and the number of those signed off it."""
    wanted = dict(t.where).get("site")
    parts = [_reading(t, site) for site in t.zones if wanted in (None, site)]
    finals = pd.concat([part[1] for part in parts])
    return sum(part[0] for part in parts), finals, sum(part[2] for part in parts)


def _reading(t: Truth, site: str) -> tuple[float, pd.DataFrame, int]:
    people = roster(t, site)
    zone = t.zones[site]
    first, stop = (pd.Timestamp(d).tz_localize(zone) for d in (t.start, t.stop))
    stop = min(stop, pd.Timestamp(t.edge(zone), unit="s", tz="UTC"))
    inside = people.assign(begin=people["begin"].clip(lower=first), end=people["end"].clip(upper=stop))
    rostered = minutes(inside["begin"], inside["end"]).clip(lower=0).sum()
    finals = t.exams[(t.exams["site"] == site) & t.exams["reader"].isin(people["reader"])]
    finals = finals[(finals["final_at"] >= first) & (finals["final_at"] < stop)]
    on_duty = [
        bool(((people["reader"] == f.reader) & (people["begin"] <= f.final_at) & (f.final_at < people["end"])).any())
        for f in finals.itertuples()
    ]
    mask = np.array(on_duty, dtype=bool)
    return rostered, finals[mask], int((~mask).sum())


@oracle("U22")
def throughput(t: Truth) -> Measures:
    rostered, finals, off = reading(t)
    if not rostered:
        return {"per_hour": nan, "off_roster": nan, "available": nan}
    hours = rostered / 60
    return {"per_hour": len(finals) / hours, "off_roster": off / hours, "numerator": len(finals), "available": rostered}


@oracle("U22-wrvu")
def weighted_throughput(t: Truth) -> Measures:
    rostered, finals, _ = reading(t)
    if not rostered:
        return {"per_hour": nan, "available": nan}
    units = valued(t, finals, "rvu", "Work RVU").sum()
    return {"per_hour": units / rostered * 60, "numerator": units, "available": rostered}


def valued(t: Truth, exams: pd.DataFrame, kind: str, column: str) -> pd.Series:
    """Return by exam what its hospital's table says of its code on the day it ended."""
    tables = {}
    for site, zone in t.zones.items():
        files = sorted((t.folder / "feeds" / f"{site.lower()}_{kind}").glob("*.csv"))
        rows = pd.concat([pd.read_csv(file) for file in files]).sort_values("Valid From", kind="stable")
        for code, mine in rows.groupby("Procedure Code"):
            begins = [pd.Timestamp(day).tz_localize(zone) for day in mine["Valid From"]]
            tables[site, code] = list(zip(begins, mine[column], strict=True))
    found = []
    for exam in exams.itertuples():
        at = exam.end_at if pd.notna(exam.end_at) else exam.final_at
        valid = [value for begin, value in tables.get((exam.site, exam.local_code), []) if begin <= at]
        found.append(float(valid[-1]) if valid else nan)
    return pd.Series(found, index=exams.index, dtype=float)


def of_table(t: Truth, kind: str, column: str) -> Measures:
    values = valued(t, t.ended, kind, column)
    known = values.dropna()
    return {"sum": known.sum(), "p50": known.quantile(0.5), "n": len(values), "missing": values.isna().sum(), "open": 0}


@oracle("V02")
def work_units(t: Truth) -> Measures:
    return of_table(t, "rvu", "Work RVU")


@oracle("V02-money")
def money(t: Truth) -> Measures:
    return of_table(t, "costs", "Cost")
