"""Each quantity of an exam beside the reference that its group is compared with."""

from __future__ import annotations

import numpy as np
import pandas as pd

from etl.dose.references import DoseReference
from etl.warehouse.derive_dose_exam import derive_dose_exams
from etl.warehouse.derive_exam import Exams
from etl.warehouse.parameters import Parameters

QUANTITY_COLUMNS = {
    "CTDIvol": "ctdivol_mgy", "DLP": "dlp_mgy_cm", "SSDE": "ssde_mgy", "DAP": "dap_gy_cm2", "dose RP": "dose_rp_mgy",
    "fluoro time": "fluoro_time_min", "activity": "activity_mbq",
}  # fmt: skip
OF_MODALITY = {
    "CT": ("CTDIvol", "DLP", "SSDE"), "DX": ("DAP",), "MG": (), "NM": ("activity",), "PT": ("activity",),
    "RF": ("DAP", "dose RP", "fluoro time"), "XA": ("DAP", "dose RP", "fluoro time"),
}  # fmt: skip
BREASTS = {"L": "agd_left_mgy", "R": "agd_right_mgy"}
WITH_PHANTOM = ("CTDIvol", "DLP")
INLINE = [
    "exam_key", "accession_token", "patient_key", "site_code", "scanner_code", "modality", "procedure_code",
    "procedure_group", "priority", "patient_class", "section", "shift", "reader_mode", "protocol_name",
    "phantom", "age_years", "diameter_mm", "exam_end_at", "local_date", "local_hour", "plan",
]  # fmt: skip
REFERENCE = ("reference_value", "achievable_value", "reference_band", "reference_source", "reference_version")


def derive_dose_values(exams: Exams, parameters: Parameters, data_at: int) -> pd.DataFrame:
    """Return fact_dose_value rows: the values exams have, none for those they have not."""
    rows = derive_dose_exams(exams, parameters, data_at)
    parts = [_quantity(rows, name, column) for name, column in QUANTITY_COLUMNS.items()]
    of_breasts = rows[["exam_key"]].merge(exams.frame[["exam_key", *BREASTS.values()]], on="exam_key")
    parts += [
        _quantity(rows.assign(agd=of_breasts[column].to_numpy()), "AGD", "agd").assign(laterality=side)
        for side, column in BREASTS.items()
    ]
    values = pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)
    return with_references(values, parameters.dose.references)


def _quantity(rows: pd.DataFrame, name: str, column: str) -> pd.DataFrame:
    modalities = [m for m, quantities in OF_MODALITY.items() if name in quantities or (name, m) == ("AGD", "MG")]
    mine = rows[rows["modality"].isin(modalities) & rows[column].notna()]
    found = mine[INLINE].assign(quantity=name, value=mine[column].astype("float64"))
    return found if name in (*WITH_PHANTOM, "SSDE") else found.assign(phantom=None)


def with_references(values: pd.DataFrame, references: tuple[DoseReference, ...]) -> pd.DataFrame:
    """Add the reference of each value's group: the narrowest band that fits, of these the latest by its date.

    A band of age or size takes only exams whose age or size is known.
    """
    found = _fitting(values, _table(references)) if references and len(values) else None
    if found is None or found.empty:
        return values.assign(**dict.fromkeys((*REFERENCE, "relative_value")))
    found = found.sort_values(["place", "narrowness", "valid_from", "row"], ascending=[True, False, False, True])
    best = found.drop_duplicates("place").set_index("place")
    told = values.assign(**{name: best[name].reindex(values.index) for name in REFERENCE})
    return told.assign(relative_value=told["value"] / told["reference_value"])


def _table(references: tuple[DoseReference, ...]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "modality": r.modality, "procedure_group": r.procedure_group, "quantity": r.quantity,
                "of_phantom": r.phantom, "age_low": r.age.low, "age_high": r.age.high, "any_age": r.age.is_any,
                "size_low": r.size.low, "size_high": r.size.high, "any_size": r.size.is_any,
                "valid_from": np.datetime64(r.valid_from, "D"), "narrowness": r.narrowness, "row": r.row,
                "reference_value": r.drl, "achievable_value": np.nan if r.achievable is None else r.achievable,
                "reference_band": r.band, "reference_source": r.source, "reference_version": r.version,
            }
            for r in references
        ]
    )  # fmt: skip


def _fitting(values: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    keys = ["modality", "procedure_group", "quantity", "of_phantom"]
    phantom = values["phantom"].where(values["quantity"].isin(WITH_PHANTOM)).astype(object)
    rows = values[["modality", "procedure_group", "quantity"]].assign(
        of_phantom=phantom.where(phantom.notna(), ""),
        place=values.index,
        age=values["age_years"].astype("Float64").to_numpy(dtype="float64", na_value=np.nan),
        size=values["diameter_mm"].astype("float64") / 10,
        day=pd.to_datetime(values["local_date"]).to_numpy("datetime64[s]"),
    )
    both = rows.merge(table, on=keys)
    fits = (both["age"] >= both["age_low"]) & (both["age"] < both["age_high"]) | both["any_age"]
    fits &= (both["size"] >= both["size_low"]) & (both["size"] < both["size_high"]) | both["any_size"]
    return both[fits & (both["valid_from"] <= both["day"])]
