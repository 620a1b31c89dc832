"""Registries' months: made and judged once a version and state of the site's maps, and their files for download."""

from __future__ import annotations

from datetime import date
from typing import Literal

import streamlit as st

from app import data
from etl.access import Principal
from etl.errors import RefusedError
from etl.submissions.submit import Prepared, manifest_bytes, prepare, refused_bytes
from etl.warehouse.engine import reader_engine


def _maps_changed() -> int:
    """Return when the site's maps were changed last, so that a new map is seen at once."""
    path = data.settings().at(data.settings().submission_codes_file)
    return path.stat().st_mtime_ns if path.exists() else 0


@st.cache_data(max_entries=20, show_spinner="Making and judging every row ...")
def _prepared(scope: str, role: str, data_version: str, registry: str, month: date, maps_changed_ns: int) -> Prepared:
    principal = data.principal_of(scope, role)
    return prepare(reader_engine(data.settings()), data.settings(), registry, month, principal)


def prepared(who: data.Asker, registry: str, month: date) -> Prepared:
    """Return a registry's month; raises RefusedError as `prepare` does."""
    return _prepared(*who.key, registry, month, _maps_changed())


def fresh(principal: Principal, data_version: str, registry: str, month: date) -> Prepared:
    """Make a month anew for a download; raises RefusedError when newer data was published since the link was made."""
    if data.current_version() != data_version:
        raise RefusedError("newer data was published since this link was made, so the file would not equal the screen")
    return prepare(reader_engine(data.settings()), data.settings(), registry, month, principal)


def part(made: Prepared, name: Literal["file", "manifest", "refused"]) -> bytes:
    """Return the bytes of one of the files; raises RefusedError for the file of a month that would be rejected."""
    if name == "refused":
        return refused_bytes(made)
    if made.refusals:
        raise RefusedError("this month holds rows that would be rejected; mend them, there is no partial file")
    return made.csv if name == "file" else manifest_bytes(made)
