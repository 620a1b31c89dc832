"""Alerts on the screen: what is open, who has taken it on, what could not be told; and taking one on.

Rules and targets are the administrator's file and cannot be changed here.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from app import data, words
from app.charts import Chart, height, millis, names_axis, tips
from app.charts import legend as chart_legend
from app.theme import BETTER, WORSE
from app.widgets import empty, table
from etl.access import Principal, Role
from etl.alerts.alert import Alert
from etl.alerts.finding import slice_of, slice_words
from etl.alerts.rules import load_alerts
from etl.alerts.store import LONGEST_NOTE, AlertStore
from etl.errors import RefusedError

MAY_ACKNOWLEDGE = frozenset({Role.MANAGER, Role.ANALYST, Role.STEWARD})
SHOWN = 40  # bars and rows of history
BACK = timedelta(days=14)
_UNTIL = {"1 hour": 1.0, "4 hours": 4.0, "12 hours": 12.0, "3 days": 72.0, "it is resolved": None}
_RANK = {"critical": 0, "warning": 1, "info": 2}


@lru_cache(maxsize=4)
def _store(path: Path) -> AlertStore:
    return AlertStore(path)


def store() -> AlertStore:
    """Return the installation's alert log."""
    settings = data.settings()
    return _store(settings.at(settings.state_file))


def has_rules() -> bool:
    """Return whether the administrator's file has any rule; raises ConfigurationError when it is wrong."""
    return bool(load_alerts(data.settings()).rules)


def visible(alerts: Sequence[Alert], principal: Principal) -> list[Alert]:
    """Return the alerts about sites the principal may see; one about all sites needs all of them."""
    if principal.sites is None:
        return list(alerts)
    scanners = {scanner.code: scanner.site for scanner in data.settings().scanners}
    named = [dict(slice_of(alert.slice)) for alert in alerts]
    sites = [parts.get("site") or scanners.get(parts.get("scanner", "")) for parts in named]
    return [alert for alert, site in zip(alerts, sites, strict=True) if site in principal.sites]


def standing(who: data.Asker) -> list[Alert]:
    """Return open alerts, the most severe and oldest first."""
    found = visible(store().open_alerts(), who.principal)
    return sorted(found, key=lambda a: (_RANK.get(a.severity, 9), a.opened_at))


def open_words(who: data.Asker) -> str:
    """Say in one line how many alerts are open, or nothing where none is."""
    found = standing(who)
    if not found:
        return ""
    oldest = min(alert.opened_at for alert in found)
    age = words.age((datetime.now(UTC) - oldest) / timedelta(minutes=1))
    names = list(dict.fromkeys(alert.name for alert in found))
    free = sum(not alert.is_acknowledged(datetime.now(UTC)) for alert in found)
    taken = "none taken on" if free == len(found) else "all taken on" if free == 0 else f"{free} not taken on"
    head = f"{words.plural(len(found), 'alert')} open, the oldest for {age}, {taken}"
    return f":{WORSE.colour}[:material/notifications_active:] **{head}:** {words.listing(names)}."


def open_table(found: Sequence[Alert], zone: ZoneInfo) -> None:
    """Draw open alerts with what was seen, owner, age, and who has taken them on."""
    if not found:
        nothing = f":{BETTER.colour}[{BETTER.icon}] No alert is open." if has_rules() else ""
        if nothing:
            st.markdown(nothing)
        else:
            empty("No alert rules are set.", "The administrator writes them into `alerts.toml` beside the settings.")
        return
    now = datetime.now(UTC)
    shown = pd.DataFrame(
        {
            "Alert": [f"{alert.name}: {where_words(alert)} ({alert.severity})" for alert in found],
            "Seen": [alert.text for alert in found],
            "Open for": [words.age((now - alert.opened_at) / timedelta(minutes=1)) for alert in found],
            "Owner": [alert.owner for alert in found],
            "Taken on by": [_taken(alert, now, zone) for alert in found],
        }
    )
    table(shown, f"{words.plural(len(found), 'open alert')}: {shown.iloc[0]['Alert']} first")


def where_words(alert: Alert) -> str:
    """Return an alert's slice, its values only: 'NORTH, CT'."""
    parts = dict(slice_of(alert.slice))
    ordered = sorted(parts, key=lambda name: (name != "site", name))
    return ", ".join(parts[name] for name in ordered) or "everywhere"


def _taken(alert: Alert, now: datetime, zone: ZoneInfo) -> str:
    if not alert.is_acknowledged(now):
        return "nobody"
    until = f" until {words.moment(alert.ack_until.astimezone(zone))}" if alert.ack_until else ""
    return f"{alert.ack_by}{until}" + (f": {alert.ack_note}" if alert.ack_note else "")


def acknowledge_form(who: data.Asker, found: Sequence[Alert]) -> None:
    """Draw the form with which somebody takes an alert on; only for roles that may."""
    if who.principal.role not in MAY_ACKNOWLEDGE:
        st.caption("Your role sees alerts; a manager, analyst or steward takes them on.")
        return
    now = datetime.now(UTC)
    free = {a.id: f"{a.name} ({slice_words(a.slice)})" for a in found if not a.is_acknowledged(now)}
    if not free:
        return
    with st.form("acknowledge", clear_on_submit=True):
        chosen = st.selectbox("Take on", list(free), format_func=lambda id: free[id])
        left, right = st.columns([1, 2])
        until = left.selectbox("No reminders until", list(_UNTIL), index=1, format_func=_until_words)
        note = right.text_input("What is being done (no patient's name)", max_chars=LONGEST_NOTE)
        if st.form_submit_button("Take on", icon=":material/how_to_reg:"):
            _acknowledge(who, chosen, _UNTIL[until], note)


def _until_words(choice: str) -> str:
    return choice if _UNTIL[choice] is None else f"{choice} from now"


def _acknowledge(who: data.Asker, id: str, hours: float | None, note: str) -> None:
    now = datetime.now(UTC)
    until = None if hours is None else now + timedelta(hours=hours)
    principal = who.principal
    try:
        store().acknowledge(id, by=principal.name, role=str(principal.role), now=now, until=until, note=note)
    except RefusedError as refused:  # resolved meanwhile, or taken on by somebody else
        st.warning(str(refused), icon=":material/info:")
        return
    st.rerun()


def undelivered(who: data.Asker) -> None:
    """Say which messages wait or could not be delivered, and why; for those who see all sites."""
    if who.principal.sites is not None:
        return
    found = store().notices("waiting", "given_up", "dropped", limit=SHOWN)
    failing = [notice for notice in found if notice.error]
    held = len(found) - len(failing)
    if held:
        st.caption(f"{words.plural(held, 'message')} held by quiet hours or the limit of messages an hour.")
    for target in sorted({notice.target for notice in failing}):
        last = next(notice for notice in failing if notice.target == target)
        st.markdown(
            f":{WORSE.colour}[{WORSE.icon}] **{target}:** {last.error}; "
            f"{words.plural(sum(n.target == target for n in failing), 'message')} not delivered yet. "
            "The administrator checks it with `radpulse alerts check`."
        )


def lives(alerts: Sequence[Alert], now: datetime, zone: ZoneInfo) -> Chart:
    """Draw when alerts were open over the last two weeks, one row a name."""
    rows = [alert for alert in alerts if (alert.resolved_at or now) > now - BACK]
    since = max(now - BACK, min((alert.opened_at for alert in rows), default=now) - timedelta(hours=1))
    frame = pd.DataFrame(
        {
            "alert": [alert.name for alert in rows],
            "begin": millis(_walls([max(alert.opened_at, since) for alert in rows], zone)),
            "end": millis(_walls([alert.resolved_at or now for alert in rows], zone)),
            "state": ["resolved" if alert.resolved_at else "open" for alert in rows],
            "said": [_said(alert, zone) for alert in rows],
        }
    )
    names = list(dict.fromkeys(frame["alert"]))
    colour = {"field": "state", "type": "nominal", "scale": {"domain": ["resolved", "open"]}, "legend": chart_legend()}
    spec = {
        "height": height(len(names), 34, legend=True),
        "mark": {"type": "bar", "height": 12, "opacity": 0.8, "strokeWidth": 3},  # the stroke shows short ones
        "encoding": {
            "x": {
                "field": "begin",
                "type": "temporal",
                "scale": {"type": "utc", "domain": [int(t) for t in millis(_walls([since, now], zone))]},
                "axis": {
                    "title": None,
                    "format": "%-d %b" if now - since > timedelta(days=3) else "%-d %b %H:%M",
                    "tickCount": 5,
                },
            },
            "x2": {"field": "end"},
            "y": {"field": "alert", "type": "nominal", "scale": {"domain": names}, "axis": names_axis(320)},
            "color": colour,
            "stroke": {**colour, "legend": None},
            "tooltip": tips(alert="Alert", said=" "),
        },
    }
    still = sum(alert.resolved_at is None for alert in rows)
    return Chart(
        frame, spec, f"Alerts open within the last 14 days: {len(rows)} by {len(names)} rules, {still} still open."
    )


def _walls(instants: Sequence[datetime], zone: ZoneInfo) -> pd.Series[pd.Timestamp]:
    return pd.Series([at.astimezone(zone).replace(tzinfo=None) for at in instants], dtype="datetime64[us]")


def _said(alert: Alert, zone: ZoneInfo) -> str:
    until = words.moment(alert.resolved_at.astimezone(zone)) if alert.resolved_at else "now"
    return f"{where_words(alert)}: {alert.text}; {words.moment(alert.opened_at.astimezone(zone))} to {until}"


def history_table(found: Sequence[Alert], zone: ZoneInfo) -> None:
    """Draw resolved alerts, the latest first."""
    if not found:
        empty("No alert has been resolved yet.", "They appear here once their number is within its limit again.")
        return
    shown = pd.DataFrame(
        {
            "Alert": [alert.name for alert in found],
            "Where": [where_words(alert) for alert in found],
            "From": [words.moment(alert.opened_at.astimezone(zone)) for alert in found],
            "To": [words.moment(alert.resolved_at.astimezone(zone)) for alert in found if alert.resolved_at],
            "Ended": [alert.resolved_why for alert in found],
            "Taken on by": [alert.ack_by or "nobody" for alert in found],
        }
    )
    table(shown, f"{words.plural(len(found), 'resolved alert')}, the latest first")
