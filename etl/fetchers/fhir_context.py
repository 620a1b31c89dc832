"""What a page of a FHIR search refers to and does not hold, asked for by id in batches and kept while a fetch runs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from etl.errors import PeerError

if TYPE_CHECKING:
    from etl.fetchers.http import Peer

FHIR_JSON = "application/fhir+json"
FOLLOWED = ("ServiceRequest", "ImagingStudy", "DiagnosticReport", "Encounter", "Patient")
ELEMENTS = (
    "basedOn", "focus", "imagingStudy", "encounter", "subject", "for", "patient", "about", "reasonReference",
    "supportingInfo",
)  # fmt: skip
REFERENCE = re.compile(r"(?:.*/)?([A-Z][A-Za-z]{2,40})/([A-Za-z0-9\-.]{1,64})(?:/_history/.*)?", re.ASCII)
BATCH = 50
HOPS = 2
KEPT = 20_000

Name = tuple[str, str]  # type and id
Resource = dict[str, Any]


def objects(value: Any) -> list[Resource]:
    """Return the objects of a list; of anything else none."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


class Context:
    """Asks for referenced resources; one the server does not give (gone, forbidden) stays unresolved."""

    def __init__(self, peer: Peer, followed: tuple[str, ...]) -> None:
        self._peer, self._followed = peer, frozenset(followed)
        self._kept: dict[Name, Resource | None] = {}

    def around(self, resources: list[Resource]) -> bytes | None:
        """Return a collection Bundle of what the resources refer to, None where there is nothing to add."""
        here = {(str(r.get("resourceType")), str(r.get("id"))) for r in resources}
        added: dict[Name, Resource] = {}
        wave = resources
        for _ in range(HOPS):
            missing = {name for name in self._names(wave) if name not in here and name not in added}
            self._ask(name for name in sorted(missing) if name not in self._kept)
            wave = []
            for name in sorted(missing):
                found = self._kept.get(name)
                if found is not None:
                    added[name] = found
                    wave.append(found)
        if not added:
            return None
        entries = [{"resource": resource, "search": {"mode": "include"}} for resource in added.values()]
        return json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries}).encode()

    def _names(self, resources: Iterable[Resource]) -> Iterator[Name]:
        for resource in resources:
            details = [extension.get("valueReference") for extension in objects(resource.get("extension"))]
            for value in (*(resource.get(element) for element in ELEMENTS), details):
                for reference in value if isinstance(value, list) else [value]:
                    text = reference.get("reference") if isinstance(reference, dict) else None
                    match = REFERENCE.fullmatch(text) if isinstance(text, str) else None
                    if match is not None and match[1] in self._followed:
                        yield match[1], match[2]

    def _ask(self, names: Iterable[Name]) -> None:
        if len(self._kept) > KEPT:
            self._kept.clear()
        by_type: dict[str, list[str]] = {}
        for kind, name in names:
            by_type.setdefault(kind, []).append(name)
        for kind, ids in by_type.items():
            for start in range(0, len(ids), BATCH):
                self._batch(kind, ids[start : start + BATCH])

    def _batch(self, kind: str, ids: list[str]) -> None:
        """Ask for some of one type, and again for what a server that caps its pages left out."""
        self._kept |= {(kind, name): None for name in ids}
        missing = set(ids)
        while missing:
            found = {str(r.get("id")): r for r in self._answer(kind, sorted(missing)) if r.get("resourceType") == kind}
            if not missing & found.keys():
                return
            self._kept |= {(kind, name): resource for name, resource in found.items()}
            missing -= found.keys()

    def _answer(self, kind: str, ids: list[str]) -> list[Resource]:
        from etl.fetchers.http import RefusalError

        params = [("_id", ",".join(ids)), ("_count", str(len(ids)))]
        try:
            said, _ = self._peer.json(kind, params, accept=FHIR_JSON, what=f"what is referred to of {kind}")
        except RefusalError as refusal:
            if refusal.status in (401, 500):
                raise
            return []
        if not isinstance(said, dict):
            raise PeerError(f"the answer to what is referred to of {kind} is no Bundle")
        return objects([entry.get("resource") for entry in objects(said.get("entry"))])
