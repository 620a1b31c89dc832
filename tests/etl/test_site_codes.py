"""The site's own codes: one file that is its own history, nothing lost, nothing changed behind anyone's back."""

from __future__ import annotations

from pathlib import Path

import pytest

from etl.errors import ConfigurationError, RefusedError
from etl.site_codes import CodeKind, current, history, next_change, save, undoing


def put(path: Path, code: str, new: str, kind: CodeKind = CodeKind.PROCEDURE, scope: str = "CT") -> None:
    save(path, next_change(history(path), kind, scope, code, new, by="ada", reason="asked the ward"))


def test_last_row_of_a_code_counts_and_the_history_keeps_all(tmp_path: Path) -> None:
    path = tmp_path / "codes.csv"
    put(path, " cthd  1", "CT head")
    put(path, "CTHD 1", "CT neck")
    put(path, "OTHER", "CT chest")
    changes = history(path)
    assert [(c.version, c.by, c.code, c.old, c.new) for c in changes] == [
        (1, "ada", "CTHD 1", "", "CT head"),
        (2, "ada", "CTHD 1", "CT head", "CT neck"),
        (3, "ada", "OTHER", "", "CT chest"),
    ]
    assert current(changes) == {
        ("procedure", "CT", "CTHD 1"): "CT neck",
        ("procedure", "CT", "OTHER"): "CT chest",
    }


def test_undo_brings_back_what_held_before_and_is_a_change_itself(tmp_path: Path) -> None:
    path = tmp_path / "codes.csv"
    put(path, "X", "CT head")
    put(path, "X", "CT neck")
    save(path, undoing(history(path), None, by="bob", reason="wrong"))
    assert current(history(path)) == {("procedure", "CT", "X"): "CT head"}
    with pytest.raises(RefusedError, match="undo that one first"):
        undoing(history(path), 1, by="bob", reason="wrong")
    save(path, undoing(history(path), 3, by="bob", reason="was right after all"))
    assert current(history(path)) == {("procedure", "CT", "X"): "CT neck"}
    assert len(history(path)) == 4


def test_undoing_the_first_change_leaves_the_shipped_map(tmp_path: Path) -> None:
    path = tmp_path / "codes.csv"
    put(path, "X", "CT head")
    save(path, undoing(history(path), None, by="bob", reason="wrong"))
    assert current(history(path)) == {}


def test_change_made_on_an_older_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "codes.csv"
    late = next_change(history(path), CodeKind.PROCEDURE, "CT", "X", "CT head", by="a", reason="r")
    put(path, "Y", "CT head")
    with pytest.raises(RefusedError, match="changed meanwhile"):
        save(path, late)


@pytest.mark.parametrize(("by", "reason"), [("", "r"), ("a", " ")])
def test_nobody_changes_a_code_without_name_and_reason(by: str, reason: str) -> None:
    with pytest.raises(RefusedError, match="who and why"):
        next_change((), CodeKind.PROCEDURE, "CT", "X", "CT head", by=by, reason=reason)


def test_saying_what_holds_already_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "codes.csv"
    put(path, "X", "CT head")
    with pytest.raises(RefusedError, match="already"):
        put(path, "x", "CT head")


NO_FIRST = "version,changed_at,by,reason,kind,scope,code,old,new\n2,t,b,r,status,f,c,,x\n"


@pytest.mark.parametrize("text", ["a,b\n1,2\n", NO_FIRST])
def test_file_that_is_no_history_stops_everything(tmp_path: Path, text: str) -> None:
    path = tmp_path / "codes.csv"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match="row 1"):
        history(path)
