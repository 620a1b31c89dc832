"""A DICOM application entity: performed procedure steps (PS3.4 F.7) and storage of structured reports (PS3.4 B).

Feeds that name the same port share one application entity; what a feed accepts follows from its kind: `mpps` takes
steps, `dose_reports` reports. Success is answered once the payload is on disk. Nothing a sender says becomes part of
a path: payloads are frames of segments that are named by the time they were begun.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from etl.errors import ConfigurationError
from etl.landing import LONGEST_PAYLOAD, LandingWriter
from etl.listeners.base import options_of
from etl.listeners.performed_steps import NO_ROOM, PerformedSteps
from etl.settings import Feed, Settings

if TYPE_CHECKING:
    from pynetdicom import AE

VERIFICATION = "1.2.840.10008.1.1"
MPPS = "1.2.840.10008.3.1.2.3.3"
REPORTS = (
    "1.2.840.10008.5.1.4.1.1.88.22",  # Enhanced SR
    "1.2.840.10008.5.1.4.1.1.88.33",  # Comprehensive SR
    "1.2.840.10008.5.1.4.1.1.88.67",  # X-Ray Radiation Dose SR
    "1.2.840.10008.5.1.4.1.1.88.68",  # Radiopharmaceutical Radiation Dose SR
)
TRANSFER_SYNTAXES = (
    "1.2.840.10008.1.2.1",  # explicit little endian
    "1.2.840.10008.1.2",  # implicit little endian
    "1.2.840.10008.1.2.1.99",  # deflated
    "1.2.840.10008.1.2.2",  # explicit big endian
)
ACCEPTS = {"mpps": "mpps", "dose_reports": "sr"}  # kind of feed -> what it takes
REPORT_NOTE = "application/dicom"
# PS3.4 B.2.3 and PS3.7 C.5
OUT_OF_RESOURCES, DOES_NOT_MATCH, NOT_SUPPORTED = 0xA700, 0xA900, 0x0122
MOST_ASSOCIATIONS = 100
SHARED = ("ae_title", "calling_aes", "tls_cert", "tls_key", "tls_ca", "timeout_s")
Event = Any  # pynetdicom's: its requests are a union over every message there is
Handler = Callable[[Event], Any]


@dataclass(slots=True)
class _Entity:
    """A running application entity and the feeds it serves."""

    ae: AE
    shared: dict[str, Any]
    server: Any = None
    handlers: dict[str, Handler] = field(default_factory=dict)


class DicomListener:
    """Listener `dicom`."""

    kind = "dicom"
    options = frozenset({"host", "port", "step_days", "accept", *SHARED})

    def __init__(self) -> None:
        self._entities: dict[tuple[str, int], _Entity] = {}
        self._lock = threading.Lock()

    async def serve(
        self, feed: Feed, settings: Settings, landing: LandingWriter, ready: asyncio.Event, stopping: asyncio.Event
    ) -> None:
        """Take steps or reports until `stopping` is set; raises ConfigurationError (kind, port, certificate)."""
        options = options_of(feed, self)
        accept = _accepted(feed, options)
        address = (str(options.get("host", "0.0.0.0")), _port(feed, options))  # noqa: S104 - scanners call from outside
        desk = _Steps(landing, options) if accept == "mpps" else _Reports(landing)
        await asyncio.to_thread(self._open, feed, settings, address, options, accept, desk.handlers)
        ready.set()
        await stopping.wait()
        desk.close()
        await asyncio.to_thread(self._leave, address, accept)

    def _open(
        self, feed: Feed, settings: Settings, address: tuple[str, int], options: dict[str, Any], accept: str,
        handlers: dict[str, Handler],
    ) -> None:  # fmt: skip
        shared = {name: options[name] for name in SHARED if name in options}
        with self._lock:
            entity = self._entities.get(address)
            if entity is None:
                entity = _Entity(_application_entity(shared), shared)
                _start(entity, address, feed, settings)
                self._entities[address] = entity
            if entity.shared != shared or handlers.keys() & entity.handlers.keys():
                raise ConfigurationError(
                    f"feed {feed.key}: feeds on one port take different things and agree on {', '.join(SHARED)}"
                )
            entity.handlers |= handlers
            for sop_class in (MPPS,) if accept == "mpps" else REPORTS:
                entity.ae.add_supported_context(sop_class, list(TRANSFER_SYNTAXES))
            entity.server.contexts = entity.ae.supported_contexts

    def _leave(self, address: tuple[str, int], accept: str) -> None:
        """Stop with the first feed that stops: all do at once."""
        with self._lock:
            entity = self._entities.pop(address, None)
        if entity is not None:
            entity.ae.shutdown()


class _Steps:
    """Answers N-CREATE and N-SET."""

    def __init__(self, landing: LandingWriter, options: dict[str, Any]) -> None:
        self._steps = PerformedSteps(landing, float(options.get("step_days", 14)))
        self.handlers: dict[str, Handler] = {"EVT_N_CREATE": self._create, "EVT_N_SET": self._set}

    def close(self) -> None:
        """Close the memory of steps in progress."""
        self._steps.close()

    def _create(self, event: Event) -> tuple[Any, Any]:
        from pydicom.dataset import Dataset
        from pydicom.uid import generate_uid

        given = event.request.AffectedSOPInstanceUID
        uid = str(given or generate_uid())
        status = self._steps.create(uid, _json(event.attribute_list))
        answer = Dataset()
        if not given:  # PS3.7 10.1.5.1.4: who creates without a UID is told the one that was given
            answer.AffectedSOPInstanceUID = uid
        return status, answer if not given and status == 0 else None

    def _set(self, event: Event) -> tuple[Any, Any]:
        from pydicom.dataset import Dataset

        uid = str(event.request.RequestedSOPInstanceUID)
        status, error_id = self._steps.change(uid, _json(event.modification_list))
        answer = Dataset()
        answer.Status = status
        if error_id is not None:
            answer.ErrorID = error_id
        return answer, None


class _Reports:
    """Answers C-STORE."""

    def __init__(self, landing: LandingWriter) -> None:
        self._landing = landing
        self._lock = threading.Lock()
        self._closed = False
        self.handlers: dict[str, Handler] = {"EVT_C_STORE": self._store}

    def close(self) -> None:
        """Refuse what still comes, once a report being written is on disk."""
        with self._lock:
            self._closed = True

    def _store(self, event: Event) -> int:
        if event.request.AffectedSOPClassUID not in REPORTS:
            return NOT_SUPPORTED
        payload = event.encoded_dataset()
        if _sop_class(payload) != event.request.AffectedSOPClassUID:
            return DOES_NOT_MATCH
        with self._lock:
            if self._closed:
                return OUT_OF_RESOURCES
            try:
                self._landing.append(payload, datetime.now(UTC), REPORT_NOTE)
            except (OSError, ValueError):
                return OUT_OF_RESOURCES
        try:
            self._landing.sync()
        except OSError:
            return OUT_OF_RESOURCES
        return 0


def _accepted(feed: Feed, options: dict[str, Any]) -> str:
    accept = ACCEPTS.get(feed.kind)
    stated = options.get("accept", [accept])
    if accept is None or stated != [accept]:
        raise ConfigurationError(
            f'feed {feed.key}: a dicom listener fills a feed of kind mpps (accept = ["mpps"]) or dose_reports '
            f'(accept = ["sr"]), not {feed.kind} with accept = {stated}'
        )
    return accept


def _port(feed: Feed, options: dict[str, Any]) -> int:
    port = options.get("port")
    if not isinstance(port, int) or not 0 < port < 65536:
        raise ConfigurationError(f"feed {feed.key}: listen.port is a number from 1 to 65535, not {port!r}")
    return port


def _application_entity(shared: dict[str, Any]) -> AE:
    from pynetdicom import AE, _config

    logging.getLogger("pynetdicom").setLevel(logging.CRITICAL + 1)  # it would log what senders write
    _config.LOG_HANDLER_LEVEL = "none"
    ae = AE(str(shared.get("ae_title", "RADPULSE")))
    ae.require_called_aet = "ae_title" in shared
    ae.require_calling_aet = [str(title) for title in shared.get("calling_aes", [])]
    ae.maximum_associations = MOST_ASSOCIATIONS
    ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = float(shared.get("timeout_s", 60))
    ae.add_supported_context(VERIFICATION)
    return ae


def _start(entity: _Entity, address: tuple[str, int], feed: Feed, settings: Settings) -> None:
    from pynetdicom import evt

    refusals = {"EVT_N_CREATE": (NO_ROOM, None), "EVT_N_SET": (NO_ROOM, None), "EVT_C_STORE": OUT_OF_RESOURCES}
    handlers: list[Any] = [
        (getattr(evt, name), _dispatched(entity, name, refusal)) for name, refusal in refusals.items()
    ]
    handlers.append((evt.EVT_PDU_RECV, _bounded))
    try:
        entity.server = entity.ae.start_server(
            address, block=False, evt_handlers=handlers, ssl_context=_tls(entity.shared, settings)
        )
    except OSError as error:
        raise ConfigurationError(f"feed {feed.key}: cannot listen on {address[0]}:{address[1]}: {error}") from error


def _dispatched(entity: _Entity, name: str, refusal: Any) -> Handler:
    """A feed may join after the port is open: its handler is looked up when a message comes."""

    def handle(event: Event) -> Any:
        handler = entity.handlers.get(name)
        return refusal if handler is None else handler(event)

    return handle


def _bounded(event: Event) -> None:
    """Break an association off whose message grows beyond what can land: it is held in memory until it is whole."""
    message = event.assoc.dimse.message
    if message is not None and message.data_set is not None and message.data_set.tell() > LONGEST_PAYLOAD:
        event.assoc.abort()


def _sop_class(payload: bytes) -> str | None:
    """Return the class a report says it is of: a sender may name another in its request."""
    from pydicom.filereader import read_partial

    head = read_partial(BytesIO(payload), stop_when=lambda tag, _vr, _length: tag > 0x00080016)
    found = head.get("SOPClassUID")
    return str(found) if found else None


def _json(data_set: Any) -> dict[str, Any]:
    found: dict[str, Any] = data_set.to_json_dict(suppress_invalid_tags=True)
    return found


class _PatientContext(ssl.SSLContext):
    """Shakes hands when an association first reads, in its own thread: one slow client would hold up all others."""

    def wrap_socket(self, sock: socket.socket, server_side: bool = False, **rest: Any) -> ssl.SSLSocket:  # type: ignore[override]  # pynetdicom gives no more than these
        """Return the socket wrapped, its handshake left to the first read."""
        rest["do_handshake_on_connect"] = False
        return super().wrap_socket(sock, server_side, **rest)


def _tls(shared: dict[str, Any], settings: Settings) -> ssl.SSLContext | None:
    """Return the server's TLS context; with `tls_ca` a client must show a certificate of that authority."""
    if "tls_cert" not in shared:
        return None
    paths = {name: settings.at(Path(str(shared[name]))) for name in ("tls_cert", "tls_key", "tls_ca") if name in shared}
    try:
        context = _PatientContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(paths["tls_cert"], paths.get("tls_key"))
        if "tls_ca" in paths:
            context.load_verify_locations(paths["tls_ca"])
            context.verify_mode = ssl.CERT_REQUIRED
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(f"listen.tls_cert, tls_key or tls_ca cannot be used: {error.strerror}") from error
    return context
