"""T24 for the other phases that targets are set for: judged once the target has run out, open waits too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_

from etl.kpis.access_waits import DONE, NEEDS_SLOT, STANDING, WHO_NEEDS_SLOT
from etl.kpis.base import Kpi, Population, When
from etl.kpis.flow import ARRIVED_OR_BEGUN, BEGUN_OR_DUE, ENDED, GONE, INSIDE, ORDERED, PERFORMED
from etl.kpis.moment import AS_OF, epoch_min, not_reached, reached
from etl.kpis.shares import Ratio
from etl.warehouse.tables import fact_exam
from etl.warehouse.target_phases import PHASES, Phase

_x = fact_exam.c


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """What decides whether a wait met a target: who is judged, from when, and what else may end the wait."""

    phase: Phase
    population: Population
    at: When
    started_at: ColumnElement[Any]
    or_ended_by: tuple[ColumnElement[Any], ...] = ()

    @property
    def value(self) -> ColumnElement[Any]:
        """The wait in minutes."""
        return _x[self.phase.value]

    def within(self, target: ColumnElement[Any]) -> ColumnElement[bool]:
        """Whether the wait ended within a target."""
        return and_(reached(_x[self.phase.ended]), self.value >= 0, self.value <= target)

    def _judgeable(self) -> ColumnElement[bool]:
        still = and_(*(not_reached(end) for end in (_x[self.phase.ended], *self.or_ended_by)))
        ended = and_(reached(_x[self.phase.ended]), self.value >= 0)
        return and_(self.started_at.is_not(None), or_(ended, still))

    def _age(self) -> ColumnElement[Any]:
        return epoch_min(AS_OF) - epoch_min(self.started_at)

    def decided(self, target: ColumnElement[Any]) -> ColumnElement[bool]:
        """Whether the target has run out, so that the wait met it or did not."""
        return and_(self._judgeable(), self._age() >= target)

    def undecided(self, target: ColumnElement[Any]) -> ColumnElement[bool]:
        """Whether the target is still running."""
        return and_(self._judgeable(), self._age() < target)


_READ = Population(and_(PERFORMED.condition, reached(_x.exam_end_at)), "performed exams")
JUDGED = {
    judged.phase.key: judged
    for judged in (
        Judged(PHASES["report"], _READ, ENDED, _x.exam_end_at),
        Judged(PHASES["first_communication"], _READ, ENDED, _x.exam_end_at),
        Judged(
            PHASES["unread"], _READ, ENDED, _x.images_available_at, (_x.first_prelim_at, _x.first_final_at)
        ),
        Judged(
            PHASES["patient_wait"], ARRIVED_OR_BEGUN, BEGUN_OR_DUE,
            func.greatest(_x.arrived_at, _x.appointment_at), GONE,
        ),
        Judged(
            PHASES["access"], Population(and_(NEEDS_SLOT, STANDING), f"{WHO_NEEDS_SLOT}; called-off ones left out"),
            ORDERED, _x.order_accepted_at, DONE[1:],
        ),
        Judged(
            PHASES["order_to_arrive"], INSIDE, ORDERED, _x.order_entered_at, (_x.exam_begin_at, _x.first_final_at)
        ),
    )
}  # fmt: skip


def _within(phase: str, suffix: str, what: str) -> Kpi:
    judged = JUDGED[phase]
    target = _x[judged.phase.target]
    return Kpi(
        key=f"{phase}_within_target",
        id=f"T24-{suffix}",
        label=f"{what} within target",
        unit="share",
        description=f"Share of exams whose wait ({judged.phase.label.lower()}) kept the target of its class.",
        formula=f"n({judged.phase.kpi} <= target) / n(start at least the target ago), with Wilson interval",
        source="T24 of the catalogue for another phase; targets are the site's own or of a pack it switched on",
        better="higher",
        kind=Ratio(
            shares={"share": judged.within(target)},
            decided=judged.decided(target),
            undecided=judged.undecided(target),
        ),
        table=fact_exam,
        population=Population(
            judged.population.condition,
            f"{judged.population.text}; those without a target or a usable wait count as missing",
        ),
        at=judged.at,
        open_items="waits younger than their target are not yet decidable, ended or not; they are counted beside.",
    )


COMMUNICATION_WITHIN_TARGET = _within("first_communication", "communication", "First communication")
UNREAD_WITHIN_TARGET = _within("unread", "unread", "Opened for reading")
WAIT_WITHIN_TARGET = _within("patient_wait", "wait", "Patient wait")
ACCESS_WITHIN_TARGET = _within("access", "access", "Examined")
ARRIVE_WITHIN_TARGET = _within("order_to_arrive", "arrive", "Arrival (ED and inpatient)")
