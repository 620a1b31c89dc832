"""Which work is booked: sites and modalities whose calendar has template slots."""

from __future__ import annotations

from datetime import datetime

import pandas as pd
from sqlalchemy import Connection, func, select

from etl.records import OpeningKind
from etl.warehouse.append import read_frame
from etl.warehouse.parameters import Parameters
from etl.warehouse.tables import fact_opening


def derive_bookable(connection: Connection, parameters: Parameters, data_at: datetime) -> pd.DataFrame:
    """Return fact_bookable rows of the operating calendar."""
    c = fact_opening.c
    counted = (func.count().label("slots"), func.min(c.local_date), func.max(c.local_date))
    query = select(c.site_code, c.modality, *counted).where(c.kind == str(OpeningKind.SLOT), c.modality.is_not(None))
    found = read_frame(connection, query.group_by(c.site_code, c.modality))
    return found.set_axis(["site_code", "modality", "slots", "first_date", "last_date"], axis="columns")
