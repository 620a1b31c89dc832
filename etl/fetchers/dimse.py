"""C-FIND and C-ECHO as a service user: one association a question, retried where trying again can help (PS3.4 C, K)."""

from __future__ import annotations

import json
import logging
import random
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from etl.errors import ConfigurationError, PeerError
from etl.settings import Feed, Settings

if TYPE_CHECKING:
    from pydicom.dataset import Dataset
    from pynetdicom import AE
    from pynetdicom.association import Association

VERIFICATION = "1.2.840.10008.1.1"
OPTIONS = frozenset(
    (
        *("host", "port", "called_ae", "calling_ae", "timeout_s", "tries", "backoff_s", "limit", "charset"),
        *("tls", "tls_ca", "tls_cert", "tls_key"),
    )
)
PENDING = (0xFF00, 0xFF01)
# PS3.4 C.4.1.1.4 out of resources; C.6.4 response limit; a cancel nobody asked for is how some archives say it too
TOO_MANY = (0xA700, 0xB001, 0xFE00)
LONGEST_WAIT_S = 30.0
DAY_S, SHORTEST_S = 86_400, 60
ANSWERS_AFTER_CANCEL = 10_000  # a peer that goes on for longer does not know C-CANCEL

DataSet = dict[str, Any]  # DICOM JSON
T = TypeVar("T")


class TransientError(PeerError):
    """The association failed in a way that may be over in a moment."""


class TooManyError(Exception):
    """The peer has, or sends, more answers than may be asked for at once: ask for less."""


@dataclass(frozen=True, slots=True)
class Peer:
    """Whom to ask and how patiently; `limit` is how many answers one question may have."""

    host: str
    port: int
    called_ae: str
    calling_ae: str
    timeout_s: float
    tries: int
    backoff_s: float
    limit: int
    charset: str | None
    tls: ssl.SSLContext | None

    @property
    def name(self) -> str:
        """How messages name it."""
        return f"{self.called_ae} at {self.host}:{self.port}"


def peer_of(feed: Feed, settings: Settings, options: dict[str, Any]) -> Peer:
    """Return the peer a feed's fetch options describe; raises ConfigurationError."""
    try:
        return Peer(
            host=str(options["host"]),
            port=int(options["port"]),
            called_ae=str(options.get("called_ae", "ANY-SCP")),
            calling_ae=str(options.get("calling_ae", "RADPULSE")),
            timeout_s=float(options.get("timeout_s", 30)),
            tries=int(options.get("tries", 4)),
            backoff_s=float(options.get("backoff_s", 1)),
            limit=int(options.get("limit", 500)),
            charset=options.get("charset"),
            tls=_tls(options, settings) if options.get("tls") else None,
        )
    except KeyError as missing:
        raise ConfigurationError(f"feed {feed.key}: fetch.{missing.args[0]} is missing") from missing
    except (ValueError, TypeError) as error:
        raise ConfigurationError(f"feed {feed.key}: a fetch option is not a number: {error}") from error


def _tls(options: dict[str, Any], settings: Settings) -> ssl.SSLContext:
    paths = {n: settings.at(Path(str(options[n]))) for n in ("tls_ca", "tls_cert", "tls_key") if n in options}
    try:
        context = ssl.create_default_context(cafile=paths.get("tls_ca"))
        if "tls_cert" in paths:
            context.load_cert_chain(paths["tls_cert"], paths.get("tls_key"))
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(f"fetch.tls_ca, tls_cert or tls_key cannot be used: {error.strerror}") from error
    return context


@contextmanager
def associated(peer: Peer, *sop_classes: str) -> Iterator[Association]:
    """Hold an association; raises TransientError when it cannot be had now, PeerError when it is refused for good."""
    from pynetdicom import evt

    ae = _application_entity(peer, sop_classes)
    options: dict[str, Any] = {"tls_args": (peer.tls, peer.host)} if peer.tls else {}
    options["evt_handlers"] = [(evt.EVT_CONN_OPEN, _opened)]
    association = ae.associate(peer.host, peer.port, ae_title=peer.called_ae, **options)
    if not association.is_established:
        raise _failure(peer, association)
    try:
        accepted = {context.abstract_syntax for context in association.accepted_contexts}
        lacking = [s for s in sop_classes if s not in accepted]
        if lacking:
            raise PeerError(f"{peer.name} accepts no {', '.join(_name(s) for s in lacking)}")
        yield association
    finally:
        if association.is_established:
            association.release()


def _opened(event: Any) -> None:
    """Make a new connection quick and its answers safe."""
    # each part of a question goes out as it is: waiting for the peer's acknowledgement costs 40 ms a question
    event.assoc.dul.socket.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    event.assoc._reactor_checkpoint = Gate(event.assoc)


class Gate(threading.Event):
    """Holds an association's own thread back while answers are waited for, without a gap.

    pynetdicom 3.0.4 lets that thread pass and only then notes that it runs: in between, a question is sent, and its
    first answer may be taken off the queue and dropped (seen once in 4000 questions on a busy machine; also its issue
    875). Here passing and noting are one step.
    """

    def __init__(self, association: Any) -> None:
        super().__init__()
        self._association = association
        self._step = threading.Lock()
        self.set()

    def clear(self) -> None:
        """Close the gate: who has passed is noted as running, who has not stays before it."""
        with self._step:
            super().clear()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the gate is open, and pass."""
        while super().wait(timeout) or timeout is None:
            with self._step:
                if self.is_set():
                    self._association._is_paused = False
                    return True
        return False


def _application_entity(peer: Peer, sop_classes: tuple[str, ...]) -> AE:
    from pynetdicom import AE, _config

    logging.getLogger("pynetdicom").setLevel(logging.CRITICAL + 1)  # it would log what peers answer
    _config.LOG_HANDLER_LEVEL = "none"
    ae = AE(peer.calling_ae)
    ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = ae.connection_timeout = peer.timeout_s
    for sop_class in sop_classes:
        ae.add_requested_context(sop_class)
    return ae


def _failure(peer: Peer, association: Association) -> PeerError:
    """Tell a refusal that stays (PS3.8 9.3.4, result 1) from one that passes, and from no connection."""
    if not association.is_rejected:
        return TransientError(f"{peer.name} cannot be reached, or broke off before it accepted")
    said = association.acceptor.primitive
    if said is not None and said.result == 1:
        return PeerError(f"{peer.name} refuses the association: {said.reason_str.lower()}; check the AE titles there")
    return TransientError(f"{peer.name} refuses the association for now")


def _name(sop_class: str) -> str:
    from pydicom.uid import UID

    return UID(sop_class).name


def retried(peer: Peer, ask: Callable[[], T]) -> T:
    """Return what `ask` does, tried again with growing, jittered waits while associations fail for the moment.

    Raises PeerError with the last failure.
    """
    for attempt in range(1, peer.tries):
        try:
            return ask()
        except TransientError:
            wait = min(peer.backoff_s * 2 ** (attempt - 1), LONGEST_WAIT_S)
            time.sleep(wait * random.uniform(0.5, 1.5))  # noqa: S311 - jitter, no secret
    return ask()


def echo(peer: Peer, sop_class: str) -> str:
    """Return one line saying that the peer answered C-ECHO and accepts `sop_class`; raises PeerError."""
    begun = time.monotonic()
    with associated(peer, VERIFICATION, sop_class) as association:
        status = association.send_c_echo()
        if "Status" not in status or status.Status != 0:
            raise PeerError(f"{peer.name} does not answer C-ECHO with success")
    return f"C-ECHO answered by {peer.name} in {(time.monotonic() - begun) * 1000:.0f} ms; accepts {_name(sop_class)}"


def find(association: Association, peer: Peer, sop_class: str, query: Dataset) -> list[DataSet]:
    """Return all answers to a question as DICOM JSON.

    Raises TooManyError once there are `limit` of them (after C-CANCEL) or when the peer says so, TransientError when
    the association breaks, PeerError for any other failure.
    """
    found: list[DataSet] = []
    canceled, after = False, 0
    for status, answer in association.send_c_find(query, sop_class, msg_id=1):
        if "Status" not in status:
            raise TransientError(f"{peer.name} broke off in the middle of its answers")
        if status.Status in PENDING and not canceled:
            if answer is None:
                raise PeerError(f"{peer.name} sent an answer that cannot be decoded")
            found.append(_json(answer, peer.charset))
            if len(found) >= peer.limit:
                association.send_c_cancel(1, query_model=sop_class)
                canceled = True
        elif status.Status in PENDING:
            after += 1
            if after > ANSWERS_AFTER_CANCEL:
                association.abort()
                raise TooManyError
        elif canceled or status.Status in TOO_MANY:
            raise TooManyError
        elif status.Status != 0:
            raise PeerError(f"{peer.name} answers C-FIND with status {status.Status:04X}")
    return found


def _json(answer: Dataset, charset: str | None) -> DataSet:
    """Return an answer as DICOM JSON, whose texts are UTF-8 whatever character set it came in."""
    import warnings

    if charset and not answer.get("SpecificCharacterSet"):
        answer.SpecificCharacterSet = charset
        answer.decode()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # bad values are expected, and are left out
        found: DataSet = answer.to_json_dict(suppress_invalid_tags=True)
    found["00080005"] = {"vr": "CS", "Value": ["ISO_IR 192"]}
    return found


def day_in_parts(peer: Peer, ask: Callable[[str], T]) -> Iterator[T]:
    """Yield what `ask` returns of a day: at once, or by ever shorter ranges of its time while answers are too many.

    `ask` gets the time range to match, empty for the whole day. Raises PeerError when a minute holds too many.
    """
    waiting = [(0, DAY_S)]
    while waiting:
        begin, end = waiting.pop()
        try:
            found = ask("" if (begin, end) == (0, DAY_S) else f"{_clock(begin)}-{_clock(end - 1)}.999999")
        except TooManyError as error:
            if end - begin <= SHORTEST_S:
                raise PeerError(f"{peer.name} has too many answers within a minute; raise fetch.limit") from error
            middle = (begin + end) // 2
            waiting += [(middle, end), (begin, middle)]
            continue
        yield found


def _clock(second: int) -> str:
    return f"{second // 3600:02}{second // 60 % 60:02}{second % 60:02}"


def days(first: date, last: date) -> Iterator[date]:
    """Yield the days from `first` to `last`."""
    return (first + timedelta(days=n) for n in range((last - first).days + 1))


def digest(value: object) -> str:
    """Return a short hash by which a cursor remembers an answer without holding it."""
    return blake2b(json.dumps(value, sort_keys=True).encode(), digest_size=8).hexdigest()
