"""Every KPI equals the value computed by hand (expected/*.toml) on both engines, and its mutation does not.

A KPI without an expected value fails, and so does one whose seeded mutation goes unnoticed.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Date, Engine, cast, func, literal, null, true

from etl.access import DEMO
from etl.kpis import KPIS, Query
from etl.kpis.base import Kpi, Population, When
from etl.kpis.compute import compute_kpi
from etl.kpis.flow import PERFORMED
from etl.kpis.kinds import Aggregate
from etl.kpis.moment import minutes_between, reached
from etl.kpis.snapshot import Snapshot
from etl.kpis.survival import Survival
from etl.warehouse.tables import (
    UtcDateTime,
    fact_acquisition,
    fact_critical_result,
    fact_dose_event,
    fact_exam,
    fact_first_case,
    fact_followup,
    fact_prior,
    fact_scanner_hour,
    fact_scanner_time,
    fact_slot,
    fact_visit,
)

EXPECTED: dict[str, dict[str, float]] = {
    kpi: values
    for file in sorted((Path(__file__).parent / "expected").glob("*.toml"))
    for kpi, values in tomllib.loads(file.read_text(encoding="utf-8")).items()
}
PERIOD = (date(2026, 9, 1), date(2026, 10, 1))
Mutation = Callable[[Kpi], Kpi]

x, h, v, s, d = (t.c for t in (fact_exam, fact_scanner_hour, fact_visit, fact_slot, fact_dose_event))
c = fact_critical_result.c
f = fact_first_case.c
p = fact_prior.c
m = fact_scanner_time.c
wanted = fact_followup.c
LONG_AGO = literal(datetime(2000, 1, 1, tzinfo=UTC), UtcDateTime())


def measured(engine: Engine, kpi: Kpi) -> dict[str, float]:
    """Return a KPI's one row as a dictionary."""
    frame = compute_kpi(engine, kpi, Query(kpi.key, *PERIOD), DEMO, min_n=0).frame
    return {str(name): float(value) for name, value in frame.iloc[0].items()}


@pytest.mark.parametrize("kpi", KPIS, ids=lambda kpi: kpi.id)
def test_kpi_equals_the_value_computed_by_hand(kpi: Kpi, engine: Engine) -> None:
    assert measured(engine, kpi) == pytest.approx(EXPECTED[kpi.id], nan_ok=True, rel=1e-9, abs=1e-9)


def test_every_expected_value_belongs_to_a_kpi() -> None:
    assert set(EXPECTED) == {kpi.id for kpi in KPIS}


# --- seeded mutations: what a wrong definition would have looked like ---------------------------------------------


def everyone(kpi: Kpi) -> Kpi:
    """Forget the population."""
    return replace(kpi, population=Population(true(), "all"))


def utc_day(kpi: Kpi, instant: Any) -> Kpi:
    """Bucket by the UTC date instead of the local one."""
    return replace(kpi, at=When(cast(instant, Date), None, "by UTC date"))


def closed_only(kpi: Kpi) -> Kpi:
    """Drop the open items."""
    assert isinstance(kpi.kind, Survival | Aggregate)
    assert kpi.kind.span is not None
    return spanned(kpi, or_ended_by=(LONG_AGO,))


def spanned(kpi: Kpi, **changes: Any) -> Kpi:
    """Change the span: another event, another value."""
    assert isinstance(kpi.kind, Survival | Aggregate)
    assert kpi.kind.span is not None
    return replace(kpi, kind=replace(kpi.kind, span=replace(kpi.kind.span, **changes)))


def kinded(kpi: Kpi, **changes: Any) -> Kpi:
    """Change the kind's own parts."""
    return replace(kpi, kind=replace(kpi.kind, **changes))


def by_kind(kpi: Kpi) -> Kpi:
    """Return the mutation that suits any KPI of a kind; a KPI that does not notice it needs one of its own."""
    kind = kpi.kind
    if isinstance(kind, Survival):
        return closed_only(kpi)
    if isinstance(kind, Snapshot):
        return kinded(kpi, closed_at=())
    return everyone(kpi)


MUTATIONS: dict[str, Mutation] = {
    "T01": lambda k: spanned(k, value=k.table.c.end_to_end_min),
    "T02": lambda k: spanned(k, ended_at=x.order_accepted_at, value=x.order_to_arrive_min),  # accepted as entered
    "T03": lambda k: replace(k, population=Population(x.patient_class == "O", "cancelled and no-show ones too")),
    "T04": lambda k: kinded(k, closed_at=(x.exam_begin_at,)),  # cancelled ones still wait
    "T05": closed_only,
    "T06": lambda k: spanned(k, value=x.arrival_to_begin_min),  # the second variant under the first's name
    "T06b": lambda k: spanned(k, value=x.patient_wait_min),
    "T07": lambda k: spanned(k, signed=False),
    "T08": lambda k: kinded(k, shares={f"within_{m}": x.punctuality_min <= m for m in (15, 10, 5)}),
    "T10": lambda k: spanned(k, value=x.arrival_to_begin_min),
    "T11": lambda k: spanned(k, value=x.dicom_duration_min),
    "T12": lambda k: spanned(k, value=x.exam_duration_min),
    "T13": lambda k: spanned(k, value=func.abs(x.begin_offset_min)),
    "T14": closed_only,
    "T15": lambda k: spanned(k, value=x.images_delay_min),
    "T16": closed_only,
    "T17": lambda k: spanned(k, value=x.report_tat_min, ended_at=x.first_final_at),  # final for first communication
    "T18": lambda k: spanned(k, value=x.first_communication_min),
    "T19": closed_only,
    "T21": closed_only,
    "T24": lambda k: kinded(k, decided=x.first_final_at.is_not(None)),  # closed only
    "T26": lambda k: utc_day(k, x.exam_end_at),
    "T09": lambda k: kinded(k, undecided=f.exam_begin_at.is_(None)),  # who never came stays undecided for good
    "T20": lambda k: spanned(k, value=x.read_time_min),  # exams left open are read for hours
    "T22": closed_only,
    "T23": lambda k: kinded(k, decided=x.first_final_at.is_not(None)),  # closed only, however young
    "T25": closed_only,
    "T27": lambda k: replace(k, population=PERFORMED),
    "T16-first-prelim": closed_only,
    "T16-last-prelim": lambda k: spanned(k, value=minutes_between(x.exam_end_at, x.first_prelim_at)),
    "T16-last-final": lambda k: spanned(k, value=x.report_tat_min),  # the first final under the last one's name
    "T16-addendum": lambda k: spanned(k, value=minutes_between(x.exam_end_at, x.first_addendum_at)),
    "T24-communication": lambda k: kinded(k, decided=x.first_communication_at.is_not(None)),  # closed only
    "T24-unread": lambda k: kinded(k, decided=x.read_opened_at.is_not(None)),
    "T24-access": lambda k: kinded(k, decided=x.exam_begin_at.is_not(None)),
    "T04-adjusted": lambda k: kinded(k, entered_at=None),  # whose clock begins later does not wait at all
    "T24-wait": lambda k: kinded(k, decided=x.exam_begin_at.is_not(None)),
    "T24-arrive": lambda k: kinded(k, decided=x.arrived_at.is_not(None)),
    "Q01": lambda k: kinded(k, shares={**k.kind.shares, "clinical": x.addendum_class.is_not(None)}),  # type: ignore[attr-defined]
    "Q02": lambda k: replace(k, population=Population(x.first_final_at.is_not(None), "all finals")),
    "Q11": lambda k: kinded(k, shares={**k.kind.shares, "share": x.has_impression.is_(True)}),  # type: ignore[attr-defined]
    "U01": lambda k: kinded(k, numerator=h.room_min),
    "U02": lambda k: kinded(k, numerator=h.table_min),
    "U03": lambda k: kinded(k, rated=None),  # no turnover
    "U04-24h": lambda k: kinded(k, available=m.operating_min),
    "U06": lambda k: kinded(k, available=m.clock_min),
    "U07": lambda k: kinded(k, available=v.acquired_min),
    "U22": lambda k: kinded(k, numerator=k.table.c.finals_off),
    "U22-wrvu": lambda k: kinded(k, numerator=k.table.c.finals),  # unweighted
    "V02": lambda k: spanned(k, value=k.table.c.money),
    "V02-money": lambda k: spanned(k, value=k.table.c.wrvu),
    "U04": lambda k: kinded(k, available=h.scheduled_open_min),
    "U08": lambda k: replace(k, population=Population(v.gap_before_min.is_not(None), "all gaps")),
    "U09": lambda k: spanned(k, value=k.table.c.gap_min),
    "U10": lambda k: spanned(k, signed=False),
    "U12": lambda k: kinded(k, per_min=1),
    "U13": lambda k: kinded(k, decided=true()),  # a scanner nobody told of counts as the right one
    "U14": lambda k: kinded(k, available=h.operating_min),
    "U15": lambda k: replace(k, population=Population(s.is_last.is_(True) & (s.patient_class == "O"), "all")),
    "U16": lambda k: replace(k, population=Population(true(), "every state")),
    "U17": lambda k: kinded(k, shares={**k.kind.shares, "share": k.table.c.is_refilled | k.table.c.is_used}),  # type: ignore[attr-defined]
    "U18": lambda k: replace(k, population=Population(true(), "not performed too")),
    "U20": lambda k: kinded(k, closed_at=(x.exam_begin_at,)),  # cancellations stay in the backlog
    "U21": lambda k: kinded(k, closed_at=(x.first_final_at,)),  # preliminaries do not count as read
    "U23": lambda k: spanned(k, value=s.lead_time_min),
    "V01-visits": lambda k: replace(k, population=Population(true(), "every part")),  # sum instead of union
    "V01-accessions": lambda k: utc_day(k, x.exam_end_at),
    "V01-orders": lambda k: replace(k, population=Population(x.is_performed.is_(True), "performed")),
    "V01-reports": lambda k: replace(k, at=When(x.end_local_date, None, "by exam end")),
    "V01-funnel": lambda k: replace(k, population=Population(x.exam_begin_at.is_not(None), "begun")),
    "P01": lambda k: kinded(k, decided=reached(p.read_began_at)),  # not known taken as not seen
    "P02-7": lambda k: kinded(k, decided=p.patient_key.is_not(None)),  # without looking how far back is known
    "P02-30": lambda k: kinded(k, decided=p.patient_key.is_not(None)),
    "P02-90": lambda k: kinded(k, decided=p.patient_key.is_not(None)),
    "P02-redundant": lambda k: kinded(k, decided=true()),  # no reason taken as not redundant
    "I01-list": lambda k: spanned(k, signed=False),  # what was removed left out
    "I04-imageless": lambda k: kinded(k, shares={"share": x.has_images.is_(False)}),  # not told of taken as there
    "I04-orphans": lambda k: kinded(k, shares={"share": fact_acquisition.c.exam_key > 0}),
    "I03": lambda k: kinded(k, opened_at=literal(datetime(2026, 9, 8, 18, tzinfo=UTC), UtcDateTime())),
    "I03-overdue": lambda k: kinded(k, opened_at=k.table.c.data_until_at),  # as if all were due as soon as told
    "D01-ctdivol": lambda k: replace(k, population=Population(d.modality == "CT", "both phantoms")),
    "D01-ctdivol16": lambda k: replace(k, population=Population(d.phantom_cm.is_(None), "no phantom")),
    "D02": lambda k: spanned(k, value=k.table.c.value),  # the value for its ratio to the reference
    "D03": lambda k: kinded(k, per=1.0),
    "D04": lambda k: kinded(k, decided=true()),  # exams without level or value as if they lay below
    "D05": lambda k: kinded(k, decided=true()),
    "D07": lambda k: kinded(k, decided=true()),
    "D01-ssde": lambda k: spanned(k, value=d.ctdivol_mgy),
    "C01": lambda k: kinded(k, decided=c.communicated_at.is_not(None)),  # closed only
    "C02": closed_only,
    "C02b": lambda k: utc_day(k, c.identified_at),
    "C02-open": lambda k: kinded(k, closed_at=(c.closed_at,)),  # told and not closed is not open
    "C03": lambda k: kinded(k, shares={**k.kind.shares, "complete": c.has_when.is_(True)}),  # type: ignore[attr-defined]
    "C04": lambda k: kinded(k, shares={"share": x.followup_recommended_at.is_not(None)}),  # tomorrow's too
    "C05": lambda k: kinded(k, shares={**k.kind.shares, "share": wanted.wanted_modality.is_not(None)}),  # type: ignore[attr-defined]
    "C06": everyone,
    "C06-funnel": lambda k: kinded(k, stages=(("booked", wanted.scheduled_at.is_not(None)), *k.kind.stages[1:])),  # type: ignore[attr-defined]
    "C07": lambda k: kinded(k, aside_at=null()),  # what a human dismissed stays overdue
    "I04-missing": lambda k: kinded(k, shares={"share": k.kind.of}),  # type: ignore[attr-defined]
    "I04-violations": lambda k: kinded(k, shares={"share": x.is_addon.is_(True)}),
    "I04-unlinked": lambda k: kinded(k, shares={"share": k.table.c.unmapped}),
    "I04-unmapped": lambda k: kinded(k, shares={"share": k.table.c.unlinked}),
    "I04-skew": lambda k: spanned(k, value=k.table.c.offset_min, signed=True),
    "I04-quarantine": lambda k: kinded(k, statistics=("max",)),
    "Q03": lambda k: kinded(k, decided=true()),  # a code that is no score counts as concurring
    "Q05": lambda k: replace(k, population=Population(k.table.c.exams == 1, "named ones only")),
    "Q06": lambda k: kinded(k, of=k.table.c.accepted),  # rejected to accepted
    "Q07": lambda k: kinded(k, of=k.table.c.exams),  # exams whose images no archive holds count as unrepeated
    "Q07b": lambda k: kinded(k, of=k.table.c.protocol_images),
    "Q08": lambda k: kinded(k, decided=true()),  # young exams count as never done again
    "Q09": lambda k: replace(k, population=Population(k.table.c.exams == 1, "named ones only")),
    "Q10": lambda k: kinded(k, decided=true()),
    "A01": lambda k: replace(k, population=Population(k.table.c.result.is_not(None), "with a result")),
    "A02-ppv": lambda k: kinded(k, shares={"share": k.table.c.is_reported, "adjudicated": k.table.c.is_adjudicated}),
    "A03": lambda k: spanned(k, value=k.table.c.unread_wait_min),
    "A04": lambda k: spanned(k, value=k.table.c.unread_wait_min),
}


@pytest.mark.parametrize("kpi", KPIS, ids=lambda kpi: kpi.id)
def test_a_seeded_mutation_of_the_definition_is_noticed(kpi: Kpi, duck: Engine) -> None:
    mutant = MUTATIONS.get(kpi.id, by_kind)(kpi)
    with pytest.raises(AssertionError):
        assert measured(duck, mutant) == pytest.approx(EXPECTED[kpi.id], nan_ok=True, rel=1e-9, abs=1e-9)
