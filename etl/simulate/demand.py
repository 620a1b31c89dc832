"""Who orders what and when: demand by hospital, modality, patient class, hour, weekday and season."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from hashlib import blake2b
from math import exp

from etl.simulate.calendars import days_between, holiday
from etl.simulate.catalogue import (
    CHANGED_FROM,
    CLASSES,
    LINKED_WITH,
    PROCEDURE,
    Procedure,
    by_modality,
)
from etl.simulate.exam import Exam
from etl.simulate.local import clock_of
from etl.simulate.people import a_patient, an_orderer
from etl.simulate.scenario import SITES, WARM_UP_DAYS, Scenario, SiteSpec, stream

# orders on a normal weekday: emergency, inpatient, outpatient
RATES: dict[tuple[str, str], tuple[float, float, float]] = {
    ("NORTH", "CT"): (31, 13, 29),
    ("NORTH", "MR"): (1.0, 2.6, 14.5),
    ("NORTH", "DX"): (39, 16, 27),
    ("NORTH", "US"): (3.4, 3.8, 14.5),
    ("NORTH", "MG"): (0, 0, 24),
    ("NORTH", "XA"): (0.4, 1.5, 2.0),
    ("SOUTH", "CT"): (22, 9, 13),
    ("SOUTH", "MR"): (0.7, 2.0, 12.5),
    ("SOUTH", "DX"): (30, 14, 23),
    ("SOUTH", "US"): (3.2, 3, 13.5),
    ("SOUTH", "NM"): (0, 1.4, 5.6),
}
WEEKDAY = {
    "E": (1.10, 1.02, 0.99, 0.98, 0.98, 0.95, 1.0),
    "I": (1.06, 1.05, 1.03, 1.0, 0.98, 0.64, 0.60),
    "O": (1.08, 1.05, 1.02, 0.98, 0.87, 0.10, 0.0),
}
GROWTH_A_DAY = 0.0006
HOLIDAY_FACTOR = {"E": 0.92, "I": 0.6, "O": 0.05}
DAY_NOISE = 0.05  # log standard deviation of what moves a whole day
PRIORITIES = {"E": (0.34, 0.80), "I": (0.10, 0.40), "O": (0.01, 0.06)}  # cumulative STAT, urgent
HOURLY = {
    "E": (3.1, 2.5, 2.1, 1.8, 1.7, 1.8, 2.2, 2.9, 3.7, 4.6, 5.3, 5.6,
          5.5, 5.4, 5.4, 5.5, 5.7, 6.1, 6.4, 6.5, 6.1, 5.4, 4.6, 3.8),
    "I": (1.0, 0.8, 0.7, 0.7, 0.9, 2.6, 4.6, 7.2, 9.0, 9.4, 8.7, 7.8,
          6.6, 6.6, 6.5, 6.0, 5.0, 4.0, 3.2, 2.8, 2.4, 2.0, 1.6, 1.2),
    "O": (0, 0, 0, 0, 0, 0, 0, 2.0, 9.0, 12.5, 13.0, 11.5, 7.0, 9.5, 12.0, 11.5, 8.5, 3.0, 0.5, 0, 0, 0, 0, 0),
}  # fmt: skip
LEAD_DAYS = {"CT": 6.0, "MR": 9.0, "US": 6.0, "MG": 14.0, "NM": 7.0, "XA": 5.0}  # medians, outpatients
STAY_DAYS = 4
STAYS = {"NORTH": 110, "SOUTH": 60}
SAME_ED_VISIT = 0.16


@dataclass(frozen=True)
class Order:
    """A drawn order before it becomes an exam."""

    at_s: int
    modality: str
    patient_class: str


def expected(site: str, modality: str, patient_class: str, day: date, scenario: Scenario) -> float:
    """Return the expected orders of a local day."""
    rate = RATES.get((site, modality), (0, 0, 0))[CLASSES.index(patient_class)]
    factor = WEEKDAY[patient_class][day.weekday()] * exp(GROWTH_A_DAY * (day - scenario.start).days)
    if holiday(site, day):
        factor *= HOLIDAY_FACTOR[patient_class]
    return rate * factor * scenario.scale


def poisson(draws: random.Random, mean: float) -> int:
    """Return a Poisson number (Knuth; means here stay below a hundred)."""
    limit, product, n = exp(-mean), draws.random(), 0
    while product > limit:
        product *= draws.random()
        n += 1
    return n


def day_orders(scenario: Scenario, site: SiteSpec, day: date) -> list[Order]:
    """Return the orders of one hospital and local day, in time order."""
    draws = stream(scenario.seed, "orders", site.code, day)
    clock, found = clock_of(site.zone), []
    busy = exp(draws.gauss(0, DAY_NOISE))
    for code, modality in RATES:
        if code != site.code:
            continue
        for patient_class in CLASSES:
            mean = expected(code, modality, patient_class, day, scenario) * busy
            hours = draws.choices(range(24), HOURLY[patient_class], k=poisson(draws, mean))
            midnight = [clock.second(day, hour) for hour in hours]
            found += [Order(s + draws.randrange(3600), modality, patient_class) for s in midnight]
    return sorted(found, key=lambda o: o.at_s)


def exams_of_day(scenario: Scenario, site: SiteSpec, day: date) -> list[Exam]:
    """Return the exams ordered on one local day at one hospital, linked ones beside their leads."""
    found: list[Exam] = []
    day_number = (day - scenario.start).days + WARM_UP_DAYS
    base = (day_number * len(SITES) + SITES.index(site)) * 10_000
    for order in day_orders(scenario, site, day):
        draws = stream(scenario.seed, "exam", base + len(found))
        exam = _exam(scenario, site, base + len(found), order, draws, day)
        _share_visit(exam, found, draws)
        found.append(exam)
        second, chance = LINKED_WITH.get(exam.procedure.code, ("", 0.0))
        if draws.random() < chance:
            found.append(_second(exam, PROCEDURE[second], site, base + len(found)))
    return found


def all_exams(scenario: Scenario, last: date, progress: Callable[[str, int, int], None]) -> list[Exam]:
    """Return the exams of both hospitals in day order, warm-up included (booked outpatients only)."""
    days = list(days_between(scenario.start - timedelta(days=WARM_UP_DAYS), last))
    found: list[Exam] = []
    for number, day in enumerate(days, start=1):
        for site in SITES:
            found += [e for e in exams_of_day(scenario, site, day) if day >= scenario.start or is_booked(e)]
        progress("orders, days", number, len(days))
    return found


def is_booked(exam: Exam) -> bool:
    """Whether this exam gets an appointment: outpatients, except X-ray, where they walk in."""
    return exam.patient_class == "O" and exam.modality != "DX"


def _exam(scenario: Scenario, site: SiteSpec, key: int, order: Order, draws: random.Random, day: date) -> Exam:
    choices = by_modality(order.modality)
    weights = [p.share[CLASSES.index(order.patient_class)] for p in choices]
    procedure: Procedure = draws.choices(choices, weights)[0]
    stat, urgent = PRIORITIES[order.patient_class]
    level = draws.random()
    priority = "S" if level < stat else "A" if level < urgent else "R"
    patient, visit = _patient_and_visit(site, key, order.patient_class, day, draws, procedure)
    exam = Exam(
        key, site.code, procedure, patient, order.patient_class, priority, visit,
        *_numbers(site, key, day), uid(scenario.seed, "study", key), an_orderer(site, order.patient_class, draws),
        order.at_s, order.at_s + 20 + int(draws.expovariate(1 / 240)),
    )  # fmt: skip
    if site.letter == "N":  # its orders are accepted as they are entered
        exam.accepted_s = order.at_s
    _change(exam, draws)
    return exam


def _numbers(site: SiteSpec, key: int, day: date) -> tuple[str, str, str]:
    """Return placer, filler and accession number; in the North filler and accession are the same."""
    serial = f"{day:%y%j}{key % 10_000:04d}"
    if site.letter == "N":
        return f"SIMNP{serial}", f"SIMNA{serial}", f"SIMNA{serial}"
    return f"SIMSP{serial}", f"SIMSF{serial}", f"SIMSA{serial}"


def _patient_and_visit(
    site: SiteSpec, key: int, patient_class: str, day: date, draws: random.Random, procedure: Procedure
) -> tuple[int, str]:
    """Return patient and visit: inpatients share stays of a few days, all others come for this exam."""
    female = procedure.section == "BREAST" or procedure.code == "USPELVIS"
    male = procedure.code == "MRPROSTATE"
    if patient_class == "I" and not female and not male:
        stay = draws.randrange(STAYS[site.code])
        block = (day.toordinal() + stay) // STAY_DAYS
        return a_patient(site, stream(site.code, "stay", stay, block)), f"SIM{site.letter}I{block}{stay:03d}"
    patient = a_patient(site, draws, "F" if female else "M" if male else None)
    return patient, f"SIM{site.letter}{patient_class}{day:%y%j}{key % 10_000:04d}"


def _share_visit(exam: Exam, before: list[Exam], draws: random.Random) -> None:
    """Let an emergency exam belong to a patient already imaged within the last hours."""
    if exam.patient_class != "E" or draws.random() > SAME_ED_VISIT:
        return
    recent = [
        e for e in before[-40:]
        if e.patient_class == "E" and 1800 < exam.ordered_s - e.ordered_s < 4 * 3600 and e.modality != exam.modality
        and exam.procedure.code != "USPELVIS"
    ]  # fmt: skip
    if recent:
        chosen = draws.choice(recent)
        exam.patient, exam.visit = chosen.patient, chosen.visit


def _change(exam: Exam, draws: random.Random) -> None:
    """Let protocolling change the procedure of some CT and MR orders soon after acceptance."""
    other = CHANGED_FROM.get(exam.procedure.code)
    if other is not None and draws.random() < 0.04:
        exam.changed_from = PROCEDURE[other]
        exam.changed_s = exam.accepted_s + 60 + int(draws.random() * 240)


def _second(lead: Exam, procedure: Procedure, site: SiteSpec, key: int) -> Exam:
    serial = f"{lead.placer[5:10]}{key % 10_000:04d}"
    placer, filler, accession = lead.placer[:5] + serial, lead.filler[:5] + serial, lead.accession[:5] + serial
    return Exam(
        key, site.code, procedure, lead.patient, lead.patient_class, lead.priority, lead.visit,
        placer, filler, accession, lead.study_uid, lead.orderer, lead.ordered_s + 20, lead.accepted_s + 20,
        lead=lead.key,
    )  # fmt: skip


def uid(*parts: object) -> str:
    """Return a UID of 43 characters under 2.25 (ISO/IEC 9834-8), the same for the same parts."""
    number = int.from_bytes(blake2b("|".join(map(str, parts)).encode(), digest_size=15).digest(), "big")
    return f"2.25.{10**37 + number}"
