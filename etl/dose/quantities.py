"""The dose quantities that references and levels are of, each in one unit."""

from __future__ import annotations

from dataclasses import dataclass

_MGY = {"mGy": 1.0, "cGy": 10.0, "Gy": 1000.0, "uGy": 0.001}
_AREA = {"Gy.cm2": 1.0, "dGy.cm2": 0.1, "cGy.cm2": 0.01, "mGy.cm2": 1e-3, "uGy.cm2": 1e-6, "uGy.m2": 0.01, "Gy.m2": 1e4}


@dataclass(frozen=True, slots=True)
class Quantity:
    """A quantity by its name in facts, its unit, the modalities that have it, and the most a reference may be.

    `units` are the units a table may use, as factors; `limit` lies far above any reference: more is a slip of unit.
    """

    name: str
    unit: str
    units: dict[str, float]
    modalities: frozenset[str]
    limit: float
    by_phantom: bool = False

    def in_own_unit(self, value: float, unit: str) -> float:
        """Return a value in the quantity's own unit; raises KeyError for a unit it is not measured in."""
        factor = {name.lower(): size for name, size in self.units.items()}[unit.strip().lower().replace("µ", "u")]
        return float(f"{value * factor:.12g}")


_PROJECTION = frozenset({"DX", "RF", "XA"})
_CT = frozenset({"CT"})
QUANTITIES: dict[str, Quantity] = {
    "ctdivol": Quantity("CTDIvol", "mGy", _MGY, _CT, 500.0, by_phantom=True),
    "dlp": Quantity("DLP", "mGy.cm", {"mGy.cm": 1.0, "cGy.cm": 10.0, "Gy.cm": 1000.0}, _CT, 20_000.0, by_phantom=True),
    "ssde": Quantity("SSDE", "mGy", _MGY, _CT, 500.0),
    "dap": Quantity("DAP", "Gy.cm2", _AREA, _PROJECTION, 5_000.0),
    "dose_rp": Quantity("dose RP", "mGy", _MGY, frozenset({"RF", "XA"}), 50_000.0),
    "fluoro_time": Quantity("fluoro time", "min", {"min": 1.0, "s": 1 / 60, "h": 60.0}, frozenset({"RF", "XA"}), 600.0),
    "agd": Quantity("AGD", "mGy", _MGY, frozenset({"MG"}), 50.0),
    "activity": Quantity(
        "activity", "MBq", {"MBq": 1.0, "GBq": 1000.0, "kBq": 0.001, "mCi": 37.0}, frozenset({"NM", "PT"}), 50_000.0
    ),
}
UNIT = {quantity.name: quantity.unit for quantity in QUANTITIES.values()}
