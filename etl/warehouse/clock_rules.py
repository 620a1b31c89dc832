"""Rules that begin the clock of a wait anew: data of the rule packs a site switched on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from etl.errors import ConfigurationError

AFTER = ("no_show", "cancelled", "rescheduled")
RESTARTS = ("appointment", "notice")
ANYBODY = "*"


@dataclass(frozen=True, slots=True)
class ClockRule:
    """When an appointment was given up, the wait is counted anew."""

    after: str  # what became of it, one of AFTER
    by: str  # who called it off or moved it, as fact_slot.called_off_by names them; '*' is anybody
    restart: str  # from when on: the `appointment` given up, or the `notice` of it
    pack: str


def clock_rule(path: Path, entry: dict[str, Any]) -> ClockRule:
    """Return a rule of a pack's file; raises ConfigurationError for a word that is not known."""
    rule = ClockRule(
        str(entry.get("after")), str(entry.get("by", ANYBODY)), str(entry.get("restart", RESTARTS[0])), path.stem
    )
    if rule.after not in AFTER or rule.restart not in RESTARTS:
        raise ConfigurationError(
            f"{path}: clocks: after {rule.after!r} is one of {', '.join(AFTER)}, restart {rule.restart!r} of "
            f"{', '.join(RESTARTS)}"
        )
    return rule
