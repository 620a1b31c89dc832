"""Model files: skops with a fixed allow-list, bytes that repeat, and a card that must match before loading.

Nothing is trusted because a file says so: the list of types below is the whole of what may be built.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import zipfile
from pathlib import Path
from typing import Any

import sklearn
import skops.io

from etl.errors import RefusedError

TRUSTED = (
    "etl.forecasts.conformal.ConformalQuantiles",
    "etl.forecasts.hazard.BaseRateHazard",
    "etl.forecasts.hazard.DiscreteHazard",
    "etl.forecasts.members.PoissonAverage",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
)
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_FIXED_DATE = (1980, 1, 1, 0, 0, 0)
_ID = re.compile(r'("__id__": |"file": ")(\d+)')


def save(folder: Path, name: str, bundle: dict[str, Any], card: dict[str, Any]) -> str:
    """Write `<name>.skops` and its card `<name>.json`, both atomically; return the SHA-256 of the model file.

    The card gets the hash and the scikit-learn version. Equal models give equal bytes.
    """
    data = _repeatable(skops.io.dumps(bundle))
    digest = hashlib.sha256(data).hexdigest()
    full = card | {"sha256": digest, "sklearn": sklearn.__version__, "skops": skops.__version__}
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / f"{name}.skops", data)
    _write(folder / f"{name}.json", json.dumps(full, indent=2, sort_keys=True).encode())
    return digest


def load(folder: Path, name: str, expected: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return (bundle, card) of a saved model.

    Raises RefusedError, before anything is built, when a file is missing, the card differs from `expected` or
    from this scikit-learn, the hash does not fit, or a type is not on the list.
    """
    card = _read_card(folder, name)
    for key, value in (expected | {"sklearn": sklearn.__version__, "skops": skops.__version__}).items():
        if card.get(key) != value:
            raise RefusedError(f"model {name}: card says {key} {card.get(key)!r}, needed {value!r}; retrain")
    path = folder / f"{name}.skops"
    data = path.read_bytes() if path.exists() else b""
    if hashlib.sha256(data).hexdigest() != card.get("sha256"):
        raise RefusedError(f"model {name}: {path.name} is not the file its card describes; retrain")
    return _build(name, data), card


def _read_card(folder: Path, name: str) -> dict[str, Any]:
    if not _NAME.fullmatch(name):
        raise RefusedError(f"model name {name!r} is not lower case letters, digits and underscores")
    path = folder / f"{name}.json"
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise RefusedError(f"model {name}: no card at {path}; train first") from error
    except ValueError as error:
        raise RefusedError(f"model {name}: {path.name} is not JSON; retrain") from error
    if not isinstance(card, dict):
        raise RefusedError(f"model {name}: {path.name} is not a card; retrain")
    return card


def _build(name: str, data: bytes) -> dict[str, Any]:
    try:
        untrusted = set(skops.io.get_untrusted_types(data=data)) - set(TRUSTED)
        if untrusted:
            raise RefusedError(f"model {name}: holds types that are not allowed: {sorted(untrusted)}; retrain")
        bundle = skops.io.loads(data, trusted=list(TRUSTED))
    except (zipfile.BadZipFile, KeyError, TypeError, ValueError) as error:
        raise RefusedError(f"model {name}: not a readable skops file ({error}); retrain") from error
    if not isinstance(bundle, dict):
        raise RefusedError(f"model {name}: holds a {type(bundle).__name__}, needed a dict; retrain")
    return bundle


def _repeatable(data: bytes) -> bytes:
    """Return the same skops archive without wall-clock dates, and with object ids counted instead of addresses."""
    numbers: dict[str, str] = {}

    def renumber(match: re.Match[str]) -> str:
        return match.group(1) + numbers.setdefault(match.group(2), str(len(numbers) + 1))

    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        schema = _ID.sub(renumber, source.read("schema.json").decode())
        archive.writestr(zipfile.ZipInfo("schema.json", _FIXED_DATE), schema, zipfile.ZIP_DEFLATED)
        for entry in source.namelist():
            stem, dot, suffix = entry.partition(".")
            if entry != "schema.json":
                info = zipfile.ZipInfo(numbers.get(stem, stem) + dot + suffix, _FIXED_DATE)
                archive.writestr(info, source.read(entry), zipfile.ZIP_DEFLATED)
    return target.getvalue()


def _write(path: Path, data: bytes) -> None:
    part = path.with_name(path.name + ".part")
    with part.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
