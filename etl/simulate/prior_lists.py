"""Feeds about priors and the archive: SOLE events of prior transfers, decision support, the archive's log."""

from __future__ import annotations

import csv
import json
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from io import StringIO
from pathlib import Path
from typing import TypeVar

from etl.simulate.exam import Exam
from etl.simulate.hl7_files import Span, spans
from etl.simulate.local import utc
from etl.simulate.run import Run
from etl.simulate.transfers import Transfer, transfers

T = TypeVar("T")
CDS = ("Order", "Consulted", "Rating", "Score", "Modality", "Mechanism", "Sent")
TRANSFERS = (
    "First Stored", "Last Stored", "Accession", "Study UID", "Modality", "Source", "Direction", "Bytes", "Images",
)  # fmt: skip
KINDS = ("sole", "cds", "transfers")
EVENTS = (("SOLE112", "Exam requested (e.g. priors)"), ("SOLE113", "Exam transferred (e.g. priors)"))


def write_prior_lists(run: Run, site: str, since_s: int, folders: dict[str, Path]) -> dict[str, int]:
    """Write what these feeds brought in [since, until); return their numbers of items by kind."""
    exams = [e for e in run.exams if e.site == site]
    events = [
        (at_s, json.dumps(_sole(e, code, words, at_s), sort_keys=True))
        for e in exams
        for code, words, at_s in _events(e)
    ]
    rated = [(e.rated_s, _rating(e)) for e in exams if e.rated_s is not None]
    moved = [(t.last_s, _transfer(t)) for t in transfers(run, site)]
    counts = dict.fromkeys(KINDS, 0)
    for span, told in _by_span(site, since_s, run.until_s, events):
        path = folders["sole"] / f"sole_{span.name}.json"
        path.write_text(f"[{','.join(told)}]", encoding="utf-8", newline="")
        counts["sole"] += len(told)
    for kind, header, rows in (("cds", CDS, rated), ("transfers", TRANSFERS, moved)):
        for span, lines in _by_span(site, since_s, run.until_s, rows):
            counts[kind] += _write(folders[kind] / f"{kind}_{span.name}.csv", header, lines)
    return counts


def _by_span(site: str, since_s: int, until_s: int, timed: Iterable[tuple[int, T]]) -> Iterator[tuple[Span, list[T]]]:
    """Yield the feed's files with what happened in each, in order; files without anything are left out."""
    pieces = list(spans(site, since_s, until_s))
    begins = [piece.begin_s for piece in pieces]
    found: list[list[tuple[int, T]]] = [[] for _ in pieces]
    for at_s, what in timed:
        if since_s <= at_s < until_s:
            found[bisect_right(begins, at_s) - 1].append((at_s, what))
    for piece, some in zip(pieces, found, strict=True):
        if some:
            yield piece, [what for _, what in sorted(some, key=lambda one: one[0])]


def _write(path: Path, header: Sequence[str], rows: Sequence[Sequence[object]]) -> int:
    text = StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    path.write_text(text.getvalue(), encoding="utf-8", newline="")
    return len(rows)


def _iso(at_s: int) -> str:
    return f"{utc(at_s):%Y-%m-%dT%H:%M:%S+00:00}"


def _events(exam: Exam) -> Iterator[tuple[str, str, int]]:
    for (code, words), at_s in zip(EVENTS, (exam.prior_requested_s, exam.prior_available_s), strict=True):
        if at_s is not None:
            yield code, words, at_s


def _sole(exam: Exam, code: str, words: str, at_s: int) -> dict[str, object]:
    """Return an event as a repository gives it out; the exam is the one the prior is fetched for."""
    text = (
        "<AuditMessage>"
        f"<EventIdentification EventActionCode='E' EventDateTime='{_iso(at_s)}' EventOutcomeIndicator='0'>"
        "<EventID csd-code='SOLE' codeSystemName='IHE-RAD' originalText='Imaging Operational Event'/>"
        f"<EventTypeCode csd-code='{code}' codeSystemName='urn:ihe:rad' originalText='{words}'/>"
        "</EventIdentification><AuditSourceIdentification AuditSourceID='SIMVNA'/>"
        "<ParticipantObjectIdentification ParticipantObjectTypeCode='2' ParticipantObjectTypeCodeRole='3' "
        f"ParticipantObjectID='{exam.accession}'><ParticipantObjectIDTypeCode csd-code='121022' "
        "codeSystemName='DCM' originalText='Accession Number'/></ParticipantObjectIdentification></AuditMessage>"
    )
    return {"Pri": 134, "Version": 1, "Timestamp": _iso(at_s), "Hostname": f"sim-vna-{exam.site.lower()}",
            "App-name": "IHE+SOLE", "Procid": "1", "Msg-id": code, "Msg": text}  # fmt: skip


def _rating(exam: Exam) -> tuple[object, ...]:
    at = _iso(exam.rated_s or 0)
    return exam.placer, at, exam.rating, exam.rating_score or "", exam.modality, "SIMCDS", at


def _transfer(t: Transfer) -> tuple[object, ...]:
    named = ("", "", "") if t.exam is None else (t.exam.accession, t.exam.study_uid, t.exam.scanner or "")
    accession, study, source = named
    return _iso(t.first_s), _iso(t.last_s), accession, study, t.modality, source, t.direction, t.size, t.instances
