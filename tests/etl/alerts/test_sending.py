"""Messages really sent, over HTTP and SMTP, through failures and kills."""

from __future__ import annotations

import random
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email import message_from_string
from pathlib import Path
from typing import Any

import pytest

from etl.alerts.finding import Finding
from etl.alerts.rules import AlertsFile, Target, load_alerts
from etl.alerts.run import Targets, act
from etl.alerts.store import AlertStore
from etl.alerts.targets import channel, send
from etl.errors import PeerError
from etl.settings import Settings

Install = Callable[[str], Settings]
T0 = datetime(2026, 6, 10, 12, 0, tzinfo=UTC)
RULE = """
[[rules]]
key = "queue"
name = "Unread queue"
kind = "threshold"
kpi = "U21"
operator = ">"
limit = 10
owner = "Lead"
severity = "critical"
targets = ["duty"]
"""


def targets(url: str) -> str:
    return f'allow_local = true\n[[targets]]\nkey = "duty"\nurl = "{url}"\nmax_per_hour = 1000\n{RULE}'


def look(settings: Settings, at: datetime, value: float = 12) -> list[str]:
    file = load_alerts(settings)
    finding = Finding("queue", (("site", "LON"),), value > 10, f"{value:.0f} exams", value, 10, 12)
    store = AlertStore(settings.at(settings.state_file))
    return act(settings, file, store, {"queue": [finding]}, at, channels=Targets(settings, file))


def test_a_message_arrives_over_http(install: Install, receiver: Any) -> None:
    lines = look(install(targets(receiver.url)), T0)
    assert lines[-1] == "sent to duty: Radpulse critical: Unread queue (site LON)"
    assert len(receiver.taken) == 1
    message = receiver.taken[0]
    assert message["title"] == "Radpulse critical: Unread queue (site LON)"
    assert message["message"].splitlines()[:2] == ["Unread queue, site LON", "Seen: 12 exams (n = 12)"]
    assert message["type"] == "failure"


def test_a_message_arrives_by_mail_with_a_password_that_stands_in_no_file(
    install: Install, mailbox: tuple[int, list[str]]
) -> None:
    port, mails = mailbox
    url = f"mailto://hospital.example:{port}?smtp=127.0.0.1&mode=insecure&from=r@hospital.example&to=duty@hospital.example"
    look(install(targets(url)), T0)
    assert len(mails) == 1
    mail = message_from_string(mails[0])
    assert mail["To"] == "duty@hospital.example"
    assert "Unread queue (site LON)" in str(mail["Subject"])
    body = mail.get_payload(decode=True)
    assert isinstance(body, bytes)
    assert b"Seen: 12 exams (n = 12)" in body
    assert re.search(rb"Notice [0-9a-f]{32}", body)


@pytest.mark.parametrize("status", [500, 403, 302])
def test_an_answer_that_is_no_success_is_tried_again_and_no_redirect_is_followed(
    install: Install, receiver: Any, status: int
) -> None:
    settings = install(targets(receiver.url))
    receiver.status = status
    lines = look(settings, T0)
    store = AlertStore(settings.at(settings.state_file))
    assert any(line.startswith("FAILED to duty") for line in lines)
    assert store.notices("waiting")[0].error == f"the target answered {status}"
    assert receiver.taken == []
    receiver.status = 200
    look(settings, T0 + timedelta(hours=1))
    assert [m["title"] for m in receiver.taken] == ["Radpulse critical: Unread queue (site LON)"]


def test_a_closed_port_is_said_without_the_address(install: Install, receiver: Any) -> None:
    target = Target(key="t", url="json://duty:{word}@127.0.0.1:9/geheim", secrets={"word": "env:PATH"})
    file = AlertsFile(targets=(target,), allow_local=True)
    with pytest.raises(PeerError) as failed:
        send(channel(install(""), file, target), "t", "b", "info")
    assert str(failed.value) == "the target could not be reached"


def _killed(install: Install, receiver: Any, runs: int) -> None:
    settings = install(targets(receiver.url))
    seed = random.randrange(10**6)  # noqa: S311 - test data
    print("seed", seed)  # noqa: T201 - to repeat it
    script = Path(__file__).with_name("kill_runs.py")
    command = [sys.executable, str(script), str(settings.base), str(runs), str(seed)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert int(done.stdout.splitlines()[-1]) > runs // 10  # some were really cut off
    store = AlertStore(settings.at(settings.state_file))
    notices = store.notices(limit=10_000)
    assert {n.status for n in notices} == {"sent"}
    copies, marked = Counter[str](), Counter[str]()
    for message in receiver.taken:
        id = message["message"].split("Notice ")[1].split()[0]
        copies[id] += 1
        marked[id] += "may be a repeat" in message["message"]
    assert set(copies) == {n.id for n in notices}  # every message came, and none that was not queued
    # at most once unmarked: whatever came twice says so
    assert {id for id in copies if copies[id] - marked[id] > 1} == set()
    assert store.open_alerts() == []


def test_runs_killed_at_random_lose_no_message_and_send_none_twice_unmarked(install: Install, receiver: Any) -> None:
    _killed(install, receiver, 8)


@pytest.mark.slow
def test_two_hundred_killed_runs_lose_no_message_and_send_none_twice_unmarked(install: Install, receiver: Any) -> None:
    _killed(install, receiver, 200)
