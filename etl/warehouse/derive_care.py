"""Quality of performed exams: reviewed, taught from, gone wrong, repeated, off the site's protocols, done again."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pandas as pd
from sqlalchemy import Connection, select

from etl.records import EntryKind, EventType
from etl.warehouse.append import read_frame
from etl.warehouse.event_set import TYPE_CODE, event_types
from etl.warehouse.exam_entries import DIMENSIONS, at_exam_end, entries_of, word_in
from etl.warehouse.milestones import codes
from etl.warehouse.parameters import Parameters
from etl.warehouse.performed_protocols import against_standard
from etl.warehouse.tables import event, fact_exam, link

REDONE_WITHIN = timedelta(days=7)
WRONG = ("wrong_exam", "wrong_side", "wrong_patient")
COUNTS = (
    "submissions", "great_calls", "incidents", "wrong_exams", "falls", "extravasations", "other_incidents",
)  # fmt: skip
LOGGED = (EventType.QC_REJECT, EventType.QC_REPEAT_DONE)


def derive_quality(connection: Connection, parameters: Parameters, data_at: datetime) -> pd.DataFrame:
    """Return fact_quality rows; none while no list, log or standard of the site tells anything of quality."""
    kinds = (EntryKind.PEER_REVIEW, EntryKind.PEER_LEARNING, EntryKind.INCIDENT)
    entries = counted(entries_of(connection, *kinds))
    logged = quality_log(connection, parameters)
    if entries.empty and logged.empty and not parameters.standards:
        return pd.DataFrame()
    exams = performed(connection)
    exams = exams.merge(against_standard(connection, exams, parameters), on="exam_key", how="left")
    exams = exams.merge(logged, on="exam_key", how="left")
    exams["redone_at"] = redone(exams)
    known = entries["exam_key"].isin(exams["exam_key"])
    summed = entries[known].groupby("exam_key")[[*COUNTS, "reviews"]].sum().reset_index()
    exams = exams.merge(summed, on="exam_key", how="left")
    exams["is_reviewed"] = exams["reviews"].fillna(0) > 0
    alone = entries[~known & (entries[list(COUNTS)].sum(axis=1) > 0)].drop(columns=["exam_end_at"])
    rows = pd.concat([exams.assign(exams=1), alone.assign(**at_exam_end(alone), exams=0)], ignore_index=True)
    rows[list(COUNTS)] = rows[list(COUNTS)].fillna(0).astype("int64")
    return rows


def performed(connection: Connection) -> pd.DataFrame:
    """Return performed exams with their dimensions, end, and whether they are reported."""
    x = fact_exam.c
    columns = [x[name] for name in ("exam_key", *DIMENSIONS, "patient_key", "exam_begin_at", "exam_end_at")]
    query = select(
        *columns,
        x.end_local_date.label("local_date"),
        x.end_local_hour.label("local_hour"),
        x.first_final_at.is_not(None).label("is_reported"),
    ).where(x.is_performed.is_(True))
    return read_frame(connection, query.order_by(x.exam_key))


def counted(entries: pd.DataFrame) -> pd.DataFrame:
    """Return entries with what each counts for, as COUNTS and `reviews`."""
    code = entries["code"]
    learning, incident = entries["kind"].eq("peer_learning"), entries["kind"].eq("incident").to_numpy(dtype=bool)
    wrong, fall, leak = (word_in(code, *words) for words in (WRONG, ("fall",), ("extravasation",)))
    near = word_in(code, "near_miss")
    named = (wrong | fall | leak) & incident
    return entries.assign(
        reviews=entries["kind"].eq("peer_review").astype("int64"),
        submissions=learning.astype("int64"),
        great_calls=(learning.to_numpy(dtype=bool) & word_in(code, "great_call")).astype("int64"),
        incidents=named.astype("int64"),
        wrong_exams=(wrong & incident).astype("int64"),
        falls=(fall & incident).astype("int64"),
        extravasations=(leak & incident).astype("int64"),
        other_incidents=(incident & ~named & ~near).astype("int64"),
    )


def quality_log(connection: Connection, parameters: Parameters) -> pd.DataFrame:
    """Return exams refused at quality control: `qc_reject_at`, `reason`, and when replaced (`repeat_at`)."""
    columns = (event.c.feed_key, event.c.local_code, event.c.occurred_at, event.c.reason_code, link.c.exam_key)
    of = select(event.c.feed_key, event.c.site_code, event.c.local_code).distinct()
    known = read_frame(connection, of)
    meant = event_types(known, parameters)
    wanted = sorted(set(known.loc[np.isin(meant, codes(LOGGED)), "local_code"]))
    rows = read_frame(
        connection,
        select(*columns, event.c.site_code)
        .join(link, link.c.event_id == event.c.event_id)
        .where(event.c.local_code.in_(wanted), link.c.exam_key != 0)
        .order_by(event.c.occurred_at, event.c.event_id),
    )
    rows["type"] = event_types(rows, parameters)
    rejected, repeated = (rows[rows["type"] == TYPE_CODE[kind]].drop_duplicates("exam_key") for kind in LOGGED)
    found = rejected.rename(columns={"occurred_at": "qc_reject_at", "reason_code": "reason"})
    found = found[["exam_key", "qc_reject_at", "reason"]]
    repeats = repeated.rename(columns={"occurred_at": "repeat_at"})[["exam_key", "repeat_at"]]
    return found.merge(repeats, on="exam_key", how="left")


def redone(exams: pd.DataFrame) -> pd.Series:
    """Return when each refused exam was done again within a week: replaced, or the same procedure begun anew."""
    refused = exams[exams["qc_reject_at"].notna()]
    same = ["site_code", "patient_key", "procedure_code"]
    again = refused[["exam_key", "exam_end_at", *same]].merge(
        exams[[*same, "exam_begin_at"]].rename(columns={"exam_begin_at": "next_at"}), on=same
    )
    again = again[again["next_at"] >= again["exam_end_at"]]
    first = again.sort_values("next_at").drop_duplicates("exam_key")[["exam_key", "next_at"]]
    rows = exams[["exam_key", "exam_end_at", "qc_reject_at", "repeat_at"]].merge(first, on="exam_key", how="left")
    done = rows["repeat_at"].where(~(rows["next_at"] < rows["repeat_at"]), rows["next_at"]).fillna(rows["next_at"])
    within = (done >= rows["exam_end_at"]) & (done <= rows["exam_end_at"] + REDONE_WITHIN)
    return done.where(within & rows["qc_reject_at"].notna())
