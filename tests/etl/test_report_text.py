"""A report's text is read while it is staged and is nowhere afterwards; the recommendation it holds is."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from etl import pipeline
from etl.settings import load_settings
from etl.sources.hl7_inspect import describe
from etl.staging import make_key
from etl.warehouse.engine import read_frame
from etl.warehouse.tables import fact_followup, metadata

CANARY = "ZEBRAFISH"
MESSAGE = "\r".join(
    (
        "MSH|^~\\&|RIS|N|RP|N|20260901120000+0000||ORU^R01|{number}|P|2.5.1",
        "PID|1||M{number}^^^N^MR||{canary}^JANE",
        "OBR|1|P{number}|F{number}|CTCHEST^CT CHEST^L|||20260901110000+0000|||||||||||A{number}||||"
        "20260901115500+0000||CT|{status}",
        "OBX|1|TX|GDT^Report^L||{canary} nodule.~Recommend follow-up CT of the chest in 6 months, {canary}.||||||F",
    )
)
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
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An installation that read a signed report, a draft, and a report dated in the future (refused)."""
    (tmp_path / "radpulse.toml").write_text(SETTINGS, encoding="utf-8")
    (tmp_path / "feed").mkdir()
    texts = [MESSAGE.format(number=n, status=s, canary=CANARY) for n, s in ((1, "F"), (2, "P"))]
    texts.append(MESSAGE.format(number=3, status="F", canary=CANARY).replace("20260901115500", "20390901115500"))
    (tmp_path / "feed" / "day.hl7").write_text("\r".join(texts), encoding="utf-8")
    settings = load_settings(tmp_path / "radpulse.toml")
    make_key(settings.at(settings.identity.key_file))
    with pipeline.exclusive(settings), pipeline.writer(settings) as engine:
        pipeline.ingest(settings, engine)
        pipeline.derive_facts(settings, engine)
        pipeline.publish_version(settings, engine)
        with engine.connect() as connection:
            frame = read_frame(connection, select(fact_followup))
            texts = [str(read_frame(connection, select(t)).to_dict("records")) for t in metadata.tables.values()]
    frame.to_pickle(tmp_path / "followups.pkl")
    (tmp_path / "tables.txt").write_text("".join(texts), encoding="utf-8")
    (tmp_path / "feed" / "day.hl7").unlink()
    return tmp_path


def test_a_signed_text_becomes_rule_and_code_and_a_draft_nothing(folder: Path) -> None:
    import pandas as pd

    frame = pd.read_pickle(folder / "followups.pkl")  # noqa: S301 - written by this test
    (row,) = frame.to_dict("records")
    assert (row["told_by"], row["rule_id"]) == ("rule", "FU-RECOMMEND")
    assert (row["wanted_modality"], row["wanted_region"]) == ("CT", "chest")
    assert row["due_at"] == datetime(2027, 3, 1, 11, 55, tzinfo=UTC)  # six months by the calendar


def test_the_text_is_in_no_table_and_no_file(folder: Path) -> None:
    found = [p for p in folder.rglob("*") if p.is_file() and CANARY.encode() in p.read_bytes().upper()]
    assert found == []


def test_inspect_shows_rule_code_and_matched_words_only() -> None:
    shown = describe(MESSAGE.format(number=1, status="F", canary=CANARY).encode())
    (found,) = [e for e in shown["messages"][0]["events"] if "rule" in e]
    assert found["result_code"] == "CT.6M.chest"
    assert found["event_type"] == "followup_recommended"
    assert found["matched_words"] == ["recommend", "ct", "6 months", "chest"]
    assert CANARY not in json.dumps(shown).upper()
