"""Judges every row before anything is written: which field, what came, what is allowed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from typing import Any

import pandas as pd

from etl.submissions.spec import Spec, SpecField

ROW = "_row"  # the exam's pseudonym, by which a row is named and never written where the spec does not ask for it
_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")
_CODE = re.compile(r"[A-Za-z0-9>][ -~]{0,127}")  # what a spreadsheet would run as a formula is no code


@dataclass(frozen=True, slots=True)
class Refusal:
    """One thing a registry would reject: the row's pseudonym, the field, what came and what is allowed."""

    row: str
    field: str
    came: str
    allowed: str

    @property
    def reason(self) -> str:
        """The refusal without what is each row's own, so that alike ones can be counted."""
        if self.came == "nothing":
            shown = self.came
        elif self.allowed.startswith("a wall-clock time"):
            shown = f"offset {self.came[-6:]}" if _is_instant(self.came, ()) else "no such time"
        elif self.allowed.startswith("not before"):
            return f"{self.field}: earlier, allowed {self.allowed.partition(' (')[0]}"
        else:
            shown = "another value" if self.allowed.startswith(("a number", "a whole")) else self.came
        return f"{self.field}: {shown}, allowed {self.allowed}"


def validate(spec: Spec, rows: pd.DataFrame) -> list[Refusal]:
    """Return everything that would be rejected, in the order of the rows."""
    if rows.empty:
        return []
    columns = {field.name: rows[field.name].tolist() for field in spec.told}
    refusals: dict[int, list[Refusal]] = {}
    names = [str(name) for name in rows[ROW]]
    for field in spec.told:
        judge = _judge(spec, field)
        for place, value in enumerate(columns[field.name]):
            why = judge(value)
            if why is not None:
                refusals.setdefault(place, []).append(Refusal(names[place], field.name, came(value), why))
    for place in range(len(rows)):
        row = {name: values[place] for name, values in columns.items()}
        found = [Refusal(names[place], *broken) for broken in _across(spec, row)]
        if found:
            refusals.setdefault(place, []).extend(found)
    return [refusal for place in sorted(refusals) for refusal in refusals[place]]


def is_empty(value: Any) -> bool:
    """Return whether a value is none."""
    return value is None or bool(pd.isna(value)) or value == ""  # NA first: compared with anything it is NA


def came(value: Any) -> str:
    """Return what came as text, cut; codes only, never names."""
    return "nothing" if is_empty(value) else str(value)[:60]


def _judge(spec: Spec, field: SpecField) -> Callable[[Any], str | None]:
    """Return a function that says what is allowed where a value is not."""
    fits = _fits(spec, field)
    allowed = field.allowed_words
    if field.type == "timestamp" and spec.timestamps.offsets:
        allowed = "a wall-clock time with offset " + " or ".join(spec.timestamps.offsets)

    def judge(value: Any) -> str | None:
        if is_empty(value):
            return allowed if field.required else None
        return None if fits(value) else allowed

    return judge


def _fits(spec: Spec, field: SpecField) -> Callable[[Any], bool]:
    if field.type in ("number", "whole"):
        return lambda value: _in_range(value, field)
    if field.type == "timestamp":
        return lambda value: _is_instant(str(value), spec.timestamps.offsets)
    if field.type == "month":
        return lambda value: _MONTH.fullmatch(str(value)) is not None
    if field.type == "date":
        return lambda value: _is_date(str(value))
    if field.allowed:
        known = frozenset(field.allowed)
        return lambda value: str(value) in known
    pattern = re.compile(field.pattern) if field.pattern else _CODE
    return lambda value: pattern.fullmatch(str(value)) is not None


def _in_range(value: Any, field: SpecField) -> bool:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return False
    low = field.min if field.min is not None else float("-inf")
    high = field.max if field.max is not None else float("inf")
    return low <= number <= high and (field.type == "number" or number.is_integer())


def _is_instant(text: str, offsets: tuple[str, ...]) -> bool:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return False
    return at.tzinfo is not None and (not offsets or text[-6:] in offsets)


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _across(spec: Spec, row: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield field, what came and what is allowed for rules over several fields."""
    rules = spec.rules
    filled = [name for name in rules.one_of if not is_empty(row[name])]
    if rules.one_of and len(filled) != 1:
        yield " / ".join(rules.one_of), "both" if filled else "nothing", "exactly one of them"
    if rules.any_of and all(is_empty(row[name]) for name in rules.any_of):
        yield " / ".join(rules.any_of), "nothing", "at least one of them"
    known = [(name, _instant(row[name])) for name in rules.in_order]
    known = [(name, at) for name, at in known if at is not None]
    for (before, first), (after, second) in pairwise(known):
        if first is not None and second is not None and second < first:
            yield after, came(row[after]), f"not before {before} ({came(row[before])})"


def _instant(value: Any) -> datetime | None:
    if is_empty(value):
        return None
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return at if at.tzinfo is not None else None
