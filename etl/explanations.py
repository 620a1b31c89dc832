"""Explanations as lines of text, for the command line."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from etl.exports import as_role
from etl.kpis.query import Query
from etl.kpis.variant_way import way_between
from etl.kpis.waterfall import Amount
from etl.settings import Settings
from etl.warehouse.engine import reader_engine


def utilization_lines(settings: Settings, query: Query, role: str) -> Iterator[str]:
    """Yield the way a question such as 'U01-to-U04' asks for, a line a step; raises RefusedError as it does."""
    found, asked = way_between(reader_engine(settings), query, as_role(role))
    for name in asked.plan.not_applied:
        yield f"not applied: a scanner's minutes have no {name.replace('_', ' ')}"
    yield _amount(found.start)
    for side in ("numerator", "denominator"):
        for step in (s for s in found.steps if s.side == side):
            sign = "+" if step.minutes > 0 else "-"
            yield f"  {side:<11} {sign} {_minutes(abs(step.minutes)):>14}  {_points(step.share):>13}  {step.text}"
    yield _amount(found.end)


def _amount(amount: Amount) -> str:
    minutes = f"{_minutes(amount.numerator)} of {_minutes(amount.denominator)}"
    return f"{amount.variant.id} {amount.variant.label}: {100 * float(amount.share):.2f} % = {minutes}"


def _minutes(minutes: Fraction) -> str:
    return f"{float(minutes):,.1f} min"


def _points(share: Fraction) -> str:
    return f"{100 * float(share):+.2f} points"
