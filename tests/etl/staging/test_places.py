"""Paths of DICOM feeds may name patients, so places past the border do not."""

from __future__ import annotations

from etl.settings import Feed
from etl.staging import PlaceNamer, Pseudonymiser

NAMES = Pseudonymiser(b"k" * 32, 1)


def test_a_dicom_path_becomes_a_stable_token_that_keeps_ending_and_position() -> None:
    place = PlaceNamer(Feed(key="d", kind="dicom_files", site="A"), NAMES)
    named = place("DOE^JANE/98892001/IM1.dcm#3")
    assert named == place("DOE^JANE/98892001/IM1.dcm#3")
    assert named.startswith("path:")
    assert named.endswith(".dcm#3")
    assert "DOE" not in named
    assert "98892001" not in named
    assert place(named) == named


def test_names_that_differ_only_in_case_are_two_files() -> None:
    place = PlaceNamer(Feed(key="d", kind="dose_reports", site="A"), NAMES)
    assert place("a/IM1") != place("A/IM1")


def test_interface_engine_file_names_and_plain_paths_stay_readable() -> None:
    assert PlaceNamer(Feed(key="h", kind="hl7v2", site="A"), NAMES)("2026-10-01.hl7#4") == "2026-10-01.hl7#4"
    plain = Feed(key="d", kind="dicom_files", site="A", options={"plain_paths": True})
    assert PlaceNamer(plain, NAMES)("CT1/IM1.dcm") == "CT1/IM1.dcm"
