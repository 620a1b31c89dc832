"""A site's reference levels: every refusal names its row, versions are dated, nothing is loaded by halves."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from etl.dose.references import COLUMNS, DoseReference, check, load, loaded
from etl.errors import ConfigurationError, RefusedError

GROUPS = {"CT": frozenset({"CT chest", "CT head"}), "XA": frozenset({"IR drainage"})}
GOOD = {
    "source": "Somebody 2025", "region": "", "modality": "CT", "procedure_group": "CT chest", "age_band": "adult",
    "size_band": "*", "quantity": "ctdivol", "unit": "mGy", "phantom": "32", "drl": "12", "achievable": "9",
    "valid_from": "2025-01-01",
}  # fmt: skip


def table(folder: Path, *rows: dict[str, str], name: str = "drl.csv") -> Path:
    """Write rows, each given as what differs from a good one."""
    lines = [",".join(COLUMNS), *(",".join((GOOD | row)[c] for c in COLUMNS) for row in rows)]
    path = folder / name
    path.write_text("# a remark\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return path


def only(path: Path) -> DoseReference:
    """Return the one good row of a table."""
    found = check(path, GROUPS)
    assert found.refused == ()
    return found.references[0]


def test_a_row_is_read_in_the_quantitys_own_unit(tmp_path: Path) -> None:
    row = only(table(tmp_path, {"unit": "Gy", "drl": "0.012", "achievable": "0.009"}))
    assert (row.quantity, row.drl, row.achievable, row.phantom, row.valid_from) == (
        "CTDIvol", 12.0, 9.0, "32 cm", date(2025, 1, 1),
    )  # fmt: skip
    wide = {"modality": "XA", "procedure_group": "IR drainage", "quantity": "dap", "phantom": "", "achievable": ""}
    assert only(table(tmp_path, wide | {"unit": "uGy.m2", "drl": "5000"})).drl == 50.0


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"source": ""}, "source is empty"),
        ({"modality": "XX"}, "modality 'XX' is none of CT, XA"),
        ({"procedure_group": "CT Chest"}, "procedure group 'CT Chest' is none of CT: CT chest, CT head"),
        ({"quantity": "agd"}, "quantity 'agd' is none of CT: ctdivol, dlp, ssde"),
        ({"unit": "mSv"}, "unit 'mSv' is none of CTDIvol"),
        ({"drl": "twelve"}, "drl 'twelve' is not a number"),
        ({"drl": "0"}, "cannot be meant"),
        ({"drl": "nan"}, "cannot be meant"),
        ({"unit": "Gy"}, "cannot be meant"),  # 12 Gy: a slip of unit
        ({"achievable": "13"}, "achievable 13 lies above the drl 12"),
        ({"phantom": ""}, "CTDIvol needs 16 or 32"),
        ({"quantity": "ssde"}, "SSDE has none; leave it empty"),
        ({"age_band": "old"}, "age_band 'old' is not a band"),
        ({"size_band": "33-29"}, "size_band '33-29' is not a band"),
        ({"valid_from": "1.1.2025"}, "valid_from '1.1.2025' is not a date"),
        ({"valid_from": "2025-01-01,9"}, "more values than columns"),
    ],
)
def test_a_refusal_names_its_row_and_what_is_allowed(wrong: dict[str, str], said: str, tmp_path: Path) -> None:
    found = check(table(tmp_path, {}, wrong), GROUPS)
    assert len(found.references) == 1
    assert len(found.refused) == 1
    assert found.refused[0].startswith("row 4: ")
    assert said in found.refused[0]


def test_rows_that_would_hold_for_the_same_exams_are_refused(tmp_path: Path) -> None:
    twice = check(table(tmp_path, {"age_band": "5-9"}, {"age_band": "9-14"}), GROUPS)
    assert twice.refused == ("row 4: overlaps row 3, for the same group, quantity, bands and date",)
    for other in ({"age_band": "10-14"}, {"age_band": "*"}, {"valid_from": "2026-01-01"}, {"phantom": "16"}):
        assert check(table(tmp_path, {"age_band": "5-9"}, {"age_band": "5-9"} | other), GROUPS).refused == ()


def test_a_loaded_table_is_a_version_and_a_later_one_must_have_a_later_date(tmp_path: Path) -> None:
    folder = tmp_path / "drl"
    first = load(table(tmp_path, {}), folder, GROUPS)
    assert [t.version for t in loaded(folder, GROUPS)] == [first.version]
    with pytest.raises(RefusedError, match="loaded already"):
        load(table(tmp_path, {}), folder, GROUPS)
    with pytest.raises(RefusedError, match=rf"row 3: version {first.version}, row 3 .* give a later valid_from"):
        load(table(tmp_path, {"drl": "13", "source": "Another"}), folder, GROUPS)
    load(table(tmp_path, {"drl": "13", "valid_from": "2026-01-01"}), folder, GROUPS)
    assert len(loaded(folder, GROUPS)) == 2


def test_a_table_with_one_wrong_row_is_not_loaded_at_all(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="wrong in it:\n  row 4: unit"):
        load(table(tmp_path, {}, {"unit": "mSv", "procedure_group": "CT head"}), tmp_path / "drl", GROUPS)
    assert loaded(tmp_path / "drl", GROUPS) == ()


def test_a_kept_table_that_was_spoilt_stops_with_its_row(tmp_path: Path) -> None:
    table(tmp_path, {"unit": "mSv"})
    with pytest.raises(ConfigurationError, match="row 3: unit 'mSv'"):
        loaded(tmp_path, GROUPS)


def test_only_rows_of_the_sites_region_are_used(tmp_path: Path) -> None:
    path = table(tmp_path, {"region": "US"}, {"region": "EU", "drl": "10"})
    assert [r.drl for r in check(path, GROUPS, "EU").references] == [10.0]


def test_a_file_that_is_no_such_table_is_refused_with_its_columns(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(RefusedError, match=r"lacks the columns .*drl"):
        check(path, GROUPS)
