"""From findings to alerts and notices: a pure function of the open alerts, the rules and the instant."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from etl.alerts.alert import Alert, Notice
from etl.alerts.finding import Finding, slice_of, slice_words
from etl.alerts.message import body_of, title_of
from etl.alerts.places import Places
from etl.alerts.rules import AlertsFile, Rule

FORGOTTEN_AFTER = timedelta(days=7)  # without any number to judge by


@dataclass(slots=True)
class Decision:
    """What changed, what is to be told, and in one line each why something is or is not told."""

    alerts: list[Alert] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Decider:
    """Decides at one instant; `new_id` gives ids for what is new."""

    file: AlertsFile
    places: Places
    now: datetime
    new_id: Callable[[], str]
    made: Decision = field(default_factory=Decision)

    def decide(self, findings: Mapping[str, Sequence[Finding]], open_alerts: Sequence[Alert]) -> Decision:
        """Return the decision on these findings, by rule; alerts of withdrawn rules are closed."""
        rules = {rule.key: rule for rule in self.file.rules}
        standing = {(alert.rule, alert.slice): alert for alert in open_alerts}
        for rule in self.file.rules:
            for finding in findings.get(rule.key, ()):
                self._one(rule, finding, standing.pop((rule.key, finding.slice_key), None))
        for alert in standing.values():
            self._unseen(rules.get(alert.rule), alert)
        return self.made

    def _one(self, rule: Rule, finding: Finding, alert: Alert | None) -> None:
        if finding.breached is None:
            self._say(finding, f"not judged: {finding.text}" + ("; its alert stays open" if alert else ""))
            if alert is not None:
                self._unseen(rule, alert)
        elif finding.breached:
            self._beyond(rule, finding, alert)
        elif alert is not None:
            self._within(rule, finding, alert)
        else:
            self._say(finding, f"within: {finding.text}")

    def _beyond(self, rule: Rule, finding: Finding, alert: Alert | None) -> None:
        if alert is None:
            alert = self._opened(rule, finding)
            self._tell(rule, alert, "opened", rule.targets)
            self._say(finding, f"opened: {finding.text}")
            return
        self._seen(rule, finding, alert)
        alert.well_since_at = None
        self._follow_up(rule, finding, alert)

    def _follow_up(self, rule: Rule, finding: Finding, alert: Alert) -> None:
        """Remind or escalate, or say why not."""
        if alert.is_acknowledged(self.now):
            until = f"until {alert.ack_until:%Y-%m-%d %H:%M} UTC" if alert.ack_until else "until it is resolved"
            self._say(finding, f"suppressed: acknowledged by {alert.ack_by} {until}")
            return
        escalated = self._escalate(rule, alert)
        next_at = (alert.told_at or alert.opened_at) + timedelta(minutes=rule.renotify_min)
        if self.now >= next_at:
            self._tell(rule, alert, "reminder", rule.targets)
            self._say(finding, f"reminder: {finding.text}")
        elif not escalated:
            self._say(finding, f"suppressed: already told, next reminder {next_at:%Y-%m-%d %H:%M} UTC")
        if escalated:
            self._say(finding, f"escalated to {rule.escalate_to}")

    def _escalate(self, rule: Rule, alert: Alert) -> bool:
        since = alert.first_told_at or alert.opened_at
        due = self.now >= since + timedelta(minutes=rule.escalate_after_min)
        if rule.escalate_to is None or alert.escalated_at is not None or not due:
            return False
        told = alert.told_at  # an escalation does not put off the owner's next reminder
        self._tell(rule, alert, "escalated", (rule.escalate_to,))
        alert.told_at, alert.escalated_at = told, self.now
        return True

    def _within(self, rule: Rule, finding: Finding, alert: Alert) -> None:
        self._seen(rule, finding, alert)
        alert.well_since_at = alert.well_since_at or self.now
        resolves_at = alert.well_since_at + timedelta(minutes=rule.resolve_after_min)
        if self.now < resolves_at:
            self._say(finding, f"within, resolved if still so at {resolves_at:%Y-%m-%d %H:%M} UTC")
            return
        self._close(alert, "within its limit again")
        if rule.tell_resolved:
            self._tell(rule, alert, "resolved", rule.targets)
        self._say(finding, f"resolved: {finding.text}")

    def _unseen(self, rule: Rule | None, alert: Alert) -> None:
        """Close what no rule or no number stands for any more."""
        if rule is None:
            self._close(alert, "its rule was withdrawn")
            self.made.lines.append(f"{alert.rule} [{slice_words(alert.slice)}]: closed, its rule was withdrawn")
        elif self.now - alert.seen_at > FORGOTTEN_AFTER:
            self._close(alert, "no number for seven days")
            self._tell(rule, alert, "resolved", rule.targets if rule.tell_resolved else ())

    def _opened(self, rule: Rule, finding: Finding) -> Alert:
        alert = Alert(
            id=self.new_id(),
            rule=rule.key,
            slice=finding.slice_key,
            name=rule.name,
            severity=rule.severity,
            owner=rule.owner,
            opened_at=self.now,
            seen_at=self.now,
            text="",
        )
        self._seen(rule, finding, alert)
        return alert

    def _seen(self, rule: Rule, finding: Finding, alert: Alert) -> None:
        """Note what was seen, under the rule's present name, severity and owner."""
        alert.name, alert.severity, alert.owner = rule.name, rule.severity, rule.owner
        alert.seen_at, alert.text = self.now, finding.text[:500]
        alert.value, alert.limit, alert.n = finding.value, finding.limit, finding.n
        self.made.alerts.append(alert)

    def _close(self, alert: Alert, why: str) -> None:
        alert.resolved_at, alert.resolved_why = self.now, why
        if alert not in self.made.alerts:
            self.made.alerts.append(alert)

    def _tell(self, rule: Rule, alert: Alert, kind: str, targets: Sequence[str]) -> None:
        """Queue a notice to each target, due when quiet hours are over."""
        site = self.places.site(rule, slice_of(alert.slice))
        held_until = None if rule.breaks_quiet else self.places.release(self.now, site)
        due = held_until or self.now
        body = body_of(alert, kind, self.places.zone(site), self.file.link)
        for target in dict.fromkeys(targets):
            self.made.notices.append(
                Notice(
                    id=self.new_id(),
                    alert_id=alert.id,
                    target=target,
                    kind=kind,
                    severity=alert.severity,
                    site=site,
                    breaks_quiet=rule.breaks_quiet,
                    title=title_of(alert, kind),
                    body=body,
                    queued_at=self.now,
                    due_at=due,
                )
            )
        alert.told_at = due
        alert.first_told_at = alert.first_told_at or due

    def _say(self, finding: Finding, line: str) -> None:
        self.made.lines.append(f"{finding.rule} [{slice_words(finding.slice_key)}]: {line}")
