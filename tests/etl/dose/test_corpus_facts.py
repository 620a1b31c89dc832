"""Real dose reports through the real pipeline: what the facts aggregate equals a plain walk with pydicom."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pydicom
import pytest
from pydicom.dataset import Dataset

from etl import pipeline
from etl.settings import Feed, Settings, Site, Warehouse
from etl.staging import make_key
from etl.warehouse.engine import read_frame
from etl.warehouse.tables import fact_dose_event

CORPUS = Path(__file__).resolve().parents[4] / "shared" / "corpus" / "rdsr"
CONTAINERS = ("113706", "113819", "113502")
NUMBERS = {
    "ctdivol_mgy": "113830", "dlp_mgy_cm": "113838", "ssde_mgy": "113930", "dap_gy_m2": "122130",
    "dose_rp_gy": "113738", "agd_mgy": "111631", "activity_mbq": "113507", "thickness_mm": "111633",
}  # fmt: skip
OF_PHANTOMS = ("Philips_BigBore4DCT", "GEPristina-2D", "GEPristina-DBT")  # names and ids of testers: no patients
PHANTOMS = {"113690": 16, "113691": 32}


def walk(item: Dataset) -> Iterator[Dataset]:
    """Yield all content items below one."""
    for child in item.get("ContentSequence", []):
        yield child
        yield from walk(child)


def concept(item: Dataset) -> str:
    """Return the code of an item's name."""
    return str(item.ConceptNameCodeSequence[0].CodeValue) if "ConceptNameCodeSequence" in item else ""


def plain() -> pd.DataFrame:
    """Return each irradiation event of the corpus' patients once, by pydicom alone."""
    found: dict[str, dict[str, float | int | str]] = {}
    for file in sorted(CORPUS.glob("*.dcm")):
        if file.stem.endswith(OF_PHANTOMS):
            continue
        for place, event in enumerate(walk(pydicom.dcmread(file))):
            if concept(event) in CONTAINERS:
                row: dict[str, float | int | str] = {}
                uid = ""
                for item in walk(event):
                    code = concept(item)
                    uid = str(item.UID) if code in ("113769", "113503") else uid
                    name = next((n for n, c in NUMBERS.items() if c == code), None)
                    if name and item.get("MeasuredValueSequence"):
                        row.setdefault(name, float(item.MeasuredValueSequence[0].NumericValue))
                    if code == "113835":
                        row["phantom_cm"] = PHANTOMS[item.ConceptCodeSequence[0].CodeValue]
                found.setdefault(uid or f"{file.name}#{place}", row)  # some senders leave the UID out
    return pd.DataFrame(list(found.values()))


@pytest.mark.skipif(not CORPUS.exists(), reason=f"no shared corpus at {CORPUS}")
@pytest.mark.corpus
def test_facts_of_real_reports_equal_a_plain_walk(tmp_path: Path) -> None:
    shutil.copytree(CORPUS, tmp_path / "reports")
    make_key(tmp_path / "pseudonym.key")
    settings = Settings(
        base=tmp_path, warehouse=Warehouse(memory_limit="500MB"),
        feeds=(Feed(key="reports", kind="dose_reports", site="N", path=Path("reports")),),
        sites=(Site(code="N", name="North", zone="UTC"),),
    )  # fmt: skip
    with pipeline.writer(settings) as engine:
        pipeline.ingest(settings, engine)
        pipeline.derive_facts(settings, engine)
        with engine.connect() as connection:
            facts = read_frame(connection, fact_dose_event.select())
    wanted = plain()
    itemised = facts[facts["acquisition_type"].fillna("") != "unitemised"]
    for name in NUMBERS:
        told, known = itemised[name].dropna(), wanted.get(name, pd.Series(dtype=float)).dropna()
        assert sorted(told) == pytest.approx(sorted(known), rel=1e-9), name
    assert itemised["phantom_cm"].value_counts().to_dict() == wanted["phantom_cm"].value_counts().to_dict()
    for phantom, mine in wanted.groupby("phantom_cm"):  # what D01 would say
        told = itemised.loc[itemised["phantom_cm"] == phantom, "ctdivol_mgy"]
        assert told.median() == pytest.approx(mine["ctdivol_mgy"].median())
