"""The hospitals' own tables of work units and money, in invented local codes and weights: presets `rvu` and `costs`.

A story lies in them: two weeks before the last day CT of the trunk is weighed higher, and one procedure that North
has done all along is in nobody's table.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from etl.simulate.catalogue import PROCEDURES, Procedure
from etl.simulate.local import clock_of
from etl.simulate.run import Run
from etl.simulate.scenario import SITE

RVU = ("Procedure Code", "Modality", "Work RVU", "Valid From", "Valid To", "Approved")
COSTS = ("Procedure Code", "Modality", "Cost", "Currency", "Valid From", "Valid To", "Approved")
REVISED_DAYS, APPROVED_DAYS = 14, 7  # before the last day, and before the revision holds
REVISED_PARTS = ("CHEST", "ABDOMENPELVIS")
REVISED_BY = 1.15
NOT_IN_THE_TABLE = {"NORTH": "NMHIDA", "SOUTH": ""}

Line = tuple[object, ...]


def code_at(site: str, procedure: Procedure) -> str:
    """Return a procedure's code as the hospital's own systems write it."""
    return procedure.code if site == "NORTH" else procedure.south_code


def cost_tables(run: Run, site: str, since_s: int) -> Iterator[tuple[str, list[Line], list[Line]]]:
    """Yield name, work units and money of the tables approved in [since, until)."""
    start, revised = run.scenario.start, run.scenario.anchor - timedelta(days=REVISED_DAYS)
    clock = clock_of(SITE[site].zone)
    versions = [(start.replace(day=1), start, 1.0)]
    if revised - timedelta(days=APPROVED_DAYS) > start:
        versions.append((revised, revised - timedelta(days=APPROVED_DAYS), REVISED_BY))
    for valid, approved, factor in versions:
        if since_s <= clock.second(approved, 12) < run.until_s:
            listed = [p for p in PROCEDURES if p.code != NOT_IN_THE_TABLE[site] and (factor == 1.0 or is_revised(p))]
            units = [_line(site, p, (f"{work_units(p, factor):.2f}",), valid, approved) for p in listed]
            money = [_line(site, p, (money_of(p), "USD"), valid, approved) for p in listed]
            yield f"{approved}", units, money


def is_revised(procedure: Procedure) -> bool:
    """Whether the second table weighs a procedure anew."""
    return procedure.modality == "CT" and procedure.body_part in REVISED_PARTS


def work_units(procedure: Procedure, factor: float) -> float:
    """Return the invented weight: reading counts more than the table."""
    return round((0.05 * procedure.read_min + 0.006 * procedure.work_min) * factor, 2)


def money_of(procedure: Procedure) -> int:
    """Return the invented amount, to whole fives."""
    return 5 * round((3.1 * procedure.work_min + 4.2 * procedure.read_min) / 5)


def _line(site: str, procedure: Procedure, values: tuple[object, ...], valid: date, approved: date) -> Line:
    return code_at(site, procedure), procedure.modality, *values, valid, "", approved
