"""The administrator's alert file: targets, quiet hours and rules, as data.

`alerts.toml` lies beside `radpulse.toml`; nothing in the app writes it. Unknown keys are errors, so that a typing slip
is seen, and rules may only name dimensions that describe the department, never the patient (decision 12).
"""

from __future__ import annotations

import re
import tomllib
from datetime import time
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, field_validator, model_validator

from etl.errors import ConfigurationError, RefusedError
from etl.kpis.base import Kpi
from etl.kpis.catalogue import KPIS
from etl.kpis.query import DIMENSIONS
from etl.kpis.small_numbers import PATIENT_DIMENSIONS
from etl.kpis.spc import Signal
from etl.settings import Part, Settings

Severity = Literal["info", "warning", "critical"]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Period = Literal["today", "yesterday", "last_7_days", "last_28_days", "month"]
SEVERITIES: tuple[Severity, ...] = ("critical", "warning", "info")  # most severe first
SPLITS = tuple(name for name in DIMENSIONS if name not in PATIENT_DIMENSIONS)
_PLACE = re.compile(r"\{(\w+)\}")


class Target(Part):
    """Where messages go: an apprise URL whose secrets are named, never written (`{name}` stands for one)."""

    key: str = Field(pattern=r"^[a-z0-9_]+$")
    url: str
    secrets: dict[str, str] = Field(default_factory=dict)
    max_per_hour: int = Field(default=12, ge=1)

    @model_validator(mode="after")
    def _names_its_secrets(self) -> Target:
        missing = set(_PLACE.findall(self.url)) - set(self.secrets)
        if missing:
            raise ValueError(f"target {self.key!r}: secrets lacks {', '.join(sorted(missing))}")
        password = urlsplit(self.url).password if "@" in self.url else None
        if password and not _PLACE.fullmatch(password):
            raise ValueError(f"target {self.key!r}: no password in a URL; write {{name}} and name it in secrets")
        return self


class Quiet(Part):
    """Hours without messages on the site's wall clock; without `days` every day, without `sites` everywhere.

    `days` are those on which the hours begin: 22:00 to 07:00 on `fri` ends on Saturday morning.
    """

    from_: time = Field(alias="from")
    to: time
    days: tuple[Weekday, ...] = ()
    sites: tuple[str, ...] = ()


class RuleBase(Part):
    """What all rules have: name, severity, owner, and how their alerts are told."""

    key: str = Field(pattern=r"^[a-z0-9_]+$", max_length=64)
    name: str = Field(min_length=1, max_length=120)
    severity: Severity = "warning"
    owner: str = Field(min_length=1, max_length=80)
    targets: tuple[str, ...] = ()
    renotify_min: int = Field(default=240, ge=5)
    tell_resolved: bool = True
    resolve_after_min: int = Field(default=0, ge=0)
    breaks_quiet: bool = False
    escalate_to: str | None = None
    escalate_after_min: int = Field(default=60, ge=1)


class _Sliced(RuleBase):
    """A rule over a KPI: which one, cut by what, filtered how."""

    kpi: str
    measure: str | None = None
    by: tuple[str, ...] = ()
    where: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    min_n: int = Field(default=5, ge=0)

    @field_validator("by", "where")
    @classmethod
    def _of_the_department(cls, value: Any) -> Any:
        for name in value:
            if name in PATIENT_DIMENSIONS:
                raise ValueError(f"{name!r} is an attribute of the patient; alerts may be cut by {', '.join(SPLITS)}")
            if name not in DIMENSIONS:
                raise ValueError(f"dimension {name!r} is not known; allowed: {', '.join(SPLITS)}")
        return value

    @model_validator(mode="after")
    def _can_be_asked(self) -> _Sliced:
        try:
            kpi = KPIS[self.kpi]
        except RefusedError:
            raise ValueError(f"KPI {self.kpi!r} is not known; `radpulse kpis` lists all") from None
        names = [measure.name for measure in kpi.measures]
        if self.measure is not None and self.measure not in names:
            raise ValueError(f"{kpi.id} has no measure {self.measure!r}; it has {', '.join(names)}")
        for name in self.by:
            if name not in kpi.dimensions:
                raise ValueError(f"{kpi.id} cannot be cut by {name!r}")
        for name in self.where:
            if name not in kpi.dimensions:  # a filter left out silently would be another number
                raise ValueError(f"{kpi.id} cannot be filtered by {name!r}")
        return self

    @property
    def definition(self) -> Kpi:
        """The KPI it looks at."""
        return KPIS[self.kpi]

    @property
    def column(self) -> str:
        """The measure it looks at."""
        return self.measure or self.definition.headline


class ThresholdRule(_Sliced):
    """A number beyond a limit."""

    kind: Literal["threshold"]
    operator: Literal[">", ">=", "<", "<="]
    limit: float
    period: Period | None = None  # None: today for what is counted as of now, else yesterday


class OverdueRule(_Sliced):
    """Open items over their limit: critical results not communicated, follow-up not done; one is too many."""

    kind: Literal["critical", "followup"]
    limit: float = Field(default=0, ge=0)
    min_n: int = Field(default=0, ge=0)


class SpcRule(_Sliced):
    """A special cause on the last complete bucket, by the rules of an XmR chart."""

    kind: Literal["spc"]
    grain: Literal["day", "week"] = "day"
    points: int = Field(default=28, ge=8, le=180)
    rules: tuple[Signal, ...] = tuple(Signal)
    direction: Literal["worse", "any"] = "worse"
    same_weekday: bool = False

    @model_validator(mode="after")
    def _has_buckets(self) -> SpcRule:
        if self.grain not in self.definition.grains:
            raise ValueError(f"{self.definition.id} has no {self.grain} grain, so no chart")
        if self.same_weekday and self.grain != "day":
            raise ValueError("same_weekday compares days; leave it out for weeks")
        return self


class FreshnessRule(RuleBase):
    """A feed that is late, or only one that is stale; the one rule that looks at the wall clock."""

    kind: Literal["freshness"]
    state: Literal["late", "stale"] = "late"
    feeds: tuple[str, ...] = ()


Rule = Annotated[ThresholdRule | SpcRule | FreshnessRule | OverdueRule, Field(discriminator="kind")]
KpiRule = ThresholdRule | SpcRule | OverdueRule


class AlertsFile(Part):
    """All of `alerts.toml`."""

    link: str = ""  # the dashboard's address, put under every message
    allow_local: bool = False  # whether targets on this machine or link-local addresses are meant
    targets: tuple[Target, ...] = ()
    quiet: tuple[Quiet, ...] = ()
    rules: tuple[Rule, ...] = ()

    @model_validator(mode="after")
    def _refers_to_what_is_there(self) -> AlertsFile:
        for what, keys in (("targets", [t.key for t in self.targets]), ("rules", [r.key for r in self.rules])):
            twice = {key for key in keys if keys.count(key) > 1}
            if twice:
                raise ValueError(f"{what} are named twice: {', '.join(sorted(twice))}")
        known = {target.key for target in self.targets}
        for rule in self.rules:
            unknown = {*rule.targets, *filter(None, [rule.escalate_to])} - known
            if unknown:
                raise ValueError(f"rule {rule.key!r}: no such target {', '.join(sorted(unknown))}")
        return self

    def target(self, key: str) -> Target | None:
        """Return the target of that key, None when the file no longer has it."""
        return next((target for target in self.targets if target.key == key), None)


def load_alerts(settings: Settings) -> AlertsFile:
    """Read the alert file, empty where there is none; raises ConfigurationError listing every bad key at once."""
    path = settings.at(settings.alerts_file)
    if not path.exists():
        return AlertsFile()
    try:
        found = AlertsFile(**tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} is not TOML: {error}") from error
    except ValidationError as error:
        raise ConfigurationError(_told(path, error)) from None  # the original holds the values: maybe a secret
    _check_sites(found, settings, path)
    return found


def _told(path: Path, error: ValidationError) -> str:
    lines = [f"  {'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_input=False)]
    return f"{path} has {len(lines)} bad entries:\n" + "\n".join(lines)


def _check_sites(found: AlertsFile, settings: Settings, path: Path) -> None:
    known = {site.code for site in settings.sites}
    for quiet in found.quiet:
        unknown = set(quiet.sites) - known
        if unknown:
            raise ConfigurationError(f"{path}: quiet hours of unknown site {', '.join(sorted(unknown))}")
