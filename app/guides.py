"""The long documents under app/help, shown in the app and linked from the README."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

FOLDER = Path(__file__).with_name("help")
GUIDES = {
    "reading": "How to read a tile and a chart",
    "freshness": "What current and late mean",
    "forecasts": "How far to trust a forecast",
    "exports": "Taking numbers along",
}


@lru_cache(maxsize=len(GUIDES))
def guide(name: str) -> str:
    """Return a guide's Markdown."""
    return (FOLDER / f"{name}.md").read_text(encoding="utf-8")
