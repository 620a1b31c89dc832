"""What the warehouse must know to take in what people did to a follow-up in the dashboard, and what it has taken in."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import pandas as pd
from sqlalchemy import Connection, select

from etl.settings import OWN_FEED
from etl.warehouse.append import read_frame
from etl.warehouse.derive_followup import coded, followup_keys
from etl.warehouse.tables import event, fact_followup, link, receipt

# patient and visit stay out: an old message's patient, told anew, would undo a correction made since
TOLD_AGAIN = ("accession_token", "placer_token", "filler_token", "study_token", "appointment_token", "procedure_token")
TOKENS = (
    "patient_token", "accession_token", "placer_token", "filler_token", "study_token", "visit_token",
    "appointment_token", "procedure_token",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Recommendation:
    """What names a recommendation: its site, its exam's eight tokens (`TOKENS`), and what was recommended, as coded."""

    site_code: str
    tokens: tuple[str | None, ...]
    result_code: str


def taken_in(connection: Connection) -> dict[str, Recommendation]:
    """Return what dashboard events the warehouse holds, by their place in the state store."""
    columns = (receipt.c.source_ref, event.c.site_code, *(event.c[name] for name in TOKENS), event.c.result_code)
    query = select(*columns).join(receipt, receipt.c.event_id == event.c.event_id)
    rows = read_frame(connection, query.where(event.c.feed_key == OWN_FEED))
    return dict(zip(rows["source_ref"], _recommendations(rows), strict=True))


def recommendations(connection: Connection, keys: Collection[int]) -> dict[int, Recommendation]:
    """Return by followup_key what its recommending event said; keys that no follow-up has now are left out."""
    exams = select(fact_followup.c.exam_key).where(fact_followup.c.followup_key.in_(sorted(keys)))
    columns = [event.c[name] for name in ("event_id", "site_code", "local_code", *TOKENS, "result_code")]
    query = select(*columns, link.c.exam_key).join(link, link.c.event_id == event.c.event_id)
    rows = read_frame(connection, query.where(link.c.exam_key.in_(exams), event.c.result_code.is_not(None)))
    rows = coded(rows).assign(**{name: None for name in TOKENS if name not in TOLD_AGAIN})
    rows = rows.assign(followup_key=followup_keys(rows)).sort_values("event_id", ignore_index=True)
    rows = rows[rows["followup_key"].isin(list(keys))].drop_duplicates("followup_key")
    return dict(zip(rows["followup_key"].astype("int64").tolist(), _recommendations(rows), strict=True))


def _recommendations(rows: pd.DataFrame) -> list[Recommendation]:
    columns = [rows[name].astype(object).where(rows[name].notna(), None) for name in TOKENS]
    tokens = zip(*columns, strict=True)
    told = zip(rows["site_code"], tokens, rows["result_code"], strict=True)
    return [Recommendation(site, tuple(given), code) for site, given, code in told]
