"""One run of the simulated department: orders, bookings, the kernel, and what follows the reports."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from datetime import date, timedelta

from etl.department import Case, Department, Reading, Scanner, Timetable
from etl.simulate import ai
from etl.simulate.bookings import Desk, mirror
from etl.simulate.calendars import Calendar, Stretch, calendars, days_between
from etl.simulate.communication import communicate
from etl.simulate.demand import all_exams, is_booked
from etl.simulate.exam import Exam
from etl.simulate.followups import come_back, recommend
from etl.simulate.local import clock_of
from etl.simulate.people import technologist
from etl.simulate.priors import add_priors, bring_back
from etl.simulate.report_aftermath import follow_report
from etl.simulate.roster import readers
from etl.simulate.scenario import DAY_S, HOUR_S, SCANNER, SCANNERS, SITE, Scenario, stream

TIME_FIELDS = tuple(f.name for f in fields(Exam) if f.name.endswith("_s") and f.name not in ("ordered_s", "accepted_s"))
Progress = Callable[[str, int, int], None]

ALLOWANCE_MIN = {  # priority and class -> minutes after which the group wants the report
    "S": {"E": 20.0, "I": 30.0, "O": 45.0},
    "A": {"E": 45.0, "I": 120.0, "O": 240.0},
    "R": {"E": 90.0, "I": 420.0, "O": 1200.0},
}
TURNOVER_MIN = {"CT": 2.6, "MR": 4.0, "DX": 0.8, "US": 2.6, "MG": 3.0, "NM": 5.0, "XA": 16.0}
PREP_MIN = {"CT": 1.9, "MR": 3.0, "DX": 0.6, "US": 1.4, "MG": 1.8, "NM": 4.0, "XA": 13.0}
IMAGES_MIN = {"CT": 4.0, "MR": 3.0, "DX": 1.2, "US": 2.2, "MG": 2.0, "NM": 6.0, "XA": 5.0}
ABORTED = 0.007
CANCELLED_BEFORE = 0.035  # emergency and inpatient orders withdrawn before the exam
CRITICAL = {"E": 0.02, "I": 0.016, "O": 0.006}  # share of reports, beside what algorithms look for
CRITICAL_CLASSES = (1, 5, 4)  # how often these are of class 1, 2 and 3
FOLLOWUP = {"CT": 0.11, "US": 0.07, "MR": 0.05, "MG": 0.06, "DX": 0.015, "NM": 0.04, "XA": 0.0}
FOLLOWUP_MONTHS = (3, 6, 6, 12, 12)
ADDENDA = 0.014
NIGHT = (20.0, 6.0)  # routine inpatients are not fetched between these local hours


@dataclass
class Run:
    """What happened up to `until_s`: every exam with its truth, and the calendars it lived by."""

    scenario: Scenario
    until_s: int
    exams: list[Exam]
    calendars: dict[str, Calendar]
    by_key: dict[int, Exam] = field(default_factory=dict)

    @property
    def last_day(self) -> date:
        """The last local day that has begun anywhere."""
        return max(clock_of(site.zone).local_date(self.until_s - 1) for site in SITE.values())

    def stretches(self, code: str, kind: str, first: date, last: date) -> list[Stretch]:
        """Return the stretches of one kind of a scanner's calendar, by day."""
        method: Callable[[date], list[Stretch]] = getattr(self.calendars[code], kind)
        return [s for day in days_between(first, last) for s in method(day)]


def run(scenario: Scenario, until_s: int, progress: Progress) -> Run:
    """Live the scenario up to `until_s` (Unix seconds); a later `until_s` lives the same days and more."""
    result = Run(scenario, until_s, [], calendars(scenario))
    exams = all_exams(scenario, result.last_day, progress)
    bring_back(scenario, exams)
    result.by_key = {exam.key: exam for exam in exams}
    Desk(scenario, result.calendars).run(exams, until_s)
    for exam in exams:
        if exam.lead is not None and exam.lead in result.by_key:
            mirror(exam, result.by_key[exam.lead])
            result.by_key[exam.lead].leads = True
    _live(result, exams, progress)
    for exam in exams:
        exam.ai_failed_s = ai.failed_s(exam, scenario)
        _aftermath(exam, scenario)
        communicate(exam, scenario)
        follow_report(exam, scenario)
        add_priors(exam, scenario)
        _hide(exam, until_s)
        recommend(exam, scenario)
    come_back(exams, scenario)
    began_s = scenario.origin_s
    result.exams = [e for e in exams if e.ordered_s < until_s and (e.ordered_s >= began_s or _lives_on(e, began_s))]
    result.by_key = {exam.key: exam for exam in result.exams}
    return result


def _lives_on(exam: Exam, began_s: int) -> bool:
    """Whether an exam ordered during the warm-up still matters after it: its last appointment lies later."""
    return exam.booking is not None and exam.booking.begin_s >= began_s


def _live(result: Run, exams: list[Exam], progress: Progress) -> None:
    """Run the kernel and copy its times onto the exams."""
    scenario = result.scenario
    companions: dict[int, list[Exam]] = {}
    for exam in exams:
        if exam.lead is not None:
            companions.setdefault(exam.lead, []).append(exam)
    pools: dict[str, list[Calendar]] = {}
    for spec in SCANNERS:
        pools.setdefault(spec.pool, []).append(result.calendars[spec.code])
    leads = [(e, _ready(e, pools[f"{e.site}-{e.modality}"], scenario)) for e in exams if e.lead is None]
    cases, found = [], []
    for exam, ready_s in leads:
        if ready_s is not None and scenario.origin_s <= ready_s < result.until_s:
            group = [exam, *companions.get(exam.key, [])]
            case = _case(group, ready_s, scenario)
            cases.append(case)
            found.append((group, case))
    cases.sort(key=lambda c: (c.ready, c.key))
    last = result.last_day + timedelta(days=1)
    department = Department(_rooms(result, last), readers(scenario, last), cases)
    days = -(-(result.until_s - scenario.origin_s) // DAY_S)
    for number in range(1, days + 1):
        department.run(scenario.minute(min(result.until_s, scenario.origin_s + number * DAY_S)))
        progress("department, days", number, days)
    for group, case in found:
        _record(group, case, scenario)


def _rooms(result: Run, last: date) -> list[Scanner]:
    rooms, minute = [], result.scenario.minute
    first = result.scenario.start - timedelta(days=1)

    def spans(code: str, *kinds: str) -> list[tuple[float, float]]:
        stretches = (s for kind in kinds for s in result.stretches(code, kind, first, last))
        return [(minute(s.begin_s), minute(s.end_s)) for s in stretches]

    for spec in SCANNERS:
        hours = Timetable(_minus(spans(spec.code, "open"), spans(spec.code, "closures")))
        down = Timetable(spans(spec.code, "planned", "unplanned", "handovers"))
        rooms.append(Scanner(spec.code, spec.pool, hours, down, spec.on_call))
    return rooms


def _minus(spans: list[tuple[float, float]], closed: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return spans without those that a closure covers (closures take whole openings)."""
    return [s for s in spans if not any(c[0] <= s[0] and s[1] <= c[1] for c in closed)]


def _ready(exam: Exam, rooms: list[Calendar], scenario: Scenario) -> int | None:
    """Return when the patient is in the department and able to be scanned; None if that never comes."""
    draws = stream(scenario.seed, "ready", exam.key)
    if is_booked(exam):
        booking = exam.booking
        if booking is None or booking.fate != "kept" or exam.cancelled_s is not None:
            return None
        early_s = int(min(max(draws.gauss(720, 600), -1500), 3600))
        exam.ready_s = max(booking.begin_s - early_s, booking.booked_s + 1800)
    elif exam.patient_class == "O":
        exam.ready_s = exam.accepted_s + 180 + int(draws.expovariate(1 / 900))
    else:
        exam.ready_s = _fetched(exam, rooms, draws)
        if draws.random() < CANCELLED_BEFORE:
            at_s = exam.accepted_s + int(draws.random() * (exam.ready_s - exam.accepted_s))
            exam.cancelled_s, exam.cancel_reason, exam.ready_s = at_s, "PROVIDER", None
    return exam.ready_s


def _is_emergency(exam: Exam) -> bool:
    return exam.patient_class == "E" or exam.priority == "S"


def _fetched(exam: Exam, rooms: list[Calendar], draws: random.Random) -> int:
    """Return when an emergency or inpatient arrives: protocol, transport, and for other work the next opening."""
    median_s = {"S": 900, "A": 1900, "R": 3000}[exam.priority] * (1.0 if exam.patient_class == "E" else 1.7)
    at_s = exam.accepted_s + 240 + int(median_s * draws.lognormvariate(0, 0.55))
    if _is_emergency(exam):
        return at_s
    if rooms[0].spec.never_closes:
        return _in_the_morning(exam, at_s, draws)
    day = clock_of(SITE[exam.site].zone).local_date(at_s)
    for number in range(day.toordinal(), day.toordinal() + 14):
        for stretch in open_stretches(rooms, date.fromordinal(number)):
            if at_s < stretch.end_s - HOUR_S:
                return at_s if at_s >= stretch.begin_s else stretch.begin_s + int(draws.random() * 3 * HOUR_S)
    return at_s


def _in_the_morning(exam: Exam, at_s: int, draws: random.Random) -> int:
    clock = clock_of(SITE[exam.site].zone)
    hour = clock.clock_hour(at_s)
    if exam.priority != "R" or NIGHT[1] <= hour < NIGHT[0]:
        return at_s
    day = clock.local_date(at_s).toordinal() + (1 if hour >= NIGHT[0] else 0)
    return clock.second(date.fromordinal(day), NIGHT[1]) + int(draws.random() * 4 * HOUR_S)


def open_stretches(rooms: list[Calendar], day: date) -> list[Stretch]:
    """Return when any of these scanners opens on a local day, closures taken out."""
    return [s for room in rooms if not room.closures(day) for s in room.open(day)]


def _case(group: list[Exam], ready_s: int, scenario: Scenario) -> Case:
    exam = group[0]
    draws = stream(scenario.seed, "case", exam.key)
    modality, booking = exam.modality, exam.booking
    work = sum(e.procedure.work_min for e in group) * draws.lognormvariate(0, 0.22)
    if exam.patient_class == "I":
        work *= 1.12
    if draws.random() < 0.02:  # the end is clicked late
        work += 5 + draws.random() * 15
    exam.aborts = draws.random() < ABORTED
    ready = scenario.minute(ready_s)
    due = scenario.minute(booking.begin_s) if booking else ready + {"S": -30.0, "A": 15.0, "R": 45.0}[exam.priority]
    return Case(
        exam.key, f"{exam.site}-{modality}", booking.scanner if booking else None, ready, due, exam.priority == "S",
        _is_emergency(exam), PREP_MIN[modality] * draws.lognormvariate(0, 0.35), work * 0.4 if exam.aborts else work,
        TURNOVER_MIN[modality] * draws.lognormvariate(0, 0.4),
        [] if exam.aborts else [_reading(e, scenario) for e in group],
        _pause(exam, work, draws),
    )  # fmt: skip


def _pause(exam: Exam, work: float, draws: random.Random) -> tuple[float, float] | None:
    """Return when and for how long the patient leaves the table: bone scans always wait, others seldom."""
    chance, length = draws.random(), draws.random()
    if exam.aborts:
        return None
    if exam.procedure.code == "NMBONE":
        return 0.3 * work, 120 + 60 * length
    return (0.5 * work, 75 + 45 * length) if exam.modality in ("CT", "MR") and chance < 0.0025 else None


def _reading(exam: Exam, scenario: Scenario) -> Reading:
    draws = stream(scenario.seed, "reading", exam.key)
    procedure = exam.procedure
    positive = procedure.ai is not None and draws.random() < 0.08
    has_ai = procedure.ai is not None and draws.random() < 0.97
    has_ai = has_ai and ai.runs(exam, scenario)
    exam.ai_positive = ai.flagged(exam, scenario, positive) and has_ai
    return Reading(
        exam.key, procedure.section, exam.patient_class == "E" or exam.priority == "S",
        ALLOWANCE_MIN[exam.priority][exam.patient_class] * (0.8 + 0.4 * draws.random()),
        IMAGES_MIN[exam.modality] * draws.lognormvariate(0, 0.5),
        procedure.read_min * draws.lognormvariate(0, 0.4), 0.7 + draws.expovariate(1 / 3.0),
        1.0 + procedure.read_min * 0.22, 1.5 + draws.expovariate(1 / 2.0) if has_ai else None, exam.ai_positive,
    )  # fmt: skip


def _record(group: list[Exam], case: Case, scenario: Scenario) -> None:
    """Write the kernel's minutes onto the exams as whole seconds; linked exams lie inside their lead's times."""

    def second(minute: float | None) -> int | None:
        return None if minute is None else scenario.second(minute)

    for number, exam in enumerate(group):
        draws = stream(scenario.seed, "record", exam.key)
        shift = number * (10 + draws.randrange(40))
        exam.arrived_s, exam.scanner = second(case.ready), case.scanner
        exam.in_room_s, begin_s, end_s = second(case.in_room), second(case.begin), second(case.end)
        exam.begin_s = None if begin_s is None else begin_s + shift
        exam.parts = [(scenario.second(b), scenario.second(e)) for b, e in case.parts]
        if exam.begin_s is not None and case.scanner is not None:
            clock = clock_of(SITE[exam.site].zone)
            hour = clock.clock_hour(exam.begin_s)
            day_number = clock.hour(exam.begin_s).day_number
            exam.technologist = technologist(SITE[exam.site], SCANNER[case.scanner].code, day_number, hour)
        if group[0].aborts:
            exam.aborted_s = end_s
            exam.cancel_reason = draws.choice(("CONTRAST", "CLAUSTROPHOBIA", "PATIENT", "EQUIPMENT")) if end_s else ""
        else:
            exam.end_s = None if end_s is None else end_s - (shift if number else 0)
    for exam, item in zip(group, case.readings, strict=False):
        exam.available_s, exam.ai_begin_s, exam.ai_end_s = map(second, (item.available, item.ai_begin, item.ai_end))
        exam.opened_s, exam.dictated_s, exam.prelim_s = map(second, (item.opened, item.dictated, item.prelim))
        exam.final_s, exam.reader, exam.assistant = second(item.final), item.reader, item.assistant


def _aftermath(exam: Exam, scenario: Scenario) -> None:
    """Add what follows a report: critical results, follow-up, addenda."""
    read_s = exam.prelim_s or exam.final_s
    if read_s is None or exam.dictated_s is None:
        return
    draws = stream(scenario.seed, "aftermath", exam.key)
    exam.critical_class = _critical_class(exam, scenario, draws)
    if exam.critical_class is not None:
        exam.crit_identified_s = exam.dictated_s
        spread_s = {1: 600, 2: 3600, 3: 18 * HOUR_S}[exam.critical_class]
        exam.crit_notified_s = exam.dictated_s + 60 + int(draws.expovariate(1 / spread_s))
        exam.crit_ack_s = exam.crit_notified_s + int(draws.expovariate(1 / 300)) if draws.random() < 0.93 else None
    if draws.random() < FOLLOWUP[exam.modality]:
        exam.followup = f"{exam.modality}{draws.choice(FOLLOWUP_MONTHS)}M"
    late_s = 1200 + int(draws.expovariate(1 / (20 * HOUR_S)))
    if exam.final_s is not None and draws.random() < ADDENDA:
        exam.addendum_s = exam.final_s + late_s


def _critical_class(exam: Exam, scenario: Scenario, draws: random.Random) -> int | None:
    """Return how soon somebody is to be told of what the report says: at once (1), the same day (2), some day (3)."""
    if draws.random() < scenario.criticals * ai.alarming(exam):
        return 1
    critical = draws.random() < scenario.criticals * CRITICAL[exam.patient_class]
    return draws.choices((1, 2, 3), CRITICAL_CLASSES)[0] if critical else None


def _hide(exam: Exam, until_s: int) -> None:
    """Forget what a drawn delay puts at or after `until_s`."""
    for name in TIME_FIELDS:
        at_s = getattr(exam, name)
        if at_s is not None and at_s >= until_s:
            setattr(exam, name, None)
