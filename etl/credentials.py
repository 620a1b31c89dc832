"""Secrets by reference: settings name where a secret lies, never the secret itself."""

from __future__ import annotations

import os
import re
from pathlib import Path

from etl.errors import ConfigurationError

GRAMMAR = "'env:NAME' or 'file:PATH' (mode 0600)"
_IN_URL = re.compile(r"(?P<scheme>[\w+.-]+://)[^/@\s]*@")


def secret(reference: str, base: Path) -> str:
    """Return the secret a reference names; `file:` paths are taken from `base`.

    Raises ConfigurationError when the reference, the variable or the file is not as it should be; a file that
    others may read is refused.
    """
    kind, _, name = reference.partition(":")
    if kind == "env" and name:
        if name not in os.environ:
            raise ConfigurationError(f"environment variable {name} is not set; a setting takes its secret from it")
        return os.environ[name]
    if kind == "file" and name:
        return _from_file(base / name)
    raise ConfigurationError(f"a secret is named as {GRAMMAR}, never written into the settings")


def _from_file(path: Path) -> str:
    try:
        mode = path.stat().st_mode
        if mode & 0o077:
            raise ConfigurationError(f"{path} may be read by others (mode {mode & 0o777:04o}); run: chmod 600 {path}")
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ConfigurationError(f"{path} holds a secret and cannot be read: {error.strerror}") from error


def without_userinfo(url: str) -> str:
    """Return a URL as logs and messages may show it: user and password cut out."""
    return _IN_URL.sub(r"\g<scheme>", url)


def refuse_userinfo(url: str, setting: str) -> None:
    """Raise ConfigurationError when a URL carries a user or password: URLs are logged by every library."""
    if _IN_URL.search(url):
        raise ConfigurationError(f"{setting}: no user or password in a URL; give a secret as {GRAMMAR}")
