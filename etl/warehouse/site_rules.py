"""The site's own codes as rows of the parameter set: they stand before the shipped ones."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from types import MappingProxyType

from etl.settings import Scanner
from etl.site_codes import NO_EVENT, CodeKind
from etl.warehouse.mapping_rules import escaped
from etl.warehouse.rule_rows import ProcedureRule, StatusRule

SiteMap = Mapping[tuple[str, str, str], str]


def procedure_rules(codes: SiteMap, shipped: tuple[ProcedureRule, ...]) -> tuple[ProcedureRule, ...]:
    """Return a rule for each procedure code the site grouped, in the section its group has."""
    sections = {rule.procedure_group: rule.section for rule in shipped}
    return tuple(
        ProcedureRule(scope, escaped(code), group, sections.get(group, ""))
        for (kind, scope, code), group in sorted(codes.items())
        if kind == CodeKind.PROCEDURE
    )


def status_rules(codes: SiteMap) -> tuple[StatusRule, ...]:
    """Return a rule for each local status the site mapped, of its feed alone; exact ones before patterns."""
    rows = [(code, feed, new) for (kind, feed, code), new in codes.items() if kind == CodeKind.STATUS]
    rows.sort(key=lambda row: ("*" in row[0] or "?" in row[0], row))
    return tuple(StatusRule("", "", code, "" if new == NO_EVENT else new, feed) for code, feed, new in rows)


def with_aliases(scanners: tuple[Scanner, ...], codes: SiteMap) -> tuple[Scanner, ...]:
    """Return the scanners with the station names the site gave them; its word stands before the settings'."""
    aliases: dict[tuple[str, str], list[str]] = defaultdict(list)
    for (kind, site, code), scanner in sorted(codes.items()):
        if kind == CodeKind.STATION:
            aliases[site, scanner].append(code)
    taken = {(site, name) for (site, _), names in aliases.items() for name in names}
    return tuple(_named(s, tuple(aliases.get((s.site, s.code), ())), taken) for s in scanners)


def _named(scanner: Scanner, own: tuple[str, ...], taken: set[tuple[str, str]]) -> Scanner:
    kept = tuple(n for n in scanner.station_names if (scanner.site, n.strip().upper()) not in taken)
    if not own and kept == scanner.station_names:
        return scanner
    return scanner.model_copy(update={"station_names": (*own, *kept)})


def code_map(shipped: Mapping[str, str], codes: SiteMap, kind: CodeKind) -> Mapping[str, str]:
    """Return a shipped map of codes with the site's own put over it."""
    own = {code: new for (of, _, code), new in codes.items() if of == kind}
    return MappingProxyType({**shipped, **own})


def protocol_names(codes: SiteMap) -> Mapping[str, str]:
    """Return ``MODALITY|PROTOCOL AS SENT`` (modality `*` for all) -> the site's name."""
    own = {f"{scope}|{code}": new for (kind, scope, code), new in codes.items() if kind == CodeKind.PROTOCOL}
    return MappingProxyType(own)
