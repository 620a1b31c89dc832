"""What happened, as FHIR R4 resources tell it: one reader a resource type.

A resource is a state, not a message: its elements date some happenings (authoredOn, issued, performedPeriod), and
`meta.lastUpdated` dates the state where no element does (cancelled, arrived, no-show). An element without a time of
day (FHIR allows years, months and days) dates nothing. Local codes are ``fhir:<Resource>/<status or element>``, of an
Encounter with its class and of a Task with its code between.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from etl.errors import FilterReason, ItemRefused, Reason
from etl.records import Attributes, EventRecord, Identifiers, Record
from etl.sources.fhir_elements import DCM, Resource, code_of, codings, literal, many, name_of, one, own_reference, word
from etl.sources.fhir_identity import Finder
from etl.sources.fhir_imaging import is_imaging
from etl.sources.fhir_series import series_records
from etl.sources.fhir_told import communication, communication_request, critical_class, flag, followup
from etl.sources.times import DATE_ONLY, Instant, instant

PROMPT = timedelta(days=1)  # an archive that says "available" later than this was filled later
STANDING = frozenset({"draft", "active", "on-hold", "completed", "unknown"})  # states an order is entered in
MINUTES = 60.0

Told = list[Record] | FilterReason


@dataclass(frozen=True, slots=True)
class Moment:
    """A time as sent and as an instant."""

    raw: str
    instant: Instant


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads the resources of one payload."""

    finder: Finder
    zone: ZoneInfo
    clock: str
    imaging_codes: frozenset[str] = frozenset()

    def records(self, resource: Resource) -> Told:
        """Return what a resource tells, or why it is left out; raises ItemRefused."""
        kind = word(resource.get("resourceType"))
        if kind is None:
            raise ItemRefused(Reason.BAD_STRUCTURE, "no resourceType")
        reader = followup if self.finder.recommends(resource) else _READERS.get(kind)
        if reader is None or not is_imaging(resource, self.finder, self.imaging_codes):
            return FilterReason.NOT_IMAGING
        found = reader(self, resource)
        if isinstance(found, list) and not found:
            raise ItemRefused(Reason.MISSING_TIME, f"nothing in this {kind} has a time of day")
        return found

    def moment(self, value: Any) -> Moment | None:
        """Return a dateTime or instant with a time of day, None for less; raises ItemRefused for what is no time."""
        raw = word(value)
        if raw is None or len(raw) <= len("2026-01-31"):
            return None
        found = instant(raw, self.zone, kind="iso")
        return None if found.flag == DATE_ONLY else Moment(raw, found)

    def updated(self, resource: Resource) -> Moment | None:
        """Return when the server had this state; None where it does not say."""
        return self.moment_beside(one(resource.get("meta")).get("lastUpdated"))

    def moment_beside(self, value: Any) -> Moment | None:
        """Return a time that dates nothing by itself, None for what is no time: it refuses no resource."""
        try:
            return self.moment(value)
        except ItemRefused:
            return None

    def status(self, resource: Resource) -> str:
        """Return the status code; raises ItemRefused."""
        found = word(resource.get("status"))
        if found is None:
            raise ItemRefused(Reason.BAD_STRUCTURE, f"a {resource['resourceType']} without status")
        return found

    def events(
        self, resource: Resource, happenings: list[tuple[str, Moment | None]], attributes: Attributes
    ) -> list[Record]:
        """Return an event for each dated happening and each exam; raises ItemRefused MISSING_IDENTIFIER."""
        updated = self.updated(resource)
        known_at = updated.instant.at if updated else None
        found: list[Record] = []
        for ordinal, ids in enumerate(self.finder.targets(resource)):
            _identified(ids)
            for code, moment in happenings:
                if moment is not None:
                    at = moment.instant
                    local_code = f"fhir:{resource['resourceType']}/{code}"
                    found.append(EventRecord(
                        ids, local_code, moment.raw, at.at, at.utc_offset_min, known_at, self.clock, ordinal, at.flag,
                        attributes,
                    ))  # fmt: skip
        return found

    def about(self, resource: Resource, **more: Any) -> Attributes:
        """Return what a resource, its order, its visit and its patient say of the exam."""
        person = self.finder.person(resource)
        visit = self.finder.encounter(resource)
        order = next((o for _, o in self.finder.orders(resource) if o and o["resourceType"] == "ServiceRequest"), None)
        source = order or (resource if not self.finder.orders(resource) else {})
        named = source.get("code") if source.get("resourceType") != "Task" else None
        values: dict[str, Any] = {
            "modality": _modality(source),
            "procedure_code": code_of(named),
            "procedure_text": name_of(named),
            "priority_code": word(source.get("priority")) if source.get("resourceType") == "ServiceRequest" else None,
            "patient_class_code": code_of((visit or {}).get("class")),
            "birth_date": person.birth_date,
            "sex": person.sex,
            "ordering_person": self.finder.staff(source.get("requester"), source),
        }
        return Attributes(**values | {name: value for name, value in more.items() if value is not None})

    def order(self, resource: Resource) -> Told:
        """Return order entry, and cancellation of a revoked order."""
        status, updated = self.status(resource), self.updated(resource)
        authored = self.moment(resource.get("authoredOn")) or _same_day(resource.get("authoredOn"), updated, self.zone)
        ended = [] if status in STANDING else [(status, updated)]
        why = code_of(resource.get("statusReason" if ended else "reasonCode"))
        attributes = self.about(resource, reason_code=why, result_code=_rating(resource))
        events = self.events(resource, [("authoredOn", authored), *ended], attributes)
        return [*events, *_by_reference(events, resource)]

    def appointment(self, resource: Resource) -> Told:
        """Return when it was booked or moved, and what became of it."""
        status, updated = self.status(resource), self.updated(resource)
        created = self.moment(resource.get("created"))
        first_version = word(one(resource.get("meta")).get("versionId")) == "1"
        booked = created if updated is None or (first_version and created) else updated
        if status == "booked":
            told = [("booked", booked)]
        else:
            told = [("created", created if status not in ("proposed", "pending", "waitlist") else None)]
            told.append((status, updated))
        return self.events(resource, told, self.about(resource, **self._slot(resource)))

    def _slot(self, resource: Resource) -> dict[str, Any]:
        start, end = self.moment(resource.get("start")), self.moment_beside(resource.get("end"))
        length = resource.get("minutesDuration")
        minutes = float(length) if isinstance(length, int) and 0 < length < 10_000 else None
        if minutes is None and start and end and end.instant.at > start.instant.at:
            minutes = (end.instant.at - start.instant.at).total_seconds() / MINUTES
        return {
            "appointment_at": start.instant.at if start else None,
            "planned_duration_min": minutes,
            "reason_code": code_of(resource.get("cancelationReason")),
            "station_name": self._place(resource),
        }

    def _place(self, resource: Resource) -> str | None:
        """Return the room or device that takes part: its identifier, else its reference."""
        actors = [participant.get("actor") for participant in many(resource.get("participant"))]
        for reference in [*actors, resource.get("location")]:
            found = self.finder.scope.follow(reference, resource)
            name = own_reference(found) if found else literal(reference)
            if name and name.startswith(("Location/", "Device/")):
                return word(one((found or {}).get("identifier")).get("value")) or name
        return None

    def encounter(self, resource: Resource) -> Told:
        """Return arrival and departure, with the class in the local code."""
        status, period = self.status(resource), one(resource.get("period"))
        kind = code_of(resource.get("class")) or ""
        history = {
            word(h.get("status")): one(h.get("period")).get("start") for h in many(resource.get("statusHistory"))
        }
        if status in ("planned", "cancelled", "entered-in-error"):
            return self.events(resource, [(f"{status}/{kind}", self.updated(resource))], self.about(resource))
        arrived = history.get("arrived") or (period.get("start") if status == "arrived" else None)
        came = ("arrived", self.moment(arrived)) if arrived else ("start", self.moment(period.get("start")))
        left = self.moment(period.get("end")) if status == "finished" else None
        told = [(f"{came[0]}/{kind}", came[1]), (f"finished/{kind}", left)]
        return self.events(resource, told, self.about(resource))

    def procedure(self, resource: Resource) -> Told:
        """Return begin, and end or discontinuation."""
        status, period = self.status(resource), one(resource.get("performedPeriod"))
        begin, end = self.moment(period.get("start")), self.moment(period.get("end"))
        done = end or self.moment(resource.get("performedDateTime"))
        told = [("in-progress", begin)]
        if status == "completed":
            told.append((status, done))
        elif status not in ("preparation", "in-progress", "unknown"):
            told.append((status, end or self.updated(resource)))
        reason = code_of(resource.get("statusReason"))
        performers = [self.finder.staff(p.get("actor"), resource) for p in many(resource.get("performer"))]
        technologist = next(filter(None, performers), None)
        place = self._place(resource)
        more = {"reason_code": reason, "technologist": technologist, "station_name": place}
        return self.events(resource, told, self.about(resource, **more))

    def imaging_study(self, resource: Resource) -> Told:
        """Return its series, and since when it is available; a study without series tells when it was started."""
        status, updated = self.status(resource), self.updated(resource)
        if status in ("cancelled", "entered-in-error"):
            return self.events(resource, [(status, updated)], self.about(resource))
        (ids, *_) = self.finder.targets(resource)
        person = self.finder.person(resource)
        series = series_records(resource, ids, person, self)
        if isinstance(series, FilterReason):
            return series
        if not series:
            return self.events(resource, [("started", self.moment(resource.get("started")))], self.about(resource))
        last_at = max(record.begin_at for record in series)
        prompt = status == "available" and updated is not None and last_at <= updated.instant.at <= last_at + PROMPT
        told = self.events(resource, [(status, updated)] if prompt else [], self.about(resource))
        return [*series, *told]

    def report(self, resource: Resource) -> Told:
        """Return the report's state when it was issued."""
        status = self.status(resource)
        issued = self.moment(resource.get("issued")) or self.updated(resource)
        read_by = [self.finder.staff(reference, resource) for reference in many(resource.get("resultsInterpreter"))]
        signed_by = [self.finder.staff(reference, resource) for reference in many(resource.get("performer"))]
        reader = next(filter(None, [*read_by, *signed_by]), None)
        assistant = next((p for p in read_by[1:] if p and p != reader), None)
        return self.events(
            resource, [(status, issued)], self.about(resource, reader=reader, assistant_reader=assistant)
        )

    def task(self, resource: Resource) -> Told:
        """Return the task's state, with its code in the local code."""
        status, period = self.status(resource), one(resource.get("executionPeriod"))
        name = (code_of(resource.get("code")) or name_of(resource.get("code")) or "").replace("/", "-")
        dated = {"in-progress": period.get("start"), "completed": period.get("end"),
                 "requested": resource.get("authoredOn")}.get(status)  # fmt: skip
        at = self.moment(dated) or self.moment(resource.get("lastModified")) or self.updated(resource)
        owner = self.finder.staff(resource.get("owner"), resource)
        reason = code_of(resource.get("statusReason"))
        about = self.about(
            resource, reader=owner, reason_code=reason, result_code=critical_class(resource, ("code", "reasonCode"))
        )
        return self.events(resource, [(f"{name}/{status}", at)], about)


_READERS: dict[str, Callable[[Reader, Resource], Told]] = {
    "ServiceRequest": Reader.order,
    "Appointment": Reader.appointment,
    "Encounter": Reader.encounter,
    "Procedure": Reader.procedure,
    "ImagingStudy": Reader.imaging_study,
    "DiagnosticReport": Reader.report,
    "Task": Reader.task,
    "Flag": flag,
    "Communication": communication,
    "CommunicationRequest": communication_request,
}
KINDS = tuple(_READERS)


def _identified(ids: Identifiers) -> None:
    if not any(getattr(ids, name) for name in Identifiers.__slots__ if name != "patient_id_issuer"):
        raise ItemRefused(Reason.MISSING_IDENTIFIER, "neither order, study, visit, appointment nor patient")


def _same_day(value: Any, updated: Moment | None, zone: ZoneInfo) -> Moment | None:
    """Return the server's time where the element names only its day, and it is the same."""
    text = word(value) or ""
    if updated is None or len(text) != len("2026-01-31"):
        return None
    local: datetime = updated.instant.at.astimezone(zone)
    return updated if local.date().isoformat() == text else None


def _by_reference(events: list[Record], resource: Resource) -> Iterator[Record]:
    """Yield what ties an order's literal reference to its business numbers; resources elsewhere know only that."""
    name = own_reference(resource)
    for event in events[:1]:
        if isinstance(event, EventRecord) and event.ids.placer_order_number != name:
            ids = replace(event.ids, placer_order_number=name)
            if name and (ids.accession_number or ids.filler_order_number):
                yield replace(event, ids=ids, local_code="fhir:ServiceRequest/reference")


def _rating(order: Resource) -> str | None:
    """Return the code of the rating that decision support put on an order (Argonaut, CDS Hooks for PAMA)."""
    stated = (e for e in many(order.get("extension")) if (word(e.get("url")) or "").endswith("/pama-rating"))
    return next((code for e in stated if (code := code_of(e.get("valueCodeableConcept")))), None)


def _modality(source: Resource) -> str | None:
    elements = [source.get(name) for name in ("orderDetail", "category", "code")]
    return next((code for e in elements for system, code in codings(e) if DCM in system), None)
