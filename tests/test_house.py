"""The house keeps its own rules: licence, locks, layout, long functions, forbidden calls."""

from __future__ import annotations

import ast
import csv
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CODE = sorted(p for top in ("app", "etl") for p in (ROOT / top).rglob("*.py"))
ALLOWED_TOP = {
    "pyproject.toml",
    "README.md",
    "app",
    "etl",
    "tests",
    "data",
    "Makefile",
    "LICENSE",
    "CHANGELOG.md",
    "requirements.lock",
}
FORBIDDEN_CALLS = {"eval", "exec"}
FORBIDDEN_MODULES = {"pickle", "joblib", "cloudpickle", "dill", "shelve", "marshal"}
FORBIDDEN_NAMES = {"utils", "helpers", "common", "misc"}


@cache  # three tests walk the same trees
def _trees() -> list[tuple[Path, ast.Module]]:
    return [(p, ast.parse(p.read_text(encoding="utf-8"))) for p in CODE]


def test_top_level_holds_only_what_the_layout_allows() -> None:
    import subprocess

    names = {
        line.split("/")[0]
        for line in subprocess.run(
            ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout.split()
    }
    assert {n for n in names if not n.startswith(".")} <= ALLOWED_TOP


def test_no_module_has_a_name_that_says_nothing() -> None:
    assert [p for p in CODE if p.stem in FORBIDDEN_NAMES] == []


def test_functions_stay_short() -> None:
    lengths, too_long = [], []
    for path, tree in _trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                body = node.body[1:] if ast.get_docstring(node) else node.body
                length = (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0
                lengths.append(length)
                if length > 50:
                    too_long.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.name} {length}")
    assert too_long == []
    assert sorted(lengths)[len(lengths) // 2] <= 10


def test_public_functions_classes_and_methods_have_docstrings() -> None:
    """Names that begin with an underscore are no public ones; a private class's methods are read like any other's."""
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name} {fault}"
        for path, tree in _trees()
        for node in _public(tree.body)
        if (fault := _docstring_fault(ast.get_docstring(node)))
    ]
    assert found == []


def _public(body: list[ast.stmt]) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            yield node
        if isinstance(node, ast.ClassDef):
            yield from _public(node.body)


def _docstring_fault(text: str | None) -> str:
    """Say what a docstring lacks: its first paragraph is a sentence."""
    if not text:
        return "has none"
    return "" if text.partition("\n\n")[0].rstrip().endswith((".", ":", "?")) else "is no sentence"


def test_no_broad_except_and_no_way_to_run_foreign_code() -> None:
    found = []
    told = (ast.ExceptHandler, ast.Import, ast.ImportFrom, ast.Call)
    for path, tree in _trees():
        for node in (n for n in ast.walk(tree) if isinstance(n, told)):
            where = f"{path.relative_to(ROOT)}:{node.lineno}"
            if isinstance(node, ast.ExceptHandler) and (
                node.type is None or getattr(node.type, "id", "") in {"Exception", "BaseException"}
            ):
                found.append(f"{where} broad except")
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = [a.name for a in node.names] if isinstance(node, ast.Import) else [node.module or ""]
                found += [f"{where} imports {n}" for n in names if n.split(".")[0] in FORBIDDEN_MODULES]
            if isinstance(node, ast.Call):
                if getattr(node.func, "id", "") in FORBIDDEN_CALLS:
                    found.append(f"{where} calls {node.func.id}")  # type: ignore[attr-defined]  # Name, by the test above
                found += [f"{where} shell=True" for k in node.keywords if k.arg == "shell"]
    assert found == []


def test_every_ignore_gives_its_reason() -> None:
    bare = []
    for path in CODE:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            match = re.search(r"#\s*(noqa|type: ignore)(\S*)(.*)$", line)
            if match and len(match.group(3).strip(" -#:[],")) < 8:
                bare.append(f"{path.relative_to(ROOT)}:{number}")
    assert bare == []


def test_lock_file_has_hashes_and_no_addresses() -> None:
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "--hash=sha256:" in text
    assert not re.search(r"https?://|--index-url|--find-links", text)
    pins = re.findall(r"^([a-zA-Z0-9_.\-\[\]]+)==", text, flags=re.M)
    assert len(pins) > 50


def test_body_regions_and_modality_families_stand_once() -> None:
    """Rules name them by their keys; no other file says what a procedure shows or which modalities go together."""
    shows, family = _reference("body_regions", "regions"), _reference("modality_families", "family")
    rules = tomllib.loads((ROOT / "data/reference/followup_rules.toml").read_text(encoding="utf-8"))
    assert set(rules["regions"]) <= {region for regions in shows.values() for region in regions.split()}
    assert set(rules["modalities"]) <= set(family)
    assert set(rules) == {"version", "modalities", "regions", "numbers", "units", "imaging", "rules", "exclusions"}
    again = [p.name for p in (ROOT / "data/reference").rglob("*.csv") if {"regions", "family"} & _header(p)]
    assert sorted(again) == ["body_regions.csv", "modality_families.csv"]
    assert _second_lists(shows, family) == []


def _header(path: Path) -> set[str]:
    return set(path.read_text(encoding="utf-8-sig").partition("\n")[0].strip().split(","))


def _reference(name: str, column: str) -> dict[str, str]:
    with (ROOT / "data/reference" / f"{name}.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    found = {next(iter(row.values())): row[column] for row in rows}
    assert len(found) == len(rows), f"{name}.csv says something twice"
    return found


def _second_lists(shows: dict[str, str], family: dict[str, str]) -> list[str]:
    """Return where code writes down what procedures show or which modalities belong together."""
    regions = {region for said in shows.values() for region in said.split()}
    found = []
    for path, tree in _trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Dict):
                pairs = [(_said(k), _said(v)) for k, v in zip(node.keys, node.values, strict=True)]
                named = sum(k in shows and bool(v) and set(v.split()) <= regions for k, v in pairs)
                named += sum(k in family and v in family.values() and v != k for k, v in pairs)
                if named > 1:
                    found.append(f"{path.relative_to(ROOT)}:{node.lineno}")
            if isinstance(node, ast.Tuple | ast.List) and len([e for e in node.elts if _goes_together(e, family)]) > 1:
                found.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    return found


def _said(node: ast.expr | None) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _goes_together(node: ast.expr, family: dict[str, str]) -> bool:
    """Whether an expression lists several modalities, all of one family."""
    said = [_said(e) for e in node.elts] if isinstance(node, ast.Tuple | ast.List | ast.Set) else []
    return len(said) > 1 and all(s in family for s in said) and len({family[s] for s in said}) == 1


@pytest.mark.parametrize("word", ["TODO", "FIXME", "XXX", "NotImplementedError"])
def test_no_unfinished_words(word: str) -> None:
    assert [p for p in CODE if re.search(rf"\b{word}\b", p.read_text(encoding="utf-8"))] == []
