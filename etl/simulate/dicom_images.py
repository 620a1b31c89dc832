"""One DICOM file a series, with the header a scanner of that make and modality fills and four pixels."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from etl.simulate.acquisitions import Series
from etl.simulate.demand import uid
from etl.simulate.dicom_write import Elements, double, element, part10, sequence, short, text, texts
from etl.simulate.exam import Exam
from etl.simulate.faults import Faults
from etl.simulate.image_faults import shown
from etl.simulate.local import LocalClock, clock_of
from etl.simulate.people import patient
from etl.simulate.scenario import SCANNER, SITE

SOP_CLASS = {
    "CT": "1.2.840.10008.5.1.4.1.1.2", "MR": "1.2.840.10008.5.1.4.1.1.4", "DX": "1.2.840.10008.5.1.4.1.1.1.1",
    "US": "1.2.840.10008.5.1.4.1.1.6.1", "MG": "1.2.840.10008.5.1.4.1.1.1.2", "NM": "1.2.840.10008.5.1.4.1.1.20",
    "XA": "1.2.840.10008.5.1.4.1.1.12.1",
}  # fmt: skip
STATES_DATETIME = ("SIEMENS", "HOLOGIC, Inc.", "SIEMENS NM")  # these write (0008,002A)
PHYSICS: dict[str, list[tuple[int, str, str]]] = {
    "CT": [(0x00180050, "DS", "1.5"), (0x00180060, "DS", "120"), (0x00181150, "IS", "500"), (0x00181151, "IS", "210"),
           (0x00180022, "CS", "HELICAL MODE"), (0x00181210, "SH", "Br40")],
    "MR": [(0x00180020, "CS", "SE"), (0x00180021, "CS", "SK"), (0x00180023, "CS", "2D"), (0x00180050, "DS", "4"),
           (0x00180080, "DS", "4500"), (0x00180081, "DS", "95"), (0x00180087, "DS", "3")],
    "DX": [(0x00180060, "DS", "117"), (0x00181152, "IS", "3"), (0x00185101, "CS", "PA"),
           (0x00181164, "DS", "0.14\\0.14"),
           (0x00080068, "CS", "FOR PRESENTATION"), (0x00540220, "SQ", "")],
    "US": [(0x00185010, "LO", "C5-1"), (0x00181088, "IS", "0"), (0x00280006, "US", "")],
    "MG": [(0x00180060, "DS", "29"), (0x00181152, "IS", "90"), (0x001811A0, "DS", "58"),
           (0x00080068, "CS", "FOR PRESENTATION")],
    "NM": [(0x00180070, "IS", "600000"), (0x00180071, "CS", "TIME"), (0x00181242, "IS", "600000"),
           (0x00540011, "US", "")],
    "XA": [(0x00180060, "DS", "78"), (0x00180040, "IS", "15"), (0x00181510, "DS", "12"), (0x00181511, "DS", "-3"),
           (0x00280008, "IS", "1")],
}  # fmt: skip
MG_VIEWS = (("R", "CC"), ("L", "CC"), ("R", "MLO"), ("L", "MLO"))


def write_series(exam: Exam, series: Series, all_series: list[Series], faults: Faults, folder: Path) -> None:
    """Write ``<series UID>.dcm`` below a folder."""
    instance = uid(faults.scenario.seed, "instance", exam.key, series.number)
    scanner = exam.scanner or ""
    body = {
        **_static(scanner, exam.procedure.code, series.number), **header(exam, faults, series.begin_s),
        **_times(exam, series, all_series, faults), **step(exam, faults),
        **texts([
            (0x0020000E, "UI", series.uid), (0x00181030, "LO", series.protocol),
            (0x0008103E, "LO", series.protocol), (0x00200011, "IS", str(series.number)),
        ]),
    }  # fmt: skip
    (folder / f"{series.uid}.dcm").write_bytes(part10(SOP_CLASS[exam.modality], instance, body))


@lru_cache(maxsize=1000)
def _static(scanner: str, procedure: str, number: int) -> Elements:
    """Return what every series of this kind on this scanner has in common."""
    spec = SCANNER[scanner]
    found = texts([
        (0x00080005, "CS", "ISO_IR 192"), (0x00080008, "CS", "ORIGINAL\\PRIMARY"), (0x00080060, "CS", spec.modality),
        (0x00080070, "LO", spec.manufacturer), (0x00080080, "LO", SITE[spec.site].name), (0x00081090, "LO", spec.model),
        (0x00181000, "LO", f"SIM{spec.code}"), (0x00181020, "LO", "1.0"), (0x00200013, "IS", "1"),
        (0x00280004, "CS", "MONOCHROME2"),
    ])  # fmt: skip
    for tag, vr, value in PHYSICS[spec.modality]:
        found[tag] = sequence(tag, ()) if vr == "SQ" else short(tag, 1) if vr == "US" else text(tag, vr, value)
    if spec.modality == "MG":
        side, view = MG_VIEWS[(number - 1) % 4]
        found |= texts([(0x00200062, "CS", side), (0x00185101, "CS", view)])
    for tag, number_ in ((0x00280002, 1), (0x00280010, 2), (0x00280011, 2), (0x00280100, 16), (0x00280101, 12),
                         (0x00280102, 11), (0x00280103, 0)):  # fmt: skip
        found[tag] = short(tag, number_)
    found[0x7FE00010] = element(0x7FE00010, "OW", bytes(8))
    return found


def header(exam: Exam, faults: Faults, at_s: int) -> Elements:
    """Return patient, study and station of an exam as the scanner knows them at an instant."""
    p = patient(exam.site, exam.patient)
    first_s = exam.parts[0][0]
    clock, scanner = clock_of(SITE[exam.site].zone), exam.scanner or ""
    day, time = _day_and_time(clock, faults.device_s(scanner, first_s))
    told = shown(exam, faults, at_s)
    found = texts([
        (0x00080020, "DA", day), (0x00080030, "TM", time), (0x00080050, "SH", told.accession),
        (0x00080090, "PN", ""), (0x00081010, "SH", told.station), (0x0020000D, "UI", told.study_uid),
        (0x00081030, "LO", exam.procedure.text), (0x00100010, "PN", f"{p.family}^{p.given}"),
        (0x00100020, "LO", told.mrn), (0x00100021, "LO", exam.site),
        (0x00100030, "DA", p.birth), (0x00100040, "CS", p.sex), (0x00180015, "CS", exam.procedure.body_part),
        (0x00200010, "SH", exam.accession[3:]),
    ])  # fmt: skip
    if SCANNER[scanner].sends_offset:
        found[0x00080201] = text(0x00080201, "SH", clock.hour(at_s).offset)
    return found


def step(exam: Exam, faults: Faults) -> Elements:
    """Return the request an exam answers, where the operator took it from the worklist."""
    number = exam.accession[3:]
    if not shown(exam, faults, exam.begin_s or 0).asks:
        return {0x00400253: text(0x00400253, "SH", f"PPS{number}")}
    item = texts([
        (0x00080050, "SH", exam.accession), (0x00400007, "LO", exam.procedure.text), (0x00400009, "SH", f"SPS{number}"),
        (0x00401001, "SH", f"RP{number}"),
    ])  # fmt: skip
    return {0x00400275: sequence(0x00400275, [item]), 0x00400253: text(0x00400253, "SH", f"PPS{number}")}


def performed(all_series: list[Series]) -> tuple[int, int]:
    """Return when the performed procedure step began and ended."""
    return all_series[0].begin_s - 30, max(s.end_s for s in all_series) + 20


def _times(exam: Exam, series: Series, all_series: list[Series], faults: Faults) -> Elements:
    """Return every time of a series as the scanner's own clock showed it."""
    spec, clock = SCANNER[exam.scanner or ""], clock_of(SITE[exam.site].zone)

    def device(at_s: int) -> tuple[str, str]:
        return _day_and_time(clock, faults.device_s(spec.code, at_s))

    # Philips MR stamps the acquisition at its end (kpis.md K0.7)
    is_end_stamped = spec.modality == "MR" and spec.manufacturer.startswith("Philips")
    step_begin_s, step_end_s = performed(all_series)
    pairs = (
        (0x00080021, 0x00080031, series.begin_s),
        (0x00080022, 0x00080032, series.end_s if is_end_stamped else series.begin_s),
        (0x00080023, 0x00080033, series.begin_s if spec.modality in ("DX", "MG", "US", "XA") else series.end_s + 8),
        (0x00080012, 0x00080013, series.end_s + 10), (0x00400244, 0x00400245, step_begin_s),
        (0x00400250, 0x00400251, step_end_s),
    )  # fmt: skip
    found: Elements = {}
    for date_tag, time_tag, at_s in pairs:
        day, time = device(at_s)
        found[date_tag], found[time_tag] = text(date_tag, "DA", day), text(time_tag, "TM", time)
    if spec.manufacturer in STATES_DATETIME:
        found[0x0008002A] = text(0x0008002A, "DT", "".join(device(series.begin_s)))
    if series.states_end and not is_end_stamped:
        found[0x00189073] = double(0x00189073, float(series.end_s - series.begin_s))
    return found


def _day_and_time(clock: LocalClock, at_s: int) -> tuple[str, str]:
    text = clock.hl7(at_s)
    return text[:8], text[8:]
