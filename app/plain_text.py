"""What a page says as plain text, to paste into a message: filters, data time, its numbers and the link."""

from __future__ import annotations

from collections.abc import Sequence

from app import data, words
from app.compare import Compared
from app.filters import DIMENSIONS, View, value_words

Told = tuple[str, str, str, Compared]  # label, value, what it counts, and the rest of a tile


def page_text(who: data.Asker, view: View, told: Sequence[Told], address: str) -> str:
    """Return the text; nothing in it but what the screen shows."""
    zone = data.main_zone(who, view.where)
    until = words.moment(data.data_at(who).astimezone(zone))
    chosen = [f"{DIMENSIONS[name]}: {', '.join(value_words(name, v) for v in values)}" for name, values in view.where]
    lines = [
        f"Radpulse, {view.period_words}, {'; '.join(chosen) or 'everything'}. Data until {until} ({zone}).",
        *(f"- {label}: {value} ({counted}). {_state(facts)}" for label, value, counted, facts in told),
        address,
    ]
    return "\n".join(lines)


def _state(facts: Compared) -> str:
    return f"{facts.state.word.capitalize()}: {facts.against}."
