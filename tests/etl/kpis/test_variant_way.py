"""The way between two variants of utilization: its ends are the KPIs' own numbers, its steps say where they part."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import permutations

import pandas as pd
import pytest
from sqlalchemy import Engine

from etl.access import DEMO, Principal, Role
from etl.errors import RefusedError
from etl.kpis import KPIS, Query, compute
from etl.kpis.export import to_csv
from etl.kpis.variant_way import SUMS, answer, way_name
from etl.kpis.waterfall import VARIANTS, amounts, variant, waterfall
from etl.settings import Scanner, Site
from etl.warehouse.derive_scanner_hour import derive_scanner_hours
from etl.warehouse.derive_visit import derive_visits
from etl.warehouse.openings import operating_time
from etl.warehouse.parameters import Parameters
from etl.warehouse.tables import fact_scanner_time

PERIOD = (date(2026, 9, 1), date(2026, 10, 1))


def steps(engine: Engine, start: str, end: str, **where: tuple[str, ...]) -> pd.DataFrame:
    return answer(engine, Query(way_name(start, end), *PERIOD, where=where), DEMO).frame


# NCT1 and NMR1 of rows/utilization.toml, hours that have ended: operating 150, open 180, table 65, booked 40 (25 of it
# used), after hours 29, summed 97, begun 75, turnover 15 x 5 visits, stated 180, clock 240, 50 h weeks 72
WANTED: dict[tuple[str, str], dict[tuple[str, str], float]] = {
    ("U01", "U04"): {("numerator", "used without a booking"): -40, ("numerator", "booked but unused"): 15},
    ("U01", "U02"): {("numerator", "buffer before the visit"): 10, ("numerator", "buffer after the visit"): 15},
    ("U01", "U03"): {
        ("numerator", "visits outside operating time"): 29,
        ("numerator", "overlapping visits counted each"): 3,
        ("numerator", "visits across the period's edge, whole where they begin"): -22,
        ("numerator", "mean turnover for every visit"): 75,
        ("denominator", "downtime"): 30,
    },
    ("U04", "U04-24h"): {("denominator", "downtime"): 30, ("denominator", "hours not planned to be open"): 60},
    ("U06", "U01"): {
        ("denominator", "every hour instead of 50 h a week"): 168,
        ("denominator", "hours not planned to be open"): -60,
        ("denominator", "downtime"): -30,
    },
    ("U02", "U02"): {},
}


@pytest.mark.parametrize("pair", WANTED, ids="-".join)
def test_the_steps_are_those_computed_by_hand(pair: tuple[str, str], engine: Engine) -> None:
    between = steps(engine, *pair).iloc[1:-1]
    got = {
        (side, step): minutes for side, step, minutes in between[["side", "step", "minutes"]].itertuples(index=False)
    }
    assert got == pytest.approx(WANTED[pair])


def test_the_ends_are_the_kpis_own_numbers(duck: Engine) -> None:
    for start, end in permutations(VARIANTS, 2):
        frame = steps(duck, start.id, end.id)
        for place, one in ((0, start), (-1, end)):
            if KPIS[one.id].table is fact_scanner_time:  # the others have rows of their own here; see test_oracle.py
                tile = compute(duck, Query(one.id, *PERIOD), DEMO).frame.iloc[0]
                assert frame["share_after"].iloc[place] == pytest.approx(tile["share"])
                assert frame["minutes"].iloc[place] == pytest.approx(tile["numerator"])
        assert frame["share"].iloc[:-1].sum() == pytest.approx(frame["share_after"].iloc[-1])


def test_what_cannot_be_explained_is_refused(duck: Engine) -> None:
    with pytest.raises(RefusedError, match="known: U01"):
        way_name("U01", "U99")
    with pytest.raises(RefusedError, match="no variant"):
        answer(duck, Query("U01-to-", *PERIOD), DEMO)
    with pytest.raises(RefusedError, match="U01 has no minutes to divide by"):
        steps(duck, "U01", "U04", scanner=("NMR1",))
    with pytest.raises(RefusedError, match="cannot be cut"):
        answer(duck, Query("U01-to-U02", *PERIOD, ("scanner",)), DEMO)
    elsewhere = Principal("s", Role.MANAGER, frozenset({"SOUTH"}))
    with pytest.raises(RefusedError, match="no minutes"):
        answer(duck, Query("U01-to-U02", *PERIOD), elsewhere)


def test_a_filter_a_scanner_cannot_take_is_named(duck: Engine) -> None:
    query = Query("U01-to-U02", *PERIOD, where={"priority": ("STAT",)})
    assert answer(duck, query, DEMO).meta.not_applied == ("priority",)


def test_the_way_is_exported_like_any_number(duck: Engine) -> None:
    export = to_csv(answer(duck, Query("U01-to-U04", *PERIOD), DEMO))
    lines = export.csv.decode().split("\r\n")
    assert lines[0] == "side,step,minutes,share,share_after"
    assert lines[2].startswith("numerator,used without a booking,-40,")
    assert b"U01-to-U04" in export.sidecar


def test_the_published_worked_example_of_um_utilization() -> None:
    # Siemens: (56.2 + 41.3) x 171 / 22 320 = 75 %: 31 days of 12 hours, 16 of them with six exams, 15 with five
    first = datetime(2026, 1, 1, 6, tzinfo=UTC)
    scan, change = timedelta(minutes=56.2), timedelta(minutes=41.3)
    begins = [first + timedelta(days=day) + n * (scan + change) for day in range(31) for n in range(6 - (day >= 16))]
    exams = pd.DataFrame({"exam_key": range(len(begins)), "exam_begin_at": begins})
    exams = exams.assign(
        exam_end_at=exams["exam_begin_at"] + scan, patient_key=exams["exam_key"], study_token=None, site_code="S",
        scanner_code="X", modality="MR", patient_class="O", priority="ROUTINE", procedure_group="x", status="final",
        aborted_at=pd.Series(pd.NaT, index=exams.index, dtype="datetime64[us, UTC]"), planned_duration_min=float("nan"),
    )  # fmt: skip
    opened = [first + timedelta(days=day) for day in range(31)]
    openings = pd.DataFrame({"begin_at": opened, "end_at": [at + timedelta(hours=12) for at in opened]})
    openings = openings.assign(scanner_code="X", kind="open")
    parameters = Parameters(
        sites=(Site(code="S", name="S", zone="UTC"),),
        scanners=(Scanner(code="X", site="S", modality="MR", name="X"),),
    )
    calendar = operating_time(openings, parameters)
    now = int(datetime(2026, 2, 1, tzinfo=UTC).timestamp()) * 1_000_000
    visits = derive_visits(exams, pd.DataFrame(), calendar.operating, parameters, now)
    slots = pd.DataFrame(columns=["scanner_code", "is_last", "state", "appointment_at", "planned_duration_min"])
    slots = slots.assign(is_last=slots["is_last"].astype(bool), appointment_at=pd.to_datetime([], utc=True))
    hours = derive_scanner_hours(visits, exams, slots, calendar, parameters, now)
    none = dict.fromkeys(("clock_min", "week_50h_min"), 0.0)
    sums = hours.sum(numeric_only=True).to_dict() | none | {"stated_min": hours["scheduled_open_min"].sum()}
    um = amounts(pd.Series(sums))["U03"]
    assert um is not None
    assert (sums["begun_visits"], float(um.denominator)) == (171, 22320.0)
    assert float(um.numerator) == pytest.approx(16672.5)
    assert round(float(um.share), 2) == 0.75


@pytest.mark.parametrize(("start", "end"), list(permutations([v.id for v in VARIANTS], 2)))
def test_a_mistaken_sum_is_seen_in_the_steps(start: str, end: str) -> None:
    # metamorphic: one minute more of booked time changes only ways that lead to or from booked time
    sums = pd.Series(dict.fromkeys(SUMS, 60.0) | {"operating_min": 50.0, "booked_min": 30.0, "imaged_min": 40.0})
    more = sums.copy()
    more["booked_min"] += 1
    changed = waterfall(more, variant(start), variant(end)) != waterfall(sums, variant(start), variant(end))
    assert changed == any(name.startswith("U04") for name in (start, end))
