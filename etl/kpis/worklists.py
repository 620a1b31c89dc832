"""What somebody has to act on now: critical findings over their limit and overdue follow-ups, as pseudonymous rows.

The page lists them and alerts count them. What a human dismissed in the dashboard since the last run is left out at
reading time; the run brings it into the warehouse, where KPIs, alerts and exports see it too.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import pandas as pd
from sqlalchemy import ColumnElement, Engine, Select, Table, select

from etl.access import Principal, scoped
from etl.kpis.compute import current_version
from etl.kpis.moment import AS_OF, epoch_min, moment_params, not_reached, reached
from etl.warehouse.engine import read_frame
from etl.warehouse.tables import fact_critical_result, fact_followup

_c, _f = fact_critical_result.c, fact_followup.c
FINDING = (
    "finding_key exam_key accession_token site_code section modality procedure_group critical_class owner "
    "identified_at delegated_at limit_min"
)
FOLLOWUP = (
    "followup_key exam_key accession_token site_code section modality procedure_group told_by rule_id owner "
    "wanted_modality wanted_region interval_days recommended_at due_at deadline_at scheduled_at"
)


def critical_over_limit(engine: Engine, principal: Principal, as_of: datetime | None = None) -> pd.DataFrame:
    """Return findings nobody was told of whose limit has run out, the most urgent class and the oldest first.

    Beside the columns of FINDING: `age_min` and `over_min`. Raises RefusedError as `compute` does.
    """
    due = epoch_min(_c.identified_at) + _c.limit_min
    over: list[ColumnElement[bool]] = [
        reached(_c.identified_at), not_reached(_c.communicated_at), epoch_min(AS_OF) > due,
    ]  # fmt: skip
    query = select(
        *(_c[name] for name in FINDING.split()),
        (epoch_min(AS_OF) - epoch_min(_c.identified_at)).label("age_min"),
        (epoch_min(AS_OF) - due).label("over_min"),
    ).where(*over)
    return _read(engine, query.order_by(_c.critical_class, _c.identified_at, _c.finding_key), principal, as_of)


def overdue_followups(
    engine: Engine, principal: Principal, dismissed: Collection[int] = (), as_of: datetime | None = None
) -> pd.DataFrame:
    """Return follow-ups past due and grace, neither done nor dismissed, the longest overdue first.

    `dismissed` are followup_keys dismissed in the dashboard since the last run. Beside the columns of FOLLOWUP:
    `over_days`. Raises RefusedError as `compute` does.
    """
    over = (reached(_f.deadline_at), not_reached(_f.completed_at), not_reached(_f.dismissed_at))
    days = ((epoch_min(AS_OF) - epoch_min(_f.deadline_at)) / 1440).label("over_days")
    query = select(*(_f[name] for name in FOLLOWUP.split()), days).where(*over)
    frame = _read(engine, query.order_by(_f.deadline_at, _f.followup_key), principal, as_of, fact_followup)
    return frame[~frame["followup_key"].isin(list(dismissed))].reset_index(drop=True)


def dismissed_in_dashboard(engine: Engine, principal: Principal) -> frozenset[int]:
    """Return the followup_keys that people have dismissed in the dashboard, as the published version knows.

    Raises RefusedError as `compute` does.
    """
    query = select(_f.followup_key).where(_f.dismissed_by == "dashboard")
    return frozenset(_read(engine, query, principal, None, fact_followup)["followup_key"].tolist())


def _read(
    engine: Engine, query: Select[tuple[object, ...]], principal: Principal, as_of: datetime | None,
    table: Table = fact_critical_result,
) -> pd.DataFrame:  # fmt: skip
    with engine.connect() as connection:
        at = as_of or current_version(connection).data_at
        return read_frame(connection, scoped(query, principal, table).params(**moment_params(at)))
