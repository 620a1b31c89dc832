"""What a payload's resources say of each other: references followed within it (FHIR R4 2.3.0, bundle 2.36.4).

A reference is looked for among a resource's own `contained`, then by `fullUrl` or ``urn:uuid``, then by ``Type/id``,
whatever server it names. One that leads nowhere is no error.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from etl.sources.fhir_elements import Resource, literal, many, normal_reference, own_reference, word

DEEPEST = 4


class Scope:
    """The resources one payload holds, by every name they are referred to by."""

    def __init__(self) -> None:
        self._known: dict[str, Resource] = {}

    def add(self, resource: Resource, full_url: Any = None) -> None:
        """Make a resource known; the first of one name stays."""
        for name in (normal_reference(full_url), own_reference(resource)):
            if name is not None:
                self._known.setdefault(name, resource)

    def follow(self, reference: Any, within: Resource) -> Resource | None:
        """Return the resource a Reference element of `within` leads to, None where it is not here."""
        name = literal(reference)
        if name is None:
            return None
        if name.startswith("#"):
            inside = (c for c in many(within.get("contained")) if word(c.get("id")) == name[1:])
            return next(inside, None)
        return self._known.get(name)


def entries(content: Any, depth: int = 0) -> Iterator[tuple[Any, Any]]:
    """Yield (resource, fullUrl) of a payload: resources, Bundles or lists of them; an entry without one as None.

    Bundles in Bundles are opened to a depth of DEEPEST; what lies deeper comes as it is.
    """
    if isinstance(content, list) and depth < DEEPEST:
        for part in content:
            yield from entries(part, depth + 1)
    elif isinstance(content, dict) and content.get("resourceType") == "Bundle" and depth < DEEPEST:
        for entry in many(content.get("entry")):
            resource = entry.get("resource")
            if isinstance(resource, dict) and resource.get("resourceType") == "Bundle":
                yield from entries(resource, depth + 1)
            else:
                yield resource, entry.get("fullUrl")
    else:
        yield content, None
