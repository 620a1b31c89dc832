"""Folders on other machines through fsspec: a local path, S3, SFTP or SMB, with no credential in any URL.

Libraries of a kind are imported when a folder of it is opened. What they raise is sorted here: a file that is gone or
closed to us is `FileLostError`, everything else that a wire or a server can do is `PeerError`.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from etl.credentials import refuse_userinfo, secret
from etl.errors import ConfigurationError, PeerError

PART_BYTES = 1024**2
DEEPEST = 32  # folders in each other; links may lead in circles
CONNECT_S, READ_S = 15, 60
SCHEMES = ("file", "s3", "sftp", "smb")


class FileLostError(Exception):
    """One file cannot be had (gone, closed to us, changed while it was read); the others can."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file as listed: where it lies, its path below the folder, and what tells its versions apart."""

    path: str
    relative: str
    size: int
    changed_at: datetime | None
    etag: str = ""

    @property
    def version(self) -> str:
        """Short text that differs when size, time or etag do."""
        told = f"{self.size}|{self.etag or self.changed_at}"
        return blake2b(told.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


class RemoteFolder:
    """An open folder; `settles` says whether its files grow where they lie (S3 objects appear whole)."""

    def __init__(self, filesystem: Any, root: str, where: str, failures: tuple[type[Exception], ...]) -> None:
        self._fs, self._root, self._where, self._failures = filesystem, root, where, failures
        self.settles = "s3" not in filesystem.protocol

    def entries(self) -> Iterator[Entry]:
        """Yield the files below the folder, a folder's listing in memory at a time; raises PeerError."""
        waiting = [(self._root, 0)]
        while waiting:
            path, depth = waiting.pop()
            with self._sorted():
                listed = self._listed(path)
            for info in listed:
                name = str(info["name"]).rstrip("/")
                relative = name.removeprefix(self._root).lstrip("/")
                if not relative or name == path or relative.rpartition("/")[2].startswith("."):
                    continue
                if info["type"] == "directory" and depth < DEEPEST and not info.get("islink"):
                    waiting.append((name, depth + 1))
                elif info["type"] == "file":
                    yield _entry(name, relative, info)

    def parts(self, entry: Entry, first_bytes: int = PART_BYTES) -> Iterator[bytes]:
        """Yield a file's bytes in parts of at most PART_BYTES; raises FileLostError, PeerError."""
        wanted = first_bytes
        with self._sorted(of_file=True):
            file = self._fs.open(entry.path, "rb", block_size=PART_BYTES)
        try:
            while True:
                with self._sorted(of_file=True):
                    part = file.read(wanted)
                if not part:
                    return
                yield part
                wanted = PART_BYTES
        finally:
            with suppress(*self._failures):
                file.close()

    def is_unchanged(self, entry: Entry) -> bool:
        """Return whether a file still is the version that was listed; raises FileLostError, PeerError."""
        with self._sorted(of_file=True):
            self._fs.invalidate_cache()
            return _entry(entry.path, entry.relative, self._fs.info(entry.path)).version == entry.version

    def close(self) -> None:
        """Let go of the connection."""
        with suppress(*self._failures):
            if "sftp" in self._fs.protocol:
                self._fs.client.close()
            elif "smb" in self._fs.protocol:
                from smbclient import delete_session  # type: ignore[import-untyped]  # ships no types

                delete_session(self._fs.host, port=self._fs.port or 445)

    def _listed(self, path: str) -> list[Mapping[str, Any]]:
        if "smb" not in self._fs.protocol:
            return list(self._fs.ls(path, detail=True))
        found = []  # its listing asks for each file again, and one that went in between must not spoil it
        for name in self._fs.ls(path, detail=False):
            with suppress(FileNotFoundError, PermissionError):
                found.append(self._fs.info(name))
        return found

    @contextmanager
    def _sorted(self, *, of_file: bool = False) -> Iterator[None]:
        with sorted_failures(self._where, self._failures, of_file=of_file):
            yield


@contextmanager
def sorted_failures(where: str, failures: tuple[type[Exception], ...], *, of_file: bool = False) -> Iterator[None]:
    """Turn what a library raises into FileLostError or PeerError, naming its kind and never its text."""
    try:
        yield
    except failures as error:
        if of_file and isinstance(error, FileNotFoundError | PermissionError):
            raise FileLostError("gone" if isinstance(error, FileNotFoundError) else "permission denied") from error
        raise PeerError(f"{where}: {reason_of(error)}") from error


def reason_of(error: Exception) -> str:
    """Return why a library failed in words that hold no path, user or secret."""
    if isinstance(error, OSError) and error.strerror and error.errno:
        return error.strerror.split(":")[0][:80]
    return type(error).__name__


def _entry(name: str, relative: str, info: Mapping[str, Any]) -> Entry:
    changed = info.get("LastModified", info.get("mtime"))
    if isinstance(changed, int | float):
        changed = datetime.fromtimestamp(changed, UTC)
    return Entry(name, relative, int(info["size"] or 0), changed, str(info.get("ETag") or ""))


def opened(options: Mapping[str, Any], base: Path, setting: str) -> RemoteFolder:
    """Open the folder a feed's options name.

    Options: `url` (``file:///path``, ``s3://bucket/prefix``, ``sftp://host:port/path``, ``smb://host:port/share/path``;
    no user in it), `user`, `password` and `key` (references to secrets), `host_key` (sftp), `endpoint_url` and `region`
    (s3). Raises ConfigurationError for settings a person must mend, PeerError when the machine does not answer.
    """
    url = str(options.get("url", ""))
    refuse_userinfo(url, f"{setting}.url")
    parts = urlsplit(url)
    if parts.scheme not in SCHEMES:
        raise ConfigurationError(f"{setting}.url {url!r} does not begin with one of {', '.join(SCHEMES)}")
    connect = {"file": _local, "s3": _s3, "sftp": _sftp, "smb": _smb}[parts.scheme]
    failures = _failures(parts.scheme)
    try:
        address = _Address(url, parts.hostname or "", parts.port, parts.path)
    except ValueError as error:
        raise ConfigurationError(f"{setting}.url {url!r}: {error}") from error
    found: Callable[[str], str | None] = partial(_secret, options, base)
    with sorted_failures(url, failures):
        filesystem, root = connect(address, options, found, setting)
    return RemoteFolder(filesystem, root.rstrip("/"), url, failures)


@dataclass(frozen=True, slots=True)
class _Address:
    url: str
    host: str
    port: int | None
    path: str


def _secret(options: Mapping[str, Any], base: Path, name: str) -> str | None:
    reference = options.get(name)
    return None if reference is None else secret(str(reference), base)


def _user(options: Mapping[str, Any], found: Callable[[str], str | None]) -> str | None:
    """Return the user: a reference like the other secrets, or the plain name."""
    given = options.get("user")
    return found("user") if str(given).startswith(("env:", "file:")) else given


def _failures(scheme: str) -> tuple[type[Exception], ...]:
    common: tuple[type[Exception], ...] = (OSError, EOFError)
    if scheme == "sftp":
        from paramiko import SSHException

        return (*common, SSHException)
    if scheme == "smb":
        from smbprotocol.exceptions import SMBException

        return (*common, SMBException, ValueError)  # a refused connection is a ValueError there
    if scheme == "s3":
        from aiohttp import ClientError as HttpError
        from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped]  # ships no types

        return (*common, BotoCoreError, ClientError, HttpError, ValueError)
    return common


def _local(address: _Address, options: Any, found: Any, setting: str) -> tuple[Any, str]:
    from fsspec.implementations.local import LocalFileSystem

    if address.host or not address.path.startswith("/"):
        raise ConfigurationError(f"{setting}.url: a local folder is written file:///absolute/path")
    return LocalFileSystem(skip_instance_cache=True), address.path


def _s3(address: _Address, options: Any, found: Callable[[str], str | None], setting: str) -> tuple[Any, str]:
    from s3fs import S3FileSystem

    client = {"region_name": options["region"]} if "region" in options else {}
    filesystem = S3FileSystem(
        key=_user(options, found),
        secret=found("password"),
        endpoint_url=options.get("endpoint_url"),
        client_kwargs=client,
        config_kwargs={"connect_timeout": CONNECT_S, "read_timeout": READ_S, "retries": {"max_attempts": 3}},
        default_cache_type="none",
        use_listings_cache=False,
        skip_instance_cache=True,
    )
    bucket = urlsplit(address.url).netloc
    if not bucket:
        raise ConfigurationError(f"{setting}.url: s3://bucket/prefix names a bucket")
    return filesystem, bucket + address.path


def _sftp(address: _Address, options: Any, found: Callable[[str], str | None], setting: str) -> tuple[Any, str]:
    from fsspec.implementations.sftp import SFTPFileSystem

    from etl.fetchers.host_keys import Pinned

    key = found("key")
    filesystem = SFTPFileSystem(
        address.host,
        port=address.port or 22,
        username=_user(options, found),
        password=found("password"),
        pkey=None if key is None else _private_key(key, setting),
        host_key_policy=Pinned(options.get("host_key"), f"{setting}.host_key"),
        look_for_keys=False,
        allow_agent=False,
        timeout=CONNECT_S,
        banner_timeout=CONNECT_S,
        auth_timeout=CONNECT_S,
        skip_instance_cache=True,
    )
    filesystem.ftp.get_channel().settimeout(READ_S)
    return filesystem, address.path


def _private_key(text: str, setting: str) -> Any:
    from paramiko import ECDSAKey, Ed25519Key, RSAKey, SSHException

    for kind in (Ed25519Key, ECDSAKey, RSAKey):
        with suppress(SSHException, ValueError):
            return kind.from_private_key(io.StringIO(text + "\n"))
    raise ConfigurationError(f"{setting}.key is no private key without passphrase (Ed25519, ECDSA or RSA)")


def _smb(address: _Address, options: Any, found: Callable[[str], str | None], setting: str) -> tuple[Any, str]:
    from fsspec.implementations.smb import SMBFileSystem

    if address.path.count("/") < 1 or not address.path.strip("/"):
        raise ConfigurationError(f"{setting}.url: smb://host/share/path names a share")
    filesystem = SMBFileSystem(
        address.host,
        port=address.port,
        username=_user(options, found),
        password=found("password"),
        timeout=CONNECT_S,
        share_access="rwd",  # reading must not keep others from writing
        register_session_retries=1,
        skip_instance_cache=True,
    )
    return filesystem, address.path
