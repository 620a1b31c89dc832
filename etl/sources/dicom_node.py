"""Data sets with nested sequences (worklists, performed procedure steps) in one form, from DICOM JSON or Part 10."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from etl.errors import ItemRefused, Reason
from etl.sources.dicom_elements import Dataset, Plan
from etl.sources.dicom_json import by_tag, items_of, json_texts
from etl.sources.dicom_part10 import MEDIA_SOP_CLASS_UID, MEDIA_SOP_INSTANCE_UID, parse_part10
from etl.sources.dicom_text import CHARSET, charset_of, texts_of

Texts = dict[int, str]
WHOLE = 1 << 25  # these data sets are small: one that is larger is refused


@dataclass(frozen=True, slots=True)
class Node:
    """First values by tag as text, and the items of sequences by tag."""

    texts: Texts
    items: dict[int, list[Node]] = field(default_factory=dict)

    def text(self, tag: int) -> str:
        """Return a value, empty where there is none."""
        return self.texts.get(tag, "")

    def first(self, *tags: int) -> Node:
        """Return the first item of the first of several sequences that has one; an empty node where none has."""
        return next((found[0] for tag in tags if (found := self.items.get(tag))), Node({}))


def node_of_json(found: Mapping[str, Any], plan: Plan) -> Node:
    """Return what `plan` names of a DICOM JSON object."""
    return _of_tags(by_tag(found), plan)


def _of_tags(tags: Mapping[int, Any], plan: Plan, depth: int = 0) -> Node:
    nested = plan.sequences & tags.keys() if depth < 4 else frozenset()
    items = {tag: [_of_tags(item, plan, depth + 1) for item in items_of(tags, tag)] for tag in nested}
    return Node(json_texts(tags, plan.values), items)


def node_of_part10(data: bytes, plan: Plan) -> tuple[str, str, Node]:
    """Return SOP class, SOP instance and what `plan` names of a Part 10 file or a bare data set.

    Raises ItemRefused: NOT_THIS_FORMAT, TRUNCATED, BAD_STRUCTURE, OVERSIZED.
    """
    if len(data) > WHOLE:
        raise ItemRefused(Reason.OVERSIZED, f"more than {WHOLE} bytes")
    wanted = Plan(plan.values | {CHARSET}, plan.sequences)
    file = parse_part10(data, len(data), wanted)
    meta = texts_of(file.meta, (MEDIA_SOP_CLASS_UID, MEDIA_SOP_INSTANCE_UID))
    node = _of_dataset(file.dataset, plan, ())
    return meta.get(MEDIA_SOP_CLASS_UID, ""), meta.get(MEDIA_SOP_INSTANCE_UID, ""), node


def _of_dataset(dataset: Dataset, plan: Plan, charset: tuple[str, ...]) -> Node:
    charset = charset_of(dataset, charset)
    items = {
        tag: [_of_dataset(item, plan, charset) for item in found]
        for tag, found in dataset.sequences.items()
        if tag in plan.sequences
    }
    return Node(texts_of(dataset, plan.values, charset), items)
