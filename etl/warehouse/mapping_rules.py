"""What a feed's column mapping says of its milestones, as the last rows of the status map."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from etl.settings import REFERENCE, Feed, Settings

PRESETS = ("ris_presets.toml", "extract_presets.toml")
CALLED_OFF = frozenset({"order_cancelled", "order_discontinued", "appt_cancelled", "exam_discontinued"})
MAPPED_KINDS = frozenset({"ris_csv", "extract_csv"})


def milestones(feed: Feed, settings: Settings, reference: Path = REFERENCE) -> Iterator[tuple[str, str]]:
    """Yield (pattern of the local code, event type) of every milestone column of a feed's mapping.

    Where another column's word qualifies it, only a cancellation's column is told here: whatever the word, something
    was called off; other words need rows of their own. Nothing where the mapping cannot be read: the feed itself
    stops then, and says why.
    """
    if feed.kind not in MAPPED_KINDS and "mapping" not in feed.options:
        return
    table = _table(str(feed.options.get("mapping", "generic")), settings, reference)
    qualified = table.get("qualified_by", {})
    for event_type, header in table.get("milestones", {}).items():
        if header not in qualified:
            yield f"csv:{escaped(header)}", event_type
        elif event_type in CALLED_OFF:
            yield f"csv:{escaped(header)}/*", event_type


def escaped(text: str) -> str:
    """Return a text as an `fnmatch` pattern that fits this text alone."""
    return "".join(f"[{c}]" if c in "*?[" else c for c in text)


def _table(chosen: str, settings: Settings, reference: Path) -> dict[str, Any]:
    for name in PRESETS:
        tables = _read(reference / name)
        if chosen in tables:
            return dict(tables[chosen])
    own = _read(settings.at(Path(chosen)))
    table: Any = next(iter(own.values()), {})
    return table if isinstance(table, dict) else {}


def _read(path: Path) -> dict[str, Any]:
    try:
        return _parsed(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError):
        return {}


@lru_cache(maxsize=64)
def _parsed(text: str) -> dict[str, Any]:
    """Return a TOML text's tables, not to be changed; every feed asks for the same few, and parsing takes long."""
    return tomllib.loads(text)
