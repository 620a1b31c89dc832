"""Whether any feed tells what a KPI needs: without it there is no number, which is not the same as zero."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from sqlalchemy import Connection, select

from etl.access import Principal, scoped
from etl.kpis.base import Kpi
from etl.warehouse.tables import dim_site, fact_evidence


@dataclass(frozen=True, slots=True)
class Evidence:
    """The visible sites whose feeds tell all a KPI needs, those whose do not, and what is missing there.

    `sites` is not filled where a KPI needs nothing.
    """

    sites: tuple[str, ...]
    without: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()

    @property
    def absent(self) -> str:
        """Say what no visible site's feeds tell; empty where one's does."""
        if self.sites or not self.missing:
            return ""
        loaded = [f"no {what.replace('.', ' ').replace('_', ' ')} loaded" for what in self.missing if _is_set(what)]
        told = [_words(what) for what in self.missing if not _is_set(what)]
        return " and ".join([*loaded, *([f"no feed tells of {' and '.join(told)}"] if told else [])])


NOTHING_NEEDED = Evidence(())


def evidence(connection: Connection, kpi: Kpi, principal: Principal) -> Evidence:
    """Return which of the principal's sites have feeds that tell what a KPI needs."""
    if not kpi.needs:
        return NOTHING_NEEDED
    sites = sorted(connection.execute(scoped(select(dim_site.c.site_code), principal, dim_site)).scalars())
    told: dict[str, set[str]] = defaultdict(set)
    asked = [what for need in kpi.needs for what in choices(need)]
    query = select(fact_evidence.c.site_code, fact_evidence.c.what).where(fact_evidence.c.what.in_(asked))
    for site, what in connection.execute(scoped(query, principal, fact_evidence)):
        told[site].add(what)
    having = tuple(s for s in sites if all(told[s] & set(choices(need)) for need in kpi.needs))
    without = tuple(s for s in sites if s not in having)
    missing = tuple(need for need in kpi.needs if any(not told[s] & set(choices(need)) for s in without))
    return Evidence(having, without, missing)


def choices(need: str) -> tuple[str, ...]:
    """Return what a need is met by: any one of the names that `|` separates."""
    return tuple(need.split("|"))


def needs_words(kpi: Kpi) -> str:
    """Say what feeds must tell for a KPI, with "or" between what any one of suffices."""
    return ", ".join(" or ".join(choices(need)) for need in kpi.needs) or "only what every exam has"


def _is_set(what: str) -> bool:
    """Whether it is no feed's to tell but the site's to load or set."""
    return what.startswith(("reference.", "level.", "rule_pack."))


def _words(what: str) -> str:
    names = (name.removeprefix("entry.").removeprefix("opening.") for name in choices(what))
    return " or ".join(names).replace("_", " ")
