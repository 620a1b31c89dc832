"""A proposed mapping in words: each column with masked examples and what they are read as, never an identifier."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from etl.errors import ItemRefused, Reason, RefusedError
from etl.records import Refused
from etl.sources.base import masked
from etl.sources.column_shapes import Column, Shape, column_of, columns_of
from etl.sources.delimited import Sheet, read_sheet
from etl.sources.header_words import Role
from etl.sources.map_proposal import KINDS, MOMENTS, Proposal, propose
from etl.sources.mapping import Mapping, missing_in, parsed, toml_table
from etl.sources.ris_csv import items
from etl.sources.times import instant, instant_formatted

EXAMPLES = 3
SAMPLE_ROWS = 2000
MOST_CODES = 40  # more different values than this are names or numbers of something, not codes
NAMES = frozenset({"person", "other_person", "ordering_person", "technologist", "reader", "assistant_reader"})
PERSONAL = NAMES | {"birth_date"}
UTC = ZoneInfo("UTC")


@dataclass(frozen=True)
class Proposed:
    """A file's proposal, its columns, and how its rows are read by it."""

    sheet: Sheet
    columns: list[Column]
    proposal: Proposal
    text: str  # TOML

    @property
    def missing(self) -> list[str]:
        """Return what a mapping of this kind cannot do without and no column was found for."""
        return missing_in(toml_table(self.text))

    @property
    def is_whole(self) -> bool:
        """Return whether rows can be read by it."""
        return not self.missing

    @property
    def mapping(self) -> Mapping:
        """Return the mapping the TOML says."""
        return parsed(self.proposal.mapping.name, toml_table(self.text))


def propose_file(path: Path, kind: str | None, name: str) -> Proposed:
    """Return the proposal for a file; raises RefusedError for an unknown kind or a file that is no table."""
    if kind is not None and kind not in KINDS:
        raise RefusedError(f"kind {kind!r} is not one of {', '.join(KINDS)}")
    try:
        sheet = read_sheet(path.read_bytes())
    except ItemRefused as refused:
        raise RefusedError(f"{path.name}: {refused}") from refused
    if any(_is_value(cell) for cell in sheet.header):
        raise RefusedError(f"{path.name}: the first line holds values, not headers; add a line with the columns' names")
    rows = (row.cells for row, _ in zip(sheet.rows(), range(SAMPLE_ROWS), strict=False))
    columns = columns_of(sheet.header, rows)
    proposal = propose(columns, kind, name)
    if not any(proposal.roles.values()):
        raise RefusedError(f"{path.name}: no column is like anything a mapping knows; write one by hand from a preset")
    return Proposed(sheet, columns, proposal, proposal.mapping.saved(name, sheet.header))


def _is_value(cell: str) -> bool:
    """Return whether a header is none: it would be shown, so it must not be somebody's number or name."""
    return re.search(r"\d{5,}|\^", cell) is not None or column_of("", [cell]).shape in (*MOMENTS, Shape.UID, Shape.WALL)


def report(found: Proposed, data: bytes) -> Iterator[str]:
    """Yield the report's lines: what it is, every column, what a person must decide, how the whole file is read."""
    yield f"kind {found.proposal.mapping.target}; columns are separated by {found.sheet.delimiter!r}"
    for column in found.columns:
        yield _line(column, found.proposal)
    yield from (f"note: {note}" for note in found.proposal.notes)
    yield from _trial(found, data)


def _line(column: Column, proposal: Proposal) -> str:
    roles = proposal.roles[column.header]
    name = ", ".join(map(str, roles)) or "-"
    sure = f"{proposal.sure[column.header]:.2f}" if roles else "-"
    return f"{column.header[:32]:<32} {name:<42} {sure:>4}  {examples(column, roles, proposal.mapping)}".rstrip()


def examples(column: Column, roles: list[Role], mapping: Mapping) -> str:
    """Return up to three different values as they may be shown, and what they are read as."""
    values = list(dict.fromkeys(column.values))[:EXAMPLES]
    if not values:
        return "(empty)"
    return "; ".join(_shown(value, column, roles, mapping) for value in values)


def _shown(value: str, column: Column, roles: list[Role], mapping: Mapping) -> str:
    if not roles:
        return f"…({len(value)})"
    role = roles[0]
    if role.part == "identifiers" or role.name in PERSONAL:
        return masked(value) or ""
    if column.shape in MOMENTS and role.name != "date":
        return f"{value} -> {_read_time(value, mapping)}"
    if column.shape not in (Shape.CODE, Shape.UID):
        return value
    if column.distinct > MOST_CODES or column.distinct == len(column.values) > EXAMPLES:
        return masked(value) or ""
    code = mapping.coded(role.name, value)
    return value if code == value else f"{value} -> {code}"


def _read_time(value: str, mapping: Mapping) -> str:
    try:
        form = mapping.time_format
        read = instant_formatted(value, UTC, form) if form else instant(value, UTC, kind="csv")
    except ItemRefused as refused:
        return str(refused.reason)
    return f"{read.at:%Y-%m-%d %H:%M:%S}"


def _trial(found: Proposed, data: bytes) -> Iterator[str]:
    """Read the whole file by what was written and say what became of its rows."""
    read, refused = 0, Counter[Reason]()
    for item in items(data, "file", UTC, found.mapping, "map"):
        if isinstance(item, Refused):
            refused[item.reason] += 1
        else:
            read += 1
    reasons = ", ".join(f"{n} {reason}" for reason, n in sorted(refused.items())) or "none refused"
    yield f"whole file: {read} rows read, {reasons}"


def feed_lines(path: Path, mapping_file: Path, target: str) -> Iterator[str]:
    """Yield the lines of radpulse.toml that read such files."""
    key = mapping_file.stem
    yield "[[feeds]]"
    yield f'key = "{key}"'
    yield f'kind = "{"ris_csv" if target == "exam" else "extract_csv"}"'
    yield 'site = "YOUR SITE"'
    yield f'path = "feeds/{key}"'
    yield f'pattern = "*{path.suffix}"'
    yield f'options = {{ mapping = "{mapping_file.as_posix()}" }}'
    yield "expected_every_min = 1440"
