"""Recommended follow-ups and what becomes of them: told coded or in the text only, booked, done, forgotten, dismissed.

A patient who comes back is an exam ordered later that is given to that patient: the first fitting one once the time
has come, so that living on changes nothing that was written.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from etl.simulate.exam import Exam
from etl.simulate.report_texts import DISCLAIMER, TRAPS, filled, sentences
from etl.simulate.scenario import DAY_S, Scenario, stream

INTERVALS = ("2W", "4W", "6W", "6W", "3M", "3M", "3M", "6M", "6M", "12M", "12M")
DAYS = {"W": 7, "M": 30}
CODED = {"NORTH": 0.75, "SOUTH": 0.0}  # share told as a coded OBX; the rest stands in the text only
WITHOUT_INTERVAL, WITHOUT_MODALITY = 0.3, 0.12
COMES_BACK = {"NORTH": 0.75, "SOUTH": 0.72}  # of those for whom a later exam is there; about one in four is forgotten
EARLY, LATE = 0.8, 70  # a returning patient's order comes from so much of the interval on, at most so many days on
TRACKED = "NORTH"  # the site that keeps a list of follow-ups
COMPLETED, SCHEDULED, DISMISSED = 0.55, 0.7, 0.82  # fates of those on the list, each up to; the rest is forgotten
REASONS = ("Not indicated", "Declined", "Deceased", "Transferred", "Superseded")
REGION = {  # body part of a procedure -> region as recommended
    "CHEST": "chest", "ABDOMENPELVIS": "abdomen", "ABDOMEN": "abdomen", "LIVER": "abdomen", "KIDNEY": "abdomen",
    "PELVIS": "pelvis", "HEAD": "head", "BRAIN": "head", "HEADNECK": "neck", "THYROID": "neck", "BREAST": "breast",
    "KNEE": "lower_extremity", "SHOULDER": "upper_extremity", "ANKLE": "lower_extremity", "HAND": "upper_extremity",
    "LEG": "vessels", "LSPINE": "spine", "CSPINE": "spine", "SINUS": "face", "HEART": "heart",
}  # fmt: skip
TRAP_SHARE = 0.15  # of reports without a recommendation hold a sentence that looks like one


@dataclass(slots=True)
class Followup:
    """A recommendation: None where modality or interval are not said; seconds are None while not yet."""

    modality: str | None
    interval: str | None
    region: str | None
    is_coded: bool
    scheduled_s: int | None = None
    completed_s: int | None = None
    dismissed_s: int | None = None
    reason: str = ""

    @property
    def code(self) -> str:
        """The recommendation as the feed codes it."""
        return f"{self.modality or ''}{self.interval or ''}"

    @property
    def days(self) -> int | None:
        """Days until it is due, months as thirty of them."""
        return None if self.interval is None else int(self.interval[:-1]) * DAYS[self.interval[-1]]


def recommend(exam: Exam, scenario: Scenario) -> None:
    """Say in full what an exam's report recommends, and what the site's list will tell of it."""
    if exam.followup is None or exam.final_s is None:
        exam.followup = None
        return
    draws = stream(scenario.seed, "followup", exam.key)
    without_interval, without_modality, coded = (draws.random() for _ in range(3))
    says_modality, says_interval = without_modality >= WITHOUT_MODALITY, without_interval >= WITHOUT_INTERVAL
    interval = draws.choice(INTERVALS)
    wanted = Followup(
        exam.modality if says_modality else None, interval if says_interval or not says_modality else None,
        REGION.get(exam.procedure.body_part), coded < CODED[exam.site],
    )  # fmt: skip
    exam.recommended, exam.followup = wanted, wanted.code
    fate, lot = draws.random(), draws.random()
    if exam.site != TRACKED or wanted.days is None or not wanted.is_coded:
        return
    due_s = exam.final_s + wanted.days * DAY_S
    booked_s = exam.final_s + int((0.1 + 0.3 * lot) * wanted.days * DAY_S)
    if fate < COMPLETED:
        wanted.scheduled_s, wanted.completed_s = booked_s, due_s + int((lot - 0.35) * 12 * DAY_S)
    elif fate < SCHEDULED:
        wanted.scheduled_s = booked_s
    elif fate < DISMISSED:
        wanted.dismissed_s, wanted.reason = booked_s, draws.choice(REASONS)


def come_back(exams: list[Exam], scenario: Scenario) -> None:
    """Give later exams to patients whose follow-up has come, in the order in which they were ordered."""
    waiting: dict[tuple[str, str, str], list[Exam]] = defaultdict(list)
    for exam in sorted(exams, key=lambda e: (e.final_s or 0, e.key)):
        wanted = exam.recommended
        back = stream(scenario.seed, "comes back", exam.key).random() < COMES_BACK[exam.site]
        if wanted is not None and wanted.days is not None and wanted.completed_s is None and back:
            waiting[exam.site, exam.procedure.code, exam.patient_class].append(exam)
    for exam in sorted(exams, key=lambda e: (e.ordered_s, e.key)):
        queue = waiting.get((exam.site, exam.procedure.code, exam.patient_class))
        if queue and exam.lead is None and not exam.leads:
            due = next((e for e in queue if _is_time(e, exam)), None)
            if due is not None:
                queue.remove(due)
                exam.patient = due.patient


def _is_time(first: Exam, second: Exam) -> bool:
    wanted = first.recommended
    if wanted is None or wanted.days is None or first.final_s is None or first.key == second.key:
        return False
    passed = second.ordered_s - first.final_s
    return EARLY * wanted.days * DAY_S <= passed <= (wanted.days + LATE) * DAY_S


def report_text(exam: Exam, scenario: Scenario) -> str:
    """Return the text of an exam's final report: a disclaimer, a finding, and what it recommends or seems to."""
    draws, table = stream(scenario.seed, "report text", exam.key), sentences()["dev"]
    said = [DISCLAIMER, filled(draws.choice(table["none"]), "none", table["words"], draws).text]
    wanted = exam.recommended
    if wanted is not None:
        said.append(_sentence(wanted, draws.randrange(1000)))
    elif draws.random() < TRAP_SHARE:
        kind = draws.choice(TRAPS)
        said.append(filled(draws.choice(table[kind]), kind, table["words"], draws).text)
    return " ".join(said)


def _sentence(wanted: Followup, lot: int) -> str:
    """Return a sentence that says exactly what is recommended."""
    words = sentences()["dev"]["words"]
    values = {"m": ("modality", wanted.modality), "i": ("interval", wanted.interval), "r": ("region", wanted.region)}
    slots = {slot for slot, (_, value) in values.items() if value is not None}
    fitting = [s for s in sentences()["dev"]["recommended"] if {x for x in "mir" if f"{{{x}}}" in s} == slots]
    if not fitting:  # none of the sentences says just that
        fitting = [
            f"Follow-up {{m}}{' of the {r}' if 'r' in slots else ''}{' in {i}' if 'i' in slots else ''} advised."
        ]
        fitting = [fitting[0] if "m" in slots else fitting[0].replace("{m}", "imaging")]
    text: str = fitting[lot % len(fitting)]
    for slot, (name, value) in values.items():
        if value is not None and f"{{{slot}}}" in text:
            options = words[name].get(value, [value])
            text = text.replace(f"{{{slot}}}", options[lot % len(options)])
    return text[0].upper() + text[1:]
