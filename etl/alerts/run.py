"""One look at everything: judge the rules, change the alerts, send what is due; or say what would be done."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from filelock import FileLock, Timeout

from etl.alerts import targets
from etl.alerts.alert import Alert
from etl.alerts.conditions import find
from etl.alerts.decide import Decider
from etl.alerts.deliver import Channels, deliver
from etl.alerts.finding import Finding
from etl.alerts.outbox import choose, recover
from etl.alerts.places import places_of
from etl.alerts.rules import AlertsFile, load_alerts
from etl.alerts.store import AlertStore
from etl.errors import BusyError, ConfigurationError, RadpulseError
from etl.settings import Settings
from etl.warehouse.engine import reader_engine

KEPT = timedelta(days=400)  # how long told notices stay in the log
log = structlog.get_logger()


def new_id() -> str:
    """Return an id nobody can guess from another."""
    return uuid.uuid4().hex


@dataclass(slots=True)
class Targets:
    """The channels of the alert file, opened when first used."""

    settings: Settings
    file: AlertsFile

    def send(self, target: str, title: str, body: str, severity: str) -> None:
        """Send through apprise; the address is looked at again each time, names may point elsewhere by now."""
        known = self.file.target(target)
        if known is None:
            raise ConfigurationError(f"the alert file has no target {target}")
        targets.send(targets.channel(self.settings, self.file, known), title, body, severity)


@contextmanager
def alone(settings: Settings) -> Iterator[None]:
    """Hold the alerts' lock; raises BusyError at once when another run holds it."""
    path = settings.at(settings.state_file).with_name("alerts.lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(path, timeout=0):
            yield
    except Timeout as error:
        raise BusyError("another run is judging the alerts; this start leaves it alone") from error


def run_alerts(
    settings: Settings,
    *,
    dry_run: bool = False,
    now: datetime | None = None,
    channels: Channels | None = None,
) -> list[str]:
    """Judge every rule once and send what is due; return one line on everything told, held, suppressed or failed.

    With `dry_run` nothing is kept and nothing is sent. Raises ConfigurationError for a bad alert file and BusyError
    when another run is at it; a target that fails or a rule without a number raises nothing.
    """
    file = load_alerts(settings)
    at = now or datetime.now(UTC)
    with alone(settings):
        store = AlertStore(settings.at(settings.state_file))
        findings = judge(settings, file, at, store.open_alerts())
        return act(settings, file, store, findings, at, dry_run=dry_run, channels=channels)


def judge(
    settings: Settings, file: AlertsFile, now: datetime, open_alerts: Sequence[Alert]
) -> dict[str, list[Finding]]:
    """Return what each rule finds; where nothing is published that is the finding."""
    try:
        engine = reader_engine(settings)
    except RadpulseError as error:
        return {rule.key: [Finding(rule.key, (), None, str(error))] for rule in file.rules}
    standing = {rule.key: [a.slice for a in open_alerts if a.rule == rule.key] for rule in file.rules}
    return {rule.key: find(engine, rule, now, standing[rule.key]) for rule in file.rules}


def act(
    settings: Settings,
    file: AlertsFile,
    store: AlertStore,
    findings: dict[str, list[Finding]],
    now: datetime,
    *,
    dry_run: bool = False,
    channels: Channels | None = None,
) -> list[str]:
    """Turn findings into alerts and messages; the caller holds the alerts' lock."""
    places = places_of(settings, file)
    with store.change(keep=not dry_run) as change:
        recover(change)
        decision = Decider(file, places, now, new_id).decide(findings, change.open_alerts())
        change.save([*decision.alerts, *decision.notices])
        change.forget(now - KEPT)
        batch = choose(change, file, places, now, new_id)
    if dry_run:
        return [*decision.lines, *(f"would go {line}" if line.startswith("to ") else line for line in batch.lines)]
    held = [line for line in batch.lines if not line.startswith("to ")]
    clock = (lambda: now) if channels is not None else (lambda: datetime.now(UTC))
    lines = [*decision.lines, *held, *deliver(store, batch.going, channels or Targets(settings, file), clock)]
    log.info("alerts judged", rules=len(file.rules), changed=len(decision.alerts), sent=len(batch.going))
    return lines
