"""Writes a run's feeds to disk: many small files, shared between two processes, the same bytes whoever writes them."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from etl.simulate.acquisitions import Series, has_images, local_day, series_of, shares, stored_s
from etl.simulate.dicom_images import write_series
from etl.simulate.dose_sr import write_report
from etl.simulate.doses import dose_events, sends_report
from etl.simulate.exam import Exam
from etl.simulate.faults import Faults
from etl.simulate.hl7_files import Span, spans, write_batch
from etl.simulate.image_faults import sent
from etl.simulate.installation import feed_key
from etl.simulate.lists import write_lists
from etl.simulate.openings import write_openings
from etl.simulate.prior_lists import KINDS, write_prior_lists
from etl.simulate.qido import series_answer, write_answer
from etl.simulate.quality_lists import HEADERS
from etl.simulate.report_log import write_report_log
from etl.simulate.ris_extract import changes, write_extract
from etl.simulate.run import Progress, Run
from etl.simulate.scenario import SITES
from etl.simulate.timeline import Mail, site_mails

LISTS = ("roster", "ai", "critical", "communications", "followups", "storage", "rvu", "costs", *HEADERS)
PARALLEL_FROM = 4000  # exams; a smaller department is written faster by one process


@dataclass(frozen=True)
class Job:
    """One file or folder to write: which writer, where, and what goes into it."""

    kind: str  # suffix of the feed key
    site: str
    span: Span
    content: tuple[Mail, ...] | tuple[int, ...]  # messages, or keys of exams


_run: Run | None = None
_folder = Path()
_shares: dict[int, tuple[float, float]] = {}


def _adopt(run: Run, folder: Path) -> None:
    """Give this process the run it writes from."""
    global _run, _folder, _shares
    _run, _folder, _shares = run, folder, shares(run)


def _work(job: Job) -> int:
    if _run is None:
        raise RuntimeError("a worker without a run")
    folder = _folder / feed_key(job.site, job.kind)
    return WRITERS[job.kind](_run, job, folder)


def _hl7(run: Run, job: Job, folder: Path) -> int:
    return write_batch(run, job.site, job.span, [m for m in job.content if isinstance(m, Mail)], folder)


def _ris(run: Run, job: Job, folder: Path) -> int:
    return write_extract(run, job.site, job.span, _keys(job), folder)


def _keys(job: Job) -> list[int]:
    return [key for key in job.content if isinstance(key, int)]


def _exams(run: Run, job: Job) -> Iterator[tuple[Exam, list[Series]]]:
    for key in _keys(job):
        exam = run.by_key[key]
        yield exam, series_of(exam, run.scenario, _shares.get(key, (0.0, 1.0)))


def _sent(run: Run, job: Job) -> Iterator[tuple[Exam, list[Series]]]:
    for exam, every in _exams(run, job):
        yield from sent(exam, every, run.scenario)


def _qido(run: Run, job: Job, folder: Path) -> int:
    faults = Faults(run.scenario)
    answers = [series_answer(e, s, every, faults) for e, every in _sent(run, job) for s in every]
    return write_answer(answers, folder / f"{job.span.name}.json")


def _dicom(run: Run, job: Job, folder: Path) -> int:
    faults, written = Faults(run.scenario), 0
    day = folder / job.span.name
    day.mkdir(parents=True, exist_ok=True)
    for exam, every in _sent(run, job):
        for series in every:
            write_series(exam, series, every, faults, day)
        written += len(every)
    return written


def _dose(run: Run, job: Job, folder: Path) -> int:
    faults, written = Faults(run.scenario), 0
    day = folder / job.span.name
    day.mkdir(parents=True, exist_ok=True)
    for exam, every in _exams(run, job):
        events = dose_events(exam, every, run.scenario)
        if events:
            write_report(exam, events, faults, day)
            written += 1
    return written


WRITERS: dict[str, Callable[[Run, Job, Path], int]] = {
    "hl7": _hl7, "ris": _ris, "qido": _qido, "dicom": _dicom, "dose": _dose,
}  # fmt: skip


def write_feeds(run: Run, folder: Path, since_s: int, progress: Progress) -> dict[str, int]:
    """Write what the feeds hold of [since, until) under `folder`; return the number of items by feed key."""
    counts: dict[str, int] = defaultdict(int)
    for site in SITES:
        key = feed_key(site.code, "openings")
        counts[key] += write_openings(run, site.code, since_s, folder / key)
        key = feed_key(site.code, "reports")
        counts[key] += write_report_log(run, site.code, since_s, folder / key)
        places = {kind: folder / feed_key(site.code, kind) for kind in LISTS}
        for kind, rows in write_lists(run, site.code, since_s, places).items():
            counts[feed_key(site.code, kind)] += rows
        places = {kind: folder / feed_key(site.code, kind) for kind in KINDS}
        for kind, rows in write_prior_lists(run, site.code, since_s, places).items():
            counts[feed_key(site.code, kind)] += rows
    jobs = [job for site in SITES for make in (_jobs, _image_jobs) for job in make(run, site.code, since_s)]
    for number, (job, items) in enumerate(_done(run, folder, jobs), start=1):
        counts[feed_key(job.site, job.kind)] += items
        progress("files", number, len(jobs))
    return dict(counts)


def _done(run: Run, folder: Path, jobs: list[Job]) -> Iterator[tuple[Job, int]]:
    if len(run.exams) < PARALLEL_FROM:
        _adopt(run, folder)
        yield from ((job, _work(job)) for job in jobs)
        return
    with ProcessPoolExecutor(2, initializer=_adopt, initargs=(run, folder)) as pool:
        yield from zip(jobs, pool.map(_work, jobs, chunksize=4), strict=True)


def _jobs(run: Run, site: str, since_s: int) -> Iterator[Job]:
    """Yield what is to be written of one hospital, feed by feed."""
    pieces = list(spans(site, since_s, run.until_s))
    begins = [piece.begin_s for piece in pieces]
    by_piece: list[list[Mail]] = [[] for _ in pieces]
    for mail in site_mails(run, site, Faults(run.scenario), since_s):
        by_piece[bisect_right(begins, mail.delivered_s) - 1].append(mail)
    changed: list[set[int]] = [set() for _ in pieces]
    for exam in run.exams:
        if exam.site == site:
            for at_s in changes(exam):
                if since_s <= at_s < run.until_s:
                    changed[bisect_right(begins, at_s) - 1].add(exam.key)
    for piece, mails, keys in zip(pieces, by_piece, changed, strict=True):
        if mails:
            yield Job("hl7", site, piece, tuple(mails))
        if keys:
            yield Job("ris", site, piece, tuple(sorted(keys)))


def _image_jobs(run: Run, site: str, since_s: int) -> Iterator[Job]:
    """Yield the images and dose reports of one hospital that the archive took in [since, until), by local day."""
    scenario = run.scenario
    days: dict[tuple[str, date], list[int]] = defaultdict(list)
    for exam in run.exams:
        if exam.site == site and has_images(exam) and since_s <= stored_s(exam) < run.until_s:
            day = local_day(exam)
            days["dicom" if day >= scenario.dicom_from else "qido", day].append(exam.key)
            if day >= scenario.dose_from and sends_report(exam, scenario):
                days["dose", day].append(exam.key)
    for kind, day in sorted(days):
        yield Job(kind, site, Span(f"{day}", since_s, run.until_s), tuple(sorted(days[kind, day])))
