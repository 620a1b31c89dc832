"""DICOMweb against Orthanc: the same facts as scanning every file, whatever the way there looks like."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid
from sqlalchemy import text

from etl import pipeline
from etl.errors import ConfigurationError, PeerError
from etl.fetchers import FETCHERS
from etl.fetchers.base import land, read_cursor
from etl.fetchers.multipart import parts
from etl.landing import frames
from etl.reading import read_items, source_of
from etl.records import Read
from etl.settings import Feed, Scanner, Settings, Site
from etl.staging import make_key
from tests.etl.fetchers.conftest import (
    CORPUS,
    Answer,
    App,
    Orthanc,
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

Serve = Callable[[App], Server]
NOW = datetime(2026, 10, 3, 22, tzinfo=UTC)
SINCE = {"since": "2026-10-01"}
VENDORS = (  # maker, modality, station, tag with the time of acquisition
    ("GE MEDICAL SYSTEMS", "CT", "NCT1", "AcquisitionTime"),
    ("SIEMENS", "CT", "NCT1", "AcquisitionDateTime"),
    ("Philips Medical Systems", "MR", "NMR1", "AcquisitionTime"),  # stamps the end of what SeriesTime began
    ("TOSHIBA", "US", "NUS1", "ContentTime"),
)


def instance(chance: random.Random, study: dict[str, Any], series: dict[str, Any], begin: datetime, n: int) -> bytes:
    maker, modality, station, keyword = study["device"]
    found = Dataset()
    found.SOPClassUID, found.SOPInstanceUID = CTImageStorage, generate_uid(entropy_srcs=[series["uid"], str(n)])
    found.StudyInstanceUID, found.SeriesInstanceUID = study["uid"], series["uid"]
    found.PatientID, found.PatientName, found.AccessionNumber = study["patient"], "Nobody^Planted", study["accession"]
    found.PatientBirthDate, found.PatientSex = "19600101", "F"
    found.Manufacturer, found.Modality, found.StationName = maker, modality, station
    found.StudyDate, found.StudyTime = f"{study['at']:%Y%m%d}", f"{study['at']:%H%M%S}"
    found.SeriesDate, found.SeriesTime = f"{begin:%Y%m%d}", f"{begin:%H%M%S}"
    at = begin + timedelta(seconds=20 + 15 * n + chance.random())
    if keyword == "AcquisitionDateTime":
        found.AcquisitionDateTime = f"{at:%Y%m%d%H%M%S.%f}"
    else:
        setattr(found, keyword.replace("Time", "Date"), f"{at:%Y%m%d}")
        setattr(found, keyword, f"{at:%H%M%S.%f}")
    found.InstanceNumber, found.SeriesNumber = str(n + 1), "1"
    found.file_meta = FileMetaDataset()
    found.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    found.file_meta.MediaStorageSOPClassUID = found.SOPClassUID
    found.file_meta.MediaStorageSOPInstanceUID = found.SOPInstanceUID
    buffer = BytesIO()
    found.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def department(seed: int, studies: int = 10) -> Iterator[bytes]:
    """Studies of three days, of four makers, two series of several instances each."""
    chance = random.Random(seed)  # noqa: S311 - a test's own dice
    for number in range(studies):
        at = datetime(2026, 10, 1 + number % 3, 8 + number % 9, chance.randrange(60))  # noqa: DTZ001 - a wall clock
        study = {
            "uid": generate_uid(entropy_srcs=[str(seed), str(number)]), "patient": f"PAT{number}", "at": at,
            "accession": f"ACC{number}", "device": VENDORS[number % len(VENDORS)],
        }  # fmt: skip
        for nth in range(2):
            series = {"uid": generate_uid(entropy_srcs=[study["uid"], str(nth)])}
            begin = at + timedelta(minutes=2 + 6 * nth)
            for n in range(chance.randint(2, 4)):
                yield instance(chance, study, series, begin, n)


def hospital(folder: Path, *feeds: Feed) -> Settings:
    if not (folder / "pseudonym.key").exists():
        make_key(folder / "pseudonym.key")
    return Settings(
        base=folder,
        sites=(Site(code="S", name="S", zone="America/New_York"),),
        scanners=tuple(
            Scanner(code=code, site="S", modality=code[1:3], name=code, station_names=(code,))
            for code in ("NCT1", "NMR1", "NUS1")
        ),
        feeds=feeds,
    )


VISITS = "SELECT scanner_code, modality, begin_at, end_at, local_date, exams FROM fact_visit ORDER BY ALL"
ACQUISITIONS = (
    "SELECT series_key, exam_key, scanner_code, modality, begin_at, end_at, instances "
    "FROM fact_acquisition ORDER BY ALL"
)


def facts(settings: Settings) -> tuple[list[Any], list[Any]]:
    """Ingest what lies in the feeds (fetched by the test already) and return visits and acquisitions."""
    unfetched = tuple(feed.model_copy(update={"fetch": None}) for feed in settings.feeds)
    settings = settings.model_copy(update={"feeds": unfetched})
    with pipeline.writer(settings) as engine:
        runs = pipeline.ingest(settings, engine)
        assert [r.stopped for r in runs] == [None] * len(runs)
        assert all(r.counts.balance == 0 and r.counts.quarantined == 0 for r in runs)
        pipeline.derive_facts(settings, engine)
        with engine.connect() as connection:
            visits, series = (connection.execute(text(q)).all() for q in (VISITS, ACQUISITIONS))
    return [tuple(row) for row in visits], [tuple(row) for row in series]


@pytest.fixture(scope="module")
def scanned(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[bytes], tuple[list[Any], list[Any]]]:
    """The department's files and the facts of scanning every one of them."""
    folder = tmp_path_factory.mktemp("files")
    files = list(department(seed=20261003))
    (folder / "in").mkdir()
    for number, data in enumerate(files):
        (folder / "in" / f"{number}.dcm").write_bytes(data)
    feed = Feed(key="web", kind="dicom_files", site="S", path=Path("in"))
    return folder, files, facts(hospital(folder, feed))


def same_key(folder: Path, scanned: tuple[Path, list[bytes], Any]) -> None:
    (folder / "pseudonym.key").write_bytes((scanned[0] / "pseudonym.key").read_bytes())
    (folder / "pseudonym.key").chmod(0o600)


def fetched(settings: Settings, now: datetime = NOW) -> Any:
    feed = settings.feeds[0]
    return land(FETCHERS[str((feed.fetch or {})["kind"])], feed, settings, now)


def payloads(settings: Settings) -> list[bytes]:
    folder = settings.at(settings.feeds[0].path)
    return [frame.payload for path in sorted(folder.glob("*.seg")) for frame in frames(path)]


@pytest.mark.parametrize("detail", ["instances", "ends", "metadata"])
def test_queries_give_the_same_facts_as_scanning_every_file(
    orthanc: Orthanc, scanned: tuple[Path, list[bytes], Any], tmp_path: Path, detail: str
) -> None:
    for data in scanned[1]:
        orthanc.store(data)
    same_key(tmp_path, scanned)
    feed = web_feed("qido", "dicomweb", orthanc.dicomweb, **SINCE, detail=detail, page_size=3)
    settings = hospital(tmp_path, feed)
    result = fetched(settings)
    assert result.failed is None
    visits, series = facts(settings)
    assert len(series) == 20
    assert len(visits) == 10
    assert (visits, series) == scanned[2]


@pytest.mark.parametrize("relational", [False, True])
def test_series_level_gives_the_same_begins_and_counts_where_orthanc_answers_for_a_first_instance(
    orthanc: Orthanc, scanned: tuple[Path, list[bytes], Any], tmp_path: Path, relational: bool
) -> None:
    for data in scanned[1]:
        orthanc.store(data)
    same_key(tmp_path, scanned)
    settings = hospital(tmp_path, web_feed("qido", "dicomweb", orthanc.dicomweb, **SINCE, relational=relational))
    assert fetched(settings).failed is None
    assert fetched(settings).payloads == 0, "nothing changed"
    _, series = facts(settings)
    for mine, theirs in zip(series, scanned[2][1], strict=True):
        assert mine[:4] == theirs[:4]
        assert mine[6] == theirs[6], "the count is the server's own"
        assert theirs[4] <= mine[4] <= theirs[5], "some instance of the series, which one is the server's choice"


def test_a_second_fetch_asks_for_studies_only_and_lands_what_changed(
    orthanc: Orthanc, scanned: tuple[Path, list[bytes], Any], tmp_path: Path, serve: Serve
) -> None:
    for data in scanned[1][:-1]:
        orthanc.store(data)
    server = serve(orthanc.app)
    settings = installation(tmp_path, web_feed("qido", "dicomweb", f"{server.url}/dicom-web", **SINCE))
    assert fetched(settings).payloads == 10
    assert read_cursor(tmp_path / "landing")["through"] == "2026-10-03"
    server.requests.clear()
    assert fetched(settings).payloads == 0
    assert {request.path for request in server.requests} == {"/dicom-web/studies"}
    orthanc.store(scanned[1][-1])  # a late instance of a study we know
    assert fetched(settings).payloads == 1


def test_a_study_that_arrives_late_is_found_within_the_overlap(
    orthanc: Orthanc, scanned: tuple[Path, list[bytes], Any], tmp_path: Path
) -> None:
    settings = installation(tmp_path, web_feed("qido", "dicomweb", orthanc.dicomweb, **SINCE, overlap_days=1))
    assert fetched(settings).payloads == 0
    orthanc.store(scanned[1][0])  # of 1 October
    assert fetched(settings, NOW + timedelta(days=1)).payloads == 0
    again = installation(tmp_path, web_feed("qido", "dicomweb", orthanc.dicomweb, overlap_days=4))
    assert fetched(again, NOW + timedelta(days=1)).payloads == 1


FAULTS = {
    "429": status(429), "503": status(503), "500": status(500), "broken off": broken_off, "half": half,
    "web page": web_page, "drip": drip,
}  # fmt: skip


def fetched_through(settings: Settings, server: Server, faults: list[Any]) -> int:
    """Fetch until the server has run out of faults and a fetch succeeds; return how many fetches that took."""
    server.faults = list(faults)
    for number in range(1, 40):
        if fetched(settings).failed is None and not server.faults:
            return number
    pytest.fail("never whole")


def landed_objects(settings: Settings) -> set[str]:
    return {json.dumps(one, sort_keys=True) for payload in payloads(settings) for one in json.loads(payload)}


def through_faults(folder: Path, url: str) -> Settings:
    options = SINCE | {"detail": "instances", "page_size": 4, "answer_s": 0.5}
    return hospital(folder, web_feed("qido", "dicomweb", f"{url}/dicom-web", **options))


@pytest.mark.parametrize("fault", FAULTS)
def test_whatever_fails_half_way_the_same_objects_land_in_the_end(
    orthanc: Orthanc, scanned: tuple[Path, list[bytes], Any], tmp_path: Path, serve: Serve, fault: str
) -> None:
    for data in scanned[1]:
        orthanc.store(data)
    server = serve(orthanc.app)
    healthy = through_faults(tmp_path / "healthy", server.url)
    assert fetched_through(healthy, server, []) == 1
    chance = random.Random(5)  # noqa: S311 - a test's own dice
    settings = through_faults(tmp_path / "faulty", server.url)
    fetched_through(settings, server, [FAULTS[fault] if chance.random() < 0.3 else None for _ in range(20)])
    assert landed_objects(settings) == landed_objects(healthy)
    assert len(landed_objects(settings)) == len(scanned[1])


def test_facts_after_every_kind_of_fault_are_those_of_scanning_every_file(
    orthanc: Orthanc, scanned: tuple[Path, list[bytes], Any], tmp_path: Path, serve: Serve
) -> None:
    for data in scanned[1]:
        orthanc.store(data)
    same_key(tmp_path, scanned)
    server = serve(orthanc.app)
    settings = through_faults(tmp_path, server.url)
    chance = random.Random(20261125)  # noqa: S311 - a test's own dice
    kinds = [*FAULTS.values(), *[None] * 12]
    fetched_through(settings, server, [chance.choice(kinds) for _ in range(40)])
    assert facts(settings) == scanned[2]


def landed_studies(settings: Settings) -> list[str]:
    return sorted(json.loads(payload)[0]["0020000D"]["Value"][0] for payload in payloads(settings))


def items(settings: Settings) -> list[Any]:
    (feed,) = settings.feeds
    source = source_of(feed)
    return [item for path in source.files(feed, settings) for item in read_items(source, path, feed, settings)]


def paged(pages: Callable[[int, int], list[Any]]) -> App:
    """A QIDO server whose studies are what `pages(limit, offset)` says, each of one series."""

    def app(request: Request) -> Answer:
        if request.path.endswith("/series"):
            study = request.path.split("/")[-2]
            return Answer(content_type="application/dicom+json", body=json.dumps([series(study)]).encode())
        if request.query["StudyDate"] != ["20261003"]:
            return Answer(204, body=b"")
        limit, offset = (int(request.query[name][0]) for name in ("limit", "offset"))
        found = pages(limit, offset)
        return Answer(content_type="application/dicom+json", body=json.dumps(found).encode())

    return app


def study(number: int) -> dict[str, Any]:
    return {
        "0020000D": {"vr": "UI", "Value": [f"1.2.{number}"]},
        "00201206": {"vr": "IS", "Value": ["1"]},
        "00201208": {"vr": "IS", "Value": [12]},
    }


def series(study_uid: str) -> dict[str, Any]:
    return {
        "0020000D": {"vr": "UI", "Value": [study_uid]}, "0020000E": {"vr": "UI", "Value": [f"{study_uid}.1"]},
        "00080060": {"vr": "CS", "Value": ["CT"]}, "00080021": {"vr": "DA", "Value": ["20261003"]},
        "00080031": {"vr": "TM", "Value": ["120000"]}, "00201209": {"vr": "IS", "Value": ["12"]},
    }  # fmt: skip


STUDIES = [study(n) for n in range(7)]


@pytest.mark.parametrize(
    ("name", "pages"),
    [
        ("honest", lambda limit, offset: STUDIES[offset : offset + limit]),
        ("caps what it returns", lambda limit, offset: STUDIES[offset : offset + 2]),
        ("knows no paging", lambda limit, offset: STUDIES),
    ],
)
def test_servers_page_as_they_like_and_nothing_is_missed(serve: Serve, tmp_path: Path, name: str, pages: Any) -> None:
    server = serve(paged(pages))
    settings = installation(tmp_path, web_feed("qido", "dicomweb", server.url, page_size=3))
    result = fetched(settings)
    assert (result.failed, result.payloads) == (None, 7), name
    assert sorted(json.loads(p)[0]["0020000D"]["Value"][0] for p in payloads(settings)) == [
        f"1.2.{n}" for n in range(7)
    ]


def test_a_server_that_repeats_its_page_is_found_out_and_the_page_that_came_whole_is_kept(
    serve: Serve, tmp_path: Path
) -> None:
    server = serve(paged(lambda limit, offset: STUDIES[:limit]))
    settings = installation(tmp_path, web_feed("qido", "dicomweb", server.url, page_size=3))
    result = fetched(settings)
    assert result.failed == "the server repeats a page of a day's studies"
    assert result.payloads == 3
    assert read_cursor(tmp_path / "landing")["through"] == "2026-10-02"


def test_one_study_the_server_cannot_answer_for_does_not_hold_up_the_others(serve: Serve, tmp_path: Path) -> None:
    broken = {"1.2.3"}
    honest = paged(lambda limit, offset: STUDIES[offset : offset + limit])

    def app(request: Request) -> Answer:
        return Answer(500) if request.path.split("/")[-2] in broken else honest(request)

    settings = installation(tmp_path, web_feed("qido", "dicomweb", serve(app).url, page_size=3))
    result = fetched(settings)
    assert result.payloads == 6
    assert "1 studies were not answered" in (result.failed or "")
    assert "1.2.3" not in (result.failed or "")
    broken.clear()
    again = fetched(settings)
    assert again.failed is None
    assert landed_studies(settings) == [f"1.2.{n}" for n in range(7)]


@pytest.mark.parametrize("body", [b'{"a": 1}', b'"text"', b"[1, null, {}]", b"[[]]"])
def test_answers_that_are_no_studies_stop_nothing_but_themselves(serve: Serve, tmp_path: Path, body: bytes) -> None:
    def app(request: Request) -> Answer:
        first_page = request.query["StudyDate"] == ["20261003"] and request.query["offset"] == ["0"]
        return Answer(content_type="application/dicom+json", body=body if first_page else b"[]")

    settings = installation(tmp_path, web_feed("qido", "dicomweb", serve(app).url))
    result = fetched(settings)
    if body.startswith(b"["):
        assert result.failed is None
        assert len(items(settings)) == len(json.loads(body))
    else:
        assert "is no array" in (result.failed or "")


def test_check_says_what_answers_and_what_series_level_lacks(
    orthanc: Orthanc, scanned: tuple[Path, list[bytes], Any], tmp_path: Path, serve: Serve
) -> None:
    settings = installation(tmp_path, web_feed("qido", "dicomweb", orthanc.dicomweb))
    assert "no study to look at" in FETCHERS["qido"].check(settings.feeds[0], settings)
    orthanc.store(scanned[1][0])
    assert "has all attributes" in FETCHERS["qido"].check(settings.feeds[0], settings)

    def app(request: Request) -> Answer:
        found = [series("1.2.3")] if request.path.endswith("/series") else [study(3)]
        return Answer(content_type="application/dicom+json", body=json.dumps(found).encode())

    settings = installation(tmp_path, web_feed("qido", "dicomweb", serve(app).url))
    line = FETCHERS["qido"].check(settings.feeds[0], settings)
    assert "lacks AcquisitionDateTime or AcquisitionTime, StationName; times are coarser" in line
    assert not (tmp_path / "landing").exists()
    lines = list(pipeline.try_connections(settings))
    assert lines[0].startswith("ok  web")


@pytest.mark.parametrize(
    "options",
    [
        {"since": "yesterday"},
        {"detail": "all"},
        {"page_size": 0},
        {"colour": "red"},
        {"overlap_days": "two"},
        {"relational": True, "detail": "ends"},
    ],
)
def test_wrong_options_are_said(tmp_path: Path, options: dict[str, Any]) -> None:
    settings = installation(tmp_path, web_feed("qido", "dicomweb", "http://127.0.0.1:9", **options))
    with pytest.raises(ConfigurationError):
        fetched(settings)


def dose_reports() -> list[Path]:
    if not (CORPUS / "rdsr").exists():
        pytest.skip("the corpus of dose reports is not here")
    return sorted(p for p in (CORPUS / "rdsr").iterdir() if p.is_file())


def store_reports(orthanc: Orthanc, most: int) -> dict[str, Path]:
    """Store the first structured reports of the corpus that have a study date; return the files by SOP Instance UID."""
    stored: dict[str, Path] = {}
    for path in dose_reports():
        if len(stored) == most:
            break
        found = pydicom.dcmread(path, force=True, stop_before_pixels=True)
        if found.get("SOPClassUID") and found.get("StudyDate") and found.get("Modality") == "SR":
            orthanc.store(path.read_bytes())
            stored[str(found.SOPInstanceUID)] = path
    return stored


@pytest.mark.corpus
@pytest.mark.parametrize("most", [4, pytest.param(1000, marks=pytest.mark.slow)])
def test_every_dose_report_a_server_holds_is_retrieved_once(orthanc: Orthanc, tmp_path: Path, most: int) -> None:
    stored = store_reports(orthanc, most)
    days = {pydicom.dcmread(path, stop_before_pixels=True).StudyDate for path in stored.values()}
    came = []
    for day in sorted(days):
        at = datetime.strptime(day, "%Y%m%d").replace(hour=17, tzinfo=UTC)
        feed = web_feed("wado_reports", "dose_reports", orthanc.dicomweb, since=f"{at:%Y-%m-%d}")
        settings = installation(tmp_path / day, feed)
        assert fetched(settings, at).failed is None
        came += payloads(settings)
    uids = [str(pydicom.dcmread(BytesIO(data)).SOPInstanceUID) for data in came]
    assert len(uids) == len(set(uids)) >= min(most, 10)
    assert set(uids) == set(stored)


@pytest.mark.corpus
def test_reports_are_read_alike_from_the_server_and_from_files(orthanc: Orthanc, tmp_path: Path) -> None:
    path = next(p for p in dose_reports() if "GE" in p.name and p.suffix == ".dcm")
    orthanc.store(path.read_bytes())
    day = datetime.strptime(pydicom.dcmread(path).StudyDate, "%Y%m%d").replace(hour=17, tzinfo=UTC)
    feed = web_feed("wado_reports", "dose_reports", orthanc.dicomweb, since=f"{day:%Y-%m-%d}")
    settings = installation(tmp_path, feed)
    assert fetched(settings, day).payloads == 1
    (mine,) = items(settings)
    (theirs,) = source_of(settings.feeds[0]).read(path, settings.feeds[0], settings)
    assert isinstance(mine, Read)
    assert isinstance(theirs, Read)
    assert mine.records == theirs.records


BOUNDARY = (
    b"--b\r\nContent-Type: application/dicom\r\n\r\nONE\r\n--not it\r\n"
    b"--b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b--\r\n"
)


@pytest.mark.parametrize(
    ("content_type", "body", "found"),
    [
        ('multipart/related; type="application/dicom"; boundary=b', BOUNDARY, [b"ONE\r\n--not it"]),
        ('multipart/related; boundary="b"', BOUNDARY, [b"ONE\r\n--not it"]),
        ("multipart/related; boundary=b", b"preamble\r\n--b\r\n\r\nTWO\r\n--b--", [b"TWO"]),
        ("multipart/related; boundary=b", b"--b--", []),
        ("application/dicom", b"DICM", [b"DICM"]),
        ("multipart/related; boundary=b", b"--b\r\n\r\ncut off", None),
        ("multipart/related; boundary=b", b"", None),
        ("multipart/related", BOUNDARY, None),
        ("text/html", b"<html>", None),
    ],
)
def test_multipart_answers_are_taken_apart_or_refused(
    content_type: str, body: bytes, found: list[bytes] | None
) -> None:
    if found is None:
        with pytest.raises(PeerError):
            list(parts(body, content_type, "application/dicom"))
    else:
        assert list(parts(body, content_type, "application/dicom")) == found
