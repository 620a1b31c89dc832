"""`radpulse map`: says what it takes a file's columns for, and writes that down."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from etl.errors import RefusedError
from etl.sources.map_report import Proposed, feed_lines, propose_file, report

Say = Callable[[str], None]


def describe(file: Path, kind: str | None, name: str, say: Say) -> Proposed:
    """Print the proposal for a file and return it; raises RefusedError when none can be made."""
    found = propose_file(file, kind, re.sub(r"[^A-Za-z0-9_-]+", "_", name) or "mapping")
    if not found.is_whole:
        lines = "; ".join(found.missing)
        raise RefusedError(f"{file.name}: no mapping can be made of it: {lines}; say --kind, or rename a column")
    for line in report(found, file.read_bytes()):
        say(line)
    return found


def write(found: Proposed, file: Path, output: Path, say: Say) -> None:
    """Write the mapping's TOML and print the feed's lines; raises RefusedError rather than overwrite a file."""
    try:
        with output.open("x", encoding="utf-8") as target:
            target.write(found.text)
    except FileExistsError as error:
        raise RefusedError(f"{output} exists; choose another name, or delete it first") from error
    say(f"\nwrote {output} (version {found.mapping.version}, {len(found.columns)} columns pinned)")
    say("put it beside radpulse.toml, check it, and add there:\n")
    for line in feed_lines(file, Path(output.name), found.proposal.mapping.target):
        say(line)
