"""The fetcher `folder` against real servers: S3 (moto), SFTP (sshd), SMB (smbd)."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from etl import pipeline
from etl.errors import ConfigurationError
from etl.fetchers import folder
from etl.fetchers.base import Fetched, land
from etl.fetchers.folder import Folder
from etl.settings import Feed, Settings, Site

SECRET, USER = "s3cret-AKEYLIKETHIS-9", "AKIDEXAMPLE7"


def settings_of(base: Path, fetch: dict[str, Any], kind: str = "hl7v2") -> Settings:
    feed = Feed(key="f", kind=kind, site="S", path=Path("in"), fetch={"kind": "folder", **fetch})
    return Settings(base=base, sites=(Site(code="S", name="S", zone="America/New_York"),), feeds=(feed,))


def fetched(settings: Settings, later: timedelta = timedelta(minutes=5)) -> Fetched:
    return land(Folder(), settings.feeds[0], settings, datetime.now(UTC) + later)


def landed(base: Path) -> list[bytes]:
    return sorted(p.read_bytes() for p in (base / "in").iterdir() if not p.name.startswith("."))


def everything_written(base: Path) -> bytes:
    written = (base / "in").rglob("*") if (base / "in").exists() else ()
    return b"\n".join([p.name.encode() + p.read_bytes() for p in written if p.is_file()])


# ---- S3 --------------------------------------------------------------------------------------------------------


@pytest.fixture
def bucket(s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A fresh bucket, its name, and a client to fill it."""
    boto = pytest.importorskip("s3fs")
    monkeypatch.setenv("S3_SECRET", SECRET)
    filesystem = boto.S3FileSystem(
        key=USER, secret=SECRET, endpoint_url=s3_endpoint, use_listings_cache=False, skip_instance_cache=True
    )
    name = f"radiology-{time.time_ns()}"
    filesystem.mkdir(name)
    return name, filesystem, {"url": f"s3://{name}/out", "user": USER, "password": "env:S3_SECRET",
                             "endpoint_url": s3_endpoint, "region": "us-east-1"}  # fmt: skip


def test_s3_objects_come_once_and_again_when_replaced(bucket: Any, tmp_path: Path) -> None:
    name, filesystem, fetch = bucket
    large = random.Random(1).randbytes(3_500_000)  # noqa: S311 - a test's bytes
    filesystem.pipe({f"{name}/out/a.hl7": b"one", f"{name}/out/2026/10/b.hl7": large, f"{name}/elsewhere/c.hl7": b"no"})
    settings = settings_of(tmp_path, fetch)
    assert fetched(settings).payloads == 2
    assert landed(tmp_path) == sorted([b"one", large])
    assert fetched(settings).payloads == 0
    filesystem.pipe(f"{name}/out/a.hl7", b"two")  # as long as before, perhaps within the same second
    assert fetched(settings).payloads == 1
    assert landed(tmp_path) == sorted([b"two", large])
    (line,) = pipeline.try_connections(settings)
    assert line.startswith("ok")
    assert "2 files to fetch" in line


def test_many_s3_objects_come_in_pages_each_with_its_cursor(
    bucket: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder, "PAGE_FILES", 50)
    name, filesystem, fetch = bucket
    filesystem.pipe({f"{name}/out/{n}.hl7": str(n).encode() for n in range(120)})
    result = fetched(settings_of(tmp_path, fetch))
    assert (result.payloads, result.pages, result.failed) == (120, 3, None)


def test_an_s3_image_is_fetched_as_far_as_its_pixels_and_read_as_if_whole(bucket: Any, tmp_path: Path) -> None:
    from etl.sources.dicom_files import DicomFiles

    name, filesystem, fetch = bucket
    image = tmp_path / "1.dcm"
    _write_image(image, pixels=6_000_000)
    filesystem.pipe(f"{name}/out/DOE^JANE/1.dcm", image.read_bytes())
    settings = settings_of(tmp_path, fetch, "dicom_files")
    assert fetched(settings).failed is None
    (path,) = DicomFiles().files(settings.feeds[0], settings)
    assert "DOE" not in str(path)
    assert path.stat().st_size == image.stat().st_size
    assert path.stat().st_blocks * 512 < 200_000  # the pixels are a hole
    whole = list(DicomFiles().read(image, settings.feeds[0], settings))
    assert [item.records for item in DicomFiles().read(path, settings.feeds[0], settings)] == [  # type: ignore[union-attr]  # both are read
        item.records
        for item in whole  # type: ignore[union-attr]  # both are read
    ]


def _write_image(path: Path, pixels: int) -> None:
    import pydicom
    from pydicom.dataset import Dataset, FileMetaDataset

    image = Dataset()
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    image.SOPClassUID = image.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID = "1.2.3.4"
    image.StudyInstanceUID, image.SeriesInstanceUID, image.Modality = "1.2.3", "1.2.3.1", "CT"
    image.AcquisitionDateTime = "20261001100000"
    image.add_new(0x7FE00010, "OW", b"\1" * pixels)
    pydicom.dcmwrite(path, image, enforce_file_format=True)


@pytest.mark.parametrize("change", [{"url": "s3://no-such-bucket-7/x"}, {"endpoint_url": "http://127.0.0.1:9"}])
def test_an_s3_server_or_bucket_that_is_not_there_is_a_failed_fetch(
    change: dict[str, str], bucket: Any, tmp_path: Path
) -> None:
    result = fetched(settings_of(tmp_path, {**bucket[2], **change}))
    assert result.failed
    assert (SECRET in result.failed, USER in result.failed) == (False, False)


def test_s3_credentials_are_nowhere_but_in_their_variable(
    bucket: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    name, filesystem, fetch = bucket
    filesystem.pipe(f"{name}/out/a.hl7", b"one")
    caplog.set_level("INFO")
    settings = settings_of(tmp_path, fetch)
    pipeline.fetch(settings)
    list(pipeline.try_connections(settings_of(tmp_path, {**fetch, "url": "s3://no-such-bucket-7"})))
    printed = "".join(capsys.readouterr())
    for secret in (SECRET, USER):
        assert secret not in caplog.text + printed
        assert secret.encode() not in everything_written(tmp_path)


# ---- SFTP ------------------------------------------------------------------------------------------------------


@pytest.fixture
def sftp(sftp_server: Any, tmp_path: Path) -> dict[str, Any]:
    """The options of a feed that fetches from the SFTP server."""
    server = sftp_server
    return {"url": f"sftp://127.0.0.1:{server.port}{server.files}", "user": server.user,
            "key": f"file:{server.key_file}", "host_key": server.fingerprint}  # fmt: skip


def test_sftp_files_come_once_and_again_when_they_changed(sftp: Any, sftp_server: Any, tmp_path: Path) -> None:
    large = random.Random(2).randbytes(2_500_000)  # noqa: S311 - a test's bytes
    (sftp_server.files / "sub").mkdir()
    (sftp_server.files / "a.hl7").write_bytes(b"one")
    (sftp_server.files / "sub" / "ü b.hl7").write_bytes(large)
    (sftp_server.files / "loop").symlink_to(sftp_server.files)
    settings = settings_of(tmp_path, sftp)
    assert fetched(settings, timedelta()).payloads == 0  # they may still grow
    result = fetched(settings)
    assert (result.payloads, result.failed) == (2, None)
    assert landed(tmp_path) == sorted([b"one", large])
    assert fetched(settings).payloads == 0
    (sftp_server.files / "a.hl7").write_bytes(b"one more")
    assert fetched(settings).payloads == 1
    (line,) = pipeline.try_connections(settings)
    assert line.startswith("ok")
    assert "2 files to fetch" in line


def test_an_unknown_host_key_is_refused_with_the_line_to_write(sftp: Any, sftp_server: Any, tmp_path: Path) -> None:
    del sftp["host_key"]
    with pytest.raises(ConfigurationError) as refusal:
        fetched(settings_of(tmp_path, sftp))
    assert sftp_server.fingerprint in str(refusal.value)
    sftp["host_key"] = "SHA256:" + "A" * 43
    with pytest.raises(ConfigurationError, match="is not the key the server shows"):
        fetched(settings_of(tmp_path, sftp))


def test_a_foreign_sftp_key_is_a_failed_fetch_that_names_no_secret(sftp: Any, sftp_server: Any, tmp_path: Path) -> None:
    other = tmp_path / "other"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(other)], check=True)
    result = fetched(settings_of(tmp_path, {**sftp, "key": f"file:{other}"}))
    assert result.failed == f"{sftp['url']}: AuthenticationException"
    other.write_text("no key at all")
    with pytest.raises(ConfigurationError, match="is no private key") as refusal:
        fetched(settings_of(tmp_path, {**sftp, "key": f"file:{other}"}))
    assert "no key at all" not in str(refusal.value)


def test_a_connection_that_drops_within_a_file_keeps_what_came_whole(
    sftp: Any, sftp_server: Any, tmp_path: Path
) -> None:
    for n in range(3):
        (sftp_server.files / f"{n}.hl7").write_bytes(str(n).encode())
        os.utime(sftp_server.files / f"{n}.hl7", (1_790_000_000 + n,) * 2)
    large = sftp_server.files / "9.hl7"
    large.write_bytes(b"x" * 200_000_000)

    def cut() -> None:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and not list((tmp_path / "in").glob(".9~*.tmp")):
            time.sleep(0.01)
        sessions = subprocess.run(["pgrep", "-P", str(sftp_server.process.pid)], capture_output=True, text=True)
        for pid in _with_children(sessions.stdout.split()):
            os.kill(int(pid), signal.SIGKILL)

    thread = threading.Thread(target=cut)
    thread.start()
    result = fetched(settings_of(tmp_path, sftp))
    thread.join()
    assert result.failed is not None
    assert result.payloads == 3
    assert landed(tmp_path) == [b"0", b"1", b"2"]
    assert not list((tmp_path / "in").glob(".9~*"))
    large.write_bytes(b"whole")
    assert fetched(settings_of(tmp_path, sftp)).payloads == 1
    assert landed(tmp_path) == [b"0", b"1", b"2", b"whole"]


def _with_children(pids: list[str]) -> list[str]:
    found = list(pids)
    for pid in pids:
        children = subprocess.run(["pgrep", "-P", pid], capture_output=True, text=True).stdout.split()
        found += _with_children(children)
    return found


# ---- SMB -------------------------------------------------------------------------------------------------------


def test_smb_files_come_once(smb_server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMB_PASSWORD", "Correct-Horse-7")
    user = subprocess.check_output(["id", "-un"], text=True).strip()
    (smb_server.files / "sub").mkdir()
    (smb_server.files / "a.hl7").write_bytes(b"one")
    (smb_server.files / "sub" / "b.hl7").write_bytes(b"x" * 2_500_000)
    fetch = {"url": f"smb://127.0.0.1:{smb_server.port}/shown", "user": user, "password": "env:SMB_PASSWORD"}
    settings = settings_of(tmp_path, fetch)
    result = fetched(settings)
    assert (result.payloads, result.failed) == (2, None)
    assert landed(tmp_path) == sorted([b"one", b"x" * 2_500_000])
    assert fetched(settings).payloads == 0
    monkeypatch.setenv("SMB_PASSWORD", "wrong")
    failed = fetched(settings).failed
    assert failed is not None
    assert "wrong" not in failed
