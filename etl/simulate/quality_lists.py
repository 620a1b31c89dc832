"""Lists of quality and AI oversight as extracts: one file a kind for what came in since the last one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, timedelta

from etl.simulate import ai, quality
from etl.simulate.acquisitions import has_images, series_of
from etl.simulate.exam import Exam
from etl.simulate.local import clock_of, utc
from etl.simulate.run import Run
from etl.simulate.scenario import HOUR_S, SCANNER, SITE

Line = tuple[object, ...]
HEADERS: dict[str, tuple[str, ...]] = {
    "reviews": ("Accession", "Review Date", "Score", "Reader ID", "Reviewer ID", "Modality", "Arbitration"),
    "learning": ("Accession", "Submitted", "Category", "Modality"),
    "incidents": ("Accession", "Occurred", "Event Type", "Harm", "Location", "Modality", "Reported"),
    "qc": ("Accession", "Rejected", "Reason", "Repeated", "Last Change"),
    "rejects": ("Date", "Room", "Modality", "View", "Reason", "Rejected", "Accepted", "Technologist ID", "Exported"),
    "reference": ("Accession", "Established", "Condition", "Reference Result", "Report Called", "Modality"),
    "verdicts": ("Accession", "Algorithm", "Judged", "Verdict", "Sent"),
    "adjudications": ("Accession", "Algorithm", "Adjudicated", "Finding", "Sent"),
}
EXPORT_HOUR = 2  # local, on the day after


def quality_lists(run: Run, site: str, exams: Iterable[Exam], since_s: int) -> Iterator[tuple[str, list[Line]]]:
    """Yield each kind of list with its rows of [since, until), by time."""
    found: dict[str, list[tuple[int, Line]]] = defaultdict(list)
    every = [e for e in exams if e.begin_s is not None]
    for exam in every:
        for kind, at_s, line in _of(exam, run):
            if since_s <= at_s < run.until_s:
                found[kind].append((at_s, line))
    found["rejects"] = [row for row in _rejects(run, site, every) if since_s <= row[0] < run.until_s]
    for kind in HEADERS:
        yield kind, [line for _, line in sorted(found[kind], key=lambda row: (row[0], str(row[1])))]


def _iso(at_s: int) -> str:
    return f"{utc(at_s):%Y-%m-%dT%H:%M:%S+00:00}"


def _of(exam: Exam, run: Run) -> Iterator[tuple[str, int, Line]]:
    """Yield what an exam brings into which list, and when."""
    scenario, accession = run.scenario, exam.accession
    wall = clock_of(SITE[exam.site].zone)
    if review := quality.review(exam, scenario):
        minute = round(wall.clock_hour(review.at_s) * 60)
        at = f"{wall.local_date(review.at_s)} {minute // 60:02d}:{minute % 60:02d}"
        yield "reviews", review.at_s, (
            accession, at, review.score, exam.reader, review.reviewer, exam.modality, review.arbitration,
        )  # fmt: skip
    if handed := quality.submission(exam, scenario):
        yield "learning", handed[0], (accession, _iso(handed[0]), handed[1], exam.modality)
    if it := quality.incident(exam, scenario):
        place = SCANNER[exam.scanner].stations[0] if exam.scanner else ""
        named = accession if it.named else ""
        line = (named, _iso(it.at_s), it.kind, it.harm, place, exam.modality, _iso(it.reported_s))
        yield "incidents", it.reported_s, line
    if known := quality.reference(exam, scenario):
        result = "Present" if known.present else "Absent"
        told = (accession, _iso(known.at_s), "BREAST CANCER", result, int(known.called), exam.modality)
        yield "reference", known.at_s, told
    yield from _refusal(exam, run)
    yield from _verdict(exam, run)


def _refusal(exam: Exam, run: Run) -> Iterator[tuple[str, int, Line]]:
    refusal = quality.refusal(exam, run.scenario)
    if refusal is None:
        return
    at = _iso(refusal.at_s)
    yield "qc", refusal.at_s, (exam.accession, at, refusal.reason, "", at)
    if refusal.repeated_s is not None:
        again = _iso(refusal.repeated_s)
        yield "qc", refusal.repeated_s, (exam.accession, at, refusal.reason, again, again)


def _verdict(exam: Exam, run: Run) -> Iterator[tuple[str, int, Line]]:
    verdict = ai.verdict(exam, run.scenario)
    if verdict is None:
        return
    at = _iso(verdict.judged_s)
    yield "verdicts", verdict.judged_s, (exam.accession, exam.procedure.ai, at, verdict.words, at)
    if verdict.adjudicated_s is not None:
        again, found = _iso(verdict.adjudicated_s), "Present" if exam.has_finding else "Absent"
        yield "adjudications", verdict.adjudicated_s, (exam.accession, exam.procedure.ai, again, found, again)


def _rejects(run: Run, site: str, exams: list[Exam]) -> Iterator[tuple[int, Line]]:
    """Yield each X-ray room's counts of a day by view and reason, exported in the night after."""
    made: dict[tuple[date, str, str, str], int] = defaultdict(int)
    reasons: dict[tuple[date, str, str, str], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    clock = clock_of(SITE[site].zone)
    for exam in exams:
        if exam.modality in ("DX", "MG") and exam.end_s is not None and exam.scanner and has_images(exam):
            images = len(series_of(exam, run.scenario))
            room = SCANNER[exam.scanner].stations[0]
            key = (clock.local_date(exam.end_s), room, exam.modality, exam.procedure.body_part)
            made[key] += images
            for reason in quality.rejected(exam, images, run.scenario):
                reasons[key][reason] += 1
    for key in sorted(made):
        at_s = clock.second(key[0] + timedelta(days=1), 0) + EXPORT_HOUR * HOUR_S
        for reason, count in sorted(reasons[key].items()) or [("", 0)]:
            day, room, modality, view = key
            yield at_s, (day, room, modality, view, reason, count, made[key], "", _iso(at_s))
