"""Study totals: the union over irradiation event UIDs, completed by what reports declare but do not itemise.

Reports of one study may repeat each other's events (cumulative reports), add to them (continued reports) or be
sent twice; an event counts once by its UID. Scanners also declare sums of their own: rounding apart they equal
the sum of the events, and where they are larger (events left out, fluoroscopy not itemised) the difference is a
record of its own, named after the report's first event, so that repeated reports repeat it under one name.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import fsum

from etl.records import DoseRecord
from etl.sources.dose_content import Block, side_of

UNITEMISED = "#unitemised"
DECLARED = "#declared"
NO_DIFFERENCE = 1e-6  # relative; floating-point noise of a sum
UNIT_SLIP = 0.02  # a declared sum within 2 % of 10, 100, .. times the events was written in another unit
_ADDED = ("dlp_mgy_cm", "dap_gy_m2", "dose_rp_gy", "activity_mbq")
_DECLARED_FIELDS = ("dlp_mgy_cm", "dap_gy_m2", "dose_rp_gy", "fluoro_time_s")


def totals(records: Iterable[DoseRecord]) -> dict[str, float]:
    """Return the study totals of dose records; keys without any value are absent.

    Keys: dlp_mgy_cm, dap_gy_m2, dose_rp_gy, activity_mbq, agd_left_mgy, agd_right_mgy (sums), ctdivol_max_mgy.
    Of records with one event UID each field counts once, with its largest value.
    """
    events: dict[str, dict[str, float]] = {}
    for record in records:
        kept = events.setdefault(record.irradiation_event_uid, {})
        for key, value in _values(record).items():
            kept[key] = max(value, kept.get(key, value))
    by_key: dict[str, list[float]] = {}
    for kept in events.values():
        for key, value in kept.items():
            by_key.setdefault(key, []).append(value)
    return {key: _total(key, values) for key, values in by_key.items()}


def _total(key: str, values: list[float]) -> float:
    """Return the largest or the sum, without the noise of binary fractions."""
    value = max(values) if key == "ctdivol_max_mgy" else fsum(values)
    return float(f"{value:.12g}")


def declared(blocks: Iterable[Block]) -> dict[tuple[str, str | None], float]:
    """Return declared sums by field and side: added over planes, the larger where one plane states them twice."""
    by_plane: dict[tuple[str, str | None], dict[str, float]] = {}
    for block in blocks:
        stated = [((name, None), block.values[name]) for name in _DECLARED_FIELDS if name in block.values]
        sides = dict(block.sides)
        own_side = side_of(block.texts.get("laterality", ""))
        if own_side and "agd_mgy" in block.values:  # the side said once for the whole block
            sides.setdefault(own_side, block.values["agd_mgy"])
        for key, value in (*stated, *((("agd_mgy", side), value) for side, value in sides.items())):
            planes = by_plane.setdefault(key, {})
            plane = block.texts.get("plane", "")
            planes[plane] = max(value, planes.get(plane, value))
    return {key: fsum(planes.values()) for key, planes in by_plane.items()}


def missing_from(
    events: list[DoseRecord], sums: dict[tuple[str, str | None], float]
) -> dict[tuple[str, str | None], float]:
    """Return by field and side what declared sums hold beyond their events; zero where nothing was itemised."""
    rest = {}
    for (name, side), stated in sums.items():
        parts = [
            value
            for event in events
            if (value := getattr(event, name)) is not None and (side is None or event.laterality == side)
        ]
        itemised = fsum(parts)
        if not parts and (stated > 0 or name != "fluoro_time_s"):
            rest[name, side] = stated
        elif parts and stated > itemised * (1 + NO_DIFFERENCE) and not _is_slip(stated, itemised):
            rest[name, side] = stated - itemised
    return rest


def _is_slip(stated: float, itemised: float) -> bool:
    return itemised > 0 and any(abs(stated / (itemised * 10**power) - 1) < UNIT_SLIP for power in range(1, 7))


def _values(record: DoseRecord) -> dict[str, float]:
    values: dict[str, float | None] = {name: getattr(record, name) for name in _ADDED}
    values["ctdivol_max_mgy"] = record.ctdivol_mgy
    if record.laterality in ("L", "R"):
        values["agd_left_mgy" if record.laterality == "L" else "agd_right_mgy"] = record.agd_mgy
    return {key: value for key, value in values.items() if value is not None}
