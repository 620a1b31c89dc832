"""Codes for the event vocabulary out of a RadLex file a site brings: proposed by name, used once reviewed.

RadLex is licensed to its users, so none of it ships. Its CSV export (columns ``Class ID``, ``Preferred Label``,
``Synonyms``) and its OWL file are read.
"""

from __future__ import annotations

import csv
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree as ET

from etl.errors import RefusedError
from etl.settings import Settings
from etl.warehouse.vocabulary import OWN_SCHEME, SITE_COLUMNS, Term, site_rows, vocabulary

RID = re.compile(r"RID\d+\Z")
NAME_COLUMNS = ("preferred label", "preferred name", "preferred_name", "name", "label", "synonyms", "synonym")
ID_COLUMNS = ("class id", "rid", "radlex id", "id")
NAME_ELEMENTS = frozenset({"label", "prefLabel", "altLabel", "Preferred_name", "preferred_name", "Synonym", "synonym"})
LONGEST_FIELD = 10_000_000


class Proposal(NamedTuple):
    """What a RadLex file has for an event without verified code; several ids are for a person to choose from."""

    term: Term
    found: tuple[tuple[str, str], ...]  # (RID, its preferred name there)


def propose(settings: Settings, file: Path) -> list[Proposal]:
    """Return a proposal for every event without verified or reviewed code.

    Names are compared letter by letter after dropping case and punctuation; nothing is guessed. Raises RefusedError
    when the file is no RadLex.
    """
    wanted = [term for term in vocabulary(settings).values() if term.scheme == OWN_SCHEME]
    known: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for rid, names in _entries(file):
        preferred = next((name for name in names if name != rid), "")
        for name in names:
            known[_plain(name)].add((rid, preferred))
    if not known:
        raise RefusedError(f"{file.name} holds no RadLex id (RID and digits) with a name")
    return [Proposal(term, _for(term, known)) for term in wanted]


def _for(term: Term, known: dict[str, set[tuple[str, str]]]) -> tuple[tuple[str, str], ...]:
    by_id = {rid: name for candidate in term.names for rid, name in sorted(known.get(_plain(candidate), ()))}
    return tuple(sorted(by_id.items()))


def write_proposals(settings: Settings, proposals: Iterable[Proposal]) -> Path:
    """Write the site's vocabulary file: rows a person reviewed stay, unambiguous proposals wait for a review."""
    path = settings.at(settings.vocabulary_file)
    kept = [row for row in site_rows(path) if row["reviewed_by"]]
    proposed = [
        {"key": p.term.key, "code": p.found[0][0], "scheme": "RadLex", "name": p.found[0][1], "reviewed_by": ""}
        for p in proposals
        if len(p.found) == 1
    ]
    fresh = path.with_name(path.name + ".part")
    with fresh.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, SITE_COLUMNS, lineterminator="\n", extrasaction="ignore")
        writer.writeheader()
        writer.writerows([*kept, *proposed])
    fresh.replace(path)
    return path


def _entries(file: Path) -> Iterator[tuple[str, list[str]]]:
    try:
        yield from _csv_entries(file) if file.suffix.lower() == ".csv" else _owl_entries(file)
    except (ET.ParseError, UnicodeDecodeError, csv.Error) as error:
        raise RefusedError(f"{file.name} is neither RadLex as CSV nor as OWL: {type(error).__name__}") from error
    except OSError as error:
        raise RefusedError(f"{file.name}: {error.strerror}") from error


def _csv_entries(file: Path) -> Iterator[tuple[str, list[str]]]:
    csv.field_size_limit(min(LONGEST_FIELD, sys.maxsize))
    with file.open(encoding="utf-8-sig", newline="") as opened:
        reader = csv.reader(opened)
        header = [name.strip().lower().rpartition("/")[2] for name in next(reader, [])]
        ids = [at for at, name in enumerate(header) if name in ID_COLUMNS][:1]
        named = [at for at, name in enumerate(header) if name in NAME_COLUMNS]
        for row in reader:
            rid = next((m.group() for at in ids if at < len(row) and (m := RID.search(row[at].strip()))), None)
            if rid:
                texts = (text for at in named if at < len(row) for text in row[at].split("|"))
                yield rid, [text.strip() for text in texts if text.strip()]


def _owl_entries(file: Path) -> Iterator[tuple[str, list[str]]]:
    for _, element in ET.iterparse(file):  # noqa: S314 - a file the operator chose; expat bounds its entities
        if _local(element.tag) != "Class":
            continue
        about = next((value for name, value in element.items() if _local(name) in ("about", "ID")), "")
        if match := RID.search(about):
            names = [child.text.strip() for child in element if _local(child.tag) in NAME_ELEMENTS and child.text]
            yield match.group(), [name for name in names if name]
        element.clear()


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _plain(text: str) -> str:
    return " ".join(re.sub(r"[^a-z0-9]+", " ", text.lower()).split())
