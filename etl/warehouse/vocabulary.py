"""The event vocabulary's codes: the few that are verified, and those a site's person took from RadLex and reviewed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from etl.errors import ConfigurationError
from etl.records import EventType
from etl.settings import REFERENCE, Settings
from etl.warehouse.reference import rows

OWN_SCHEME = "urn:radpulse:event"  # the vocabulary's own keys, where no code is verified
SITE_COLUMNS = ("key", "code", "scheme", "name", "reviewed_by")


class Term(NamedTuple):
    """One event: its key, its code in a scheme (the key itself where none is verified), names to search RadLex for."""

    key: EventType
    code: str
    scheme: str
    names: tuple[str, ...]


def vocabulary(settings: Settings, reference: Path = REFERENCE) -> dict[EventType, Term]:
    """Return a term for every event; raises ConfigurationError for an unknown key or a code given to two events."""
    path = settings.at(settings.vocabulary_file)
    own = {row["key"]: row for row in site_rows(path) if row["reviewed_by"] and row["code"]}
    found = {key: Term(key, str(key), OWN_SCHEME, ()) for key in EventType}
    for row in rows(reference / "event_vocabulary.csv", ("key", "code", "scheme", "names")):
        chosen = row if row["code"] else own.pop(row["key"], row)
        names = tuple(name.strip() for name in row["names"].split("|") if name.strip())
        key = EventType(row["key"])
        found[key] = Term(key, chosen["code"] or key, (chosen["scheme"] if chosen["code"] else OWN_SCHEME), names)
    unknown = [key for key in own if key not in found]
    codes = [(term.code, term.scheme) for term in found.values()]
    twice = {code for code, scheme in codes if codes.count((code, scheme)) > 1}
    if unknown or twice:
        raise ConfigurationError(f"{path}: unknown keys {unknown}, codes given to two events {sorted(twice)}")
    return found


def site_rows(path: Path) -> list[dict[str, str]]:
    """Return the rows of a site's own vocabulary file, none where it does not exist."""
    return rows(path, SITE_COLUMNS) if path.exists() else []


def sole_codes(settings: Settings, reference: Path = REFERENCE) -> Iterator[tuple[str, str]]:
    """Yield (pattern of the local code, event type) of `sole` feeds beside the shipped status map."""
    for term in vocabulary(settings, reference).values():
        yield f"sole:{term.key}^{OWN_SCHEME}", str(term.key)
        if term.scheme != OWN_SCHEME:
            yield f"sole:{term.code}^*", str(term.key)
