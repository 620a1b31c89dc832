"""Radiologists and trainees: sections, shifts by weekday, absences."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from etl.department import Reader, Span
from etl.simulate.calendars import days_between, holiday
from etl.simulate.local import clock_of
from etl.simulate.scenario import SITE, Scenario, stream

SECTIONS = ("NEURO", "BODY", "CHEST", "MSK", "BREAST", "NUC", "IR")
GENERAL = ("NEURO", "BODY", "CHEST", "MSK")
WORK_DAYS = (0, 1, 2, 3, 4)
WEEKEND = (5, 6)
ALL_DAYS = (0, 1, 2, 3, 4, 5, 6)
ABSENT_A_WEEK = 0.06


@dataclass(frozen=True)
class Post:
    """A post on the rota: who may hold it changes by day, what is read from it does not."""

    code: str
    sections: tuple[str, ...]
    begin: float
    end: float
    weekdays: tuple[int, ...] = WORK_DAYS
    helps: tuple[str, ...] = ()
    trainee: bool = False
    urgent_only: bool = False
    pace: float = 1.0


POSTS = (
    Post("SIMR01", ("NEURO",), 8, 17),
    Post("SIMR02", ("NEURO",), 9, 18, helps=("MSK",)),
    Post("SIMR03", ("BODY",), 7.5, 16.5),
    Post("SIMR04", ("BODY",), 9, 18, pace=1.1),
    Post("SIMR05", ("CHEST",), 8, 17),
    Post("SIMR06", ("MSK",), 8, 17, helps=("CHEST",)),
    Post("SIMR07", ("BREAST",), 8, 17, helps=("NUC",), pace=0.95),
    Post("SIMR08", ("NUC", "IR"), 8.5, 17.5, helps=("BODY",), pace=1.15),
    Post("SIMR09", ("IR",), 8, 18),
    Post("SIMR10", GENERAL, 17, 23.5, ALL_DAYS, ("IR",)),
    Post("SIMR11", GENERAL, 16, 22, WORK_DAYS),
    Post("SIMR12", (*GENERAL, "IR"), 23, 32, ALL_DAYS, urgent_only=True),
    Post("SIMR13", GENERAL, 8, 17, WEEKEND, ("IR", "NUC")),
    Post("SIMR14", GENERAL, 10, 19, WEEKEND, pace=1.05),
    Post("SIMT01", ("NEURO",), 8, 17, trainee=True, pace=1.5),
    Post("SIMT02", ("BODY",), 8, 17, trainee=True, pace=1.5),
    Post("SIMT03", ("CHEST", "MSK"), 8, 17, trainee=True, pace=1.6),
    Post("SIMT04", GENERAL, 22, 31, ALL_DAYS, trainee=True, urgent_only=True, pace=1.35),
)

# the story of the last days: from this many days before the anchor to this many after, the post stands empty
STORY_ABSENT = {"SIMR03": (-3, 2), "SIMT02": (-3, 2), "SIMR04": (-1, 1)}


def is_absent(post: Post, day: date, scenario: Scenario) -> bool:
    """Return whether nobody holds the post on this day: holidays, sick leave, the story of the last days."""
    first, last = STORY_ABSENT.get(post.code, (1, 0))
    if first <= (day - scenario.anchor).days <= last:
        return True
    if post.weekdays == WORK_DAYS and holiday("NORTH", day):
        return True
    monday = day - timedelta(days=day.weekday())
    if post.weekdays != WORK_DAYS or post.sections == ("BREAST",):
        return False
    draws = stream(scenario.seed, "absent", post.code, monday)
    return draws.random() < ABSENT_A_WEEK and draws.randrange(5) == day.weekday()


def works(post: Post, day: date, scenario: Scenario) -> bool:
    """Return whether somebody holds the post on this day."""
    is_due = day.weekday() in post.weekdays or (post.weekdays == WEEKEND and holiday("NORTH", day) is not None)
    return is_due and not is_absent(post, day, scenario)


def hours(post: Post, day: date) -> tuple[int, int]:
    """Return when the post's shift of a day begins and ends; the group keeps the North hospital's clock."""
    clock = clock_of(SITE["NORTH"].zone)
    return clock.second(day, post.begin), clock.second(day, post.end)


def shifts(post: Post, scenario: Scenario, last: date) -> list[Span]:
    """Return the shifts of a post in kernel minutes."""
    found = []
    for day in days_between(scenario.start, last):
        if works(post, day, scenario):
            begin_s, end_s = hours(post, day)
            found.append((scenario.minute(begin_s), scenario.minute(end_s)))
    return found


def readers(scenario: Scenario, last: date) -> list[Reader]:
    """Return the kernel's readers with their shifts up to a local day."""
    return [
        Reader(p.code, shifts(p, scenario, last), p.sections, p.helps, p.trainee, p.urgent_only, p.pace) for p in POSTS
    ]
