"""Thresholds of derivation and of matching images to exams."""

from __future__ import annotations

from dataclasses import dataclass, field

from etl.warehouse.local_time import ShiftHours
from etl.warehouse.modality_families import of_one_exam

STANDARD_SHIFTS = ShiftHours()


@dataclass(frozen=True, slots=True)
class MatchRules:
    """Points, limits (minutes) and threshold of matching images to exams by score; a score is points over the most."""

    patient_points: float = 4.0  # same patient after merges
    other_patient_points: float = 2.0  # taken off for another patient's number
    person_points: float = 1.0  # year of birth and sex agree (taken off: differ), where the number does not
    time_points: float = 4.0  # half for being inside the exam, half for being near its begin; half of all if booked
    scanner_points: float = 2.0  # same scanner; taken off for another one
    outside_half_min: float = 30.0  # time points halve for so many minutes before begin or after end
    begin_half_min: float = 60.0
    appointment_half_min: float = 120.0
    window_min: float = 720.0  # further apart no patient's images are an exam's
    scanner_window_min: float = 60.0  # the same where only the scanner speaks for it
    threshold: float = 0.45
    margin: float = 0.05  # by how much a match must beat the next best on either side
    families: tuple[tuple[str, ...], ...] = field(default_factory=of_one_exam)  # modalities that may be one exam's


MATCHING = MatchRules()


@dataclass(frozen=True, slots=True)
class Rules:
    """Thresholds of derivation; minutes unless the name says otherwise."""

    shift_hours: ShiftHours = STANDARD_SHIFTS
    feed_kinds: tuple[str, ...] = ("hl7v2", "ris_csv")  # of several feeds telling one milestone the first is believed
    scanner_kinds: tuple[str, ...] = ("mpps",)  # believed after everyone else
    matching: MatchRules = MATCHING
    pause_min: float = 30.0  # K0.5: a longer gap between series splits a visit
    series_may_last_min: tuple[tuple[str, float], ...] = (  # where no header says how long one took, by modality
        ("NM", 60.0),
        ("PT", 60.0),
        ("US", 60.0),
        ("XA", 45.0),
        ("MR", 20.0),
        ("*", 15.0),
    )
    turnover_cap_min: float = 45.0  # U08: a longer gap is idle time
    longest_exam_min: float = 720.0  # a longer interval is a clock fault, not table time
    open_exam_cap_min: float = 240.0  # kpis.md E5: an exam begun and not ended is in progress for so long at most
    images_settle_min: float = 120.0  # the last image is the end when nothing came for so long
    followup_grace_days: float = 30.0  # after its due date a recommended exam is overdue
    followup_early_share: float = 0.5  # of the interval must have passed for another exam to be the recommended one
    followup_late_days: float = 365.0  # so long after the due date one still is
    booking_default_min: float = 30.0  # length of a booking that states none
    read_idle_min: tuple[tuple[str, float], ...] = (("XA", 120.0), ("*", 60.0))  # T20: longer is left open, not read
    same_study_join_min: float = 720.0  # accessions of one study further apart are separate visits
    calendar_ahead_days: int = 400  # hours further ahead of the data are not kept
    clock_window_days: int = 14  # offsets
    drift_window_days: int = 60
    clock_least_exams: int = 10
    skew_verdict_min: float = 3.0
    drift_verdict_min_per_day: float = 0.02
    prior_within_years: float = 5.0  # P01: an older exam is no relevant prior
    future_gap_days: int = 7  # stamps beyond such a gap are a broken clock's ...
    future_share: float = 0.01  # ... when so few events lie beyond it
