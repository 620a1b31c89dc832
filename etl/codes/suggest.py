"""Which standard group a local procedure name is like: character n-grams compared with names whose group is known."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from etl.settings import REFERENCE
from etl.warehouse.parameters import ProcedureRule
from etl.warehouse.reference import ANY

NGRAMS = (2, 5)
LEAST = 0.05  # below this a name is like nothing


@dataclass(frozen=True, slots=True)
class Example:
    """A name whose group is known, within a modality (``*``: any)."""

    modality: str
    text: str
    group: str


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A group and how like its names are, 0 to 1."""

    group: str
    score: float


def examples_of(rules: Iterable[ProcedureRule], known: Iterable[tuple[str, str, str]] = ()) -> list[Example]:
    """Return what can be learnt from: patterns and names of the groups, and procedures grouped already."""
    found = []
    for rule in rules:
        if rule.pattern != ANY:
            words = re.sub(r"[*?\[\]]+", " ", rule.pattern)
            found += [Example(rule.modality, words, rule.procedure_group)]
            found += [Example(rule.modality, rule.procedure_group, rule.procedure_group)]
    found += [Example(modality, text, group) for modality, text, group in known]
    return list(dict.fromkeys(found))


@lru_cache(maxsize=1)
def abbreviations() -> dict[str, str]:
    """Return the shipped short forms of procedure names and the words they stand for."""
    with (REFERENCE / "procedure_abbreviations.csv").open(encoding="utf-8", newline="") as file:
        return {row["short"]: row["words"] for row in csv.DictReader(file)}


def plain_words(text: str) -> str:
    """Return a procedure name as it is compared: upper-case words, short forms written out."""
    spaced = re.sub(r"[^A-Z0-9]+", " ", text.upper().replace("W/O", "WO").replace("W/WO", "WWO")).split()
    return " ".join(abbreviations().get(word, word) for word in spaced)


def suggest(names: Sequence[tuple[str, str]], examples: Sequence[Example], *, most: int = 3) -> list[list[Suggestion]]:
    """Return for each (modality, name) the groups most like it, best first; no group of another modality.

    TF-IDF of character 2- to 5-grams within words, cosine similarity, the best example of a group speaking for it.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer  # takes a second to import: only where it is used

    if not names or not examples:
        return [[] for _ in names]
    maker = TfidfVectorizer(analyzer="char_wb", ngram_range=NGRAMS, sublinear_tf=True, lowercase=False)
    learnt = maker.fit_transform([plain_words(e.text) for e in examples])
    likeness = (maker.transform([plain_words(text) for _, text in names]) @ learnt.T).tocsr()
    return [
        _best(modality, likeness[row].indices, likeness[row].data, examples, most)
        for row, (modality, _) in enumerate(names)
    ]


def _best(
    modality: str, places: Iterable[int], scores: Iterable[float], examples: Sequence[Example], most: int
) -> list[Suggestion]:
    by_group: dict[str, float] = {}
    for place, score in zip(places, scores, strict=True):
        example = examples[place]
        if score >= LEAST and (modality in (ANY, "") or example.modality in (ANY, modality)):
            by_group[example.group] = max(by_group.get(example.group, 0.0), float(score))
    ranked = sorted(by_group.items(), key=lambda pair: (-pair[1], pair[0]))
    return [Suggestion(group, round(score, 3)) for group, score in ranked[:most]]
