"""FHIR searches: the same facts whatever the server is like, and nothing by half."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from etl import pipeline
from etl.errors import ConfigurationError, PeerError
from etl.fetchers import FETCHERS
from etl.fetchers.base import land, read_cursor
from etl.landing import frames
from etl.settings import Feed, Scanner, Settings, Site
from etl.staging import make_key
from tests.etl.fetchers.conftest import (
    CORPUS,
    Answer,
    App,
    Request,
    Server,
    broken_off,
    drip,
    half,
    installation,
    status,
    web_feed,
    web_page,
)
from tests.etl.fetchers.fhir_server import FhirServer, at, story

Serve = Callable[[App], Server]
NOW = datetime(2026, 10, 3, tzinfo=UTC)
EXAMS = 9
OPTIONS: dict[str, Any] = {"since": "2026-09-30", "page_size": 4}


@pytest.fixture
def fhir(serve: Serve) -> Iterator[FhirServer]:
    """A FHIR server with the stories of nine exams."""
    found = FhirServer([resource for n in range(EXAMS) for resource in story(n)])
    found.url = serve(found).url
    return found


def hospital(folder: Path, *feeds: Feed) -> Settings:
    folder.mkdir(exist_ok=True)
    make_key(folder / "pseudonym.key")
    scanner = Scanner(code="NCT1", site="S", modality="CT", name="CT", station_names=("Location/NCT1",))
    return Settings(
        base=folder, sites=(Site(code="S", name="S", zone="America/New_York"),), scanners=(scanner,), feeds=feeds
    )


def fetched(settings: Settings) -> Any:
    feed = settings.feeds[0]
    return land(FETCHERS["fhir"], feed, settings, NOW)


def landed_beside(settings: Settings) -> set[str]:
    """What landed because something refers to it."""
    found = set()
    for path in settings.at(settings.feeds[0].path).glob("*.seg"):
        for frame in frames(path):
            said = json.loads(frame.payload)
            beside = said[1]["entry"] if isinstance(said, list) else []
            found |= {f"{entry['resource']['resourceType']}/{entry['resource']['id']}" for entry in beside}
    return found


def landed(settings: Settings) -> set[str]:
    """Every searched resource that landed, with its version."""
    found = set()
    for path in settings.at(settings.feeds[0].path).glob("*.seg"):
        for frame in frames(path):
            said = json.loads(frame.payload)
            for bundle in said if isinstance(said, list) else [said]:
                if bundle["type"] == "searchset":
                    for entry in bundle["entry"]:
                        r = entry["resource"]
                        found.add(f"{r['resourceType']}/{r['id']}/{r['meta']['versionId']}")
    return found


EXPECTED = {f"{r['resourceType']}/{r['id']}/1" for n in range(EXAMS) for r in story(n)
            if r["resourceType"] not in ("Patient", "Encounter")}  # fmt: skip
EXAM_QUERY = """SELECT status, order_entered_at, scheduled_at, appointment_at, planned_duration_min, arrived_at,
exam_begin_at, exam_end_at, first_acquisition_at, images_available_at, first_final_at, patient_class, priority,
scanner_code, modality, sex, birth_year, procedure_code FROM fact_exam ORDER BY order_entered_at"""


def exams(settings: Settings) -> list[Any]:
    unfetched = tuple(feed.model_copy(update={"fetch": None}) for feed in settings.feeds)
    settings = settings.model_copy(update={"feeds": unfetched})
    with pipeline.writer(settings) as engine:
        runs = pipeline.ingest(settings, engine)
        assert all(r.counts.balance == 0 and r.counts.quarantined == 0 for r in runs)
        pipeline.derive_facts(settings, engine)
        with engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(EXAM_QUERY))]


def expected_exam(n: int) -> tuple[Any, ...]:
    def when(minutes: int) -> datetime:
        return datetime(2026, 10, 1, 12) + timedelta(minutes=60 * n + minutes)  # noqa: DTZ001 - as the engine keeps UTC

    return (
        "final", when(0), when(5), when(30), 20.0, when(20), when(33), when(51), when(36), when(53), when(94),
        "O", "URGENT", "NCT1", "CT", "F", 1960, "24627-2",
    )  # fmt: skip


def test_a_fetch_gives_every_exam_its_times_by_hand(fhir: FhirServer, tmp_path: Path) -> None:
    settings = hospital(tmp_path, web_feed("fhir", "fhir", fhir.url, **OPTIONS))
    result = fetched(settings)
    assert result.failed is None
    assert landed(settings) == EXPECTED
    assert exams(settings) == [expected_exam(n) for n in range(EXAMS)]


def test_no_name_and_no_identifier_passes_the_border(fhir: FhirServer, tmp_path: Path) -> None:
    settings = hospital(tmp_path, web_feed("fhir", "fhir", fhir.url, **OPTIONS))
    fetched(settings)
    exams(settings)
    files = [p for p in tmp_path.rglob("*") if p.is_file() and "landing" not in p.parts]
    words = (b"Planted", b"PAT00000", b"VISIT0000")
    assert not [(p.name, word) for p in files for word in words if word in p.read_bytes()]


@pytest.mark.parametrize(
    "server",
    [
        {"sorts": False},
        {"filters": False},
        {"sorts": False, "filters": False},
        {"most": 2},
        {"most": 1},
    ],
)
def test_servers_that_sort_filter_or_page_in_their_own_way_miss_nothing(
    fhir: FhirServer, tmp_path: Path, server: dict[str, Any]
) -> None:
    for name, value in server.items():
        setattr(fhir, name, value)
    settings = installation(tmp_path, web_feed("fhir", "fhir", fhir.url, **OPTIONS))
    assert fetched(settings).failed is None
    assert landed(settings) == EXPECTED
    assert landed_beside(settings) >= {f"{kind}{n}" for n in range(EXAMS) for kind in ("Patient/p", "Encounter/e")}


def test_many_resources_of_one_instant_are_paged_by_link(fhir: FhirServer, tmp_path: Path) -> None:
    for resource in fhir.resources.values():
        resource["meta"]["lastUpdated"] = at(0)
    settings = installation(tmp_path, web_feed("fhir", "fhir", fhir.url, **OPTIONS))
    assert fetched(settings).failed is None
    assert landed(settings) == EXPECTED


def test_a_resource_that_moves_to_the_end_between_pages_pushes_no_other_out_of_sight(
    fhir: FhirServer, tmp_path: Path
) -> None:
    moved = 0

    def touch(page: int) -> None:  # the oldest of each type is changed after every page
        nonlocal moved
        for kind in ("ServiceRequest", "DiagnosticReport"):
            mine = [r for (k, _), r in fhir.resources.items() if k == kind]
            oldest = min(mine, key=lambda r: (r["meta"]["lastUpdated"], r["id"]))
            moved += 1
            fhir.put(oldest | {"meta": {"lastUpdated": at(3000 + moved), "versionId": "2"}})

    fhir.after_page = touch
    settings = installation(tmp_path, web_feed("fhir", "fhir", fhir.url, **OPTIONS))
    for _ in range(3):
        assert fetched(settings).failed is None
    names = {name.rsplit("/", 1)[0] for name in landed(settings)}
    assert names == {name.rsplit("/", 1)[0] for name in EXPECTED}


def test_a_second_fetch_brings_what_changed_and_the_overlap(fhir: FhirServer, tmp_path: Path) -> None:
    settings = installation(tmp_path, web_feed("fhir", "fhir", fhir.url, **OPTIONS, overlap_min=1))
    fetched(settings)
    before = len(landed(settings))
    stood = read_cursor(tmp_path / "landing")["since"]
    assert stood["DiagnosticReport"] == at(60 * (EXAMS - 1) + 94).replace("Z", ".000Z")
    report = story(0)[-1]
    fhir.put(report | {"status": "amended", "issued": at(4000), "meta": {"lastUpdated": at(4001), "versionId": "2"}})
    again = fetched(settings)
    assert again.failed is None
    assert landed(settings) - EXPECTED == {"DiagnosticReport/r0/2"}
    assert len(landed(settings)) == before + 1


@pytest.mark.parametrize("links", ["endless", "same"])
def test_links_that_never_end_are_found_out(fhir: FhirServer, tmp_path: Path, links: str) -> None:
    fhir.links = links
    fhir.sorts = False
    settings = installation(tmp_path, web_feed("fhir", "fhir", fhir.url, **OPTIONS))
    result = fetched(settings)
    assert "repeats a page" in (result.failed or "")
    assert fhir.served < 40
    fhir.links = "offset"
    assert fetched(settings).failed is None
    assert landed(settings) == EXPECTED


def test_links_to_another_origin_are_not_followed(fhir: FhirServer, tmp_path: Path) -> None:
    fhir.links = "away"
    settings = installation(tmp_path, web_feed("fhir", "fhir", fhir.url, **OPTIONS))
    assert "another origin" in (fetched(settings).failed or "")


FAULTS = {
    "429": status(429), "503": status(503), "500": status(500), "broken off": broken_off, "half": half,
    "web page": web_page, "drip": drip,
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_whatever_fails_half_way_the_same_resources_land_in_the_end(serve: Serve, tmp_path: Path, fault: str) -> None:
    fhir = FhirServer([resource for n in range(EXAMS) for resource in story(n)])
    server = serve(fhir)
    fhir.url = server.url
    settings = hospital(tmp_path / "faulty", web_feed("fhir", "fhir", fhir.url, **OPTIONS, answer_s=0.5))
    chance = random.Random(17)  # noqa: S311 - a test's own dice
    server.faults = [FAULTS[fault] if chance.random() < 0.3 else None for _ in range(20)]
    for _ in range(25):
        if fetched(settings).failed is None and not server.faults:
            break
    assert not server.faults
    assert landed(settings) == EXPECTED
    if fault == "half":
        assert exams(settings) == [expected_exam(n) for n in range(EXAMS)]


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"resourceType": "OperationOutcome"}', b"null", b'"x"'])
def test_an_answer_that_is_no_bundle_is_a_peer_error(serve: Serve, tmp_path: Path, body: bytes) -> None:
    server = serve(lambda request: Answer(content_type="application/fhir+json", body=body))
    result = fetched(installation(tmp_path, web_feed("fhir", "fhir", server.url)))
    assert "no Bundle" in (result.failed or "")


@pytest.mark.parametrize(
    "entry", ["null", "7", "[null, 7, {}]", '[{"resource": 7}]', '[{"resource": {"resourceType": 9}}]']
)
def test_odd_bundles_hold_nothing_and_break_nothing(serve: Serve, tmp_path: Path, entry: str) -> None:
    body = f'{{"resourceType": "Bundle", "link": [null, {{"relation": "next"}}], "entry": {entry}}}'.encode()
    server = serve(lambda request: Answer(content_type="application/fhir+json", body=body))
    result = fetched(installation(tmp_path, web_feed("fhir", "fhir", server.url)))
    assert (result.failed, result.payloads) == (None, 0)


def test_what_a_server_does_not_give_of_referred_resources_stays_open(
    fhir: FhirServer, tmp_path: Path, serve: Serve
) -> None:
    def app(request: Request) -> Answer:
        return Answer(403) if "_id" in request.query else fhir(request)

    server = serve(app)
    fhir.url = server.url
    settings = hospital(tmp_path, web_feed("fhir", "fhir", server.url, **OPTIONS))
    assert fetched(settings).failed is None
    found = exams(settings)
    assert [row[:9] for row in found] == [(*expected_exam(n)[:5], None, *expected_exam(n)[6:9]) for n in range(EXAMS)]


def test_check_reports_what_the_server_says_it_is(fhir: FhirServer, tmp_path: Path, serve: Serve) -> None:
    fetcher = FETCHERS["fhir"]
    settings = installation(tmp_path, web_feed("fhir", "fhir", fhir.url))
    line = fetcher.check(settings.feeds[0], settings)
    assert "Stub 1, FHIR 4.0.1; has no Task" in line
    settings = installation(tmp_path, web_feed("fhir", "fhir", fhir.url, resources=["DiagnosticReport?category=RAD"]))
    assert "searches DiagnosticReport" in fetcher.check(settings.feeds[0], settings)
    other = serve(lambda request: Answer(body=b"{}"))
    settings = installation(tmp_path, web_feed("fhir", "fhir", other.url))
    with pytest.raises(PeerError, match="CapabilityStatement"):
        fetcher.check(settings.feeds[0], settings)


@pytest.mark.parametrize(
    "options", [{"resources": "DiagnosticReport"}, {"resources": []}, {"since": "never"}, {"x": 1}]
)
def test_wrong_options_are_said(tmp_path: Path, options: dict[str, Any]) -> None:
    settings = installation(tmp_path, web_feed("fhir", "fhir", "http://127.0.0.1:9", **options))
    with pytest.raises(ConfigurationError):
        fetched(settings)


def test_a_sites_own_parameters_narrow_the_search(serve: Serve, tmp_path: Path) -> None:
    fhir = FhirServer(story(0))
    server = serve(fhir)
    fhir.url = server.url
    fetched(
        installation(tmp_path, web_feed("fhir", "fhir", fhir.url, resources=["DiagnosticReport?category=RAD&x=%20"]))
    )
    (first, *_) = server.requests
    assert first.query["category"] == ["RAD"]
    assert first.query["x"] == [" "]
    assert first.query["_lastUpdated"] == ["ge2026-09-03T00:00:00.000Z"]


@pytest.mark.corpus
def test_the_corpus_is_replayed_page_by_page(serve: Serve, tmp_path: Path) -> None:
    if not (CORPUS / "fhir").exists():
        pytest.skip("the corpus of FHIR resources is not here")
    resources = []
    for path in sorted((CORPUS / "fhir").glob("synthea-*.json")):
        resources += [entry["resource"] for entry in json.loads(path.read_text())["entry"]]
    for number, resource in enumerate(resources):
        resource["meta"] = {"lastUpdated": at(number / 10), "versionId": "1"}
    fhir = FhirServer(resources)
    fhir.url = serve(fhir).url
    kinds = ["ImagingStudy", "DiagnosticReport", "Encounter", "Procedure", "ServiceRequest"]
    settings = hospital(tmp_path, web_feed("fhir", "fhir", fhir.url, since="2026-09-30", resources=kinds, page_size=7))
    assert fetched(settings).failed is None
    assert len(landed(settings)) == sum(r["resourceType"] in kinds for r in resources) > 50
