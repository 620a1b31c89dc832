"""The MLLP listener as a process of its own, talked to over real sockets."""

from __future__ import annotations

import contextlib
import random
import resource
import secrets
import signal
import socket
import ssl
import statistics
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from etl import pipeline
from etl.errors import ConfigurationError
from etl.listeners import run_listeners
from etl.records import Read, Refused
from etl.sources import SOURCES
from etl.sources.landed import read_segment
from tests.etl.listeners.conftest import Certificates, Listening, Start
from tests.etl.listeners.mllp_client import END, START, codes, exchange, framed, message, receive

MLLP = '{ kind = "mllp", port = PORT }'
LONGEST_DELAY_S = 1.0


def payloads(listener: Listening) -> list[bytes]:
    if listener.process is not None:
        assert listener.stop() == 0
    return [frame.payload for frame in listener.landed()]


@contextmanager
def waiting_is_fine() -> Iterator[None]:
    try:
        yield
    except TimeoutError:
        return


@contextmanager
def gone_is_fine() -> Iterator[None]:
    try:
        yield
    except OSError:
        return


@pytest.fixture
def server(listening: Start) -> Listening:
    return listening(MLLP)


def test_an_acknowledged_message_lies_in_landing_even_when_the_process_dies_at_once(server: Listening) -> None:
    with server.connect() as connection:
        assert exchange(connection, message(1)) == ("AA", "C1")
    server.stop(signal.SIGKILL)
    assert payloads(server) == [message(1)]


def test_odd_senders_are_understood_and_what_they_sent_is_read(server: Listening) -> None:
    with server.connect() as connection:
        for byte in framed(message(1)):  # byte by byte
            connection.sendall(bytes([byte]))
        assert codes(receive(connection)) == [("AA", "C1")]
        connection.sendall(framed(message(2)) + START + framed(message(3)) + END)  # in one packet, blocks doubled
        answers = receive(connection)
        while len(codes(answers)) < 2:
            answers += receive(connection)
        assert codes(answers) == [("AA", "C2"), ("AA", "C3")]
        text = message(4) + b"NTE|1||page\x1cbreak\r"  # an end block's first half inside text
        assert exchange(connection, text) == ("AA", "C4")
        connection.sendall(START + message(5) + framed(message(6)))  # no end block behind the first
        answers = receive(connection)
        while len(codes(answers)) < 2:
            answers += receive(connection)
        assert codes(answers) == [("AE", "C5"), ("AA", "C6")]
    found = payloads(server)
    assert found == [message(1), message(2), message(3), text, START + message(5), message(6)]
    (segment,) = (server.folder / "landing").glob("*.seg")
    items = list(read_segment(SOURCES["hl7v2"], segment, server.feed, server.settings))
    assert [type(item) for item in items] == [Read, Read, Read, Read, Refused, Read]
    assert [item.control_id for item in items if isinstance(item, Read)] == ["C1", "C2", "C3", "C4", "C6"]


def test_what_cannot_be_a_message_is_answered_and_the_conversation_goes_on(server: Listening) -> None:
    with server.connect() as connection:
        assert exchange(connection, b"hello") == ("AR", "")
        assert exchange(connection, b"MSH|^~\\&|RIS") == ("AE", "")
        assert exchange(connection, message(1).replace(b"|P|", b"|T|")) == ("AR", "C1")
        assert exchange(connection, message(2).replace(b"2.5.1", b"3.1")) == ("AR", "C2")
        assert exchange(connection, message(3)) == ("AA", "C3")
    assert payloads(server) == [b"hello", b"MSH|^~\\&|RIS", message(3)]


def test_a_sender_gone_before_its_answer_finds_its_message_kept_once_it_sends_it_again(server: Listening) -> None:
    with server.connect() as connection:
        connection.sendall(framed(message(1)))
    with server.connect() as connection:
        assert exchange(connection, message(1)) == ("AA", "C1")
    assert set(payloads(server)) == {message(1)}
    assert events_in_warehouse(server) == 1


def test_a_torn_message_is_kept_as_torn_when_its_sender_leaves(server: Listening) -> None:
    with server.connect() as connection:
        connection.sendall(START + message(1)[:150])
        connection.shutdown(socket.SHUT_WR)
        assert codes(receive(connection)) == [("AE", "C1")]
    assert payloads(server) == [START + message(1)[:150]]


def test_a_silent_connection_is_closed_after_its_time_and_so_is_an_endless_message(listening: Start) -> None:
    server = listening('{ kind = "mllp", port = PORT, idle_s = 0.5, message_s = 1.0 }')
    began = time.monotonic()
    with server.connect() as silent:
        assert silent.recv(1) == b""
    assert 0.4 < time.monotonic() - began < 2
    began = time.monotonic()
    with server.connect() as slow:
        slow.sendall(START)
        slow.settimeout(0.2)
        answer = b""
        while time.monotonic() - began < 5 and not answer:
            with waiting_is_fine():
                slow.sendall(b"M")
                answer = slow.recv(4096)
    assert codes(answer) == [("AR", "")]
    assert 0.9 < time.monotonic() - began < 3


def test_a_connection_above_the_limit_is_closed_and_those_inside_go_on(listening: Start) -> None:
    server = listening('{ kind = "mllp", port = PORT, max_connections = 3 }')
    inside = [server.connect() for _ in range(3)]
    for number, connection in enumerate(inside):
        assert exchange(connection, message(number))[0] == "AA"
    with server.connect() as outside, pytest.raises((EOFError, ConnectionError)):
        exchange(outside, message(9))
    assert exchange(inside[0], message(10)) == ("AA", "C10")
    inside[1].close()
    time.sleep(0.2)
    with server.connect() as outside:
        assert exchange(outside, message(11)) == ("AA", "C11")
    for connection in inside:
        connection.close()


def test_unfinished_messages_of_all_together_stay_bounded_and_small_ones_pass(listening: Start) -> None:
    server = listening('{ kind = "mllp", port = PORT, held_bytes = 8388608 }')
    fat = [server.connect() for _ in range(6)]
    for connection in fat:
        connection.settimeout(2)
        with gone_is_fine():
            connection.sendall(START + b"x" * 3_000_000)
    with server.connect() as small:
        assert exchange(small, message(1)) == ("AA", "C1")
    until = time.monotonic() + 10
    while "held_bytes" not in server.log() and time.monotonic() < until:
        time.sleep(0.05)
    assert "held_bytes" in server.log()
    assert resident_mb(server) < 250
    for connection in fat:
        connection.close()


def resident_mb(server: Listening) -> float:
    assert server.process is not None
    text = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(next(line.split()[1] for line in text.splitlines() if line.startswith("VmHWM"))) / 1024


class Sender(threading.Thread):
    """Sends small messages one after another and notes how long each acknowledgement takes."""

    def __init__(self, server: Listening, name: str, context: ssl.SSLContext | None = None) -> None:
        super().__init__(daemon=True)
        self.server, self.prefix, self.context = server, name, context
        self.delays: list[float] = []
        self.failed: list[str] = []
        self.done = threading.Event()

    def run(self) -> None:
        with self.server.connect() as raw:
            connection = self.context.wrap_socket(raw, server_hostname="localhost") if self.context else raw
            while not self.done.is_set():
                number = f"{self.prefix}{len(self.delays)}"
                began = time.monotonic()
                code = exchange(connection, message(number))
                self.delays.append(time.monotonic() - began)
                if code != ("AA", f"C{number}"):
                    self.failed.append(str(code))
                time.sleep(0.005)


@contextmanager
def other_senders(server: Listening, context: ssl.SSLContext | None = None) -> Iterator[None]:
    """Three well-behaved senders beside whatever happens meanwhile; asserts what they felt of it."""
    senders = [Sender(server, f"S{n}-", context) for n in range(3)]
    for sender in senders:
        sender.start()
    time.sleep(0.3)
    yield
    time.sleep(0.3)
    for sender in senders:
        sender.done.set()
        sender.join(10)
    delays = [d for sender in senders for d in sender.delays]
    assert [f for sender in senders for f in sender.failed] == []
    assert min(len(sender.delays) for sender in senders) > 10
    print(f"{len(delays)} acks: median {statistics.median(delays) * 1000:.1f} ms, worst {max(delays) * 1000:.0f} ms")  # noqa: T201
    assert max(delays) < LONGEST_DELAY_S


def test_fifty_megabytes_without_an_end_are_refused_and_delay_nobody(server: Listening) -> None:
    before = resident_mb(server)
    with other_senders(server), server.connect() as endless:
        block = START + message(0) + b"x" * (1 << 20)
        answer = b""
        with gone_is_fine():
            for _ in range(50):
                endless.sendall(block)
                block = b"x" * (1 << 20)
        with gone_is_fine():
            answer = receive(endless)
        assert codes(answer) == [("AR", "C0")]
    assert resident_mb(server) - before < 80
    assert "longer than accepted" in server.log()


def test_the_largest_message_allowed_is_taken_and_delays_nobody(server: Listening) -> None:
    with other_senders(server), server.connect(30) as large:
        assert exchange(large, message(0, padding=16_000_000)) == ("AA", "C0")


def test_two_hundred_connections_that_drip_delay_nobody(server: Listening) -> None:
    slow = [server.connect() for _ in range(200)]
    with other_senders(server):
        for round_ in range(5):
            for connection in slow:
                connection.sendall(framed(message("slow"))[round_ : round_ + 1])
            time.sleep(0.2)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda c: c.close(), slow))


def tls(certificates: Certificates, *, mutual: bool) -> str:
    names = {"tls_cert": "server.pem", "tls_key": "server.key"} | ({"tls_ca": "ca.pem"} if mutual else {})
    lines = ", ".join(f'{key} = "{certificates.path(name)}"' for key, name in names.items())
    return f'{{ kind = "mllp", port = PORT, {lines} }}'


def try_as(who: str | None, server: Listening, certificates: Certificates) -> None:
    """Send a message without TLS ("plain"), without a certificate (None) or with one of its own authority."""
    with server.connect(5) as raw:
        if who == "plain":
            exchange(raw, message("wrong"))
        with certificates.client(who).wrap_socket(raw, server_hostname="localhost") as connection:
            exchange(connection, message("wrong"))


def test_only_senders_with_a_certificate_of_the_sites_authority_are_heard(
    listening: Start, certificates: Certificates
) -> None:
    server = listening(tls(certificates, mutual=True))
    with other_senders(server, certificates.client("client")):
        for number in range(60):
            with pytest.raises((OSError, EOFError)):
                try_as([None, "stranger", "plain"][number % 3], server, certificates)
    assert not [payload for payload in payloads(server) if b"Cwrong" in payload]


def test_tls_without_client_certificates_hides_the_messages_and_refuses_old_versions(
    listening: Start, certificates: Certificates
) -> None:
    server = listening(tls(certificates, mutual=False))
    context = certificates.client(None)
    with server.connect() as raw, context.wrap_socket(raw, server_hostname="localhost") as connection:
        assert connection.version() == "TLSv1.3"
        assert exchange(connection, message(1)) == ("AA", "C1")


@pytest.mark.parametrize(
    ("listen", "says"),
    [
        ('{ kind = "mllp", port = 0 }', "port"),
        ('{ kind = "mllp", port = PORT, colour = "red" }', "colour"),
        ('{ kind = "mllp", port = PORT, tls_cert = "a.pem" }', "tls_key"),
        ('{ kind = "mllp", port = PORT, tls_cert = "a.pem", tls_key = "a.key" }', "No such file"),
        ('{ kind = "mllp" }', "port"),
        ('{ kind = "mlp", port = PORT }', "mllp"),
    ],
)
def test_settings_that_cannot_be_stop_the_listener_with_one_line(listening: Start, listen: str, says: str) -> None:
    made = listening(listen, run=False)
    with pytest.raises(ConfigurationError) as stopped:
        run_listeners(made.settings, [made.feed])
    assert says in str(stopped.value)
    assert "\n" not in str(stopped.value)


def test_a_port_in_use_is_one_line_and_code_78(listening: Start) -> None:
    server = listening(MLLP, run=False)
    with socket.create_server(("127.0.0.1", server.port)):
        server.start(wait=False)
        assert server.process is not None
        assert server.process.wait(15) == 78
    text = (server.folder / "stderr.txt").read_text()
    assert "in use" in text
    assert len(text.splitlines()) == 1


def test_a_full_disk_rejects_messages_and_the_listener_lives_to_take_them_later(listening: Start) -> None:
    server = listening(MLLP)
    assert server.process is not None
    with server.connect() as connection:
        assert exchange(connection, message(1)) == ("AA", "C1")
        # a limit on file size ends a write half-way as a full disk does: a part is taken, then nothing
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
        assert exchange(connection, message(2, padding=2000)) == ("AR", "C2")
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        assert exchange(connection, message(3)) == ("AA", "C3")
    assert payloads(server) == [message(1), message(3)]


def events_in_warehouse(server: Listening) -> int:
    """Ingest all that landed; return how many distinct orders the warehouse then has, checked against its events."""
    from sqlalchemy import func, select

    from etl.warehouse.tables import event

    settings = server.settings
    with pipeline.exclusive(settings), pipeline.writer(settings) as engine:
        runs = pipeline.ingest(settings, engine)
        assert [run.stopped for run in runs] == [None]
        with engine.connect() as connection:
            total, orders = connection.execute(
                select(func.count(), func.count(func.distinct(event.c.accession_token)))
            ).one()
    assert total == orders
    return int(orders)


class Resender(threading.Thread):
    """Sends numbered messages, each until it is acknowledged, however often the listener dies."""

    def __init__(self, server: Listening, name: str, acknowledged: list[bytes]) -> None:
        super().__init__(daemon=True, name=name)
        self.server, self.prefix, self.acknowledged = server, name, acknowledged
        self.done = threading.Event()
        self.sent = 0
        self.again = 0

    def run(self) -> None:
        while not self.done.is_set():
            self.again += 1
            with gone_is_fine(), self.server.connect(5) as connection, contextlib.suppress(EOFError):
                while not self.done.is_set():
                    self._one(connection)
            time.sleep(0.02)

    def _one(self, connection: socket.socket) -> None:
        payload = message(f"{self.prefix}{self.sent}", padding=self.sent % 5000)
        if exchange(connection, payload)[0] == "AA":
            self.acknowledged.append(payload)
            self.sent += 1


@contextmanager
def senders(server: Listening, number: int) -> Iterator[list[Resender]]:
    """Senders beside whatever happens to the listener; compares what they heard with what is kept."""
    running = [Resender(server, f"R{n}-", []) for n in range(number)]
    for sender in running:
        sender.start()
    yield running
    server.start()
    for sender in running:
        sender.done.set()
    for sender in running:
        sender.join(20)
    kept = payloads(server)
    acknowledged = {payload for sender in running for payload in sender.acknowledged}
    again = sum(sender.again for sender in running)
    print(f"{len(acknowledged)} acknowledged, {len(kept)} frames, {again} connections")  # noqa: T201
    assert acknowledged - set(kept) == set()
    unheard = set(kept) - acknowledged  # kept, and the listener did not live to say so
    assert events_in_warehouse(server) == len(acknowledged | unheard)


def dice() -> random.Random:
    """Random numbers whose seed is printed."""
    seed = secrets.randbits(32)
    print(f"seed {seed}")  # noqa: T201
    return random.Random(seed)  # noqa: S311 - a test's own dice


def test_four_kills_of_the_command_lose_no_acknowledged_message_and_count_none_twice(listening: Start) -> None:
    server, chance = listening(MLLP, run=False), dice()
    with senders(server, 3) as running:
        for _ in range(4):
            server.start()
            time.sleep(chance.random() * 0.3)
            server.stop(signal.SIGKILL)
    assert sum(len(sender.acknowledged) for sender in running) > 4


def many_kills(server: Listening, number: int) -> None:
    chance, parent = dice(), server.forked()
    with senders(server, 4) as running:
        for _ in range(number):
            parent.start()
            time.sleep(0.02 + chance.random() * 0.4)
            parent.kill()
        parent.close()
    assert sum(len(sender.acknowledged) for sender in running) > number


def test_twelve_kills_of_a_listener_lose_no_acknowledged_message_and_count_none_twice(listening: Start) -> None:
    many_kills(listening(MLLP, run=False), 12)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_five_hundred_kills_lose_no_acknowledged_message_and_count_none_twice(listening: Start) -> None:
    many_kills(listening(MLLP, run=False), 500)


@pytest.mark.slow
def test_throughput_with_fsync_is_stated(server: Listening) -> None:
    def send(name: int, count: int) -> None:
        with server.connect() as connection:
            for number in range(count):
                exchange(connection, message(f"T{name}-{number}"))

    for connections, count in ((1, 1000), (20, 200)):
        began = time.monotonic()
        with ThreadPoolExecutor(connections) as pool:
            list(pool.map(lambda n, c=count: send(n, c), range(connections)))
        rate = connections * count / (time.monotonic() - began)
        print(f"{connections} connections: {rate:.0f} messages/s acknowledged after fsync")  # noqa: T201
        assert rate > 100
