"""Every file of the shared corpus ends in the class that `dicom_corpus_classes.csv` states for it."""

from __future__ import annotations

import csv
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from etl.errors import ItemRefused
from etl.records import Read, Refused, SeriesRecord, SourceItem
from etl.sources import SOURCES, inspect_file
from etl.sources.dicom_files import read_item as read_image
from etl.sources.dicom_json import load_objects
from etl.sources.dicomweb import read_object
from etl.sources.dose_reports import read_item as read_dose

CORPUS = Path(__file__).resolve().parents[4] / "shared" / "corpus"
TABLE = Path(__file__).with_name("dicom_corpus_classes.csv")
ZONE = ZoneInfo("America/New_York")

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.skipif(not CORPUS.exists(), reason=f"no shared corpus at {CORPUS}"),
]


def expected() -> list[dict[str, str]]:
    with TABLE.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def outcome(item: SourceItem) -> str:
    if isinstance(item, Read):
        return "read"
    return f"{'refused' if isinstance(item, Refused) else 'filtered'} {item.reason}"


def test_the_table_names_every_dicom_file_of_the_corpus() -> None:
    tops = ("dicom", "rdsr", "qido")
    there = {p.relative_to(CORPUS).as_posix() for top in tops for p in (CORPUS / top).rglob("*") if p.is_file()}
    assert {row["file"] for row in expected()} == there


def test_each_file_of_an_image_feed_ends_in_its_class() -> None:
    rows = [row for row in expected() if row["dicom_files"]]
    found = {row["file"]: outcome(read_image(CORPUS / row["file"], row["file"], ZONE)) for row in rows}
    assert found == {row["file"]: row["dicom_files"] for row in rows}


def test_each_file_of_a_dose_feed_ends_in_its_class() -> None:
    rows = [row for row in expected() if row["dose_reports"]]
    found = {row["file"]: outcome(read_dose(CORPUS / row["file"], row["file"], ZONE)) for row in rows}
    assert found == {row["file"]: row["dose_reports"] for row in rows}


def test_each_object_of_a_dicom_json_file_ends_in_its_class() -> None:
    for row in (row for row in expected() if row["dicomweb"]):
        objects = load_objects(CORPUS / row["file"])
        assert len(objects) == int(row["objects"]), row["file"]
        assert {outcome(read_object(found, row["file"], ZONE)) for found in objects} == {row["dicomweb"]}


def test_every_refusal_says_why_in_one_line_without_values() -> None:
    for row in (row for row in expected() if row["dicom_files"].startswith("refused")):
        item = read_image(CORPUS / row["file"], row["file"], ZONE)
        assert isinstance(item, Refused)
        assert item.detail
        assert "\n" not in item.detail
        assert "FUZZ" not in item.detail
        assert item.raw == (CORPUS / row["file"]).read_bytes()


def test_texts_of_read_files_are_short_and_free_of_control_characters() -> None:
    for row in (row for row in expected() if row["dicom_files"] == "read"):
        item = read_image(CORPUS / row["file"], row["file"], ZONE)
        assert isinstance(item, Read)
        record = item.records[0]
        assert isinstance(record, SeriesRecord)
        texts = (record.station_name, record.manufacturer, record.protocol_name, record.modality, record.clock)
        ids = (record.ids.patient_id, record.ids.accession_number, record.ids.study_instance_uid)
        for text in (*texts, *ids, record.series_instance_uid, record.sop_instance_uid):
            assert text is None or (0 < len(text) <= 64 and text.isprintable()), row["file"]


def test_two_overlong_patient_ids_that_begin_alike_stay_two() -> None:
    names = ("TC0019_patientid_over_2x", "TC0021_patientid_over_10x")
    ids = set()
    for name in names:
        item = read_image(CORPUS / f"dicom/malformed/fz-{name}.dcm", name, ZONE)
        assert isinstance(item, Read)
        ids.add(item.records[0].ids.patient_id)  # type: ignore[union-attr]  # only openings lack ids
    assert len(ids) == 2


@pytest.mark.parametrize(
    ("file", "kind"),
    [
        ("rdsr/orem-CT-RDSR-Siemens-Multi-1.dcm", "dose_reports"),
        ("rdsr/orem-NM-RRDSR-Siemens.dcm", "dose_reports"),
        ("dicom/pyd-CT_small.dcm", "dicom_files"),
        ("dicom/pyd-test-SR.dcm", "dicom_files"),
        ("dicom/pyd-MR_small_bigendian.dcm", "dicom_files"),
        ("dicom/fileset/DICOMDIR", "dicom_files"),
        ("dicom/fileset/77654033/CR1/6154", "dicom_files"),
        ("dicom/malformed/fz-TC0377_no_preamble.dcm", "dicom_files"),
        ("qido/idc-search_for_studies.json", "dicomweb"),
        ("qido/cs3d-metadata", "dicomweb"),
    ],
)
def test_one_source_recognises_a_file(file: str, kind: str) -> None:
    path = CORPUS / file
    head = path.read_bytes()[:4096]
    assert [s.kind for s in SOURCES.values() if s.recognises(path, head)] == [kind]


def inspected(file: str) -> str:
    """Return the kind that answered, or the one line of refusal."""
    try:
        return str(inspect_file(CORPUS / file)["kind"])
    except ItemRefused as refusal:
        return f"refused: {refusal.detail}"


def test_inspect_answers_for_every_file_but_the_refused_ones() -> None:
    for row in expected():
        answer = inspected(row["file"])
        refused = row["dicom_files"].startswith("refused") or row["dicomweb"].startswith("refused")
        assert answer.startswith("refused: ") == refused, (row["file"], answer)
        assert "\n" not in answer


def test_inspect_masks_identifiers_and_shows_the_rest() -> None:
    header = inspect_file(CORPUS / "dicom/orem-DX-Im-GE_XR220-1.dcm")["header"]
    assert header["patient_id"] == "00…(8)"
    assert header["accession_number"] == "00…(8)"
    assert header["modality"] == "DX"
    assert header["station_name"] == "01234MOB54"
    assert header["acquisition_date_time"] == "20140930141133.000000"
    assert header["image_and_fluoroscopy_area_dose_product"] == 0.41
    assert "patient_name" not in header


@pytest.mark.parametrize(
    ("file", "events", "totals"),
    [
        ("orem-CT-SC-Philips_Brilliance16P.dcm", 4, {"dlp_mgy_cm": 1102.44609, "ctdivol_max_mgy": 11.32941264}),
        ("orem-DX-Im-GE_XR220-1.dcm", 1, {"dap_gy_m2": 4.1e-6}),
        ("orem-MG-Im-GE_Seno_1_ForProcessing.dcm", 1, {"agd_left_mgy": 0.547}),
        ("orem-MG-Im-GE_Seno_2_ForPresentation.dcm", 1, {"agd_left_mgy": 1.409}),
        ("orem-NM-NmIm-Siemens-s1-1.dcm", 1, {"activity_mbq": 320}),
        ("orem-NM-PetIm-Siemens.dcm", 1, {"activity_mbq": 394}),
    ],
)
def test_inspect_shows_the_dose_an_image_header_states(file: str, events: int, totals: dict[str, float]) -> None:
    answer = inspect_file(CORPUS / "dicom" / file)
    assert len(answer["events"]) == events
    assert answer["totals"] == pytest.approx(totals, rel=1e-6)


def test_an_image_without_dose_shows_none() -> None:
    assert "totals" not in inspect_file(CORPUS / "dicom/pyd-MR_small.dcm")
