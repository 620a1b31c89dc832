"""Real servers of files, started by the tests: S3 (moto's server), SFTP (sshd), SMB (smbd)."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

SSHD = shutil.which("sshd") or "/usr/sbin/sshd"
SMBD = shutil.which("smbd") or "/usr/sbin/smbd"
STARTED_S = 30


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + STARTED_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            pytest.skip(f"the server ended at once with code {process.returncode}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    pytest.fail(f"no server on port {port} within {STARTED_S} s")


def stopped(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(10)


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    """An S3-compatible server in a process of its own."""
    pytest.importorskip("moto.server", reason="moto's server is not installed")
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(port, process)
        yield f"http://127.0.0.1:{port}"
    finally:
        stopped(process)


@dataclass(frozen=True)
class SftpServer:
    """A running sshd: where it listens, which files it shows, and what a client needs."""

    port: int
    files: Path
    key_file: Path
    fingerprint: str
    user: str
    process: subprocess.Popen[bytes]


@pytest.fixture
def sftp_server(tmp_path: Path) -> Iterator[SftpServer]:
    """A real sshd with a host key and one authorized key of its own."""
    if not Path(SSHD).exists():
        pytest.skip("openssh-server is not installed")
    folder = tmp_path / "sshd"
    folder.mkdir(mode=0o700)
    files = tmp_path / "shown"
    files.mkdir()
    for name in ("host", "client"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True)
    (folder / "authorized_keys").write_text((folder / "client.pub").read_text())
    (folder / "authorized_keys").chmod(0o600)
    Path("/run/sshd").mkdir(exist_ok=True)  # its privilege separation folder; only root needs it
    port = free_port()
    (folder / "config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\nAuthorizedKeysFile {folder}/authorized_keys\n"
        f"PidFile {folder}/pid\nPasswordAuthentication no\nStrictModes no\nUsePAM no\nPermitRootLogin yes\n"
        "Subsystem sftp internal-sftp\n"
    )
    shown = subprocess.run(["ssh-keygen", "-l", "-f", f"{folder}/host.pub"], check=True, capture_output=True, text=True)
    process = subprocess.Popen([SSHD, "-D", "-f", str(folder / "config")], stderr=subprocess.DEVNULL)
    try:
        wait_for(port, process)
        user = os.environ.get("USER") or subprocess.check_output(["id", "-un"], text=True).strip()
        yield SftpServer(port, files, folder / "client", shown.stdout.split()[1], user, process)
    finally:
        stopped(process)


@dataclass(frozen=True)
class SmbServer:
    """A running smbd with one share for guests."""

    port: int
    files: Path


@pytest.fixture
def smb_server(tmp_path: Path) -> Iterator[SmbServer]:
    """A real smbd on a high port, with everything it writes below the test's folder."""
    if not Path(SMBD).exists():
        pytest.skip("samba is not installed")
    base, files = tmp_path / "smbd", tmp_path / "shown"
    for folder in (base, base / "private", base / "lock", files):
        folder.mkdir()
    port = free_port()
    user = subprocess.check_output(["id", "-un"], text=True).strip()
    (base / "smb.conf").write_text(
        f"[global]\nserver role = standalone server\nsmb ports = {port}\ninterfaces = lo\nbind interfaces only = yes\n"
        f"private dir = {base}/private\nlock directory = {base}/lock\nstate directory = {base}/lock\n"
        f"cache directory = {base}/lock\npid directory = {base}/lock\nncalrpc dir = {base}/lock/ncalrpc\n"
        f"passdb backend = tdbsam:{base}/private/passdb.tdb\nlog file = {base}/log\nload printers = no\n"
        "disable spoolss = yes\nserver signing = auto\nmap to guest = never\n"
        f"[shown]\npath = {files}\nread only = yes\nvalid users = {user}\n"
    )
    added = subprocess.run(
        ["smbpasswd", "-c", str(base / "smb.conf"), "-a", "-s", user],
        input=b"Correct-Horse-7\nCorrect-Horse-7\n", capture_output=True,
    )  # fmt: skip
    if added.returncode:
        pytest.skip("smbpasswd cannot add a user here")
    command = [SMBD, "--foreground", "--no-process-group", "-s", str(base / "smb.conf"), "--debug-stdout"]
    # a session of its own: when it ends it ends its whole process group, which must not be ours
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        wait_for(port, process)
        yield SmbServer(port, files)
    finally:
        stopped(process)
