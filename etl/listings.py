"""What the command line lists from the warehouse, line by line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import select

from etl import pipeline
from etl.settings import Settings
from etl.warehouse.clock_correction import proposal
from etl.warehouse.data_time import data_time
from etl.warehouse.tables import fact_clock, fact_unmatched
from etl.warehouse.unmatched import CAUSES


def unmatched_lines(settings: Settings, limit: int) -> Iterator[str]:
    """Yield images without exam, then exams without images, newest first, with the likely cause in words."""
    c = fact_unmatched.c
    with pipeline.writer(settings) as engine, engine.connect() as connection:
        for side in ("images", "exam"):
            query = select(fact_unmatched).where(c.side == side).order_by(c.begin_at.desc(), c.exam_key).limit(limit)
            for row in connection.execute(query):
                yield _unmatched_line(row)


def _unmatched_line(row: Any) -> str:
    place = f"{row.begin_at:%Y-%m-%d %H:%M}Z  {row.side:<7} {row.scanner_code or '?':<8} {row.modality or '?':<4}"
    score = "" if row.score is None else f" (best candidate scores {row.score:.2f})"
    return f"{place} {CAUSES.get(row.cause, row.cause)}{score}"


def clock_lines(settings: Settings) -> Iterator[str]:
    """Yield each scanner's clock as found, and under it the correction to write where one is due."""
    with pipeline.writer(settings) as engine, engine.connect() as connection:
        data_at = data_time(connection)
        for row in connection.execute(select(fact_clock).order_by(fact_clock.c.scanner_code)):
            yield _clock_line(row)
            if data_at is not None:
                yield from proposal(row, data_at, settings.clock_corrections)


def _clock_line(row: Any) -> str:
    offset = "offset unknown" if row.offset_min is None else f"{row.offset_min * 60:+.0f} s"
    drift = "" if row.drift_min_per_day is None else f", {row.drift_min_per_day * 60:+.1f} s a day"
    error = "" if row.error_min is None else f" (standard error {row.error_min * 60:.0f} s)"
    by = f"by {row.evidence}" if row.evidence else "no scanner in step to compare with"
    return f"{row.scanner_code:<8} {row.verdict:<8} {offset}{error}{drift}; {row.n} exams, {by}"
