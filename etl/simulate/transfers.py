"""How images travel: what the archive's log says of every study, and the nightly prefetch beside it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from math import exp

from etl.simulate.acquisitions import has_images, stored_s
from etl.simulate.exam import Exam
from etl.simulate.image_faults import image_fault
from etl.simulate.local import clock_of
from etl.simulate.network import SLOW, is_slow
from etl.simulate.run import Run
from etl.simulate.scenario import SITE, Scenario, chance

STUDY_MB = {"CT": 260, "MR": 190, "DX": 24, "US": 55, "MG": 110, "NM": 12, "XA": 330}
MB = 10**6
MB_PER_S = {"CT": 24.0, "MR": 18.0, "DX": 12.0, "US": 9.0, "MG": 21.0, "NM": 6.0, "XA": 20.0}  # medians
PREFETCH_HOURS = (1.0, 4.0)  # local; stores share the line with it
CONTENDED = 0.4
PREFETCHED = 6  # studies a night


@dataclass(frozen=True, slots=True)
class Transfer:
    """One study's way through the network, in Unix seconds."""

    site: str
    exam: Exam | None  # None for a prior that is fetched
    direction: str
    first_s: int
    last_s: int
    size: int
    instances: int
    modality: str


def study_size(exam: Exam) -> int:
    """Return the bytes of an exam's images."""
    return round(STUDY_MB[exam.modality] * MB * (0.5 + chance("size", exam.study_uid)))


def stored(exam: Exam, scenario: Scenario) -> Transfer | None:
    """Return how an exam's images came into the archive, None where they did not."""
    if not has_images(exam) or image_fault(exam, scenario) == "no_images":
        return None
    size, last_s = study_size(exam), stored_s(exam)
    hour = clock_of(SITE[exam.site].zone).clock_hour(last_s)
    rate = MB_PER_S[exam.modality] * exp(1.1 * (chance(scenario.seed, "rate", exam.key) - 0.5))
    rate *= CONTENDED if PREFETCH_HOURS[0] <= hour < PREFETCH_HOURS[1] else 1.0
    rate *= SLOW if is_slow(scenario, exam.site, last_s) else 1.0
    first_s = max(last_s - max(2, round(size / MB / rate)), (exam.begin_s or last_s) + 1)
    instances = 1 + int(size / MB * 0.9)
    return Transfer(exam.site, exam, "store", min(first_s, last_s - 2), last_s, size, instances, exam.modality)


def prefetched(scenario: Scenario, site: str, day: date) -> Iterator[Transfer]:
    """Yield the priors fetched from the long-term store in the small hours of a local day."""
    midnight_s = clock_of(SITE[site].zone).second(day, 0)
    for number in range(PREFETCHED):
        first_s = midnight_s + int((PREFETCH_HOURS[0] + 2.9 * chance("prefetch", site, day, number)) * 3600)
        size = round((200 + 900 * chance("prefetch size", site, day, number)) * MB)
        seconds = round(size / MB / (9 + 5 * chance("prefetch rate", site, day, number)))
        yield Transfer(site, None, "prefetch", first_s, first_s + seconds, size, size // MB, "CT")


def transfers(run: Run, site: str) -> list[Transfer]:
    """Return everything that moved at a hospital from the first day on, in the order it ended."""
    scenario = run.scenario
    own = (stored(e, scenario) for e in run.exams if e.site == site)
    days = range((run.last_day - scenario.start).days + 1)
    fetched = (t for n in days for t in prefetched(scenario, site, scenario.start + timedelta(days=n)))
    found = [t for t in (*own, *fetched) if t is not None and t.last_s < run.until_s]
    return sorted(found, key=lambda t: (t.last_s, t.first_s, t.exam.key if t.exam else 0))
