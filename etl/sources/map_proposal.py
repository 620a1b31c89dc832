"""Proposes a column mapping for a file nobody has described: by the likeness of headers and the shape of values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from etl.records import EventType, OpeningKind
from etl.sources.column_shapes import ISO, Column, Shape
from etl.sources.header_words import KNOWN_AT, Role, likeness, names_of, plain, signature
from etl.sources.mapping import EXAM, OPENING, TARGETS, Mapping, presets

LEAST = 0.80  # what is less alike stays unmapped
SURE = 0.99
EMPTY_COUNTS = 0.9  # an empty column shows only its header
SIGNATURE = 0.75
NUMBERS = frozenset({"value", "count", "limit_value", "duration_min", "every_min", "planned_duration_min"})
MOMENTS = frozenset({Shape.TIME, Shape.DATE})
STATUS_WORDS = frozenset(
    {"status", "order status", "study status", "exam status", "zustand", "statut", "estado", "stato"}
)
KIND_WORDS = {
    "slot": OpeningKind.SLOT,
    "down": OpeningKind.DOWNTIME_UNPLANNED,
    "ausfall": OpeningKind.DOWNTIME_UNPLANNED,
}
# lists whose rows are events of an exam: what their milestones begin with
EVENT_LISTS = {"critical_results": "crit_", "followups": "followup_"}
KINDS = (*TARGETS, *EVENT_LISTS)


@dataclass(frozen=True)
class Proposal:
    """A mapping with, by column, its roles and how sure they are; notes say what a person must decide."""

    mapping: Mapping
    roles: dict[str, list[Role]]
    sure: dict[str, float]
    notes: list[str] = field(default_factory=list)


def propose(columns: Sequence[Column], kind: str | None = None, name: str = "proposed") -> Proposal:
    """Return the most likely mapping of columns, for a given kind (of KINDS) or the one that fits best."""
    candidates = [kind] if kind else list(KINDS)
    assigned = {k: _assigned(columns, k) for k in candidates}
    best = max(candidates, key=lambda k: _fit(columns, k, assigned[k]))
    return _proposal(columns, _target(best), assigned[best], name)


def _target(kind: str) -> str:
    return EXAM if kind in EVENT_LISTS else kind


Assigned = dict[Role, tuple[Column, float]]


def _roles(kind: str) -> dict[Role, frozenset[str]]:
    """Return the roles a kind of list has, with what they are called."""
    beginning = EVENT_LISTS.get(kind, "")
    return {r: n for r, n in names_of(_target(kind)).items() if r.part != "milestones" or r.name.startswith(beginning)}


def _assigned(columns: Sequence[Column], kind: str) -> Assigned:
    """Give each role its likest column, the surest pairs first; a column has one role."""
    pairs = [
        (score, number, str(role), role, column)
        for number, column in enumerate(columns)
        for role, names in _roles(kind).items()
        if (score := _score(column, role, names)) >= LEAST
    ]
    found: Assigned = {}
    taken: set[str] = set()
    for score, _, _, role, column in sorted(pairs, key=lambda p: (-p[0], p[1], p[2])):
        if role not in found and column.header not in taken:
            found[role] = (column, score)
            taken.add(column.header)
    known = Role(KNOWN_AT, KNOWN_AT)
    if known not in found:  # when it was told may be when it happened: one column for both
        shared = [(s, c) for s, _, _, role, c in pairs if role == known and s >= SURE]
        found |= {known: (shared[0][1], shared[0][0])} if shared else {}
    return found


def _score(column: Column, role: Role, names: frozenset[str]) -> float:
    if not _fits(column, role):
        return 0.0
    header = plain(column.header)
    score = max(likeness(header, name) for name in names)
    return score * (EMPTY_COUNTS if column.shape == Shape.EMPTY and score < 1 else 1.0)


def _fits(column: Column, role: Role) -> bool:
    """Return whether a column's values can be what a role wants; an empty column can be anything."""
    shape = column.shape
    if shape == Shape.EMPTY:
        return True
    if role.part in ("milestones", KNOWN_AT) or role.name == "appointment_at":
        return shape in MOMENTS
    if role.name in ("begin", "end"):
        return shape in (*MOMENTS, Shape.WALL)
    if role.name == "date":
        return shape == Shape.DATE
    if role.name in NUMBERS:
        return shape == Shape.NUMBER
    if role.name == "study_instance_uid":
        return shape == Shape.UID
    return shape in (Shape.CODE, Shape.NUMBER, Shape.UID)


def _fit(columns: Sequence[Column], kind: str, assigned: Assigned) -> float:
    """Return how well a kind explains the columns; one without what its rows need explains nothing."""
    target = _target(kind)
    roles = {str(role) for role in assigned}
    begins = roles & {"fields.begin", "fields.date"}
    if target == EXAM:
        whole = any(r.part == "milestones" for r in assigned) and any(r.part == "identifiers" for r in assigned)
    elif target == OPENING:
        whole = {"fields.scanner_code", "fields.begin"} <= roles and bool(roles & {"fields.end", "fields.duration_min"})
    else:
        whole = bool(begins)
    if not whole:
        return 0.0
    words = {word for column in columns for word in (plain(column.header), *plain(column.header).split())}
    used = {column.header: score for column, score in assigned.values()}
    return sum(s**2 for s in used.values()) + SIGNATURE * min(len(words & signature(kind)), 3)


def _proposal(columns: Sequence[Column], target: str, assigned: Assigned, name: str) -> Proposal:
    notes: list[str] = []
    days = {role: column for role, (column, _) in assigned.items() if role.name == "date"}
    times = {role: column for role, (column, _) in assigned.items() if role.name != "date"}
    formats = {True: _format(days.values(), notes), False: _format(times.values(), notes)}
    kept = {r: p for r, p in assigned.items() if not _other_format(r, p[0], formats[r.name == "date"], bool(days))}
    parts: dict[str, dict[str, str]] = {"identifiers": {}, "attributes": {}, "milestones": {}, "fields": {}}
    roles: dict[str, list[Role]] = {column.header: [] for column in columns}
    for role, (column, _) in kept.items():
        roles[column.header].append(role)
        if role.part != KNOWN_AT:
            parts[role.part][role.name] = column.header
    parts["milestones"] = {str(k): parts["milestones"][k] for k in EventType if k in parts["milestones"]}
    lost = [column.header for role, (column, _) in assigned.items() if role not in kept]
    notes += [f"column {header!r}: times of another form than the rest" for header in lost]
    known = kept.get(Role(KNOWN_AT, KNOWN_AT))
    mapping = Mapping(
        name,
        0,
        parts["identifiers"],
        parts["milestones"],
        parts["attributes"],
        target,
        parts["fields"],
        constants=_constants(columns, target, parts["fields"]),
        values=_values(columns, target, parts, notes),
        qualified_by=_qualified(columns, parts["milestones"]),
        decimal=_decimal(kept),
        known_at=known[0].header if known else None,
        time_format=formats[False] or None,
        date_format=formats[True] or None,
    )
    return Proposal(mapping, roles, {column.header: score for column, score in kept.values()}, notes)


def _format(columns: Iterable[Column], notes: list[str]) -> str:
    """Return the time format that most of the columns share."""
    mine = [column for column in columns if column.shape in MOMENTS]
    counted = Counter(f for column in mine for f in column.formats)
    if not counted:
        return ISO
    order = {f: n for n, f in enumerate(f for column in mine for f in column.formats)}
    best = max(counted, key=lambda f: (counted[f], -order[f]))
    twin = best.replace("%m/%d", "%d/%m") if "%m/%d" in best else ""
    if twin and counted[twin] == counted[best]:
        notes.append(f"day and month cannot be told apart in these rows: {best} is assumed; it may be {twin}")
    return best


def _other_format(role: Role, column: Column, chosen: str, by_day: bool) -> bool:
    if column.shape == Shape.WALL:
        return not by_day or role.part != "fields"
    return column.shape in MOMENTS and chosen not in column.formats


def _constants(columns: Sequence[Column], target: str, fields: dict[str, str]) -> dict[str, str]:
    if target == "storage":
        return {"unit": "By"}
    if target == "cost" and "unit" not in fields and "rvu" in plain(fields.get("value", "")).split():
        return {"unit": "wRVU"}
    if target != OPENING or "kind" in fields:
        return {}
    text = " ".join(plain(column.header) for column in columns)
    return {"kind": str(next((kind for word, kind in KIND_WORDS.items() if word in text), OpeningKind.OPEN))}


def _values(
    columns: Sequence[Column], target: str, parts: dict[str, dict[str, str]], notes: list[str]
) -> dict[str, dict[str, str]]:
    """Return the shipped words of the coded columns that occur; words nobody knows are noted."""
    found: dict[str, dict[str, str]] = {}
    by_header = {column.header: column for column in columns}
    for role, header in {**parts["attributes"], **parts["fields"]}.items():
        known = {w: c for m in presets().values() if m.target == target for w, c in m.values.get(role, {}).items()}
        codes, folded = {*known.values(), *OpeningKind}, {w.casefold() for w in known}
        words = {v for v in by_header[header].values if v.casefold() not in codes}
        if known and any(word.casefold() in folded for word in words):
            found[role] = known
        unknown = sum(word.casefold() not in folded for word in words)
        if unknown and ((known and role in found) or (target, role) == (OPENING, "kind")):
            notes.append(f"column {header!r}: {unknown} words have no code yet; add them under values.{role}")
    return found


def _qualified(columns: Sequence[Column], milestones: dict[str, str]) -> dict[str, str]:
    """Return which status column tells a cancelled exam from a discontinued one."""
    status = [c.header for c in columns if plain(c.header) in STATUS_WORDS and c.shape in (Shape.CODE, Shape.EMPTY)]
    cancelled = milestones.get("order_cancelled")
    return {cancelled: status[0]} if cancelled and status else {}


def _decimal(kept: Assigned) -> str:
    values = [v for role, (c, _) in kept.items() if role.name in NUMBERS for v in c.values]
    commas = sum("," in v and len(v.rpartition(",")[2]) != 3 for v in values)
    return "," if commas and commas >= sum("." in v and "," not in v for v in values) else "."
