"""Making explanations safe to show: what a value looks like, never the value."""

from __future__ import annotations

import re

DETAIL_CHARACTERS = 400
_KEPT = re.compile(
    r"[A-Z][A-Z0-9]{2}-\d{1,3}(?:\.\d{1,3})*"  # HL7 field: PID-3.1
    r"|\([0-9A-Fa-f]{4},\s?[0-9A-Fa-f]{4}\)"  # DICOM tag
    r"|[A-Z]{3}[\^_][A-Z]\d\d(?:[\^_][A-Z]{3}_[A-Z]\d\d)?"  # message type: ORM^O01
    r"|\d{1,9} (?:bytes?|characters?|rows?|columns?|items?|segments?|levels?|days?)\b"
    r"|(?:[Cc]olumns?|[Mm]apping|[Cc]harset|[Zz]one|[Kk]eyword) '[^']{1,60}'(?:, '[^']{1,60}')*"  # ours or a header
    r"|(?:line|row|column|segment|field|byte|offset|position|item|message|level) \d{1,7}\b"
)
_VALUE = re.compile(
    r"'[^']*'|\"[^\"]*\""  # whatever is quoted is a value
    r"|\S*\^\S*"  # HL7 composites: names, identifiers
    r"|[^\s,;:()]*\d{4,}[^\s,;:()]*"  # dates, record numbers, UIDs
    r"|\S+@\S+"
)
_NAME_LIKE = re.compile(r"(?<![\w-])[A-Z][A-Z'-]{3,}(?![\w-])")
_WORDS = frozenset(("DICOM", "DICOMDIR", "QIDO", "ASCII", "JSON", "HTTP", "RDSR", "NULL", "NONE", "STAT", "UIDS"))


def _shape(value: str) -> str:
    return f"[{len(value)} characters]"


def redact(detail: str) -> str:
    """Return an explanation with every value replaced by its length; field names, codes and counts stay.

    Quoted text, composites, long digit runs and upper-case words count as values: a name in lower case is only
    caught when quoted, so sources quote what they cite.
    """
    parts, end = [], 0
    line = " ".join("".join(c if c.isprintable() else " " for c in detail).split())
    for kept in _KEPT.finditer(line):
        parts += [_hide(line[end : kept.start()]), kept.group()]
        end = kept.end()
    return "".join([*parts, _hide(line[end:])])[:DETAIL_CHARACTERS]


def _hide(part: str) -> str:
    part = _VALUE.sub(lambda match: _shape(match.group()), part)
    return _NAME_LIKE.sub(lambda m: m.group() if m.group() in _WORDS else _shape(m.group()), part)
