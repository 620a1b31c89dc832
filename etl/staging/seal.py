"""Encryption of the raw copies that quarantine keeps, so that a replay works when the source is gone."""

from __future__ import annotations

import os
import zlib
from typing import Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from etl.errors import RefusedError

MAGIC = b"RPQ1"
NONCE_BYTES = 12
PURPOSE = b"radpulse quarantine copy"
MAX_BYTES = 256 << 20
Kind = Literal["raw", "records"]
_MARKS: dict[Kind, bytes] = {"raw": b"R", "records": b"J"}
_KINDS = {mark: kind for kind, mark in _MARKS.items()}


class Sealer:
    """Seals and opens copies with AES-256-GCM under a key derived (HKDF-SHA-256) from the pseudonym key.

    The item's id is authenticated with it, so that one item's copy cannot pass for another's.
    """

    def __init__(self, key: bytes) -> None:
        derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=PURPOSE).derive(key)
        self._cipher = AESGCM(derived)

    def seal(self, item_id: str, kind: Kind, content: bytes) -> bytes:
        """Return the encrypted, compressed copy."""
        nonce = os.urandom(NONCE_BYTES)
        packed = _MARKS[kind] + zlib.compress(content, level=1)
        return MAGIC + nonce + self._cipher.encrypt(nonce, packed, item_id.encode())

    def open(self, item_id: str, sealed: bytes) -> tuple[Kind, bytes]:
        """Return kind and content; raises RefusedError when the copy is damaged or sealed with another key."""
        body = len(MAGIC) + NONCE_BYTES
        try:
            if not sealed.startswith(MAGIC):
                raise InvalidTag
            packed = self._cipher.decrypt(sealed[len(MAGIC) : body], sealed[body:], item_id.encode())
            return _KINDS[packed[:1]], zlib.decompressobj().decompress(packed[1:], MAX_BYTES)
        except (InvalidTag, KeyError, zlib.error) as error:
            raise RefusedError(
                f"the raw copy of {item_id} is damaged or was sealed with another key; offer the source again"
            ) from error
