"""One-time exports: a page issues a ticket, the route redeems it once within its minute, audits, then sends.

`st.download_button` would serve its file to anyone who has the address, for minutes after the tab is closed.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Literal

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from app import data, registry_files
from etl.access import Principal
from etl.errors import RadpulseError
from etl.exports import filters_text
from etl.kpis.export import to_csv
from etl.kpis.query import Query
from etl.kpis.workbook import file_of
from etl.state import AuditLog

LIFETIME_S = 60.0
MAX_TICKETS = 10_000
MEDIA = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "parquet": "application/vnd.apache.parquet",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
Part = Literal["csv", "xlsx", "parquet", "about"]
SubmissionPart = Literal["file", "manifest", "refused"]


@dataclass(frozen=True, slots=True)
class Ticket:
    """What may be fetched once: whose question, of which published version, which of its files."""

    principal: Principal
    query: Query
    data_version: str
    part: Part
    bom: bool = False

    @property
    def filename(self) -> str:
        """A file name of the KPI and period; no filter value that could name a person."""
        stem = f"radpulse_{self.query.kpi}_{self.query.from_date}_{self.query.to_date}"
        return f"{stem}.about.json" if self.part == "about" else f"{stem}.{self.part}"


@dataclass(frozen=True, slots=True)
class SubmissionTicket:
    """A registry's month to be fetched once: its file, its manifest, or the list of what would be rejected."""

    principal: Principal
    data_version: str
    registry: str
    month: date
    part: SubmissionPart

    @property
    def filename(self) -> str:
        """A file name of the registry and month."""
        ending = {"file": ".csv", "manifest": ".json", "refused": "_refused.csv"}[self.part]
        return f"{self.registry}_{self.month:%Y-%m}{ending}"


AnyTicket = Ticket | SubmissionTicket


class Tickets:
    """Thread-safe store of tickets; a redeemed or expired token is remembered for one more lifetime."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._held: dict[str, tuple[float, AnyTicket, bool]] = {}  # token -> expiry, ticket, used

    def issue(self, ticket: AnyTicket) -> str:
        """Return a token of 256 random bits for this ticket."""
        token = secrets.token_urlsafe(32)
        with self._lock:
            self._sweep()
            self._held[token] = (self._clock() + LIFETIME_S, ticket, False)
        return token

    def redeem(self, token: str) -> tuple[AnyTicket | None, bool]:
        """Return (ticket, True) the first time within its life, (ticket, False) when too late, else (None, False)."""
        with self._lock:
            held = self._held.get(token)
            if held is None:
                return None, False
            expires_at, ticket, used = held
            valid = not used and self._clock() < expires_at
            self._held[token] = (expires_at, ticket, True)
            return ticket, valid

    def _sweep(self) -> None:
        limit = self._clock() - LIFETIME_S
        kept = {token: held for token, held in self._held.items() if held[0] > limit}
        self._held = dict(list(kept.items())[-MAX_TICKETS + 1 :])


TICKETS = Tickets()

_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title} - Radpulse</title>
<meta name="viewport" content="width=device-width"><style>body{{font:1rem/1.5 system-ui,sans-serif;max-width:34rem;
margin:4rem auto;padding:0 1rem;color-scheme:light dark}}</style></head>
<body><h1>{title}</h1><p>{reason}</p><p>{advice}</p></body></html>"""
_ADVICE = "Go back to the dashboard and open the export menu again: it makes a new link. No data left the server."


def _refusal(status: int, title: str, reason: str) -> Response:
    page = _PAGE.format(title=title, reason=reason, advice=_ADVICE)
    return HTMLResponse(page, status_code=status, headers={"cache-control": "no-store"})


def _audit(ticket: AnyTicket, *, action: str, rows: int = 0, sha256: str = "", outcome: int = 0) -> str:
    settings = data.settings()
    return AuditLog(settings.at(settings.state_file)).record(
        action=action,
        actor=ticket.principal.name,
        role=str(ticket.principal.role),
        object=f"{_what(ticket)} {ticket.part} {ticket.data_version}",
        filters=filters_text(ticket.query) if isinstance(ticket, Ticket) else f"month {ticket.month:%Y-%m}",
        rows=rows,
        sha256=sha256,
        outcome=outcome,
    )


def _what(ticket: AnyTicket) -> str:
    return ticket.query.kpi if isinstance(ticket, Ticket) else f"submission {ticket.registry}"


def _hand_over(ticket: AnyTicket) -> Response:
    if isinstance(ticket, SubmissionTicket):
        return _hand_over_submission(ticket)
    result = data.exported(ticket.principal, ticket.data_version, ticket.query)
    body = to_csv(result).sidecar if ticket.part == "about" else file_of(result, ticket.part, bom=ticket.bom)
    digest = hashlib.sha256(body).hexdigest()
    record = _audit(ticket, action="EXPORT", rows=len(result.frame), sha256=digest)
    return _file(ticket.filename, body, digest, record)


def _hand_over_submission(ticket: SubmissionTicket) -> Response:
    prepared = registry_files.fresh(ticket.principal, ticket.data_version, ticket.registry, ticket.month)
    body = registry_files.part(prepared, ticket.part)
    digest = hashlib.sha256(body).hexdigest()
    rows = len(prepared.refusals) if ticket.part == "refused" else int(prepared.manifest["rows"])
    record = _audit(ticket, action="SUBMISSION", rows=rows, sha256=digest)
    return _file(ticket.filename, body, digest, record)


def _file(filename: str, body: bytes, digest: str, record: str) -> Response:
    headers = {
        "content-disposition": f'attachment; filename="{filename}"',
        "cache-control": "no-store",
        "x-audit-record": record,
        "x-content-sha256": digest,
    }
    return Response(body, media_type=MEDIA[filename.rsplit(".", 1)[-1]], headers=headers)


async def export_route(request: Request) -> Response:
    """Answer GET /exports/{token}: the file once, else a page that says what happened."""
    if request.method != "GET":
        return Response(status_code=405, headers={"allow": "GET"})  # a HEAD must not use the ticket up
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        return _refusal(403, "Not from here", "Exports can only be opened from the dashboard itself.")
    ticket, valid = TICKETS.redeem(request.path_params["token"])
    if ticket is None:
        return _refusal(404, "Unknown export link", "This link was never issued by this server, or long ago.")
    if not valid:
        await run_in_threadpool(_audit, ticket, action="EXPORT_DENIED", outcome=4)
        return _refusal(410, "This export link is used up", "Each link works once and for one minute.")
    try:
        return await run_in_threadpool(_hand_over, ticket)
    except RadpulseError as error:
        await run_in_threadpool(_audit, ticket, action="EXPORT_DENIED", outcome=4)
        return _refusal(422, "The export was refused", str(error))
