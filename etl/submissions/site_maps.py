"""A site's own maps for registries: local code to the registry's code, and exams left out by a decision.

`submission_codes.csv` beside the settings: map,local,value,reason. Maps: facility (by site), place_of_service,
source_setting and dm01_activity (by patient class), dm01_test, nicip and snomed_ct (by procedure code, else by
modality as `modality:CT`), and exclude_<registry> (by exam pseudonym; `reason` says why and who decided).
"""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from etl.errors import ConfigurationError

COLUMNS = ("map", "local", "value", "reason")
MAPS = ("facility", "place_of_service", "source_setting", "dm01_activity", "dm01_test", "nicip", "snomed_ct")
_EXCLUDE = "exclude_"


@dataclass(slots=True)
class SiteMaps:
    """The maps, and what was asked of them and is missing: the worklist."""

    entries: dict[tuple[str, str], str] = field(default_factory=dict)
    excluded: dict[tuple[str, str], str] = field(default_factory=dict)
    missing: Counter[tuple[str, str]] = field(default_factory=Counter)

    def value(self, name: str, *locals_: str | None) -> str | None:
        """Return the registry's code of the first local code that has one; the first is noted when none has."""
        for local in locals_:
            if local and (found := self.entries.get((name, local))) is not None:
                return found
        self.missing[name, next((local for local in locals_ if local), "(empty)")] += 1
        return None

    def column(self, name: str, *columns: pd.Series) -> list[str | None]:
        """Return a map's values for rows of local codes, the most specific first."""
        rows = zip(*(column.where(column.notna(), None) for column in columns), strict=True)
        return [self.value(name, *row) for row in rows]

    def worklist(self) -> list[tuple[str, str, int]]:
        """Return map, local code and number of rows that lack it, most rows first."""
        return [(name, local, n) for (name, local), n in sorted(self.missing.items(), key=lambda i: (-i[1], i[0]))]


def load_maps(path: Path) -> SiteMaps:
    """Read the site's maps, empty ones where there is no file; raises ConfigurationError with the bad line."""
    maps = SiteMaps()
    if not path.exists():
        return maps
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            if tuple(rows.fieldnames or ()) != COLUMNS:
                raise ConfigurationError(f"{path}: the first line is not {','.join(COLUMNS)}")
            for row in rows:
                _take(maps, row, f"{path} line {rows.line_num}")
    except (UnicodeDecodeError, csv.Error) as error:
        raise ConfigurationError(f"{path} is not UTF-8 CSV: {error}") from error
    return maps


def _take(maps: SiteMaps, row: dict[str | None, str | None], where: str) -> None:
    if None in row or None in row.values():
        raise ConfigurationError(f"{where}: not {len(COLUMNS)} values")
    name, local, value, reason = (str(row[column]).strip() for column in COLUMNS)
    if name.startswith(_EXCLUDE):
        if not reason:
            raise ConfigurationError(f"{where}: an exam is left out for a reason; the last column is empty")
        maps.excluded[name.removeprefix(_EXCLUDE), local] = reason
        return
    if name not in MAPS:
        raise ConfigurationError(f"{where}: map {name!r} is not one of {', '.join(MAPS)}, exclude_<registry>")
    if not local or not value:
        raise ConfigurationError(f"{where}: local code and value must both be given")
    if maps.entries.get((name, local), value) != value:
        raise ConfigurationError(f"{where}: {name} of {local!r} has two values")
    maps.entries[name, local] = value
