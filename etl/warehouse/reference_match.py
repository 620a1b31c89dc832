"""Matching procedures and targets of reference tables to exams."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from fnmatch import fnmatchcase

import numpy as np
import numpy.typing as npt
import pandas as pd

from etl.warehouse.intervals import Floats
from etl.warehouse.keys import Ints
from etl.warehouse.local_time import NO_DAY
from etl.warehouse.parameters import ProcedureRule, TargetRule
from etl.warehouse.reference import ANY

Texts = npt.NDArray[np.object_]
EPOCH = date(1970, 1, 1)


def words(text: object) -> str:
    """Return a procedure name as upper-case words with a space on both sides of each."""
    return " " + " ".join(re.sub(r"[^A-Z0-9+]+", " ", str(text).upper()).split()) + " "


def procedure_groups(exams: pd.DataFrame, rules: Iterable[ProcedureRule]) -> tuple[Texts, Texts]:
    """Return group and section by modality, procedure_code and procedure_text; the first rule that fits wins.

    A pattern is compared with the code as sent and with the words of the name.
    """
    table = tuple(rules)
    frame = exams[["modality", "procedure_code", "procedure_text"]].astype(object)
    frame = frame.where(frame.notna(), None)
    found = {row: _rule(table, *row) for row in set(frame.itertuples(index=False, name=None))}
    matched = [found[row] for row in frame.itertuples(index=False, name=None)]
    group = np.array([m.procedure_group if m else None for m in matched], dtype=object)
    section = np.array([(m.section or None) if m else None for m in matched], dtype=object)
    return group, section


def _rule(table: tuple[ProcedureRule, ...], modality: object, code: object, text: object) -> ProcedureRule | None:
    known_code, known_words = str(code or "").strip().upper(), words(text or "")
    for rule in table:
        if rule.modality in (ANY, modality) and (
            fnmatchcase(known_words, rule.pattern) or fnmatchcase(known_code, rule.pattern)
        ):
            return rule
    return None


def phase_targets(exams: pd.DataFrame, day: Ints, targets: Iterable[TargetRule], phases: frozenset[str]) -> Floats:
    """Return the target in minutes of a phase valid on each row's day for its class, NaN without one.

    `phases` are the words a table may use for it.
    The site's own rule naming most of site, modality, priority and patient class wins, then a pack's, the earlier
    row among equals.
    """
    target = np.full(len(exams), np.nan)
    for rule in reversed(ranked(targets, phases)):
        target[_applies(rule, exams, day)] = rule.target_min
    return target


def ranked(targets: Iterable[TargetRule], phases: frozenset[str]) -> list[TargetRule]:
    """Return a phase's rules, the one that wins first: the site's own before those of packs."""
    return sorted((t for t in targets if t.phase in phases), key=lambda rule: (bool(rule.pack), -rule.named))


def _applies(rule: TargetRule, exams: pd.DataFrame, end_day: Ints) -> npt.NDArray[np.bool_]:
    applies = np.asarray(end_day != NO_DAY, dtype=bool)
    if rule.valid_from is not None:
        applies &= end_day >= (rule.valid_from - EPOCH).days
    if rule.valid_to is not None:
        applies &= end_day < (rule.valid_to - EPOCH).days
    wanted = {
        "site_code": rule.site,
        "modality": rule.modality,
        "priority": rule.priority,
        "patient_class": rule.patient_class,
    }
    for column, value in wanted.items():
        if value != ANY:
            applies &= np.asarray(exams[column].to_numpy(dtype=object) == value, dtype=bool)
    return applies
