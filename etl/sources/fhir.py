"""Feed kind `fhir`: FHIR R4 JSON, as resources, Bundles or NDJSON; one item a resource.

Read: ServiceRequest, Appointment, Encounter, Procedure, ImagingStudy, DiagnosticReport and Task about imaging. Every
other resource, and an entry that holds none, is filtered. References are followed within a payload. One bad resource
refuses itself alone. Names, addresses and narratives are never looked at.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from etl.errors import FeedStoppedError, FilterReason, ItemRefused, Reason
from etl.records import EventRecord, Filtered, Read, Refused, SeriesRecord, SourceItem
from etl.settings import Feed, Settings
from etl.sources.base import feed_files, masked, relative_ref
from etl.sources.fhir_elements import Resource, own_reference, word
from etl.sources.fhir_events import Reader
from etl.sources.fhir_identity import ROLES, Finder, Naming
from etl.sources.fhir_scope import Scope, entries
from etl.sources.status_map import shipped_event_type

LARGEST_FILE = 64 << 20
KEPT_BYTES = 1 << 20
OPTIONS = ("identifiers", "patient_issuer", "imaging_codes")
SHOWN = 200


class Fhir:
    """Reads FHIR R4 JSON.

    Options: `identifiers` (role = system of identifiers sent without a type; roles accession, placer, filler, patient,
    visit, appointment, person), `patient_issuer` (as HL7 feeds name the authority), `imaging_codes` (own categories).
    """

    kind = "fhir"

    def files(self, feed: Feed, settings: Settings) -> list[Path]:
        """Return the files of the feed, sorted by relative path."""
        return feed_files(feed, settings)

    def read(self, path: Path, feed: Feed, settings: Settings) -> Iterator[SourceItem]:
        """Yield the items of one file; raises FeedStoppedError when the feed's options are wrong."""
        ref = relative_ref(path, feed, settings)
        try:
            data = load(path)
        except ItemRefused as refused:
            yield Refused(ref, refused.reason, refused.detail)
            return
        yield from self.read_bytes(data, ref, feed, settings)

    def read_bytes(self, data: bytes, ref: str, feed: Feed, settings: Settings) -> Iterator[SourceItem]:
        """Yield the items of a payload; raises FeedStoppedError as `read`."""
        naming, codes = options(feed)
        yield from items(data, ref, naming, codes, settings.zone_of(feed), f"fhir:{feed.key}")

    def recognises(self, path: Path, head: bytes) -> bool:
        """Return whether the file begins like FHIR JSON."""
        start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
        return start[:1] in (b"{", b"[") and b'"resourceType"' in start

    def inspect(self, path: Path) -> dict[str, Any]:
        """Return what each resource would become; raises ItemRefused when none is read or filtered."""
        found = list(items(load(path), path.name, Naming(), frozenset(), ZoneInfo("UTC"), "fhir"))
        refused = [item for item in found if isinstance(item, Refused)]
        if refused and len(refused) == len(found):
            raise ItemRefused(refused[0].reason, refused[0].detail)
        return {"kind": self.kind, "resources": [_shown(item) for item in found[:SHOWN]], "offered": len(found)}


def load(path: Path) -> bytes:
    """Return a file's bytes; raises ItemRefused READ_ERROR or OVERSIZED."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise ItemRefused(Reason.READ_ERROR, f"cannot read: {error.strerror or 'input/output error'}") from error
    if len(data) > LARGEST_FILE:
        raise ItemRefused(Reason.OVERSIZED, f"more than {LARGEST_FILE} bytes; split the export")
    return data


def options(feed: Feed) -> tuple[Naming, frozenset[str]]:
    """Return a feed's naming and imaging codes; raises FeedStoppedError for options that are none."""
    given = feed.options
    roles = given.get("identifiers", {})
    unknown = [name for name in given if name not in (*OPTIONS, "status_preset")]
    if unknown or not isinstance(roles, dict) or not roles.keys() <= ROLES:
        raise FeedStoppedError(
            f"feed {feed.key}: options are {', '.join(OPTIONS)}; roles are {', '.join(sorted(ROLES))}"
        )
    issuer = given.get("patient_issuer")
    naming = Naming({str(system).lower(): role for role, system in roles.items()}, str(issuer) if issuer else None)
    return naming, frozenset(str(code).upper() for code in given.get("imaging_codes", ()))


def items(
    data: bytes, ref: str, naming: Naming, codes: frozenset[str], zone: ZoneInfo, clock: str
) -> Iterator[SourceItem]:
    """Yield the items of a payload's bytes; nothing is raised, whatever the bytes are."""
    try:
        content = parse(data)
    except ItemRefused as refused:
        yield Refused(ref, refused.reason, refused.detail, data[:KEPT_BYTES])
        return
    found = list(entries(content))
    scope = Scope()
    for resource, full_url in found:
        if isinstance(resource, dict):
            scope.add(resource, full_url)
    reader = Reader(Finder(scope, naming), zone, clock, codes)
    for number, (resource, _) in enumerate(found, start=1):
        yield _item(resource, f"{ref}#{number}", reader)


def parse(data: bytes) -> Any:
    """Return a payload's JSON; of NDJSON a list, with a broken line as its text. Raises ItemRefused."""
    if not data.strip():
        raise ItemRefused(Reason.NOT_THIS_FORMAT, "the file is empty")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ItemRefused(Reason.BAD_CHARSET, "FHIR JSON is UTF-8, this is not") from error
    try:
        return _json(text)
    except json.JSONDecodeError as error:
        lines = [line for line in text.splitlines() if line.strip()]
        if len(lines) > 1 and any(isinstance(_line(line), dict) for line in lines[:2]):
            return [_line(line) for line in lines]
        raise ItemRefused(_why_no_json(error), f"no JSON: {error.msg}") from error


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        raise
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, nesting without end
        raise ItemRefused(Reason.BAD_STRUCTURE, "JSON nested too deep or with numbers too long") from error


def _line(line: str) -> Any:
    try:
        return _json(line)
    except (json.JSONDecodeError, ItemRefused):
        return line


def _why_no_json(error: json.JSONDecodeError) -> Reason:
    """Tell an answer that breaks off from a file that is something else."""
    begun = error.doc.lstrip()[:1] in ("[", "{")
    ended = error.pos >= len(error.doc.rstrip()) or error.msg.startswith("Unterminated string")
    return Reason.TRUNCATED if begun and ended else Reason.NOT_THIS_FORMAT


def _item(resource: Any, ref: str, reader: Reader) -> SourceItem:
    if resource is None:
        return Filtered(ref, FilterReason.BATCH_ENVELOPE)  # a deletion or a response: an entry that holds nothing
    try:
        if not isinstance(resource, dict):
            raise ItemRefused(Reason.BAD_STRUCTURE, "a line or an element that is no resource")
        found = reader.records(resource)
    except ItemRefused as refused:
        raw = resource if isinstance(resource, str) else json.dumps(resource)
        return Refused(ref, refused.reason, refused.detail, raw.encode("utf-8", "surrogatepass")[:KEPT_BYTES])
    if isinstance(found, FilterReason):
        return Filtered(ref, found)
    return Read(ref, tuple(found), control_id=_version(resource))


def _version(resource: Resource) -> str | None:
    """Return what names this state of the resource: its reference and version."""
    meta = resource.get("meta")
    version = word(meta.get("versionId")) or word(meta.get("lastUpdated")) if isinstance(meta, dict) else None
    name = own_reference(resource)
    return f"{name}/{version}" if name and version else name


def _shown(item: SourceItem) -> dict[str, Any]:
    if isinstance(item, Refused):
        return {"refused": f"{item.reason}: {item.detail}"}
    if isinstance(item, Filtered):
        return {"filtered": str(item.reason)}
    return {"records": [_summary(record) for record in item.records]}


def _summary(record: Any) -> dict[str, Any]:
    ids = {name: masked(value) for name in record.ids.__slots__ if (value := getattr(record.ids, name))}
    if isinstance(record, EventRecord):
        event = shipped_event_type("fhir", record.local_code)
        return {"local_code": record.local_code, "event_type": event, "occurred_at": record.occurred_at.isoformat(),
                "identifiers": ids}  # fmt: skip
    assert isinstance(record, SeriesRecord)  # noqa: S101 - readers make no other
    return {"series": record.modality, "begin_at": record.begin_at.isoformat(), "identifiers": ids,
            "number_of_instances": record.number_of_instances}  # fmt: skip
