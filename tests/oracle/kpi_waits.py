"""Oracles of waits for an exam by a clock that begins anew (DM01), and of the share within the access target."""

from __future__ import annotations

import pandas as pd
from kpi_access import needing_a_slot
from kpi_targets import kept, nothing
from kpi_truth import Measures, Truth, kaplan_meier, minutes, oracle

SIX_WEEKS_MIN = 42 * 1440.0  # of the pack that the department has switched on


def clocks(t: Truth, frame: pd.DataFrame) -> pd.Series:
    """Return when each wait's clock begins, as known now: the request, or an appointment the patient gave up."""
    clock = frame.set_index("exam_key")["accepted_at"]
    begun = frame.set_index("exam_key")["begin_at"]
    for key, made in t.appointments[t.appointments["exam_key"].isin(clock.index)].groupby("exam_key"):
        rows = list(made.itertuples())
        for row, after in zip(rows, [*rows[1:], None], strict=True):
            known = after.booked_at if row.fate == "moved" and after is not None else row.fate_at
            by_patient = row.fate == "no_show" or (row.fate in ("cancelled", "moved") and row.reason == "PATIENT")
            if by_patient and known <= t.as_of and not known >= begun[key]:
                clock[key] = max(clock[key], row.begin_at)
    return clock.reindex(frame["exam_key"]).set_axis(frame.index)


@oracle("T03-adjusted")
def adjusted_wait(t: Truth) -> Measures:
    frame = needing_a_slot(t).query("not is_off")
    frame = t.within(frame, frame["ordered_at"])
    clock = clocks(t, frame)
    frame, clock = (part[(clock <= t.as_of) | frame["begin_at"].notna()] for part in (frame, clock))
    took = minutes(clock, frame["begin_at"]).clip(lower=0) / 1440
    age = (pd.Timestamp(t.as_of) - clock).dt.total_seconds() / 86400
    closed, censored = took.dropna().tolist(), age[took.isna()].tolist()
    return {
        "p50": kaplan_meier(closed, censored, 0.5),
        "p90": kaplan_meier(closed, censored, 0.9),
        "p50_closed": kaplan_meier(closed, [], 0.5),
        "closed": len(closed),
        "open": len(censored),
    }


@oracle("T04-adjusted")
def adjusted_six_weeks(t: Truth) -> Measures:
    frame = needing_a_slot(t)
    frame = frame[frame["begin_at"].isna() & ~frame["is_off"]]
    age = ((pd.Timestamp(t.as_of) - clocks(t, frame)).dt.total_seconds() / 60).clip(lower=0)
    return {
        "count": len(frame),
        "share": (age >= SIX_WEEKS_MIN).mean(),
        "over_limit": (age >= SIX_WEEKS_MIN).sum(),
        "under_2_weeks": (age < SIX_WEEKS_MIN / 3).sum(),
        "from_4_to_6": ((age >= SIX_WEEKS_MIN / 1.5) & (age < SIX_WEEKS_MIN)).sum(),
        "oldest": age.max(),
        "p50": age.quantile(0.5),
    }


@oracle("T24-access")
def examined_in_time(t: Truth) -> Measures:
    frame = needing_a_slot(t).query("not is_off")
    frame = t.within(frame, frame["ordered_at"])
    target = pd.Series(SIX_WEEKS_MIN, index=frame.index)
    took = minutes(frame["accepted_at"], frame["begin_at"])
    return kept(t, frame, target, frame["accepted_at"], took, nothing(frame))
