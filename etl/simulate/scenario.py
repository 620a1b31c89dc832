"""What is simulated: two hospitals of one group, their scanners, and the dates the stories hang on."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from hashlib import blake2b

WARM_UP_DAYS = 45  # bookings are made this long before the first day, so that the calendar is full on it
HORIZON_DAYS = 90  # operating calendars and booking reach this far beyond the last day
MULTIPLIERS = {"scale": 1.0, "image_faults": 0.0, "criticals": 1.0}  # and what a manifest without one means
HOUR_S = 3600
DAY_S = 86400


def stream(*parts: object) -> random.Random:
    """Return the random stream that belongs to these parts alone, the same in every run."""
    return random.Random("|".join(map(str, parts)))  # noqa: S311 - reproducible invention, no secret


def chance(*parts: object) -> float:
    """Return one number in [0, 1) that belongs to these parts alone; far cheaper than a stream."""
    digest = blake2b("|".join(map(str, parts)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


@dataclass(frozen=True)
class SiteSpec:
    """A simulated hospital; `letter` begins its identifiers."""

    code: str
    name: str
    zone: str
    subdivision: str
    letter: str


@dataclass(frozen=True)
class ScannerSpec:
    """A simulated scanner.

    `hours` are (first weekday, last weekday, opening, closing) in local hours; `slots` likewise with the slot length
    in minutes at the end. `stations` are the names under which feeds know it, the present one first.
    """

    code: str
    site: str
    modality: str
    name: str
    stations: tuple[str, ...]
    manufacturer: str
    model: str
    hours: tuple[tuple[int, int, float, float], ...]
    slots: tuple[tuple[int, int, float, float, int], ...] = ()
    on_call: bool = False
    buffer_before_min: float = 2.0
    buffer_after_min: float = 2.0
    sends_offset: bool = False  # writes (0008,0201)

    @property
    def pool(self) -> str:
        """Scanners of one site and modality stand in for each other."""
        return f"{self.site}-{self.modality}"

    @property
    def never_closes(self) -> bool:
        """Whether it is open around the clock, holidays included."""
        return self.hours == ALWAYS


ALWAYS = ((0, 6, 0.0, 24.0),)

SITES = (
    SiteSpec("NORTH", "Simulated North Hospital", "America/New_York", "NY", "N"),
    SiteSpec("SOUTH", "Simulated South Hospital", "America/Chicago", "IL", "S"),
)

SCANNERS = (
    ScannerSpec(
        "NCT1", "NORTH", "CT", "CT 1 (emergency)", ("SIMNCT1",), "SIEMENS", "SOMATOM X.cite", ALWAYS,
        on_call=True, sends_offset=True,
    ),
    ScannerSpec(
        "NCT2", "NORTH", "CT", "CT 2 (outpatients)", ("SIMNCT2",), "GE MEDICAL SYSTEMS", "Revolution HD",
        ((0, 4, 7, 19), (5, 5, 8, 13)), ((0, 4, 7, 19, 20), (5, 5, 8, 13, 20)),
    ),
    ScannerSpec(
        "NMR1", "NORTH", "MR", "MR 1", ("SIMNMR1",), "SIEMENS", "MAGNETOM Vida", ((0, 4, 7, 21), (5, 5, 8, 16)),
        ((0, 4, 7, 20, 40), (5, 5, 8, 15, 40)), True, 5.0, 5.0, True,
    ),
    ScannerSpec(
        "NDX1", "NORTH", "DX", "X-ray 1", ("SIMNDXA", "SIMNDX1"), "Canon Inc.", "CXDI Control Software NE",
        ((0, 6, 6, 24),), on_call=True, buffer_before_min=1.0, buffer_after_min=1.0,
    ),
    ScannerSpec(
        "NUS1", "NORTH", "US", "Ultrasound 1", ("SIMNUS1",), "Philips Medical Systems", "EPIQ 7G",
        ((0, 4, 7, 19), (5, 5, 8, 14)), ((0, 4, 7.5, 17.5, 30), (5, 5, 8, 13, 30)), True,
    ),
    ScannerSpec(
        "NMG1", "NORTH", "MG", "Mammography 1", ("SIMNMG1",), "HOLOGIC, Inc.", "Selenia Dimensions",
        ((0, 4, 7.5, 17),), ((0, 4, 7.5, 16.5, 20),),
    ),
    ScannerSpec(
        "NXA1", "NORTH", "XA", "Angiography 1", ("SIMNXA1",), "Philips Medical Systems", "Azurion 7",
        ((0, 4, 7.5, 17.5),), ((0, 4, 8, 14, 90),), True, 15.0, 15.0,
    ),
    ScannerSpec(
        "SCT1", "SOUTH", "CT", "CT 1", ("SIMSCT1",), "Canon Medical Systems", "Aquilion ONE", ALWAYS,
        ((0, 4, 8, 17, 30), (5, 5, 9, 13, 30)), True, sends_offset=True,
    ),
    ScannerSpec(
        "SMR1", "SOUTH", "MR", "MR 1", ("SIMSMR1",), "Philips Medical Systems", "Ingenia",
        ((0, 4, 7, 20), (5, 5, 8, 14)), ((0, 4, 7, 19.5, 45), (5, 5, 8, 13.5, 45)), True, 5.0, 5.0,
    ),
    ScannerSpec(
        "SDX1", "SOUTH", "DX", "X-ray 1", ("SIMSDX1",), "FUJIFILM Corporation", "FDR Visionary Suite",
        ((0, 6, 6, 24),), on_call=True, buffer_before_min=1.0, buffer_after_min=1.0,
    ),
    ScannerSpec(
        "SUS1", "SOUTH", "US", "Ultrasound 1", ("SIMSUS1",), "GE Healthcare", "LOGIQ E10",
        ((0, 4, 7, 18), (5, 5, 8, 13)), ((0, 4, 7.5, 17, 30), (5, 5, 8, 12.5, 30)), True,
    ),
    ScannerSpec(
        "SNM1", "SOUTH", "NM", "Gamma camera 1", ("SIMSNM1",), "SIEMENS NM", "Symbia Intevo",
        ((0, 4, 7, 16.5),), ((0, 4, 7.5, 14.5, 60),), False, 3.0, 3.0, True,
    ),
)  # fmt: skip

SCANNER = {s.code: s for s in SCANNERS}
SITE = {s.code: s for s in SITES}


@dataclass(frozen=True)
class Scenario:
    """The fixed start of a department: the same scenario always lives the same days, however far it is told."""

    seed: int
    start: date  # first local day
    anchor: date  # the day the department was first told up to; its last stories hang on it
    dicom_from: date  # from this local day on there are DICOM files, before it QIDO-RS answers
    dose_from: date  # from this local day on there are dose reports
    scale: float = 1.0
    image_faults: float = 1.0  # multiplies the shares of what goes wrong at scanners
    criticals: float = 1.0  # multiplies the share of reports with a critical finding

    @classmethod
    def ending(
        cls, end: datetime, *, seed: int, days: int, dicom_days: int, dose_days: int, scale: float,
        image_faults: float = 1.0, criticals: float = 1.0,
    ) -> Scenario:  # fmt: skip
        """Return the scenario of `days` local days up to the one that holds `end`."""
        anchor = end.astimezone(UTC).date()
        back = [anchor - timedelta(days=max(n, 1) - 1) for n in (days, dicom_days, dose_days)]
        first = max(back[0], back[1]), max(back[0], back[2])
        return cls(seed, back[0], anchor, *first, scale, image_faults, criticals)

    @cached_property
    def origin_s(self) -> int:
        """Unix seconds of the kernel's minute zero: midnight UTC before the first day."""
        return int(datetime(self.start.year, self.start.month, self.start.day, tzinfo=UTC).timestamp())

    def minute(self, at_s: float) -> float:
        """Return Unix seconds as the kernel's minutes."""
        return (at_s - self.origin_s) / 60

    def second(self, minute: float) -> int:
        """Return the kernel's minutes as whole Unix seconds."""
        return self.origin_s + round(minute * 60)

    def as_json(self) -> dict[str, object]:
        """Return the fields with ISO dates, for the manifest."""
        days = {name: getattr(self, name).isoformat() for name in ("start", "anchor", "dicom_from", "dose_from")}
        return {"seed": self.seed, **days, **{name: getattr(self, name) for name in MULTIPLIERS}}

    @classmethod
    def from_json(cls, values: dict[str, object]) -> Scenario:
        """Return the scenario that `as_json` wrote."""
        days = {k: date.fromisoformat(str(values[k])) for k in ("start", "anchor", "dicom_from", "dose_from")}
        shares = {name: float(str(values.get(name, default))) for name, default in MULTIPLIERS.items()}
        return cls(
            seed=int(str(values["seed"])),
            scale=shares["scale"],
            image_faults=shares["image_faults"],
            criticals=shares["criticals"],
            **days,
        )
