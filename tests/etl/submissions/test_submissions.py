"""Registries' files: hand-computed, refused as a whole with the list, conserved, and read back as written."""

from __future__ import annotations

import csv
import io
import json
import random
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from etl.access import DEMO, Principal, Role
from etl.errors import ConfigurationError, RefusedError
from etl.settings import Settings
from etl.state import AuditLog
from etl.submissions import REGISTRIES, Prepared, month_of, prepare, write
from etl.submissions.spec import spec_of

OCTOBER = date(2026, 10, 1)
Build = Callable[..., Engine]


def parsed(prepared: Prepared) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(prepared.csv.decode("utf-8"))))


def test_grid_rows_are_hours_to_the_first_signature_by_local_month(october: Build, settings: Settings) -> None:
    prepared = prepare(october(), settings, "grid", OCTOBER, DEMO)
    assert parsed(prepared) == [
        {
            "facility_id": "RX1LON",
            "exam_id": token,
            "exam_month": "2026-10",
            "modality": modality,
            "place_of_service": place,
            "number_of_readers": readers,
            "report_tat_hours": hours,
        }
        for token, modality, place, readers, hours in (
            ("token01", "CT", "outpatient", "1", "3.0"),
            ("token02", "MR", "emergency", ">1", "0.5"),
            ("token03", "CT", "inpatient", "1", "2.5"),
        )
    ]
    assert prepared.counts == {"offered": 4, "exported": 3, "refused": 0, "out_of_scope": 1}
    assert prepared.manifest["out_of_scope"] == {"no final report by the data time": 1}
    assert prepared.manifest["submittable"] is True
    assert "first final" in prepared.manifest["definitions"]["T16"]


def test_dids_times_are_the_wall_clock_with_its_offset_and_identity_is_refused(
    october: Build, settings: Settings
) -> None:
    prepared = prepare(october(), settings, "dids", OCTOBER, DEMO)
    assert prepared.refusals == ()
    second = parsed(prepared)[1]
    assert second == {
        "PERSON GENDER CODE": "1",
        "PATIENT SOURCE SETTING TYPE (DIAGNOSTIC IMAGING)": "05",
        "DIAGNOSTIC TEST REQUEST TIMESTAMP": "2026-10-24T23:00:00+01:00",
        "DIAGNOSTIC TEST REQUEST RECEIVED TIMESTAMP": "2026-10-24T23:00:00+01:00",
        "CODED PROCEDURE (NICIP)": "",
        "CODED PROCEDURE (SNOMED CT)": "241646009",
        "CODED PROCEDURE END TIMESTAMP": "2026-10-25T01:45:00+01:00",
        "SERVICE REPORT ISSUE TIMESTAMP": "2026-10-25T01:15:00+00:00",
        "SITE CODE (OF IMAGING)": "RX1LON",
    }
    assert [row["SERVICE REPORT ISSUE TIMESTAMP"] for row in parsed(prepared)][3] == ""  # not reported yet
    assert "NHS NUMBER" in prepared.manifest["refused_fields"]
    assert "RADIOLOGICAL ACCESSION NUMBER" in prepared.manifest["refused_fields"]
    assert prepared.manifest["submittable"] is False
    assert prepared.stem == "dids_2026-10_not_submittable"
    assert b"token" not in prepared.csv


def test_dm01_counts_waiters_by_whole_weeks_at_the_end_of_the_month(october: Build, settings: Settings) -> None:
    prepared = prepare(october(), settings, "dm01", OCTOBER, DEMO)
    rows = {row["test"]: {k: int(v) for k, v in row.items() if v.isdigit()} for row in parsed(prepared)}
    some = {test: {k: n for k, n in row.items() if n} for test, row in rows.items()}
    assert some == {
        "CT": {"weeks_05": 1, "weeks_06": 1, "waiting": 2, "waiting_6_weeks_or_more": 1,
               "activity_waiting_list": 1, "activity_unscheduled": 1},
        "MRI": {"weeks_00": 1, "weeks_13_plus": 1, "waiting": 2, "waiting_6_weeks_or_more": 1,
                "activity_unscheduled": 1},
        "NON_OBSTETRIC_ULTRASOUND": {"weeks_01": 1, "waiting": 1},
    }  # fmt: skip
    # 7 waiters and 3 exams begun in October; the obstetric one and the emergency one are out of scope
    assert prepared.counts == {"offered": 10, "exported": 8, "refused": 0, "out_of_scope": 2}


def test_dose_rows_are_studies_with_their_totals(october: Build, settings: Settings) -> None:
    prepared = prepare(october(), settings, "dose", OCTOBER, DEMO)
    found = [(r["exam_id"], r["age_years"], r["irradiation_events"], r["phantom_cm"], r["dlp_total_mgy_cm"]) for r in
             parsed(prepared)]  # fmt: skip
    assert found == [("token01", "66", "2", "16", "812.5"), ("token03", "90", "2", "mixed", "640.0")]
    assert prepared.manifest["out_of_scope"] == {"no ionising radiation": 1, "no dose report": 1}


def test_one_impossible_row_refuses_the_file_and_is_listed(
    october: Build, settings: Settings, row: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    early = row(5, "US", "USABD", "O", "10-09 08:00", begin="10-10 09:00", end="10-10 09:30", final="10-10 09:10")
    prepared = prepare(october(early), settings, "grid", OCTOBER, DEMO)
    assert [(r.row, r.field, r.came, r.allowed) for r in prepared.refusals] == [
        ("token05", "number_of_readers", "nothing", "one of 1, >1"),
        ("token05", "report_tat_hours", "-0.3333", "a number from 0 to 8784"),
    ]
    assert prepared.counts == {"offered": 5, "exported": 0, "refused": 1, "out_of_scope": 1, "held_back": 3}
    assert prepared.csv == b""
    paths = write(settings, prepared, DEMO, tmp_path / "out")
    assert [path.name for path in paths] == ["grid_2026-10_refused.csv"]
    assert paths[0].read_text().splitlines()[2] == "token05,report_tat_hours,'-0.3333,a number from 0 to 8784"
    record = AuditLog(tmp_path / "state.sqlite").records()[0]
    assert (record["action"], record["outcome"], record["rows"]) == ("SUBMISSION_REFUSED", 4, 0)


def test_dids_refuses_times_out_of_order_offsets_of_elsewhere_and_none_or_two_codes(
    october: Build, settings: Settings, row: Callable[..., dict[str, Any]]
) -> None:
    path = settings.base / "submission_codes.csv"
    path.write_text(path.read_text() + "nicip,MRKNEE,MKNEE,\n", encoding="utf-8")
    early = row(5, "US", "XX", "O", "10-11 08:00", begin="10-10 09:00", end="10-10 09:30")
    prepared = prepare(october(early), settings, "dids", OCTOBER, DEMO)
    told = {(r.row, r.field, r.came) for r in prepared.refusals}
    codes = "CODED PROCEDURE (NICIP) / CODED PROCEDURE (SNOMED CT)"
    assert told == {
        ("token02", codes, "both"),
        ("token05", codes, "nothing"),
        ("token05", "CODED PROCEDURE END TIMESTAMP", "2026-10-10T10:30:00+01:00"),
    }
    assert ("snomed_ct", "XX", 1) in prepared.worklist
    end, received = "CODED PROCEDURE END TIMESTAMP", "DIAGNOSTIC TEST REQUEST RECEIVED TIMESTAMP"
    assert prepared.manifest["refused_by"] == {
        f"{codes}: both, allowed exactly one of them": 1,
        f"{codes}: nothing, allowed exactly one of them": 1,
        f"{end}: earlier, allowed not before {received}": 1,
    }


def test_written_files_are_read_back_as_they_were_and_audited_first(
    october: Build, settings: Settings, tmp_path: Path
) -> None:
    for registry in REGISTRIES:
        prepared = prepare(october(), settings, registry, OCTOBER, DEMO)
        data, about = write(settings, prepared, DEMO, tmp_path / "out")
        assert data.read_bytes() == prepared.csv
        manifest = json.loads(about.read_text())
        counts = manifest["conservation"]
        assert counts["offered"] == counts["exported"] + counts["refused"] + counts["out_of_scope"]
        record = AuditLog(tmp_path / "state.sqlite").records()[0]
        assert (record["action"], record["sha256"]) == ("SUBMISSION", manifest["sha256"])
        names = {field.name for field in spec_of(registry)[0].told}
        assert registry == "dm01" or set(parsed(prepared)[0]) == names


def test_an_exam_left_out_by_a_decision_is_counted_under_its_reason(october: Build, settings: Settings) -> None:
    path = settings.base / "submission_codes.csv"
    path.write_text(path.read_text() + "exclude_grid,token02,,research scan (Dr Lead)\n", encoding="utf-8")
    prepared = prepare(october(), settings, "grid", OCTOBER, DEMO)
    assert [r["exam_id"] for r in parsed(prepared)] == ["token01", "token03"]
    assert prepared.manifest["out_of_scope"]["decided: research scan (Dr Lead)"] == 1


def test_a_month_that_is_not_over_a_viewer_and_an_unknown_registry_are_refused(
    october: Build, settings: Settings
) -> None:
    engine = october()
    with pytest.raises(RefusedError, match="2026-11 is not over at LON"):
        prepare(engine, settings, "grid", date(2026, 11, 1), DEMO)
    with pytest.raises(RefusedError, match="makes no submissions"):
        prepare(engine, settings, "grid", OCTOBER, Principal("v", Role.VIEWER))
    with pytest.raises(RefusedError, match="grid, dids, dm01, dose"):
        prepare(engine, settings, "rcr", OCTOBER, DEMO)
    for text in ("2026", "2026-13", "October", "2026-10-02"):
        with pytest.raises(RefusedError, match="YYYY-MM"):
            month_of(text)


def test_without_maps_everything_is_refused_and_the_worklist_says_what_is_missing(
    october: Build, tmp_path: Path
) -> None:
    prepared = prepare(october(), Settings(base=tmp_path), "dm01", OCTOBER, DEMO)
    assert prepared.csv == b""
    assert ("facility", "LON", 10) in prepared.worklist
    assert ("dm01_test", "CTHEAD", 4) in prepared.worklist
    assert prepared.counts["refused"] + prepared.counts["out_of_scope"] == prepared.counts["offered"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b\n", "first line is not"),
        ("map,local,value,reason\nfacility,LON\n", "not 4 values"),
        ("map,local,value,reason\ncolour,LON,red,\n", "map 'colour' is not one of"),
        ("map,local,value,reason\nfacility,LON,,\n", "must both be given"),
        ("map,local,value,reason\nfacility,LON,A,\nfacility,LON,B,\n", "has two values"),
        ("map,local,value,reason\nexclude_grid,token01,,\n", "for a reason"),
    ],
)
def test_a_bad_map_is_refused_with_its_line(october: Build, settings: Settings, text: str, said: str) -> None:
    (settings.base / "submission_codes.csv").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=said):
        prepare(october(), settings, "grid", OCTOBER, DEMO)


def test_fuzzed_maps_never_let_a_value_through_that_the_spec_does_not_allow(october: Build, settings: Settings) -> None:
    seed = random.randrange(10**6)  # noqa: S311 - test data
    print("seed", seed)  # noqa: T201 - to repeat it
    draws, engine = random.Random(seed), october()  # noqa: S311 - test data
    path = settings.base / "submission_codes.csv"
    good = path.read_text().splitlines()
    odd = ["=1+1", "@x", "x" * 200, "\N{SNOWMAN}", "none", "0", "inpatient", "'", "-5", "RX1", "planned"]
    for _ in range(8):
        lines = [good[0]]
        for line in good[1:]:
            name, local, value, _ = line.split(",")
            if draws.random() < 0.85:
                lines.append(f"{name},{local},{draws.choice(odd) if draws.random() < 0.3 else value},")
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        for registry in REGISTRIES:
            prepared = prepare(engine, settings, registry, OCTOBER, DEMO)
            counts = prepared.counts
            assert counts["offered"] == sum(n for name, n in counts.items() if name != "offered")
            spec = spec_of(registry)[0]
            for row in parsed(prepared):
                for field in spec.told:
                    value = row.get(field.name, "")
                    assert not (field.required and registry != "dm01" and value == "")
                    assert not (field.allowed and value and value not in field.allowed)
                    assert value[:1] not in ("=", "@", "-", "+") or field.type == "number"


def test_every_timestamp_of_a_file_is_the_same_instant_as_in_the_warehouse(october: Build, settings: Settings) -> None:
    prepared = prepare(october(), settings, "dids", OCTOBER, DEMO)
    ends = [datetime.fromisoformat(row["CODED PROCEDURE END TIMESTAMP"]).timestamp() for row in parsed(prepared)]
    wanted = ["2026-10-05T09:30+00:00", "2026-10-25T00:45+00:00", "2026-10-31T23:30+00:00", "2026-09-30T23:30+00:00"]
    assert ends == [datetime.fromisoformat(text).timestamp() for text in wanted]
