"""The pseudonym key: a file only its owner may read."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path

from etl.errors import ConfigurationError
from etl.settings import Settings

KEY_BYTES = 32


def make_key(path: Path) -> None:
    """Write a new random key (64 hex characters, mode 0600); raises ConfigurationError if the file exists."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise ConfigurationError(
            f"{path} exists; a new key would change every pseudonym, so it is never overwritten"
        ) from error
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(secrets.token_hex(KEY_BYTES) + "\n")
        file.flush()
        os.fsync(file.fileno())


def load_key(settings: Settings) -> bytes:
    """Return the 32-byte pseudonym key; raises ConfigurationError when missing, short, weak or readable by others."""
    path = settings.at(settings.identity.key_file)
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        text = path.read_text(encoding="ascii").strip()
    except FileNotFoundError as error:
        raise ConfigurationError(f"no pseudonym key at {path}; `radpulse init` makes one") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"pseudonym key {path} cannot be read: {error.__class__.__name__}") from error
    if os.name == "posix" and mode & 0o077:
        raise ConfigurationError(f"pseudonym key {path} has mode {mode:04o}; run `chmod 600 {path}`")
    return _decoded(text, path)


def _decoded(text: str, path: Path) -> bytes:
    try:
        key = bytes.fromhex(text)
    except ValueError as error:
        raise ConfigurationError(f"pseudonym key {path} is not hexadecimal; restore it from backup") from error
    if len(key) < KEY_BYTES or len(set(key)) < KEY_BYTES // 4:
        raise ConfigurationError(
            f"pseudonym key {path} holds {len(key)} bytes; at least {KEY_BYTES} random ones are needed: "
            "restore it from backup, or move it away and run `radpulse init`"
        )
    return key
