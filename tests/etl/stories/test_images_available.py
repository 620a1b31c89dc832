"""Images available is one instant of one exam, whether HL7, SOLE, FHIR or the archive's own answers tell it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from sqlalchemy import create_engine, select

from etl.errors import FeedStoppedError
from etl.landing import LandingWriter
from etl.records import SourceItem
from etl.settings import Feed, Settings, Site
from etl.sources import SOURCES, fhir
from etl.sources.fhir import Naming
from etl.sources.hl7_rules import field_rules
from etl.sources.hl7v2 import items
from etl.sources.landed import read_segment
from etl.staging import Pseudonymiser, stage
from etl.warehouse.append import read_frame
from etl.warehouse.derive import derive
from etl.warehouse.load import load
from etl.warehouse.parameters import load_parameters
from etl.warehouse.tables import fact_exam, metadata

ZONE = ZoneInfo("UTC")
COMPARED = ["accession_token", "exam_begin_at", "exam_end_at", "images_available_at", "images_delay_min"]
ENDED_AT, SEEN_AT = datetime(2026, 10, 1, 9, 20, tzinfo=UTC), datetime(2026, 10, 1, 9, 27, tzinfo=UTC)
STEPS = {"order_entered": "0800", "exam_begin": "0900", "exam_end": "0920", "images_available": "0927"}
DCM = "http://dicom.nema.org/resources/ontology/DCM"
V2 = "http://terminology.hl7.org/CodeSystem/v2-0203"
SERIES: dict[str, Any] = {
    "0020000D": {"vr": "UI", "Value": ["1.2.3"]},
    "0020000E": {"vr": "UI", "Value": ["1.2.3.4"]},
    "00080050": {"vr": "SH", "Value": ["A1"]},
    "00080060": {"vr": "CS", "Value": ["CT"]},
    "00080021": {"vr": "DA", "Value": ["20261001"]},
    "00080031": {"vr": "TM", "Value": ["091500"]},
    "00201209": {"vr": "IS", "Value": [120]},
}


def feed_of(kind: str, key: str, **options: Any) -> Feed:
    return Feed(key=key, kind=kind, site="N", path=Path(key), options=options)


def hl7(*steps: str) -> Iterable[SourceItem]:
    """Tell steps as order messages of a department that names its statuses as Epic does."""
    said = {"order_entered": ("NW", ""), "exam_begin": ("SC", "Exam Begun"), "exam_end": ("SC", "Exam Ended")}
    said["images_available"] = ("SC", "DICOM Message Linked")
    lines = []
    for step in steps:
        at, (control, status) = f"20261001{STEPS[step]}00+0000", said[step]
        lines += [f"MSH|^~\\&|RIS|N|RP|N|{at}||ORM^O01|{step}|P|2.5.1", "PID|1||M1^^^N^MR"]
        lines += [f"ORC|{control}|P1|F1||{status}||||{at}", f"OBR|1|P1|F1|C^CT||||||||||||||A1||||{at}||CT"]
    return items("\r".join(lines).encode(), "m.hl7", ZONE, field_rules({}))


def sole(*steps: str) -> Iterable[SourceItem]:
    """Tell steps as audit messages under the vocabulary's own keys."""
    for step in steps:
        at = f"2026-10-01T{STEPS[step][:2]}:{STEPS[step][2:]}:00Z"
        audit = (
            f"<AuditMessage><EventIdentification EventActionCode='E' EventDateTime='{at}' EventOutcomeIndicator='0'>"
            "<EventID csd-code='SOLE' codeSystemName='IHE-RAD' originalText='Imaging Operational Event'/>"
            f"<EventTypeCode csd-code='{step}' codeSystemName='urn:radpulse:event' originalText='x'/>"
            "</EventIdentification><AuditSourceIdentification AuditSourceID='RIS1'/>"
            "<ParticipantObjectIdentification ParticipantObjectTypeCode='2' ParticipantObjectTypeCodeRole='3' "
            "ParticipantObjectID='A1'><ParticipantObjectIDTypeCode csd-code='121022' codeSystemName='DCM' "
            "originalText='Accession Number'/></ParticipantObjectIdentification></AuditMessage>"
        )
        yield from SOURCES["sole"].read_bytes(audit.encode(), step, feed_of("sole", "sole"), SETTINGS)  # type: ignore[attr-defined]  # it reads bytes


def told_by_fhir(*steps: str) -> Iterable[SourceItem]:
    """Tell order, procedure and study as resources; what is not among the steps has not happened."""
    ids = [{"type": {"coding": [{"system": V2, "code": "ACSN"}]}, "value": "A1"}]
    of_order = {"basedOn": [{"reference": "ServiceRequest/o"}]}
    found: list[dict[str, Any]] = [{
        "resourceType": "ServiceRequest", "id": "o", "status": "active", "intent": "order", "identifier": ids,
        "category": [{"coding": [{"system": DCM, "code": "CT"}]}], "authoredOn": "2026-10-01T08:00:00Z",
    }, {
        "resourceType": "Procedure", "id": "p", "status": "completed", **of_order,
        "performedPeriod": {"start": "2026-10-01T09:00:00Z", "end": "2026-10-01T09:20:00Z"},
    }]  # fmt: skip
    if "images_available" in steps:
        found.append({
            "resourceType": "ImagingStudy", "id": "s", "status": "available", **of_order,
            "meta": {"lastUpdated": "2026-10-01T09:27:00Z"}, "started": "2026-10-01T09:15:00Z",
            "series": [{"uid": "1.2.3.4", "modality": {"system": DCM, "code": "CT"}}],
        })  # fmt: skip
    said = json.dumps({"resourceType": "Bundle", "type": "collection", "entry": [{"resource": r} for r in found]})
    return fhir.items(said.encode(), "b", Naming({}, "N"), frozenset(), ZONE, "ris")


FEEDS = (feed_of("hl7v2", "hl7", status_preset="epic"), feed_of("sole", "sole"), feed_of("fhir", "fhir"))
ARCHIVE = feed_of("dicomweb", "pacs", online_within_min=60)
SETTINGS = Settings(sites=(Site(code="N", name="North", zone="UTC"),), feeds=(*FEEDS, ARCHIVE))


def facts(*told: tuple[Feed, Iterable[SourceItem]]) -> list[dict[str, Any]]:
    """Return the exams of what several feeds tell, loaded in this order."""
    engine = create_engine("duckdb:///:memory:")
    metadata.create_all(engine)
    with engine.begin() as connection:
        for run, (feed, offered) in enumerate(told):
            batch = stage(offered, feed, SETTINGS, Pseudonymiser(b"k" * 32, 1), now_at=SEEN_AT + timedelta(days=9))
            assert set(batch.items["outcome"].to_pylist()) == {"read"}, batch.items.to_pylist()
            load(connection, feed, [batch], str(run), SEEN_AT + timedelta(days=9))
        derive(connection, load_parameters(SETTINGS))
        frame = read_frame(connection, select(fact_exam))[COMPARED]
    engine.dispose()
    return frame.astype(object).where(frame.notna(), None).to_dict("records")


TELLERS: dict[str, tuple[Feed, Callable[..., Iterable[SourceItem]]]] = {
    "hl7": (FEEDS[0], hl7), "sole": (FEEDS[1], sole), "fhir": (FEEDS[2], told_by_fhir),
}  # fmt: skip


@pytest.fixture
def answers(tmp_path: Path) -> Callable[..., tuple[Feed, list[SourceItem]]]:
    """Makes the items of landed answers of the archive: (received, changes of the series) each."""

    def made(*answered: tuple[datetime, dict[str, Any]], **options: Any) -> tuple[Feed, list[SourceItem]]:
        feed = ARCHIVE.model_copy(update={"path": tmp_path / "landed", "options": options or ARCHIVE.options})
        with LandingWriter(feed.path) as writer:
            for received_at, changes in answered:
                writer.append(json.dumps([SERIES | changes]).encode(), received_at)
        segments = sorted(feed.path.glob("*.seg"))
        return feed, [item for path in segments for item in read_segment(SOURCES["dicomweb"], path, feed, SETTINGS)]

    return made


def online(word: str = "ONLINE", count: int = 120) -> dict[str, Any]:
    return {"00080056": {"vr": "CS", "Value": [word]}, "00201209": {"vr": "IS", "Value": [count]}}


@pytest.fixture(scope="module")
def as_hl7() -> list[dict[str, Any]]:
    return facts((FEEDS[0], hl7(*STEPS)))


@pytest.mark.parametrize("name", ["sole", "fhir"])
def test_the_same_story_gives_the_same_facts(as_hl7: list[dict[str, Any]], name: str) -> None:
    feed, teller = TELLERS[name]
    told = facts((feed, teller(*STEPS)))
    assert str(told) == str(as_hl7)  # as text, in which what is missing equals itself
    assert (told[0]["images_available_at"], told[0]["images_delay_min"]) == (pd.Timestamp(SEEN_AT), 7.0)


@pytest.mark.parametrize("name", list(TELLERS))
def test_where_no_feed_tells_it_the_archives_first_answer_with_all_of_it_online_does(
    as_hl7: list[dict[str, Any]], answers: Any, name: str
) -> None:
    feed, teller = TELLERS[name]
    growing = [(SEEN_AT - timedelta(minutes=5), online(count=80)), (SEEN_AT, online())]
    archive = answers(*growing, (SEEN_AT + timedelta(minutes=20), online()))
    told = (feed, list(teller(*list(STEPS)[:3])))
    assert str(facts(told, archive)) == str(facts((archive[0], archive[1][::-1]), told)) == str(as_hl7)


@pytest.mark.parametrize(
    ("received_at", "said", "options"),
    [
        (SEEN_AT, online("NEARLINE"), {}),
        pytest.param(SEEN_AT, {}, {}, marks=pytest.mark.slow),
        (ENDED_AT + timedelta(hours=2), online(), {}),  # asked for the first time long after
        pytest.param(
            ENDED_AT - timedelta(hours=1), online(), {}, marks=pytest.mark.slow
        ),  # before it was acquired: a clock is wrong
        pytest.param(SEEN_AT, online(), {"other": 1}, marks=pytest.mark.slow),  # not asked for
    ],
)
def test_an_answer_that_tells_nothing_of_when_leaves_it_open(
    answers: Any, received_at: datetime, said: dict[str, Any], options: dict[str, Any]
) -> None:
    (exam,) = facts((FEEDS[0], hl7(*list(STEPS)[:3])), answers((received_at, said), **options))
    assert (exam["exam_end_at"], exam["images_available_at"]) == (pd.Timestamp(ENDED_AT), None)


def test_an_exam_is_available_once_all_its_series_are(answers: Any) -> None:
    second = {"0020000E": {"vr": "UI", "Value": ["1.2.3.5"]}}
    seen = [(SEEN_AT, online()), (SEEN_AT + timedelta(minutes=9), online() | second)]
    told = (FEEDS[0], list(hl7(*list(STEPS)[:3])))
    (exam,) = facts(told, answers(*seen))
    assert exam["images_delay_min"] == 16.0


def test_a_series_that_is_not_online_leaves_its_exam_open(answers: Any) -> None:
    second = {"0020000E": {"vr": "UI", "Value": ["1.2.3.5"]}}
    (exam,) = facts((FEEDS[0], hl7(*list(STEPS)[:3])), answers((SEEN_AT, online()), (SEEN_AT, second)))
    assert exam["images_available_at"] is None


def test_a_told_event_outdoes_the_archives_answer(as_hl7: list[dict[str, Any]], answers: Any) -> None:
    archive = answers((SEEN_AT - timedelta(minutes=6), online()))
    assert str(facts((FEEDS[0], hl7(*STEPS)), archive)) == str(as_hl7)


@pytest.mark.parametrize("minutes", [0, -1, 9999, "60", True])
def test_a_limit_that_is_none_stops_the_feed(answers: Any, minutes: Any) -> None:
    with pytest.raises(FeedStoppedError, match="online_within_min"):
        answers((SEEN_AT, online()), online_within_min=minutes)
