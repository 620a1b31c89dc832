"""A model file is loaded only when its bytes, its card and every type in it are what they should be."""

from __future__ import annotations

import json
import zipfile
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skops.io
from sklearn.linear_model import LinearRegression

from etl.errors import RefusedError
from etl.forecasts import persist
from etl.forecasts.hazard import DiscreteHazard
from etl.forecasts.members import PoissonAverage

CARD = {"recipe": "r1", "schema": "s1"}


def _model() -> tuple[Any, PoissonAverage]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 4))
    x[:, 3] = rng.integers(0, 3, 400)
    return x, PoissonAverage(one_hot=(3,), max_iter=5).fit(x, rng.poisson(2.0, 400))


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    persist.save(tmp_path, "demand", {"model": _model()[1]}, CARD)
    return tmp_path


def test_a_saved_model_predicts_the_same(saved: Path) -> None:
    x, model = _model()
    bundle, card = persist.load(saved, "demand", CARD)
    assert np.array_equal(bundle["model"].predict(x), model.predict(x))
    assert card["recipe"] == "r1"


def test_equal_models_give_equal_bytes(saved: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other")
    persist.save(other, "demand", {"model": _model()[1]}, CARD)
    assert (other / "demand.skops").read_bytes() == (saved / "demand.skops").read_bytes()


@pytest.mark.parametrize("place", [0, 100, -30])
def test_one_altered_byte_is_refused(saved: Path, place: int) -> None:
    path = saved / "demand.skops"
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(RefusedError, match="not the file its card describes"):
        persist.load(saved, "demand", CARD)


def _forge(folder: Path, content: bytes) -> None:
    """Put foreign bytes in place and make the card's hash fit them, as an attacker with write access would."""
    import hashlib

    (folder / "demand.skops").write_bytes(content)
    card = json.loads((folder / "demand.json").read_text())
    card["sha256"] = hashlib.sha256(content).hexdigest()
    (folder / "demand.json").write_text(json.dumps(card))


@pytest.mark.parametrize("foreign", [Fraction(1, 3), np.random.default_rng, print])
def test_a_foreign_type_is_refused_even_with_a_fitting_hash(saved: Path, foreign: Any) -> None:
    _forge(saved, skops.io.dumps({"model": foreign}))
    with pytest.raises(RefusedError):
        persist.load(saved, "demand", CARD)


def test_a_renamed_pickle_is_refused(saved: Path) -> None:
    _forge(saved, b"\x80\x04\x95\x1c\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94\x8c\x06system\x94\x93\x94.")
    with pytest.raises(RefusedError, match="not a readable skops file"):
        persist.load(saved, "demand", CARD)


def test_a_bare_object_is_refused(saved: Path) -> None:
    _forge(saved, skops.io.dumps(LinearRegression()))
    with pytest.raises(RefusedError, match="needed a dict"):
        persist.load(saved, "demand", CARD)


@pytest.mark.parametrize("expected", [{"recipe": "r2"}, {"schema": "other"}, {"scanners": ["X"]}])
def test_another_recipe_schema_or_scanner_list_is_refused(saved: Path, expected: dict[str, Any]) -> None:
    with pytest.raises(RefusedError, match="retrain"):
        persist.load(saved, "demand", CARD | expected)


def test_another_scikit_learn_is_refused(saved: Path) -> None:
    card = json.loads((saved / "demand.json").read_text()) | {"sklearn": "0.1"}
    (saved / "demand.json").write_text(json.dumps(card))
    with pytest.raises(RefusedError, match="sklearn"):
        persist.load(saved, "demand", CARD)


@pytest.mark.parametrize("text", ["", "[]", "{", "null"])
def test_a_broken_card_is_refused(saved: Path, text: str) -> None:
    (saved / "demand.json").write_text(text)
    with pytest.raises(RefusedError):
        persist.load(saved, "demand", CARD)


@pytest.mark.parametrize("name", ["../demand", "/etc/passwd", "Demand", "", "a.b"])
def test_names_that_are_paths_are_refused(saved: Path, name: str) -> None:
    with pytest.raises(RefusedError):
        persist.load(saved, name, CARD)


def test_a_missing_model_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="train first"):
        persist.load(tmp_path, "demand", CARD)


def test_every_type_on_the_list_exists_and_no_more_are_needed(saved: Path) -> None:
    rng = np.random.default_rng(0)
    hazard = DiscreteHazard(max_iter=3).fit(rng.normal(size=(600, 2)), rng.gamma(2, 60, 600), np.full(600, 1e5))
    persist.save(saved, "reports", {"model": hazard}, CARD)
    for name in ("demand", "reports"):
        needed = skops.io.get_untrusted_types(file=saved / f"{name}.skops")
        assert set(needed) <= set(persist.TRUSTED)
    assert zipfile.is_zipfile(saved / "reports.skops")
