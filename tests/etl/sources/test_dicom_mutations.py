"""Mutated files never crash or hang a source: each ends as read, refused with a reason, or filtered.

The full size, through the whole pipeline, is in `hostile/`.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from etl.errors import FilterReason, Reason
from etl.records import Filtered, Refused, SourceItem
from etl.sources import dicom_files, dicomweb, dose_reports
from etl.sources.dicom_json import load_objects
from etl.sources.dicom_text import decode

CORPUS = Path(__file__).resolve().parents[4] / "shared" / "corpus"
ZONE = ZoneInfo("America/New_York")
SEED = 20260701
LONGEST_S = 1.0

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.skipif(not CORPUS.exists(), reason=f"no shared corpus at {CORPUS}"),
]
SLIPS = (
    b"\xff\xff\xff\xff",
    b"\0\0\0\x80",
    b"\xfe\xff\x00\xe0\xff\xff\xff\xff",
    b"\xfe\xff\xdd\xe0\0\0\0\0",
    b"SQ\0\0",
    b"UN",
)


def mutate(data: bytes, chance: random.Random) -> bytes:
    """Return the file with one to eight mistakes: flips, slips of structure, cuts, doubled and removed parts."""
    found = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 2, 3, 8))):
        place = chance.randrange(len(found) or 1)
        kind = chance.choice((0, 0, 0, 0, 1, 2, 3, 4, 5, 5))
        if kind == 0 and found:
            found[place] ^= 1 << chance.randrange(8)
        elif kind == 1:
            slip = chance.choice(SLIPS)
            found[place : place + len(slip)] = slip
        elif kind == 2:
            del found[max(place, 140) :]
        elif kind == 3:
            found[place:place] = found[place : place + chance.randrange(1, 200)]
        elif kind == 4:
            del found[place : place + chance.randrange(1, 64)]
        else:
            found[place : place + 4] = chance.randbytes(4)
    return bytes(found)


def image_items(path: Path) -> list[SourceItem]:
    return [dicom_files.read_item(path, "m", ZONE)]


def dose_items(path: Path) -> list[SourceItem]:
    return [dose_reports.read_item(path, "m", ZONE)]


def json_items(path: Path) -> list[SourceItem]:
    try:
        objects = load_objects(path)
    except dicomweb.ItemRefused as refusal:
        return [Refused("m", refusal.reason, refusal.detail)]
    return [dicomweb.read_object(found, "m", ZONE) for found in objects]


def seeds(folder: str, largest: int) -> list[bytes]:
    files = sorted(path for path in (CORPUS / folder).rglob("*") if path.is_file())
    return [path.read_bytes()[:largest] for path in files if path.suffix not in (".xml", ".dump")]


def run(reader: Callable[[Path], list[SourceItem]], files: list[bytes], mutants: int, path: Path) -> Counter[str]:
    """Offer mutants and count outcomes; a slow or unexplained one fails with its number."""
    chance = random.Random(SEED)  # noqa: S311 - reproducible, not secret
    outcomes: Counter[str] = Counter()
    decode(b"\x1b$B", ("",))  # imports pydicom, which is no mutant's fault
    for number in range(mutants):
        path.write_bytes(mutate(chance.choice(files), chance))
        begun = time.process_time()
        items = reader(path)
        assert time.process_time() - begun < LONGEST_S, f"seed {SEED}, mutant {number}"
        for item in items:
            check(item, number)
            outcomes[type(item).__name__] += 1
    return outcomes


def check(item: SourceItem, number: int) -> None:
    if isinstance(item, Refused):
        assert isinstance(item.reason, Reason), number
        assert item.detail, number
    elif isinstance(item, Filtered):
        assert isinstance(item.reason, FilterReason), number
    else:
        assert item.records, number
        for record in item.records:
            texts = (record.raw_time, record.clock, getattr(record, "station_name", None))
            assert all(text is None or (len(text) <= 64 and text.isprintable()) for text in texts), number


@pytest.mark.parametrize(
    ("reader", "folder", "mutants"),
    [(image_items, "dicom", 1200), (dose_items, "rdsr", 500), (json_items, "qido", 300)],
)
def test_two_thousand_mutants_all_end_in_a_class(
    reader: Callable[[Path], list[SourceItem]], folder: str, mutants: int, tmp_path: Path
) -> None:
    outcomes = run(reader, seeds(folder, 1 << 16), mutants, tmp_path / "mutant")
    assert sum(outcomes.values()) >= mutants
    assert outcomes["Refused"] > mutants / 20
    assert outcomes["Read"] + outcomes["Filtered"] > mutants / 40
