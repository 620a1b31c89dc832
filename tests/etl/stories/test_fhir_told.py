"""Critical findings and follow-ups told by FHIR give the facts that the same story gives as HL7 v2."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from sqlalchemy import create_engine, select

from etl.records import SourceItem
from etl.settings import Feed, Settings, Site
from etl.sources import fhir
from etl.sources.fhir import Naming
from etl.sources.hl7_rules import field_rules
from etl.sources.hl7v2 import items
from etl.staging import Pseudonymiser, stage
from etl.warehouse.append import read_frame
from etl.warehouse.derive import derive
from etl.warehouse.load import load
from etl.warehouse.parameters import load_parameters
from etl.warehouse.tables import fact_critical_result, fact_followup, metadata

ZONE = ZoneInfo("Europe/Paris")
V2 = "http://terminology.hl7.org/CodeSystem/v2-0203"
DCM = "http://dicom.nema.org/resources/ontology/DCM"
CT = {"coding": [{"system": DCM, "code": "CT"}]}
RAD = [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0074", "code": "RAD"}]}]
OBR = "OBR|1|P1|F1|CTCHEST^CT CHEST^L|||20261001090000+0000|||||||||||A1||||20261001100000+0000||CT|F"
HL7 = (
    "MSH|^~\\&|RIS|N|RP|N|20261001080000+0000||ORM^O01|0|P|2.5.1",
    "PID|1||M1^^^N^MR",
    "ORC|NW|P1|F1||||||20261001080000+0000",
    OBR.removesuffix("|F"),
    "MSH|^~\\&|RIS|N|RP|N|20261001110000+0000||ORU^R01|1|P|2.5.1",
    "PID|1||M1^^^N^MR",
    OBR,
    "OBX|1|CE|CRIT^Critical^L||1||||||F|||20261001100500+0000",
    "OBX|2|CE|CRITNOTIF^Told^L||1||||||F|||20261001101500+0000",
    "OBX|3|CE|CRITACK^Received^L||1||||||F|||20261001101700+0000",
    "OBX|4|CE|FOLLOWUP^Follow-up^L||CT6M||||||F|||20261001102000+0000",
)


def number(code: str, value: str) -> dict[str, Any]:
    return {"type": {"coding": [{"system": V2, "code": code}]}, "value": value}


def coded(code: str, **more: Any) -> dict[str, Any]:
    return {"coding": [{"code": code}], **more}


def resource(kind: str, name: str, **elements: Any) -> dict[str, Any]:
    meta = {"lastUpdated": elements.pop("updated", "2026-10-01T11:00:00Z")}
    return {"resourceType": kind, "id": name, "meta": meta, "subject": {"reference": "Patient/p"}, **elements}


REPORT = {"reference": "DiagnosticReport/r"}
ORDER = resource(
    "ServiceRequest", "o", status="active", intent="order", category=[*RAD, CT],
    authoredOn="2026-10-01T08:00:00Z", code=coded("CTCHEST", text="CT CHEST"),
    identifier=[number("PLAC", "P1"), number("FILL", "F1"), number("ACSN", "A1")],
)  # fmt: skip
BASE = [
    {"resourceType": "Patient", "id": "p", "identifier": [number("MR", "M1")], "name": [{"family": "Planted"}]},
    ORDER,
    resource("DiagnosticReport", "r", status="final", category=RAD, issued="2026-10-01T10:00:00Z",
             basedOn=[{"reference": "ServiceRequest/o"}]),
]  # fmt: skip
FLAG = resource(
    "Flag", "f", status="active", code=coded("critical-1", text="Call Dr Planted"),
    period={"start": "2026-10-01T10:05:00Z"},
    extension=[{"url": "http://hl7.org/fhir/StructureDefinition/flag-detail", "valueReference": REPORT}],
)  # fmt: skip
ASKED = resource(
    "CommunicationRequest", "q", status="active", category=[coded("CRIT1")], about=[REPORT],
    authoredOn="2026-10-01T10:05:00Z",
)  # fmt: skip
SAID = resource(
    "Communication", "c", status="completed", topic=coded("CRIT_1"), about=[REPORT], sent="2026-10-01T10:15:00Z",
    received="2026-10-01T10:17:00Z", payload=[{"contentString": "Planted"}],
)  # fmt: skip
PLAN = resource(
    "ServiceRequest", "n", status="active", intent="plan", category=RAD, code=CT,
    authoredOn="2026-10-01T10:20:00Z", occurrenceDateTime="2027-04-01", reasonReference=[REPORT],
    identifier=[number("PLAC", "P9"), number("ACSN", "A9")],
)  # fmt: skip


def facts(offered: Iterable[SourceItem], kind: str) -> dict[str, list[dict[str, Any]]]:
    """Return the facts of items of one feed, without what names where they were told."""
    feed = Feed(key="ris", kind=kind, site="N")
    settings = Settings(sites=(Site(code="N", name="North", zone=str(ZONE)),), feeds=(feed,))
    batch = stage(offered, feed, settings, Pseudonymiser(b"k" * 32, 1), now_at=datetime(2026, 12, 1, tzinfo=UTC))
    assert batch.items["outcome"].to_pylist().count("refused") == 0, batch.items.to_pylist()
    assert "PLANTED" not in str([t.to_pylist() for t in batch.tables.values()]).upper()
    engine = create_engine("duckdb:///:memory:")
    metadata.create_all(engine)
    with engine.begin() as connection:
        load(connection, feed, [batch], "1", datetime(2026, 12, 1, tzinfo=UTC))
        derive(connection, load_parameters(settings))
        tables = (fact_critical_result, fact_followup)
        frames = {t.name: read_frame(connection, select(t)) for t in tables}
    engine.dispose()
    return {name: frame.astype(object).where(frame.notna(), None).to_dict("records") for name, frame in frames.items()}


def of_fhir(*resources: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    entries = [{"resource": r} for r in (*BASE, *resources)]
    said = json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries}).encode()
    return facts(fhir.items(said, "b", Naming({}, "N"), frozenset(), ZONE, "ris"), "fhir")


@pytest.fixture(scope="module")
def as_hl7() -> dict[str, list[dict[str, Any]]]:
    return facts(items("\r".join(HL7).encode(), "m.hl7", ZONE, field_rules({})), "hl7v2")


@pytest.mark.parametrize("found", [FLAG, ASKED], ids=["flag", "request"])
def test_a_finding_and_a_follow_up_are_the_same_facts_as_in_hl7(as_hl7: Any, found: dict[str, Any]) -> None:
    told = of_fhir(found, SAID, PLAN)
    assert len(told["fact_critical_result"]) == len(told["fact_followup"]) == 1
    assert str(told) == str(as_hl7)  # as text, in which what is missing equals itself
    (critical,) = told["fact_critical_result"]
    assert (critical["critical_class"], critical["communicate_min"]) == ("1", 10.0)


def test_handing_on_and_closing_are_a_tasks_states() -> None:
    times = ("2026-10-01T10:30:00Z", "2026-10-01T10:31:00Z", "2026-10-01T10:40:00Z")
    tasks = [
        resource("Task", f"t{at}", status=status, code=coded("critical-1"), focus=REPORT, lastModified=at)
        for status, at in zip(("requested", "accepted", "completed"), times, strict=True)
    ]
    (found,) = of_fhir(FLAG, *tasks)["fact_critical_result"]
    assert found["delegated_at"] == pd.Timestamp(times[0])
    assert (found["closed_at"], found["close_min"]) == (pd.Timestamp(times[2]), 35.0)


def test_the_exam_that_answers_a_plan_is_another_exam() -> None:
    """Its order is based on the plan; neither it nor its booking is taken for the exam that recommended it."""
    order = ORDER | {"id": "o2", "basedOn": [{"reference": "ServiceRequest/n"}], "identifier": [number("PLAC", "P9")]}
    booked = resource(
        "Appointment", "a", status="booked", created="2026-10-02T10:00:00Z", start="2027-04-01T10:00:00Z",
        basedOn=[{"reference": "ServiceRequest/n"}], specialty=RAD,
    )  # fmt: skip
    (found,) = of_fhir(PLAN, order, booked)["fact_followup"]
    assert (found["wanted_modality"], found["completed_at"]) == ("CT", None)


def task(status: str, **more: Any) -> dict[str, Any]:
    """Return a task about the plan."""
    about = {"code": coded("followup"), "focus": {"reference": "ServiceRequest/n"}}
    at = "2026-10-20T10:00:00Z"
    return resource("Task", "t", status=status, lastModified=at, updated=at, **about, **more)


@pytest.mark.parametrize(
    ("resources", "column", "value"),
    [
        ([PLAN | {"status": "completed", "meta": {"lastUpdated": "2026-11-20T10:00:00Z"}}], "completed_by", "feed"),
        pytest.param([PLAN | {"status": "revoked"}], "dismissed_by", "feed", marks=pytest.mark.slow),
        ([PLAN, task("rejected", statusReason=coded("death"))], "dismiss_reason", "death"),
        pytest.param(
            [PLAN, task("accepted")], "scheduled_at", pd.Timestamp("2026-10-20T10:00:00Z"), marks=pytest.mark.slow
        ),
        ([PLAN, task("completed")], "completed_at", pd.Timestamp("2026-10-20T10:00:00Z")),
        pytest.param([PLAN | {"occurrenceDateTime": "2026-10-11"}], "interval_days", 10.0, marks=pytest.mark.slow),
        pytest.param([PLAN | {"occurrenceDateTime": None}], "interval_days", None, marks=pytest.mark.slow),
    ],
)
def test_what_becomes_of_a_plan(resources: list[dict[str, Any]], column: str, value: object) -> None:
    (found,) = of_fhir(*resources)["fact_followup"]
    assert found[column] == value


def test_flags_and_communications_about_other_things_are_no_findings() -> None:
    allergy = FLAG | {"code": coded("allergy")}
    thanks = SAID | {"topic": coded("thanks")}
    untold = SAID | {"status": "not-done"}
    elsewhere = FLAG | {"extension": []}
    assert of_fhir(allergy, thanks, untold, elsewhere)["fact_critical_result"] == []
