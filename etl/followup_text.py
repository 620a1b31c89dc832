"""Recommended follow-up exams in a report's text, by rules anybody can read (data/reference/followup_rules.toml).

Nothing is learnt and nothing is kept: a text goes in, rule ids and coded matches come out. What a sentence means is
judged within that sentence alone, which is the rules' known limit.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from etl.settings import REFERENCE

SENTENCE = re.compile(r"(?<=[.!?;])\s+(?=[A-Z0-9(])|[\r\n]+|(?<=\.)(?=[A-Z][a-z])")
TEXT_FLAG = "FOLLOWUPTEXT"  # suffix of the local code of what was read from a text
MAX_CHARACTERS = 200_000  # more is no report
LATEST = re.compile(r"\b(?:for|since|over|past|last|every|than|of)\s+(?:the\s+)?(?:last\s+|past\s+)?$")
MONTHS_A_YEAR = 12
CODED = re.compile(r"(?P<modality>[A-Z]{2})?-?(?P<interval>\d{1,3}[DWMY])?")


@dataclass(frozen=True, slots=True)
class Match:
    """A recommendation: which rule found it, what is recommended (None: not said), and the words that matched."""

    rule_id: str
    modality: str | None
    interval: str | None  # "6M": a number and one of D, W, M, Y
    region: str | None
    words: tuple[str, ...] = ()

    @property
    def code(self) -> str:
        """The match as one code, ``CT.6M.chest``; a part not said is empty."""
        return f"{self.modality or ''}.{self.interval or ''}.{self.region or ''}"

    @property
    def said(self) -> int:
        """How many of modality, interval and region are said."""
        return sum(part is not None for part in (self.modality, self.interval, self.region))


@dataclass(frozen=True)
class FollowupRules:
    """The table of rules with its patterns ready."""

    table: dict[str, Any]

    @cached_property
    def modality(self) -> re.Pattern[str]:
        """A word of a modality."""
        return _words(self._modality_words)

    @cached_property
    def _modality_words(self) -> dict[str, str]:
        return {word: code for code, words in self.table["modalities"].items() for word in words}

    @cached_property
    def _region_words(self) -> dict[str, str]:
        return {word: code for code, words in self.table["regions"].items() for word in words}

    @cached_property
    def region(self) -> re.Pattern[str]:
        """A word of a body region."""
        return _words(self._region_words)

    @cached_property
    def _units(self) -> dict[str, str]:
        return {word: code for code, words in self.table["units"].items() for word in words}

    @cached_property
    def interval(self) -> re.Pattern[str]:
        """A number, perhaps a second one, and a unit."""
        number = "|".join([r"\d{1,2}", *sorted(self.table["numbers"], key=len, reverse=True)])
        unit = "|".join(sorted(self._units, key=len, reverse=True))
        return re.compile(rf"\b({number})(?:\s*(?:-|\u2013|to|or|bis)\s*({number}))?[\s-]*({unit})\b")

    @cached_property
    def imaging(self) -> re.Pattern[str]:
        """A word of an exam that names no modality."""
        return re.compile(rf"\b(?:{'|'.join(self.table['imaging']['words'])})")

    @cached_property
    def rules(self) -> list[tuple[str, re.Pattern[str], str]]:
        """Id, pattern and what must stand in the same sentence."""
        return [(r["id"], re.compile(r["pattern"]), r["needs"]) for r in self.table["rules"]]

    @cached_property
    def trigger(self) -> re.Pattern[str]:
        """Any rule's pattern: a text without one is done with at once."""
        return re.compile("|".join(f"(?:{r['pattern']})" for r in self.table["rules"]))

    @cached_property
    def exclusions(self) -> list[tuple[str, re.Pattern[str]]]:
        """Id and pattern of what makes a sentence none."""
        return [(e["id"], re.compile(e["pattern"])) for e in self.table["exclusions"]]

    def matches(self, text: str) -> list[Match]:
        """Return the recommendations of a report, the fullest of each modality, in the order of the text."""
        lowered = text[:MAX_CHARACTERS]
        if not self.trigger.search(lowered.lower()):
            return []
        found: dict[str | None, Match] = {}
        for sentence in SENTENCE.split(lowered):
            for match in self.judged(" ".join(sentence.lower().split())):
                held = found.get(match.modality)
                if held is None or match.said > held.said:
                    found[match.modality] = match
        if len(found) > 1 and None in found and found[None].said <= max(m.said for m in found.values()):
            del found[None]  # the same thing said again without the modality
        return list(found.values())

    def judged(self, sentence: str) -> Iterator[Match]:
        """Yield the recommendation of one lower-case sentence, where it is one."""
        found = next((f for f in self._triggered(sentence) if f is not None), None)
        if found is None or any(pattern.search(sentence) for _, pattern in self.exclusions):
            return
        yield self._coded(sentence, *found)

    def _triggered(self, sentence: str) -> Iterator[tuple[str, re.Match[str]] | None]:
        for rule_id, pattern, needs in self.rules:
            at = pattern.search(sentence)
            if at is not None and self._holds(sentence, needs):
                yield rule_id, at

    def _holds(self, sentence: str, needs: str) -> bool:
        has_modality = self.modality.search(sentence) is not None
        if needs == "modality":
            return has_modality
        if needs == "imaging":
            return has_modality or self.imaging.search(sentence) is not None
        return has_modality or self._due(sentence) is not None

    def _coded(self, sentence: str, rule_id: str, at: re.Match[str]) -> Match:
        modality = _nearest(self.modality, sentence, at)
        due = self._due(sentence)
        region = self.region.search(self.modality.sub(lambda m: " " * len(m.group()), sentence))  # no "bone scan"
        words = [m.group() for m in (at, modality, due, region) if m is not None]
        return Match(
            rule_id,
            self._modality_words[modality.group()] if modality else None,
            self._interval_code(due) if due else None,
            self._region_words[region.group()] if region else None,
            tuple(words),
        )

    def _due(self, sentence: str) -> re.Match[str] | None:
        """Return the interval, passing over what tells how long something has lasted."""
        for found in self.interval.finditer(sentence):
            before, after = sentence[: found.start()], sentence[found.end() :]
            if not LATEST.search(before) and not re.match(r"\s+(?:ago|old|history|prior|earlier|later than)\b", after):
                return found
        return None

    def _interval_code(self, found: re.Match[str]) -> str:
        """Return the later end of an interval as a code; years as months."""
        text = found.group(2) or found.group(1)
        number = int(text) if text.isdecimal() else int(self.table["numbers"][text])
        unit = self._units[found.group(3)]
        return f"{number * MONTHS_A_YEAR}M" if unit == "Y" else f"{number}{unit}"


def _words(words: dict[str, str]) -> re.Pattern[str]:
    ordered = sorted(words, key=len, reverse=True)
    return re.compile(rf"(?<![\w-])(?:{'|'.join(map(re.escape, ordered))})(?![\w])")


def _nearest(pattern: re.Pattern[str], sentence: str, at: re.Match[str]) -> re.Match[str] | None:
    """Return the first match behind the trigger, else the last before it."""
    found = list(pattern.finditer(sentence))
    behind = [m for m in found if m.start() >= at.start()]
    return behind[0] if behind else found[-1] if found else None


@lru_cache(maxsize=4)
def followup_rules(reference: Path = REFERENCE) -> FollowupRules:
    """Return the shipped rules."""
    return FollowupRules(tomllib.loads((reference / "followup_rules.toml").read_text(encoding="utf-8")))


def parsed_code(code: str | None) -> tuple[str | None, str | None, str | None]:
    """Return modality, interval and region of a code a feed or rule gives: ``CT6M``, ``MR``, ``CT.6M.chest``."""
    text = (code or "").replace(" ", "")
    if text.count(".") == 2:
        modality, interval, region = (part or None for part in text.split("."))
        return modality, interval, region
    found = CODED.fullmatch(text)
    return (found["modality"], found["interval"], None) if found else (None, None, None)
