"""C01 to C03: critical findings, from the moment they are seen until they are told, closed and documented."""

from __future__ import annotations

from sqlalchemy import and_

from etl.kpis.base import Kpi, Population, When
from etl.kpis.duration import Span
from etl.kpis.moment import AS_OF, epoch_min, reached
from etl.kpis.query import GRAINS
from etl.kpis.shares import Ratio
from etl.kpis.snapshot import Snapshot
from etl.kpis.survival import Survival
from etl.warehouse.tables import fact_critical_result

_c = fact_critical_result.c

IDENTIFIED = When(_c.local_date, _c.local_hour, "by date the finding was identified")
INSTANTS = When(None, None, "at now, or with a time grain at the end of each bucket (site-local)")
FOUND = Population(reached(_c.identified_at), "critical findings identified by now, one an exam and class")
_KM = "count as at least as long as they have lasted (Kaplan-Meier); the same of closed items alone beside."
# a limit is judged once it has run out: younger findings would only ever add successes
_DUE_MIN = epoch_min(_c.identified_at) + _c.limit_min
_CLASSES = "ACR Actionable Reporting Work Group: classes 1 minutes, 2 hours, 3 days; limits are the site's own targets"

COMPLIANCE = Kpi(
    key="critical_compliance",
    id="C01",
    label="Critical findings told in time",
    unit="share",
    description="Share of critical findings that reached somebody within the limit of their class.",
    formula="n(communicated_at <= identified_at + limit) / n(identified at least the limit ago), with Wilson interval; "
    "communicated: first of notified, acknowledged, closed",
    source=_CLASSES,
    better="higher",
    kind=Ratio(
        shares={"share": and_(reached(_c.communicated_at), epoch_min(_c.communicated_at) <= _DUE_MIN)},
        decided=epoch_min(AS_OF) >= _DUE_MIN,
        undecided=epoch_min(AS_OF) < _DUE_MIN,
    ),
    table=fact_critical_result,
    population=FOUND,
    at=IDENTIFIED,
    open_items="findings younger than their limit are not yet decidable, told or not; they are counted beside. "
    "Findings without a limit count as missing.",
    counted="findings",
    needs=("crit_identified",),
)

CLOSE = Kpi(
    key="critical_close",
    id="C02",
    label="Critical finding to closed",
    unit="min",
    description="Minutes from identifying a critical finding until it is closed.",
    formula="closed_at - identified_at",
    source=_CLASSES,
    better="lower",
    kind=Survival(Span(_c.close_min, _c.identified_at, _c.closed_at)),
    table=fact_critical_result,
    population=FOUND,
    at=IDENTIFIED,
    open_items=f"findings not yet closed {_KM}",
    counted="findings",
    needs=("crit_identified", "crit_closed"),
)

TELL = Kpi(
    key="critical_tell",
    id="C02b",
    label="Critical finding to first told",
    unit="min",
    description="Minutes from identifying a critical finding until it first reached somebody.",
    formula="first of notified_at, acknowledged_at, closed_at - identified_at",
    source="second variant of C02 for sites whose feeds do not tell of closing",
    better="lower",
    kind=Survival(Span(_c.communicate_min, _c.identified_at, _c.communicated_at)),
    table=fact_critical_result,
    population=FOUND,
    at=IDENTIFIED,
    open_items=f"findings nobody was told of {_KM}",
    counted="findings",
    needs=("crit_identified",),
)

UNTOLD = Kpi(
    key="critical_open",
    id="C02-open",
    label="Critical findings nobody was told of",
    unit="findings",
    description="Critical findings identified and not communicated, their age, and how many are over their limit.",
    formula="count at the instant of findings without notified_at, acknowledged_at and closed_at",
    source="open list of C02",
    better="lower",
    kind=Snapshot(opened_at=_c.identified_at, closed_at=(_c.communicated_at,), limit_min=_c.limit_min),
    table=fact_critical_result,
    population=Population(_c.identified_at.is_not(None), "critical findings, one an exam and class"),
    at=INSTANTS,
    open_items="open items are what it counts.",
    counted="findings",
    time_grains=GRAINS,
    needs=("crit_identified",),
)

_ALL = and_(
    _c.has_who.is_(True), _c.has_whom.is_(True), _c.has_when.is_(True), _c.has_how.is_(True), _c.has_read_back.is_(True)
)

DOCUMENTED = Kpi(
    key="critical_documented",
    id="C03",
    label="Communication fully documented",
    unit="share",
    description="Share of communicated critical findings whose record says who told whom, when, how, and that it was "
    "read back.",
    formula="n(all five documented) / n(communicated), with Wilson interval; the share that has each beside",
    source="C03 of the catalogue; presence of coded fields only, never their content",
    better="higher",
    kind=Ratio(
        shares={
            "complete": _ALL,
            "who": _c.has_who.is_(True),
            "whom": _c.has_whom.is_(True),
            "when": _c.has_when.is_(True),
            "how": _c.has_how.is_(True),
            "read_back": _c.has_read_back.is_(True),
        }
    ),
    table=fact_critical_result,
    population=Population(and_(FOUND.condition, reached(_c.communicated_at)), "critical findings communicated by now"),
    at=IDENTIFIED,
    open_items="findings nobody was told of have nothing to document and are not counted (C02-open lists them).",
    counted="findings",
    needs=("crit_identified", "entry.communication"),
)
