"""Tolerant reading of FHIR R4 JSON elements: what is not as the standard has it is as if it were not there.

Real servers send resources no validator accepts (an object where a list belongs, numbers as codes, empty strings), so
nothing here raises on a shape.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

Resource = dict[str, Any]
LONGEST = 256
DCM = "dicom.nema.org/resources/ontology/dcm"
V2_0203 = "v2-0203"  # identifier types
_REFERENCE = re.compile(r"(?:.*/)?([A-Z][A-Za-z]{2,40})/([A-Za-z0-9\-.]{1,64})(?:/_history/[^/]+)?", re.ASCII)


def many(value: Any) -> list[Resource]:
    """Return the objects of an element that may repeat, sent as a list or alone."""
    values = value if isinstance(value, list) else [value]
    return [one for one in values if isinstance(one, dict)]


def one(value: Any) -> Resource:
    """Return the first object of an element, an empty one where there is none."""
    return next(iter(many(value)), {})


def word(value: Any) -> str | None:
    """Return a code, id or text as trimmed text, None for anything else and for nothing."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    if isinstance(value, int) and abs(value) >= 10**30:
        return None
    return str(value).strip()[:LONGEST] or None


def codings(value: Any) -> Iterator[tuple[str, str]]:
    """Yield (system, code) of codings, of CodeableConcepts or of lists of either."""
    for found in many(value):
        for coding in [*many(found.get("coding")), found]:
            code = word(coding.get("code"))
            if code is not None:
                yield (word(coding.get("system")) or "").lower(), code


def code_of(value: Any) -> str | None:
    """Return the first code of an element, None where it has only text."""
    return next((code for _, code in codings(value)), None)


def name_of(value: Any) -> str | None:
    """Return what a CodeableConcept calls itself: its text, else its first display."""
    found = one(value)
    return word(found.get("text")) or next(
        (shown for coding in many(found.get("coding")) if (shown := word(coding.get("display")))), None
    )


def normal_reference(value: Any) -> str | None:
    """Return a literal reference as ``Type/id`` without server and version; a ``urn:`` or ``#`` one as it is."""
    text = word(value)
    if text is None or text.startswith(("urn:", "#")):
        return text
    match = _REFERENCE.fullmatch(text)
    return f"{match[1]}/{match[2]}" if match else None


def literal(reference: Any) -> str | None:
    """Return the literal reference of a Reference element, normalised."""
    return normal_reference(one(reference).get("reference"))


def identifier_value(reference: Any) -> str | None:
    """Return the logical identifier of a Reference element."""
    return word(one(one(reference).get("identifier")).get("value"))


def own_reference(resource: Resource) -> str | None:
    """Return ``Type/id`` of a resource, None where it has no id."""
    kind, name = word(resource.get("resourceType")), word(resource.get("id"))
    return f"{kind}/{name}" if kind and name else None
