"""How alike a column's header is to what the fields of a mapping are called, in several languages."""

from __future__ import annotations

import csv
import difflib
import re
import unicodedata
from collections import defaultdict
from functools import lru_cache
from typing import NamedTuple

from etl.records import EntryKind
from etl.settings import REFERENCE
from etl.sources.mapping import EXAM, OPENING, PARTS, TARGETS, presets

LIKE = 0.95  # likeness of words that are not the same is counted a little lower
KNOWN_AT = "known_at"
ENTRIES = frozenset(map(str, EntryKind))


class Role(NamedTuple):
    """A place in a mapping that a column may take: part and field, ``known_at`` being a part of its own."""

    part: str
    name: str

    def __str__(self) -> str:
        return self.name if self.part == KNOWN_AT else f"{self.part}.{self.name}"


def plain(header: str) -> str:
    """Return a header as it is compared: lower-case words without accents, camel case and punctuation undone."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", header)
    bare = "".join(c for c in unicodedata.normalize("NFKD", spaced.replace("ß", "ss")) if not unicodedata.combining(c))
    return " ".join(re.sub(r"[^a-z0-9#]+", " ", bare.casefold()).replace("#", " # ").split())


@lru_cache(maxsize=1)
def _table() -> tuple[dict[str, str], ...]:
    with (REFERENCE / "header_words.csv").open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))


@lru_cache(maxsize=16)
def names_of(target: str) -> dict[Role, frozenset[str]]:
    """Return what the roles of a target are called: shipped words, the presets' headers, and their own names."""
    found: dict[Role, set[str]] = defaultdict(set)
    for row in _table():
        if row["part"] != "target" and row["target"] in _scopes(target) and _has(target, row["part"], row["role"]):
            found[Role(row["part"], row["role"])] |= {plain(word) for word in row["words"].split("|")}
    for mapping in presets().values():
        if mapping.target == target:
            for part in PARTS:
                for role, header in getattr(mapping, part).items():
                    found[Role(part, role)] |= {plain(header), plain(role)}
            if mapping.known_at:
                found[Role(KNOWN_AT, KNOWN_AT)].add(plain(mapping.known_at))
    return {role: frozenset(words) for role, words in found.items()}


def _scopes(target: str) -> set[str]:
    return {"*", target, *(["entry"] if target in ENTRIES else [])}


def _has(target: str, part: str, role: str) -> bool:
    if part in ("attributes", "milestones"):
        return target == EXAM
    if part == "identifiers":
        return target != OPENING
    return part == KNOWN_AT or role in TARGETS[target]


def signature(target: str) -> frozenset[str]:
    """Return the words that give a list of this kind away wherever they stand in a header."""
    words = [row["words"] for row in _table() if row["part"] == "target" and row["role"] == target]
    return frozenset(plain(word) for text in words for word in text.split("|"))


@lru_cache(maxsize=20_000)
def likeness(header: str, name: str) -> float:
    """Return how alike two plain headers are, 0 to 1; only the same words, in any order, are 1."""
    if header == name or sorted(header.split()) == sorted(name.split()):
        return 1.0
    if abs(len(header) - len(name)) > max(len(header), len(name)) / 2:
        return 0.0
    one, other = (" ".join(sorted(text.split())) for text in (header, name))
    ratios = (difflib.SequenceMatcher(None, a, b).ratio() for a, b in ((header, name), (one, other)))
    return LIKE * max(ratios)
