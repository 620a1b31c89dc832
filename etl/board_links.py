"""Links to the wall board: signed, for chosen sites, expiring, and void together once the key is removed."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from itsdangerous import BadSignature, URLSafeSerializer

from etl.access import Principal, Role
from etl.errors import RefusedError
from etl.settings import Settings
from etl.state import AuditLog

LONGEST = timedelta(days=366)
KEY_FILE = "board.key"


@dataclass(frozen=True, slots=True)
class BoardLink:
    """What a link shows, and until when it opens."""

    sites: tuple[str, ...]
    until_at: datetime

    @property
    def principal(self) -> Principal:
        """Who looks through it: a viewer of these sites, to whom small cells stay hidden."""
        return Principal("board", Role.VIEWER, frozenset(self.sites))


def make_link(settings: Settings, sites: tuple[str, ...], lasts: timedelta, actor: str) -> str:
    """Return the token of a new link; audited. Raises RefusedError for an unknown site or too long a life."""
    known = [site.code for site in settings.sites]
    unknown = [site for site in sites if site not in known]
    if unknown:
        raise RefusedError(f"site {unknown[0]!r} is not known; there are {', '.join(known)}")
    if not timedelta(0) < lasts <= LONGEST:
        raise RefusedError(f"a link may last up to {LONGEST.days} days")
    chosen = sites or tuple(known)
    until = (datetime.now(UTC) + lasts).replace(microsecond=0)
    token = _signer(settings).dumps({"s": list(chosen), "u": int(until.timestamp())})
    AuditLog(settings.at(settings.state_file)).record(
        action="BOARD_LINK", actor=actor, role="admin", object=f"board until {until.isoformat()}",
        filters=f"site={','.join(chosen)}",
    )  # fmt: skip
    return str(token)


def open_link(settings: Settings, token: str, now: datetime) -> BoardLink:
    """Return what a link shows; raises RefusedError when it was not signed here, or has expired."""
    try:
        told = _signer(settings).loads(token)
    except BadSignature as error:
        raise RefusedError("this link was not made here, or all links were withdrawn") from error
    link = BoardLink(tuple(told["s"]), datetime.fromtimestamp(told["u"], UTC))
    if now >= link.until_at:
        raise RefusedError(f"this link ended on {link.until_at:%Y-%m-%d %H:%M} UTC; ask for a new one")
    return link


def withdraw_links(settings: Settings) -> bool:
    """Make every link void by removing the key; False where there was none."""
    path = _key_path(settings)
    existed = path.exists()
    path.unlink(missing_ok=True)
    return existed


def _signer(settings: Settings) -> URLSafeSerializer:
    return URLSafeSerializer(_key(_key_path(settings)), salt="board")


def _key_path(settings: Settings) -> Path:
    return settings.at(settings.state_file).with_name(KEY_FILE)


def _key(path: Path) -> str:
    """Return the signing key, made at first use with mode 0600."""
    try:
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        return path.read_text(encoding="ascii")
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(secrets.token_hex(32))
    return path.read_text(encoding="ascii")
