"""What performed exams count for by the site's own table of work units and money (V02); no licensed code is shipped."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pandas as pd
from sqlalchemy import Connection, select

from etl.records import EntryKind
from etl.warehouse.append import read_frame
from etl.warehouse.keys import Ints
from etl.warehouse.local_time import NO_TIME, microseconds
from etl.warehouse.parameters import Parameters
from etl.warehouse.tables import fact_entry, fact_exam, fact_exam_value

WORK_UNITS = frozenset({"wrvu", "rvu", "work rvu"})
NAMED = tuple(c.name for c in fact_exam_value.columns if c.name in fact_exam.c and c.name != "exam_key")


def derive_exam_values(connection: Connection, parameters: Parameters, data_at: datetime) -> pd.DataFrame:
    """Return fact_exam_value rows: of sites with a table every performed exam, whether the table knows it or not."""
    table = cost_table(connection)
    if table.empty:
        return pd.DataFrame(columns=["exam_key"])
    columns = [fact_exam.c[n] for n in ("exam_key", *NAMED, "end_local_date", "end_local_hour")]
    performed = fact_exam.c.is_performed.is_(True) & fact_exam.c.site_code.in_(sorted(table["site_code"].unique()))
    exams = read_frame(connection, select(*columns).where(performed))
    at = microseconds(exams["exam_end_at"])
    values = {
        "wrvu": value_at(exams, at, table[table["is_work"]]),
        "money": value_at(exams, at, _one_currency(table[~table["is_work"]])),
    }
    exams = exams.assign(**values)
    return exams.rename(columns={"end_local_date": "local_date", "end_local_hour": "local_hour"})


def cost_table(connection: Connection) -> pd.DataFrame:
    """Return all sites' rows: site_code, code, modality, begin, end (NO_TIME: open), value, is_work, unit."""
    columns = [
        fact_entry.c[n] for n in ("site_code", "code", "modality", "begin_at", "end_at", "value", "unit", "event_id")
    ]
    known = (
        (fact_entry.c.kind == str(EntryKind.COST)) & fact_entry.c.value.is_not(None) & fact_entry.c.code.is_not(None)
    )
    rows = read_frame(connection, select(*columns).where(known).order_by(fact_entry.c.event_id))
    unit = rows["unit"].fillna("").str.strip().str.casefold()
    return rows.assign(
        code=rows["code"].str.strip().str.upper(),
        unit=unit,
        is_work=unit.isin(WORK_UNITS),
        begin=microseconds(rows["begin_at"]),
        end=microseconds(rows["end_at"]),
    )


def _one_currency(rows: pd.DataFrame) -> pd.DataFrame:
    """Return of each site the rows in its most frequent currency: sums of several mean nothing."""
    if rows.empty:
        return rows
    counted = rows.groupby(["site_code", "unit"]).size().reset_index(name="n")
    counted = counted.sort_values(["site_code", "n", "unit"], ascending=[True, False, True])
    return rows.merge(counted.drop_duplicates("site_code")[["site_code", "unit"]], on=["site_code", "unit"])


def value_at(exams: pd.DataFrame, at: Ints, table: pd.DataFrame) -> pd.Series:
    """Return each exam's value: of its code's rows valid at `at`, one of its modality first, the one begun last."""
    found = pd.Series(np.nan, index=exams.index)
    if table.empty or exams.empty:
        return found
    asked = pd.DataFrame(
        {"row": exams.index, "site_code": exams["site_code"], "code": exams["procedure_code"].str.strip().str.upper(),
         "mine": exams["modality"], "at": at}
    )  # fmt: skip
    both = asked.merge(table, on=["site_code", "code"])
    valid = (both["begin"] <= both["at"]) & ((both["end"] == NO_TIME) | (both["end"] > both["at"]))
    fits = both["modality"].isna() | (both["modality"] == both["mine"])
    both = both[valid & fits].assign(own=both["modality"].notna())
    both = both.sort_values(["row", "own", "begin", "event_id"]).drop_duplicates("row", keep="last").set_index("row")
    found.loc[both.index] = both["value"].astype("float64")
    return found
