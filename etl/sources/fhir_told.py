"""Critical findings told and follow-ups recommended, as FHIR R4 has them (kpis.md E3: Flag, Communication, a plan).

What a flag or a communication is about stands in its code alone; texts (payload, notes, a concept's own words) are
never read. The class of a critical finding is the digit such a code ends in. A follow-up is a ServiceRequest of
intent plan or proposal that refers to the report or the order of the exam it follows.
"""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Any

from etl.records import Record
from etl.sources.fhir_elements import DCM, Resource, code_of, codings, one, word

if TYPE_CHECKING:
    from etl.sources.fhir_events import Moment, Reader

CLASS = re.compile(r"(?:crit[a-z]*|class)[-_ .]?([123])", re.IGNORECASE)
UNTOLD = frozenset({"not-done", "entered-in-error", "stopped", "revoked"})
ABOUT = ("topic", "reasonCode", "category")  # what a communication is about, best said first
LONGEST_DAYS = 999  # a coded interval has three digits


def flag(reader: Reader, resource: Resource) -> list[Record]:
    """Return when a flag was put on an exam and taken off it."""
    status, period = reader.status(resource), one(resource.get("period"))
    name, updated = _name(resource, ("code",)), reader.updated(resource)
    if status == "entered-in-error":
        return reader.events(resource, [(f"{name}/{status}", updated)], reader.about(resource))
    begin, end = (reader.moment(period.get(side)) for side in ("start", "end"))
    told = [(f"{name}/active", begin or (updated if status == "active" else None))]
    told.append((f"{name}/inactive", (end or updated) if status == "inactive" else None))
    return reader.events(resource, told, _about(reader, resource, ("code",), resource.get("author")))


def communication(reader: Reader, resource: Resource) -> list[Record]:
    """Return when something was told and when that was received."""
    status, name = reader.status(resource), _name(resource, ABOUT)
    sent, received = (reader.moment(resource.get(side)) for side in ("sent", "received"))
    told: list[tuple[str, Moment | None]] = [(f"{name}/sent", sent), (f"{name}/received", received)]
    if status in UNTOLD:
        told = [(f"{name}/{status}", reader.updated(resource))]
    elif status == "completed" and sent is None and received is None:
        told = [(f"{name}/sent", reader.updated(resource))]
    return reader.events(resource, told, _about(reader, resource, ABOUT, resource.get("sender")))


def communication_request(reader: Reader, resource: Resource) -> list[Record]:
    """Return when it was asked that something be told."""
    status, name = reader.status(resource), _name(resource, ("reasonCode", "category"))
    step = (f"{name}/authoredOn", reader.moment(resource.get("authoredOn")) or reader.updated(resource))
    if status in UNTOLD:
        step = (f"{name}/{status}", reader.updated(resource))
    return reader.events(
        resource, [step], _about(reader, resource, ("reasonCode", "category"), resource.get("requester"))
    )


def followup(reader: Reader, resource: Resource) -> list[Record]:
    """Return when a further exam was recommended, and that it was done or that the recommendation was taken back."""
    status, updated = reader.status(resource), reader.updated(resource)
    authored = reader.moment(resource.get("authoredOn")) or updated
    ended = [(f"plan/{status}", updated)] if status in ("completed", "revoked", "entered-in-error") else []
    attributes = reader.about(
        resource,
        reader=reader.finder.staff(resource.get("requester"), resource),
        reason_code=code_of(resource.get("statusReason")),
        result_code=_wanted(resource),
    )
    return reader.events(resource, [("plan/authoredOn", authored), *ended], attributes)


def critical_class(resource: Resource, elements: tuple[str, ...]) -> str | None:
    """Return the class (1 minutes, 2 hours, 3 days) that a code of these elements ends in, None without one."""
    codes = (code for element in elements for _, code in codings(resource.get(element)))
    return next((match[1] for code in codes if (match := CLASS.fullmatch(code))), None)


def _about(reader: Reader, resource: Resource, elements: tuple[str, ...], author: Any) -> Any:
    person = reader.finder.staff(author, resource)
    return reader.about(resource, reader=person, result_code=critical_class(resource, elements))


def _name(resource: Resource, elements: tuple[str, ...]) -> str:
    return next((code for e in elements if (code := code_of(resource.get(e)))), "").replace("/", "-")


def _wanted(resource: Resource) -> str | None:
    """Return modality and interval as feeds code them (``CT6M``), as far as the plan says them."""
    elements = [resource.get(name) for name in ("orderDetail", "category", "code")]
    modality = next((code for e in elements for system, code in codings(e) if DCM in system and len(code) == 2), "")
    due = resource.get("occurrenceDateTime") or one(resource.get("occurrencePeriod")).get("start")
    return f"{modality}{_interval(resource.get('authoredOn'), due)}" or None


def _interval(begin: Any, due: Any) -> str:
    """Return whole calendar months between two dates as ``6M``, else the days; nothing where either is unknown."""
    first, last = _day(begin), _day(due)
    if first is None or last is None or not (last - first).days > 0:
        return ""
    months = 12 * (last.year - first.year) + last.month - first.month
    if first.day == last.day and months <= LONGEST_DAYS:
        return f"{months}M"
    days = (last - first).days
    return f"{days}D" if days <= LONGEST_DAYS else ""


def _day(value: Any) -> date | None:
    text = (word(value) or "")[: len("2026-01-31")]
    try:
        return date.fromisoformat(text) if len(text) == len("2026-01-31") else None
    except ValueError:
        return None
