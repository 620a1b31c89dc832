"""Recommended follow-up exams: one row a recommendation, with when it was due, booked, done or dismissed."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pandas as pd
from sqlalchemy import Connection, select

from etl.followup_text import TEXT_FLAG, parsed_code
from etl.records import EventType as E
from etl.settings import OWN_FEED
from etl.warehouse.append import read_frame
from etl.warehouse.care_events import first_times, happenings
from etl.warehouse.followup_match import matching_exams
from etl.warehouse.keys import Ints, stable_keys
from etl.warehouse.local_time import DAY_US, NO_TIME, dates, hours, local_days, microsecond, microseconds, times
from etl.warehouse.parameters import Parameters
from etl.warehouse.tables import fact_exam, fact_followup
from etl.warehouse.tables.columns import exam_dimensions

DISMISSING = (str(E.FOLLOWUP_DISMISSED), str(E.FOLLOWUP_REOPENED))
STEPS = (
    E.FOLLOWUP_RECOMMENDED, E.FOLLOWUP_SCHEDULED, E.FOLLOWUP_COMPLETED, E.FOLLOWUP_DISMISSED, E.FOLLOWUP_REOPENED,
)  # fmt: skip
KEYS = ["exam_key", "code"]
EXCLUDED = ("death", "transfer", "superseded")  # coded reasons that leave nothing to be done
DAYS = {"D": 1.0, "W": 7.0, "M": 365.25 / 12, "Y": 365.25}
EXAM = ("exam_key", "accession_token", "patient_key", "reader", *(column.name for column in exam_dimensions()))


def derive_followups(connection: Connection, parameters: Parameters, data_at: datetime) -> pd.DataFrame:
    """Return fact_followup rows; fact_exam must be up to the events.

    What a feed tells coded of an exam outdoes what a rule read from its text. A feed's word that it was done outdoes
    a later exam that looks like it (`followup_match`). A dismissal in the dashboard counts from the data's now at the
    latest: whoever made it saw no further, and the feeds may lag behind the wall clock it was made by.
    """
    rows = coded(happenings(connection, parameters, STEPS))
    recommended = _recommended(rows)
    if recommended.empty:
        return pd.DataFrame(columns=[c.name for c in fact_followup.columns])
    later = _attached(rows, recommended)
    steps = first_times(later[~later["kind"].isin(DISMISSING)], KEYS, STEPS[1:3])
    found = recommended.merge(steps, left_on=KEYS, right_index=True, how="left")
    found = found.merge(_dismissed(later, microsecond(data_at)), on=KEYS, how="left")
    found = found.merge(_exams(connection, found), on="exam_key")
    return _placed(connection, _due(found, parameters), parameters)


def coded(rows: pd.DataFrame) -> pd.DataFrame:
    """Add the code's parts and the code in one spelling."""
    codes = rows["result_code"].fillna("")
    parts = {code: parsed_code(code) for code in codes.unique()}
    named = [parts[code] for code in codes]
    return rows.assign(
        wanted_modality=pd.Series([p[0] for p in named], index=rows.index, dtype=object),
        interval=pd.Series([p[1] for p in named], index=rows.index, dtype=object),
        wanted_region=pd.Series([p[2] for p in named], index=rows.index, dtype=object),
        code=pd.Series([".".join(part or "" for part in p) for p in named], index=rows.index, dtype=object),
        is_rule=rows["local_code"].str.endswith(f"#{TEXT_FLAG}"),
    )


def followup_keys(rows: pd.DataFrame) -> Ints:
    """Return followup_key of rows with exam_key and code (`coded`)."""
    return stable_keys("followup", rows["exam_key"], rows["code"])


def _recommended(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the recommendations, the first event of each, coded ones before those read from a text."""
    told = rows[rows["kind"] == str(E.FOLLOWUP_RECOMMENDED)]
    coded = told.groupby("exam_key")["is_rule"].transform(lambda is_rule: (~is_rule).any())
    told = told[~(told["is_rule"] & coded)].drop_duplicates(KEYS)
    return told.assign(
        told_by=np.where(told["is_rule"], "rule", "feed"),
        rule_id=told["reason_code"].astype(object).where(told["is_rule"], None),
        recommended=told["at"],
    )[[*KEYS, "told_by", "rule_id", "feed_key", "recommended", "wanted_modality", "interval", "wanted_region"]]


def _attached(rows: pd.DataFrame, recommended: pd.DataFrame) -> pd.DataFrame:
    """Return later steps with the code of the recommendation they belong to: the same code, else the exam's first."""
    first = recommended.drop_duplicates("exam_key").set_index("exam_key")["code"]
    known = set(zip(recommended["exam_key"], recommended["code"], strict=True))
    later = rows[(rows["kind"] != str(E.FOLLOWUP_RECOMMENDED)) & rows["exam_key"].isin(first.index)]
    own = [pair in known for pair in zip(later["exam_key"], later["code"], strict=True)]
    return later.assign(code=later["code"].where(pd.Series(own, index=later.index), later["exam_key"].map(first)))


def _exams(connection: Connection, found: pd.DataFrame) -> pd.DataFrame:
    wanted = sorted(found["exam_key"].unique().tolist())
    columns = [fact_exam.c[name] for name in EXAM]
    return read_frame(connection, select(*columns).where(fact_exam.c.exam_key.in_(wanted)))


def _dismissed(later: pd.DataFrame, data_at: int) -> pd.DataFrame:
    """Return by recommendation when it was dismissed, by which feed, and the coded reason.

    Of each feed's dismissals the first since it last took one back; a feed takes back its own only. Of several feeds'
    the first one counts.
    """
    told = later[later["kind"].isin(DISMISSING)]
    told = told.assign(at=told["at"].where(told["feed_key"] != OWN_FEED, told["at"].clip(upper=data_at)))
    by = [*KEYS, "feed_key"]
    reopened = told["kind"] == str(E.FOLLOWUP_REOPENED)
    is_over = reopened[::-1].groupby([told[name][::-1] for name in by]).cummax()[::-1]  # taken back later on
    standing = told[~is_over.astype(bool)].sort_values(["at", "event_id"])
    first = standing.drop_duplicates(KEYS)[[*KEYS, "at", "feed_key", "reason_code"]]
    return first.rename(columns={"at": "dismissed", "feed_key": "dismissing", "reason_code": "dismiss_reason"})


def _due(found: pd.DataFrame, parameters: Parameters) -> pd.DataFrame:
    """Add when it is due and when it is overdue; months by the calendar, in UTC."""
    at = times(found["recommended"].to_numpy(dtype=np.int64))
    due = pd.Series(pd.NaT, index=found.index, dtype=at.dtype)
    days = pd.Series(np.nan, index=found.index)
    for interval in found["interval"].dropna().unique():
        mine = (found["interval"] == interval).to_numpy()
        number, unit = int(interval[:-1]), interval[-1]
        months = {"M": number, "Y": 12 * number}.get(unit, 0)
        days_on = {"D": number, "W": 7 * number}.get(unit, 0)
        due[mine] = (at[mine] + pd.DateOffset(months=months, days=days_on)).to_numpy()
        days[mine] = number * DAYS[unit]
    due_us = microseconds(due)
    grace = round(parameters.rules.followup_grace_days * DAY_US)
    return found.assign(interval_days=days, due=due_us, deadline=np.where(due_us == NO_TIME, NO_TIME, due_us + grace))


def _placed(connection: Connection, found: pd.DataFrame, parameters: Parameters) -> pd.DataFrame:
    """Return the rows with completion, dismissal and calendar."""
    scheduled, told, dismissed = (
        found[name].fillna(NO_TIME).to_numpy(dtype=np.int64)
        for name in (str(E.FOLLOWUP_SCHEDULED), str(E.FOLLOWUP_COMPLETED), "dismissed")
    )
    matched = matching_exams(connection, found, parameters)
    is_told, is_matched = told != NO_TIME, matched["exam_key"].notna().to_numpy()
    completed = np.where(is_told, told, matched["at"].fillna(NO_TIME).to_numpy(dtype=np.int64))
    at, deadline = found["recommended"].to_numpy(dtype=np.int64), found["deadline"].to_numpy(dtype=np.int64)
    in_time = (dismissed != NO_TIME) & ((deadline == NO_TIME) | (dismissed <= deadline))
    day, hour = local_days(at, found["site_code"], parameters.zones)
    due_day, _ = local_days(found["due"].to_numpy(dtype=np.int64), found["site_code"], parameters.zones)
    by = pd.Series(np.select([is_told, is_matched], ["feed", "exam"], default=""), dtype=object)
    return found.assign(
        followup_key=followup_keys(found),
        owner=found["reader"],
        recommended_at=times(at),
        due_at=times(found["due"].to_numpy(dtype=np.int64)),
        deadline_at=times(deadline),
        scheduled_at=times(scheduled),
        completed_at=times(completed),
        completed_by=by.where(by != "", None),
        completed_exam_key=matched["exam_key"].where(~is_told).astype("Int64"),
        dismissed_at=times(dismissed),
        dismissed_by=_dismisser(found["dismissing"]),
        is_excluded=in_time & found["dismiss_reason"].isin(EXCLUDED).to_numpy(),
        local_date=dates(day),
        local_hour=hours(hour),
        due_local_date=dates(due_day),
    )


def _dismisser(feed_key: pd.Series) -> pd.Series:
    by = pd.Series(np.where(feed_key == OWN_FEED, "dashboard", "feed"), index=feed_key.index, dtype=object)
    return by.where(feed_key.notna(), None)
