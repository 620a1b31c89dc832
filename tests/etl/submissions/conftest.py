"""October 2026 at one London site, small enough to count by hand; the clocks go back in the night to the 25th."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from sqlalchemy import Engine, create_engine

from etl.settings import Settings
from etl.warehouse import tables as t
from etl.warehouse.append import append

LONDON = ZoneInfo("Europe/London")
DATA_AT = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
Build = Callable[..., Engine]
MAPS = """map,local,value,reason
facility,LON,RX1LON,
place_of_service,O,outpatient,
place_of_service,I,inpatient,
place_of_service,E,emergency,
source_setting,O,03,
source_setting,I,01,
source_setting,E,05,
dm01_activity,O,waiting_list,
dm01_activity,I,unscheduled,
dm01_activity,E,unscheduled,
dm01_test,modality:CT,CT,
dm01_test,modality:MR,MRI,
dm01_test,modality:US,NON_OBSTETRIC_ULTRASOUND,
dm01_test,USOB,none,
snomed_ct,CTHEAD,303653007,
snomed_ct,MRKNEE,241646009,
nicip,USOB,UOBST,
"""


def utc(text: str | None) -> datetime | None:
    """Read 'MM-DD HH:MM' of 2026 as UTC."""
    return None if text is None else datetime.strptime(f"2026-{text}", "%Y-%m-%d %H:%M").replace(tzinfo=UTC)


def exam(key: int, modality: str, code: str, patient_class: str, accepted: str, **given: Any) -> dict[str, Any]:
    """Return a fact_exam row; times are UTC, durations and local dates follow from them."""
    begin, end, final = (utc(given.get(name)) for name in ("begin", "end", "final"))
    local = {name: at.astimezone(LONDON).date() if at else None for name, at in (("begin", begin), ("end", end))}
    return {
        "exam_key": key,
        "accession_token": f"token{key:02}",
        "site_code": "LON",
        "scanner_code": "LCT1",
        "modality": modality,
        "procedure_code": code,
        "procedure_group": code.title(),
        "patient_class": patient_class,
        "sex": given.get("sex", "F"),
        "birth_year": given.get("birth_year", 1960),
        "reader_mode": given.get("readers"),
        "order_entered_at": utc(accepted),
        "order_accepted_at": utc(accepted),
        "exam_begin_at": begin,
        "exam_end_at": end,
        "first_final_at": final,
        "cancelled_at": utc(given.get("cancelled")),
        "begin_local_date": local["begin"],
        "end_local_date": local["end"],
        "report_tat_min": (final - end).total_seconds() / 60 if final and end else None,
        "is_performed": bool(begin and end),
        "has_dose_report": bool(given.get("dlp")),
        "dlp_total_mgy_cm": given.get("dlp"),
        "ctdivol_max_mgy": given.get("ctdi"),
    }


EXAMS = [
    # three hours; one reader
    exam(1, "CT", "CTHEAD", "O", "10-05 08:00", begin="10-05 09:00", end="10-05 09:30", final="10-05 12:30",
         readers="single", dlp=812.5, ctdi=55.1),
    # ended 01:45 BST, signed 01:15 GMT: half an hour later by the clock that counts
    exam(2, "MR", "MRKNEE", "E", "10-24 22:00", begin="10-25 00:15", end="10-25 00:45", final="10-25 01:15",
         readers="trainee", sex="M"),
    # the last half hour of October, signed in November: two and a half hours
    exam(3, "CT", "CTHEAD", "I", "10-31 20:00", begin="10-31 23:00", end="10-31 23:30", final="11-01 02:00",
         readers="single", dlp=640.0, ctdi=40.0, birth_year=1930),
    # began on 30 September by the wall clock and ended at 00:30 on 1 October; not yet reported
    exam(4, "CT", "CTHEAD", "O", "09-29 08:00", begin="09-30 22:50", end="09-30 23:30"),
    # waiting at the end of October: 42, 41, 0, 122 and 11 days; the last began an hour later
    exam(11, "CT", "CTHEAD", "O", "09-19 10:00"),
    exam(12, "CT", "CTHEAD", "O", "09-20 10:00"),
    exam(13, "MR", "MRKNEE", "O", "10-31 23:30"),
    exam(14, "MR", "MRKNEE", "O", "07-01 10:00"),
    exam(15, "US", "USABD", "O", "10-20 10:00", begin="11-01 00:30", end="11-01 00:50"),
    exam(16, "CT", "CTHEAD", "O", "09-01 10:00", cancelled="10-15 10:00"),  # not waiting
    exam(17, "MR", "MRKNEE", "E", "10-31 22:00"),  # unscheduled
    exam(18, "US", "USOB", "O", "10-01 10:00"),  # obstetric: no DM01 test
]  # fmt: skip


@pytest.fixture
def october() -> Build:
    """Return a function that gives the department as a database, with more exams if asked."""

    def build(*more: dict[str, Any]) -> Engine:
        engine = create_engine("duckdb:///:memory:")
        t.metadata.create_all(engine, tables=t.PUBLISHED_TABLES)
        version = {"data_version": "v", "parameter_hash": "p", "data_at": DATA_AT, "published_at": DATA_AT,
                   "events": 1, "content_hash": "c"}  # fmt: skip
        doses = [{"irradiation_token": f"d{n}", "exam_key": key, "site_code": "LON", "phantom_cm": cm}
                 for n, (key, cm) in enumerate([(1, 16), (1, 16), (3, 16), (3, 32)])]  # fmt: skip
        with engine.begin() as connection:
            for table, rows in (
                (t.fact_exam, [*EXAMS, *more]),
                (t.fact_dose_event, doses),
                (t.dim_site, [{"site_code": "LON", "name": "London", "zone": "Europe/London"}]),
                (t.data_version, [version]),
            ):
                append(connection, table, pd.DataFrame(rows).dropna(axis="columns", how="all"))
        return engine

    return build


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Return an installation with complete maps."""
    (tmp_path / "submission_codes.csv").write_text(MAPS, encoding="utf-8")
    return Settings(base=tmp_path)


@pytest.fixture
def row() -> Callable[..., dict[str, Any]]:
    """Return the maker of exam rows."""
    return exam
