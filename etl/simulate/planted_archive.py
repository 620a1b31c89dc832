"""The stories of priors and the archive, as the manifest tells them."""

from __future__ import annotations

from typing import Any

from etl.simulate.lists import CAPACITY_TB, HELD_TB, TB
from etl.simulate.local import utc
from etl.simulate.network import SLOW, SLOW_SITE, slow_evening
from etl.simulate.priors import STORY_MODALITY, STORY_SITE
from etl.simulate.run import Run
from etl.simulate.scenario import DAY_S, SCANNERS
from etl.simulate.transfers import transfers

FILLING = "NORTH"


def slow_network(run: Run) -> dict[str, Any]:
    """Return the evening on which studies crept into the archive."""
    begin_s, end_s = slow_evening(run.scenario)
    return {
        "story": "slow_network", "site": SLOW_SITE, "from": utc(begin_s).isoformat(), "to": utc(end_s).isoformat(),
        "of_the_usual_rate": SLOW,
        "expected_effect": "I02 falls on that day, its slow end (P10) most; priors asked for then come late.",
    }  # fmt: skip


def filling_archive(run: Run) -> dict[str, Any]:
    """Return when the archive is full at the true mean pace of the last 30 days."""
    moved = [t for t in transfers(run, FILLING) if t.direction == "store"]
    before = sum(HELD_TB[m] for m in {s.modality for s in SCANNERS if s.site == FILLING}) * TB
    held = before + sum(t.size for t in moved)
    days = min(30, max(1, (run.until_s - run.scenario.origin_s) // DAY_S))
    pace = sum(t.size for t in moved if t.last_s >= run.until_s - days * DAY_S) / days
    free = CAPACITY_TB[FILLING] * TB - held
    return {
        "story": "filling_archive", "site": FILLING, "bytes_per_day": round(pace), "free_bytes": round(free),
        "days_to_full": round(free / pace, 1) if pace else None,
        "expected_effect": "I01-full at this site is near this many days; the other site has years.",
    }  # fmt: skip


def repeated_without_prior(run: Run) -> dict[str, Any]:
    """Return the emergency CTs that were done again because nobody could see the first."""
    again = [
        e for e in run.exams
        if (e.site, e.modality, e.patient_class, e.order_reason) == (STORY_SITE, STORY_MODALITY, "E", "REPEAT-NOPRIOR")
    ]  # fmt: skip
    return {
        "story": "repeated_without_prior", "site": STORY_SITE, "n": len(again),
        "expected_effect": "P02-redundant is highest for emergency CT of this site.",
        "accessions": [e.accession for e in again],
    }  # fmt: skip
