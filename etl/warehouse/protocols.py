"""The site's own name of a scan protocol, whatever a console calls it."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from etl.warehouse.parameters import Parameters
from etl.warehouse.reference import ANY, pattern_key


def site_protocols(modality: pd.Series, protocol: pd.Series, parameters: Parameters) -> pd.Series:
    """Return protocol names with the site's aliases applied; a name without one stays as sent."""
    names = parameters.protocols
    if not names:
        return protocol
    pairs = pd.DataFrame({"modality": modality, "protocol": protocol}).astype(object)
    known = {(m, p): _name(m, p, names) for m, p in set(pairs.dropna().itertuples(index=False, name=None))}
    renamed = [known.get(pair) for pair in pairs.itertuples(index=False, name=None)]
    return pd.Series(renamed, index=protocol.index, dtype=object).fillna(protocol).astype(protocol.dtype)


def _name(modality: str, protocol: str, names: Mapping[str, str]) -> str | None:
    key = pattern_key(protocol)
    return names.get(f"{modality}|{key}") or names.get(f"{ANY}|{key}")
