"""Which day a measure of the archive belongs to."""

from __future__ import annotations

from datetime import date

import pandas as pd

from etl.warehouse.derive_storage import measured_days


def test_a_nightly_measure_ends_the_day_before_also_over_a_months_end() -> None:
    rows = pd.DataFrame({"local_date": [date(2026, 10, 1)] * 4, "local_hour": [0, 11, 12, 23]})
    assert measured_days(rows).tolist() == [date(2026, 9, 30)] * 2 + [date(2026, 10, 1)] * 2
