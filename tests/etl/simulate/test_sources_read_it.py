"""Every file the simulator writes is read by the source of its feed, nothing refused."""

from __future__ import annotations

from typing import Any

from etl.errors import FilterReason
from etl.records import Filtered, Read
from etl.settings import load_settings
from etl.sources import SOURCES


def test_nothing_is_refused(made: Any) -> None:
    settings = load_settings(made.folder / "radpulse.toml")
    for feed in settings.feeds:
        source, read = SOURCES[feed.kind], 0
        for path in source.files(feed, settings):
            for item in source.read(path, feed, settings):
                if isinstance(item, Filtered):
                    assert item.reason in (FilterReason.BATCH_ENVELOPE, FilterReason.NOT_IMAGING)
                else:
                    assert isinstance(item, Read), item
                    read += 1
        few = feed.kind == "extract_csv" or feed.key.endswith("_sole")  # six days hold few rows of some lists, or none
        assert few or read > 20, feed.key
