"""The operating calendar as CSV: a file a month, made well ahead, and one for each breakdown."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from io import StringIO
from pathlib import Path

from etl.simulate.calendars import Stretch, days_between
from etl.simulate.local import LocalClock, clock_of, utc
from etl.simulate.run import Run
from etl.simulate.scenario import DAY_S, SCANNERS, SITE

HEADER = ("scanner_code", "kind", "date", "begin", "end", "reason", "known_at")
AHEAD_DAYS = 60
ORDER = ("open", "closures", "planned", "slots")


def months(run: Run, since_s: int) -> Iterator[tuple[date, date, int]]:
    """Yield (first day, last day, when made) of the monthly calendars made in [since, until).

    The first one starts with the department and covers everything within sight.
    """
    first = run.scenario.start
    while True:
        following = date(first.year + first.month // 12, first.month % 12 + 1, 1)
        made_s = run.scenario.origin_s + ((first - run.scenario.start).days - AHEAD_DAYS) * DAY_S
        if made_s >= run.until_s:
            return
        if made_s >= since_s or since_s < run.scenario.origin_s:
            yield first, following - timedelta(days=1), made_s
        first = following


def write_openings(run: Run, site: str, since_s: int, folder: Path) -> int:
    """Write the calendar files of a hospital that came in [since, until); return their number of rows."""
    clock, written = clock_of(SITE[site].zone), 0
    codes = [s.code for s in SCANNERS if s.site == site]
    for first, last, made_s in months(run, since_s):
        stretches = [s for c in codes for day in days_between(first, last) for k in ORDER for s in _of(run, c, k, day)]
        written += _write(folder / f"calendar_{first}.csv", stretches, clock, made_s)
    for day in days_between(max(run.scenario.start, clock.local_date(since_s)), clock.local_date(run.until_s - 1)):
        broken = [s for c in codes for s in _of(run, c, "unplanned", day) if since_s <= s.end_s < run.until_s]
        for s in broken:
            written += _write(folder / f"downtime_{day}_{s.scanner}.csv", [s], clock, s.end_s)
    return written


def _of(run: Run, code: str, kind: str, day: date) -> list[Stretch]:
    found: list[Stretch] = getattr(run.calendars[code], kind)(day)
    return found


def _write(path: Path, stretches: Iterable[Stretch], clock: LocalClock, made_s: int) -> int:
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    made = f"{utc(made_s):%Y-%m-%dT%H:%M:%S+00:00}"
    rows = [(s.scanner, s.kind, s.day, *_walls(s, clock), s.reason, made) for s in stretches]
    writer.writerows(rows)
    path.write_text(text.getvalue(), encoding="utf-8", newline="")
    return len(rows)


def _walls(s: Stretch, clock: LocalClock) -> tuple[str, str]:
    begin, end = (clock.iso(at_s)[11:16] for at_s in (s.begin_s, s.end_s))
    return begin, "24:00" if end == "00:00" else end
