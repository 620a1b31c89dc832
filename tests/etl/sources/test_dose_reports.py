"""Dose reports: values of the corpus against its notes and against pydicom, and the quirks one by one."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from etl.errors import FilterReason, ItemRefused, Reason
from etl.records import DoseRecord
from etl.sources.dose_concepts import concepts
from etl.sources.dose_reports import DoseReports, Report, read_report
from etl.sources.dose_totals import totals

CORPUS = Path(__file__).resolve().parents[4] / "shared" / "corpus"
needs_corpus = pytest.mark.skipif(not CORPUS.exists(), reason=f"no shared corpus at {CORPUS}")
UTC_ZONE = ZoneInfo("UTC")
RDSR, ENHANCED_SR = "1.2.840.10008.5.1.4.1.1.88.67", "1.2.840.10008.5.1.4.1.1.88.22"


def coded(code: str, scheme: str = "DCM", meaning: str = "as coded") -> Dataset:
    found = Dataset()
    found.CodeValue, found.CodingSchemeDesignator, found.CodeMeaning = code, scheme, meaning
    return found


def content(kind: str, code: str, *children: Dataset, scheme: str = "DCM") -> Dataset:
    item = Dataset()
    item.ValueType = kind
    item.ConceptNameCodeSequence = Sequence([coded(code, scheme)])
    if children:
        item.ContentSequence = Sequence(children)
    return item


def num(code: str, value: str | list[str] | None, unit: str, *children: Dataset) -> Dataset:
    item = content("NUM", code, *children)
    measured = Dataset()
    measured.add_new(0x0040A30A, "DS", value if value is not None else "")
    if unit:
        measured.MeasurementUnitsCodeSequence = Sequence([coded(unit, "UCUM", unit)])
    item.MeasuredValueSequence = Sequence([] if value is None else [measured])
    return item


def code(name: str, value: str, *children: Dataset, scheme: str = "SRT") -> Dataset:
    item = content("CODE", name, *children, scheme=scheme if name.startswith("G-") else "DCM")
    item.ConceptCodeSequence = Sequence([coded(value, scheme)])
    return item


def text(kind: str, name: str, value: str) -> Dataset:
    item = content(kind, name)
    setattr(item, {"TEXT": "TextValue", "UIDREF": "UID", "DATETIME": "DateTime"}[kind], value)
    return item


def ct_event(uid: str, dlp: str, *more: Dataset, unit: str = "mGy.cm") -> Dataset:
    dose = content("CONTAINER", "113829", num("113830", "5.5", "mGy"), num("113838", dlp, unit), *more)
    return content("CONTAINER", "113819", text("UIDREF", "113769", uid), dose)


def xa_event(uid: str, dap: str, unit: str, *more: Dataset) -> Dataset:
    start = text("DATETIME", "111526", "20260701120000")
    return content("CONTAINER", "113706", text("UIDREF", "113769", uid), start, num("122130", dap, unit), *more)


def write(
    path: Path,
    *items: Dataset,
    title: str = "113701",
    sop_class: str = RDSR,
    syntax: str = ExplicitVRLittleEndian,
    **header: Any,
) -> Path:
    """Write a report with these content items; without template identification, as many are."""
    report = content("CONTAINER", title, *items)
    report.file_meta = FileMetaDataset()
    report.file_meta.TransferSyntaxUID = syntax
    report.file_meta.MediaStorageSOPClassUID = report.SOPClassUID = sop_class
    report.file_meta.MediaStorageSOPInstanceUID = report.SOPInstanceUID = f"1.2.{abs(hash(path.name)) % 10**9}"
    report.Modality, report.PatientID, report.PatientName = "SR", "PID-1", "Doe^Jane"
    report.StudyInstanceUID, report.StationName = "1.2.3", "CT1"
    report.ContentDate, report.ContentTime = "20260701", "123000"
    for keyword, value in header.items():
        setattr(report, keyword, value)
    pydicom.dcmwrite(path, report, enforce_file_format=True)
    return path


def read(path: Path) -> Report:
    found = read_report(path, UTC_ZONE)
    assert isinstance(found, Report), found
    return found


# ---- the corpus ------------------------------------------------------------------------------------------------

# events, and totals as MANIFEST.tsv notes them (or as the report declares them where the note is silent)
NOTED: dict[str, tuple[int, dict[str, float]]] = {
    "orem-CT-RDSR-Philips_BigBore4DCT": (1, {"dlp_mgy_cm": 541.1, "ctdivol_max_mgy": 23.7}),
    "orem-CT-RDSR-Siemens-Continued-1": (2, {"dlp_mgy_cm": 60.17, "ctdivol_max_mgy": 2.03}),
    "orem-CT-RDSR-Siemens-Continued-2": (2, {"dlp_mgy_cm": 56.44, "ctdivol_max_mgy": 2.22}),
    "orem-CT-RDSR-Siemens-Multi-1": (1, {"dlp_mgy_cm": 7.46, "ctdivol_max_mgy": 0.15}),
    "orem-CT-RDSR-Siemens-Multi-2": (2, {"dlp_mgy_cm": 77.27, "ctdivol_max_mgy": 8.13}),
    "orem-CT-RDSR-Siemens-Multi-3": (3, {"dlp_mgy_cm": 236.09, "ctdivol_max_mgy": 8.13}),
    "orem-CT-RDSR-Siemens_Flash-TAP-SS": (4, {"dlp_mgy_cm": 724.52, "ctdivol_max_mgy": 9.91}),
    "orem-DX-RDSR-Canon_CXDI": (1, {"dap_gy_m2": 1.07e-5}),
    "orem-MG-RDSR-GEPristina-2D": (8, {"agd_left_mgy": 0.0, "agd_right_mgy": 9.68}),
    "orem-MG-RDSR-GEPristina-DBT": (1, {"agd_left_mgy": 0.0, "agd_right_mgy": 1.09}),
    "orem-NM-RRDSR-Siemens": (1, {"activity_mbq": 394.0}),
    "orem-RF-RDSR-Philips_Allura": (3, {"dap_gy_m2": 0.00015356864017, "dose_rp_gy": 0.00427128035068}),
    "orem-RF-RDSR-Siemens-Zee": (8, {"dap_gy_m2": 1.6e-5, "dose_rp_gy": 0.00252}),
    "psd-philips_allura_clarity_u104": (25, {"dap_gy_m2": 7.8391324289e-06, "dose_rp_gy": 0.00070936639118}),
    "psd-philips_allura_clarity_u601": (29, {"dap_gy_m2": 1.0925838852e-05, "dose_rp_gy": 0.00552845528455}),
    "psd-siemens_axiom_artis": (21, {"dap_gy_m2": 9.37e-06, "dose_rp_gy": 0.00136}),
    "psd-siemens_axiom_example_procedure": (24, {"dap_gy_m2": 0.00027902, "dose_rp_gy": 0.01406}),
}


@needs_corpus
@pytest.mark.corpus
@pytest.mark.parametrize("name", NOTED)
def test_corpus_reports_give_the_noted_events_and_totals(name: str) -> None:
    events, noted = NOTED[name]
    answer = DoseReports().inspect(CORPUS / "rdsr" / f"{name}.dcm")
    assert len(answer["events"]) == events
    assert answer["totals"] == pytest.approx(noted, rel=1e-9)


@needs_corpus
@pytest.mark.corpus
def test_the_noted_table_holds_every_report_of_the_corpus() -> None:
    assert set(NOTED) == {path.stem for path in (CORPUS / "rdsr").iterdir()}


def naive_items(dataset: Dataset) -> Iterator[Dataset]:
    for item in dataset.get("ContentSequence", []):
        yield item
        yield from naive_items(item)


def naive_code(item: Dataset) -> str:
    return str(item.ConceptNameCodeSequence[0].CodeValue) if "ConceptNameCodeSequence" in item else ""


def naive_sum(events: list[Dataset], wanted: str) -> float | None:
    values = [
        float(item.MeasuredValueSequence[0].NumericValue)
        for event in events
        for item in naive_items(event)
        if naive_code(item) == wanted and item.get("MeasuredValueSequence")
    ]
    return sum(values) if values else None


@needs_corpus
@pytest.mark.corpus
@pytest.mark.parametrize("name", NOTED)
def test_corpus_events_equal_a_plain_walk_with_pydicom(name: str) -> None:
    path = CORPUS / "rdsr" / f"{name}.dcm"
    events = [i for i in naive_items(pydicom.dcmread(path)) if naive_code(i) in ("113706", "113819", "113502")]
    uids = [str(i.UID) for e in events for i in naive_items(e) if naive_code(i) in ("113769", "113503")]
    records = [r for r in read(path).records if "#" not in r.irradiation_event_uid]
    assert [record.irradiation_event_uid for record in records] == uids
    for field, concept in {
        "dlp_mgy_cm": "113838",
        "ctdivol_mgy": "113830",
        "dap_gy_m2": "122130",
        "dose_rp_gy": "113738",
        "agd_mgy": "111631",
        "activity_mbq": "113507",
    }.items():
        values = [getattr(record, field) for record in records if getattr(record, field) is not None]
        assert (sum(values) if values else None) == pytest.approx(naive_sum(events, concept)), field


@needs_corpus
@pytest.mark.corpus
@pytest.mark.parametrize("name", [name for name in NOTED if "CT-RDSR-Siemens" in name])
def test_corpus_ct_events_equal_what_highdicom_finds(name: str) -> None:
    value_types = pytest.importorskip("highdicom.sr.value_types")
    dataset = pydicom.dcmread(CORPUS / "rdsr" / f"{name}.dcm")
    # highdicom stops at the empty code of the Philips report; the Siemens ones it parses
    tree = value_types.ContentSequence.from_sequence(dataset.ContentSequence, is_root=False)
    scans = [item for item in tree if item.name.value == "113819"]
    dlp = [
        float(dose.value)
        for scan in scans
        for block in scan.ContentSequence
        if block.name.value == "113829"
        for dose in block.ContentSequence
        if dose.name.value == "113838"
    ]
    found = [r.dlp_mgy_cm for r in read(CORPUS / "rdsr" / f"{name}.dcm").records if r.dlp_mgy_cm is not None]
    assert found == pytest.approx(dlp)


@needs_corpus
@pytest.mark.corpus
@pytest.mark.parametrize(
    ("names", "dlp"),
    [(("Continued-1", "Continued-2"), 116.61), (("Multi-1", "Multi-2", "Multi-3"), 236.09)],
)
def test_reports_of_one_study_are_united_in_any_order(names: tuple[str, ...], dlp: float) -> None:
    reports = [read(CORPUS / "rdsr" / f"orem-CT-RDSR-Siemens-{name}.dcm").records for name in names]
    for order in itertools.permutations([*reports, reports[0]]):
        assert totals(itertools.chain(*order))["dlp_mgy_cm"] == pytest.approx(dlp)


@needs_corpus
@pytest.mark.corpus
def test_corpus_reports_tell_modality_device_and_phantoms() -> None:
    found = {}
    for name in NOTED:
        record = read(CORPUS / "rdsr" / f"{name}.dcm").records[0]
        found[name] = (record.modality, record.station_name, record.model_name, record.is_patient)
    assert {name: modality for name, (modality, *_) in found.items()} == {
        name: {"CT": "CT", "DX": "DX", "MG": "MG", "NM": "PT"}.get(name.split("-")[1], "XA") for name in NOTED
    }
    assert found["orem-RF-RDSR-Philips_Allura"][1:] == ("CCL Lab A", "Allura Xper", True)
    assert not found["orem-MG-RDSR-GEPristina-DBT"][3]  # "ACR 3D TEST"
    assert all(station for _, station, _, _ in found.values())


@needs_corpus
@pytest.mark.corpus
def test_corpus_limits_that_are_only_configured_raise_no_alert() -> None:
    records = [r for name in NOTED if "CT" in name for r in read(CORPUS / "rdsr" / f"{name}.dcm").records]
    assert {record.dose_check for record in records} == {None}


# ---- quirks, one by one ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("sop_class", [RDSR, ENHANCED_SR, "1.2.840.10008.5.1.4.1.1.88.33"])
@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian])
def test_the_title_makes_a_dose_report_under_any_class_and_encoding(
    sop_class: str, syntax: str, tmp_path: Path
) -> None:
    path = write(tmp_path / "r.dcm", ct_event("1.1", "100"), ct_event("1.2", "50"), sop_class=sop_class, syntax=syntax)
    assert totals(read(path).records) == pytest.approx({"dlp_mgy_cm": 150, "ctdivol_max_mgy": 5.5})


def test_another_title_makes_none_under_the_dose_class(tmp_path: Path) -> None:
    path = write(tmp_path / "r.dcm", ct_event("1.1", "100"), title="126000")
    assert read_report(path, UTC_ZONE) is FilterReason.NOT_A_DOSE_REPORT


def test_an_image_in_a_dose_feed_belongs_elsewhere(tmp_path: Path) -> None:
    path = write(tmp_path / "r.dcm", title="113702", sop_class="1.2.840.10008.5.1.4.1.1.2")
    assert read_report(path, UTC_ZONE) is FilterReason.OTHER_FEED


def test_a_report_of_no_irradiation_is_filtered(tmp_path: Path) -> None:
    nothing = content("CONTAINER", "113811", num("113812", "0", "{events}"), num("113813", "0", "mGy.cm"))
    assert read_report(write(tmp_path / "r.dcm", nothing), UTC_ZONE) is FilterReason.NO_IRRADIATION


def test_a_report_without_content_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ItemRefused) as refusal:
        read_report(write(tmp_path / "r.dcm"), UTC_ZONE)
    assert refusal.value.reason is Reason.BAD_STRUCTURE


@pytest.mark.parametrize(
    ("dap", "unit", "expected"),
    [
        ("0.41", "dGy.cm2", 4.1e-6),
        ("1.6e-005", "Gym2", 1.6e-5),
        ("16", "uGym2", 1.6e-5),
        (["0.41", "0.50"], "dGy.cm2", 4.1e-6),
    ],
)
def test_units_and_numbers_as_found_are_read(dap: Any, unit: str, expected: float, tmp_path: Path) -> None:
    path = write(tmp_path / "r.dcm", xa_event("1.1", dap, unit))
    assert totals(read(path).records) == pytest.approx({"dap_gy_m2": expected})


def test_empty_and_textual_numbers_are_no_values(tmp_path: Path) -> None:
    path = write(
        tmp_path / "r.dcm",
        xa_event("1.1", "0.1", "Gy.m2", num("113738", None, "Gy"), num("113742", "", "s")),
    )
    data = path.read_bytes().replace(b"0.1 ", b"abc ", 1)
    path.write_bytes(data)
    (record,) = read(path).records
    assert (record.dap_gy_m2, record.dose_rp_gy, record.ended_at) == (None, None, None)


def test_a_duration_in_ms_marked_s_is_set_right(tmp_path: Path) -> None:
    path = write(tmp_path / "r.dcm", xa_event("1.1", "1e-5", "Gy.m2", num("113742", "11912", "s")))
    (record,) = read(path).records
    assert record.ended_at == datetime(2026, 7, 1, 12, 0, 11, 912000, tzinfo=UTC)


@pytest.mark.parametrize(("stated", "expected"), [("800", 0.8), ("0.8", 0.8), ("760", 0.76), ("8", 8.0)])
def test_a_short_fluoroscopy_in_ms_marked_s_shows_by_its_pulses(stated: str, expected: float, tmp_path: Path) -> None:
    pulsed = [num("113742", stated, "s"), num("113768", "5", "1"), num("113791", "6.25", "{pulse}/s")]
    event = xa_event("1.1", "1e-5", "Gy.m2", code("113721", "P5-06000"), *pulsed)
    (record,) = read(write(tmp_path / "r.dcm", event)).records
    assert record.fluoro_time_s == pytest.approx(expected)
    assert record.ended_at is not None
    assert (record.ended_at - record.occurred_at).total_seconds() == pytest.approx(expected)


def test_a_reference_dose_in_mgy_marked_gy_is_set_right(tmp_path: Path) -> None:
    path = write(tmp_path / "r.dcm", xa_event("1.1", "1.6e-5", "Gy.m2", num("113738", "2.52", "Gy")))
    assert totals(read(path).records)["dose_rp_gy"] == pytest.approx(0.00252)


def test_declared_sums_of_both_planes_complete_the_events(tmp_path: Path) -> None:
    planes = [
        content("CONTAINER", "113702", code("113764", plane, scheme="DCM"), num("113722", dap, "Gy.m2"))
        for plane, dap in (("113620", "3e-5"), ("113621", "2e-5"), ("113621", "2e-5"))
    ]
    path = write(tmp_path / "r.dcm", *planes, xa_event("1.1", "1e-5", "Gy.m2"))
    records = read(path).records
    assert totals(records)["dap_gy_m2"] == pytest.approx(5e-5)
    assert [r.irradiation_event_uid for r in records] == ["1.1", "1.1#unitemised"]
    assert len(DoseReports().inspect(path)["events"]) == 1


@pytest.mark.parametrize("stated", ["1e-4", "1e-2", "5e-6"])
def test_a_declared_sum_in_another_unit_or_too_small_is_not_believed(stated: str, tmp_path: Path) -> None:
    block = content("CONTAINER", "113702", num("113722", stated, "Gy.m2"))
    path = write(tmp_path / "r.dcm", block, xa_event("1.1", "1e-5", "Gy.m2"))
    assert totals(read(path).records)["dap_gy_m2"] == pytest.approx(1e-5)


def test_both_planes_of_one_exposure_count_under_one_uid(tmp_path: Path) -> None:
    planes = [
        xa_event("1.1", dap, "Gy.m2", code("113764", plane, scheme="DCM"))
        for plane, dap in (("113620", "3e-5"), ("113621", "2e-5"))
    ]
    assert totals(read(write(tmp_path / "r.dcm", *planes)).records)["dap_gy_m2"] == pytest.approx(5e-5)


def test_both_tubes_of_a_dual_source_scan_are_one_event_with_one_dose(tmp_path: Path) -> None:
    tubes = [
        content("CONTAINER", "113831", text("TEXT", "113832", name), num("113733", kv, "kV"), num("113734", "60", "mA"))
        for name, kv in (("A", "100"), ("B", "140"))
    ]
    parameters = content("CONTAINER", "113822", num("113823", "0.28", "s"), num("113830", "9.9", "mGy"), *tubes)
    path = write(tmp_path / "r.dcm", ct_event("1.1", "100", parameters), ct_event("1.2", "50", parameters))
    assert [(r.ctdivol_mgy, r.dlp_mgy_cm) for r in read(path).records] == [(5.5, 100), (5.5, 50)]
    assert totals(read(path).records) == {"dlp_mgy_cm": 150, "ctdivol_max_mgy": 5.5}


JAPANESE = "Yamada^Tarou=\u5c71\u7530^\u592a\u90ce=\u3084\u307e\u3060^\u305f\u308d\u3046"


@pytest.mark.parametrize("charset", [["", "ISO 2022 IR 87"], ["ISO 2022 IR 13", "ISO 2022 IR 87"], ["ISO_IR 192"]])
def test_japanese_names_and_texts_are_read_and_no_name_reaches_a_record(charset: list[str], tmp_path: Path) -> None:
    protocol = text("TEXT", "125203", "\u982d\u90e8")  # head
    path = write(
        tmp_path / "r.dcm", ct_event("1.1", "100", protocol), SpecificCharacterSet=charset, PatientName=JAPANESE
    )
    records = read(path).records
    assert records[0].is_patient
    assert records[0].protocol_name == "\u982d\u90e8"
    assert not [part for part in ("Yamada", "\u5c71\u7530") if part in repr(records)]


def test_an_event_repeated_within_a_report_counts_once(tmp_path: Path) -> None:
    path = write(tmp_path / "r.dcm", ct_event("1.1", "100"), ct_event("1.1", "100"))
    assert totals(read(path).records)["dlp_mgy_cm"] == 100


def test_totals_without_events_form_one_record(tmp_path: Path) -> None:
    block = content("CONTAINER", "113811", num("113813", "300", "mGycm"))
    first = read(write(tmp_path / "a.dcm", block)).records
    again = read(write(tmp_path / "b.dcm", block, SOPInstanceUID="1.9")).records
    assert len(first) == 1
    assert totals(first) == {"dlp_mgy_cm": 300}
    assert totals([*first, *again])["dlp_mgy_cm"] == 600  # no scope is stated: two reports are two


def test_totals_without_events_over_one_stated_study_count_once(tmp_path: Path) -> None:
    scope = code("113705", "113014", text("UIDREF", "110180", "1.2.3"), scheme="DCM")
    block = [content("CONTAINER", "113811", num("113813", dlp, "mGy.cm")) for dlp in ("300", "500")]
    early = read(write(tmp_path / "a.dcm", scope, block[0])).records
    late = read(write(tmp_path / "b.dcm", scope, block[1], SOPInstanceUID="1.9")).records
    for order in ([*early, *late], [*late, *early]):
        assert totals(order) == {"dlp_mgy_cm": 500}


def test_an_event_without_uid_is_named_after_report_and_position(tmp_path: Path) -> None:
    event = content("CONTAINER", "113819", num("113838", "10", "mGy.cm"))
    report = read(write(tmp_path / "r.dcm", event, event))
    assert [r.irradiation_event_uid for r in report.records] == [f"{report.uid}#1", f"{report.uid}#2"]


def test_glandular_dose_goes_to_its_breast(tmp_path: Path) -> None:
    def exposure(uid: str, agd: str, side: str) -> Dataset:
        breast = code("123014", "T-04000", code("G-C171", side))
        return content("CONTAINER", "113706", text("UIDREF", "113769", uid), breast, num("111631", agd, "mGy"))

    events = [exposure("1.1", "1.2", "G-A101"), exposure("1.2", "1.4", "G-A101"), exposure("1.3", "0.0011", "T-04020")]
    events[2].ContentSequence[2].MeasuredValueSequence[0].MeasurementUnitsCodeSequence[0].CodeValue = "Gy"
    records = read(write(tmp_path / "r.dcm", *events)).records
    assert totals(records) == pytest.approx({"agd_left_mgy": 2.6, "agd_right_mgy": 1.1})
    assert {record.modality for record in records} == {"MG"}


def test_an_administered_activity_is_read_in_mbq(tmp_path: Path) -> None:
    def given(*items: Dataset) -> DoseRecord:
        uid, start = text("UIDREF", "113503", "1.5"), text("DATETIME", "123003", "20260701104030")
        path = write(tmp_path / "r.dcm", content("CONTAINER", "113502", uid, start, *items), title="113500")
        (record,) = read(path).records
        return record

    assert given(num("113507", "394000", "kBq")).activity_mbq == pytest.approx(394)
    assert given(num("113508", "410", "MBq"), num("113509", "16", "MBq")).activity_mbq == pytest.approx(394)
    assert given(num("113507", "394", "MBq")).occurred_at == datetime(2026, 7, 1, 10, 40, 30, tzinfo=UTC)
    assert given(num("113507", "394", "MBq")).modality == "NM"


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ([num("113904", "1000", "mGy")], None),
        ([num("113904", "1000", "mGy"), num("113906", "1200", "mGy")], "alert"),
        ([num("113904", "1000", "mGy"), num("113906", "200", "mGy")], None),
        ([text("TEXT", "113907", "repeat needed")], "alert"),
        ([num("113911", "500", "mGy.cm"), num("113913", "600", "mGy.cm")], "notification"),
        ([num("113912", "60", "mGy"), num("113914", "30", "mGy")], None),
    ],
)
def test_dose_checks_are_what_came_up_not_what_is_configured(
    items: list[Dataset], expected: str | None, tmp_path: Path
) -> None:
    path = write(tmp_path / "r.dcm", ct_event("1.1", "100", content("CONTAINER", "113900", *items)))
    assert read(path).records[0].dose_check == expected


@pytest.mark.parametrize(
    ("header", "patterns", "expected"),
    [
        ({}, (), True),
        ({"PatientID": "PHANTOM-7"}, (), False),
        ({"PatientName": "Daily^QA"}, (), False),
        ({"PatientName": "Qadir^Aquaria"}, (), True),
        ({"PatientID": "ZZTEST1"}, (), True),
        ({"PatientID": "ZZTEST1"}, ("zztest*",), False),
    ],
)
def test_phantoms_are_no_patients(
    header: dict[str, str], patterns: tuple[str, ...], expected: bool, tmp_path: Path
) -> None:
    path = write(tmp_path / "r.dcm", ct_event("1.1", "100"), **header)
    found = read_report(path, UTC_ZONE, patterns)
    assert isinstance(found, Report)
    assert found.records[0].is_patient is expected


def test_quality_control_intent_means_no_patient(tmp_path: Path) -> None:
    procedure = code("121058", "P5-08000", code("G-C0E8", "113680"))
    assert not read(write(tmp_path / "r.dcm", procedure, ct_event("1.1", "100"))).records[0].is_patient


def test_ct_events_take_the_irradiation_times_of_the_report(tmp_path: Path) -> None:
    start, stop = text("DATETIME", "113809", "20260701120000+0200"), text("DATETIME", "113810", "20260701120500+0200")
    (record,) = read(write(tmp_path / "r.dcm", start, stop, ct_event("1.1", "100"))).records
    assert record.occurred_at == datetime(2026, 7, 1, 10, tzinfo=UTC)
    assert record.ended_at == datetime(2026, 7, 1, 10, 5, tzinfo=UTC)
    assert record.known_at == datetime(2026, 7, 1, 12, 30, tzinfo=UTC)


def test_without_irradiation_times_the_report_s_own_time_counts(tmp_path: Path) -> None:
    (record,) = read(write(tmp_path / "r.dcm", ct_event("1.1", "100"))).records
    assert record.occurred_at == datetime(2026, 7, 1, 12, 30, tzinfo=UTC)


def test_a_report_without_any_time_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ItemRefused) as refusal:
        read_report(write(tmp_path / "r.dcm", ct_event("1.1", "1"), ContentDate="", ContentTime=""), UTC_ZONE)
    assert refusal.value.reason is Reason.MISSING_TIME


def test_a_report_about_nobody_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "r.dcm", ct_event("1.1", "1"), StudyInstanceUID="", PatientID="")
    with pytest.raises(ItemRefused) as refusal:
        read_report(path, UTC_ZONE)
    assert refusal.value.reason is Reason.MISSING_IDENTIFIER


def test_the_accession_number_of_the_request_fills_an_empty_one(tmp_path: Path) -> None:
    request = Dataset()
    request.AccessionNumber = "ACC-9"
    request.RequestedProcedureID = "RP-9"
    path = write(tmp_path / "r.dcm", ct_event("1.1", "1"), ReferencedRequestSequence=Sequence([request]))
    ids = read(path).records[0].ids
    assert (ids.accession_number, ids.requested_procedure_id) == ("ACC-9", "RP-9")


def test_content_nested_a_thousand_deep_is_survived(tmp_path: Path) -> None:
    deep = content("CONTAINER", "113819", text("UIDREF", "113769", "1.1"), num("113838", "5", "mGy.cm"))
    for _ in range(60):
        deep = content("CONTAINER", "121070", deep)
    assert totals(read(write(tmp_path / "r.dcm", deep)).records) is not None


def test_a_report_of_three_megabytes_and_300_events_takes_under_two_seconds(tmp_path: Path) -> None:
    filler = [text("TEXT", "121106", "x" * 20) for _ in range(90)]
    path = write(tmp_path / "r.dcm", xa_event("1.1.100", "1e-6", "Gy.m2", *filler))
    head, event = path.read_bytes().split(b"\x40\x00\x30\xa7SQ\0\0", 1)  # the content sequence is the last element
    events = b"".join(event[4:].replace(b"1.1.100", f"1.1.{n}".encode()) for n in range(100, 400))
    path.write_bytes(head + b"\x40\x00\x30\xa7SQ\0\0\xff\xff\xff\xff" + events + b"\xfe\xff\xdd\xe0\0\0\0\0")
    assert path.stat().st_size > 3_000_000
    begun = time.process_time()
    assert len(read(path).records) == 300
    assert time.process_time() - begun < 2.0


def test_every_concept_has_a_meaning_and_a_source() -> None:
    table = concepts()
    assert table.titles == {"113701", "113500"}
    assert table.values["122130"] == ("dap_gy_m2", "Gy.m2")
    assert table.events["113706"] == "projection"
