"""Tables of diagnostic reference levels as a site loads them: read, checked row by row, kept as dated versions.

Radpulse ships none. A reference is the 75th percentile of the medians of many sites, the achievable value their
50th; both are compared with a site's median, never with one patient.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from io import StringIO
from math import isfinite
from pathlib import Path

from etl.dose.bands import Band, age_band, size_band
from etl.dose.quantities import QUANTITIES, Quantity
from etl.errors import ConfigurationError, RefusedError

COLUMNS = (
    "source", "region", "modality", "procedure_group", "age_band", "size_band", "quantity", "unit", "phantom", "drl",
    "achievable", "valid_from",
)  # fmt: skip
PHANTOMS = {"16": "16 cm", "32": "32 cm", "16 cm": "16 cm", "32 cm": "32 cm"}
LEAST_COLUMNS = frozenset(COLUMNS) - {"region", "age_band", "size_band", "phantom", "achievable"}
Groups = dict[str, frozenset[str]]  # modality -> its procedure groups


@dataclass(frozen=True, slots=True)
class DoseReference:
    """One row in the quantities' own units; size in centimetres, `phantom` empty where the quantity has none."""

    source: str
    region: str
    modality: str
    procedure_group: str
    age: Band
    size: Band
    quantity: str
    phantom: str
    drl: float
    achievable: float | None
    valid_from: date
    band: str  # as written, empty where it takes everything
    version: str
    row: int

    @property
    def narrowness(self) -> int:
        """How many bands bound it: of several that fit, the narrowest is meant."""
        return (not self.age.is_any) + (not self.size.is_any)

    def clashes(self, other: DoseReference) -> bool:
        """Whether some exam would have both on the same day, neither being the narrower one."""
        same = (self.modality, self.procedure_group, self.quantity, self.phantom, self.valid_from) == (
            other.modality, other.procedure_group, other.quantity, other.phantom, other.valid_from,
        )  # fmt: skip
        narrow = self.narrowness == other.narrowness
        return same and narrow and self.age.overlaps(other.age) and self.size.overlaps(other.size)


@dataclass(frozen=True, slots=True)
class Checked:
    """What a file holds: its version, its rows, and what is wrong with it, each thing named by row."""

    version: str
    references: tuple[DoseReference, ...]
    refused: tuple[str, ...]


class _RowRefusedError(ValueError):
    """What is wrong with one row."""


def check(path: Path, groups: Groups, region: str = "") -> Checked:
    """Read and check a table; `region` leaves out the rows of others.

    Raises RefusedError for a file that is no such table at all.
    """
    raw = path.read_bytes()
    version = sha256(raw).hexdigest()[:12]
    refused: list[str] = []
    found: list[DoseReference] = []
    for number, row in _rows(path, raw):
        try:
            reference = _reference(row, groups, version, number)
        except _RowRefusedError as error:
            refused.append(f"row {number}: {error}")
            continue
        clash = next((other for other in found if reference.clashes(other) and _shares(reference, other)), None)
        if clash is not None:
            refused.append(f"row {number}: overlaps row {clash.row}, for the same group, quantity, bands and date")
        elif not region or reference.region in ("", region):
            found.append(reference)
    return Checked(version, tuple(found), tuple(refused))


def _shares(one: DoseReference, other: DoseReference) -> bool:
    return one.region == other.region or not (one.region and other.region)


def _rows(path: Path, raw: bytes) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield line number and stripped values of each row; lines that begin with # are remarks."""
    try:
        lines = raw.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise RefusedError(f"{path.name} is not UTF-8 text") from error
    kept = [(number, line) for number, line in enumerate(lines, 1) if line.strip() and not line.startswith("#")]
    reader = csv.DictReader(StringIO("\n".join(line for _, line in kept)))
    missing = sorted(LEAST_COLUMNS - set(reader.fieldnames or ()))
    unknown = sorted(set(reader.fieldnames or ()) - set(COLUMNS))
    if missing or unknown:
        lacks = f"lacks the columns {', '.join(missing)}" if missing else f"has unknown columns {', '.join(unknown)}"
        raise RefusedError(f"{path.name} {lacks}; a table has {', '.join(COLUMNS)}")
    for (number, _), row in zip(kept[1:], reader, strict=False):
        beside = {"surplus": ",".join(row[None])} if None in row else {}
        yield number, {name: (row.get(name) or "").strip() for name in COLUMNS} | beside


def _reference(row: dict[str, str], groups: Groups, version: str, number: int) -> DoseReference:
    modality, group = row["modality"].upper(), row["procedure_group"]
    if "surplus" in row:
        raise _RowRefusedError("more values than columns; put a text that holds a comma into quotes")
    if not row["source"]:
        raise _RowRefusedError("source is empty: say who published the value, and where")
    if modality not in groups:
        raise _RowRefusedError(f"modality {row['modality']!r} is none of {', '.join(sorted(groups))}")
    if group not in groups[modality]:
        raise _RowRefusedError(
            f"procedure group {group!r} is none of {modality}: {', '.join(sorted(groups[modality]))}"
        )
    quantity = QUANTITIES.get(row["quantity"].lower())
    if quantity is None or modality not in quantity.modalities:
        allowed = ", ".join(name for name, q in QUANTITIES.items() if modality in q.modalities)
        raise _RowRefusedError(f"quantity {row['quantity']!r} is none of {modality}: {allowed}")
    drl = _value(row, "drl", quantity)
    achievable = _value(row, "achievable", quantity) if row["achievable"] else None
    if achievable is not None and achievable > drl:
        raise _RowRefusedError(f"achievable {row['achievable']} lies above the drl {row['drl']}")
    return DoseReference(
        row["source"], row["region"], modality, group, _band(row, "age_band"), _band(row, "size_band"), quantity.name,
        _phantom(row, quantity), drl, achievable, _date(row), _band_words(row),
        version, number,
    )  # fmt: skip


def _value(row: dict[str, str], name: str, quantity: Quantity) -> float:
    try:
        value = quantity.in_own_unit(float(row[name]), row["unit"])
    except KeyError:
        known = ", ".join(quantity.units)
        raise _RowRefusedError(f"unit {row['unit']!r} is none of {quantity.name}: {known}") from None
    except ValueError:
        raise _RowRefusedError(f"{name} {row[name]!r} is not a number") from None
    if not (isfinite(value) and 0 < value <= quantity.limit):
        said = f"{name} {row[name]} {row['unit']}"
        raise _RowRefusedError(f"{said} cannot be meant: above 0 and up to {quantity.limit:g} {quantity.unit}")
    return value


def _band(row: dict[str, str], name: str) -> Band:
    try:
        return (age_band if name == "age_band" else size_band)(row[name])
    except ValueError:
        allowed = "*, adult, 18+ or 5-9 (years)" if name == "age_band" else "*, 29+ or 25-29 (cm)"
        raise _RowRefusedError(f"{name} {row[name]!r} is not a band such as {allowed}") from None


def _band_words(row: dict[str, str]) -> str:
    age, size = (row[name] if row[name] != "*" else "" for name in ("age_band", "size_band"))
    years = f"{age} years" if age and age.lower() != "adult" else age.lower()
    return ", ".join(filter(None, (years, f"{size} cm" if size else "")))


def _phantom(row: dict[str, str], quantity: Quantity) -> str:
    found = PHANTOMS.get(row["phantom"], "")
    if quantity.by_phantom and not found:
        raise _RowRefusedError(f"phantom {row['phantom']!r}: {quantity.name} needs 16 or 32, the phantom behind it")
    if not quantity.by_phantom and row["phantom"]:
        raise _RowRefusedError(f"phantom {row['phantom']!r}: {quantity.name} has none; leave it empty")
    return found


def _date(row: dict[str, str]) -> date:
    try:
        return date.fromisoformat(row["valid_from"])
    except ValueError:
        raise _RowRefusedError(f"valid_from {row['valid_from']!r} is not a date such as 2026-01-01") from None


def loaded(folder: Path, groups: Groups, region: str = "") -> tuple[Checked, ...]:
    """Return every table of the folder, none without one; raises ConfigurationError naming what is wrong."""
    tables = [check(path, groups, region) for path in sorted(folder.glob("*.csv"))] if folder.is_dir() else []
    wrong = [f"{table.version}: {said}" for table in tables for said in table.refused]
    wrong += [said for n, table in enumerate(tables) for said in collisions(table, tables[:n])]
    if wrong:
        raise ConfigurationError(f"{folder} has {len(wrong)} wrong rows:\n" + "\n".join(f"  {w}" for w in wrong))
    return tuple(tables)


def collisions(table: Checked, others: Iterable[Checked]) -> list[str]:
    """Return what of a table says another thing than tables that are loaded already, for the same day."""
    return [
        f"row {mine.row}: version {theirs.version}, row {theirs.row} ({theirs.source}) holds for the same from "
        f"{theirs.valid_from} on; give a later valid_from"
        for other in others
        for theirs in other.references
        for mine in table.references
        if mine.clashes(theirs)
    ]


def load(path: Path, folder: Path, groups: Groups, region: str = "") -> Checked:
    """Check a table and keep it in the folder under its version; raises RefusedError with every wrong row."""
    table = check(path, groups, region)
    kept = folder / f"{table.version}.csv"
    if kept.exists():
        raise RefusedError(f"{path.name} is loaded already, as version {table.version}")
    wrong = [*table.refused, *collisions(table, loaded(folder, groups, region))]
    if not table.references and not wrong:
        wrong = [f"no row of region {region!r}" if region else "no row at all"]
    if wrong:
        raise RefusedError(f"{path.name} is not loaded; wrong in it:\n" + "\n".join(f"  {w}" for w in wrong))
    folder.mkdir(parents=True, exist_ok=True)
    fresh = kept.with_suffix(".new")
    fresh.write_bytes(path.read_bytes())
    fresh.replace(kept)
    return table
