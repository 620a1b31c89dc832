"""How a request proves who asks: nothing, HTTP Basic, a bearer token, or an OAuth 2.0 client's own grant.

``client_credentials`` is RFC 6749 4.4 with the client's secret; ``smart_backend`` is HL7 SMART App Launch 2.0, Backend
Services: the same grant with a signed assertion (RFC 7523, RS384 or ES384) instead of a secret. Secrets are references
(`etl.credentials`) and are read when they are needed.
"""

from __future__ import annotations

import time
import uuid
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urljoin, urlsplit

import httpx

from etl.credentials import refuse_userinfo, secret
from etl.errors import ConfigurationError, PeerError

NEEDED = {
    "none": frozenset[str](),
    "basic": frozenset({"user", "password"}),
    "bearer": frozenset({"token"}),
    "client_credentials": frozenset({"client_id", "client_secret"}),
    "smart_backend": frozenset({"client_id", "key"}),
}
ALLOWED = {
    "client_credentials": frozenset({"token_url", "scope"}),
    "smart_backend": frozenset({"token_url", "scope", "algorithm", "kid"}),
}
ALGORITHMS = ("RS384", "ES384")
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_LIFE_S = 240  # at most five minutes (SMART App Launch 2.0)
EARLY_S = 30.0  # a token is renewed so long before it ends
LONGEST_TOKEN_ANSWER = 1 << 16
PASSING = frozenset({429, 502, 503, 504})


class PassingError(Exception):
    """Something that may be over in a moment; `wait_s` is how long the peer asked to be left alone."""

    def __init__(self, what: str, wait_s: float | None = None) -> None:
        super().__init__(what)
        self.wait_s = wait_s


class Authority(Protocol):
    """Adds what a request needs to be let in."""

    async def headers(self, client: httpx.AsyncClient) -> dict[str, str]:
        """Return the headers of one request; may ask for a token first, raising PeerError or httpx errors."""
        ...

    def renew(self) -> bool:
        """Forget a token the peer no longer takes; return whether asking for another makes sense."""
        ...


@dataclass(frozen=True, slots=True)
class Fixed:
    """The same header with every request."""

    header: dict[str, str]

    async def headers(self, client: httpx.AsyncClient) -> dict[str, str]:
        """Return the header."""
        return self.header

    def renew(self) -> bool:
        """Nothing else can be sent."""
        return False


class Granted:
    """A token granted to this client itself, kept until shortly before it ends."""

    def __init__(self, options: Mapping[str, Any], base_url: str, folder: Path, where: str) -> None:
        self._options, self._base_url, self._folder, self._where = options, base_url, folder, where
        self._token, self._until = "", 0.0

    async def headers(self, client: httpx.AsyncClient) -> dict[str, str]:
        """Return the bearer header; raises PeerError when the authorization server grants none."""
        if not self._token or time.monotonic() > self._until:
            await self._grant(client)
        return {"Authorization": f"Bearer {self._token}"}

    def renew(self) -> bool:
        """Forget the token; the next request asks for one."""
        had, self._token = bool(self._token), ""
        return had

    async def _grant(self, client: httpx.AsyncClient) -> None:
        token_url = self._options.get("token_url") or await self._discovered(client)
        form = {"grant_type": "client_credentials"}
        if self._options.get("scope"):
            form["scope"] = str(self._options["scope"])
        login: tuple[str, str] | None = None
        if "client_secret" in self._options:
            login = (str(self._options["client_id"]), secret(self._options["client_secret"], self._folder))
        else:
            form |= {"client_assertion_type": ASSERTION, "client_assertion": self._assertion(token_url)}
        response = await client.post(
            token_url, data=form, auth=login or httpx.USE_CLIENT_DEFAULT, headers={"Accept": "application/json"}
        )
        self._keep(response)

    def _keep(self, response: httpx.Response) -> None:
        if response.status_code in PASSING:
            raise PassingError(f"no token yet, status {response.status_code}")
        if response.status_code != 200:
            raise PeerError(f"{self._where}: the authorization server answered {response.status_code}: no token")
        try:
            granted = response.json() if len(response.content) <= LONGEST_TOKEN_ANSWER else {}
            self._token = str(granted["access_token"])
            life_s = float(granted.get("expires_in", 300))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise PeerError(f"{self._where}: the authorization server's answer holds no token") from error
        self._until = time.monotonic() + max(life_s - EARLY_S, life_s / 2)

    async def _discovered(self, client: httpx.AsyncClient) -> str:
        """Return the token endpoint of the server's SMART configuration (SMART App Launch 2.0, conformance)."""
        found = await client.get(
            urljoin(self._base_url, ".well-known/smart-configuration"), headers={"Accept": "application/json"}
        )
        try:
            url = str(found.json()["token_endpoint"])
        except (ValueError, KeyError, TypeError) as error:
            raise PeerError(
                f"{self._where}: no SMART configuration with a token endpoint; set auth.token_url"
            ) from error
        if urlsplit(url).scheme != "https" and urlsplit(url).hostname != urlsplit(self._base_url).hostname:
            raise PeerError(f"{self._where}: the SMART configuration names a token endpoint without TLS")
        return url

    def _assertion(self, token_url: str) -> str:
        """Return the signed client assertion; raises ConfigurationError for a key that does not fit."""
        import jwt  # loads cryptography: only where a key is used

        now = int(time.time())
        client = str(self._options["client_id"])
        claims = {"iss": client, "sub": client, "aud": token_url, "jti": uuid.uuid4().hex,
                  "iat": now, "exp": now + ASSERTION_LIFE_S}  # fmt: skip
        algorithm = str(self._options.get("algorithm", ALGORITHMS[0]))
        kid = self._options.get("kid")
        key = secret(self._options["key"], self._folder)
        try:
            return jwt.encode(claims, key, algorithm=algorithm, headers={"kid": str(kid)} if kid else None)
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            raise ConfigurationError(f"{self._where}: auth.key is no private key for {algorithm}") from error


def authority(options: Mapping[str, Any], base_url: str, folder: Path, where: str) -> Authority:
    """Return the authority `auth = {kind = ...}` describes; raises ConfigurationError."""
    kind = str(options.get("kind", "none"))
    if kind not in NEEDED:
        raise ConfigurationError(f"{where}: fetch.auth.kind {kind!r} is not one of {', '.join(NEEDED)}")
    missing = NEEDED[kind] - options.keys()
    unknown = options.keys() - NEEDED[kind] - ALLOWED.get(kind, frozenset()) - {"kind"}
    if missing or unknown:
        raise ConfigurationError(f"{where}: fetch.auth {kind} needs {sorted(missing)}, does not know {sorted(unknown)}")
    if kind == "basic":
        login = f"{options['user']}:{secret(options['password'], folder)}"
        return Fixed({"Authorization": f"Basic {b64encode(login.encode()).decode()}"})
    if kind == "bearer":
        return Fixed({"Authorization": f"Bearer {secret(options['token'], folder)}"})
    return _granted(options, base_url, folder, where) if kind != "none" else Fixed({})


def _granted(options: Mapping[str, Any], base_url: str, folder: Path, where: str) -> Granted:
    refuse_userinfo(str(options.get("token_url", "")), f"{where}: fetch.auth.token_url")
    if options.get("algorithm", ALGORITHMS[0]) not in ALGORITHMS:
        raise ConfigurationError(f"{where}: fetch.auth.algorithm is not one of {', '.join(ALGORITHMS)}")
    return Granted(options, base_url, folder, where)
