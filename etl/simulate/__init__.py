"""A simulated department with known truth, written out as the feeds a hospital sends (kpis.md E3)."""

from __future__ import annotations

import gc
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from etl.errors import ConfigurationError
from etl.simulate.installation import write_installation
from etl.simulate.run import Progress, run
from etl.simulate.scenario import DAY_S, HOUR_S, WARM_UP_DAYS, Scenario
from etl.simulate.truth import Manifest, read_manifest, write_truth
from etl.simulate.writing import write_feeds

__all__ = ["Summary", "append", "simulate"]


@dataclass(frozen=True)
class Summary:
    """What lies in the folder now."""

    folder: Path
    end: datetime
    exams: int  # of all time
    written: dict[str, int]  # items written by this call, by feed


def simulate(
    folder: Path,
    *,
    seed: int,
    end: datetime,
    days: int = 120,
    dicom_days: int = 14,
    dose_days: int | None = None,
    scale: float = 1.0,
    image_faults: float = 1.0,
    criticals: float = 1.0,
    progress: Progress | None = None,
) -> Summary:
    """Write a department that has lived `days` local days up to the hour of `end` into `folder`.

    The same arguments give the same bytes. Feeds lie in ``feeds/<feed key>/``, the truth in ``truth/``, settings in
    ``radpulse.toml``, report targets in ``targets.csv``; feeds and truth of an earlier department are removed.
    `dicom_days` and `dose_days` (default: the same) last days have DICOM files and dose reports; the days before
    have QIDO-RS answers. `scale` multiplies demand, `image_faults` the share of what goes
    wrong at scanners, `criticals` that of reports with a critical finding.
    """
    until = _hour(end)
    dose = dicom_days if dose_days is None else dose_days
    scenario = Scenario.ending(
        until, seed=seed, days=days, dicom_days=dicom_days, dose_days=dose, scale=scale, image_faults=image_faults,
        criticals=criticals,
    )  # fmt: skip
    for old in ("feeds", "truth"):
        shutil.rmtree(folder / old, ignore_errors=True)
    write_installation(scenario, folder)
    since_s = scenario.origin_s - (WARM_UP_DAYS + 1) * DAY_S
    return _live(folder, scenario, since_s, until, days, progress)


def append(folder: Path, end: datetime, progress: Progress | None = None) -> Summary:
    """Let the department in `folder` live on to the hour of `end` and add what its feeds bring meanwhile.

    No feed file already written changes; nothing is written when less than an hour has passed. Raises
    ConfigurationError when the folder holds no simulated department.
    """
    manifest = read_manifest(folder)
    until = _hour(end)
    if until <= manifest.end:
        return Summary(folder, manifest.end, manifest.exams, {})
    write_installation(manifest.scenario, folder)
    return _live(folder, manifest.scenario, int(manifest.end.timestamp()), until, manifest.days, progress)


def _live(
    folder: Path, scenario: Scenario, since_s: int, until: datetime, days: int, progress: Progress | None
) -> Summary:
    report = progress or _silent
    with _without_collector():
        result = run(scenario, int(until.timestamp()), report)
        written = write_feeds(result, folder / "feeds", since_s, report)
        write_truth(result, folder, Manifest(scenario, until, days, len(result.exams)))
    return Summary(folder, until, len(result.exams), written)


@contextmanager
def _without_collector() -> Iterator[None]:
    """Hold the cycle collector: a million objects live to the end, and walking them takes a quarter of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _hour(end: datetime) -> datetime:
    if end.tzinfo is None:
        raise ConfigurationError(f"the end {end.isoformat()} has no zone; give an aware time")
    at_s = int(end.timestamp())
    return datetime.fromtimestamp(at_s - at_s % HOUR_S, UTC)


def _silent(_what: str, _done: int, _total: int) -> None:
    """Report nothing."""
