"""The manifest of planted faults and stories: what was done, to which exams, and what a reader should notice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from etl.simulate.acquisitions import has_images
from etl.simulate.calendars import STORY_DOWN, STORY_SHORT, days_between
from etl.simulate.communication import LATE_HOURS, LATE_SECTION, is_late
from etl.simulate.costs import NOT_IN_THE_TABLE, REVISED_BY, REVISED_DAYS
from etl.simulate.dose_stories import (
    CHANGED_FACTOR,
    CHANGED_PROCEDURE,
    CHANGED_SCANNER,
    SILENT_SCANNER,
    UNMODULATED_FACTOR,
    changed_on,
    is_unmodulated,
    silent_days,
)
from etl.simulate.exam import Exam
from etl.simulate.faults import (
    DRIFT_S_A_DAY,
    DRIFTING_SCANNER,
    RENAMED_SCANNER,
    SKEW_S,
    SKEWED_SCANNER,
    Faults,
)
from etl.simulate.image_faults import EFFECTS, image_fault
from etl.simulate.local import utc
from etl.simulate.people import patient
from etl.simulate.planted_archive import filling_archive, repeated_without_prior, slow_network
from etl.simulate.quality_truth import stories as quality_stories
from etl.simulate.report_aftermath import RECODED_SCANNER
from etl.simulate.roster import STORY_ABSENT
from etl.simulate.run import Run
from etl.simulate.scenario import SCANNER, SITE, SITES

Entry = dict[str, Any]
MESSAGE_FAULTS = {
    "lost": "The HL7 message never comes; the RIS extract carries the fact, so no milestone is missing in the end.",
    "never_ended": "Neither HL7 nor extract holds the exam's end: open until the report; only DICOM knows it.",
    "duplicated": "The same message comes twice with one control id: counted once.",
    "resent": "The message comes again five minutes later with a new control id and time: counted once, earliest kept.",
    "late": "The message reaches the feed one day after its MSH-7: until then the fact is known from the extract only.",
}
CLOCK_TIMES = ("arrived", "in_room", "begin", "end", "available", "opened", "prelim", "final")


def planted(run: Run) -> list[Entry]:
    """Return every fault and story with its expected effect and the accession numbers concerned."""
    faults = Faults(run.scenario)
    found = [*_messages(run, faults), *_exams(run), *_clocks(run), _renamed(run, faults)]
    found += _merges(run, faults)
    found += _image_faults(run)
    found.append(_repeated_hour(run))
    return found + _stories(run) + quality_stories(run)


def _entry(kind: str, effect: str, exams: list[Exam], **more: Any) -> Entry:
    return {
        "fault": kind,
        "expected_effect": effect,
        "n": len(exams),
        **more,
        "accessions": [e.accession for e in exams],
    }


def _messages(run: Run, faults: Faults) -> Iterator[Entry]:
    hit: dict[str, list[tuple[Exam, str]]] = {kind: [] for kind in MESSAGE_FAULTS}
    for exam in run.exams:
        fault = faults.of(exam)
        if fault is not None and _happened(exam, fault.message):
            hit[fault.kind].append((exam, fault.message))
    for kind, effect in MESSAGE_FAULTS.items():
        yield _entry(kind, effect, [e for e, _ in hit[kind]], messages=[m for _, m in hit[kind]])


def _happened(exam: Exam, message: str) -> bool:
    at_s = {"NW": exam.ordered_s, "IP": exam.begin_s, "CM": exam.end_s, "F": exam.final_s}
    return bool(exam.bookings) if message == "S12" else at_s[message] is not None


def _exams(run: Run) -> Iterator[Entry]:
    kinds: tuple[tuple[str, str, Callable[[Exam], bool]], ...] = (
        ("cancelled_after_begin", "ORM CA after the exam began: status aborted, never no-show or cancelled.",
         lambda e: e.aborted_s is not None and e.key % 3 == 0),
        ("discontinued", "ORC-5 DC after begin: status aborted.", lambda e: e.aborted_s is not None and e.key % 3 != 0),
        ("linked", "Two accessions, one Study Instance UID, overlapping on one table: one visit, counted once.",
         lambda e: e.lead is not None and e.begin_s is not None),
        ("patient_pause", "The patient leaves and comes back: two visit parts at the series gap; T11 spans it.",
         lambda e: len(e.parts) > 1),
        ("procedure_changed", "ORM/OMI XO before the exam: the later procedure counts.",
         lambda e: e.changed_s is not None),
        ("correction", "ORU C after the final report: an addendum; T16 keeps the first final signature.",
         lambda e: e.addendum_s is not None),
    )  # fmt: skip
    for kind, effect, holds in kinds:
        yield _entry(kind, effect, [e for e in run.exams if holds(e)])


def _clocks(run: Run) -> Iterator[Entry]:
    for code, kind, effect, more in (
        (SKEWED_SCANNER, "clock_offset", "All DICOM times of this scanner are 7 min late; RIS times are right.",
         {"offset_min": SKEW_S / 60}),
        (DRIFTING_SCANNER, "clock_drift", "DICOM times of this scanner run ahead by 0.1 min more each day.",
         {"drift_min_per_day": DRIFT_S_A_DAY / 60, "zero_at": utc(run.scenario.origin_s).isoformat()}),
    ):  # fmt: skip
        exams = [e for e in run.exams if e.scanner == code and e.begin_s is not None]
        yield {"fault": kind, "expected_effect": effect, "n": len(exams), "scanner": code, **more}


def _image_faults(run: Run) -> Iterator[Entry]:
    imaged = [(e, image_fault(e, run.scenario)) for e in run.exams if has_images(e) and e.parts]
    for kind, effect in EFFECTS.items():
        yield _entry(f"images_{kind}", effect, [e for e, found in imaged if found == kind])


def _renamed(run: Run, faults: Faults) -> Entry:
    names = SCANNER[RENAMED_SCANNER].stations
    return {
        "fault": "station_renamed", "scanner": RENAMED_SCANNER, "from": names[-1], "to": names[0],
        "at": utc(faults.renamed_s).isoformat(),
        "expected_effect": "Both names are aliases in radpulse.toml: one scanner, no gap.",
    }  # fmt: skip


def _merges(run: Run, faults: Faults) -> Iterator[Entry]:
    for (site, number), (old, at_s) in faults.merges.items():
        exams = [e for e in run.exams if (e.site, e.patient) == (site, number)]
        effect = "One patient under two numbers before ADT^A40, one patient_key after; exams of both belong together."
        yield _entry(
            "patient_merged", effect, exams, site=site, old=old, kept=patient(site, number).mrn,
            at=utc(at_s).isoformat(), is_sent=at_s < run.until_s,
        )  # fmt: skip


def repeated_hour(zone: str, first: date, last: date) -> tuple[int, int] | None:
    """Return the second pass of the hour that autumn repeats between two local days, in Unix seconds."""
    info = ZoneInfo(zone)
    for day in days_between(first, last):
        at = datetime(day.year, day.month, day.day, tzinfo=info)
        before, after = at.utcoffset(), (at + timedelta(days=1)).utcoffset()
        if before is not None and after is not None and after < before:
            for hour in range(26):
                begin_s = int(at.timestamp()) + hour * 3600
                if datetime.fromtimestamp(begin_s, UTC).astimezone(info).fold:
                    return begin_s, begin_s + 3600
    return None


def _repeated_hour(run: Run) -> Entry:
    hit: list[tuple[Exam, list[str]]] = []
    for site in SITES:
        span = repeated_hour(site.zone, run.scenario.start, run.last_day)
        for exam in run.exams if span is not None else ():
            names = [n for n in CLOCK_TIMES if span and span[0] <= (getattr(exam, f"{n}_s") or 0) < span[1]]
            if exam.site == site.code and names:
                hit.append((exam, names))
    effect = (
        "Naive times (South HL7, both extracts, scanners without offset) in the second pass of the repeated hour are"
        " read one hour early and flagged ambiguous; North HL7 carries offsets and stays exact."
    )
    spans = {s.code: repeated_hour(s.zone, run.scenario.start, run.last_day) for s in SITES}
    shown = {code: utc(span[0]).isoformat() if span else None for code, span in spans.items()}
    return _entry("dst_night", effect, [e for e, _ in hit], second_pass_from=shown, milestones=[n for _, n in hit])


def _critical_told_late(run: Run) -> Entry:
    late = [e for e in run.exams if e.crit_identified_s is not None and is_late(e)]
    return {
        "story": "critical_told_late", "section": LATE_SECTION, "local_hours": list(LATE_HOURS), "n": len(late),
        "accessions": [e.accession for e in late],
        "expected_effect": "C01 of this section's class 1 findings is far lower at night; nowhere else is it.",
    }  # fmt: skip


def _bottleneck(run: Run) -> Entry:
    scanner, from_day, hour = STORY_SHORT
    return {
        "story": "mr_bottleneck", "scanner": scanner, "zone": SITE[SCANNER[scanner].site].zone,
        "from_day": (run.scenario.anchor + timedelta(days=from_day)).isoformat(), "last_slot_hour": hour,
        "expected_effect": "U19 of MR at NORTH rises to two or three weeks, T03 with it, and some wait beyond six weeks"
        " (T04); other modalities and the South show nothing of it.",
    }  # fmt: skip


def _stories(run: Run) -> list[Entry]:
    anchor = run.scenario.anchor
    absent = {
        code: [(anchor + timedelta(days=d)).isoformat() for d in range(first, last + 1)]
        for code, (first, last) in STORY_ABSENT.items()
    }
    down = [
        {"scanner": code, "day": (anchor + timedelta(days=n)).isoformat(), "from_hour": b, "to_hour": e, "reason": why,
         "zone": SITE[SCANNER[code].site].zone}
        for (code, n), (b, e, why) in STORY_DOWN.items()
    ]  # fmt: skip
    changed, silent = changed_on(run.scenario), silent_days(run.scenario)
    return [
        {"story": "protocol_dose_changed", "scanner": CHANGED_SCANNER, "procedure": CHANGED_PROCEDURE,
         "factor": CHANGED_FACTOR, "from_day": changed.isoformat(),
         "expected_effect": "The median CTDIvol of this protocol rises on this scanner alone from that day on."},
        {"story": "modulation_off", "factor": UNMODULATED_FACTOR,
         "accessions": [e.accession for e in run.exams if e.end_s is not None and is_unmodulated(e, run.scenario)],
         "expected_effect": "A few CT exams far above their protocol's usual dose; most of them alerted."},
        {"story": "no_dose_reports", "scanner": SILENT_SCANNER, "days": [day.isoformat() for day in silent],
         "expected_effect": "D06 falls for this scanner on that weekend; its exams are missing, not of zero dose."},
        {"story": "readers_absent", "days": absent,
         "expected_effect": "The unread queue of section BODY grows over the last days, report TAT with it."},
        {"story": "scanner_down", "downtimes": down,
         "expected_effect": "U14 shows it; operating minutes fall, waits rise, the other CT takes over."},
        {"story": "report_aftermath", "scanner": RECODED_SCANNER,
         "expected_effect": "Q02 is higher at night, T25 long and often open for the South's outpatients, T27 stands"
         " out on one scanner, T20 strips exams left open."},
        slow_network(run), filling_archive(run), repeated_without_prior(run),
        _bottleneck(run),
        {"story": "revalued", "valid_from": (anchor - timedelta(days=REVISED_DAYS)).isoformat(), "factor": REVISED_BY,
         "expected_effect": "V02 and U22-wrvu rise with no more work done: CT of the trunk is weighed higher."},
        {"story": "not_in_the_table", "codes": NOT_IN_THE_TABLE,
         "expected_effect": "V02 counts North's hepatobiliary scans as missing, not as nought."},
        _critical_told_late(run),
        {"story": "before_the_start", "expected_effect":
            "Orders before the first day are only those of appointments after it: order volumes rise until then."},
    ]  # fmt: skip
