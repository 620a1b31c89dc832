"""A duration as a KPI sees it: between two milestones, open until the second is reached, missing without a value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, case, false, or_, true

from etl.kpis.moment import not_reached, reached, word


@dataclass(frozen=True, slots=True, eq=False)
class Span:
    """A value with the milestones it lies between.

    An item is *closed* once `ended_at` is reached, *open* while it is not and nothing in `or_ended_by` has ended
    the wait another way, and *missing* otherwise: closed without a usable value (absent, or negative where
    `signed` is false: decision 11), or ended by something else. Without milestones nothing is ever open.
    """

    value: ColumnElement[Any]
    started_at: ColumnElement[Any] | None = None
    ended_at: ColumnElement[Any] | None = None
    or_ended_by: tuple[ColumnElement[Any], ...] = ()
    signed: bool = False

    def started(self) -> ColumnElement[bool]:
        """Whether the item belongs to the population by now (an unknown start does: it is missing).

        What has ended has started: an exam may begin before its appointment.
        """
        if self.started_at is None:
            return true()
        ended = false() if self.ended_at is None else reached(self.ended_at)
        return or_(self.started_at.is_(None), reached(self.started_at), ended)

    def usable(self) -> ColumnElement[bool]:
        """Whether the item is closed and its value can be used."""
        conditions: list[ColumnElement[bool]] = [self.value.is_not(None)]
        if not self.signed:
            conditions.append(self.value >= 0)
        if self.ended_at is not None:
            conditions.append(reached(self.ended_at))
        return and_(*conditions)

    def open(self) -> ColumnElement[bool]:
        """Whether the item is still running."""
        if self.started_at is None or self.ended_at is None:
            return false()
        ends = (self.ended_at, *self.or_ended_by)
        return and_(reached(self.started_at), *(not_reached(end) for end in ends))

    def usable_value(self) -> ColumnElement[Any]:
        """The value where usable, else NULL."""
        return case((self.usable(), self.value))

    def state(self) -> ColumnElement[str]:
        """'closed', 'open' or 'missing'."""
        return case((self.usable(), word("closed")), (self.open(), word("open")), else_=word("missing"))
