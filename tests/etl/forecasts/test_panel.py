"""The panel: gaps are closed hours, unplanned downtime is no foreknowledge, a calendar that ends is carried on."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from etl.forecasts.panel import Panel, build_panel


def _row(panel: Panel, code: str) -> int:
    return int(panel.scanners.index[panel.scanners["scanner_code"] == code][0])


def test_every_visit_lands_in_the_panel_and_missing_hours_are_closed(department: Any) -> None:
    panel = build_panel(department.history, department.issued_at)
    hours = department.history.hours
    assert panel.visits.sum() == hours["begun_visits"].sum()
    night = panel.sites[panel.site_of[_row(panel, "NMR1")]].hour == 3
    assert panel.open_h[_row(panel, "NMR1"), night].sum() == 0


def test_unplanned_downtime_lowers_what_was_open_not_what_was_planned(department: Any) -> None:
    hours = department.history.hours.copy()
    place = hours.index[hours["scanner_code"] == "NCT1"][500]
    hours.loc[place, ["operating_min", "unplanned_down_min"]] = [15.0, 45.0]
    panel = build_panel(replace(department.history, hours=hours), department.issued_at)
    step = int(hours.loc[place, "hour_at"].timestamp() // 3600) - panel.sites[0].first_hour
    assert panel.open_h[_row(panel, "NCT1"), step] == pytest.approx(0.25)
    assert panel.planned_h[_row(panel, "NCT1"), step] == pytest.approx(1.0)


def test_a_calendar_that_ends_early_is_carried_on_by_its_last_week(department: Any) -> None:
    whole = build_panel(department.history, department.issued_at)
    cut = department.history.hours[department.history.hours["hour_at"] < department.issued_at + timedelta(days=1)]
    panel = build_panel(replace(department.history, hours=cut), department.issued_at)
    ahead = panel.sites[0].first_future(department.issued_at)
    assert np.array_equal(panel.planned_h[:, ahead : ahead + 168], whole.planned_h[:, ahead : ahead + 168])


def test_hours_closed_within_the_published_calendar_stay_closed(department: Any) -> None:
    ends = pd.Timestamp(department.issued_at + timedelta(days=8))
    cut = department.history.hours[department.history.hours["hour_at"] < department.issued_at + timedelta(days=1)]
    openings = pd.DataFrame(
        {
            "site_code": ["NORTH"],
            "scanner_code": ["NCT1"],
            "kind": ["open"],
            "begin_at": [ends - timedelta(hours=1)],
            "end_at": [ends],
        }
    )
    panel = build_panel(replace(department.history, hours=cut, openings=openings), department.issued_at)
    ahead = panel.sites[0].first_future(department.issued_at)
    assert panel.planned_h[_row(panel, "NCT1"), ahead + 30 : ahead + 168].sum() == 0


def test_no_hour_before_the_origin_is_refused(department: Any) -> None:
    with pytest.raises(ValueError, match="no scanner hour"):
        build_panel(department.history, department.issued_at - timedelta(days=400))
