"""Invented people: every name says that it is simulated, and every number begins with SIM."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from etl.simulate.scenario import SITE, SiteSpec, stream

POPULATION = {"NORTH": 26_000, "SOUTH": 17_000}
ORDERERS = {"NORTH": 90, "SOUTH": 60}
FEMALE = ("ADA", "BELLA", "CLARA", "DORA", "ELSA", "FIONA", "GRETA", "HANNA", "IRIS", "JUNE", "KARA", "LENA")
MALE = ("ABEL", "BORIS", "CARL", "DAVID", "EMIL", "FELIX", "GUSTAV", "HUGO", "IVAN", "JONAS", "KURT", "LEO")
FAMILY = ("ALDER", "BIRCH", "CEDAR", "DOGWOOD", "ELM", "FIR", "GINKGO", "HAZEL", "IVY", "JUNIPER", "LARCH", "MAPLE")
REFERENCE_DAY = date(2026, 1, 1)


@dataclass(frozen=True)
class Patient:
    """An invented patient; `mrn` is the number before any merge."""

    mrn: str
    family: str
    given: str
    birth: str  # YYYYMMDD
    sex: str


def a_patient(site: SiteSpec, draws: random.Random, sex: str | None = None) -> int:
    """Return a patient's number, even for women and odd for men; low numbers come back most often."""
    n = int(POPULATION[site.code] * draws.random() ** 1.6)
    if sex == "F":
        return n - n % 2
    return n - n % 2 + 1 if sex == "M" else n


@lru_cache(maxsize=60_000)
def patient(site: str, number: int) -> Patient:
    """Return the patient with this number."""
    draws = stream("patient", site, number)
    age = min(97, max(1, int(draws.gauss(56, 20))))
    birth = REFERENCE_DAY - timedelta(days=age * 365 + draws.randrange(365))
    given = draws.choice(MALE if number % 2 else FEMALE)
    mrn = f"SIM{SITE[site].letter}{700_000 + number}"
    return Patient(mrn, f"SIM{draws.choice(FAMILY)}", given, f"{birth:%Y%m%d}", "M" if number % 2 else "F")


def an_orderer(site: SiteSpec, patient_class: str, draws: random.Random) -> str:
    """Return the number of an ordering clinician; emergency physicians are few."""
    n = draws.randrange(12) if patient_class == "E" else 12 + draws.randrange(ORDERERS[site.code] - 12)
    return f"SIM{site.letter}D{n:03d}"


def technologist(site: SiteSpec, scanner: str, day_number: int, hour: float) -> str:
    """Return who works a scanner at this local hour: three shifts, teams change by day."""
    shift = 0 if 7 <= hour < 15 else 1 if 15 <= hour < 23 else 2
    return f"SIM{site.letter}T{scanner[1:]}{shift}{(day_number + shift) % 3}"


@lru_cache(maxsize=2000)
def staff_name(code: str) -> tuple[str, str]:
    """Return family and given name of a staff member."""
    draws = stream("staff", code)
    return f"SIM{draws.choice(FAMILY)}", draws.choice(FEMALE + MALE)
