"""Fixtures: the synthetic installation, and the app's configuration pointing at it."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


def _load(name: str) -> ModuleType:
    """Load a file beside this one; in importlib mode tests are no package."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The settings file of the synthetic installation, built once."""
    return Path(_load("synthetic").build(tmp_path_factory.mktemp("synthetic")))


@pytest.fixture
def config(warehouse: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same, with RADPULSE_CONFIG pointing at it."""
    monkeypatch.setenv("RADPULSE_CONFIG", str(warehouse))
    return warehouse
