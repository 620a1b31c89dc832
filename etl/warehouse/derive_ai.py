"""Results of algorithms beside the exams they are for: coverage, verdicts, and the waits they may move."""

from __future__ import annotations

from datetime import date, datetime

import pandas as pd
from sqlalchemy import Connection, select

from etl.records import EntryKind
from etl.warehouse.ai_waits import with_differences, with_queue
from etl.warehouse.append import read_frame
from etl.warehouse.care_rules import AiUse, is_about
from etl.warehouse.exam_entries import DIMENSIONS, entries_of
from etl.warehouse.local_time import dates, hours, local_days, microseconds
from etl.warehouse.parameters import Parameters
from etl.warehouse.tables import fact_exam

OF = ["site_code", "procedure_code", "procedure_group"]
PAIR = ["exam_key", "algorithm"]
IN_USE, BEFORE, CONTROL, UNLISTED = "in_use", "before", "control", "unlisted"
TIMES = ("exam_end_at", "images_available_at", "read_opened_at", "first_prelim_at", "first_final_at")


def derive_ai_results(connection: Connection, parameters: Parameters, data_at: datetime) -> pd.DataFrame:
    """Return fact_ai_result rows; none while no feed tells of AI results."""
    entries = entries_of(connection, EntryKind.AI_RESULT, EntryKind.AI_VERDICT, EntryKind.AI_ADJUDICATION)
    told = entries[entries["kind"] == "ai_result"]
    if told.empty:
        return pd.DataFrame()
    exams = _exams(connection)
    scope = in_scope(exams, parameters)
    results = _results(told)
    rows = scope.merge(results, on=PAIR, how="outer")
    rows["ai_use"] = rows["ai_use"].fillna(UNLISTED)
    rows = rows.merge(exams[["exam_key", *DIMENSIONS, *TIMES]], on="exam_key", how="left")
    rows = _described(rows, told, parameters)
    rows = _judged(rows.sort_values(PAIR, ignore_index=True), entries)
    return with_differences(with_queue(rows, exams))


def _exams(connection: Connection) -> pd.DataFrame:
    """Return exams that ended or have images: dimensions, and the milestones a wait lies between."""
    x = fact_exam.c
    columns = [x[name] for name in ("exam_key", *DIMENSIONS, *TIMES, "end_local_date")]
    known = x.images_available_at.is_not(None) | x.exam_end_at.is_not(None)
    rows = read_frame(connection, select(*columns).where(known, x.aborted_at.is_(None)).order_by(x.exam_key))
    reported = ["read_opened_at", "first_prelim_at", "first_final_at"]
    return rows.assign(read_opened_at=rows[reported].min(axis=1))


def in_scope(exams: pd.DataFrame, parameters: Parameters) -> pd.DataFrame:
    """Return exam_key, algorithm and ai_use of every exam whose procedure an algorithm is in use for somewhere."""
    at = exams["images_available_at"].fillna(exams["exam_end_at"])
    day, _ = local_days(microseconds(at), exams["site_code"], parameters.zones)
    keyed = exams[["exam_key", *OF]].assign(day=day)
    uses = [row for kind in _kinds(exams) for row in _uses(kind, parameters.ai_uses)]
    rules = pd.DataFrame(uses, columns=[*OF, "algorithm", "listed", "valid_from", "valid_to"])
    rows = keyed.merge(rules, on=OF)
    after = rows["day"] >= rows["valid_from"]
    running = rows["listed"] & after & (rows["day"] < rows["valid_to"])
    rows["ai_use"] = pd.Series(CONTROL, index=rows.index).mask(rows["listed"], BEFORE).mask(running, IN_USE)
    ended = rows["listed"] & after & ~running
    rank = rows["ai_use"].map({IN_USE: 0, BEFORE: 1, CONTROL: 2})
    rows = rows[~ended].assign(rank=rank).sort_values([*PAIR, "rank"], kind="stable").drop_duplicates(PAIR)
    return rows[[*PAIR, "ai_use"]]


def _kinds(exams: pd.DataFrame) -> list[tuple[str, str, str]]:
    return list(exams[OF].drop_duplicates().itertuples(index=False, name=None))


def _uses(kind: tuple[str, str, str], uses: tuple[AiUse, ...]) -> list[tuple[object, ...]]:
    """Return a procedure's algorithms: the rows of its own site, or one that says it is a control's."""
    site, code, group = kind
    found: list[tuple[object, ...]] = []
    for algorithm in dict.fromkeys(use.algorithm for use in uses):
        about = [u for u in uses if u.algorithm == algorithm and is_about("*", u.procedure, site, code, group)]
        own = [u for u in about if u.site in ("*", site)]
        dated = [(True, _number(u.valid_from or date.min), _number(u.valid_to or date.max)) for u in own]
        dated = dated or [(False, 0, 0)] * bool(about)
        found += [(*kind, algorithm, *row) for row in dated]
    return found


def _number(day: date) -> int:
    """Return a day as `local_days` counts it, from 1970-01-01."""
    return day.toordinal() - date(1970, 1, 1).toordinal()


def _results(told: pd.DataFrame) -> pd.DataFrame:
    """Return one result an exam and algorithm: the first that is usable, else the last failure."""
    named = told[told["exam_key"] != 0]
    done = named["end_at"].fillna(named["begin_at"])
    result = named["outcome_code"].str.casefold()
    rows = named.assign(algorithm=named["code"], result=result, postproc_end_at=done, is_failed=result.eq("failed"))
    rows = rows.sort_values([*PAIR, "is_failed", "postproc_end_at"], kind="stable").drop_duplicates(PAIR)
    began = rows["begin_at"].where(rows["end_at"].notna())
    latency = (rows["postproc_end_at"] - began).dt.total_seconds() / 60
    return rows.assign(postproc_begin_at=began, latency_min=latency, score=rows["value"])[
        [*PAIR, "result", "score", "postproc_begin_at", "postproc_end_at", "latency_min"]
    ]


def _described(rows: pd.DataFrame, told: pd.DataFrame, parameters: Parameters) -> pd.DataFrame:
    """Return rows with the dimensions of results whose exam has neither end nor images, the calendar and hours."""
    own = told.drop_duplicates("exam_key").set_index("exam_key")
    for name in DIMENSIONS:
        rows[name] = rows[name].fillna(rows["exam_key"].map(own[name]))
    at = rows["images_available_at"].fillna(rows["exam_end_at"]).fillna(rows["postproc_end_at"])
    day, hour = local_days(microseconds(at), rows["site_code"], parameters.zones)
    work = rows["shift"].eq("day")
    usable = rows["postproc_end_at"].notna() & rows["result"].ne("failed").fillna(False)
    in_time = rows["read_opened_at"].isna() | (rows["postproc_end_at"] <= rows["read_opened_at"])
    return rows.assign(
        local_date=dates(day),
        local_hour=hours(hour),
        hours=pd.Series("off", index=rows.index).mask(work, "work"),
        is_before_read=(usable & in_time).astype(bool),
        unread_wait_min=(rows["read_opened_at"] - rows["images_available_at"]).dt.total_seconds() / 60,
    )


def _judged(rows: pd.DataFrame, entries: pd.DataFrame) -> pd.DataFrame:
    """Return rows with the last verdict and the last adjudication of each exam and algorithm."""
    for kind, names in (("ai_verdict", ("judged_at", "verdict")), ("ai_adjudication", ("adjudicated_at", "found"))):
        mine = entries[entries["kind"] == kind].sort_values("begin_at", kind="stable")
        mine = mine.assign(algorithm=mine["code"]).drop_duplicates(PAIR, keep="last")
        mine = mine.rename(columns={"begin_at": names[0], "outcome_code": names[1]})
        rows = rows.merge(mine[[*PAIR, *names]], on=PAIR, how="left")
    clear = rows["result"].isin(["positive", "negative"])
    judged = clear & rows["verdict"].notna()
    agreed = rows["verdict"].str.casefold().eq("agreed").astype("boolean").where(judged)
    reported = (rows["result"].eq("positive") == agreed).astype("boolean").where(judged)
    looked = judged & rows["found"].isin(["positive", "negative"])
    present = rows["found"].eq("positive").astype("boolean").where(looked, reported)
    return rows.assign(
        is_agreed=agreed, is_reported=reported, is_adjudicated=looked.astype(bool), is_present=present,
        reason=rows["verdict"].where(judged & ~agreed.fillna(True).astype(bool)),
    )  # fmt: skip
