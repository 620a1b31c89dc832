"""The truth of quality and AI oversight: what really befell each exam, whether or not a list tells of it yet."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pyarrow as pa

from etl.simulate import ai, quality
from etl.simulate.exam import Exam
from etl.simulate.local import utc
from etl.simulate.run import Run

INSTANT = pa.timestamp("s", "UTC")
KINDS: dict[str, Any] = {
    "exam_key": pa.int64(), "accession": pa.string(), "has_finding": pa.bool_(), "report_positive": pa.bool_(),
    "ai_failed_at": INSTANT, "judged_at": INSTANT, "verdict": pa.string(), "adjudicated_at": INSTANT,
    "reviewed_at": INSTANT, "score": pa.string(), "submitted_at": INSTANT, "category": pa.string(),
    "incident_at": INSTANT, "incident_reported_at": INSTANT, "incident": pa.string(), "incident_named": pa.bool_(),
    "refused_at": INSTANT, "repeated_at": INSTANT, "reference_at": INSTANT, "called": pa.bool_(),
    "present": pa.bool_(), "has_repeat": pa.bool_(), "has_own_protocol": pa.bool_(),
}  # fmt: skip


def quality_truth(run: Run) -> pa.Table:
    """Return one row an exam that began; what no list can know by the end of the run is left out."""
    rows = [_row(exam, run) for exam in run.exams if exam.begin_s is not None]
    return pa.table({name: pa.array([row.get(name) for row in rows], kind) for name, kind in KINDS.items()})


def _row(exam: Exam, run: Run) -> dict[str, Any]:
    scenario, until_s = run.scenario, run.until_s

    def known(at_s: int | None) -> int | None:
        return at_s if at_s is not None and at_s < until_s else None

    row: dict[str, Any] = {
        "exam_key": exam.key, "accession": exam.accession, "has_finding": exam.has_finding,
        "ai_failed_at": known(exam.ai_failed_s), "has_repeat": quality.has_repeat(exam, scenario),
        "has_own_protocol": quality.has_own_protocol(exam, scenario),
    }  # fmt: skip
    if exam.procedure.ai is not None:
        row["report_positive"] = ai.reports_finding(exam, scenario)
    if (said := ai.verdict(exam, scenario)) and known(said.judged_s):
        row |= {"judged_at": said.judged_s, "verdict": said.words, "adjudicated_at": known(said.adjudicated_s)}
    if (review := quality.review(exam, scenario)) and known(review.at_s):
        row |= {"reviewed_at": review.at_s, "score": review.score}
    if (handed := quality.submission(exam, scenario)) and known(handed[0]):
        row |= {"submitted_at": handed[0], "category": handed[1]}
    if (it := quality.incident(exam, scenario)) and known(it.reported_s):
        row |= {"incident_at": it.at_s, "incident_reported_at": it.reported_s, "incident": it.kind}
        row["incident_named"] = it.named
    if (refused := quality.refusal(exam, scenario)) and known(refused.at_s):
        row |= {"refused_at": refused.at_s, "repeated_at": known(refused.repeated_s)}
    if (found := quality.reference(exam, scenario)) and known(found.at_s):
        row |= {"reference_at": found.at_s, "called": found.called, "present": found.present}
    return row


def stories(run: Run) -> list[dict[str, Any]]:
    """Return the stories planted for whoever looks at quality and at AI."""
    scenario = run.scenario
    worse_from = (scenario.anchor - timedelta(days=quality.REJECTING_DAYS)).isoformat()
    live = [e for e in run.exams if e.available_s is not None and e.procedure.ai and ai.runs(e, scenario)]
    return [
        {"story": "positioning_rejects", "scanner": quality.REJECTING_SCANNER, "from_day": worse_from,
         "expected_effect": "Q06 of this room nearly doubles from that day on, by reason positioning alone."},
        {"story": "own_protocols", "scanner": quality.OWN_PROTOCOL_SCANNER, "share": quality.OWN_PROTOCOL_SHARE,
         "expected_effect": "Q10 is several times that of the other scanners."},
        {"story": "ai_go_live", "site": ai.LIVE_SITE, "from_day": ai.go_live(scenario).isoformat(),
         "algorithms": sorted(set(ai.GROUPS) - ai.ALWAYS_ON), "exams": len(live),
         "expected_effect": "From then on flagged exams are read first: A03 negative; South has no CT algorithm."},
        {"story": "ai_drift", "algorithm": ai.DRIFTING, "from_day": ai.update_day(scenario).isoformat(),
         "more_flagged": ai.MORE_FLAGGED, "until": utc(run.until_s).isoformat(),
         "expected_effect": "A02-ppv of this algorithm falls by about half, A05 rises."},
    ]  # fmt: skip
