"""HL7 batch files: one a feed and local day, the unfinished day in pieces that are never written again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from etl.simulate.faults import Faults
from etl.simulate.hl7_text import SENDER, Writer
from etl.simulate.local import clock_of, utc
from etl.simulate.run import Run
from etl.simulate.scenario import SITE
from etl.simulate.timeline import Mail

SEPARATOR = {"NORTH": "\r", "SOUTH": "\r\n"}


class Span(NamedTuple):
    """A stretch of feed time that becomes one file."""

    name: str
    begin_s: int
    end_s: int


def spans(site: str, since_s: int, until_s: int) -> Iterator[Span]:
    """Cut [since, until) at local midnights; whole days are named by the day, pieces also by their UTC hours."""
    clock = clock_of(SITE[site].zone)
    day = clock.local_date(since_s)
    while (begin_s := clock.second(day, 0)) < until_s:
        end_s = clock.second(day + timedelta(days=1), 0)
        first, last = max(begin_s, since_s), min(end_s, until_s)
        if (first, last) == (begin_s, end_s):
            yield Span(f"{day}", first, last)
        elif first < last:
            yield Span(f"{day}_{utc(first):%dT%H%M}Z-{utc(last):%dT%H%M}Z", first, last)
        day += timedelta(days=1)


def write_batch(run: Run, site: str, span: Span, mails: list[Mail], folder: Path) -> int:
    """Write the messages of one span as a batch file; return how many."""
    if not mails:
        return 0
    writer, separator = Writer(site, Faults(run.scenario)), SEPARATOR[site]
    made = writer.clock.hl7_offset(span.end_s)
    head = f"|^~\\&|{SENDER[site]}|{site}|RADPULSE|{site}|{made}||{span.name}"
    lines = [f"FHS{head}", f"BHS{head}"]
    for mail in mails:
        lines += writer.segments(mail, run.by_key.get(mail.key))
    lines += [f"BTS|{len(mails)}", "FTS|1", ""]
    (folder / f"{span.name}.hl7").write_bytes(separator.join(lines).encode())
    return len(mails)
