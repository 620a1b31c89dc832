"""What decision support said of an order is one rating, whether HL7 or FHIR tells it; without a map it is none."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from sqlalchemy import create_engine, select

from etl.records import SourceItem
from etl.settings import Feed, Settings, Site
from etl.site_codes import CodeKind, codes_path, history, next_change, save
from etl.sources import fhir
from etl.sources.fhir import Naming
from etl.sources.hl7_rules import field_rules
from etl.sources.hl7v2 import items
from etl.staging import Pseudonymiser, stage
from etl.warehouse.append import read_frame
from etl.warehouse.derive import derive
from etl.warehouse.load import load
from etl.warehouse.parameters import load_parameters
from etl.warehouse.tables import fact_evidence, fact_prior, metadata

ZONE = ZoneInfo("UTC")
NOW_AT = datetime(2026, 12, 1, tzinfo=UTC)
OPTIONS = {"result_flags": {"CDSRESULT": "RATING"}, "reason_code": ["ORC-16.1", "OBR-31.1"]}
V2, DCM = "http://terminology.hl7.org/CodeSystem/v2-0203", "http://dicom.nema.org/resources/ontology/DCM"
RATING = "http://fhir.org/argonaut/StructureDefinition/pama-rating"
MAP = {"not-appropriate": "rarely", "appropriate": "appropriate", "auc2": "may_be"}


def hl7(result: str = "", reason: str = "", indication: str = "", hour: int = 8) -> Iterable[SourceItem]:
    at = f"20261001{hour:02}0000+0000"
    lines = [
        f"MSH|^~\\&|RIS|N|RP|N|{at}||ORM^O01|{at}|P|2.5.1", "PID|1||M1^^^N^MR",
        f"ORC|NW|P1|F1||||||{at}|||||||{reason}",
        "OBR|1|P1|F1|C^CT" + "|" * 14 + "A1" + "|" * 6 + "CT" + "|" * 7 + indication,
    ]  # fmt: skip
    lines += [f"OBX|1|CE|CDSRESULT^Rating^L||{result}||||||F"] if result else []
    return items("\r".join(lines).encode(), "m.hl7", ZONE, field_rules(OPTIONS))


def told_by_fhir(result: str = "", reason: str = "") -> Iterable[SourceItem]:
    order: dict[str, Any] = {
        "resourceType": "ServiceRequest", "id": "o", "status": "active", "intent": "order",
        "identifier": [{"type": {"coding": [{"system": V2, "code": "ACSN"}]}, "value": "A1"}],
        "category": [{"coding": [{"system": DCM, "code": "CT"}]}], "authoredOn": "2026-10-01T08:00:00Z",
    }  # fmt: skip
    if result:
        order["extension"] = [{"url": RATING, "valueCodeableConcept": {"coding": [{"code": result}]}}]
    if reason:
        order["reasonCode"] = [{"coding": [{"code": reason}], "text": "Planted"}]
    said = json.dumps({"resourceType": "Bundle", "type": "collection", "entry": [{"resource": order}]}).encode()
    return fhir.items(said, "b", Naming({}, "N"), frozenset(), ZONE, "ris")


class Department:
    """A site with one feed and, perhaps, a map of ratings."""

    def __init__(self, base: Path, kind: str, codes: dict[str, str]) -> None:
        self.feed = Feed(key="ris", kind=kind, site="N", options=OPTIONS if kind == "hl7v2" else {})
        site = Site(code="N", name="North", zone="UTC")
        self.settings = Settings(base=base, sites=(site,), feeds=(self.feed,))
        path = codes_path(self.settings)
        for code, new in codes.items():
            save(path, next_change(history(path), CodeKind.RATING, "*", code, new, by="ada", reason="test"))

    def rated(self, *told: Iterable[SourceItem]) -> tuple[str | None, pd.Timestamp | None, bool]:
        """Return the exam's rating, when it was given, and whether the site counts as telling ratings."""
        engine = create_engine("duckdb:///:memory:")
        metadata.create_all(engine)
        with engine.begin() as connection:
            for run, offered in enumerate(told):
                batch = stage(offered, self.feed, self.settings, Pseudonymiser(b"k" * 32, 1), now_at=NOW_AT)
                assert set(batch.items["outcome"].to_pylist()) == {"read"}, batch.items.to_pylist()
                load(connection, self.feed, [batch], str(run), NOW_AT)
            derive(connection, load_parameters(self.settings))
            frame, evidence = (read_frame(connection, select(t)) for t in (fact_prior, fact_evidence))
        engine.dispose()
        (row,) = frame.astype(object).where(frame.notna(), None).to_dict("records")
        return row["rating"], row["rated_at"], "order.rating" in set(evidence["what"])


AT = pd.Timestamp("2026-10-01T08:00:00Z")
TOLD = [
    ({"result": "not-appropriate"}, "rarely"),
    ({"reason": "AUC2"}, "may_be"),
    ({"result": "appropriate", "reason": "AUC2"}, "appropriate"),  # beside the order before its reason
    ({"reason": "R10.9"}, None),  # a diagnosis rates nothing
    ({"result": "7"}, None),
]


@pytest.mark.parametrize(
    ("said", "rating"),
    [pytest.param(*told, marks=[] if n in (2, 3) else [pytest.mark.slow]) for n, told in enumerate(TOLD)],
)
@pytest.mark.parametrize("kind", ["hl7v2", "fhir"])
def test_hl7_and_fhir_tell_the_same_rating(tmp_path: Path, kind: str, said: dict[str, str], rating: str | None) -> None:
    tell = hl7 if kind == "hl7v2" else told_by_fhir
    expected = (rating, AT, True) if rating else (None, None, False)
    assert Department(tmp_path, kind, MAP).rated(tell(**said)) == expected
    if rating == "rarely":
        assert Department(tmp_path / "plain", kind, {}).rated(tell(**said)) == (None, None, False)


def test_the_reason_of_the_request_is_read_where_the_feed_says_so_and_the_last_word_counts(tmp_path: Path) -> None:
    department = Department(tmp_path, "hl7v2", MAP)
    first, last = hl7(indication="not-appropriate^x"), hl7(result="appropriate", hour=9)
    assert department.rated(first)[0] == "rarely"
    again = hl7(indication="not-appropriate^x")
    assert department.rated(last, again) == ("appropriate", AT + pd.Timedelta(hours=1), True)
