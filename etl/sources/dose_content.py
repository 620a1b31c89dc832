"""Walks the content tree of a dose report once, without recursion, into plain blocks of values and texts.

A report is found by its title, an event and a block of totals by their container's code, whatever SOP class or
template identifier the object carries (GE writes dose reports as Enhanced SR; many leave the template out).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from struct import unpack

from etl.sources.dicom_elements import Dataset, Plan
from etl.sources.dicom_text import CHARSET, charset_of, clean, decode, finite, number
from etl.sources.dose_concepts import Concepts, concepts
from etl.sources.dose_units import convert, plausible

CONTENT, CONCEPT_NAME, CONCEPT_CODE = 0x0040A730, 0x0040A043, 0x0040A168
MEASURED_VALUE, NUMERIC_VALUE, FLOATING_VALUE, UNITS = 0x0040A300, 0x0040A30A, 0x0040A161, 0x004008EA
UID_VALUE, DATETIME_VALUE, TEXT_VALUE = 0x0040A124, 0x0040A120, 0x0040A160
CODE_VALUE, SCHEME, LONG_CODE, URN_CODE = 0x00080100, 0x00080102, 0x00080119, 0x00080120
CODE_MEANING = 0x00080104
CONTENT_TAGS = frozenset(
    {NUMERIC_VALUE, FLOATING_VALUE, UID_VALUE, DATETIME_VALUE, TEXT_VALUE, CODE_VALUE, SCHEME, LONG_CODE, URN_CODE}
    | {CODE_MEANING, CHARSET}
)
CONTENT_SEQUENCES = frozenset({CONTENT, CONCEPT_NAME, CONCEPT_CODE, MEASURED_VALUE, UNITS})
RIGHT = frozenset({"G-A100", "T-04020", "24028007", "73056007"})  # right, right breast: SRT and SNOMED CT
LEFT = frozenset({"G-A101", "T-04030", "7771000", "80248007"})
MOST_NUMBERS = 64


@dataclass(slots=True)
class Block:
    """An event, a block of totals, or the report around them: values by field, texts by field."""

    kind: str
    is_total: bool = False
    values: dict[str, float] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    meanings: dict[str, str] = field(default_factory=dict)  # what a code says in words, by field
    sides: dict[str, float] = field(default_factory=dict)  # glandular dose by "L" and "R", totals only


@dataclass(slots=True)
class Content:
    """The blocks of one report, in its order."""

    report: Block
    events: list[Block]
    totals: list[Block]


def content_plan(header_tags: frozenset[int], header_sequences: frozenset[int]) -> Plan:
    """Return the plan that reads a report's content beside the given header tags."""
    return Plan(header_tags | CONTENT_TAGS, header_sequences | CONTENT_SEQUENCES, last_group=0x0040, budget=1_000_000)


def walk(root: Dataset) -> Content:
    """Return the blocks of a report; each content item is looked at once."""
    table = concepts()
    content = Content(Block("report"), [], [])
    charset = charset_of(root)
    todo: list[tuple[Dataset, Block]] = [(item, content.report) for item in _children(root)]
    while todo:
        item, block = todo.pop()
        code = concept_of(item)
        if code in table.events:
            block = Block(table.events[code])
            content.events.append(block)
        elif code in table.total_blocks:
            block = Block(table.total_blocks[code], is_total=True)
            content.totals.append(block)
        elif code:
            _take(item, code, block, table, charset)
        todo.extend((child, block) for child in _children(item))
    return content


def concept_of(item: Dataset) -> str:
    """Return the code of an item's concept name, or an empty text; private schemes (99...) name nothing here."""
    name = item.first(CONCEPT_NAME)
    return code_of(name) if name is not None and not name.values.get(SCHEME, b"").startswith(b"99") else ""


def code_of(coded: Dataset) -> str:
    """Return a code value: short, long or URN."""
    values = coded.values
    raw = values.get(CODE_VALUE) or values.get(LONG_CODE) or values.get(URN_CODE) or b""
    return raw.decode("latin-1").strip(" \0")


def side_of(code: str) -> str | None:
    """Return "L" or "R" for a code of laterality, else None."""
    return "R" if code in RIGHT else "L" if code in LEFT else None


def _children(item: Dataset) -> list[Dataset]:
    return item.sequences.get(CONTENT, [])[::-1]


def _take(item: Dataset, code: str, block: Block, table: Concepts, charset: tuple[str, ...]) -> None:
    """Put what one item says into its block; the first of a repeated concept counts."""
    found = (table.totals if block.is_total else table.values).get(code)
    if found is not None:
        field_name, unit = found
        value = _measured(item, field_name, unit)
        if value is None:
            return
        side = _own_side(item)
        if block.is_total and side is not None:
            block.sides.setdefault(side, value)
            return
        block.values.setdefault(field_name, value)
        if side is not None:
            block.texts.setdefault("own_side", side)
    elif code in table.texts:
        text, meaning = _text(item, charset)
        if text and table.texts[code] not in block.texts:
            block.texts[table.texts[code]] = text
            block.meanings[table.texts[code]] = meaning


def _own_side(item: Dataset) -> str | None:
    for child in item.sequences.get(CONTENT, ()):
        if concepts().texts.get(concept_of(child)) == "laterality":
            coded = child.first(CONCEPT_CODE)
            return side_of(code_of(coded)) if coded is not None else None
    return None


def _measured(item: Dataset, field_name: str, unit: str) -> float | None:
    measured = item.first(MEASURED_VALUE)
    if measured is None:
        return None
    value = _number(measured)
    if value is None:
        return None
    written = measured.first(UNITS)
    converted = convert(value, code_of(written) if written is not None else "", unit)
    return None if converted is None else plausible(field_name, converted)


def _number(measured: Dataset) -> float | None:
    """Return the first readable of an item's numbers; text in a numeric value is no number."""
    for part in measured.values.get(NUMERIC_VALUE, b"").split(b"\\")[:MOST_NUMBERS]:
        value = number(part.decode("latin-1").strip(" \0"))
        if value is not None:
            return value
    raw = measured.values.get(FLOATING_VALUE, b"")
    return finite(unpack(">d" if measured.big else "<d", raw[:8])[0]) if len(raw) >= 8 else None


def _text(item: Dataset, charset: tuple[str, ...]) -> tuple[str, str]:
    """Return an item's value as text, and a code's meaning beside it."""
    for tag in (UID_VALUE, DATETIME_VALUE, TEXT_VALUE):
        raw = item.values.get(tag)
        if raw:
            return clean(decode(raw, charset_of(item, charset))), ""
    coded = item.first(CONCEPT_CODE)
    if coded is None:
        value = _number(item.first(MEASURED_VALUE) or Dataset())
        return ("" if value is None else repr(value)), ""
    meaning = decode(coded.values.get(CODE_MEANING, b""), charset_of(item, charset))
    return clean(code_of(coded)), clean(meaning)
