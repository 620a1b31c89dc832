"""The series of an exam: when the scanner acquired what, in true time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from etl.simulate.demand import uid
from etl.simulate.exam import Exam
from etl.simulate.local import clock_of
from etl.simulate.quality import has_own_protocol, has_repeat
from etl.simulate.run import Run
from etl.simulate.scenario import SCANNER, SITE, Scenario, stream

LEAD_IN_S = {"CT": 70, "MR": 130, "DX": 35, "US": 40, "MG": 50, "NM": 120, "XA": 240}  # begin to first acquisition
TAIL_S = {"CT": 55, "MR": 60, "DX": 30, "US": 60, "MG": 40, "NM": 90, "XA": 300}  # last acquisition to end
INSTANCES = {"CT": (60, 320), "MR": (20, 44), "DX": (1, 1), "US": (22, 60), "MG": (1, 1), "NM": (1, 2), "XA": (1, 3)}
WITHOUT_DURATION = frozenset({"DX", "MG"})


@dataclass(frozen=True, slots=True)
class Series:
    """One series in true time (Unix seconds); `states_end` says whether its header tells how long it lasted."""

    uid: str
    number: int
    begin_s: int
    end_s: int
    protocol: str
    instances: int
    states_end: bool


def local_day(exam: Exam) -> date:
    """Return the local date on which a begun exam began."""
    return clock_of(SITE[exam.site].zone).local_date(exam.begin_s or exam.ordered_s)


def has_images(exam: Exam) -> bool:
    """Whether the archive holds images of this exam by the end of the run."""
    return exam.available_s is not None or exam.aborted_s is not None


def stored_s(exam: Exam) -> int:
    """Return when the archive had everything of an exam that has images."""
    return exam.available_s if exam.available_s is not None else (exam.aborted_s or 0) + 60


def series_of(exam: Exam, scenario: Scenario, share: tuple[float, float] = (0.0, 1.0)) -> list[Series]:
    """Return the series of a begun exam in order; `share` is its part of a room visit with linked exams."""
    if not exam.parts or exam.scanner is None:
        return []
    draws = stream(scenario.seed, "series", exam.key)
    wanted = 1 if exam.aborted_s is not None else exam.procedure.series
    spans = _table_spans(exam, share)
    found: list[Series] = []
    has_own = has_own_protocol(exam, scenario)
    for part, (begin, end) in enumerate(spans):
        many = wanted // len(spans) + (1 if part < wanted % len(spans) else 0)
        step = (end - begin) / max(many, 1)
        for n in range(many):
            number = len(found) + 1
            at = begin + step * n + step * 0.25 * draws.random() * (n > 0)
            length = step * (0.55 + 0.35 * draws.random())
            low, high = INSTANCES[exam.modality]
            instances = 2 if exam.modality == "CT" and number == 1 else draws.randint(low, high)
            found.append(
                Series(
                    uid(scenario.seed, "series", exam.key, number),
                    number,
                    int(at),
                    int(at + length),
                    protocol(exam, number, own=has_own),
                    instances,
                    states_end(exam),
                )
            )
    return [*found, *_repeated(exam, found, scenario)]


def _repeated(exam: Exam, found: list[Series], scenario: Scenario) -> list[Series]:
    """Return the image taken a second time, if one was, right after the last one."""
    if not found or not has_repeat(exam, scenario):
        return []
    last, number = found[-1], len(found) + 1
    again = uid(scenario.seed, "series", exam.key, number)
    return [Series(again, number, last.end_s + 2, last.end_s + 4, last.protocol, last.instances, last.states_end)]


def _table_spans(exam: Exam, share: tuple[float, float]) -> list[tuple[float, float]]:
    """Return when the scanner may acquire: the parts of the visit without lead-in and tail, this exam's share."""
    lead, tail = LEAD_IN_S[exam.modality], TAIL_S[exam.modality]
    spans = []
    for begin_s, end_s in exam.parts:
        length = end_s - begin_s
        first, last = begin_s + min(lead, length * 0.2), end_s - min(tail, length * 0.2)
        spans.append((first + (last - first) * share[0], first + (last - first) * share[1]))
    return spans


def states_end(exam: Exam) -> bool:
    """Whether the scanner's headers tell an acquisition's length (0018,9073), or as Philips MR its end."""
    return exam.modality not in WITHOUT_DURATION and not SCANNER[exam.scanner or ""].manufacturer.startswith(
        "GE MEDICAL"
    )


def protocol(exam: Exam, number: int, *, own: bool = False) -> str:
    """Return the protocol name of a series, one outside of the site's standard for the technologist's own."""
    words = exam.procedure.text.split(" ", 1)[1].title()
    if exam.modality == "CT" and number == 1:
        return f"Localizer {words}"[:64]
    return f"{'Trial ' if own else ''}{words} {number}"[:64]


def shares(run: Run) -> dict[int, tuple[float, float]]:
    """Return exam key -> part of the room visit, for exams that share one."""
    found: dict[int, tuple[float, float]] = {}
    for exam in run.exams:
        if exam.lead is not None and exam.lead in run.by_key:
            lead = run.by_key[exam.lead].procedure.work_min
            middle = lead / (lead + exam.procedure.work_min)
            found[exam.lead], found[exam.key] = (0.0, middle), (middle, 1.0)
    return found
