"""The long documents under app/help, shown in the app and linked from the README."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

FOLDER = Path(__file__).with_name("help")
GUIDES = {
    "reading": "How to read a tile and a chart",
    "freshness": "What current and late mean",
    "forecasts": "How far to trust a forecast",
    "targets": "Targets, report times and rule packs",
    "exports": "Taking numbers along",
    "access": "Access, slots and queues",
    "alerts": "Alerts: rules, targets, quiet hours",
    "submissions": "Submissions to registries",
    "priors": "Priors, repeats and the archive",
    "utilization": "Which utilization is meant",
    "quality": "Quality lists and AI oversight",
    "beliefs": "What was known on an earlier day",
    "dose": "Dose: what is counted, references and levels",
    "critical_and_followup": "Critical findings and follow-ups",
}


@lru_cache(maxsize=1)
def feed_guides() -> dict[str, str]:
    """Return the guides to connecting feeds: name, as `guide` takes it, and the title its first line holds."""
    found = {f"feeds/{path.stem}": path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("feeds/*.md"))}
    return {name: text.splitlines()[0].removeprefix("# ") for name, text in found.items()}


@lru_cache(maxsize=64)
def guide(name: str) -> str:
    """Return a guide's Markdown without its title line."""
    text = (FOLDER / f"{name}.md").read_text(encoding="utf-8")
    return text.partition("\n")[2].lstrip() if text.startswith("# ") else text
