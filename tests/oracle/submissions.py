"""Registries' figures from the simulated department's truth, in plain pandas; nothing here comes from `etl`."""

from __future__ import annotations

from typing import Any

import pandas as pd


def grid_means(truth: Any) -> pd.DataFrame:
    """Return mean hours from exam end to first final, and n, by modality, of exams ended in the period and reported."""
    frame = truth.ended
    frame = frame[frame["final_at"].notna()]
    hours = (frame["final_at"] - frame["end_at"]).dt.total_seconds() / 3600
    return hours.groupby(frame["modality"]).agg(["mean", "size"])


def dm01_waiting(truth: Any, census_at: pd.Timestamp) -> dict[tuple[str, str, int], int]:
    """Return outpatients waiting at the local midnight `census_at` by site, modality and whole weeks (13: more).

    `truth` is asked as of now: who cancelled before the census and was booked again after it was waiting all along.
    """
    frame = truth.exams
    came = (frame[["begin_at", "end_at", "communicated_at"]] <= census_at).any(axis=1)
    last = truth.appointments.drop_duplicates("exam_key", keep="last")
    called_off = last[last["fate"].isin(["cancelled", "no_show"]) & (last["fate_at"] <= census_at)]
    off = frame["exam_key"].isin(called_off["exam_key"]) | (frame[["cancelled_at", "no_show_at"]] <= census_at).any(
        axis=1
    )
    frame = frame[~came & ~off & (frame["patient_class"] == "O") & (frame["accepted_at"] < census_at)]
    received = truth.day(frame["accepted_at"], frame["site"])
    last_day = (census_at - pd.Timedelta(hours=1)).date()
    weeks = [min((last_day - day).days // 7, 13) for day in received]
    return dict(pd.Series(list(zip(frame["site"], frame["modality"], weeks, strict=True))).value_counts())
