"""Patients after merges: tokens joined by merge messages are one patient, whatever order the messages came in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from etl.warehouse.components import components, cycle_members
from etl.warehouse.keys import Ints, stable_key
from etl.warehouse.link import MERGE


@dataclass(frozen=True, slots=True)
class Patients:
    """`canonical` maps merged tokens to the smallest of their patient's; `cycles` lists tokens merged in a circle."""

    canonical: dict[str, str]
    cycles: tuple[str, ...]

    def keys(self, tokens: pd.Series) -> pd.Series:
        """Return patient_key of tokens, NULL for NULL."""
        known = {t: stable_key("patient", self.canonical.get(t, t)) for t in tokens.dropna().unique()}
        # not Series.map: with a NULL among them it would take keys through floats, which cannot hold them
        return pd.Series([known.get(t, pd.NA) for t in tokens], index=tokens.index, dtype="Int64")


def merged_patients(merges: pd.DataFrame) -> Patients:
    """Return the patients that merge events (prior_patient_token into patient_token) make."""
    edges = merges.loc[merges["type"] == MERGE, ["prior_patient_token", "patient_token"]].dropna().drop_duplicates()
    tokens, place = np.unique(edges.to_numpy(dtype=object).ravel().astype(str), return_inverse=True)
    ends: Ints = place.reshape(-1, 2).astype(np.int64)
    lowest = components(len(tokens), ends[:, 0], ends[:, 1])
    canonical = dict(zip(tokens.tolist(), tokens[lowest].tolist(), strict=True))
    return Patients(canonical, cycle_members(edges.itertuples(index=False, name=None)))


def same_patients(patients: Patients, tokens: set[str]) -> set[str]:
    """Return the tokens together with all tokens of the same patients."""
    wanted = {patients.canonical[t] for t in tokens if t in patients.canonical}
    return tokens | {t for t, c in patients.canonical.items() if c in wanted}
