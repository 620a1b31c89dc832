"""The command line: exit codes, one line per refusal, no traceback."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import patch

import pytest
from filelock import FileLock

from etl.cli import main
from etl.jobs import JOBS
from etl.settings import load_settings

ROOT = Path(__file__).resolve().parents[2]
CORPUS = ROOT.parent / "shared" / "corpus"
ORDER = (
    "MSH|^~\\&|RIS|A|RP|A|20260901101500+0000||ORM^O01|1|P|2.5.1\rPID|||MRN0001^^^A||DOE^JANE\r"
    "ORC|NW|PL1|FL1||||||20260901101400+0000\rOBR|1|PL1|FL1|CTHEAD^CT head||||||||||||||ACC0001\r"
)


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


def _radpulse(*args: str, config: Path | None = None) -> Done:
    out, err = io.StringIO(), io.StringIO()
    environment = {"RADPULSE_CONFIG": str(config)} if config else {}
    with (
        patch.object(sys, "argv", ["radpulse", *args]),
        patch.dict(os.environ, environment),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        try:
            main()
            code = 0
        except SystemExit as ended:
            code = int(ended.code or 0)
    return Done(code, out.getvalue(), err.getvalue())


def _installation(folder: Path) -> Path:
    _radpulse("init", str(folder))
    (folder / "feeds").mkdir()
    toml = folder / "radpulse.toml"
    toml.write_text(
        toml.read_text()
        + '\n[[sites]]\ncode = "A"\nname = "A"\nzone = "Europe/London"\n'
        + '[[scanners]]\ncode = "CT1"\nsite = "A"\nmodality = "CT"\nname = "CT"\n'
        + '[[feeds]]\nkey = "a_hl7"\nkind = "hl7v2"\nsite = "A"\npath = "feeds"\n'
    )
    return toml


def test_init_makes_a_private_key_and_overwrites_nothing(tmp_path: Path) -> None:
    assert _radpulse("init", str(tmp_path)).returncode == 0
    key = tmp_path / "pseudonym.key"
    content = key.read_bytes()
    assert key.stat().st_mode & 0o777 == 0o600
    assert "kept" in _radpulse("init", str(tmp_path)).stdout
    assert key.read_bytes() == content


def test_the_installed_program_starts_quickly_and_helps() -> None:
    program = [sys.executable, "-X", "importtime", "-c", "from etl.cli import main; main()", "--help"]
    done = subprocess.run(program, capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert done.returncode == 0
    assert "doctor" in done.stdout
    assert not any(heavy in done.stderr for heavy in ("sklearn", "streamlit", " pandas", "pydicom"))


def test_missing_settings_are_a_configuration_error_in_one_line(tmp_path: Path) -> None:
    done = _radpulse("run", config=tmp_path / "none.toml")
    assert done.returncode == 78
    assert len(done.stderr.strip().splitlines()) == 1
    assert "radpulse init" in done.stderr


def test_every_bad_setting_is_listed_at_once(tmp_path: Path) -> None:
    toml = tmp_path / "radpulse.toml"
    toml.write_text('[warehouse]\nengin = "x"\nthreads = "many"\n')
    done = _radpulse("doctor", config=toml)
    assert done.returncode == 78
    assert "warehouse.engin" in done.stderr
    assert "warehouse.threads" in done.stderr


def test_start_is_refused_without_a_key(tmp_path: Path) -> None:
    toml = _installation(tmp_path / "i")
    (tmp_path / "i" / "pseudonym.key").unlink()
    done = _radpulse("ingest", config=toml)
    assert done.returncode == 78
    assert "key" in done.stderr


def test_a_second_run_leaves_with_75(tmp_path: Path) -> None:
    toml = _installation(tmp_path / "i")
    (tmp_path / "i" / "warehouse").mkdir()
    with FileLock(tmp_path / "i" / "warehouse" / "run.lock"):
        done = _radpulse("run", config=toml)
    assert done.returncode == 75
    assert len(done.stderr.strip().splitlines()) == 1


def test_run_ingests_refuses_replays_and_exports(tmp_path: Path) -> None:
    toml = _installation(tmp_path / "i")
    (tmp_path / "i" / "feeds" / "a.hl7").write_bytes((ORDER + ORDER + "MSH|garbled\r").encode())
    done = _radpulse("ingest", config=toml)
    assert done.returncode == 0, done.stderr
    assert "offered 3 = loaded 1 + unchanged 1 + quarantined 1 + filtered 0" in done.stdout
    assert "offered 0 =" in _radpulse("ingest", config=toml).stdout
    listed = _radpulse("quarantine", "list", config=toml).stdout.split()
    shown = json.loads(_radpulse("quarantine", "show", listed[0], config=toml).stdout)
    assert shown["feed_key"] == "a_hl7"
    again = _radpulse("quarantine", "replay", config=toml)
    assert "offered 1 = loaded 0 + unchanged 0 + quarantined 1" in again.stdout
    assert len(_radpulse("quarantine", "list", config=toml).stdout.splitlines()) == 1
    assert _radpulse("publish", config=toml).returncode == 0
    output = tmp_path / "out.csv"
    question = ("--kpi", "V01-orders", "--from", "2026-09-01", "--to", "2026-09-02", "--where", "site=A")
    done = _radpulse("export", *question, "-o", str(output), config=toml)
    assert done.returncode == 0, done.stderr
    assert output.read_text().splitlines()[1].split(",")[0] == "1"
    assert json.loads((tmp_path / "out.csv.json").read_text())["kpi_id"] == "V01-orders"
    assert not any(b"DOE" in p.read_bytes() for p in (tmp_path / "i").rglob("*") if p.is_file() and p.suffix != ".hl7")


@pytest.mark.parametrize(
    "question", [("--kpi", "T99"), ("--kpi", "U01", "--by", "priority"), ("--kpi", "T16", "--as", "x")]
)
def test_an_impossible_export_says_what_is_allowed(tmp_path: Path, question: tuple[str, ...]) -> None:
    toml = _installation(tmp_path / "i")
    _radpulse("ingest", config=toml)
    _radpulse("publish", config=toml)
    output = str(tmp_path / "o.csv")
    done = _radpulse("export", *question, "--from", "2026-09-01", "--to", "2026-09-02", "-o", output, config=toml)
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "o.csv").exists()


def test_inspect_reads_without_settings_and_masks(tmp_path: Path) -> None:
    file = tmp_path / "order.hl7"
    file.write_bytes(ORDER.encode())
    done = _radpulse("inspect", str(file))
    found = json.loads(done.stdout)
    assert done.returncode == 0
    assert found["messages"][0]["events"][0]["event_type"] == "order_entered"
    assert "ACC0001" not in done.stdout
    assert "DOE" not in done.stdout


@pytest.mark.parametrize("content", [b"", b"\x00" * 300, b"MSH|", b"{", b"not a format at all\n"])
def test_inspect_refuses_in_one_line(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "x.bin"
    file.write_bytes(content)
    done = _radpulse("inspect", str(file))
    assert done.returncode == 1
    assert done.stdout == ""
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.corpus
@pytest.mark.skipif(not CORPUS.exists(), reason="third-party corpus is not beside the checkout")
def test_inspect_gives_a_dose_reports_totals() -> None:
    done = _radpulse("inspect", str(CORPUS / "rdsr" / "orem-CT-RDSR-Siemens-Multi-3.dcm"))
    found = json.loads(done.stdout)
    assert len({e["irradiation_event_uid"] for e in found["events"]}) == 3
    assert found["totals"]["dlp_mgy_cm"] == pytest.approx(236.09)


def test_a_silent_peer_fails_the_check_and_doctor_says_who_fills_an_empty_feed(tmp_path: Path) -> None:
    toml = _installation(tmp_path / "i")
    feeds = '[[feeds]]\nkey = "far"\nkind = "fhir"\nsite = "A"\npath = "landing/far"\n'
    feeds += 'fetch = {kind = "fhir", url = "http://127.0.0.1:9/r4", resources = ["Task"], tries = 1}\n'
    feeds += '[[feeds]]\nkey = "near"\nkind = "hl7v2"\nsite = "A"\npath = "landing/near"\nlisten = {kind = "mllp"}\n'
    toml.write_text(toml.read_text() + feeds)
    checked = _radpulse("fetch", "--check", config=toml)
    assert checked.returncode == 1
    assert checked.stdout.startswith("FIX far")
    found = _radpulse("doctor", config=toml).stdout
    assert "`radpulse fetch --check --feed far`" in found
    assert "start `radpulse listen`" in found


def test_listings_of_nothing_say_so(tmp_path: Path) -> None:
    toml = _installation(tmp_path / "i")
    assert _radpulse("ingest", config=toml).returncode == 0
    assert _radpulse("unmatched", config=toml).stdout == "nothing without a partner\n"


def test_a_scheduled_ingest_says_which_feed_stopped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    toml = _installation(tmp_path / "i")
    feed = '[[feeds]]\nkey = "far"\nkind = "fhir"\nsite = "A"\npath = "landing/far"\n'
    feed += 'fetch = {kind = "fhir", url = "http://127.0.0.1:9/r4", resources = ["Task"], tries = 1}\n'
    (tmp_path / "i" / "feeds" / "a.hl7").write_bytes(ORDER.encode())
    toml.write_text(toml.read_text() + feed)
    (ingest,) = [job for job in JOBS if job.name == "ingest"]
    ingest.action(load_settings(toml), datetime(2026, 9, 1, tzinfo=UTC))
    assert "feed stopped, the others were read: far: 127.0.0.1:9" in capsys.readouterr().err
