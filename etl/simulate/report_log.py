"""The log of what was done to reports: transcriptions, views and changes after the final, one CSV a local day.

Headers follow the preset `report_log`; only the North has its dictations transcribed.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

from etl.simulate.exam import Exam
from etl.simulate.hl7_files import spans
from etl.simulate.local import clock_of
from etl.simulate.run import Run
from etl.simulate.scenario import SITE

HEADER = ("Accession", "Action", "Logged", "Written")
WRITTEN_S = 5  # the log is written so long after the happening


def write_report_log(run: Run, site: str, since_s: int, folder: Path) -> int:
    """Write the log's rows of [since, until) of one hospital; return how many."""
    clock, written = clock_of(SITE[site].zone), 0
    rows = sorted(
        (at_s, exam.accession, action)
        for exam in run.exams if exam.site == site
        for action, at_s in _actions(exam) if since_s <= at_s < run.until_s
    )  # fmt: skip
    place = 0
    for span in spans(site, since_s, run.until_s):
        text = StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(HEADER)
        first = place
        while place < len(rows) and rows[place][0] < span.end_s:
            at_s, accession, action = rows[place]
            writer.writerow((accession, action, clock.iso(at_s), clock.iso(at_s + WRITTEN_S)))
            place += 1
        if place > first:
            (folder / f"{span.name}.csv").write_text(text.getvalue(), encoding="utf-8", newline="")
        written += place - first
    return written


def _actions(exam: Exam) -> Iterator[tuple[str, int]]:
    """Yield what the log tells of an exam; trainees' drafts are not sent to transcription."""
    told = exam.site == "NORTH" and exam.assistant is None
    times = (
        ("Transcribed", exam.transcribed_s if told else None),
        ("Report Viewed", exam.viewed_s),
        ("Procedure Changed After Final", exam.recoded_s),
    )
    yield from ((action, at_s) for action, at_s in times if at_s is not None)
