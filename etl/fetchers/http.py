"""One HTTP client for every peer that speaks it: bounded, patient with what passes, strict with all else.

Tried again, with exponential back-off and jitter: connections that fail or break off, 502, 503, 504, and 429 after its
Retry-After (RFC 9110 10.2.3). Everything else is said at once. An answer has a limit of bytes and of seconds, from the
first to the last byte, so that a peer that drips cannot hold a run. Redirects are followed within the peer's origin
only: credentials never leave it. No message or log holds a query, a body, a path below the base or a credential.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx
import structlog

from etl.errors import ConfigurationError, PeerError
from etl.fetchers.http_auth import PASSING, Authority, PassingError, authority
from etl.fetchers.http_options import base_url, positive
from etl.landing import LONGEST_PAYLOAD
from etl.settings import Feed, Settings

REDIRECTS = frozenset({301, 302, 303, 307, 308})
MOST_REDIRECTS = 5
LONGEST_WAIT_S = 120.0  # a peer that asks for more is asked again at the next fetch
JSON_TYPES = frozenset({"application/json", "application/dicom+json", "application/fhir+json"})

log = structlog.get_logger()
for _name in ("httpx", "httpcore"):  # they log whole URLs and headers
    logging.getLogger(_name).setLevel(logging.CRITICAL)

Params = Sequence[tuple[str, str]]


class RefusalError(PeerError):
    """The peer answered with a status that means no; `status` is it."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer: status, media type without parameters, the Content-Type as sent, and the body."""

    status: int
    media_type: str
    content_type: str
    body: bytes


class Peer:
    """A feed's HTTP peer; use it as a context manager. Its options are those of `http_options.COMMON`.

    Raises ConfigurationError for options a person must mend, PeerError when the peer does not answer as it should.
    """

    def __init__(self, feed: Feed, settings: Settings, options: Mapping[str, Any]) -> None:
        self._where = f"feed {feed.key}"
        self.base = base_url(options, self._where)
        self._answer_s = positive(options, "answer_s", 300.0, self._where)
        self._tries = int(positive(options, "tries", 5, self._where))
        self._wait_s = positive(options, "retry_wait_s", 1.0, self._where)
        self._authority: Authority = authority(options.get("auth") or {}, self.base, settings.base, self._where)
        self._shown = urlsplit(self.base).netloc
        self._client = httpx.AsyncClient(
            timeout=positive(options, "timeout_s", 30.0, self._where),
            verify=_trust(options.get("ca"), settings) if self._uses_tls(options) else False,
            proxy=options.get("proxy"),
            trust_env=False,  # a .netrc would send credentials nobody configured
            headers={"User-Agent": "radpulse"},
        )
        self._runner = asyncio.Runner()

    def _uses_tls(self, options: Mapping[str, Any]) -> bool:
        """Return whether anything is asked over TLS or its authority is configured; loading all of them takes time."""
        addresses = (self.base, str((options.get("auth") or {}).get("token_url", "")))
        return "ca" in options or any(address.startswith("https:") for address in addresses)

    def __enter__(self) -> Peer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._runner.run(self._client.aclose())
        self._runner.close()

    def get(self, path: str, params: Params = (), *, accept: str, what: str) -> Answer:
        """Return the answer (2xx) to a GET below the base URL, or of an absolute URL of the same origin.

        `what` names the request in messages. Raises RefusalError for any other status, PeerError.
        """
        url = self.absolute(path, what)
        if params:
            url = str(httpx.URL(url, params=list(params)))
        answer = self._answered(httpx.Request("GET", url, headers={"Accept": accept}), what)
        if answer.status == 401 and self._authority.renew():
            answer = self._answered(httpx.Request("GET", url, headers={"Accept": accept}), what)
        if not 200 <= answer.status < 300:
            raise RefusalError(f"{self._shown} answered {answer.status} to {what}", answer.status)
        return answer

    def json(self, path: str, params: Params = (), *, accept: str, what: str) -> tuple[Any, bytes]:
        """Return a JSON answer, read and as sent; ``[]`` for 204. Raises PeerError when it is no whole JSON."""
        answer = self.get(path, params, accept=accept, what=what)
        if answer.status == 204:
            return [], b"[]"
        if answer.media_type not in JSON_TYPES:
            raise PeerError(f"{self._shown} answered {answer.media_type or 'no media type'} to {what}, not JSON")
        try:
            return json.loads(answer.body), answer.body
        except (ValueError, RecursionError) as error:
            raise PeerError(f"{self._shown} answered {what} with JSON that is broken or cut off") from error

    def absolute(self, path: str, what: str) -> str:
        """Return a path's URL below the base; raises PeerError for a URL of another origin."""
        url = urljoin(self.base, path)
        if _origin(url) != _origin(self.base):
            raise PeerError(f"{self._shown} points {what} to another origin; credentials stay with the one configured")
        return url

    def _answered(self, request: httpx.Request, what: str) -> Answer:
        for attempt in range(1, self._tries + 1):
            try:
                return self._followed(request, what)
            except PassingError as passing:
                wait_s = self._pause(attempt, passing.wait_s)
                if attempt == self._tries or wait_s > LONGEST_WAIT_S:
                    raise PeerError(f"{self._shown}: {what}: {passing} (tried {attempt} times)") from passing
                log.info("peer asked again", feed=self._where, reason=str(passing), attempt=attempt)
                self._runner.run(asyncio.sleep(wait_s))
        raise PeerError(f"{self._shown}: {what}: not tried")

    def _pause(self, attempt: int, asked_s: float | None) -> float:
        """Return the seconds to wait: full jitter over a doubling span, never less than the peer asked for."""
        span: float = min(self._wait_s * 2.0 ** (attempt - 1), LONGEST_WAIT_S / 2)
        jitter: float = span * (0.5 + random.random() / 2)  # noqa: S311 - spreads load, protects nothing
        return jitter if asked_s is None else asked_s + jitter

    def _followed(self, request: httpx.Request, what: str) -> Answer:
        for _ in range(MOST_REDIRECTS):
            answer, location = self._sent(request, what)
            if location is None:
                return answer
            target = self.absolute(urljoin(str(request.url), location), what)
            request = httpx.Request("GET", target, headers={"Accept": request.headers["Accept"]})
        raise PeerError(f"{self._shown} redirects {what} more than {MOST_REDIRECTS} times")

    def _sent(self, request: httpx.Request, what: str) -> tuple[Answer, str | None]:
        try:
            return self._runner.run(self._exchange(request, what))
        except TimeoutError as error:
            raise PeerError(f"{self._shown} took more than {self._answer_s:g} s over {what}") from error
        except (httpx.ConnectError, httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError) as error:
            if isinstance(error.__cause__ or error.__context__, ssl.SSLCertVerificationError) or _untrusted(error):
                raise PeerError(f"{self._shown}: its certificate is not trusted (option `ca`)") from error
            raise PassingError(f"connection failed ({type(error).__name__})") from error
        except httpx.TimeoutException as error:
            raise PassingError(f"no answer in time ({type(error).__name__})") from error
        except httpx.HTTPError as error:
            raise PeerError(f"{self._shown}: {what}: {type(error).__name__}") from error

    async def _exchange(self, request: httpx.Request, what: str) -> tuple[Answer, str | None]:
        async with asyncio.timeout(self._answer_s):
            request.headers.update(await self._authority.headers(self._client))
            request.extensions["timeout"] = self._client.timeout.as_dict()
            response = await self._client.send(request, stream=True)
            try:
                if response.status_code in PASSING:
                    raise PassingError(f"status {response.status_code}", _retry_after(response))
                location = response.headers.get("Location") if response.status_code in REDIRECTS else None
                body = await self._body(response, what) if 200 <= response.status_code < 300 else b""
            finally:
                await response.aclose()
        content_type = response.headers.get("Content-Type", "")
        return Answer(response.status_code, _media_type(content_type), content_type, body), location

    async def _body(self, response: httpx.Response, what: str) -> bytes:
        body = bytearray()
        async for piece in response.aiter_bytes(1 << 16):
            body += piece
            if len(body) > LONGEST_PAYLOAD:
                raise PeerError(f"{self._shown} answers {what} with more than {LONGEST_PAYLOAD} bytes")
        return bytes(body)


def _trust(ca: object, settings: Settings) -> ssl.SSLContext:
    try:
        if ca is None:
            return ssl.create_default_context()
        return ssl.create_default_context(cafile=str(settings.at(settings.base / str(ca))))
    except OSError as error:
        raise ConfigurationError(f"fetch.ca {ca!r} holds no certificates that can be read") from error


def _untrusted(error: httpx.HTTPError) -> bool:
    return "CERTIFICATE_VERIFY_FAILED" in str(error)


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        return "", "", None
    return parts.scheme, parts.hostname or "", port or {"http": 80, "https": 443}.get(parts.scheme)


def _media_type(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()[:100]


def _retry_after(response: httpx.Response) -> float | None:
    text = response.headers.get("Retry-After", "").strip()
    if text.isdecimal():
        return float(text)
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0.0, (at - datetime.now(UTC)).total_seconds())
