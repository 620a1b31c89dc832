"""C-FIND against Orthanc and DCMTK's archive, and against a peer that limits, breaks off, fails and refuses."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset
from structlog.testing import capture_logs

from etl.errors import ConfigurationError, PeerError
from etl.fetchers import dimse
from etl.fetchers.base import Fetched, land, read_cursor
from etl.fetchers.cfind import STUDY_ROOT, CFind
from etl.landing import frames
from etl.pipeline import try_connections
from etl.records import Read, SeriesRecord
from etl.settings import Feed, Settings, Site
from etl.sources.dicomweb import DicomWeb
from etl.sources.landed import read_segment
from tests.etl.fetchers.dicom_peers import Scripted, dcmqrscp, image, orthanc, scripted, store
from tests.etl.listeners.conftest import Certificates
from tests.etl.listeners.conftest import certificates as certificates

NOW = datetime(2026, 3, 2, 23, tzinfo=UTC)
CT = "1.2.840.10008.5.1.4.1.1.2"


class Site1:
    """An installation with one feed that asks one peer."""

    def __init__(self, folder: Path, port: int, **options: Any) -> None:
        fetch = {"kind": "cfind", "host": "127.0.0.1", "port": port, "tries": 3, "backoff_s": 0.02, "timeout_s": 5}
        fetch |= {"since": "2026-03-01", "overlap_days": 1}
        self.feed = Feed(key="pacs", kind="dicomweb", site="N", path=Path("in"), fetch=fetch | options)
        self.settings = Settings(base=folder, sites=(Site(code="N", name="N", zone="UTC"),), feeds=(self.feed,))

    def fetch(self, now_at: datetime = NOW) -> Fetched:
        return land(CFind(), self.feed, self.settings, now_at)

    def cursor(self) -> dict[str, Any]:
        return read_cursor(self.settings.at(self.feed.path))

    def series(self, result: Fetched) -> list[SeriesRecord]:
        items = [i for path in result.segments for i in read_segment(DicomWeb(), path, self.feed, self.settings)]
        assert all(isinstance(item, Read) for item in items), items
        return [r for i in items if isinstance(i, Read) for r in i.records if isinstance(r, SeriesRecord)]


def archive(studies: int) -> list[Dataset]:
    """Studies of two series; the second has two instances."""
    return [image(s, *which) for s in range(studies) for which in ((1, 1), (2, 1), (2, 2))]


@pytest.fixture(scope="module")
def filled_orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """An Orthanc with 12 studies that gives at most 5 answers to a question."""
    with orthanc(tmp_path_factory.mktemp("orthanc"), LimitFindResults=5) as port:
        store(port, "ORTHANC", archive(12))
        yield port


def test_all_series_of_an_archive_that_limits_its_answers_are_found(filled_orthanc: int, tmp_path: Path) -> None:
    site = Site1(tmp_path, filled_orthanc, called_ae="ORTHANC")
    result = site.fetch()
    assert result.failed is None
    found = {r.series_instance_uid: r for r in site.series(result)}
    assert sorted(found) == sorted(f"1.2.3.{s}.{n}" for s in range(12) for n in (1, 2))
    one = found["1.2.3.7.2"]
    assert (one.number_of_instances, one.begin_at) == (2, datetime(2026, 3, 2, 0, 7, 2, tzinfo=UTC))
    assert (one.ids.accession_number, one.ids.patient_id, one.station_name) == ("ACC00007", "PAT00007", "CT01")
    assert (one.manufacturer, one.protocol_name) == ("MÄKER", "Schädel")
    assert site.cursor()["through"] == "2026-03-02"


def test_a_study_is_fetched_again_only_when_it_changed_or_came_late(filled_orthanc: int, tmp_path: Path) -> None:
    site = Site1(tmp_path, filled_orthanc, called_ae="ORTHANC")
    assert site.fetch().payloads == 12
    assert site.fetch().payloads == 0
    store(filled_orthanc, "ORTHANC", [image(3, 2, 3), image(900, day="20260301")])
    again = site.fetch()
    changed = {(r.series_instance_uid, r.number_of_instances) for r in site.series(again)}
    assert changed == {("1.2.3.3.1", 1), ("1.2.3.3.2", 3), ("1.2.3.900.1", 1)}


def test_another_archive_gives_what_it_has_and_what_it_lacks_is_said(tmp_path: Path) -> None:
    """DCMTK's archive answers neither counts nor stations nor series times: begins are those of the study."""
    (tmp_path / "qr").mkdir()
    with dcmqrscp(tmp_path / "qr") as port, capture_logs() as logs:
        store(port, "QRSCP", archive(8))
        site = Site1(tmp_path, port, called_ae="QRSCP", limit=5)
        found = site.series(site.fetch())
    assert len(found) == 16
    assert {r.time_source for r in found} == {"StudyTime"}
    (lacking,) = [entry["attributes"] for entry in logs if "does not answer" in entry["event"]]
    assert {"NumberOfSeriesRelatedInstances", "StationName", "SeriesTime"} <= set(lacking)
    assert not {"StudyInstanceUID", "AccessionNumber", "Modality"} & set(lacking)


def test_study_level_alone_is_brought_when_asked_for(filled_orthanc: int, tmp_path: Path) -> None:
    site = Site1(tmp_path, filled_orthanc, called_ae="ORTHANC", level="study")
    (result,) = [site.fetch()]
    items = [i for path in result.segments for i in read_segment(DicomWeb(), path, site.feed, site.settings)]
    assert {str(getattr(item, "reason", "read")) for item in items} == {"not_an_image"}
    assert len(items) >= 12


STUDIES = range(0, 1440, 60)  # one each hour


def day(event: Any, limit: int = 10_000, endless: bool = False) -> Iterator[tuple[int, Dataset | None]]:
    """Answer as an archive with a study each hour would."""
    query = event.identifier
    if query.QueryRetrieveLevel == "SERIES":
        found = [answer(query.StudyInstanceUID.split(".")[-1], series=True)]
    else:
        low, _, high = (query.get("StudyTime") or "").partition("-")
        told = [(n, f"{n // 60:02}{n % 60:02}00") for n in STUDIES if query.StudyDate == "20260302"]
        found = [answer(n) for n, time in told if not low or low <= time <= high]
    if len(found) > limit:
        yield 0xA700, None
        return
    for one in found * (1000 if endless and len(found) > 4 else 1):
        yield 0xFF00, one


def answer(study: int | str, *, series: bool = False) -> Dataset:
    found = Dataset()
    found.QueryRetrieveLevel = "SERIES" if series else "STUDY"
    found.StudyInstanceUID, found.StudyDate = f"1.2.{study}", "20260302"
    if series:
        found.SeriesInstanceUID, found.SeriesDate, found.SeriesTime, found.Modality = (
            f"1.2.{study}.1",
            "20260302",
            "1200",
            "CT",
        )
    else:
        found.AccessionNumber, found.NumberOfStudyRelatedInstances = f"A{study}", 1
    return found


EVERY = {f"A{n}" for n in STUDIES}


def accessions(site: Site1, result: Fetched) -> set[str | None]:
    return {record.ids.accession_number for record in site.series(result)}


def test_a_day_out_of_resources_is_halved_until_the_peer_can_answer(tmp_path: Path) -> None:
    with scripted(lambda event: day(event, limit=3)) as peer:
        site = Site1(tmp_path, peer.port)
        assert accessions(site, site.fetch()) == EVERY
    assert max(len(q.get("StudyTime") or "") for q in peer.queries) == len("000000-115959.999999")


def test_an_endless_answer_is_cancelled_and_asked_for_in_parts(tmp_path: Path) -> None:
    with scripted(lambda event: day(event, endless=True)) as peer:
        site = Site1(tmp_path, peer.port, limit=10)
        assert accessions(site, site.fetch()) == EVERY
    assert peer.canceled > 0


def test_a_peer_that_cannot_answer_for_a_minute_fails_and_its_slice_is_not_committed(tmp_path: Path) -> None:
    with scripted(lambda event: day(event, limit=-1)) as peer:
        site = Site1(tmp_path, peer.port)
        result = site.fetch()
    assert "too many answers within a minute" in str(result.failed)
    assert (result.payloads, site.cursor()) == (0, {})


def test_an_association_that_fails_twice_is_tried_again(tmp_path: Path) -> None:
    with scripted(day, refuse=2) as peer:
        site = Site1(tmp_path, peer.port)
        assert accessions(site, site.fetch()) == EVERY
    with scripted(day, refuse=3) as peer:
        site = Site1(tmp_path / "more", peer.port)
        assert "cannot be reached, or broke off" in str(site.fetch().failed)
    assert peer.associations == 3


def test_a_refusal_for_good_is_not_repeated(tmp_path: Path) -> None:
    with scripted(day, calling=["SOMEONE"]) as peer:
        result = Site1(tmp_path, peer.port).fetch()
    assert "refuses the association" in str(result.failed)
    assert "AE titles" in str(result.failed)
    assert peer.associations == 1


def breaking(times: int) -> Any:
    left = [times]

    def script(event: Any) -> Iterator[tuple[int, Dataset | None]]:
        for number, found in enumerate(day(event)):
            if number == 7 and left[0]:
                left[0] -= 1
                event.assoc.abort()
                return
            yield found

    return script


def test_an_answer_that_breaks_off_is_asked_for_again_and_gives_the_same(tmp_path: Path) -> None:
    with scripted(breaking(2)) as peer:
        site = Site1(tmp_path, peer.port)
        assert accessions(site, site.fetch()) == EVERY


def test_an_answer_that_always_breaks_off_commits_nothing_and_days_before_it_stay(tmp_path: Path) -> None:
    with scripted(breaking(99)) as peer:
        site = Site1(tmp_path, peer.port)
        result = site.fetch()
    assert "broke off in the middle" in str(result.failed)
    assert (result.payloads, site.cursor()["through"]) == (0, "2026-03-01")  # that day had no studies, and was whole
    with scripted(day) as peer:
        again = Site1(tmp_path, peer.port)
        assert accessions(again, again.fetch()) == EVERY


def test_a_failure_status_is_said_and_not_repeated(tmp_path: Path) -> None:
    with scripted(lambda _event: iter([(0xA900, None)])) as peer:
        result = Site1(tmp_path, peer.port).fetch()
    assert "status A900" in str(result.failed)
    assert len(peer.queries) == 1


def test_nobody_at_the_port_is_said_without_a_trace(tmp_path: Path) -> None:
    site = Site1(tmp_path, 1)
    assert "cannot be reached" in str(site.fetch().failed)


@contextmanager
def _latin(charset: bool) -> Iterator[Scripted]:
    def script(event: Any) -> Iterator[tuple[int, Dataset | None]]:
        for status, found in day(event):
            assert found is not None
            if event.identifier.QueryRetrieveLevel == "SERIES":
                found.add_new(0x00081010, "SH", "RÖ 1".encode("latin-1"))
                if charset:
                    found.SpecificCharacterSet = "ISO_IR 100"
            yield status, found

    with scripted(script) as peer:
        yield peer


@pytest.mark.parametrize(("declared", "options"), [(True, {}), (False, {"charset": "ISO_IR 100"})])
def test_the_character_set_of_answers_counts_or_the_one_a_site_names(
    tmp_path: Path, declared: bool, options: dict[str, str]
) -> None:
    with _latin(declared) as peer:
        site = Site1(tmp_path, peer.port, **options)
        assert {record.station_name for record in site.series(site.fetch())} == {"RÖ 1"}


def test_tls_is_spoken_and_an_unknown_authority_is_refused(tmp_path: Path, certificates: Certificates) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.path("server.pem"), certificates.path("server.key"))
    with scripted(day, tls=context) as peer:
        known = {"host": "localhost", "tls": True, "tls_ca": certificates.path("ca.pem")}
        site = Site1(tmp_path, peer.port, **known)
        assert accessions(site, site.fetch()) == EVERY
        stranger = Site1(tmp_path / "s", peer.port, **known | {"tls_ca": certificates.path("other-ca.pem")})
        assert stranger.fetch().failed is not None


def test_check_answers_with_an_echo_or_with_what_is_wrong(tmp_path: Path) -> None:
    with scripted(day) as peer:
        (line,) = try_connections(Site1(tmp_path, peer.port).settings)
        assert line.startswith("ok  pacs")
        assert "C-ECHO answered by ANY-SCP" in line
    (line,) = try_connections(Site1(tmp_path, peer.port, tries=1).settings)
    assert line.startswith("FIX pacs")
    with scripted(day, CT) as peer, pytest.raises(PeerError, match="accepts no Study Root"):
        CFind().check(Site1(tmp_path, peer.port).feed, Site1(tmp_path, peer.port).settings)


@pytest.mark.parametrize(
    "options",
    [
        {"level": "image"},
        {"limit": "many"},
        {"since": "soon"},
        {"overlap_days": "x"},
        {"colour": 1},
        {"tls": True, "tls_ca": "no"},
    ],
)
def test_options_that_cannot_be_are_refused(tmp_path: Path, options: dict[str, Any]) -> None:
    site = Site1(tmp_path, 1, **options)
    with pytest.raises(ConfigurationError):
        site.fetch()


class SlowGate(dimse.Gate):
    """A gate whose passer is held up by a busy machine right behind it."""

    def wait(self, timeout: float | None = None) -> bool:
        passed = super().wait(timeout)
        time.sleep(0.06)
        return passed


def test_no_answer_is_lost_when_the_associations_own_thread_is_held_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With pynetdicom's own checkpoint 19 of 20 questions lose an answer here."""
    as_json = dimse._json

    def slowly(found: Dataset, charset: str | None) -> dict[str, Any]:
        time.sleep(0.1)
        return as_json(found, charset)

    monkeypatch.setattr(dimse, "Gate", SlowGate)
    monkeypatch.setattr(dimse, "_json", slowly)

    def script(event: Any) -> Iterator[tuple[int, Dataset | None]]:
        yield from ((0xFF00, answer(n)) for n in range(2))

    with scripted(script) as peer:
        site = Site1(tmp_path, peer.port)
        asked = dimse.peer_of(site.feed, site.settings, {"host": "127.0.0.1", "port": peer.port})
        with dimse.associated(asked, STUDY_ROOT) as association:
            found = [len(dimse.find(association, asked, STUDY_ROOT, answer(1))) for _ in range(6)]
    assert found == [2] * 6


@pytest.mark.slow
def test_two_thousand_studies_are_fetched_and_not_fetched_again(tmp_path: Path) -> None:
    (tmp_path / "orthanc").mkdir()
    with orthanc(tmp_path / "orthanc", LimitFindResults=200) as port:
        for start in range(0, 2000, 250):
            store(port, "ORTHANC", [image(s, n) for s in range(start, start + 250) for n in (1, 2)])
        site = Site1(tmp_path, port, called_ae="ORTHANC", timeout_s=30)
        result = site.fetch()
        assert len(site.series(result)) == 4000
        assert site.fetch().payloads == 0
    assert sum(1 for path in result.segments for _ in frames(path)) == 2000
