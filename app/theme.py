"""Words, icons and colours of states: never colour alone, never red against green."""

from __future__ import annotations

from dataclasses import dataclass

GREY = "#8B949E"  # rules, targets and missing data: readable on white and on dark


@dataclass(frozen=True, slots=True)
class State:
    """How a state is said and shown: a word, a Material icon and a colour name of the palette."""

    word: str
    icon: str
    colour: str


BETTER = State("better", ":material/check_circle:", "blue")
WORSE = State("worse", ":material/warning:", "orange")
CHANGED = State("changed", ":material/swap_vert:", "gray")
STEADY = State("about the same", ":material/drag_handle:", "gray")
UNKNOWN = State("no comparison", ":material/help:", "gray")

COMMON = State("common cause", ":material/drag_handle:", "gray")
CONCERN = State("concern", ":material/warning:", "orange")
IMPROVEMENT = State("improvement", ":material/check_circle:", "blue")
HIGHER = State("higher", ":material/north_east:", "gray")
LOWER = State("lower", ":material/south_east:", "gray")

FRESH = State("current", ":material/check_circle:", "blue")
LATE = State("late", ":material/schedule:", "orange")
STALE = State("stale", ":material/error:", "orange")
NEVER = State("no data yet", ":material/help:", "gray")
AHEAD = State("unknown, clock ahead", ":material/help:", "gray")

DOWN = State("down", ":material/build:", "orange")
OVER = State("late", ":material/timer:", "orange")
BUSY = State("busy", ":material/person:", "blue")
IDLE = State("idle", ":material/hourglass_empty:", "gray")
CLOSED = State("closed", ":material/bedtime:", "gray")

RUN_STATES = {
    "ok": State("ok", ":material/check_circle:", "blue"),
    "stopped": State("stopped", ":material/pan_tool:", "orange"),
    "failed": State("failed", ":material/error:", "orange"),
}
CLOCK_STATES = {
    "ok": State("in step", ":material/check_circle:", "blue"),
    "skewed": State("off by a fixed amount", ":material/schedule:", "orange"),
    "drifting": State("drifting", ":material/trending_up:", "orange"),
    "unknown": State("too few exams to tell", ":material/help:", "gray"),
}

# Registry labels too long for a tile's heading; the full one stands in the panel and on Definitions.
SHORT_LABELS = {
    "patient_wait": "Patient wait",
    "report_tat": "Report TAT (exam end to final)",
    "unread_wait": "Images waiting to be read",
    "accessions": "Exams performed",
    "first_communication": "Exam end to first word",
    "turnover": "Turnover between visits",
    "drl_ratio": "Dose against reference",
    "dose_checks": "CT dose check alerts",
}

# Order of appearance wherever categories are drawn; also fixes which palette colour each one gets.
PRIORITIES = ("STAT", "URGENT", "ROUTINE")
PATIENT_CLASSES = {"E": "Emergency", "I": "Inpatient", "O": "Outpatient"}
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
