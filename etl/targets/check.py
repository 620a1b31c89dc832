"""Checks a table of targets: words nobody knows, rules that overlap, days without a rule."""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from etl.settings import Settings
from etl.warehouse.parameters import load_parameters
from etl.warehouse.reference import ANY
from etl.warehouse.target_phases import PHASES, phase_of
from etl.warehouse.target_rules import TargetRule


@dataclass(frozen=True, slots=True)
class Problem:
    """Something about a table of targets; `must` says that it cannot be saved like this."""

    must: bool
    text: str


def known_words(settings: Settings) -> dict[str, Collection[str]]:
    """Return the words each column of a rule may hold beside '*'."""
    parameters = load_parameters(settings)
    return {
        "site": [site.code for site in settings.sites],
        "modality": sorted(set(parameters.modalities.values())),
        "priority": sorted(set(parameters.priorities.values())),
        "patient_class": sorted(set(parameters.patient_classes.values())),
    }


def check(rules: Sequence[TargetRule], known: dict[str, Collection[str]]) -> list[Problem]:
    """Return everything wrong or doubtful, in the order of the rules."""
    found = [problem for number, rule in enumerate(rules, 1) for problem in _about(number, rule, known)]
    strata: dict[tuple[str, ...], list[tuple[int, TargetRule]]] = defaultdict(list)
    for number, rule in enumerate(rules, 1):
        phase = phase_of(rule.phase)
        strata[(phase.key if phase else rule.phase, *rule.scope)].append((number, rule))
    for same in strata.values():
        found += _in_time(sorted(same, key=lambda pair: pair[1].valid_from or date.min))
    return found


def _about(number: int, rule: TargetRule, known: dict[str, Collection[str]]) -> Iterator[Problem]:
    if phase_of(rule.phase) is None:
        yield Problem(True, f"row {number}: phase {rule.phase!r} is not known; {_near(rule.phase, PHASES)}")
    for column, words in known.items():
        value = getattr(rule, column)
        if value != ANY and value not in words:
            yield Problem(True, f"row {number}: {column} {value!r} is not known; {_near(value, words)}")
    if rule.valid_from and rule.valid_to and rule.valid_to <= rule.valid_from:
        yield Problem(True, f"row {number}: valid_to {rule.valid_to} is not after valid_from {rule.valid_from}")


def _near(given: str, words: Iterable[str]) -> str:
    allowed = list(words)
    near = difflib.get_close_matches(given, allowed, n=3) or allowed[:8]
    return f"near: {', '.join(near)}" if near else "none is configured"


def _in_time(same: Sequence[tuple[int, TargetRule]]) -> Iterator[Problem]:
    """Yield overlaps and gaps of rules about the same phase and scope, sorted by their begin."""
    for (number, rule), (later, following) in pairwise(same):
        until, begin = rule.valid_to or date.max, following.valid_from or date.min
        if begin < until:
            yield Problem(True, f"rows {number} and {later} both hold from {begin}: end the first or drop one")
        elif begin > until:
            yield Problem(False, f"rows {number} and {later}: no rule of this stratum from {until} to {begin}")
    number, last = same[-1]
    if last.valid_to is not None:
        yield Problem(False, f"row {number} ends on {last.valid_to} and nothing of the same stratum follows")
