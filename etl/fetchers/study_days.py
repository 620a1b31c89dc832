"""Days of studies, asked for in order and again where studies may come late; what did not change is left out.

A study the server cannot answer for is tried again at the next fetch and holds up no other: what came of the others is
kept, the days after it are asked for, and the fetch ends by saying so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from etl.errors import ConfigurationError, PeerError
from etl.fetchers.base import Cursor, Page
from etl.fetchers.dicomweb import STUDY_INSTANCES, STUDY_SERIES, STUDY_UID, Qido, state_of, uid

WINDOW = frozenset({"since", "overlap_days", "page_size"})
FIRST_DAYS = 30
GONE = frozenset({404, 410})  # deleted between the question for the day and the one for the study


def days_due(options: Mapping[str, Any], cursor: Cursor, now_at: datetime, zone: ZoneInfo, where: str) -> list[date]:
    """Return the study dates to ask for, oldest first: from the last one done less the overlap up to today.

    Raises ConfigurationError for a `since` that is no date or an `overlap_days` that is no number of days.
    """
    today, overlap = now_at.astimezone(zone).date(), options.get("overlap_days", 3)
    if not isinstance(overlap, int) or not 0 <= overlap <= 3650:
        raise ConfigurationError(f"{where}: fetch.overlap_days must be a whole number of days")
    try:
        through = cursor.get("through")
        if isinstance(through, str):
            start = min(date.fromisoformat(through), today) - timedelta(days=overlap)
        elif "since" in options:
            start = date.fromisoformat(str(options["since"]))
        else:
            start = today - timedelta(days=FIRST_DAYS)
    except ValueError as error:
        raise ConfigurationError(f"{where}: fetch.since must be a date like 2026-01-31") from error
    return [start + timedelta(days=n) for n in range((today - start).days + 1)]


@dataclass(slots=True)
class StudyDays:
    """One fetch over some days; `ask` yields the payloads of a study given its UID and what the day's answer said.

    `narrower` are further attributes the studies must match; `note` is the payloads' media type.
    """

    qido: Qido
    cursor: Cursor
    days: list[date]
    ask: Callable[[str, Any], Iterable[bytes]]
    note: str
    narrower: tuple[tuple[str, str], ...] = ()
    refused: list[str] = field(default_factory=list)
    _seen: dict[str, str] = field(default_factory=dict)
    _done: str | None = None

    def __post_init__(self) -> None:
        seen = self.cursor.get("seen")
        oldest = self.days[0].isoformat() if self.days else ""
        self._seen = {state: day for state, day in seen.items() if day >= oldest} if isinstance(seen, dict) else {}
        self._done = self.cursor.get("through")

    def pages(self) -> Iterator[Page]:
        """Yield a page for each page of studies; raises PeerError."""
        yield from self._each_day(self._studies)

    def series_pages(self) -> Iterator[Page]:
        """Yield a page for each page of all series of a day, where the server answers for them directly."""
        yield from self._each_day(self._series)

    def _studies(self, day: date) -> Iterator[tuple[bytes, ...]]:
        for studies in self.qido.studies(day, *self.narrower):
            yield tuple(payload for found in studies.objects for payload in self._study(found, day))

    def _series(self, day: date) -> Iterator[tuple[bytes, ...]]:
        for answered in self.qido.day_series(day):
            yield self._unless_seen(state_of({"": answered.objects}), day, [answered.body])

    def _each_day(self, asked: Callable[[date], Iterator[tuple[bytes, ...]]]) -> Iterator[Page]:
        for day in self.days:
            for payloads in asked(day):
                yield Page(payloads, self._cursor(), self.note)
            if not self.refused:
                self._done = max(self._done or "", day.isoformat())
                yield Page((), self._cursor(), self.note)
        if self.refused:
            raise PeerError(f"{len(self.refused)} studies were not answered, the first: {self.refused[0]}")

    def _cursor(self) -> Cursor:
        return {"seen": dict(self._seen)} | ({"through": self._done} if self._done else {})

    def _study(self, found: Any, day: date) -> tuple[bytes, ...]:
        study = uid(found, STUDY_UID)
        state = state_of(found, STUDY_SERIES, STUDY_INSTANCES) if study else None
        return self._unless_seen(state, day, self.ask(study or "", found))

    def _unless_seen(self, state: str | None, day: date, asked: Iterable[bytes]) -> tuple[bytes, ...]:
        """Return what is answered; where this state came before nothing is asked for."""
        from etl.fetchers.http import RefusalError  # loads httpx: only where something is fetched

        if state is not None and state in self._seen:
            return ()
        try:
            payloads = tuple(asked)
        except RefusalError as refusal:
            if refusal.status not in GONE:
                self.refused.append(str(refusal))
            return ()
        if state is not None:
            self._seen[state] = day.isoformat()
        return payloads
