"""Who and which exam a FHIR resource is about: identifiers of its own, of its order, of its patient and visit.

Identifier types are those of HL7 table 0203 (ACSN, PLAC, FILL, MR, VN); a site names the systems of identifiers sent
without a type. Where a resource carries no business identifier, its literal reference stands for it, so that a report
still finds the order it is based on when both come apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from etl.records import Identifiers
from etl.sources.fhir_elements import (
    V2_0203,
    Resource,
    codings,
    identifier_value,
    literal,
    many,
    one,
    own_reference,
    word,
)
from etl.sources.fhir_scope import Scope

TYPES = {"ACSN": "accession", "PLAC": "placer", "FILL": "filler", "MR": "patient", "VN": "visit"}
ROLES = frozenset({*TYPES.values(), "appointment", "person"})
DICOM_UID = "urn:dicom:uid"
OID = "urn:oid:"
ORDER_REFERENCES = ("basedOn", "focus", "about")
PLANS = frozenset({"plan", "proposal"})
FOLLOWED_BY = ("reasonReference", "supportingInfo")  # where a recommended exam names the report it follows
REPORTS = ("DiagnosticReport", "ImagingStudy")
FLAG_DETAIL = "StructureDefinition/flag-detail"  # R4 extension: what a Flag is about
MOST_TARGETS = 50
HOPS = 3


@dataclass(frozen=True, slots=True)
class Naming:
    """How a site names things: roles by identifier system (lower case), and the authority of its patient ids."""

    roles: Mapping[str, str] = field(default_factory=dict)
    patient_issuer: str | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """What is kept of a Patient: an id, the birth date (staging keeps the year) and the sex."""

    patient_id: str | None = None
    birth_date: str | None = None
    sex: str | None = None


class Finder:
    """Looks for identifiers in one payload."""

    def __init__(self, scope: Scope, naming: Naming) -> None:
        self.scope, self.naming = scope, naming

    def named(self, resource: Resource, role: str) -> list[str]:
        """Return a resource's own identifiers of one role, in order."""
        return [value for identifier in many(resource.get("identifier"))
                if self._role(identifier) == role and (value := word(identifier.get("value")))]  # fmt: skip

    def _role(self, identifier: Resource) -> str | None:
        system = (word(identifier.get("system")) or "").lower()
        if system in self.naming.roles:
            return self.naming.roles[system]
        found = (
            TYPES.get(code.upper()) for kind, code in codings(identifier.get("type")) if not kind or V2_0203 in kind
        )
        return next(filter(None, found), None)

    def person(self, resource: Resource) -> Person:
        """Return the patient of a resource: by record number, by logical identifier, else by literal reference."""
        reference = next((resource[k] for k in ("subject", "patient", "for") if k in resource), None)
        reference = reference or self._participant(resource)
        found = self.scope.follow(reference, resource)
        if found is None:
            return Person(identifier_value(reference) or _public(literal(reference), "Patient"))
        numbers = self.named(found, "patient") or [
            value for identifier in many(found.get("identifier")) if (value := word(identifier.get("value")))
        ]
        return Person(
            numbers[0] if numbers else own_reference(found), word(found.get("birthDate")), word(found.get("gender"))
        )

    def _participant(self, resource: Resource) -> Any:
        """Return the reference to the patient among an Appointment's participants."""
        for actor in (participant.get("actor") for participant in many(resource.get("participant"))):
            found = self.scope.follow(actor, resource)
            if (literal(actor) or "").startswith("Patient/") or (found or {}).get("resourceType") == "Patient":
                return actor
        return None

    def encounter(self, resource: Resource) -> Resource | None:
        """Return the Encounter of a resource (itself, if it is one), None where it is not in this payload."""
        if resource.get("resourceType") == "Encounter":
            return resource
        return self.scope.follow(resource.get("encounter") or resource.get("context"), resource)

    def visit(self, resource: Resource) -> str | None:
        """Return the visit number of a resource's Encounter, else the reference to it."""
        found = self.encounter(resource)
        if found is None:
            reference = resource.get("encounter")
            return identifier_value(reference) or _public(literal(reference), "Encounter")
        numbers = self.named(found, "visit")
        return numbers[0] if numbers else own_reference(found)

    def staff(self, reference: Any, within: Resource) -> str | None:
        """Return the identifier of a practitioner, never a name; None for organisations and for mere names."""
        found = self.scope.follow(reference, within)
        if found is not None and found.get("resourceType") == "PractitionerRole":
            return self.staff(found.get("practitioner"), found) or own_reference(found)
        if found is not None and found.get("resourceType") == "Practitioner":
            values = map(word, (identifier.get("value") for identifier in many(found.get("identifier"))))
            return next(filter(None, [*self.named(found, "person"), *values]), None) or own_reference(found)
        text = literal(reference) or ""
        named = text if text.startswith(("Practitioner/", "PractitionerRole/")) else None
        return (identifier_value(reference) if found is None else None) or named

    def orders(self, resource: Resource) -> list[tuple[Any, Resource | None]]:
        """Return the orders a resource is based on: (reference, ServiceRequest where it is in this payload).

        A recommended exam leads to the exam whose report recommends it, so only tasks are followed through one: an
        order or a booking that answers it is another exam.
        """
        found = [(reference, self.scope.follow(reference, resource)) for reference in self._references(resource)]
        if resource.get("resourceType") == "Task":
            return found
        return [(reference, order) for reference, order in found if order is None or not self.recommends(order)]

    def _references(self, resource: Resource) -> Iterator[Resource]:
        names = (*ORDER_REFERENCES, *FOLLOWED_BY) if _is_plan(resource) else ORDER_REFERENCES
        for name in names:
            yield from many(resource.get(name))[:MOST_TARGETS]
        if resource.get("resourceType") == "Flag":
            details = (e for e in many(resource.get("extension")) if (word(e.get("url")) or "").endswith(FLAG_DETAIL))
            yield from (detail for e in details for detail in many(e.get("valueReference")))

    def recommends(self, resource: Resource) -> bool:
        """Return whether a resource is a recommended exam: planned, and referring to the exam it follows."""
        if not _is_plan(resource):
            return False
        if any((literal(reference) or "").startswith("ServiceRequest/") for reference in many(resource.get("basedOn"))):
            return True
        told = [(r, self.scope.follow(r, resource)) for name in FOLLOWED_BY for r in many(resource.get(name))]
        return any(
            (literal(reference) or "").startswith(tuple(f"{kind}/" for kind in REPORTS))
            or (found or {}).get("resourceType") in REPORTS
            for reference, found in told
        )

    def targets(self, resource: Resource) -> list[Identifiers]:
        """Return the identifiers of every exam a resource is about: one each accession, else one each order."""
        base = self._base(resource)
        found = [_filled(base, ids) for ids in self._of_orders(resource, HOPS)] or [base]
        own = [] if self.recommends(resource) else self.named(resource, "accession")[:MOST_TARGETS]
        if own:
            same = {ids.accession_number: ids for ids in found}
            return [same.get(number) or replace(found[0], accession_number=number) for number in own]
        return list(dict.fromkeys(found))

    def _base(self, resource: Resource) -> Identifiers:
        person = self.person(resource)
        return Identifiers(
            patient_id=person.patient_id,
            patient_id_issuer=self.naming.patient_issuer if person.patient_id else None,
            visit_number=self.visit(resource),
            **self._own(resource),
        )

    def _own(self, resource: Resource) -> dict[str, str | None]:
        """Return a resource's own order-level identifiers; an order without any is named by its reference."""
        if self.recommends(resource):
            return {}  # its own numbers are those of the exam to come
        kind = resource.get("resourceType")
        found = {f"{role}_order_number": _first(self.named(resource, role)) for role in ("placer", "filler")}
        found["accession_number"] = _first(self.named(resource, "accession"))
        found["study_instance_uid"] = self._study(resource) if kind == "ImagingStudy" else None
        if kind == "ServiceRequest" and not found["placer_order_number"]:
            found["placer_order_number"] = own_reference(resource)
        if kind == "Appointment":
            found["appointment_id"] = _first(self.named(resource, "appointment")) or own_reference(resource)
        if kind == "Encounter":
            found["appointment_id"] = literal(resource.get("appointment"))
        return found

    def _study(self, resource: Resource) -> str | None:
        for identifier in many(resource.get("identifier")):
            value = word(identifier.get("value")) or ""
            if value.startswith(OID) or word(identifier.get("system")) == DICOM_UID:
                return value.removeprefix(OID) or None
        return None

    def _of_orders(self, resource: Resource, hops: int) -> Iterator[Identifiers]:
        """Yield the identifiers a resource's orders and imaging studies bring."""
        studies = [self.scope.follow(reference, resource) for reference in many(resource.get("imagingStudy"))]
        study = next((s for s in studies if s is not None), None)
        through = Identifiers(**self._own(study)) if study is not None else Identifiers()
        some = False
        for reference, order in self.orders(resource):
            found = self._of_order(reference, order, hops)
            if found is not None:
                some = True
                yield from (_filled(ids, through) for ids in found)
        if not some and study is not None:
            yield through

    def _of_order(self, reference: Any, order: Resource | None, hops: int) -> list[Identifiers] | None:
        if order is None:
            name = literal(reference) or ""
            logical = identifier_value(reference)
            role = self._role(one(one(reference).get("identifier")))
            if logical and role in ("accession", "placer", "filler"):
                field_name = "accession_number" if role == "accession" else f"{role}_order_number"
                return [Identifiers(**{field_name: logical})]
            unresolved = name if name.startswith(("ServiceRequest/", "urn:")) else None
            return [Identifiers(placer_order_number=unresolved)] if unresolved else None
        own = Identifiers(**self._own(order), visit_number=self.visit(order))
        if (order.get("resourceType") == "ServiceRequest" and not self.recommends(order)) or hops == 0:
            return [own]
        return [_filled(own, ids) for ids in self._of_orders(order, hops - 1)] or [own]


def _is_plan(resource: Resource) -> bool:
    return resource.get("resourceType") == "ServiceRequest" and resource.get("intent") in PLANS


def _first(values: list[str]) -> str | None:
    return values[0] if values else None


def _public(reference: str | None, kind: str) -> str | None:
    """Return a reference that means the same outside of its payload and is of this type."""
    return reference if reference and reference.startswith((f"{kind}/", "urn:")) else None


def _filled(ids: Identifiers, other: Identifiers) -> Identifiers:
    """Return `ids` with what it lacks taken from `other`."""
    missing = {
        name: getattr(other, name)
        for name in Identifiers.__slots__
        if getattr(ids, name) is None and getattr(other, name) is not None
    }
    return replace(ids, **missing) if missing else ids
