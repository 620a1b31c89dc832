"""Since when an archive has a series, as its answers tell: Instance Availability (0008,0056) when we asked.

An answer says that a series is ONLINE, never since when. What was seen for the first time long after it was acquired
says nothing of delays, so a feed states how soon an answer must come to count (`online_within_min`); it should ask at
least that often. The time is the answer's: it was so at the latest then.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from etl.errors import FeedStoppedError
from etl.records import SeriesRecord
from etl.settings import Feed

OPTION = "online_within_min"
INSTANCE_AVAILABILITY = 0x00080056
ONLINE = "ONLINE"  # PS3.3 C.4.23.1.1


@dataclass(frozen=True, slots=True)
class Answer:
    """When an answer came, and how long after its last image at most it tells when a series was stored."""

    received_at: datetime
    within: timedelta

    def stored(self, record: SeriesRecord, availability: str) -> SeriesRecord:
        """Return the record with the time it was stored, where the answer tells it."""
        late = self.received_at - (record.end_at or record.begin_at)
        if availability.strip().upper() != ONLINE or not timedelta(0) <= late <= self.within:
            return record
        return replace(record, stored_at=self.received_at)


def answer_of(feed: Feed, received_at: datetime) -> Answer | None:
    """Return what a feed's answers tell of storage, None where it does not ask; raises FeedStoppedError."""
    minutes = feed.options.get(OPTION)
    if minutes is None:
        return None
    if isinstance(minutes, bool) or not isinstance(minutes, int | float) or not 0 < minutes <= 1440:
        raise FeedStoppedError(f"feed {feed.key}: options.{OPTION} is a number of minutes of at most a day")
    return Answer(received_at, timedelta(minutes=minutes))
