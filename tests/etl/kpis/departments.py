"""Small simulated departments that differ in what trips a KPI up: zone, calendar, scanners, feeds, faults, DST.

Every one is drawn from its number alone, so that a disagreement can be lived again.
"""

from __future__ import annotations

import json
import random
import shutil
import sys
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from etl import pipeline
from etl.settings import load_settings
from etl.simulate import demand, faults, scenario, simulate
from etl.simulate.planted import repeated_hour
from etl.staging import make_key

ZONES = ("Europe/Berlin", "America/New_York", "Australia/Sydney", "Australia/Lord_Howe", "Asia/Kolkata")
# the local Sunday on which clocks change, in 2026; Kolkata's never do
SPRING = {
    "Europe/Berlin": date(2026, 3, 29),
    "America/New_York": date(2026, 3, 8),
    "Australia/Sydney": date(2026, 10, 4),
    "Australia/Lord_Howe": date(2026, 10, 4),
    "Asia/Kolkata": date(2026, 5, 10),
}
AUTUMN = {
    "Europe/Berlin": date(2026, 10, 25),
    "America/New_York": date(2026, 11, 1),
    "Australia/Sydney": date(2026, 4, 5),
    "Australia/Lord_Howe": date(2026, 4, 5),
    "Asia/Kolkata": date(2026, 9, 13),
}
MIXES: tuple[tuple[str, ...], ...] = (
    ("CT", "MR", "DX", "US", "MG", "XA", "NM"),
    ("CT", "MR", "DX"),
    ("CT", "XA", "NM"),
    ("DX", "US", "MG"),
    ("MR", "US", "NM"),
)
# feeds that may be missing, and what then nobody can tell
OPTIONAL: dict[str, tuple[str, ...]] = {
    "none": (),
    "dose": ("dose",),
    "roster": ("roster",),
    "ai": ("ai", "verdicts", "adjudications"),
    "lists": ("reviews", "learning", "incidents", "rejects", "reference", "qc"),
    "archive": ("storage", "transfers"),
    "value": ("rvu", "costs", "cds"),
}
SHARES = ("LOST", "NEVER_ENDED", "DUPLICATED", "RESENT", "LATE")
NIGHT_HOURS = ((0, 6, 0.0, 6.0), (0, 6, 20.0, 24.0))


@dataclass(frozen=True)
class Plan:
    """What a department is like."""

    number: int
    zones: tuple[str, str]  # of North and South
    end: datetime
    days: int
    scale: float
    faults: float  # multiplies the shares of message and image faults
    modalities: tuple[str, ...]
    missing: str
    calendar: str  # usual, none, nights
    is_single: bool  # one scanner a hospital

    @property
    def period(self) -> tuple[date, date]:
        """The local days asked about: the last three and the one that has begun."""
        last = self.end.date()
        return last - timedelta(days=self.days - 1), last + timedelta(days=2)


def plan(number: int) -> Plan:
    """Return the department of a number: zones in turn, all else drawn."""
    draws = random.Random(number)  # noqa: S311 - reproducible invention, no secret
    zones = ZONES[number % 5], ZONES[(number // 5 + number) % 5]
    is_single, is_nightly = number % 10 == 7, number % 10 == 9
    # who works at night has times in the hour that autumn repeats, which feeds without offset cannot tell
    week = (SPRING, SPRING if is_single or is_nightly else AUTUMN, None)[number % 3]
    day = week[zones[0]] + timedelta(days=draws.choice((0, 1, 2))) if week else date(2026, 6, 10) + timedelta(number)
    end = datetime(day.year, day.month, day.day, draws.choice((4, 11, 17, 22)), tzinfo=UTC)
    return Plan(
        number, zones, end, 4, 0.5 if is_single else 0.15, draws.choice((0.0, 1.0, 6.0)),
        ("CT",) if is_single else draws.choice(MIXES), draws.choice(list(OPTIONAL)),
        "none" if number % 10 == 4 else "nights" if is_nightly else "usual", is_single,
    )  # fmt: skip


def scanners(wanted: Plan) -> tuple[scenario.ScannerSpec, ...]:
    """Return the scanners of a plan; those that work at night only are booked at night."""
    kept = [s for s in scenario.SCANNERS if s.modality in wanted.modalities]
    if wanted.is_single:
        kept = [s for s in kept if s.code in ("NCT2", "SCT1")]
    if wanted.calendar != "nights":
        return tuple(kept)
    return tuple(
        replace(s, hours=NIGHT_HOURS, slots=((0, 6, 20.0, 24.0, s.slots[0][4]),) if s.slots else ()) for s in kept
    )


def vary(wanted: Plan, patch: pytest.MonkeyPatch) -> None:
    """Let the simulator live in the plan's world instead of its own."""
    sites = tuple(replace(s, zone=zone) for s, zone in zip(scenario.SITES, wanted.zones, strict=True))
    specs = scanners(wanted)
    kept = {(s.site, s.modality) for s in specs}
    for name, module in list(sys.modules.items()):
        if name.startswith("etl.simulate") and hasattr(module, "SITES"):
            patch.setattr(module, "SITES", sites)
        if name.startswith("etl.simulate") and hasattr(module, "SCANNERS"):
            patch.setattr(module, "SCANNERS", specs)
    for site in sites:
        patch.setitem(scenario.SITE, site.code, site)
    for spec in specs:
        patch.setitem(scenario.SCANNER, spec.code, spec)
    for pair in set(demand.RATES) - kept:
        patch.setitem(demand.RATES, pair, (0, 0, 0))
    for name in SHARES:
        patch.setattr(faults, name, getattr(faults, name) * wanted.faults)
    if wanted.calendar == "nights":
        for kind, hours in demand.HOURLY.items():
            patch.setitem(demand.HOURLY, kind, hours[12:] + hours[:12])


def tells_twice(place: Path, wanted: Plan) -> bool:
    """Whether anything happened in the hour that autumn repeats: told without offset it is read an hour early."""
    first, last = wanted.period
    exams = pd.read_parquet(place / "truth" / "exams.parquet")
    for site, zone in zip(("NORTH", "SOUTH"), wanted.zones, strict=True):
        span = repeated_hour(zone, first - timedelta(days=1), last)
        mine = exams[exams["site"] == site]
        if span is not None:
            instants = pd.concat([mine[name] for name in mine.columns if name.endswith("_at")])
            if instants.between(*pd.to_datetime(span, unit="s", utc=True), inclusive="left").any():
                return True
    return False


def loses_a_booking(place: Path) -> bool:
    """Whether a booking's message is lost: the RIS list knows the appointment, nobody when and where it was made."""
    planted = json.loads((place / "truth" / "manifest.json").read_text(encoding="utf-8"))["planted"]
    return any("S12" in entry["messages"] for entry in planted if entry.get("fault") == "lost")


def build(place: Path, wanted: Plan) -> Path:
    """Simulate a plan's department in `place`, take away what is missing, ingest, derive and publish."""
    with pytest.MonkeyPatch.context() as patch:
        vary(wanted, patch)
        for seed in range(1000 + wanted.number, 3000, 100):
            simulate(
                place, seed=seed, end=wanted.end, days=wanted.days, dicom_days=2, scale=wanted.scale,
                image_faults=wanted.faults, criticals=4.0,
            )  # fmt: skip
            if not tells_twice(place, wanted) and not loses_a_booking(place):
                break
    for suffix in (*OPTIONAL[wanted.missing], *(("openings",) if wanted.calendar == "none" else ())):
        for folder in (place / "feeds").glob(f"*_{suffix}"):
            shutil.rmtree(folder)
            folder.mkdir()
    if wanted.missing == "dose":
        exams = pd.read_parquet(place / "truth" / "exams.parquet")
        exams.assign(sends_dose_report=False).to_parquet(place / "truth" / "exams.parquet")
    if wanted.calendar == "none":
        for name in ("openings", "template_slots"):
            pd.read_parquet(place / "truth" / f"{name}.parquet")[:0].to_parquet(place / "truth" / f"{name}.parquet")
    settings = load_settings(place / "radpulse.toml")
    make_key(settings.at(settings.identity.key_file))
    with pipeline.exclusive(settings), pipeline.writer(settings) as engine:
        pipeline.ingest(settings, engine)
        pipeline.derive_facts(settings, engine)
        pipeline.publish_version(settings, engine)
    return place
