"""Every case of the decision table on cancellations and corrections, through the HL7 source to facts and KPIs."""

from __future__ import annotations

import csv
import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import select

from etl.kpis.catalogue import KPIS
from etl.kpis.moment import moment_params
from etl.settings import REFERENCE
from etl.warehouse.tables import fact_exam, fact_slot

SHUFFLES = 4
START_AT = datetime(2026, 9, 1, 12, tzinfo=UTC)
PAGE = Path(__file__).parents[3] / "app" / "help" / "feeds" / "corrections.md"
COUNTED = ("orders", "accessions", "reports", "no_show_rate", "cancellation_rate")


def cases() -> list[dict[str, str]]:
    with (REFERENCE / "correction_cases.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


CASES = cases()


def told(case: dict[str, str], teller: Any) -> list[str]:
    return [teller.tell(step) for step in case["told"].split()]


def counted_in(hospital: Any) -> dict[str, set[str]]:
    """Return by exam_key the KPIs that count it: as one of theirs, or in the numerator of a rate."""
    found: dict[str, set[str]] = {}
    with hospital.engine.connect() as connection:
        for key in COUNTED:
            kpi = KPIS[key]
            query = select(kpi.table.c.exam_key).where(kpi.population.condition)
            if key.endswith("rate"):
                query = query.where(kpi.kind.shares["share"], kpi.kind.decided)
            as_of = moment_params(START_AT + timedelta(hours=40))  # after the appointments, before silence is a no-show
            for exam in connection.execute(query, as_of).scalars():
                found.setdefault(exam, set()).add(key)
    return found


@pytest.fixture
def outcome(hospital: Any, new_teller: Callable[[], Any]) -> dict[str, tuple[str, str, str, bool]]:
    """What became of every case: status, KPIs, slot states, conflict; each shuffle is checked to be the same."""
    tellings: dict[str, Sequence[str]] = {}
    for case in CASES:
        messages = told(case, new_teller())
        tellings[case["case"]] = messages
        for n in range(SHUFFLES):
            shuffled = random.Random(f"{case['case']}{n}").sample(messages, len(messages))  # noqa: S311 - an order
            tellings[f"{case['case']}-{n}"] = shuffled
    hospital.tell_all(tellings, at_once=3)
    facts = hospital.facts()
    differing = [name for name in tellings if facts[name] != facts[name.split("-")[0]]]
    assert not differing, "arrival order changed the facts"
    return _outcomes(hospital)


def _outcomes(hospital: Any) -> dict[str, tuple[str, str, str, bool]]:
    exams, counted = hospital.frame(fact_exam), counted_in(hospital)
    slots = hospital.frame(fact_slot).sort_values("valid_from_at").groupby("exam_key")["state"].agg(" ".join)
    return {
        row.procedure_code: (
            row.status,
            " ".join(k for k in COUNTED if k in counted.get(row.exam_key, ())),
            slots.get(row.exam_key, ""),
            bool(row.has_order_violation),
        )
        for row in exams.itertuples()
    }


def test_every_case_ends_as_the_table_says_in_every_order(outcome: dict[str, tuple[str, str, str, bool]]) -> None:
    expected = {
        c["case"]: (
            c["status"], " ".join(k for k in COUNTED if k in c["counted"].split()), c["slots"], bool(c["conflict"])
        )
        for c in CASES
    }  # fmt: skip
    assert {case: outcome[case] for case in expected} == expected


FIRST_AND_LAST: dict[str, dict[str, int | None]] = {  # hours after the order; one step an hour
    "C35": {"first_prelim_at": 4, "first_final_at": 3, "last_final_at": 3},
    "C36": {"exam_begin_at": 1, "exam_end_at": 2},
    "C37": {"first_final_at": 3, "last_final_at": 4, "first_addendum_at": 4},
    "C38": {"first_final_at": 3, "last_final_at": 3, "first_addendum_at": None},
    "C39": {"first_prelim_at": 3, "first_final_at": 4, "last_final_at": 4},
}
TAT_MIN = {"C35": 60, "C37": 60, "C38": 60, "C39": 120}  # end to first final


def test_a_status_going_backwards_keeps_first_and_last(hospital: Any, new_teller: Callable[[], Any]) -> None:
    hospital.tell_all({c["case"]: told(c, new_teller())[::-1] for c in CASES if c["case"] in FIRST_AND_LAST}, at_once=2)
    exams = hospital.frame(fact_exam).set_index("procedure_code")
    for case, hours in FIRST_AND_LAST.items():
        exam = exams.loc[case]
        found = {name: None if exam[name] is pd.NaT else (exam[name] - START_AT) / timedelta(hours=1) for name in hours}
        assert found == hours, case
    assert {case: exams.loc[case, "report_tat_min"] for case in TAT_MIN} == TAT_MIN


def shown() -> str:
    """Return the table as the help page shows it."""
    head = "| case | told | status | counted in | appointment | why |\n|---|---|---|---|---|---|\n"
    lines = [
        f"| {c['case']} | {c['told'].replace(' ', ' → ')} | {c['status']}{' (conflict)' if c['conflict'] else ''} "
        f"| {c['counted'].replace(' ', ', ')} | {c['slots'].replace(' ', ' → ') or '-'} | {c['why']} |\n"
        for c in CASES
    ]
    return head + "".join(lines)


def test_the_help_page_shows_this_table() -> None:
    assert shown() in PAGE.read_text(encoding="utf-8")
