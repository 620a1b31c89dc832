"""DICOM JSON (PS3.18 annex F) as first values by tag; odd numbers, nulls, tags in either case are taken."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from etl.errors import ItemRefused, Reason
from etl.sources.dicom_text import LONGEST_TEXT

LARGEST_FILE = 1 << 25
LONGEST_VALUE = 4096
_LIKELY_KEYS = (b'"vr"', b'"0020000D"', b'"0020000d"', b'"00080016"', b'"00080060"')

Tags = dict[int, Any]


def looks_like_dicom_json(head: bytes) -> bool:
    """Return whether a payload that begins so is DICOM JSON."""
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    return start[:1] in (b"[", b"{") and (start.rstrip() == b"[]" or any(key in start for key in _LIKELY_KEYS))


def load_objects(path: Path) -> list[Any]:
    """Return the objects of a DICOM JSON file; raises ItemRefused (READ_ERROR, and as `parse_objects`)."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise ItemRefused(Reason.READ_ERROR, f"cannot read: {error.strerror or 'input/output error'}") from error
    return parse_objects(data)


def parse_objects(data: bytes) -> list[Any]:
    """Return the objects of a DICOM JSON payload, one object or an array of them.

    Raises ItemRefused: OVERSIZED, NOT_THIS_FORMAT, BAD_CHARSET, TRUNCATED, BAD_STRUCTURE.
    """
    if len(data) > LARGEST_FILE:
        raise ItemRefused(Reason.OVERSIZED, f"more than {LARGEST_FILE} bytes")
    if not data.strip():
        raise ItemRefused(Reason.NOT_THIS_FORMAT, "the file is empty")
    try:
        content = json.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise ItemRefused(Reason.BAD_CHARSET, "DICOM JSON is UTF-8, this is not") from error
    except json.JSONDecodeError as error:
        raise ItemRefused(_why_no_json(error), f"no JSON: {error.msg}") from error
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, nesting without end
        raise ItemRefused(Reason.BAD_STRUCTURE, "JSON nested too deep or with numbers too long") from error
    if isinstance(content, dict):
        return [content]
    if isinstance(content, list):
        return content
    raise ItemRefused(Reason.NOT_THIS_FORMAT, "neither a JSON object nor an array of them")


def _why_no_json(error: json.JSONDecodeError) -> Reason:
    """Tell an answer that breaks off from a file that is something else."""
    begun = error.doc.lstrip()[:1] in ("[", "{")
    ended = error.pos >= len(error.doc.rstrip()) or error.msg.startswith("Unterminated string")
    return Reason.TRUNCATED if begun and ended else Reason.NOT_THIS_FORMAT


def by_tag(found: Mapping[str, Any]) -> Tags:
    """Return an object's elements by tag number; what is no element is passed over."""
    tags = {}
    for key, element in found.items():
        if len(key) == 8 and isinstance(element, dict):
            try:
                tags[int(key, 16)] = element
            except ValueError:
                continue
    return tags


def json_texts(tags: Mapping[int, Any], wanted: frozenset[int]) -> dict[int, str]:
    """Return the first value of each wanted tag as text; numbers as they are written, null as missing."""
    texts = {}
    for tag in wanted & tags.keys():
        text = _first_text(tags[tag])
        if text:
            texts[tag] = text
    return texts


def items_of(tags: Mapping[int, Any], tag: int) -> list[Tags]:
    """Return the items of a sequence, in order."""
    return [by_tag(item) for item in _values(tags.get(tag)) if isinstance(item, dict)]


def first_item(tags: Mapping[int, Any], tag: int) -> Tags:
    """Return the first item of a sequence, empty where there is none."""
    return next(iter(items_of(tags, tag)), {})


def _values(element: Any) -> list[Any]:
    values = element.get("Value") if isinstance(element, dict) else None
    return values if isinstance(values, list) else [] if values is None else [values]


def _first_text(element: Any) -> str:
    value = next(iter(_values(element)), None)
    if isinstance(value, str):
        return value[:LONGEST_VALUE].split("\\", 1)[0].strip(" \0")
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    return repr(value) if abs(value) < 10**LONGEST_TEXT else ""
