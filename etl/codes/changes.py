"""Checks a wished change of codes against what there is, before it is previewed or saved."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable

from etl.errors import RefusedError
from etl.records import EventType
from etl.settings import Settings
from etl.site_codes import ANY, NO_EVENT, Change, CodeKind, codes_path, history, next_change
from etl.warehouse.order_ratings import RATINGS
from etl.warehouse.parameters import load_parameters


def wished(settings: Settings, kind: CodeKind, scope: str, code: str, new: str, *, by: str, reason: str) -> Change:
    """Return the checked change; raises RefusedError naming what a scope or value may be."""
    chosen = _one_of("scope", scope or ANY, _scopes(settings, kind))
    value = new if kind == CodeKind.PROTOCOL else _one_of("value", new, _values(settings, kind, chosen))
    return next_change(history(codes_path(settings)), kind, chosen, code, value, by=by, reason=reason)


def _scopes(settings: Settings, kind: CodeKind) -> Collection[str]:
    if kind == CodeKind.STATUS:
        return [feed.key for feed in settings.feeds]
    if kind == CodeKind.STATION:
        return [site.code for site in settings.sites]
    if kind in (CodeKind.PROCEDURE, CodeKind.PROTOCOL):
        parameters = load_parameters(settings)
        return sorted({ANY, *parameters.modalities.values()})
    return [ANY]


def _values(settings: Settings, kind: CodeKind, scope: str) -> Collection[str]:
    parameters = load_parameters(settings)
    values: dict[CodeKind, Iterable[str]] = {
        CodeKind.PROCEDURE: (r.procedure_group for r in parameters.procedure_rules),
        CodeKind.STATUS: (*map(str, EventType), NO_EVENT),
        CodeKind.STATION: (s.code for s in settings.scanners if s.site == scope),
        CodeKind.PRIORITY: parameters.priorities.values(),
        CodeKind.PATIENT_CLASS: parameters.patient_classes.values(),
        CodeKind.MODALITY: parameters.modalities.values(),
        CodeKind.RATING: RATINGS,
    }
    return sorted(set(values[kind]))


def _one_of(what: str, given: str, allowed: Collection[str]) -> str:
    by_fold = {text.casefold(): text for text in allowed}
    if given.casefold() in by_fold:
        return by_fold[given.casefold()]
    near = difflib.get_close_matches(given.casefold(), by_fold, n=3) or list(by_fold)[:8]
    raise RefusedError(f"{what} {given!r} is not known; near: {', '.join(by_fold[n] for n in near)}")
