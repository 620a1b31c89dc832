"""Where messages may go: the administrator's targets, secrets put in, and refused where they point at this machine."""

from __future__ import annotations

import ipaddress
import logging
import re
import socket
from typing import Any
from urllib.parse import quote

from etl.alerts.deliver import UnsureError
from etl.alerts.rules import AlertsFile, Target
from etl.credentials import secret
from etl.errors import ConfigurationError, PeerError
from etl.settings import Settings

# apprise plugins that talk to this machine itself, or to whatever a file says
LOCAL_SCHEMES = frozenset({"dbus", "kde", "qt", "glib", "gnome", "macosx", "windows", "syslog", "file", "sgroup"})
_HOSTS = ("host", "smtp_host", "gateway", "server")  # where plugins keep the name they connect to
_STATUS = re.compile(r"error[= ](\d{3})\b")
_SCHEME = re.compile(r"^([a-z0-9+]+)://", re.IGNORECASE)
Channel = Any  # apprise is untyped


def channel(settings: Settings, file: AlertsFile, target: Target) -> Channel:
    """Return the apprise object of a target, secrets put in; no message has gone yet.

    Raises ConfigurationError when a secret is missing, the URL is none that apprise knows, or it points at this
    machine or a link-local address and the file does not say `allow_local = true`.
    """
    import apprise

    logging.getLogger("apprise").setLevel(logging.CRITICAL)  # its messages may hold addresses and tokens
    scheme = _scheme(target)
    if scheme in LOCAL_SCHEMES and not file.allow_local:
        raise ConfigurationError(f"target {target.key}: {scheme}:// is this machine itself; say allow_local = true")
    # a redirect could lead where the address itself may not
    asset = apprise.AppriseAsset(http_redirects=False, secure_logging=True, app_id="Radpulse")
    found = apprise.Apprise.instantiate(_filled(settings, target), asset=asset, suppress_exceptions=True)
    if found is None:
        raise ConfigurationError(f"target {target.key}: {scheme}:// is not an address apprise understands")
    if not file.allow_local:
        _refuse_local(target, found)
    return found


def _scheme(target: Target) -> str:
    match = _SCHEME.match(target.url)
    if match is None:
        raise ConfigurationError(f"target {target.key}: the url does not begin with a scheme such as mailto://")
    return match.group(1).lower()


def _filled(settings: Settings, target: Target) -> str:
    url = target.url
    for name, reference in target.secrets.items():
        url = url.replace(f"{{{name}}}", quote(secret(reference, settings.base), safe=""))
    return url


def _refuse_local(target: Target, found: Channel) -> None:
    names = {str(name) for name in (getattr(found, attribute, None) for attribute in _HOSTS) if name}
    for name in sorted(names):
        for address in _addresses(name):
            if is_local(address):
                raise ConfigurationError(
                    f"target {target.key} points at {address}, which is this machine or link-local; "
                    "say allow_local = true in the alert file if that is meant"
                )


def _addresses(name: str) -> list[str]:
    """Return the addresses of a name; one that does not resolve leads nowhere (or is a token, not a host)."""
    try:
        found = socket.getaddrinfo(name.strip("[]"), None, proto=socket.IPPROTO_TCP)
    except (OSError, UnicodeError):
        return []
    return sorted({str(entry[4][0]).partition("%")[0] for entry in found})


def is_local(address: str) -> bool:
    """Return whether an IP address is loopback, link-local, multicast or unspecified, mapped ones looked through."""
    ip: Any = ipaddress.ip_address(address)
    ip = getattr(ip, "ipv4_mapped", None) or ip
    return bool(ip.is_loopback or ip.is_link_local or ip.is_unspecified or ip.is_multicast)


def send(channel: Channel, title: str, body: str, severity: str) -> None:
    """Send one message; raises PeerError when the target did not take it, without its address or answer."""
    import apprise

    kind = {"critical": "failure", "warning": "warning"}.get(severity, "info")
    with apprise.LogCapture(level=logging.WARNING) as captured:  # type: ignore[no-untyped-call]  # apprise has no annotations here
        try:
            sent = channel.notify(body=body, title=title, notify_type=kind, body_format="text")
        except (OSError, TypeError, ValueError) as error:
            raise PeerError(f"could not be sent ({type(error).__name__})") from error
        said = "" if sent else captured.getvalue()
    if not sent:
        status = _STATUS.search(said)
        if status:
            raise PeerError(f"the target answered {status.group(1)}")
        raise UnsureError("the target could not be reached")
