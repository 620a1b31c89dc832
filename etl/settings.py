"""Settings of one installation: a TOML file, overridden by `RADPULSE_` environment variables."""

from __future__ import annotations

import tomllib
from datetime import date
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from etl.dose.quantities import QUANTITIES
from etl.errors import ConfigurationError

DEFAULT_CONFIG = Path("data/demo/radpulse.toml")
OWN_FEED = "dashboard"  # feed key, feed kind and clock of what people do in the dashboard itself
REFERENCE = Path(__file__).resolve().parent.parent / "data" / "reference"


class Part(BaseModel):
    """A section of the settings; unknown keys are errors, so that a typing slip is seen."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Site(Part):
    """A hospital site: its code, name and IANA zone."""

    code: str
    name: str
    zone: str
    holidays_country: str | None = None
    holidays_subdivision: str | None = None

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"zone {zone!r} is not an IANA zone such as 'Europe/London'") from error
        return zone


class Scanner(Part):
    """A scanner: its code, site, modality, and every station name or AE title that feeds use for it."""

    code: str
    site: str
    modality: str
    name: str
    station_names: tuple[str, ...] = ()
    room_buffer_before_min: float = 0.0
    room_buffer_after_min: float = 0.0
    room_buffers_min: dict[str, tuple[float, float]] = Field(default_factory=dict)  # procedure group -> before, after
    stated_hours_per_day: float | None = None  # U03 divides by it; default: what the operating calendar has open


class Feed(Part):
    """One feed: what kind, whose, where its files lie, and the kind's own options.

    Its files are put there by somebody else, by a listener (`listen`) or by a fetcher (`fetch`).
    """

    key: str
    kind: str
    site: str
    zone: str | None = None  # default: the site's
    path: Path = Path()
    pattern: str = "**/*"
    options: dict[str, Any] = Field(default_factory=dict)
    listen: dict[str, Any] | None = None  # kind of listener that fills `path`, and its options
    fetch: dict[str, Any] | None = None  # kind of fetcher that fills `path`, and its options
    expected_every_min: int = 1440  # for freshness: how often the sender delivers; set it for nightly extracts and such

    @field_validator("key")
    @classmethod
    def _is_not_ours(cls, key: str) -> str:
        if key == OWN_FEED:
            raise ValueError(f"feed key {key!r} is taken: under it stands what people do in the dashboard")
        return key


class Warehouse(Part):
    """Where the warehouse lives and how much of the machine it may take."""

    engine: Literal["duckdb", "postgresql"] = "duckdb"
    folder: Path = Path("warehouse")
    url: str | None = None  # postgresql only
    memory_limit: str = "4GB"
    threads: int = 2
    versions_kept: int = 3
    beliefs_kept: int = 25  # states of knowledge: two years of months


class Identity(Part):
    """The pseudonym key and the identity vault, which is off unless a site turns it on (decision 5)."""

    key_file: Path = Path("pseudonym.key")
    key_epoch: int = 1
    vault: Literal["off"] = "off"


class Followup(Part):
    """When a recommended exam counts as overdue, and which later exam of the patient counts as having done it."""

    grace_days: float = Field(default=30.0, ge=0)  # after the due date
    early_share: float = Field(default=0.5, ge=0, le=1)  # of the interval must have passed for an exam to count
    late_days: float = Field(default=365.0, ge=0)  # so long after the due date an exam still counts


class ClockCorrection(Part):
    """Seconds to add to what a clock wrote in `[from, to)`, and how they grow a day after `from` (a drift)."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    seconds: float
    seconds_per_day: float = 0.0
    from_at: AwareDatetime | None = Field(default=None, alias="from")
    to_at: AwareDatetime | None = Field(default=None, alias="to")

    @model_validator(mode="after")
    def _begins(self) -> ClockCorrection:
        if self.seconds_per_day and self.from_at is None:
            raise ValueError("seconds_per_day counts from a day: say `from`")
        return self


Corrections = float | tuple[ClockCorrection, ...]


class DoseLevel(Part):
    """A level the site sets for itself, from a date on; a later one of the same kind takes its place."""

    purpose: Literal["fluoroscopy", "cumulative"]
    quantity: Literal["dap", "dose_rp", "fluoro_time", "dlp"]
    level: PositiveFloat
    unit: str
    site: str = "*"
    valid_from: date

    @model_validator(mode="after")
    def _fits(self) -> DoseLevel:
        allowed = {"fluoroscopy": ("dap", "dose_rp", "fluoro_time"), "cumulative": ("dap", "dlp")}[self.purpose]
        if self.quantity not in allowed:
            raise ValueError(f"a {self.purpose} level is of {', '.join(allowed)}")
        units = QUANTITIES[self.quantity].units
        if self.unit not in units:
            raise ValueError(f"unit {self.unit!r} is none of {self.quantity}: {', '.join(units)}")
        return self

    @property
    def value(self) -> float:
        """The level in its quantity's own unit."""
        return QUANTITIES[self.quantity].in_own_unit(self.level, self.unit)


class Dose(Part):
    """What dose is compared with: loaded reference tables, the site's own levels, and the rolling window."""

    drl_folder: Path = Path("drl")  # tables that `radpulse drl load` keeps; absent means none
    region: str = ""  # use only rows of this region, and those that name none
    ct_measure_file: Path = Path("ct_measure.csv")  # loaded by the site to preview the CT measure; absent means none
    window_days: PositiveInt = 365  # a patient's rolling sum looks back so far
    levels: tuple[DoseLevel, ...] = ()


class Settings(BaseSettings):
    """All of it; relative paths are taken from the folder of the TOML file."""

    model_config = SettingsConfigDict(env_prefix="RADPULSE_", env_nested_delimiter="__", extra="forbid")

    base: Path = Path()
    warehouse: Warehouse = Warehouse()
    identity: Identity = Identity()
    state_file: Path = Path("state.sqlite")
    forecast_folder: Path = Path("models")
    targets_file: Path = Path("targets.csv")  # site's own targets; absent means none
    rule_packs: tuple[str, ...] = ()  # shipped targets switched on (data/reference/rule_packs), after the site's own
    standards_file: Path = Path("standard_protocols.csv")  # site's own standard; absent means none
    ai_use_file: Path = Path("ai_use.csv")  # which algorithm is in use where since when; absent means none
    cancellation_reasons_file: Path = Path("cancellation_reasons.csv")  # its own reason codes, before the shipped ones
    codes_file: Path = Path("local_codes.csv")  # site's own code maps with their history; absent means none
    vocabulary_file: Path = Path("event_vocabulary.csv")  # codes from RadLex a person reviewed; absent means none
    alerts_file: Path = Path("alerts.toml")  # the administrator's alert rules and targets; absent means none
    submission_codes_file: Path = Path("submission_codes.csv")  # site's own maps for registries; absent means none
    log_file: Path = Path("radpulse.log.jsonl")
    quarantine_folder: Path = Path("quarantine")
    quarantine_days: int = 30
    landing_days: int = 30  # how long raw payloads of listeners and fetchers are kept once read
    followup: Followup = Followup()
    business_hour: int = 5  # local hour of the first site at which a daily window closes
    dose: Dose = Dose()
    demo: bool = False
    individual_readers: bool = False  # reading throughput of single people (U22), by pseudonym; off: groups only
    sites: tuple[Site, ...] = ()
    scanners: tuple[Scanner, ...] = ()
    feeds: tuple[Feed, ...] = ()
    clock_corrections: dict[str, Corrections] = Field(default_factory=dict)  # clock -> seconds to add, or with dates

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let the environment win over the file (whose content arrives as init arguments)."""
        return env_settings, init_settings, file_secret_settings

    def at(self, path: Path) -> Path:
        """Return `path` made absolute from the settings' own folder."""
        return path if path.is_absolute() else self.base / path

    def site(self, code: str) -> Site:
        """Return the site with this code; raises ConfigurationError naming the known ones."""
        for site in self.sites:
            if site.code == code:
                return site
        raise ConfigurationError(f"site {code!r} is not configured; known: {[s.code for s in self.sites]}")

    def zone_of(self, feed: Feed) -> ZoneInfo:
        """Return the zone in which a feed's naive times are read: its own, else its site's."""
        return ZoneInfo(feed.zone or self.site(feed.site).zone)


def load_settings(path: Path | None = None) -> Settings:
    """Read the settings file; raises ConfigurationError listing every bad key at once."""
    path = path or DEFAULT_CONFIG
    if not path.exists():
        raise ConfigurationError(f"no settings at {path}; run `radpulse init` (or `make demo`) first")
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
        return Settings(base=path.resolve().parent, **values)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{path} is not TOML: {error}") from error
    except ValidationError as error:
        lines = [f"  {'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
        raise ConfigurationError(f"{path} has {len(lines)} bad settings:\n" + "\n".join(lines)) from error
