"""The life of an alert: opened once, reminded, escalated, acknowledged, resolved; held and summed up, never lost."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from etl.alerts.finding import Finding
from etl.alerts.places import places_of
from etl.alerts.rules import AlertsFile, load_alerts
from etl.alerts.run import act, run_alerts
from etl.alerts.store import AlertStore
from etl.errors import PeerError, RefusedError
from etl.settings import Settings
from etl.state import AuditLog

Install = Callable[[str], Settings]
T0 = datetime(2026, 6, 10, 12, 0, tzinfo=UTC)
FILE = """
[[targets]]
key = "duty"
url = "json://10.0.0.1/"
max_per_hour = 1000
[[targets]]
key = "chief"
url = "json://10.0.0.2/"
[[rules]]
key = "queue"
name = "Unread queue"
kind = "threshold"
kpi = "U21"
operator = ">"
limit = 10
owner = "Lead"
targets = ["duty"]
renotify_min = 60
escalate_to = "chief"
escalate_after_min = 30
"""


class Post:
    """Takes messages as a target would, or refuses them while it is down."""

    def __init__(self) -> None:
        self.now = T0
        self.down = False
        self.sent: list[tuple[datetime, str, str, str]] = []

    def send(self, target: str, title: str, body: str, severity: str) -> None:
        """Take one message."""
        if self.down:
            raise PeerError("the target could not be reached")
        self.sent.append((self.now, target, title, body))

    def titles(self, target: str = "duty") -> list[str]:
        """What a target was told, without the tail that names the slice."""
        return [
            title.split(" (")[0].removeprefix("Radpulse warning: ") for _, to, title, _ in self.sent if to == target
        ]


class Site:
    """An installation, its store and post, moved through time."""

    def __init__(self, settings: Settings) -> None:
        self.settings, self.post = settings, Post()
        self.store = AlertStore(settings.at(settings.state_file))

    @property
    def file(self) -> AlertsFile:
        return load_alerts(self.settings)

    def look(self, at: datetime, *findings: Finding, dry_run: bool = False) -> list[str]:
        """Judge these findings at an instant."""
        self.post.now = at
        found: dict[str, list[Finding]] = {}
        for finding in findings:
            found.setdefault(finding.rule, []).append(finding)
        return act(self.settings, self.file, self.store, found, at, dry_run=dry_run, channels=self.post)


@pytest.fixture
def site(install: Install) -> Site:
    """An installation with one rule."""
    return Site(install(FILE))


def queue(breached: bool | None, value: float = 12, **where: str) -> Finding:
    return Finding("queue", tuple(sorted(where.items())), breached, f"{value:.0f} exams", value, 10, int(value))


def minutes(number: float) -> datetime:
    return T0 + timedelta(minutes=number)


def test_a_breach_is_told_once_reminded_each_hour_and_resolved(site: Site) -> None:
    for at, breached in ((0, True), (5, True), (59, True), (60, True), (65, True), (70, False), (75, False)):
        site.look(minutes(at), queue(breached))
    assert site.post.titles() == ["Unread queue", "still open: Unread queue", "resolved: Unread queue"]
    assert [sent[0] for sent in site.post.sent if sent[1] == "duty"] == [minutes(0), minutes(60), minutes(70)]
    assert site.store.open_alerts() == []


def test_unacknowledged_it_goes_to_the_next_target_once(site: Site) -> None:
    for at in (0, 29, 30, 35, 59):
        site.look(minutes(at), queue(True))
    assert site.post.titles("chief") == ["not acknowledged: Unread queue"]
    assert [sent[0] for sent in site.post.sent if sent[1] == "chief"] == [minutes(30)]


def test_acknowledged_it_is_neither_reminded_nor_escalated_until_the_time_is_over(site: Site) -> None:
    site.look(T0, queue(True))
    id = site.store.open_alerts()[0].id
    site.store.acknowledge(id[:8], by="Kim", role="manager", now=minutes(5), until=minutes(180), note="reader called")
    for at in (40, 60, 120, 179):
        lines = site.look(minutes(at), queue(True))
        assert "acknowledged by Kim" in lines[0]
    assert site.post.titles() == ["Unread queue"]
    site.look(minutes(180), queue(True))
    assert site.post.titles() == ["Unread queue", "still open: Unread queue"]
    assert site.post.titles("chief") == ["not acknowledged: Unread queue"]
    record = AuditLog(site.store.path).records()[0]
    assert (record["action"], record["actor"], record["role"]) == ("ALERT_ACK", "Kim", "manager")
    assert "reader called" in record["filters"]


def test_an_acknowledgement_needs_a_name_an_open_alert_and_a_time_to_come(site: Site) -> None:
    site.look(T0, queue(True))
    id = site.store.open_alerts()[0].id
    for given, said in (
        ({"id": id, "by": " "}, "names who"),
        ({"id": "zz", "by": "Kim"}, "0 open alerts"),
        ({"id": "", "by": "Kim"}, "0 open alerts"),
        ({"id": id, "by": "Kim", "until": T0}, "has passed"),
    ):
        with pytest.raises(RefusedError, match=said):
            site.store.acknowledge(role="manager", now=T0, **given)  # type: ignore[arg-type]  # ids, names and times by case
    assert site.store.open_alerts()[0].ack_by is None


def test_without_a_number_an_alert_stays_open_and_is_forgotten_after_a_week(site: Site) -> None:
    site.look(T0, queue(True))
    site.look(minutes(60), queue(None))
    assert [a.text for a in site.store.open_alerts()] == ["12 exams"]
    site.look(T0 + timedelta(days=7, minutes=1), queue(None))
    assert site.store.history()[0].resolved_why == "no number for seven days"


def test_a_withdrawn_rule_closes_its_alerts_without_a_message(site: Site) -> None:
    site.look(T0, queue(True))
    (site.settings.base / "alerts.toml").write_text(FILE.split("[[rules]]")[0], encoding="utf-8")
    site.look(minutes(5))
    assert site.store.history()[0].resolved_why == "its rule was withdrawn"
    assert site.post.titles() == ["Unread queue"]


def test_a_number_that_flaps_is_resolved_only_after_it_was_well_for_as_long_as_asked(install: Install) -> None:
    site = Site(install(FILE + "resolve_after_min = 20\n"))
    for at, breached in ((0, True), (5, False), (10, True), (15, False), (34, False), (35, False)):
        site.look(minutes(at), queue(breached))
        assert len(site.store.open_alerts()) == (0 if at == 35 else 1)
    assert site.post.titles() == ["Unread queue", "resolved: Unread queue"]


def test_quiet_hours_hold_what_happens_and_it_is_told_after_over_a_night_of_changed_clocks(install: Install) -> None:
    site = Site(install(FILE + '[[quiet]]\nfrom = "22:00"\nto = "07:00"\n'))
    night = datetime(2026, 10, 24, 23, 0, tzinfo=ZoneInfo("Europe/London")).astimezone(UTC)
    for step in range(0, 9 * 60 + 60, 15):  # to 07:00 by the wall clock: an hour more than other nights
        at = night + timedelta(minutes=step)
        site.look(at, queue(step < 120, site="LON"))
        if at < datetime(2026, 10, 25, 7, 0, tzinfo=UTC):
            assert site.post.sent == []
    # opened and resolved in the night, both told at seven; the escalation was no longer due
    assert site.post.titles() == ["Unread queue", "resolved: Unread queue"]
    assert {at for at, *_ in site.post.sent} == {datetime(2026, 10, 25, 7, 0, tzinfo=UTC)}


def test_a_rule_that_breaks_quiet_hours_is_told_at_night(install: Install) -> None:
    site = Site(install(FILE + 'breaks_quiet = true\n[[quiet]]\nfrom = "22:00"\nto = "07:00"\n'))
    site.look(datetime(2026, 6, 10, 23, 0, tzinfo=UTC), queue(True, site="LON"))
    assert site.post.titles() == ["Unread queue"]


def test_a_storm_is_one_summary_and_never_more_messages_than_allowed(install: Install) -> None:
    site = Site(install(FILE.replace("max_per_hour = 1000", "max_per_hour = 5").replace("escalate_to", "#")))
    storm = [queue(True, scanner=f"S{number:02}") for number in range(40)]
    site.look(T0, *storm)
    assert len(site.post.sent) == 5
    summary = site.post.sent[-1]
    assert summary[2] == "Radpulse: 36 more alert messages in one"
    assert summary[3].count("Unread queue") == 20
    assert "and 16 more" in summary[3]
    site.look(minutes(30), *storm, *[queue(True, scanner=f"T{number:02}") for number in range(3)])
    assert len(site.post.sent) == 5  # the hour is not over
    site.look(minutes(59), *storm)
    assert len(site.post.sent) == 5
    assert len(site.store.notices("waiting")) == 3


def test_a_target_that_is_down_gets_it_later_and_the_reason_is_kept(site: Site) -> None:
    site.post.down = True
    lines = site.look(T0, queue(True))
    assert any(line.startswith("FAILED to duty") for line in lines)
    assert site.store.notices("waiting")[0].error == "the target could not be reached"
    site.post.down = False
    site.look(minutes(1), queue(True))
    assert site.post.sent == []  # not before two minutes
    site.look(minutes(2), queue(True))
    assert site.post.titles() == ["Unread queue"]
    assert site.store.notices("waiting") == []


def test_a_dry_run_says_what_would_go_and_why_not_and_changes_nothing(site: Site) -> None:
    lines = site.look(T0, queue(True), queue(False, 3, site="LON"), queue(None, site="NYC"), dry_run=True)
    assert lines == [
        "queue [all]: opened: 12 exams",
        "queue [site LON]: within: 3 exams",
        "queue [site NYC]: not judged: 12 exams",
        "would go to duty: Radpulse warning: Unread queue (all)",
    ]
    assert (site.store.open_alerts(), site.store.notices(), site.post.sent) == ([], [], [])
    site.look(T0, queue(True))
    lines = site.look(minutes(5), queue(True), dry_run=True)
    assert lines == ["queue [all]: suppressed: already told, next reminder 2026-06-10 13:00 UTC"]


def test_a_message_holds_number_limit_n_slice_owner_and_link_and_nothing_else(install: Install) -> None:
    site = Site(install('link = "https://radpulse.example/"\n' + FILE))
    long = "x\n<script>" + "y" * 60
    site.look(T0, queue(True, site="LON", section=long))
    title, body = site.post.sent[0][2:]
    assert title == "Radpulse warning: Unread queue (section x <script>" + "y" * 30 + ", site LON)"
    told = body.splitlines()
    assert told[1:5] == [
        "Seen: 12 exams (n = 12)",
        "Beyond its limit since 10 Jun 2026 13:00 (London time)",
        "Owner: Lead",
        "https://radpulse.example/alerts",
    ]
    assert told[-1].startswith("Notice ")


def test_a_second_run_at_the_same_time_leaves_the_first_alone(site: Site) -> None:
    from etl.alerts.run import alone
    from etl.errors import BusyError

    with alone(site.settings), pytest.raises(BusyError):
        run_alerts(site.settings)


def _random_life(path: Path, settings: Settings, seed: int) -> None:
    """Move one installation through random breaches, recoveries, acknowledgements, outages and nights."""
    draws = random.Random(seed)  # noqa: S311 - test data
    site = Site(settings.model_copy(update={"state_file": path}))
    places = places_of(site.settings, site.file)
    now = datetime(2026, draws.choice([3, 10]), draws.choice([24, 28]), 12, 0, tzinfo=UTC)
    slices = [(("site", "LON"),), (("site", "NYC"),), (("scanner", "NCT1"),)]
    state = dict.fromkeys(slices, False)
    breaches = 0
    for _ in range(25):
        now += timedelta(minutes=draws.choice([5, 15, 45, 180]))
        site.post.down = draws.random() < 0.2
        found = []
        for parts in slices:
            was, state[parts] = state[parts], draws.random() < 0.5
            breaches += state[parts] and not was
            found.append(Finding("queue", parts, state[parts], "12 exams", 12, 10, 12))
        before = len(site.post.sent)
        site.look(now, *found)
        standing = site.store.open_alerts()
        assert sorted(a.slice for a in standing) == sorted(f.slice_key for f in found if f.breached)
        for _, _, title, _ in site.post.sent[before:]:
            where = "LON" if "site LON" in title else "NYC"
            assert places.release(now, where) is None, title
        if standing and draws.random() < 0.3:
            chosen = draws.choice(standing)
            until = now + timedelta(hours=2) if draws.random() < 0.5 else None
            site.store.acknowledge(chosen.id, by="Kim", role="manager", now=now, until=until)
    site.post.down = False
    for _ in range(40):  # well again, and the post up: everything held comes out
        now += timedelta(hours=1)
        site.look(now, *(Finding("queue", parts, False, "3 exams", 3, 10, 3) for parts in slices))
    notices = site.store.notices(limit=10_000)
    assert site.store.open_alerts() == []
    assert {n.status for n in notices} == {"sent"}, {n.status for n in notices}
    ids = [body.split("Notice ")[1].split()[0] for *_, body in site.post.sent]
    assert len(ids) == len(set(ids)) == len(notices)
    opened = [n for n in notices if n.kind == "opened"]
    assert len(opened) == len(site.store.history(10_000)) == breaches


def _lives(install: Install, tmp_path: Path, number: int) -> None:
    quiet = '[[quiet]]\nfrom = "22:00"\nto = "07:00"\n[[quiet]]\nfrom = "12:00"\nto = "13:30"\nsites = ["NYC"]\n'
    settings = install(FILE.replace('"json://10.0.0.2/"', '"json://10.0.0.2/"\nmax_per_hour = 1000') + quiet)
    first = random.randrange(10**6)  # noqa: S311 - test data
    print("seeds from", first)  # noqa: T201 - to repeat it
    for seed in range(first, first + number):
        path = tmp_path / f"state{seed}.sqlite"
        _random_life(path, settings, seed)
        path.unlink()


def test_random_lives_keep_one_open_alert_no_message_in_quiet_hours_and_lose_none(
    install: Install, tmp_path: Path
) -> None:
    _lives(install, tmp_path, 2)


@pytest.mark.slow
def test_a_thousand_random_lives_keep_the_same(install: Install, tmp_path: Path) -> None:
    _lives(install, tmp_path, 1000)
