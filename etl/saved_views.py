"""Saved views: a page and its filters under a name, for oneself or the team."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Column, Integer, String, Table, insert, or_, select, update

from etl.errors import RefusedError
from etl.state import AuditLog, state_engine, state_metadata

LONGEST_NAME, LONGEST_QUERY = 80, 4000

saved_view = Table(
    "saved_view",
    state_metadata,
    Column("id", String(32), primary_key=True),
    Column("name", String(LONGEST_NAME)),
    Column("page", String(64), comment="a page of the dashboard"),
    Column("query", String(LONGEST_QUERY), comment="the filters as in the address: no identifier is ever among them"),
    Column("owner", String(128)),
    Column("team", Integer, comment="1: everybody sees it"),
    Column("at_utc", String(32)),
    Column("deleted_at_utc", String(32), comment="NULL while it stands"),
)


@dataclass(frozen=True, slots=True)
class SavedView:
    """A page with filters, as its address has them, under a name."""

    name: str
    page: str
    query: str
    team: bool = False
    owner: str = ""
    id: str = ""


class SavedViews:
    """The saved views of an installation."""

    def __init__(self, path: Path) -> None:
        self._engine = state_engine(path)
        self._audit = AuditLog(path)

    def save(self, view: SavedView, owner: str, role: str) -> str:
        """Keep a view and return its id; one of the same name and owner is replaced.

        Raises RefusedError for a bad name or too many filters.
        """
        name = " ".join(view.name.split())
        if not 0 < len(name) <= LONGEST_NAME:
            raise RefusedError(f"a view needs a name of 1 to {LONGEST_NAME} characters")
        if len(view.query) > LONGEST_QUERY:
            raise RefusedError(f"these filters have {len(view.query)} characters, at most {LONGEST_QUERY} are kept")
        now, key = datetime.now(UTC).isoformat(timespec="seconds"), uuid.uuid4().hex
        same = (saved_view.c.name == name) & (saved_view.c.owner == owner) & saved_view.c.deleted_at_utc.is_(None)
        with self._engine.begin() as connection:
            connection.execute(update(saved_view).where(same).values(deleted_at_utc=now))
            connection.execute(
                insert(saved_view).values(
                    id=key, name=name, page=view.page, query=view.query, owner=owner, team=int(view.team), at_utc=now
                )
            )
        self._audit.record(action="SAVE_VIEW", actor=owner, role=role, object=f"{view.page} {key}")
        return key

    def delete(self, key: str, owner: str, role: str) -> None:
        """Take one's own view back; another's stays: RefusedError."""
        with self._engine.begin() as connection:
            held = connection.scalar(select(saved_view.c.owner).where(saved_view.c.id == key))
            if held != owner:
                raise RefusedError("only who saved a view may delete it")
            now = datetime.now(UTC).isoformat(timespec="seconds")
            connection.execute(update(saved_view).where(saved_view.c.id == key).values(deleted_at_utc=now))
        self._audit.record(action="DELETE_VIEW", actor=owner, role=role, object=key)

    def seen_by(self, owner: str) -> list[SavedView]:
        """Return one's own views and the team's, by name."""
        query = select(saved_view).where(
            saved_view.c.deleted_at_utc.is_(None), or_(saved_view.c.owner == owner, saved_view.c.team == 1)
        )
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(saved_view.c.name, saved_view.c.at_utc)).mappings().all()
        names = ("name", "page", "query", "owner", "id")
        return [SavedView(**{name: row[name] for name in names}, team=bool(row["team"])) for row in rows]
