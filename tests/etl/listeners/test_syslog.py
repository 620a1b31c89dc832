"""The syslog listener as a process of its own, fed by `logger`, rsyslog and plain sockets."""

from __future__ import annotations

import contextlib
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from etl.errors import ConfigurationError
from etl.listeners import run_listeners
from etl.records import Filtered, Read, SourceItem
from etl.sources import SOURCES
from etl.sources.landed import read_segment
from tests.etl.listeners.conftest import Certificates, Listening, Start, free_port

BOTH = '{ kind = "syslog", port = PORT, transport = ["tcp", "udp"] }'
AUDIT = (
    '<?xml version="1.0" encoding="UTF-8"?><AuditMessage><EventIdentification EventActionCode="E" '
    'EventDateTime="2026-09-10T12:00:00.5-04:00" EventOutcomeIndicator="0"><EventID csd-code="SOLE" '
    'codeSystemName="IHE-RAD" originalText="Imaging Operational Event"/><EventTypeCode csd-code="RID45813" '
    'codeSystemName="RadLex" originalText="Order Entered"/></EventIdentification><ActiveParticipant UserID="E7" '
    'UserIsRequestor="true"><RoleIDCode csd-code="121096" codeSystemName="DCM" originalText="Requesting"/>'
    '</ActiveParticipant><AuditSourceIdentification AuditSourceID="ORDERS"/><ParticipantObjectIdentification '
    'ParticipantObjectID="{n}" ParticipantObjectTypeCode="2" ParticipantObjectTypeCodeRole="4">'
    '<ParticipantObjectIDTypeCode csd-code="121022" codeSystemName="DCM" originalText="Accession Number"/>'
    "</ParticipantObjectIdentification></AuditMessage>"
)


def syslog(n: object, app: str = "IHE+SOLE") -> bytes:
    text = AUDIT.replace("{n}", str(n))
    return f"<85>1 2026-09-10T16:00:01.000Z ris.example {app} 12 RID45813 - \ufeff{text}".encode()


def items(server: Listening) -> list[SourceItem]:
    assert server.stop() == 0
    segments = sorted((server.folder / "landing").glob("*.seg"))
    return [i for s in segments for i in read_segment(SOURCES["sole"], s, server.feed, server.settings)]


def accessions(found: list[SourceItem]) -> list[str | None]:
    records = [record for item in found if isinstance(item, Read) for record in item.records]
    assert all(r.occurred_at.isoformat() == "2026-09-10T16:00:00.500000+00:00" for r in records)  # type: ignore[union-attr]  # events
    return sorted(r.ids.accession_number or "" for r in records)  # type: ignore[union-attr]  # events


def until_landed(server: Listening, size: int) -> None:
    """Syslog has no acknowledgement: wait until so many bytes lie in landing."""
    landing = server.folder / "landing"
    deadline = time.monotonic() + 15
    while sum(path.stat().st_size for path in landing.glob("*.[sp]*")) < size:
        assert time.monotonic() < deadline, "not landed within 15 s"
        time.sleep(0.02)


def test_udp_datagrams_and_both_tcp_framings_are_read_and_other_programs_filtered(listening: Start) -> None:
    server = listening(BOTH, "sole")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        for n in range(50):
            udp.sendto(syslog(f"U{n:02}"), ("127.0.0.1", server.port))
        udp.sendto(syslog("X", app="su"), ("127.0.0.1", server.port))
    with server.connect() as tcp:
        for n in range(50):
            message = syslog(f"C{n:02}")
            tcp.sendall(b"%d %s" % (len(message), message))
        for n in range(50):
            tcp.sendall(syslog(f"L{n:02}") + b"\n")
    until_landed(server, 151 * len(syslog("U00")))
    found = items(server)
    assert len(found) == 151
    assert accessions(found) == sorted(f"{kind}{n:02}" for kind in "CLU" for n in range(50))
    assert sum(isinstance(item, Filtered) for item in found) == 1


def test_messages_over_tls_come_from_holders_of_a_certificate_only(
    listening: Start, certificates: Certificates
) -> None:
    files = {"tls_cert": "server.pem", "tls_key": "server.key", "tls_ca": "ca.pem"}
    tls = ", ".join(f'{k} = "{certificates.path(v)}"' for k, v in files.items())
    server = listening(f'{{ kind = "syslog", port = PORT, {tls} }}', "sole")
    message = syslog("T1")
    stranger = certificates.client("stranger")
    with (
        contextlib.suppress(OSError),
        server.connect() as raw,
        stranger.wrap_socket(raw, server_hostname="localhost") as connection,
    ):
        connection.sendall(b"%d %s" % (len(message), message))
        connection.recv(1)
    message = syslog("T2")
    context = certificates.client("client")
    with server.connect() as raw, context.wrap_socket(raw, server_hostname="localhost") as connection:
        connection.sendall(b"%d %s" % (len(message), message))
        until_landed(server, len(message))
    assert accessions(items(server)) == ["T2"]


def test_what_was_received_before_a_stop_is_kept(listening: Start) -> None:
    server = listening(BOTH, "sole")
    with server.connect() as tcp:
        for n in range(2000):
            tcp.sendall(syslog(f"{n:04}") + b"\n")
        until_landed(server, 10_000)
        found = accessions(items(server))
    assert found == [f"{n:04}" for n in range(len(found))]  # a whole beginning, nothing torn


def test_a_sender_that_counts_wrongly_is_cut_off_and_others_go_on(listening: Start) -> None:
    server = listening(BOTH, "sole")
    with server.connect() as good, server.connect() as bad:
        good.sendall(syslog("A1") + b"\n")
        bad.sendall(b"999999999 <85>1 ")
        assert bad.recv(1) == b""
        good.sendall(syslog("A2") + b"\n")
        until_landed(server, 2 * len(syslog("A1")))
    assert accessions(items(server)) == ["A1", "A2"]


def test_udp_beside_certificates_is_refused(listening: Start, certificates: Certificates) -> None:
    tls = f'tls_cert = "{certificates.path("server.pem")}", tls_key = "{certificates.path("server.key")}"'
    made = listening(f'{{ kind = "syslog", port = PORT, transport = ["udp"], {tls} }}', "sole", run=False)
    with pytest.raises(ConfigurationError, match="transport"):
        run_listeners(made.settings, [made.feed])


@pytest.mark.skipif(shutil.which("logger") is None, reason="util-linux logger is not installed")
@pytest.mark.parametrize("way", [["--udp"], ["--tcp"], ["--tcp", "--octet-count"]], ids=["udp", "tcp", "octet-count"])
def test_logger_of_util_linux_is_understood(listening: Start, way: list[str]) -> None:
    server = listening(BOTH, "sole")
    command = ["logger", "--server", "127.0.0.1", "--port", str(server.port), "--rfc5424", *way, "--size", "8KiB",
               "--tag", "IHE+SOLE", "--msgid", "RID45813", "--priority", "auth.notice"]  # fmt: skip
    for n in range(5):
        subprocess.run([*command, AUDIT.replace("{n}", str(n))], check=True, timeout=20)
    until_landed(server, 5 * len(AUDIT))
    assert accessions(items(server)) == [str(n) for n in range(5)]


RSYSLOG = """\
module(load="imudp")
input(type="imudp" port="{udp}" address="127.0.0.1" ruleset="relay")
template(name="asis" type="string"
 string="<%PRI%>1 %TIMESTAMP:::date-rfc3339% %HOSTNAME% %APP-NAME% %PROCID% %MSGID% %STRUCTURED-DATA% %msg%\\n")
ruleset(name="relay") {{
  action(type="omfwd" target="127.0.0.1" port="{tcp}" protocol="tcp" TCP_Framing="octet-counted" template="asis"
         queue.type="LinkedList" action.resumeRetryCount="-1" action.resumeInterval="1")
}}
global(workDirectory="{folder}" maxMessageSize="64k")
"""


@pytest.mark.skipif(shutil.which("rsyslogd") is None, reason="rsyslog is not installed")
def test_rsyslog_relays_to_us_and_sends_on_after_we_were_away(listening: Start, tmp_path: Path) -> None:
    server = listening(BOTH, "sole")
    udp = free_port()
    (tmp_path / "rsyslog.conf").write_text(RSYSLOG.format(udp=udp, tcp=server.port, folder=tmp_path))
    command = ["rsyslogd", "-n", "-f", str(tmp_path / "rsyslog.conf"), "-i", str(tmp_path / "rsyslog.pid")]
    relay = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        time.sleep(1)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(syslog("before"), ("127.0.0.1", udp))
            until_landed(server, len(AUDIT))
            server.stop(signal.SIGTERM)
            server.start()
            time.sleep(0.3)
            for n in range(20):
                sender.sendto(syslog(f"after{n:02}"), ("127.0.0.1", udp))
                time.sleep(0.05)
        until_landed(server, 19 * len(AUDIT))
        time.sleep(0.5)
    finally:
        relay.terminate()
        relay.wait(10)
    found = accessions(items(server))
    assert found[-1] == "before"
    assert len(found) >= 20  # plain TCP syslog may lose what was on its way when we stopped: RFC 6587 4
