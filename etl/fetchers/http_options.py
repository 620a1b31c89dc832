"""The settings every HTTP peer takes, and their checks; nothing here needs an HTTP library."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from etl.credentials import refuse_userinfo
from etl.errors import ConfigurationError

COMMON = frozenset({"url", "auth", "ca", "proxy", "timeout_s", "answer_s", "tries", "retry_wait_s", "plain_http"})
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def base_url(options: Mapping[str, Any], where: str) -> str:
    """Return `url` ending in a slash.

    Raises ConfigurationError when it is none, carries a user or a query, or would take credentials without TLS.
    """
    url = str(options.get("url") or "")
    refuse_userinfo(url, f"{where}: fetch.url")
    refuse_userinfo(str(options.get("proxy", "")), f"{where}: fetch.proxy")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query:
        raise ConfigurationError(f"{where}: fetch.url must be like 'https://pacs.example/dicom-web'")
    secret = (options.get("auth") or {}).get("kind", "none") != "none"
    if parts.scheme == "http" and secret and parts.hostname not in LOOPBACK and not options.get("plain_http"):
        raise ConfigurationError(f"{where}: credentials over plain http; use https, or say fetch.plain_http = true")
    return url if url.endswith("/") else url + "/"


def positive(options: Mapping[str, Any], name: str, default: float, where: str) -> float:
    """Return a number above 0; raises ConfigurationError."""
    value = options.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        raise ConfigurationError(f"{where}: fetch.{name} must be a number above 0")
    return float(value)


def one_of(options: Mapping[str, Any], name: str, allowed: tuple[str, ...], where: str) -> str:
    """Return a word out of `allowed`, by default the first; raises ConfigurationError."""
    value = options.get(name, allowed[0])
    if value not in allowed:
        raise ConfigurationError(f"{where}: fetch.{name} {value!r} is not one of {', '.join(allowed)}")
    return str(value)
