"""Oracles of the archive, from the truth of what moved and the raw files of the storage list."""

from __future__ import annotations

from itertools import combinations
from math import nan
from statistics import median

import pandas as pd
from kpi_truth import Measures, Truth, oracle, spread, table


def moved(t: Truth) -> pd.DataFrame:
    """Return what was stored in the period, by local date of its first instance."""
    frame = table(t.folder, "transfers")
    exams = table(t.folder, "exams").set_index("exam_key")
    frame = frame[(frame["direction"] == "store") & (frame["last_at"] <= t.as_of)].copy()
    frame["scanner"] = frame["exam_key"].map(exams["scanner"])
    for name, value in t.where:
        frame = frame[frame["scanner" if name == "code" else name] == value]
    frame["day"] = t.day(frame["first_at"], frame["site"])
    return t.within(frame, frame["first_at"])


@oracle("I01")
def stored(t: Truth) -> Measures:
    frame = moved(t)
    rows = frame.groupby(["site", "modality", "scanner", "day"]).ngroups
    return {"sum": float(frame["size"].sum()) / 1e9, "n": rows, "missing": 0, "open": 0}


def listed(t: Truth) -> pd.DataFrame:
    """Return the rows of the storage lists as the files have them, each with its growth."""
    found = []
    for site in t.zones:
        files = sorted((t.folder / "feeds" / f"{site.lower()}_storage").glob("*.csv"))
        found += [pd.read_csv(file).assign(site=site) for file in files]
    rows = pd.concat(found)
    rows["day"] = (pd.to_datetime(rows["Measured"]) - pd.Timedelta(hours=12)).dt.date  # midnight ends a day
    rows = rows.sort_values("day")
    rows["grown"] = rows.groupby(["site", "Volume", "Modality"])["Bytes Used"].diff()
    for name, value in t.where:
        rows = rows[rows[name.replace("modality", "Modality")] == value]
    return rows


@oracle("I01-list")
def grown(t: Truth) -> Measures:
    rows = listed(t)
    rows = rows[(rows["day"] >= t.start) & (rows["day"] < t.stop)]
    return {"sum": rows["grown"].sum() / 1e9, "n": len(rows), "missing": int(rows["grown"].isna().sum()), "open": 0}


@oracle("I01-full")
def full(t: Truth) -> Measures:
    """Slope by every pair of days, one after the other; less than eight days tell nothing."""
    site = tuple(one for one in t.where if one[0] == "site")
    rows = listed(Truth(t.folder, t.start, t.stop, t.as_of, where=site))
    found: list[tuple[float, float, float]] = []
    volumes = 0
    for _, mine in rows.groupby(["site", "Volume"]):
        volumes += 1
        level = mine.groupby("day")["Bytes Used"].sum().sort_index()
        level = level[level.index > level.index.max() - pd.Timedelta(days=30)]
        free = mine.groupby("day")["Capacity Bytes"].max().sort_index().iloc[-1] - level.iloc[-1]
        pairs = combinations(range(len(level)), 2)
        slopes = [(level.iloc[b] - level.iloc[a]) / (level.index[b] - level.index[a]).days for a, b in pairs]
        weeks = [(level.iloc[n] - level.iloc[n - 7]) / 7 for n in range(7, len(level))]
        if weeks:
            found.append((free / median(slopes), free / max(weeks), free / min(weeks)))
    least = [min(values) for values in zip(*found, strict=True)] or [nan, nan, nan]
    names = ("min", "earliest", "latest")
    return dict(zip(names, least, strict=True)) | {"n": volumes, "missing": volumes - len(found), "open": 0}


@oracle("I02")
def rate(t: Truth) -> Measures:
    frame = moved(t)
    seconds = (frame["last_at"] - frame["first_at"]).dt.total_seconds()
    rates = (frame["size"] / 1e6 / seconds)[seconds >= 1]
    count = {"n": len(frame), "missing": int((seconds < 1).sum()), "open": 0}
    return {"p50": spread(rates)["p50"], "p10": rates.quantile(0.1), **count}


@oracle("I02-span")
def span(t: Truth) -> Measures:
    frame = moved(t)
    minutes = (frame["last_at"] - frame["first_at"]).dt.total_seconds() / 60
    return {**spread(minutes), "n": len(frame), "missing": 0, "open": 0}


@oracle("I04-imageless")
def imageless(t: Truth) -> Measures:
    never = {number for entry in t.planted["images_no_images"] for number in entry["accessions"]}
    # linked accessions are one study: the images of one stand for all of them
    there = t.ended["study_uid"].isin(t.exams.loc[t.exams["available_at"].notna(), "study_uid"])
    lacking = t.ended["accession"].isin(never) | ~there
    return {"numerator": int(lacking.sum()), "n": len(t.ended)}


@oracle("I04-orphans")
def orphans(t: Truth) -> Measures:
    """Series of a stranger five hours after some exams; what was never sent is not there at all."""
    series = table(t.folder, "acquisitions").copy()
    exams = table(t.folder, "exams").set_index("exam_key")
    for name in ("accession", "site", "modality"):
        series[name] = series["exam_key"].map(exams[name])
    for name, value in t.where:
        series = series[series["scanner" if name == "code" else name] == value]
    series["begin_at"] += t.device_ahead(series["scanner"], series["begin_at"])
    never, strange = (
        {number for entry in t.planted[kind] for number in entry["accessions"]}
        for kind in ("images_no_images", "images_no_order")
    )
    own = series[~series["accession"].isin(never)]
    others = series[series["accession"].isin(strange)].copy()
    others["begin_at"] += pd.Timedelta(hours=5)
    own, others = (some[some["begin_at"] <= t.as_of] for some in (own, others))
    own, others = (t.within(some, some["begin_at"]) for some in (own, others))
    return {"numerator": len(others), "n": len(own) + len(others)}
