"""I: interfaces and data quality."""

from __future__ import annotations

from sqlalchemy import and_, func, true

from etl.kpis.base import Kpi, Population, When
from etl.kpis.duration import Span
from etl.kpis.flow import ENDED, PERFORMED
from etl.kpis.kinds import Aggregate
from etl.kpis.moment import AS_OF, reached
from etl.kpis.shares import Ratio
from etl.kpis.snapshot import Snapshot
from etl.warehouse.tables import fact_clock, fact_completeness, fact_exam, fact_feed, fact_quarantine

_f = fact_feed.c
_c = fact_completeness.c
_x = fact_exam.c
_k = fact_clock.c
_q = fact_quarantine.c

NOW = When(None, None, "as of now, whatever the period")
_SOURCE = "I04 of the catalogue"
DAILY_MIN = 1440  # of tables, calendars and weekly lists the age tells nothing: months may be their rhythm

FRESHNESS = Kpi(
    key="freshness",
    id="I03",
    label="Interface freshness",
    unit="min",
    description="Minutes since the latest event of the feed that lags most, of those that deliver daily or oftener; by "
    "feed, of each.",
    formula="as_of - latest event time of the feed; over_limit: feeds from which more was due by their profile",
    source="I03 of the catalogue",
    better="lower",
    # a feed may run ahead of the others' clock: its lag is then nought, not negative
    kind=Snapshot(opened_at=func.least(_f.data_until_at, AS_OF), limit_min=_f.expected_within_min, oldest_first=True),
    table=fact_feed,
    population=Population(
        and_(_f.data_until_at.is_not(None), _f.expected_every_min <= DAILY_MIN),
        "feeds that have delivered and whose configured rhythm is a day or less; tables and calendars: I03-overdue",
    ),
    at=NOW,
    open_items="does not apply; give the wall clock as as_of to see the lag at this moment.",
    counted="feeds",
    definition_version="2",
)

OVERDUE = Kpi(
    key="feeds_overdue",
    id="I03-overdue",
    label="Feeds overdue",
    unit="feeds",
    description="Feeds from which more was due, each by its own rhythm, and for how long it has been.",
    formula="count of feeds with expected_by_at reached; ages are from then on",
    source="I03 of the catalogue",
    better="lower",
    kind=Snapshot(opened_at=_f.expected_by_at),
    table=fact_feed,
    population=Population(_f.expected_by_at.is_not(None), "feeds that have delivered, however seldom"),
    at=NOW,
    open_items="does not apply; give the wall clock as as_of to see what is overdue at this moment.",
    counted="feeds",
)

MISSING = Kpi(
    key="missing_milestones",
    id="I04-missing",
    label="Missing milestones",
    unit="share",
    description="Share of the milestones that performed exams should have and do not.",
    formula="1 - present / expected",
    source=_SOURCE,
    better="lower",
    kind=Ratio(shares={"share": _c.expected - _c.present}, of=_c.expected),
    table=fact_completeness,
    population=Population(
        _c.milestone.not_in(["first_prelim_at"]), "every milestone of every performed exam; a preliminary is optional"
    ),
    at=When(_c.local_date, None, "by date of exam end"),
    open_items="milestones still to come count as missing.",
    counted="milestones",
)

VIOLATIONS = Kpi(
    key="order_violations",
    id="I04-violations",
    label="Order violations",
    unit="share",
    description="Share of performed exams with milestones in an impossible order.",
    formula="n(a duration that must not be negative is, or a report contradicts a stop) / n(performed), with Wilson "
    "interval",
    source=_SOURCE,
    better="lower",
    kind=Ratio(shares={"share": _x.has_order_violation.is_(True)}),
    table=fact_exam,
    population=Population(PERFORMED.condition & reached(_x.exam_end_at), PERFORMED.text),
    at=ENDED,
    open_items="none.",
)

UNLINKED = Kpi(
    key="unlinked_events",
    id="I04-unlinked",
    label="Unlinked events",
    unit="share",
    description="Share of a feed's events that belong to no exam found.",
    formula="events without an exam / events",
    source=_SOURCE,
    better="lower",
    kind=Ratio(shares={"share": _f.unlinked}, of=_f.events),
    table=fact_feed,
    population=Population(true(), "all events held"),
    at=NOW,
    open_items="does not apply.",
    counted="events",
)

UNMAPPED = Kpi(
    key="unmapped_events",
    id="I04-unmapped",
    label="Unmapped events",
    unit="share",
    description="Share of a feed's events whose local status has no mapping.",
    formula="events without a map / events",
    source=_SOURCE,
    better="lower",
    kind=Ratio(shares={"share": _f.unmapped}, of=_f.events),
    table=fact_feed,
    population=Population(true(), "all events held"),
    at=NOW,
    open_items="does not apply.",
    counted="events",
)

CLOCK_SKEW = Kpi(
    key="clock_skew",
    id="I04-skew",
    label="Clock skew",
    unit="min",
    description="Largest difference between a scanner's clock and the RIS's, either way.",
    formula="max |median device minus RIS offset|",
    source=_SOURCE,
    better="lower",
    kind=Aggregate(Span(func.abs(_k.offset_min)), statistics=("max",)),
    table=fact_clock,
    population=Population(true(), "scanners"),
    at=NOW,
    open_items="does not apply.",
    counted="scanners",
)

QUARANTINED = Kpi(
    key="quarantined",
    id="I04-quarantine",
    label="Items in quarantine",
    unit="items",
    description="Source items refused and not yet replayed.",
    formula="sum of items in quarantine",
    source=_SOURCE,
    better="lower",
    kind=Aggregate(Span(_q["items"]), statistics=("sum",)),
    table=fact_quarantine,
    population=Population(true(), "feeds and reasons with refused items"),
    at=NOW,
    open_items="does not apply.",
    counted="reasons",
)
