"""Ratings of decision support that orders themselves state, by the site's own map of codes (P03).

An order states it as a coded result beside it (HL7 OBX, FHIR extension `pama-rating`), or as its reason (ORC-16, FHIR
reasonCode). Only the site knows which of its codes rate an order: without a map nothing is read as a rating.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select

from etl.warehouse.keys import NO_EXAM
from etl.warehouse.tables import event, link

RATINGS = ("appropriate", "may_be", "rarely", "none")
STATED_BY = ("O__^O__/%", "fhir:ServiceRequest/authoredOn")  # local codes of orders
_e = event.c


def is_rated(ratings: Mapping[str, str]) -> ColumnElement[bool]:
    """Return the condition that an event is an order that states a rating."""
    mapped = sorted(ratings)
    states = or_(func.upper(_e.result_code).in_(mapped), func.upper(_e.reason_code).in_(mapped))
    return and_(or_(*(_e.local_code.like(code) for code in STATED_BY)), states)


def stated_ratings(ratings: Mapping[str, str]) -> Select[Any]:
    """Return exam_key, rating and rated_at of exams whose order states one; the last one counts.

    `ratings` is not empty. A result beside the order counts before its reason.
    """
    of_result, of_reason = (_mapped(column, ratings) for column in (_e.result_code, _e.reason_code))
    newest = (_e.occurred_at.desc(), _e.known_at.desc(), _e.event_id)
    place = func.row_number().over(partition_by=link.c.exam_key, order_by=newest)
    told = (
        select(link.c.exam_key, func.coalesce(of_result, of_reason).label("rating"), _e.occurred_at.label("rated_at"))
        .add_columns(place.label("place"))
        .select_from(event.join(link, link.c.event_id == _e.event_id))
        .where(link.c.exam_key != NO_EXAM, is_rated(ratings))
        .cte("stated")
    )
    return select(told.c.exam_key, told.c.rating, told.c.rated_at).where(told.c.place == 1)


def _mapped(column: ColumnElement[str], ratings: Mapping[str, str]) -> ColumnElement[str | None]:
    return case(*((func.upper(column) == code, rating) for code, rating in sorted(ratings.items())))
