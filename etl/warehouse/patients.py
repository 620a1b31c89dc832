"""Patients after merges, and what updates say of them, whatever order the messages came in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from etl.records import EventType
from etl.warehouse.event_set import TYPE_CODE
from etl.warehouse.keys import Ints, stable_key
from etl.warehouse.local_time import NO_TIME
from etl.warehouse.merges import ABOUT_PATIENTS, Statement, patients_of, replayed

UPDATED = TYPE_CODE[EventType.PATIENT_UPDATED]
SAID = ("birth_year", "sex")  # what an update (ADT^A08, A31) corrects for all exams of its patient

Latest = Mapping[str, tuple[int, Any]]  # canonical token -> when it was known (microseconds) and the value


@dataclass(frozen=True, slots=True)
class Patients:
    """`canonical` maps the tokens that merges name to the smallest of their patient's, `ever` to the smallest they
    were ever one patient with; `cycles` lists the event_id of merges that close a circle.

    `latest` holds by column of SAID what the patient's latest update says, by canonical token.
    """

    canonical: dict[str, str]
    ever: dict[str, str]
    cycles: tuple[str, ...]
    latest: dict[str, Latest] = field(default_factory=dict)

    def of(self, tokens: pd.Series) -> dict[str, str]:
        """Return the canonical token of each token that is not NULL."""
        return {t: self.canonical.get(t, t) for t in tokens.dropna().unique()}

    def keys(self, tokens: pd.Series) -> pd.Series:
        """Return patient_key of tokens, NULL for NULL."""
        known = {t: stable_key("patient", c) for t, c in self.of(tokens).items()}
        # not Series.map: with a NULL among them it would take keys through floats, which cannot hold them
        return pd.Series([known.get(t, pd.NA) for t in tokens], index=tokens.index, dtype="Int64")

    def corrected(self, name: str, tokens: pd.Series, said: pd.Series, known: Ints) -> pd.Series:
        """Return `said` (known at `known`) where no update of the patient is newer, else what the update says."""
        latest, canonical = self.latest.get(name, {}), self.of(tokens)
        updates = [latest.get(canonical.get(t, "")) for t in tokens]
        at = np.array([NO_TIME if u is None else u[0] for u in updates], dtype=np.int64)
        newer = np.array([u is not None for u in updates], dtype=bool) & ((at > known) | said.isna().to_numpy())
        if not newer.any():
            return said
        values = [u[1] if u is not None and new else own for u, new, own in zip(updates, newer, said, strict=True)]
        return pd.Series(values, index=said.index, dtype=said.dtype)


def known_or_at(rows: pd.DataFrame) -> Ints:
    """Return when rows were known, or happened where their feed has no knowledge time."""
    known = rows["known"].to_numpy(dtype=np.int64)
    return np.where(known == NO_TIME, rows["at"].to_numpy(dtype=np.int64), known)


def merged_patients(workflow: pd.DataFrame) -> Patients:
    """Return the patients that merges, links, unlinks and updates make; other events may be among them.

    Needs event_id, type, at, known, patient_token, prior_patient_token and the columns of SAID.
    """
    about = workflow[workflow["type"].isin(ABOUT_PATIENTS)].dropna(subset=["patient_token", "prior_patient_token"])
    about = about.sort_values(["at", "known", "event_id"])
    pairs = about[["event_id", "type", "prior_patient_token", "patient_token"]]
    statements = [Statement(*row) for row in pairs.itertuples(index=False, name=None)]
    identities = replayed(statements)
    named = {s.prior for s in statements} | {s.into for s in statements}
    canonical, ever = patients_of(identities, named)
    updates = workflow[(workflow["type"] == UPDATED) & workflow["patient_token"].notna()]
    return Patients(canonical, ever, tuple(identities.cycles), _latest(updates, canonical))


def _latest(updates: pd.DataFrame, canonical: Mapping[str, str]) -> dict[str, Latest]:
    """Return by column and patient what was known last: an older update that comes late changes nothing."""
    when = known_or_at(updates)
    order = np.lexsort((updates["event_id"].to_numpy(dtype=str), when))
    updates, when = updates.iloc[order], when[order]
    patient = [canonical.get(t, t) for t in updates["patient_token"]]
    found: dict[str, Latest] = {}
    for name in SAID:
        stated = updates[name].notna().tolist()
        rows = zip(patient, when.tolist(), updates[name].tolist(), stated, strict=True)
        found[name] = {p: (at, value) for p, at, value, is_stated in rows if is_stated}
    return found


def ever_same(patients: Patients, tokens: set[str]) -> set[str]:
    """Return the tokens together with all that were ever one patient with any of them."""
    wanted = {patients.ever[t] for t in tokens if t in patients.ever}
    return tokens | {t for t, c in patients.ever.items() if c in wanted}
