"""What the simulated hospitals set for dose: levels, and reference tables whose rows say that they are invented."""

from __future__ import annotations

import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

SOURCE = "simulated reference: invented for the demonstration"
HEADER = "source,region,modality,procedure_group,age_band,size_band,quantity,unit,phantom,drl,achievable,valid_from"
CTDIVOL_DLP = {  # group: phantom, CTDIvol mGy (reference, achievable), DLP mGy.cm (reference, achievable)
    "CT head": (16, 52, 44, 900, 760), "CT spine": (32, 20, 16, 430, 350), "CT chest": (32, 8, 6.5, 280, 225),
    "CT angiography head and neck": (32, 17, 14, 1250, 1000), "CT angiography chest": (32, 10, 8, 310, 250),
    "CT abdomen pelvis": (32, 10.5, 9, 500, 430), "CT renal stone": (32, 7.5, 6, 330, 260),
    "CT lung screening": (32, 2, 1.5, 65, 50), "CT sinus and face": (16, 13, 11, 170, 140),
}  # fmt: skip
OTHERS = (
    ("DX", "XR chest", "dap", "Gy.cm2", 0.3, 0.2), ("DX", "XR abdomen", "dap", "Gy.cm2", 2.5, 1.8),
    ("DX", "XR spine", "dap", "Gy.cm2", 6.5, 5), ("DX", "XR hip and pelvis", "dap", "Gy.cm2", 4.2, 3),
    ("MG", "MG screening", "agd", "mGy", 3.2, 2.6), ("MG", "MG diagnostic", "agd", "mGy", 6.5, 5.5),
    ("NM", "NM bone", "activity", "MBq", 740, 700), ("NM", "NM hepatobiliary", "activity", "MBq", 185, 170),
    ("NM", "NM thyroid", "activity", "MBq", 11, 10), ("NM", "NM heart", "activity", "MBq", 925, 850),
)  # fmt: skip
CT_MEASURE = """# Invented for the simulated department: no limit, category or coefficient of any real measure.
procedure_group,category,limit_mgy_cm,reference_diameter_cm,slope_per_cm
CT head,SIMULATED HEAD,1000,17.5,0.03
CT chest,SIMULATED CHEST,330,29,0.04
CT angiography chest,SIMULATED CHEST,330,29,0.04
CT abdomen pelvis,SIMULATED ABDOMEN,620,29,0.04
"""
LEVELS = (
    ("fluoroscopy", "dap", 90, "Gy.cm2"), ("fluoroscopy", "dose_rp", 600, "mGy"),
    ("fluoroscopy", "fluoro_time", 40, "min"), ("cumulative", "dlp", 2000, "mGy.cm"),
    ("cumulative", "dap", 250, "Gy.cm2"),
)  # fmt: skip


def reference_text() -> str:
    """Return the simulated reference table."""
    rows = ["# Invented by the simulator of Radpulse for its demonstration. No value is taken from any publication."]
    rows += [HEADER, *_rows()]
    return "\n".join(rows) + "\n"


def _rows() -> Iterator[str]:
    for group, (phantom, ctdi, ctdi_low, dlp, dlp_low) in CTDIVOL_DLP.items():
        for quantity, unit, drl, low in (("ctdivol", "mGy", ctdi, ctdi_low), ("dlp", "mGy.cm", dlp, dlp_low)):
            yield f"{SOURCE},,CT,{group},adult,*,{quantity},{unit},{phantom},{drl},{low},2024-01-01"
    group, (phantom, ctdi, ctdi_low, dlp, dlp_low) = "CT abdomen pelvis", CTDIVOL_DLP["CT abdomen pelvis"]
    for band, factor in (("15-27", 0.75), ("27-31", 1.0), ("31-45", 1.5)):  # cm: the same by size
        values = (ctdi * factor, ctdi_low * factor)
        yield f"{SOURCE},,CT,{group},adult,{band},ctdivol,mGy,{phantom},{values[0]:.3g},{values[1]:.3g},2024-01-01"
    for modality, group, quantity, unit, drl, low in OTHERS:
        yield f"{SOURCE},,{modality},{group},*,*,{quantity},{unit},,{drl},{low},2024-01-01"


def dose_settings() -> str:
    """Return the TOML of the dose settings; the levels are the demo's own and hold from before its first day."""
    parts = ['[dose]\ndrl_folder = "drl"\nct_measure_file = "ct_measure.csv"\nwindow_days = 365\n']
    for purpose, quantity, level, unit in LEVELS:
        values = {"purpose": purpose, "quantity": quantity, "level": level, "unit": unit}
        lines = "".join(f"{key} = {json.dumps(value)}\n" for key, value in values.items())
        parts.append(f"[[dose.levels]]\n{lines}valid_from = 2020-01-01\n")
    return "\n".join(parts)


def write_references(folder: Path) -> None:
    """Write the reference table as `radpulse drl load` would keep it, and the reference of the CT preview."""
    text = reference_text()
    kept = folder / "drl"
    kept.mkdir(parents=True, exist_ok=True)
    (kept / f"{sha256(text.encode()).hexdigest()[:12]}.csv").write_text(text, encoding="utf-8")
    (folder / "ct_measure.csv").write_text(CT_MEASURE, encoding="utf-8")
