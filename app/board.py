"""The wall board: one page without scripts for a screen in the corridor, aggregates only, dimmed when data is old."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from html import escape

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from app import data, words
from app.command_center import NOW_KPIS
from app.facts_live import LIVE_FACTS
from app.scanners_now import ScannerNow, scanners_now
from app.theme import DOWN
from etl.board_links import open_link
from etl.errors import RadpulseError, RefusedError
from etl.kpis.query import Query

REFRESH_S = 60
OLD_AFTER = timedelta(hours=2)
_STYLE = """
body{margin:0;padding:1.2vw 2vw;font:1.3vw/1.4 system-ui,sans-serif;background:#0F1216;color:#F2F4F7}
h1{font-size:2vw;margin:0 0 1vw} h2{font-size:1.6vw;margin:1.4vw 0 .6vw}
.grid{display:grid;gap:.8vw;grid-template-columns:repeat(auto-fill,minmax(15vw,1fr))}
.card{border:1px solid #3A424D;border-radius:.5vw;padding:.8vw 1vw} .card b{display:block;font-size:2.4vw}
.late{border-color:#F59B45} .late i{color:#F7B06B} i{font-style:normal;font-weight:600}
.old{opacity:.45} .note{color:#F7B06B}
@media(max-width:60rem){
body{font-size:1rem} h1{font-size:1.4rem} h2{font-size:1.2rem} .card b{font-size:1.6rem}
.grid{grid-template-columns:repeat(auto-fill,minmax(11rem,1fr))}}
"""
_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="{every}">
<meta name="viewport" content="width=device-width"><meta name="robots" content="noindex"><title>Radpulse board</title>
<style>{style}</style></head><body><h1>{title}</h1>{note}<main class="{state}">{body}</main></body></html>"""


async def board_route(request: Request) -> Response:
    """Answer GET /board/{token} with the board, or with why the link does not open."""
    try:
        return await run_in_threadpool(_board, str(request.path_params["token"]))
    except RadpulseError as refused:
        page = _PAGE.format(every=3600, style=_STYLE, title="This board is closed", note="", state="", body="")
        said = f"<p>{escape(str(refused))}.</p>"
        return _html(page.replace("<main", f"{said}<main", 1), 403)


def _html(page: str, status: int = 200) -> Response:
    return HTMLResponse(page, status_code=status, headers={"cache-control": "no-store"})


def _board(token: str) -> Response:
    now = datetime.now(UTC)
    data.principal()  # an installation without accounts shows demonstration data only
    link = open_link(data.settings(), token, now)
    version = data.current_version()
    who = data.Asker(link.principal, version)
    zone = data.main_zone(who, (("site", link.sites),))
    data_at = data.data_at(who)
    old = now - data_at > OLD_AFTER
    until = words.moment(data_at.astimezone(zone))
    note = f'<p class="note">Old: nothing newer than {escape(until)} has arrived.</p>' if old else ""
    body = "".join(_site(who, site) for site in link.sites)
    title = f"{escape(', '.join(link.sites))} &middot; data until {escape(until)}"
    state = "old" if old else ""
    return _html(_PAGE.format(every=REFRESH_S, style=_STYLE, title=title, note=note, state=state, body=body))


def _site(who: data.Asker, site: str) -> str:
    queues = "".join(_queue_card(who, name, label, site) for name, label in NOW_KPIS.items())
    cards = "".join(_scanner_card(one) for one in _states(who, site))
    return f"<h2>{escape(site)}</h2><div class=grid>{queues}</div><h2>Scanners</h2><div class=grid>{cards}</div>"


def _queue_card(who: data.Asker, name: str, label: str, site: str) -> str:
    """Return a card of a queue: its count, its oldest, and how many are over target."""
    day = data.today(who, (site,))
    try:
        result = data.ask(who, Query(name, day, day + timedelta(days=1), (), {"site": (site,)}))
    except RefusedError as refused:
        return f"<div class=card>{escape(label)}<br>{escape(str(refused))}</div>"
    if result.meta.absent or result.frame.empty:
        return f"<div class=card>{escape(label)}<b>no feed</b></div>"
    row = result.frame.iloc[0].to_dict()
    over = row.get("over_limit")
    said = [] if words.missing(row.get("oldest")) else [f"oldest {words.amount(float(row['oldest']), 'min')}"]
    late = bool(over) and not words.missing(over)
    said += [f"<i>{words.count(float(over))} over target</i>"] if late else []  # type: ignore[arg-type]  # not missing
    kind = "card late" if late else "card"
    return f'<div class="{kind}">{escape(label)}<b>{words.count(float(row["count"]))}</b>{", ".join(said)}</div>'


def _states(who: data.Asker, site: str) -> Sequence[ScannerNow]:
    where, now = (("site", (site,)),), data.data_at(who)
    rows = {name: data.rows(who, name, now, where) for name in LIVE_FACTS}
    known = data.rows(who, "scanners")
    return scanners_now(known[known["site_code"] == site], rows, now, data.zones(who))


def _scanner_card(one: ScannerNow) -> str:
    late = one.state.colour == "orange"
    # what is said of a patient on a table is for the command center, not for a corridor
    said = ". ".join(text for text in (one.said if one.state is DOWN else "", one.following) if text)
    kind = "card late" if late else "card"
    return f'<div class="{kind}">{escape(one.scanner)} <i>{escape(one.state.word)}</i><br>{escape(said)}</div>'
