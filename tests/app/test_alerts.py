"""The Alerts page: what is open, taken on by a named person; only by roles that may."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from app import alerts, data
from etl.access import Principal, Role
from etl.alerts.alert import Alert
from etl.state import AuditLog

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def page() -> None:
    """A page with the form alone, as in app/pages/alerts.py."""
    from app import alerts, data

    who = data.asker()
    alerts.acknowledge_form(who, alerts.standing(who))


def alert(id: str, **where: str) -> Alert:
    import json

    return Alert(id, "r", json.dumps(where, sort_keys=True), "Name", "warning", "Lead", NOW, NOW, "12 exams")


def test_the_overview_says_what_is_open_and_an_acknowledgement_is_named_and_audited(config: Path) -> None:
    who = data.asker()
    before = alerts.standing(who)
    assert {a.name for a in before} == {"Unread queue"}
    assert f"{len(before)} alerts open" in alerts.open_words(who)
    at = AppTest.from_function(page, default_timeout=60).run()
    at.text_input[0].set_value("second reader called")
    at.button[0].click().run()
    assert not at.exception
    taken = [a for a in alerts.standing(who) if a.ack_at]
    assert [(a.ack_by, a.ack_note) for a in taken] == [("demo", "second reader called")]
    record = AuditLog(alerts.store().path).records()[0]
    assert (record["action"], record["actor"], record["role"]) == ("ALERT_ACK", "demo", "analyst")


def test_a_viewer_may_look_but_not_take_on(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data, "principal", lambda: Principal("v", Role.VIEWER))
    at = AppTest.from_function(page, default_timeout=60).run()
    assert not at.exception
    assert (len(at.button), len(at.selectbox)) == (0, 0)
    assert "takes them on" in at.caption[0].value


def test_alerts_of_other_sites_and_of_all_sites_are_not_shown_to_who_sees_one(config: Path) -> None:
    three = [alert("a", site="NORTH"), alert("b", site="SOUTH"), alert("c", modality="CT")]
    one = Principal("m", Role.MANAGER, frozenset({"NORTH"}))
    assert [a.id for a in alerts.visible(three, one)] == ["a"]
    assert len(alerts.visible(three, Principal("m", Role.MANAGER))) == 3


def test_a_line_of_lives_covers_what_was_open_and_says_so(config: Path) -> None:
    from datetime import timedelta
    from zoneinfo import ZoneInfo

    old, ended, still = alert("a", site="NORTH"), alert("b", site="NORTH"), alert("c", site="SOUTH")
    old.opened_at, old.resolved_at = NOW - timedelta(days=30), NOW - timedelta(days=20)
    ended.opened_at, ended.resolved_at = NOW - timedelta(days=2), NOW - timedelta(days=1)
    chart = alerts.lives([still, ended, old], NOW, ZoneInfo("Europe/London"))
    assert list(chart.frame["state"]) == ["open", "resolved"]
    assert chart.alt == "Alerts open within the last 14 days: 2 by 1 rules, 1 still open."
