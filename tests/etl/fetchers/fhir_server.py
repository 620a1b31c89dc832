"""A FHIR R4 server in memory, as far as a search by `_lastUpdated` goes, and the story of some exams on it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from tests.etl.fetchers.conftest import Answer, Request

JSON = "application/fhir+json; fhirVersion=4.0"
RAD = [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0074", "code": "RAD"}]}]
V2_0203 = "http://terminology.hl7.org/CodeSystem/v2-0203"
BASE = datetime(2026, 10, 1, 12, tzinfo=UTC)
Resource = dict[str, Any]


def typed(code: str, value: str) -> Resource:
    return {"type": {"coding": [{"system": V2_0203, "code": code}]}, "value": value}


def at(minutes: float) -> str:
    return (BASE + timedelta(minutes=minutes)).isoformat(timespec="seconds").replace("+00:00", "Z")


def story(n: int) -> list[Resource]:
    """One exam from order to report, begun `n` hours after BASE; times in minutes are in the elements."""
    start = 60 * n

    def updated(minutes: float, version: int = 1) -> Resource:
        return {"lastUpdated": at(start + minutes), "versionId": str(version)}

    order = {"reference": f"ServiceRequest/o{n}"}
    patient = {"reference": f"Patient/p{n}", "display": "Planted Name"}
    return [
        {
            "resourceType": "Patient", "id": f"p{n}", "meta": updated(-1000), "identifier": [typed("MR", f"PAT{n:06}")],
            "name": [{"family": "Planted", "given": ["Name"]}], "address": [{"line": ["Planted Street"]}],
            "birthDate": "1960-05-04", "gender": "female",
        },
        {
            "resourceType": "Encounter", "id": f"e{n}", "meta": updated(20), "status": "in-progress",
            "class": {"code": "AMB"}, "subject": patient, "period": {"start": at(start + 20)},
            "identifier": [typed("VN", f"VISIT{n:06}")],
        },
        {
            "resourceType": "ServiceRequest", "id": f"o{n}", "meta": updated(1), "status": "active",
            "intent": "order", "category": RAD, "priority": "urgent", "authoredOn": at(start), "subject": patient,
            "encounter": {"reference": f"Encounter/e{n}"},
            "identifier": [typed("PLAC", f"P{n}"), typed("ACSN", f"A{n}")],
            "code": {"coding": [{"system": "http://loinc.org", "code": "24627-2"}], "text": "CT Chest"},
        },
        {
            "resourceType": "Appointment", "id": f"a{n}", "meta": updated(5), "status": "booked",
            "created": at(start + 5), "start": at(start + 30), "minutesDuration": 20, "basedOn": [order],
            "participant": [{"actor": patient}, {"actor": {"reference": "Location/NCT1"}}],
        },
        {
            "resourceType": "Procedure", "id": f"x{n}", "meta": updated(52), "status": "completed", "category": RAD[0],
            "basedOn": [order], "subject": patient,
            "performedPeriod": {"start": at(start + 33), "end": at(start + 51)},
        },
        {
            "resourceType": "ImagingStudy", "id": f"s{n}", "meta": updated(53), "status": "available",
            "basedOn": [order], "subject": patient, "started": at(start + 34), "numberOfInstances": 120,
            "identifier": [{"system": "urn:dicom:uid", "value": f"urn:oid:1.2.3.{n}"}],
            "series": [{"uid": f"1.2.3.{n}.1", "modality": {"code": "CT"}, "started": at(start + 36),
                        "numberOfInstances": 120}],
        },
        {
            "resourceType": "DiagnosticReport", "id": f"r{n}", "meta": updated(95), "status": "final", "category": RAD,
            "code": {"text": "Report"}, "basedOn": [order], "subject": patient, "issued": at(start + 94),
            "resultsInterpreter": [{"reference": f"Practitioner/d{n % 2}", "display": "Dr Planted"}],
            "conclusion": "Planted finding",
        },
    ]  # fmt: skip


class FhirServer:
    """Searches `resources`; knobs make it one of the servers there are.

    `sorts`, `filters`: whether it honours `_sort` and `_lastUpdated`; `links`: "offset", "endless", "same", "away".
    `after_page` runs after each page, to change what is there meanwhile.
    """

    def __init__(self, resources: list[Resource]) -> None:
        self.resources = {(r["resourceType"], r["id"]): r for r in resources}
        self.url = ""
        self.sorts = self.filters = True
        self.links = "offset"
        self.most = 1000
        self.after_page: Callable[[int], None] = lambda page: None
        self.served = 0

    def put(self, resource: Resource) -> None:
        self.resources[resource["resourceType"], resource["id"]] = resource

    def __call__(self, request: Request) -> Answer:
        kind = request.path.rsplit("/", 1)[-1]
        if kind == "metadata":
            return self.capability()
        if "_id" in request.query:
            wanted = set(request.query["_id"][0].split(","))
            found = [r for (k, name), r in self.resources.items() if k == kind and name in wanted]
            return self.bundle(found[: self.most], None)
        return self.search(kind, request)

    def search(self, kind: str, request: Request) -> Answer:
        found = [r for (k, _), r in self.resources.items() if k == kind]
        since = request.query.get("_lastUpdated", [""])[0].removeprefix("ge")
        if self.filters and since:
            found = [r for r in found if moment(r) >= datetime.fromisoformat(since)]
        if self.sorts and request.query.get("_sort") == ["_lastUpdated"]:
            found.sort(key=lambda r: (moment(r), r["id"]))
        size = min(int(request.query.get("_count", ["20"])[0]), self.most)
        offset = int(request.query.get("offset", ["0"])[0])
        page = found[offset : offset + size]
        query = f"_count={size}&_lastUpdated=ge{quote(since)}&_sort=_lastUpdated" if since else f"_count={size}"
        following = f"{self.url}/{kind}?{query}&offset="
        more = offset + size < len(found)
        link = {
            "offset": f"{following}{offset + size}" if more else None,
            "endless": f"{following}{(offset + size) % max(len(found), 1)}",
            "same": f"{following}{offset}",
            "away": "http://127.0.0.1:9/steal",
        }[self.links]
        self.served += 1
        answer = self.bundle(page, link)
        self.after_page(self.served)
        return answer

    def bundle(self, found: list[Resource], link: str | None) -> Answer:
        links = [{"relation": "next", "url": link}] if link else []
        entries = [{"fullUrl": f"{self.url}/{r['resourceType']}/{r['id']}", "resource": r,
                    "search": {"mode": "match"}} for r in found]  # fmt: skip
        said = {"resourceType": "Bundle", "type": "searchset", "link": links, "entry": entries}
        return Answer(content_type=JSON, body=json.dumps(said).encode())

    def capability(self) -> Answer:
        kinds = sorted({kind for kind, _ in self.resources})
        params = [{"name": "_lastUpdated", "type": "date"}]
        said = {
            "resourceType": "CapabilityStatement", "fhirVersion": "4.0.1", "software": {"name": "Stub", "version": "1"},
            "rest": [{"mode": "server", "resource": [{"type": k, "searchParam": params} for k in kinds]}],
        }  # fmt: skip
        return Answer(content_type=JSON, body=json.dumps(said).encode())


def moment(resource: Resource) -> datetime:
    return datetime.fromisoformat(resource["meta"]["lastUpdated"])
