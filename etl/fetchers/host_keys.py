"""SSH servers are known by the fingerprint that the settings pin; an unknown one is refused with the line to write."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from typing import Any

from paramiko import MissingHostKeyPolicy

from etl.errors import ConfigurationError


class Pinned(MissingHostKeyPolicy):  # type: ignore[misc]  # paramiko ships no types
    """Accepts the one host key with the pinned fingerprint (``SHA256:...`` as `ssh-keygen -l` prints it)."""

    def __init__(self, fingerprint: str | None, setting: str) -> None:
        self._fingerprint, self._setting = fingerprint, setting

    def missing_host_key(self, client: Any, hostname: str, key: Any) -> None:
        """Return for the pinned key; raises ConfigurationError for any other."""
        shown = f"SHA256:{b64encode(sha256(key.asbytes()).digest()).decode().rstrip('=')}"
        if self._fingerprint is None:
            raise ConfigurationError(
                f"{self._setting} is not set; the server shows {shown}: ask its owner whether that is its key, then "
                f"set host_key to it"
            )
        if shown != self._fingerprint:
            raise ConfigurationError(f"{self._setting} is not the key the server shows ({shown}); nothing was sent")
