"""Keyed one-way tokens for everything that names a person, an order or an object."""

from __future__ import annotations

import hmac
from functools import lru_cache

from etl.staging.seal import Sealer

TOKEN_CHARACTERS = 32
GLOBAL_KINDS = frozenset({"study", "series", "instance", "control", "report", "irradiation"})
CACHED_TOKENS = 1 << 17


class Pseudonymiser:
    """Turns identifiers into HMAC-SHA-256 tokens under one key epoch; may be pickled to worker processes.

    Two spellings of one value (case, surrounding or repeated spaces) give one token. Kinds never share tokens;
    UIDs are world-wide, all other kinds are counted per site (or issuer).
    """

    def __init__(self, key: bytes, epoch: int) -> None:
        self._key = key
        self.epoch = epoch
        self._cached = lru_cache(maxsize=CACHED_TOKENS)(self._token)

    def __reduce__(self) -> tuple[type[Pseudonymiser], tuple[bytes, int]]:
        return Pseudonymiser, (self._key, self.epoch)

    def __repr__(self) -> str:
        return f"Pseudonymiser(epoch={self.epoch})"

    def sealer(self) -> Sealer:
        """Return what seals quarantine's raw copies under the same key."""
        return Sealer(self._key)

    def token(self, kind: str, site: str, value: str | None) -> str | None:
        """Return the 32-character token of a value, None for an empty one."""
        return None if value is None else self._cached(kind, site, value)

    def control_token(self, value: str | None) -> str | None:
        """Return the token of a message control id or SOP Instance UID: used once, so not cached."""
        return None if value is None else self._token("control", "", value)

    def path_token(self, site: str, path: str) -> str:
        """Return the token of a file's path, letter by letter: names that differ in case are two files."""
        message = f"path|{site}|{path}".encode("utf-8", "surrogatepass")
        return hmac.digest(self._key, message, "sha256").hex()[:TOKEN_CHARACTERS]

    def _token(self, kind: str, site: str, value: str) -> str | None:
        normal = " ".join(value.split()).upper()
        if not normal:
            return None
        scope = "" if kind in GLOBAL_KINDS else site
        message = f"{kind}|{scope}|{normal}".encode("utf-8", "surrogatepass")
        return hmac.digest(self._key, message, "sha256").hex()[:TOKEN_CHARACTERS]
