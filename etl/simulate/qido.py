"""The archive's series-level QIDO-RS answer for a day, as DICOM JSON (PS3.18 10.6, annex F)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from etl.simulate.acquisitions import Series
from etl.simulate.dicom_images import performed
from etl.simulate.exam import Exam
from etl.simulate.faults import Faults
from etl.simulate.local import clock_of
from etl.simulate.people import patient
from etl.simulate.scenario import SCANNER, SITE

Answer = dict[str, dict[str, Any]]


def series_answer(exam: Exam, series: Series, all_series: list[Series], faults: Faults) -> Answer:
    """Return one series as the archive answers; times are the scanner's own, without offset."""
    spec, clock = SCANNER[exam.scanner or ""], clock_of(SITE[exam.site].zone)
    p = patient(exam.site, exam.patient)

    def shown(at_s: int) -> str:
        return clock.hl7(faults.device_s(spec.code, at_s))

    first, begin, (step_begin_s, step_end_s) = shown(exam.parts[0][0]), shown(series.begin_s), performed(all_series)
    step_begin, step_end = shown(step_begin_s), shown(step_end_s)
    number = exam.accession[3:]
    return {
        "00080020": _v("DA", first[:8]), "00080030": _v("TM", first[8:]), "00080021": _v("DA", begin[:8]),
        "00080031": _v("TM", begin[8:]), "00080050": _v("SH", exam.accession), "00080060": _v("CS", spec.modality),
        "00080070": _v("LO", spec.manufacturer), "00081010": _v("SH", faults.station(spec.code, series.begin_s)),
        "0008103E": _v("LO", series.protocol), "00081090": _v("LO", spec.model),
        "00100010": {"vr": "PN", "Value": [{"Alphabetic": f"{p.family}^{p.given}"}]},
        "00100020": _v("LO", faults.mrn(exam.site, exam.patient, series.begin_s)), "00100021": _v("LO", exam.site),
        "00100030": _v("DA", p.birth), "00100040": _v("CS", p.sex), "00180015": _v("CS", exam.procedure.body_part),
        "00181030": _v("LO", series.protocol), "0020000D": _v("UI", exam.study_uid), "0020000E": _v("UI", series.uid),
        "00200011": _v("IS", series.number), "00201209": _v("IS", series.instances),
        "00400244": _v("DA", step_begin[:8]), "00400245": _v("TM", step_begin[8:]),
        "00400250": _v("DA", step_end[:8]), "00400251": _v("TM", step_end[8:]),
        "00400275": {"vr": "SQ", "Value": [{"00400009": _v("SH", f"SPS{number}"), "00401001": _v("SH", f"RP{number}")}]},
    }  # fmt: skip


def _v(vr: str, value: str | int) -> dict[str, Any]:
    return {"vr": vr, "Value": [value]}


def write_answer(answers: list[Answer], path: Path) -> int:
    """Write the answer of a day; return its number of series."""
    path.write_text(json.dumps(answers, separators=(",", ":")), encoding="utf-8")
    return len(answers)
