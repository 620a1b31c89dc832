"""The registry of all KPIs, in the order of the catalogue; a new family is one file and one line here."""

from __future__ import annotations

from etl.kpis import (
    access_times,
    access_waits,
    ai,
    capacity,
    critical,
    dose,
    dose_levels,
    feeds,
    first_case,
    flow,
    followups,
    pacs,
    priors,
    quality_imaging,
    quality_report,
    quality_reviews,
    queues,
    report_aftermath,
    reporting,
    slot_supply,
    targets,
    value,
    variants,
    volume,
)
from etl.kpis.base import Family, Kpi, Registry

FAMILIES: tuple[Family, ...] = (
    Family(
        "turnaround",
        "Turnaround",
        "How long do reports take, and where does the time go?",
        (flow, first_case, reporting, report_aftermath, targets),
    ),
    Family(
        "utilization",
        "Utilization",
        "Are the scanners used as planned, and where is time lost?",
        (capacity, variants, value),
    ),
    Family(
        "access",
        "Access",
        "How soon can a patient come, and what becomes of the slots?",
        (access_waits, slot_supply, access_times, queues),
    ),
    Family(
        "communication",
        "Critical and follow-up",
        "Are critical findings told in time, and do recommended exams happen?",
        (critical, followups),
    ),
    Family("volume", "Volumes", "How much work came in and went out?", (volume,)),
    Family("data", "Data quality", "Can the numbers be trusted?", (feeds,)),
    Family("quality", "Quality", "What is getting worse, and why?", (quality_report, quality_reviews, quality_imaging)),
    Family("ai", "AI oversight", "Is the AI in time and right, and whom does it delay?", (ai,)),
    Family("dose", "Radiation dose", "Is dose in line with the references, and is it recorded?", (dose, dose_levels)),
    Family("priors", "Priors and repeats", "Are earlier images there, and how often is an exam repeated?", (priors,)),
    Family("pacs", "PACS and storage", "Do images arrive in time, and when is the archive full?", (pacs,)),
)
KPIS = Registry([kpi for family in FAMILIES for kpi in family.kpis])


def family_of(kpi: Kpi) -> Family:
    """Return the family a KPI belongs to."""
    return next(family for family in FAMILIES if kpi in family.kpis)
