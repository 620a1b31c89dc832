"""An event as a FHIR R4 AuditEvent (https://hl7.org/fhir/R4/auditevent.html), coded as its DICOM audit message is."""

from __future__ import annotations

from datetime import UTC
from typing import Any

from etl.emit.audit_message import APPLICATION, EXAM, HOST, LOCATION, ROLE_CODES, SUBJECT_CODES, Coded
from etl.emit.happenings import Happening

SYSTEMS = {  # scheme of audit messages -> FHIR code system
    "DCM": "http://dicom.nema.org/resources/ontology/DCM",
    "RadLex": "http://www.radlex.org",
    "SNOMED-CT": "http://snomed.info/sct",
    "HL70203": "http://terminology.hl7.org/CodeSystem/v2-0203",
    "RFC-3881": "http://terminology.hl7.org/CodeSystem/audit-entity-type",
}
PSEUDONYMISED = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "PSEUDED"}
ENTITY_TYPE = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
ENTITY_ROLE = "http://terminology.hl7.org/CodeSystem/object-role"
OUTCOME_SUCCESS = "0"


def audit_event(happening: Happening) -> dict[str, Any]:
    """Return the resource as plain JSON values; ids are pseudonyms, and its security label says so (PSEUDED)."""
    term = happening.term
    name = term.names[0] if term.names else str(term.key)
    return {
        "resourceType": "AuditEvent",
        "id": happening.event_id,
        "meta": {"security": [PSEUDONYMISED]},
        "type": {"system": "urn:ihe:rad", "code": "SOLE", "display": "Imaging Operational Event"},
        "subtype": [_coding(Coded(term.code, term.scheme, name))],
        "action": "E",
        "period": {"start": happening.at.isoformat(), "end": happening.at.isoformat()},
        "recorded": happening.known_at.astimezone(UTC).isoformat(),
        "outcome": OUTCOME_SUCCESS,
        "agent": _agents(happening),
        "source": {
            "site": happening.site,
            "observer": {"identifier": {"system": "urn:radpulse:clock", "value": happening.source}},
        },
        "entity": _entities(happening),
    }


def bundle_entry(happening: Happening) -> dict[str, Any]:
    """Return the resource as an entry of a Bundle."""
    return {"fullUrl": f"urn:radpulse:event:{happening.event_id}", "resource": audit_event(happening)}


def _agents(happening: Happening) -> list[dict[str, Any]]:
    persons = [
        {"type": _concept(ROLE_CODES[kind]), "who": {"identifier": _identifier(urn)}, "requestor": True}
        for kind, urn in happening.persons.items()
    ]
    reporter = {"type": _concept(APPLICATION), "who": {"display": HOST}, "requestor": not persons}
    return [*persons, reporter]


def _entities(happening: Happening) -> list[dict[str, Any]]:
    found = []
    for kind, urn in happening.subjects.items():
        code, type_code, role = SUBJECT_CODES[kind]
        what = {"identifier": {**_identifier(urn), "type": _concept(code)}}
        found.append(_entity(what, type_code, role))
    if happening.procedure_code or happening.procedure_text:
        exam = _entity(
            {"identifier": {"value": happening.procedure_code or "unknown", "type": _concept(EXAM)}}, "2", "20"
        )
        if happening.procedure_text:
            exam["name"] = happening.procedure_text
        if happening.modality:
            exam["detail"] = [{"type": "Modality", "valueString": happening.modality}]
        found.append(exam)
    if happening.station:
        found.append(_entity({"identifier": {"value": happening.station, "type": _concept(LOCATION)}}, "2", "2"))
    return found


def _entity(what: dict[str, Any], type_code: str, role: str) -> dict[str, Any]:
    return {
        "what": what,
        "type": {"system": ENTITY_TYPE, "code": type_code},
        "role": {"system": ENTITY_ROLE, "code": role},
    }


def _identifier(urn: str) -> dict[str, str]:
    system, _, value = urn.rpartition(":")
    return {"system": system, "value": value}


def _coding(code: Coded) -> dict[str, str]:
    return {"system": SYSTEMS.get(code.scheme, code.scheme), "code": code.value, "display": code.text}


def _concept(code: Coded) -> dict[str, Any]:
    return {"coding": [_coding(code)]}
