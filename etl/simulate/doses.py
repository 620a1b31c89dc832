"""Radiation and radiopharmaceutical doses of an exam: one event an irradiation or administration, in true time."""

from __future__ import annotations

import random
from dataclasses import dataclass

from etl.simulate.acquisitions import Series
from etl.simulate.demand import uid
from etl.simulate.dose_stories import change, is_silent, limits, size_of
from etl.simulate.exam import Exam
from etl.simulate.scenario import Scenario, chance, stream

# procedure -> CTDIvol mGy, scan length cm, phantom cm, scans
CT_SCANS = {
    "CTHEADWO": (46.0, 17.0, 16, 1), "CTCSPINE": (17.0, 22.0, 32, 1), "CTANECK": (15.0, 36.0, 32, 2),
    "CTCHESTWO": (6.5, 34.0, 32, 1), "CTAPE": (8.5, 31.0, 32, 1), "CTCHESTW": (7.0, 35.0, 32, 1),
    "CTABDPELW": (9.5, 47.0, 32, 1), "CTRENAL": (6.0, 44.0, 32, 1), "CTLUNGSCR": (1.6, 33.0, 32, 1),
    "CTSINUS": (11.0, 13.0, 16, 1),
}  # fmt: skip
DX_DAP = {  # Gy.m2 an exposure
    "DXCHEST2V": 1.1e-5, "DXABD1V": 1.9e-4, "DXHAND": 4e-6, "DXANKLE": 6e-6, "DXKNEE": 1.1e-5, "DXHIPPEL": 1.6e-4,
    "DXLSPINE": 2.6e-4,
}  # fmt: skip
XA_DAP = {"XAPORT": 6e-4, "XALEG": 5e-3, "XADRAIN": 1.4e-3, "XAEMBOL": 1.6e-2}  # Gy.m2 an exam
RP_PER_DAP = 62.0  # Gy at the reference point for a Gy.m2
NM_ACTIVITY = {"NMBONE": 740.0, "NMMYOCARD": 880.0, "NMTHYROID": 11.0, "NMHIDA": 190.0}  # MBq
BREASTS = ("R", "L", "R", "L")
SENDS_REPORT = 0.97
WITH_DOSE = frozenset({"CT", "DX", "MG", "XA", "NM"})


@dataclass(frozen=True, slots=True)
class DoseEvent:
    """One irradiation or administration; only what its modality has is set."""

    uid: str
    begin_s: int
    end_s: int
    protocol: str
    ctdivol_mgy: float | None = None
    dlp_mgy_cm: float | None = None
    length_cm: float | None = None
    phantom_cm: int | None = None
    is_localizer: bool = False
    dap_gy_m2: float | None = None
    dose_rp_gy: float | None = None
    is_fluoroscopy: bool = False
    agd_mgy: float | None = None
    side: str | None = None
    view: str | None = None
    thickness_mm: float | None = None
    diameter_mm: float | None = None
    ssde_mgy: float | None = None
    limits_mgy: tuple[float, float] | None = None  # CTDIvol above which the scanner notifies, alerts
    activity_mbq: float | None = None


def sends_report(exam: Exam, scenario: Scenario) -> bool:
    """Whether a dose report of this exam reaches the archive; a few get lost on the way."""
    if exam.modality not in WITH_DOSE or exam.available_s is None:
        return False
    return chance(scenario.seed, "dose report", exam.key) < SENDS_REPORT and not is_silent(exam, scenario)


def dose_events(exam: Exam, series: list[Series], scenario: Scenario) -> list[DoseEvent]:
    """Return the dose events of an ended exam; none for MR and US."""
    if exam.modality not in WITH_DOSE or exam.available_s is None or not series:
        return []
    draws = stream(scenario.seed, "dose", exam.key)
    makers = {"CT": _ct, "DX": _dx, "MG": _mg, "XA": _xa, "NM": _nm}
    return makers[exam.modality](exam, series, draws, scenario)


def _uid(exam: Exam, number: int, scenario: Scenario) -> str:
    return uid(scenario.seed, "irradiation", exam.key, number)


def _ct(exam: Exam, series: list[Series], draws: random.Random, scenario: Scenario) -> list[DoseEvent]:
    index, length, phantom, scans = CT_SCANS[exam.procedure.code]
    size = draws.lognormvariate(0, 0.28)  # of the patient
    first, rest = series[0], series[1:] or series
    localizer = round(0.06 * draws.lognormvariate(0, 0.3), 3)
    found = [
        DoseEvent(
            _uid(exam, 0, scenario),
            first.begin_s,
            first.begin_s + 5,
            first.protocol,
            localizer,
            round(localizer * 50, 2),
            50.0,
            32,
            True,
        )
    ]
    for n in range(scans):
        scan = rest[min(n, len(rest) - 1)]
        ctdivol = round(index * size * draws.lognormvariate(0, 0.08) * change(exam, scenario), 2)
        sized = size_of(exam, size, ctdivol, phantom)
        long_cm = round(length * draws.lognormvariate(0, 0.09), 1)
        found.append(
            DoseEvent(
                _uid(exam, n + 1, scenario),
                scan.begin_s,
                min(scan.begin_s + 9, scan.end_s),
                scan.protocol,
                ctdivol,
                round(ctdivol * long_cm, 2),
                long_cm,
                phantom,
                diameter_mm=sized.diameter_mm if sized else None,
                ssde_mgy=sized.ssde_mgy if sized else None,
                limits_mgy=limits(exam, index),
            )
        )
    return found


def _dx(exam: Exam, series: list[Series], draws: random.Random, scenario: Scenario) -> list[DoseEvent]:
    size = draws.lognormvariate(0, 0.45)
    dap = DX_DAP[exam.procedure.code]
    return [
        DoseEvent(
            _uid(exam, n, scenario), s.begin_s, s.begin_s, s.protocol,
            dap_gy_m2=float(f"{dap * size * draws.lognormvariate(0, 0.2):.3g}"),
        )
        for n, s in enumerate(series)
    ]  # fmt: skip


def _mg(exam: Exam, series: list[Series], draws: random.Random, scenario: Scenario) -> list[DoseEvent]:
    thickness = draws.lognormvariate(0, 0.3)
    only = "RL"[draws.randrange(2)] if exam.procedure.code == "MGDIAG" else None
    return [
        DoseEvent(
            _uid(exam, n, scenario), s.begin_s, s.begin_s, s.protocol,
            agd_mgy=round(1.35 * thickness * draws.lognormvariate(0, 0.12), 3), side=only or BREASTS[n % 4],
            view="CC" if n < 2 else "MLO", thickness_mm=round(55 * thickness**0.6, 1),
        )
        for n, s in enumerate(series)
    ]  # fmt: skip


def _xa(exam: Exam, series: list[Series], draws: random.Random, scenario: Scenario) -> list[DoseEvent]:
    total = XA_DAP[exam.procedure.code] * draws.lognormvariate(0, 0.6) / len(series)
    found = []
    for n, s in enumerate(series):
        dap = float(f"{total * draws.lognormvariate(0, 0.3):.4g}")
        found.append(
            DoseEvent(
                _uid(exam, n, scenario),
                s.begin_s,
                s.end_s,
                s.protocol,
                dap_gy_m2=dap,
                dose_rp_gy=float(f"{dap * RP_PER_DAP:.4g}"),
                is_fluoroscopy=n % 2 == 0,
            )
        )
    return found


def _nm(exam: Exam, series: list[Series], draws: random.Random, scenario: Scenario) -> list[DoseEvent]:
    given_s = series[0].begin_s - 100
    activity = round(NM_ACTIVITY[exam.procedure.code] * draws.lognormvariate(0, 0.06), 1)
    return [DoseEvent(_uid(exam, 0, scenario), given_s, given_s + 20, series[0].protocol, activity_mbq=activity)]


def totals(events: list[DoseEvent]) -> dict[str, float]:
    """Return the study totals of the events, only those they have: sums, the largest CTDIvol and SSDE, size, checks."""
    found: dict[str, float] = {}
    for event in events:
        _note_checks(event, found)
        if event.is_fluoroscopy:
            found["fluoro_time_s"] = found.get("fluoro_time_s", 0.0) + event.end_s - event.begin_s
        if event.ssde_mgy is not None and event.diameter_mm is not None:
            found["ssde_max_mgy"] = max(found.get("ssde_max_mgy", 0.0), event.ssde_mgy)
            found["diameter_mm"] = event.diameter_mm  # the same in every scan
        for name in ("dlp_mgy_cm", "dap_gy_m2", "dose_rp_gy", "activity_mbq"):
            value = getattr(event, name)
            if value is not None:
                found[name] = found.get(name, 0.0) + value
        if event.ctdivol_mgy is not None:
            found["ctdivol_max_mgy"] = max(found.get("ctdivol_max_mgy", 0.0), event.ctdivol_mgy)
        if event.agd_mgy is not None:
            name = "agd_left_mgy" if event.side == "L" else "agd_right_mgy"
            found[name] = found.get(name, 0.0) + event.agd_mgy
    return found


def _note_checks(event: DoseEvent, found: dict[str, float]) -> None:
    """Count what the scanner's dose check did: an alert, else a notification."""
    if event.limits_mgy is None or event.ctdivol_mgy is None:
        return
    notified, alerted = event.limits_mgy
    name = "dose_alerts" if event.ctdivol_mgy > alerted else "dose_notifications"
    if event.ctdivol_mgy > notified:
        found[name] = found.get(name, 0.0) + 1
