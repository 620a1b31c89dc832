"""Which scanner a station name means."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from etl.warehouse.keys import Ints
from etl.warehouse.parameters import Parameters

Texts = npt.NDArray[np.object_]


def scanner_of(site: pd.Series, station: pd.Series, parameters: Parameters) -> Texts:
    """Return the scanner code of each station name at its site (or its code itself), None where unknown."""
    known: dict[tuple[str, str], str] = {}
    for scanner in parameters.scanners:
        for name in (scanner.code, *scanner.station_names):
            known.setdefault((scanner.site, _plain(name)), scanner.code)
    pairs = pd.DataFrame({"site": site.astype(object), "station": station.astype(object)})
    unique = pairs.drop_duplicates()
    codes: list[object] = [known.get((s, _plain(n))) for s, n in unique.itertuples(index=False)]
    unique = unique.assign(code=pd.Series(codes, index=unique.index, dtype=object))
    merged = pairs.merge(unique, on=["site", "station"], how="left")["code"]
    return np.asarray(merged.astype(object).where(merged.notna(), None), dtype=object)


def _plain(name: object) -> str:
    return str(name).strip().upper()


def places_of(scanner: pd.Series, parameters: Parameters) -> Ints:
    """Return the position of scanner codes in `parameters.scanners`, -1 for unknown ones and NULL."""
    known = pd.Index([s.code for s in parameters.scanners], dtype=object)
    return np.asarray(known.get_indexer(pd.Index(scanner.astype(object))), dtype=np.int64)


def only_scanner(site: Texts, modality: Texts, parameters: Parameters) -> Texts:
    """Return the scanner of a site and modality that has just one, else None."""
    counted: dict[tuple[str, str], list[str]] = {}
    for scanner in parameters.scanners:
        counted.setdefault((scanner.site, scanner.modality), []).append(scanner.code)
    sole = {pair: codes[0] for pair, codes in counted.items() if len(codes) == 1}
    return np.array([sole.get(pair) for pair in zip(site, modality, strict=True)], dtype=object)


def modality_of(scanner: Texts, parameters: Parameters) -> Texts:
    """Return the configured modality of scanners, None for None."""
    known = {s.code: s.modality for s in parameters.scanners}
    return np.array([known.get(code) for code in scanner], dtype=object)
