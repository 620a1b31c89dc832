"""The registry of sources: one file and one line here add one, and the shared contract suite tests it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from etl.errors import ItemRefused, Reason
from etl.sources.base import Source
from etl.sources.dicom_files import DicomFiles
from etl.sources.dicomweb import DicomWeb
from etl.sources.dose_reports import DoseReports
from etl.sources.fhir import Fhir
from etl.sources.hl7v2 import Hl7v2
from etl.sources.mpps import Mpps
from etl.sources.openings_csv import OpeningsCsv
from etl.sources.ris_csv import RisCsv
from etl.sources.sole import Sole
from etl.sources.worklist import Worklist

_ALL: tuple[Source, ...] = (
    Hl7v2(),
    OpeningsCsv(),
    RisCsv(),
    RisCsv("extract_csv"),
    Sole(),
    DoseReports(),
    Mpps(),
    Worklist(),
    DicomFiles(),
    DicomWeb(),
    Fhir(),
)
SOURCES: dict[str, Source] = {source.kind: source for source in _ALL}

HEAD_BYTES = 4096


def inspect_file(path: Path) -> dict[str, Any]:
    """Return what one file would become as plain JSON values with masked identifiers, touching nothing.

    The first source (in registry order) that recognises the file answers. Raises ItemRefused with one line of
    reason when none does, when it refuses the file, or when the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError as error:
        raise ItemRefused(Reason.READ_ERROR, f"{path.name}: {error.strerror}") from error
    for source in SOURCES.values():
        if source.recognises(path, head):
            return source.inspect(path)
    raise ItemRefused(Reason.NOT_THIS_FORMAT, f"{path.name}: none of {', '.join(SOURCES)} recognises it")
