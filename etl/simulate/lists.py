"""The department's own lists as extracts: rosters, AI results, the log of critical results, storage totals.

Headers follow the presets `roster`, `ai_results`, `critical_results`, `communications`, `followups` and `storage`.
"""

from __future__ import annotations

import csv
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from io import StringIO
from itertools import accumulate
from pathlib import Path

from etl.simulate.acquisitions import has_images, stored_s
from etl.simulate.calendars import days_between
from etl.simulate.communication import note
from etl.simulate.costs import COSTS, RVU, cost_tables
from etl.simulate.exam import Exam
from etl.simulate.faults import Faults
from etl.simulate.followups import TRACKED
from etl.simulate.hl7_files import Span, spans
from etl.simulate.local import clock_of, utc
from etl.simulate.openings import months
from etl.simulate.people import technologist
from etl.simulate.quality_lists import HEADERS, quality_lists
from etl.simulate.roster import POSTS, hours, works
from etl.simulate.run import Run
from etl.simulate.scenario import SCANNERS, SITE, chance
from etl.simulate.transfers import MB, STUDY_MB, study_size

ROSTER = ("Staff ID", "Role", "Room", "Date", "Start", "End", "Published")
COMMUNICATIONS = ("Accession", "Told", "Told By", "Told To", "How", "Read Back", "Last Change")
FOLLOWUPS = (
    "Accession", "MRN", "Recommendation", "Dismiss Reason", "Recommended", "Scheduled", "Completed", "Dismissed",
    "Last Change",
)  # fmt: skip
AI = ("Accession", "Study UID", "Started", "Finished", "Algorithm", "Result", "Score", "Modality", "Sent")
CRITICAL = (
    "Accession", "MRN", "Category", "Radiologist ID", "Identified", "Notified", "Acknowledged", "Handed Over", "Closed",
    "Last Change",
)  # fmt: skip
STORAGE = ("Measured", "Volume", "Modality", "Bytes Used", "Capacity Bytes", "Studies")
CATEGORY = {1: "Red", 2: "Orange", 3: "Yellow"}
# technologists' shifts as `people.technologist` has them, cut at midnight
TECHNOLOGIST_HOURS = (
    ("00:00", "07:00", 3.0), ("07:00", "15:00", 8.0), ("15:00", "23:00", 16.0), ("23:00", "24:00", 23.5),
)  # fmt: skip
HELD_TB = {"CT": 24.0, "MR": 15.0, "DX": 6.0, "US": 4.5, "MG": 5.0, "NM": 0.6, "XA": 3.5}  # before the first day
CAPACITY_TB = {"NORTH": 64.0, "SOUTH": 90.0}  # the North's archive is about to fill
TB = 10**12

Line = tuple[object, ...]


def write_lists(run: Run, site: str, since_s: int, folders: dict[str, Path]) -> dict[str, int]:
    """Write what a hospital's lists brought in [since, until), by kind of list; return their numbers of rows."""
    exams = [exam for exam in run.exams if exam.site == site]
    by_ai, critical = (
        [e for e in exams if (e.ai_end_s or e.ai_failed_s) is not None],
        [e for e in exams if e.critical_class],
    )
    counts: dict[str, int] = defaultdict(int)

    def put(kind: str, name: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        counts[kind] += _write(folders[kind] / f"{kind}_{name}.csv", header, rows)

    for first, last, made_s in months(run, since_s):
        put("roster", f"{first}", ROSTER, _shifts(run, site, first, last, made_s))
    for span in spans(site, since_s, run.until_s):
        put("ai", span.name, AI, _ai(by_ai, span))
        put("critical", span.name, CRITICAL, _critical(run, critical, span))
        put("followups", span.name, FOLLOWUPS, _followups(run, exams, span))
        put("communications", span.name, COMMUNICATIONS, _communications(run, critical, span))
    for name, units, money in cost_tables(run, site, since_s):
        put("rvu", name, RVU, units)
        put("costs", name, COSTS, money)
    for day, totals in _storage(run, site, exams, since_s):
        put("storage", f"{day}", STORAGE, totals)
    since = max(since_s, run.scenario.origin_s)
    for kind, rows in quality_lists(run, site, exams, since_s):
        put(kind, f"{utc(since):%Y%m%dT%H%M}Z-{utc(run.until_s):%Y%m%dT%H%M}Z", HEADERS[kind], rows)
    return dict(counts)


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> int:
    found = list(rows)
    if found:
        text = StringIO()
        csv.writer(text, lineterminator="\n").writerows([header, *found])
        path.write_text(text.getvalue(), encoding="utf-8", newline="")
    return len(found)


def _iso(at_s: int | None) -> str:
    return "" if at_s is None else f"{utc(at_s):%Y-%m-%dT%H:%M:%S+00:00}"


def _shifts(run: Run, site: str, first: date, last: date, made_s: int) -> Iterator[Line]:
    """Yield who works when: technologists by scanner, and the reading group, which each hospital has on its roster."""
    made, clock = _iso(made_s), clock_of(SITE[site].zone)
    for day in days_between(first, last):
        for post in POSTS:
            if works(post, day, run.scenario):
                begin, end = (clock.iso(at_s) for at_s in hours(post, day))
                role = "Resident" if post.trainee else "Radiologist"
                yield post.code, role, "READING", begin[:10], begin[11:16], end[11:16], made
        for scanner in SCANNERS:
            if scanner.site == site:
                for begin, end, hour in TECHNOLOGIST_HOURS:
                    who = technologist(SITE[site], scanner.code, day.toordinal(), hour)
                    yield who, "Technologist", scanner.stations[0], day, begin, end, made


def _ai(exams: Iterable[Exam], span: Span) -> Iterator[Line]:
    for e in exams:
        if e.ai_failed_s is not None and span.begin_s <= e.ai_failed_s < span.end_s:
            began, done = _iso(e.available_s), _iso(e.ai_failed_s)
            yield e.accession, e.study_uid, began, done, e.procedure.ai, "Failed", "", e.modality, done
        if e.ai_end_s is not None and span.begin_s <= e.ai_end_s < span.end_s:
            low, high = (0.55, 0.99) if e.ai_positive else (0.01, 0.45)
            score = low + (high - low) * chance("ai", e.study_uid)
            result, done = "Positive" if e.ai_positive else "Negative", _iso(e.ai_end_s)
            began = _iso(e.ai_begin_s)
            yield e.accession, e.study_uid, began, done, e.procedure.ai, result, f"{score:.3f}", e.modality, done


def _critical(run: Run, exams: Iterable[Exam], span: Span) -> Iterator[Line]:
    """Yield the findings whose row changed within the span, as they stood at its end."""
    faults, end_s = Faults(run.scenario), span.end_s
    for e in exams:
        known = (e.crit_identified_s, e.crit_notified_s, e.crit_ack_s, e.crit_delegated_s, e.crit_closed_s)
        steps = [s if s is not None and s < end_s else None for s in known]
        changed = [s for s in steps if s is not None]
        if e.critical_class and changed and max(changed) >= span.begin_s:
            mrn = faults.mrn(e.site, e.patient, end_s - 1)
            category = CATEGORY[e.critical_class]
            yield e.accession, mrn, category, e.reader or "", *(_iso(s) for s in steps), _iso(max(changed))


def _communications(run: Run, exams: Iterable[Exam], span: Span) -> Iterator[Line]:
    """Yield the communications noted within the span."""
    for e in exams:
        at_s = e.crit_notified_s
        if at_s is not None and span.begin_s <= at_s < span.end_s and (noted := note(e, run.scenario)) is not None:
            cells = (noted.who, noted.whom, noted.how, noted.read_back)
            yield e.accession, _iso(at_s), *(cell or "" for cell in cells), _iso(at_s)


def _followups(run: Run, exams: Iterable[Exam], span: Span) -> Iterator[Line]:
    """Yield the tracked follow-ups whose row changed within the span, as they stood at its end."""
    faults = Faults(run.scenario)
    for e in exams:
        if e.site != TRACKED or (wanted := e.recommended) is None or not wanted.is_coded:
            continue
        steps = [e.final_s, wanted.scheduled_s, wanted.completed_s, wanted.dismissed_s]
        known = [s if s is not None and s < span.end_s else None for s in steps]
        changed = [s for s in known if s is not None]
        if changed and max(changed) >= span.begin_s:
            reason = wanted.reason if known[3] is not None else ""
            mrn = faults.mrn(e.site, e.patient, span.end_s - 1)
            yield e.accession, mrn, wanted.code, reason, *(_iso(s) for s in known), _iso(max(changed))


def _storage(run: Run, site: str, exams: Iterable[Exam], since_s: int) -> Iterator[tuple[date, list[Line]]]:
    """Yield for each local midnight in [since, until) what the archive holds of each modality."""
    clock = clock_of(SITE[site].zone)
    stored: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for e in exams:
        if has_images(e):
            stored[e.modality].append((stored_s(e), study_size(e)))
    held = {m: ([0], [0]) for m in {s.modality for s in SCANNERS if s.site == site}}
    for modality, sizes in stored.items():
        sizes.sort()
        held[modality] = ([at_s for at_s, _ in sizes], [0, *accumulate(size for _, size in sizes)])
    day = clock.local_date(since_s)
    while (at_s := clock.second(day, 0)) < run.until_s:
        if at_s >= since_s and at_s >= run.scenario.origin_s:
            capacity = round(CAPACITY_TB[site] * TB)
            yield day, [_volume(m, at_s, *held[m], clock.iso(at_s), capacity) for m in sorted(held)]
        day += timedelta(days=1)


def _volume(modality: str, at_s: int, times: list[int], totals: list[int], measured: str, capacity: int) -> Line:
    n = min(bisect_left(times, at_s), len(totals) - 1)
    base = round(HELD_TB[modality] * TB)
    studies = base // (STUDY_MB[modality] * MB) + n
    return measured, "ARCHIVE", modality, base + totals[n], capacity, studies
