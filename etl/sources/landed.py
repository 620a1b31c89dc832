"""Items of landed segments: each frame is read by its feed's source as if it were a file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol, runtime_checkable

from etl.errors import Reason
from etl.landing import Frame, TornSegmentError, frames
from etl.records import Refused, SourceItem
from etl.settings import Feed, Settings
from etl.sources.base import Source, relative_ref


@runtime_checkable
class ReadsBytes(Protocol):
    """A source whose format needs no file: it reads a payload in memory."""

    def read_bytes(self, data: bytes, ref: str, feed: Feed, settings: Settings) -> Iterator[SourceItem]:
        """Yield the items of a payload; every `source_ref` begins with `ref`."""
        ...


@runtime_checkable
class ReadsAnswers(Protocol):
    """A source that reads answers to questions: what an answer says was so when it came."""

    def read_answer(
        self, data: bytes, ref: str, feed: Feed, settings: Settings, received_at: datetime
    ) -> Iterator[SourceItem]:
        """Yield the items of an answer; every `source_ref` begins with `ref`."""
        ...


def read_segment(source: Source, path: Path, feed: Feed, settings: Settings) -> Iterator[SourceItem]:
    """Yield the items of a segment's frames, ``segment.seg#frame#position``; raises FeedStoppedError as the source.

    What lies behind damage is one refused item, kept whole.
    """
    ref = relative_ref(path, feed, settings)
    number = 0
    try:
        for frame in frames(path):
            number = frame.number
            yield from _payload(source, frame, f"{ref}#{number}", feed, settings)
    except TornSegmentError as torn:
        yield Refused(f"{ref}#{torn.after + 1}", Reason.TRUNCATED, str(torn))
    except OSError as error:
        yield Refused(f"{ref}#{number + 1}", Reason.READ_ERROR, str(error.strerror))


def _payload(source: Source, frame: Frame, ref: str, feed: Feed, settings: Settings) -> Iterator[SourceItem]:
    data = frame.payload
    if isinstance(source, ReadsAnswers):
        yield from source.read_answer(data, ref, feed, settings, frame.received_at)
        return
    if isinstance(source, ReadsBytes):
        yield from source.read_bytes(data, ref, feed, settings)
        return
    with TemporaryDirectory() as folder:
        path = Path(folder) / "payload"
        path.write_bytes(data)
        here = feed.model_copy(update={"path": Path(folder)})
        for item in source.read(path, here, settings):
            yield replace(item, source_ref=ref + item.source_ref.removeprefix(path.name))
