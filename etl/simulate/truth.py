"""The truth beside the feeds: every exam, appointment and calendar stretch as it really was, and the planted faults."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from etl.errors import ConfigurationError
from etl.simulate.acquisitions import Series, has_images, local_day, series_of, shares
from etl.simulate.calendars import days_between
from etl.simulate.costs import code_at
from etl.simulate.doses import dose_events, sends_report, totals
from etl.simulate.exam import Booking, Exam
from etl.simulate.openings import months
from etl.simulate.people import patient
from etl.simulate.planted import planted
from etl.simulate.quality_truth import quality_truth
from etl.simulate.run import Run
from etl.simulate.scenario import SCANNERS, SITES, Scenario
from etl.simulate.transfers import transfers

INSTANT = pa.timestamp("s", "UTC")
PRIORITY = {"S": "STAT", "A": "URGENT", "R": "ROUTINE"}
TIMES = (
    "ordered", "accepted", "changed", "arrived", "in_room", "begin", "end", "aborted", "available", "ai_begin",
    "ai_end", "opened", "dictated", "prelim", "final", "addendum", "crit_identified", "crit_notified", "crit_ack",
    "crit_delegated", "crit_closed",
    "cancelled", "no_show", "transcribed", "viewed", "recoded", "prior_requested", "prior_available", "rated",
)  # fmt: skip
DOSES = (
    "dlp_mgy_cm", "ctdivol_max_mgy", "dap_gy_m2", "dose_rp_gy", "agd_left_mgy", "agd_right_mgy", "activity_mbq",
    "ssde_max_mgy", "diameter_mm", "fluoro_time_s", "dose_alerts", "dose_notifications",
)  # fmt: skip
FACTS: dict[str, tuple[Any, Callable[[Exam], Any]]] = {
    "exam_key": (pa.int64(), lambda e: e.key),
    "site": (pa.string(), lambda e: e.site),
    "accession": (pa.string(), lambda e: e.accession),
    "placer": (pa.string(), lambda e: e.placer),
    "filler": (pa.string(), lambda e: e.filler),
    "study_uid": (pa.string(), lambda e: e.study_uid),
    "visit": (pa.string(), lambda e: e.visit),
    "patient": (pa.string(), lambda e: f"{e.site}-{e.patient}"),
    "birth_year": (pa.int32(), lambda e: int(patient(e.site, e.patient).birth[:4])),
    "modality": (pa.string(), lambda e: e.modality),
    "procedure_code": (pa.string(), lambda e: e.procedure.code),
    "local_code": (pa.string(), lambda e: code_at(e.site, e.procedure)),
    "procedure_text": (pa.string(), lambda e: e.procedure.text),
    "section": (pa.string(), lambda e: e.procedure.section),
    "patient_class": (pa.string(), lambda e: e.patient_class),
    "priority": (pa.string(), lambda e: PRIORITY[e.priority]),
    "status": (pa.string(), lambda e: e.status),
    "scanner": (pa.string(), lambda e: e.scanner),
    "booked_scanner": (pa.string(), lambda e: e.booking.scanner if e.booking else None),
    "appointment_at": (INSTANT, lambda e: e.booking.begin_s if e.booking else None),
    "linked_to": (pa.int64(), lambda e: e.lead),
    "is_walk_in": (pa.bool_(), lambda e: e.patient_class == "O" and not e.bookings),
    "technologist": (pa.string(), lambda e: e.technologist),
    "reader": (pa.string(), lambda e: e.reader),
    "assistant": (pa.string(), lambda e: e.assistant),
    "critical_class": (pa.int32(), lambda e: e.critical_class),
    "order_reason": (pa.string(), lambda e: e.order_reason),
    "rating": (pa.string(), lambda e: e.rating),
    "body_part": (pa.string(), lambda e: e.procedure.body_part),
    "followup": (pa.string(), lambda e: e.followup),
    "addendum_class": (pa.string(), lambda e: e.addendum_class),
    "discrepancy": (pa.string(), lambda e: e.discrepancy),
    "has_impression": (pa.bool_(), lambda e: e.has_impression),
    "ai_positive": (pa.bool_(), lambda e: e.ai_positive if e.ai_end_s is not None else None),
}


@dataclass(frozen=True)
class Manifest:
    """What a folder's department is and how far it has lived."""

    scenario: Scenario
    end: datetime
    days: int
    exams: int


def read_manifest(folder: Path) -> Manifest:
    """Read truth/manifest.json; raises ConfigurationError when there is none."""
    path = folder / "truth" / "manifest.json"
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigurationError(f"no simulated department at {folder}; run `radpulse simulate` first") from error
    end = datetime.fromisoformat(stored["end"]).astimezone(UTC)
    return Manifest(Scenario.from_json(stored["scenario"]), end, stored["days"], stored["exams"])


def write_truth(run: Run, folder: Path, manifest: Manifest) -> None:
    """Write truth/*.parquet and truth/manifest.json as of the end of the run."""
    target = folder / "truth"
    target.mkdir(parents=True, exist_ok=True)
    imaged = [e for e in run.exams if has_images(e)]
    parts = shares(run)
    series = [(e, series_of(e, run.scenario, parts.get(e.key, (0.0, 1.0)))) for e in imaged]
    tables = {
        "exams": exams(run, {e.key: s for e, s in series}), "appointments": appointments(run),
        "acquisitions": acquisitions(series), "openings": openings(run), "transfers": moved(run),
        "quality": quality_truth(run),
        "template_slots": template_slots(run),
        "followups": followups(run),
    }  # fmt: skip
    for name, table in tables.items():
        pq.write_table(table, target / f"{name}.parquet")
    values = {
        "seed": run.scenario.seed, "days": manifest.days, "end": manifest.end.isoformat(), "exams": manifest.exams,
        "scenario": run.scenario.as_json(), "planted": planted(run),
    }  # fmt: skip
    (target / "manifest.json").write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")


def exams(run: Run, series: dict[int, list[Series]]) -> pa.Table:
    """Return one row an exam: what it is and when everything truly happened (aware UTC seconds)."""
    columns = {name: pa.array([of(e) for e in run.exams], kind) for name, (kind, of) in FACTS.items()}
    for name in TIMES:
        known = (getattr(e, f"{name}_s") for e in run.exams)
        columns[f"{name}_at"] = pa.array([s if s is not None and s < run.until_s else None for s in known], INSTANT)
    parts = [[{"begin_at": b, "end_at": e} for b, e in exam.parts] for exam in run.exams]
    columns["parts"] = pa.array(parts, pa.list_(pa.struct([("begin_at", INSTANT), ("end_at", INSTANT)])))
    doses = [totals(dose_events(e, series.get(e.key, []), run.scenario)) for e in run.exams]
    for name in DOSES:
        columns[name] = pa.array([dose.get(name) for dose in doses], pa.float64())
    columns["sends_dose_report"] = pa.array([
        sends_report(e, run.scenario) and local_day(e) >= run.scenario.dose_from for e in run.exams
    ])  # fmt: skip
    return pa.table(columns)


def followups(run: Run) -> pa.Table:
    """Return one row a recommended follow-up: what is said of it, and what the list knew at the end."""
    rows = [(e, e.recommended) for e in run.exams if e.recommended is not None]

    def known(at_s: int | None) -> int | None:
        return at_s if at_s is not None and at_s < run.until_s else None

    return pa.table({
        "exam_key": pa.array([e.key for e, _ in rows], pa.int64()),
        **{name: pa.array([getattr(w, name) for _, w in rows], pa.string()) for name in (
            "modality", "interval", "region", "reason",
        )},
        "is_coded": pa.array([w.is_coded for _, w in rows], pa.bool_()),
        "recommended_at": pa.array([e.final_s for e, _ in rows], INSTANT),
        **{f"{name}_at": pa.array([known(getattr(w, f"{name}_s")) for _, w in rows], INSTANT) for name in (
            "scheduled", "completed", "dismissed",
        )},
    })  # fmt: skip


def acquisitions(series: list[tuple[Exam, list[Series]]]) -> pa.Table:
    """Return one row a series in true time; `states_end` says whether a file's header tells its end."""
    rows = [(exam, s) for exam, every in series for s in every]
    return pa.table({
        "exam_key": pa.array([e.key for e, _ in rows], pa.int64()),
        "series_uid": pa.array([s.uid for _, s in rows]),
        "scanner": pa.array([e.scanner for e, _ in rows]),
        "begin_at": pa.array([s.begin_s for _, s in rows], INSTANT),
        "end_at": pa.array([s.end_s for _, s in rows], INSTANT),
        "states_end": pa.array([s.states_end for _, s in rows]),
        "instances": pa.array([s.instances for _, s in rows], pa.int32()),
    })  # fmt: skip


def moved(run: Run) -> pa.Table:
    """Return one row a study that came into an archive or a prior that was fetched, in true time."""
    rows = [t for site in SITES for t in transfers(run, site.code)]
    return pa.table({
        "site": pa.array([t.site for t in rows]),
        "exam_key": pa.array([t.exam.key if t.exam else None for t in rows], pa.int64()),
        "direction": pa.array([t.direction for t in rows]),
        "modality": pa.array([t.modality for t in rows]),
        "first_at": pa.array([t.first_s for t in rows], INSTANT),
        "last_at": pa.array([t.last_s for t in rows], INSTANT),
        "size": pa.array([t.size for t in rows], pa.int64()),
    })  # fmt: skip


def appointments(run: Run) -> pa.Table:
    """Return one row a booking, its fate as known at the end."""
    rows = [(exam, number, b) for exam in run.exams for number, b in enumerate(exam.bookings)]

    def column(kind: Any, of: Callable[[Exam, int, Booking], Any]) -> pa.Array:
        return pa.array([of(*row) for row in rows], kind)

    def known(b: Booking) -> bool:
        return b.fate_s is not None and b.fate_s < run.until_s

    return pa.table({
        "exam_key": column(pa.int64(), lambda e, n, b: e.key),
        "appointment_id": column(pa.string(), lambda e, n, b: b.appointment_id),
        "number": column(pa.int32(), lambda e, n, b: n),
        "scanner": column(pa.string(), lambda e, n, b: b.scanner),
        "begin_at": column(INSTANT, lambda e, n, b: b.begin_s),
        "minutes": column(pa.int32(), lambda e, n, b: b.minutes),
        "booked_at": column(INSTANT, lambda e, n, b: b.booked_s),
        "is_moved": column(pa.bool_(), lambda e, n, b: b.moves),
        "fate": column(pa.string(), lambda e, n, b: b.fate if known(b) else _standing(e, b, run)),
        "fate_at": column(INSTANT, lambda e, n, b: b.fate_s if known(b) else None),
        "reason": column(pa.string(), lambda e, n, b: b.reason if known(b) else ""),
    })  # fmt: skip


def _standing(exam: Exam, booking: Booking, run: Run) -> str:
    """Return the fate of a booking that was not called off: kept once the patient came, open before."""
    return "kept" if booking.fate == "kept" and exam.arrived_s is not None else "open"


def openings(run: Run) -> pa.Table:
    """Return the operating calendar from the first day to the last that has begun, slots included."""
    first, last = run.scenario.start, run.last_day
    kinds = ("open", "closures", "planned", "unplanned", "slots")
    stretches = [
        s for spec in SCANNERS for day in days_between(first, last) for kind in kinds
        for s in getattr(run.calendars[spec.code], kind)(day)
    ]  # fmt: skip
    return pa.table({
        "scanner": pa.array([s.scanner for s in stretches]),
        "kind": pa.array([s.kind for s in stretches]),
        "day": pa.array([s.day for s in stretches], pa.date32()),
        "begin_at": pa.array([s.begin_s for s in stretches], INSTANT),
        "end_at": pa.array([s.end_s for s in stretches], INSTANT),
        "reason": pa.array([s.reason for s in stretches]),
    })  # fmt: skip


def template_slots(run: Run) -> pa.Table:
    """Return every template slot of the calendars made so far, future ones too."""
    made = list(months(run, run.scenario.origin_s - 1))
    slots = [
        s for spec in SCANNERS for first, last, _ in made for day in days_between(first, last)
        for s in run.calendars[spec.code].slots(day)
    ]  # fmt: skip
    return pa.table({
        "scanner": pa.array([s.scanner for s in slots], pa.string()),
        "begin_at": pa.array([s.begin_s for s in slots], INSTANT),
        "end_at": pa.array([s.end_s for s in slots], INSTANT),
    })  # fmt: skip
