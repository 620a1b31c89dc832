"""A follow-up's whole life with a human in it: overdue, dismissed in the dashboard, gone after the next run, and back.

Tile, list, alert and export are asked at every step and have to agree.
"""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import Select, select

from etl import pipeline
from etl.access import DEMO
from etl.alerts.conditions import find
from etl.alerts.rules import OverdueRule
from etl.beliefs import belief_of, keep_belief
from etl.errors import ConfigurationError
from etl.kpis import compute
from etl.kpis.export import to_csv
from etl.kpis.query import Query
from etl.kpis.worklists import dismissed_in_dashboard, overdue_followups
from etl.settings import Settings, load_settings
from etl.staging import Pseudonymiser, load_key, make_key
from etl.state import Dismissals
from etl.warehouse.data_time import data_time
from etl.warehouse.engine import opened_version, read_frame, reader_engine
from etl.warehouse.tables import event, fact_followup

SETTINGS = """
[[sites]]
code = "N"
name = "North"
zone = "America/New_York"
[[feeds]]
key = "ris"
kind = "hl7v2"
site = "N"
path = "feed"
[followup]
grace_days = 5
"""
REPORT = (
    "MSH|^~\\&|RIS|N|RP|N|{at}+0000||ORU^R01|{number}|P|2.5.1",
    "PID|1||M{number}^^^N^MR",
    "OBR|1|P{number}|F{number}|CTCHEST^CT CHEST^L|||{at}+0000|||||||||||A{number}||||{at}+0000||CT|F",
    "OBX|1|CE|FOLLOWUP^Follow-up^L||{code}||||||F",
)
DATA_AT = datetime(2026, 9, 15, 12, tzinfo=UTC)
PERIOD = (date(2026, 9, 1), date(2026, 10, 1))
RULE = OverdueRule(kind="followup", key="late", name="Late follow-ups", owner="Lead", kpi="C07")


def told(number: int, at: str, code: str) -> str:
    """Return the message of a report that recommends a follow-up."""
    return "\r".join(REPORT).format(number=number, at=at, code=code) + "\r"


class Department:
    """An installation with two follow-ups overdue and one not yet, and what each of its faces says of them."""

    def __init__(self, folder: Path) -> None:
        self.settings: Settings = load_settings(folder / "radpulse.toml")
        self.held = Dismissals(self.settings.at(self.settings.state_file))

    def deliver(self, name: str, *messages: str) -> None:
        """Put messages into the feed's folder."""
        (self.settings.base / "feed" / name).write_text("".join(messages), encoding="utf-8")

    def run(self) -> list[pipeline.FeedRun]:
        """Do what a scheduled run does."""
        with pipeline.exclusive(self.settings), pipeline.writer(self.settings) as engine:
            runs = pipeline.ingest(self.settings, engine)
            pipeline.derive_facts(self.settings, engine)
            pipeline.publish_version(self.settings, engine)
        return runs

    def frame(self, query: Select[Any]) -> list[dict[Any, Any]]:
        """Return the rows of a query to the published version."""
        with reader_engine(self.settings).connect() as connection:
            return read_frame(connection, query).to_dict("records")

    def overdue(self, is_numbered: bool = True) -> list[int]:
        """Return the listed follow-ups of exams with (or without) an accession number, the longest overdue first."""
        frame = overdue_followups(reader_engine(self.settings), DEMO)
        return frame.loc[frame["accession_token"].notna() == is_numbered, "followup_key"].tolist()

    def says(self) -> tuple[int, int, bool, int]:
        """Return what tile (with its dismissed), alert and list say, having seen that the export equals the tile."""
        engine = reader_engine(self.settings)
        result = compute(engine, Query("C07", *PERIOD), DEMO)
        count, dismissed = (int(result.frame[name].iloc[0]) for name in ("count", "dismissed"))
        exported = dict(zip(*(line.split(",") for line in to_csv(result).csv.decode().splitlines()), strict=True))
        assert (exported["count"], exported["dismissed"]) == (str(count), str(dismissed))
        (finding,) = find(engine, RULE, datetime(2026, 9, 20, tzinfo=UTC))
        assert finding.value == count
        return count, dismissed, bool(finding.breached), len(overdue_followups(engine, DEMO))


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Follow-ups due on September 4th and 6th, and one in months; the data ends on the 15th."""
    folder = tmp_path_factory.mktemp("begun") / "i"
    (folder / "feed").mkdir(parents=True)
    (folder / "radpulse.toml").write_text(SETTINGS, encoding="utf-8")
    made = Department(folder)
    make_key(made.settings.at(made.settings.identity.key_file))
    reports = ((1, "20260901120000", "CT3D"), (2, "20260903120000", "CT3D"), (3, "20260915120000", "CT6M"))
    made.deliver("1.hl7", *(told(*report) for report in reports))
    made.run()
    return folder


@pytest.fixture
def department(begun: Path, tmp_path: Path) -> Department:
    """Two follow-ups overdue and one not."""
    return Department(Path(shutil.copytree(begun, tmp_path / "i")))


def test_overdue_dismissed_gone_undone_and_back(department: Department) -> None:
    assert department.says() == (2, 0, True, 2)
    key, other = department.overdue()
    department.held.dismiss(key, "declined", "Ada", "manager")
    department.held.dismiss(12345, "declined", "Ada", "manager")  # of no follow-up there is: it waits, and no more
    assert department.says() == (2, 0, True, 2)  # the published version is what it was
    *_, taken = department.run()
    assert (taken.feed_key, taken.counts.loaded, taken.counts.balance) == ("dashboard", 1, 0)
    assert department.says() == (1, 1, True, 1)
    assert dismissed_in_dashboard(reader_engine(department.settings), DEMO) == {key}
    department.held.undo(key, "Bob", "manager")
    department.run()
    assert department.says() == (2, 0, True, 2)
    department.held.dismiss(key, "death", "Ada", "manager")
    department.held.dismiss(other, "transfer", "Ada", "manager")
    department.run()
    assert department.says() == (0, 2, False, 0)


def test_the_event_holds_reason_and_pseudonym_and_moves_no_clock(department: Department) -> None:
    department.held.dismiss(department.overdue()[0], "declined", "Ada Lovelace", "manager")
    department.run()
    assert [run.feed_key for run in department.run()] == ["ris"]  # nothing to take in twice
    known_at = datetime(2026, 9, 16, tzinfo=UTC)
    with pipeline.writer(department.settings) as engine:
        with engine.connect() as connection:
            (row,) = read_frame(connection, select(event).where(event.c.feed_key == "dashboard")).to_dict("records")
            assert data_time(connection) == DATA_AT
        keep_belief(department.settings, engine, known_at)
    pseudonymiser = Pseudonymiser(load_key(department.settings), 1)
    assert (row["reason_code"], row["result_code"], row["site_code"]) == ("declined", "CT3D", "N")
    assert row["reader_token"] == pseudonymiser.token("person", "N", "Ada Lovelace")
    assert pd.isna(row["patient_token"])
    assert "lovelace" not in str(row).lower()
    (fact,) = department.frame(select(fact_followup).where(fact_followup.c.dismissed_by == "dashboard"))
    assert (fact["dismissed_at"], fact["dismiss_reason"], fact["is_excluded"]) == (DATA_AT, "declined", False)
    belief = opened_version(belief_of(department.settings, known_at).path, department.settings)
    assert int(compute(belief, Query("C07", *PERIOD), DEMO).frame["count"].iloc[0]) == 2  # then nobody knew
    belief.dispose()


def test_a_dismissal_stays_with_its_follow_up_when_the_exam_gets_another_key(department: Department) -> None:
    """The order is known by its filler number first; its accession number comes later and renames the exam."""
    department.deliver("2.hl7", told(4, "20260902120000", "CT3D").replace("A4", ""))
    department.run()
    (key,) = department.overdue(is_numbered=False)
    department.held.dismiss(key, "declined", "Ada", "manager")
    department.deliver("3.hl7", told(4, "20260902120000", "CT3D").replace("|4|P|", "|5|P|"))
    department.run()
    assert department.says() == (2, 1, True, 2)
    assert department.overdue(is_numbered=False) == []
    department.held.undo(key, "Ada", "manager")
    department.run()
    assert department.says() == (3, 0, True, 3)


def test_no_feed_may_take_the_dashboards_name(tmp_path: Path) -> None:
    (tmp_path / "radpulse.toml").write_text(SETTINGS.replace('"ris"', '"dashboard"'), encoding="utf-8")
    with pytest.raises(ConfigurationError, match="is taken"):
        load_settings(tmp_path / "radpulse.toml")
