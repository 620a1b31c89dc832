"""The archive's series-level QIDO-RS answer for a day, as DICOM JSON (PS3.18 10.6, annex F)."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from etl.simulate.acquisitions import Series
from etl.simulate.dicom_images import performed
from etl.simulate.exam import Exam
from etl.simulate.faults import Faults
from etl.simulate.image_faults import shown
from etl.simulate.local import clock_of
from etl.simulate.people import patient
from etl.simulate.scenario import SCANNER, SITE


def series_answer(exam: Exam, series: Series, all_series: list[Series], faults: Faults) -> str:
    """Return one series as the archive answers, as JSON; times are the scanner's own, without offset."""
    code, clock = exam.scanner or "", clock_of(SITE[exam.site].zone)
    p = patient(exam.site, exam.patient)
    step_begin_s, step_end_s = performed(all_series)
    pairs = (
        ("00080020", "00080030", exam.parts[0][0]), ("00080021", "00080031", series.begin_s),
        ("00400244", "00400245", step_begin_s), ("00400250", "00400251", step_end_s),
    )  # fmt: skip
    clocked = ((day, time, clock.hl7(faults.device_s(code, at_s))) for day, time, at_s in pairs)
    times = ",".join(f"{_v(day, 'DA', t[:8])},{_v(time, 'TM', t[8:])}" for day, time, t in clocked)
    number, told = exam.accession[3:], shown(exam, faults, series.begin_s)
    request = f"{_v('00400009', 'SH', f'SPS{number}')},{_v('00401001', 'SH', f'RP{number}')}"
    return (
        f"{{{_device(code, told.station)},{times},{_v('00080050', 'SH', told.accession)},"
        f"{_v('0008103E', 'LO', series.protocol)},{_v('00181030', 'LO', series.protocol)},"
        f'"00100010":{{"vr":"PN","Value":[{{"Alphabetic":"{p.family}^{p.given}"}}]}},'
        f"{_v('00100020', 'LO', told.mrn)},"
        f"{_v('00100030', 'DA', p.birth)},{_v('00100040', 'CS', p.sex)},"
        f"{_v('00180015', 'CS', exam.procedure.body_part)},{_v('0020000D', 'UI', told.study_uid)},"
        f'{_v("0020000E", "UI", series.uid)},"00200011":{{"vr":"IS","Value":[{series.number}]}},'
        f'"00201209":{{"vr":"IS","Value":[{series.instances}]}},'
        f'"00400275":{{"vr":"SQ","Value":[{{{request if told.asks else ""}}}]}}}}'
    )


@lru_cache(maxsize=100)
def _device(scanner: str, station: str) -> str:
    """Return what every series of a scanner has in common."""
    spec = SCANNER[scanner]
    values = {"00080060": ("CS", spec.modality), "00080070": ("LO", spec.manufacturer), "00081010": ("SH", station),
              "00081090": ("LO", spec.model), "00100021": ("LO", spec.site)}  # fmt: skip
    return ",".join(_v(tag, vr, value) for tag, (vr, value) in values.items())


def _v(tag: str, vr: str, value: str) -> str:
    """Return one attribute; no text of the simulation needs JSON's escapes."""
    return f'"{tag}":{{"vr":"{vr}","Value":["{value}"]}}'


def write_answer(answers: list[str], path: Path) -> int:
    """Write the answer of a day; return its number of series."""
    path.write_text(f"[{','.join(answers)}]", encoding="utf-8")
    return len(answers)
