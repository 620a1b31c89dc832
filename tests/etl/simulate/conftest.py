"""One small department for all tests of this folder: six days that hold the autumn night, a third of the demand."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from etl.simulate import simulate

END = datetime(2026, 11, 4, 15, tzinfo=UTC)


@dataclass
class Made:
    """A written department, read back with nothing of `etl`."""

    folder: Path

    @cached_property
    def exams(self) -> pd.DataFrame:
        return pd.read_parquet(self.folder / "truth" / "exams.parquet")

    @cached_property
    def manifest(self) -> dict[str, Any]:
        loaded: dict[str, Any] = json.loads((self.folder / "truth" / "manifest.json").read_text())
        return loaded

    @cached_property
    def planted(self) -> dict[str, list[dict[str, Any]]]:
        found: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for entry in self.manifest["planted"]:
            found[entry.get("fault") or entry["story"]].append(entry)
        return found

    def messages(self, feed: str) -> list[str]:
        """Every message of a feed in file order, segments separated by CR."""
        found: list[str] = []
        for path in sorted((self.folder / "feeds" / feed).glob("*.hl7")):
            text = path.read_bytes().decode().replace("\r\n", "\r")
            found += ["MSH|" + part for part in text.split("\rBTS|")[0].split("\rMSH|")[1:]]
        return found

    def extract(self, feed: str) -> pd.DataFrame:
        """All rows of an extract as text."""
        paths = sorted((self.folder / "feeds" / feed).glob("*.csv"))
        return pd.concat([pd.read_csv(p, dtype=str, keep_default_na=False) for p in paths], ignore_index=True)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("department")
    simulate(folder, seed=11, end=END, days=6, dicom_days=2, scale=0.35, criticals=4.0)
    return Made(folder)
