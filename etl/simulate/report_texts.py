"""Made-up report texts with labels: the sentences of data/reference/report_sentences.toml, their slots filled."""

from __future__ import annotations

import random
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from etl.settings import REFERENCE

TRAPS = ("negated", "historical", "conditional", "clinical")
DISCLAIMER = "SIMULATED REPORT. NO PERSON IS DESCRIBED."


@dataclass(frozen=True, slots=True)
class Labelled:
    """A sentence and its truth: whether it recommends an exam, and what of it is said."""

    text: str
    kind: str  # recommended, none, negated, historical, conditional, clinical
    modality: str | None = None
    interval: str | None = None
    region: str | None = None

    @property
    def is_recommended(self) -> bool:
        """Whether it recommends an exam."""
        return self.kind == "recommended"


@lru_cache(maxsize=1)
def sentences() -> dict[str, Any]:
    """Return the table of sentences by set: dev and held_out."""
    return tomllib.loads((REFERENCE / "report_sentences.toml").read_text(encoding="utf-8"))


def filled(template: str, kind: str, words: dict[str, dict[str, list[str]]], draws: random.Random) -> Labelled:
    """Return a template with its slots filled by words drawn, and the labels they carry."""
    chosen = {}
    for slot, name in (("m", "modality"), ("i", "interval"), ("r", "region")):
        if f"{{{slot}}}" in template:
            code = draws.choice(sorted(words[name]))
            chosen[name], template = code, template.replace(f"{{{slot}}}", draws.choice(words[name][code]))
    text = template[0].upper() + template[1:]
    return Labelled(text, kind, **chosen) if kind == "recommended" else Labelled(text, kind)


def labelled_set(name: str, each: int, seed: int) -> Iterator[Labelled]:
    """Yield every template of a set (dev, held_out) `each` times with words drawn anew."""
    table = sentences()[name]
    draws = random.Random(seed)  # noqa: S311 - reproducible invention, no secret
    for kind in ("recommended", "none", *TRAPS):
        for template in table[kind]:
            for _ in range(each):
                yield filled(template, kind, table["words"], draws)
