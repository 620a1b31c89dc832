"""Who asks, and the one way from a principal to rows."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Select, Table

from etl.errors import RefusedError


class Role(StrEnum):
    """What a person may see (platform.md, access model)."""

    VIEWER = "viewer"  # aggregates, small cells suppressed
    MANAGER = "manager"  # own departments
    ANALYST = "analyst"  # pseudonymous rows
    STEWARD = "steward"  # mapping and quarantine
    ADMIN = "admin"  # users, no data


ROW_ROLES = frozenset({Role.MANAGER, Role.ANALYST})
SUPPRESSED_ROLES = frozenset({Role.VIEWER})
NO_DATA_ROLES = frozenset({Role.ADMIN})


@dataclass(frozen=True, slots=True)
class Principal:
    """A named person or job, a role, and the sites it may see (`None`: all)."""

    name: str
    role: Role
    sites: frozenset[str] | None = None

    @property
    def scope(self) -> str:
        """A stable text of what this principal may see, fit for cache keys and audit records."""
        return f"{self.role}:{'*' if self.sites is None else ','.join(sorted(self.sites))}"


DEMO = Principal(name="demo", role=Role.ANALYST)


def scoped(query: Select[Any], principal: Principal, *tables: Table) -> Select[Any]:
    """Return `query` limited to the rows of `tables` that the principal may see.

    Raises RefusedError for a role without data. Tables without a `site_code` hold nothing about a site.
    """
    if principal.role in NO_DATA_ROLES:
        raise RefusedError(f"role {principal.role} sees no data; ask as one of viewer, manager, analyst, steward")
    if principal.sites is None:
        return query
    for table in tables:
        if "site_code" in table.c:
            query = query.where(table.c.site_code.in_(sorted(principal.sites)))
    return query
