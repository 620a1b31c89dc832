"""The element scanner: bounded, iterative, and in agreement with pydicom on whatever pydicom can write."""

from __future__ import annotations

import struct
import time
import zlib
from pathlib import Path

import pydicom
import pytest
from pydicom.dataset import Dataset as PydicomDataset
from pydicom.dataset import FileMetaDataset
from pydicom.sequence import Sequence as PydicomSequence
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from etl.errors import ItemRefused, Reason
from etl.sources.dicom_elements import EXPLICIT_LITTLE, Encoding, NeedMoreError, Plan, scan
from etl.sources.dicom_part10 import parse_part10, read_part10

PATIENT_ID, MODALITY, REQUEST, ACCESSION = 0x00100020, 0x00080060, 0x00400275, 0x00080050
PLAN = Plan(frozenset({PATIENT_ID, MODALITY, ACCESSION}), frozenset({REQUEST}))


def element(tag: int, vr: bytes, value: bytes, length: int | None = None) -> bytes:
    """Return an explicit little-endian element, with a wrong length where one is given."""
    size = len(value) if length is None else length
    head = struct.pack("<HH2s", tag >> 16, tag & 0xFFFF, vr)
    return head + (struct.pack("<HL", 0, size) if vr in (b"SQ", b"OB", b"UN") else struct.pack("<H", size)) + value


def scanned(data: bytes, plan: Plan = PLAN) -> dict[int, bytes]:
    return scan(data, 0, EXPLICIT_LITTLE, plan, len(data))[0].values


ITEM, ITEM_END, SEQUENCE_END = (
    struct.pack("<HHL", 0xFFFE, mark, 0xFFFFFFFF * (mark == 0xE000)) for mark in (0xE000, 0xE00D, 0xE0DD)
)
UNDEFINED = 0xFFFFFFFF


@pytest.mark.parametrize(
    "syntax",
    [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian],
)
def test_all_transfer_syntaxes_give_what_pydicom_wrote(syntax: str, tmp_path: Path) -> None:
    request = PydicomDataset()
    request.AccessionNumber = "ACC-1"
    dataset = PydicomDataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    dataset.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    dataset.Modality = "CT"
    dataset.PatientID = "PID"
    dataset.RequestAttributesSequence = PydicomSequence([request])
    dataset.PixelData = b"\0" * 100
    dataset["PixelData"].VR = "OW"
    path = tmp_path / "file"
    pydicom.dcmwrite(path, dataset, enforce_file_format=True)
    found = read_part10(path, PLAN).dataset
    assert found.values == {MODALITY: b"CT", PATIENT_ID: b"PID "}
    assert [item.values[ACCESSION].strip() for item in found.sequences[REQUEST]] == [b"ACC-1"]


@pytest.mark.parametrize("depth", [10, 1_000, 20_000])
def test_undefined_sequences_of_any_depth_are_walked_over(depth: int) -> None:
    opening = element(0x00081140, b"SQ", b"", UNDEFINED) + ITEM
    data = opening * depth + (ITEM_END + SEQUENCE_END) * depth + element(PATIENT_ID, b"LO", b"PID ")
    assert scanned(data) == {PATIENT_ID: b"PID "}


def test_wanted_sequences_nested_without_end_are_kept_to_a_depth_only() -> None:
    opening = element(REQUEST, b"SQ", b"", UNDEFINED) + ITEM
    data = opening * 5_000 + (ITEM_END + SEQUENCE_END) * 5_000
    item = scan(data, 0, EXPLICIT_LITTLE, PLAN, len(data))[0]
    depth = 0
    while item.sequences:
        item = item.sequences[REQUEST][0]
        depth += 1
    assert depth <= 64


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (element(0x00080005, b"OB", b"abc", 2**31), Reason.TRUNCATED),
        (element(PATIENT_ID, b"LO", b"abc", 40_000), Reason.TRUNCATED),
        (element(0x00081140, b"SQ", b"", UNDEFINED), Reason.TRUNCATED),
        (element(0x00081140, b"SQ", element(PATIENT_ID, b"LO", b"PID "), UNDEFINED), Reason.BAD_STRUCTURE),
        (element(0x00081140, b"SQ", ITEM + element(PATIENT_ID, b"LO", b"PID "), UNDEFINED), Reason.TRUNCATED),
        (element(PATIENT_ID, b"LO", b"A ") + element(PATIENT_ID, b"LO", b"B "), Reason.BAD_STRUCTURE),
        (struct.pack("<HHL", 0xFFFE, 0xE000, 100), Reason.TRUNCATED),
        (b"\x08\x00\x20", Reason.TRUNCATED),
    ],
)
def test_broken_structure_is_refused_with_its_reason(data: bytes, reason: Reason) -> None:
    with pytest.raises(ItemRefused) as refusal:
        scanned(data)
    assert refusal.value.reason is reason


def test_an_element_that_reaches_past_its_item_is_refused() -> None:
    item = struct.pack("<HHL", 0xFFFE, 0xE000, 10) + element(PATIENT_ID, b"LO", b"AB", 40)
    data = element(REQUEST, b"SQ", item) + bytes(200)
    with pytest.raises(ItemRefused) as refusal:
        scanned(data)
    assert refusal.value.reason is Reason.BAD_STRUCTURE


def test_stray_delimiters_and_padding_zeros_at_the_top_are_stepped_over() -> None:
    stray = struct.pack("<HHL", 0xFFFE, 0xE0DD, 0)
    assert scanned(stray + element(PATIENT_ID, b"LO", b"PID ") + stray + b"\0\0\0") == {PATIENT_ID: b"PID "}


def test_a_tag_that_comes_twice_with_one_value_is_kept_once() -> None:
    twice = element(PATIENT_ID, b"LO", b"PID ") * 2
    assert scanned(twice + element(PATIENT_ID, b"LO", b"")) == {PATIENT_ID: b"PID "}


def test_more_elements_than_the_budget_are_refused_quickly() -> None:
    flat = element(0x00091001, b"LO", b"") * 4_000_000  # as much as one file may hold of them
    nested = element(0x00081140, b"SQ", ITEM + flat[: 1 << 24], UNDEFINED)
    for data in (flat, nested):
        begun = time.process_time()
        with pytest.raises(ItemRefused) as refusal:
            scanned(data)
        assert refusal.value.reason is Reason.OVERSIZED
        assert time.process_time() - begun < 1.0


def test_a_prefix_that_ends_before_what_is_wanted_asks_for_more() -> None:
    data = element(0x00091001, b"OB", bytes(1000)) + element(PATIENT_ID, b"LO", b"PID ")
    with pytest.raises(NeedMoreError):
        scan(data[:500], 0, EXPLICIT_LITTLE, PLAN, len(data))


def test_a_private_block_of_a_megabyte_before_the_patient_is_skipped(tmp_path: Path) -> None:
    path = tmp_path / "big"
    big = element(0x00091001, b"OB", bytes(1_000_000)) + element(PATIENT_ID, b"LO", b"PID ")
    path.write_bytes(bytes(128) + b"DICM" + element(MODALITY, b"CS", b"CT") + big)
    assert read_part10(path, PLAN).dataset.values[PATIENT_ID] == b"PID "


def deflated(body: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    meta = element(0x00020010, b"UI", b"1.2.840.10008.1.2.1.99")
    return bytes(128) + b"DICM" + meta + packer.compress(body) + packer.flush()


def test_a_deflate_bomb_is_refused_within_a_second_and_bounded_memory() -> None:
    bomb = deflated(element(MODALITY, b"CS", b"CT") + element(0x00091001, b"OB", b"", 1 << 30) + bytes(1 << 28))
    assert len(bomb) < 1 << 20
    begun = time.process_time()
    with pytest.raises((ItemRefused, NeedMoreError)):
        parse_part10(bomb, len(bomb), PLAN)
    assert time.process_time() - begun < 1.0


def test_a_deflated_data_set_that_breaks_off_is_truncated() -> None:
    whole = deflated(element(MODALITY, b"CS", b"CT") + element(PATIENT_ID, b"LO", bytes(range(65, 91)) * 9))
    with pytest.raises(ItemRefused) as refusal:
        parse_part10(whole[:-40], len(whole) - 40, PLAN)
    assert refusal.value.reason is Reason.TRUNCATED


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", Reason.NOT_THIS_FORMAT),
        (b"MSH|^~\\&|A|B", Reason.NOT_THIS_FORMAT),
        (bytes(128) + b"DICM", Reason.TRUNCATED),
        (bytes(128) + b"DICMxyzw" + bytes(100), Reason.BAD_STRUCTURE),
    ],
)
def test_what_is_no_dicom_file_is_refused_with_its_reason(data: bytes, reason: Reason) -> None:
    with pytest.raises(ItemRefused) as refusal:
        parse_part10(data, len(data), PLAN)
    assert refusal.value.reason is reason


def test_sequences_under_un_are_read_in_either_encoding() -> None:
    explicit = element(ACCESSION, b"SH", b"ACC1")
    implicit = struct.pack("<HHL", 0x0008, 0x0050, 4) + b"ACC1"
    for body in (explicit, implicit):
        item = struct.pack("<HHL", 0xFFFE, 0xE000, len(body)) + body
        data = element(REQUEST, b"UN", item)
        found = scan(data, 0, EXPLICIT_LITTLE, PLAN, len(data))[0]
        assert found.sequences[REQUEST][0].values == {ACCESSION: b"ACC1"}


def test_big_endian_values_are_found() -> None:
    data = struct.pack(">HH2sH", 0x0010, 0x0020, b"LO", 4) + b"PID "
    assert scan(data, 0, Encoding(big=True), PLAN, len(data))[0].values == {PATIENT_ID: b"PID "}


def test_a_file_that_is_gone_is_a_read_error(tmp_path: Path) -> None:
    with pytest.raises(ItemRefused) as refusal:
        read_part10(tmp_path / "gone.dcm", PLAN)
    assert refusal.value.reason is Reason.READ_ERROR


def test_pixels_are_never_read(tmp_path: Path) -> None:
    path = tmp_path / "large.dcm"
    head = bytes(128) + b"DICM" + element(MODALITY, b"CS", b"CT") + element(0x7FE00010, b"OB", b"", 1 << 30)
    with path.open("wb") as file:
        file.write(head)
        file.truncate(1 << 30)  # a hole of 1 GiB
    begun = time.process_time()
    assert read_part10(path, PLAN).dataset.values == {MODALITY: b"CT"}
    assert time.process_time() - begun < 0.5
