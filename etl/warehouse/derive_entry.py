"""Entries of the department's own lists: which exam and scanner each is about, when by the site's calendar."""

from __future__ import annotations

import pandas as pd
from sqlalchemy import Column, Connection, Table, func, select

from etl.warehouse.append import read_frame
from etl.warehouse.clock_correction import corrected
from etl.warehouse.event_set import canonical, selected
from etl.warehouse.keys import NO_EXAM
from etl.warehouse.local_time import dates, hours, local_days, microseconds
from etl.warehouse.parameters import Parameters
from etl.warehouse.scanners import modality_of, scanner_of
from etl.warehouse.tables import event, event_dose, event_entry, event_series, fact_exam, link

NAMED_BY = ("accession_token", "filler_token", "placer_token", "study_token")  # what names an exam, best first
# rows that agree in these say the same thing again: the one known last counts
SAME = (
    "feed_key", "kind", *NAMED_BY, "patient_token", "visit_token", "appointment_token", "person_token",
    "other_person_token", "station_name", "code", "occurred_at", "ordinal",
)  # fmt: skip
KEPT = ("event_id", "kind", "site_code", "code", "outcome_code", "value", "unit", "count", "limit_value")


def derive_entries(connection: Connection, parameters: Parameters) -> pd.DataFrame:
    """Return fact_entry rows of all entries held; `link` and fact_exam must be up to the events.

    An entry belongs to the exam its best identifier leads to; exam_key is 0 when that leads to none or to several.
    """
    rows = _last_known(read_frame(connection, selected(event_entry).order_by(event_entry.c.event_id)))
    rows = corrected(rows, ("occurred_at", "end_at"), parameters.clock_corrections)
    exam = exams_of(connection, rows)
    scanner = scanner_of(rows["site_code"], rows["station_name"], parameters)
    begin, end = microseconds(rows["occurred_at"]), microseconds(rows["end_at"])
    day, hour = local_days(begin, rows["site_code"], parameters.zones)
    own = pd.Series(modality_of(scanner, parameters), index=rows.index, dtype=object)
    sent = canonical(rows["modality"], parameters.modalities)
    return pd.DataFrame(
        {
            **{name: rows[name] for name in KEPT},
            "exam_key": exam,
            "scanner_code": scanner,
            "modality": own.fillna(sent).fillna(_modalities(connection, exam)),
            "begin_at": rows["occurred_at"],
            "end_at": rows["end_at"],
            "local_date": dates(day),
            "local_hour": hours(hour),
            "duration_min": pd.Series((end - begin) / 60e6).where(rows["end_at"].notna()),
            "person": rows["person_token"],
            "other_person": rows["other_person_token"],
        }
    )


def _last_known(rows: pd.DataFrame) -> pd.DataFrame:
    """Return of rows that say the same thing the one known last (unknown times count as earliest, ids break ties)."""
    order = rows.sort_values(["known_at", "event_id"], na_position="first", kind="stable")
    return order.drop_duplicates(list(SAME), keep="last").sort_values("event_id", ignore_index=True)


def exams_of(connection: Connection, rows: pd.DataFrame) -> pd.Series:
    """Return each entry's exam_key, NO_EXAM for those without."""
    found = pd.Series(NO_EXAM, index=rows.index, dtype="int64")
    for name in NAMED_BY:
        asking = found.eq(NO_EXAM) & rows[name].notna()
        if asking.any():
            led_to = rows[name].map(_exam_of_token(connection, name)).fillna(NO_EXAM).astype("int64")
            found = found.where(~asking, led_to)
    return found


def _exam_of_token(connection: Connection, name: str) -> pd.Series:
    """Return token -> exam of the tokens entries carry, those that lead to exactly one exam."""
    pairs = pd.concat([_pairs(connection, table, name) for table in (event, event_series, event_dose)])
    pairs = pairs.drop_duplicates()
    alone = pairs[~pairs["token"].duplicated(keep=False)]
    return alone.set_index("token")["exam_key"]


def _pairs(connection: Connection, table: Table, name: str) -> pd.DataFrame:
    token: Column[str] = table.c[name]
    asked = select(event_entry.c[name]).where(event_entry.c[name].is_not(None))
    query = (
        select(token.label("token"), link.c.exam_key)
        .join(link, link.c.event_id == table.c.event_id)
        .where(token.in_(asked), link.c.exam_key != NO_EXAM)
        .distinct()
    )
    return read_frame(connection, query)


def _modalities(connection: Connection, exam: pd.Series) -> pd.Series:
    columns = (fact_exam.c.exam_key, fact_exam.c.modality)
    known = read_frame(connection, select(*columns).where(fact_exam.c.exam_key.in_(exam.unique().tolist())))
    return exam.map(known.set_index("exam_key")["modality"])


def has_entries(connection: Connection) -> bool:
    """Return whether any entry is held."""
    return connection.execute(select(func.count()).select_from(event_entry)).scalar_one() > 0
