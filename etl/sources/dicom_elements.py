"""A bounded, iterative reader of DICOM data elements: the wanted values and sequences, nothing else.

Written beside pydicom rather than on it, because a header scan must neither recurse (sequences a thousand deep),
nor trust a declared length (2 GiB, FFFFFFFF), nor convert what nobody asked for; pydicom stays an independent
oracle for the tests. Every step moves forward and costs one unit of a fixed budget, so no input can hang it.
Structure: PS3.5 chapter 7; unknown VRs and undefined lengths: PS3.5 6.2.2 and 7.5.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from struct import Struct

from etl.errors import ItemRefused, Reason

UNDEFINED_LENGTH = 0xFFFFFFFF
ITEM_GROUP = 0xFFFE
ITEM = 0xE000
ITEM_END = 0xE00D
SEQUENCE_END = 0xE0DD
DEEPEST_KEPT = 64  # real dose reports nest 8 deep; below that sequences are walked over, not kept
LONGEST_KEPT = 4096  # bytes of one value; nothing wanted is longer


def _vrs(names: str) -> frozenset[bytes]:
    return frozenset(name.encode() for name in names.split())


LONG_VRS = _vrs("OB OD OF OL OV OW SQ SV UC UN UR UT UV")
SHORT_VRS = _vrs("AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US")
KNOWN_VRS = LONG_VRS | SHORT_VRS
NESTING_VRS = frozenset((b"SQ", b"UN", b"OB", b"OW", b""))  # may be of undefined length


@dataclass(frozen=True, slots=True)
class Encoding:
    """How elements are written: with or without VR, and in which byte order."""

    implicit: bool = False
    big: bool = False


EXPLICIT_LITTLE = Encoding()
IMPLICIT_LITTLE = Encoding(implicit=True)
_HEADERS = {False: Struct("<HH2sH"), True: Struct(">HH2sH")}
_ITEMS = {False: Struct("<HHL"), True: Struct(">HHL")}
_LONGS = {False: Struct("<L"), True: Struct(">L")}


@dataclass(frozen=True, slots=True)
class Plan:
    """What to keep: value tags, tags of sequences to enter, where to stop, and how many elements to look at.

    Scanning of the top level ends at `stop_group`. Elements past `last_group` hold nothing wanted: they are
    checked as far as the bytes at hand go, and more is not fetched for their sake.
    """

    values: frozenset[int]
    sequences: frozenset[int] = frozenset()
    stop_group: int = 0x5200
    last_group: int = 0x0054
    budget: int = 200_000


@dataclass(slots=True)
class Dataset:
    """The kept part of a data set: raw values by tag, items of entered sequences by tag."""

    values: dict[int, bytes] = field(default_factory=dict)
    sequences: dict[int, list[Dataset]] = field(default_factory=dict)
    big: bool = False

    def first(self, tag: int) -> Dataset | None:
        """Return the first item of a sequence, or None."""
        items = self.sequences.get(tag)
        return items[0] if items else None


class NeedMoreError(Exception):
    """The bytes at hand end before what is wanted, and the file goes on."""


@dataclass(slots=True)
class _Frame:
    """An open data set (`items` unused) or an open sequence whose items are expected; `end` -1: undefined."""

    is_sequence: bool
    end: int
    encoding: Encoding
    dataset: Dataset | None = None
    items: list[Dataset] | None = None
    unsure: bool = False  # a sequence under VR UN: its items may have either encoding


def sniff(data: bytes, position: int) -> Encoding:
    """Return the encoding the first element at `position` shows, whatever the transfer syntax claims."""
    big = data[position : position + 1] == b"\0" and data[position + 1 : position + 2] != b"\0"
    return Encoding(implicit=data[position + 4 : position + 6] not in KNOWN_VRS, big=big)


def scan(data: bytes, position: int, encoding: Encoding, plan: Plan, size: int) -> tuple[Dataset, int]:
    """Return the wanted part of the data set at `position` and where scanning stopped.

    `size` is the length of the whole file, of which `data` may be a prefix. Raises ItemRefused (TRUNCATED,
    BAD_STRUCTURE, OVERSIZED) and NeedMoreError.
    """
    scanner = _Scanner(data, position, encoding, plan, size)
    return scanner.run(), scanner.position


def _keep(kept: dict[int, bytes], tag: int, value: bytes) -> None:
    """Keep a value; a tag that comes twice with two values leaves open whose data these are."""
    if kept.setdefault(tag, value) != value:
        if kept[tag].strip(b" \0") and value.strip(b" \0"):
            raise ItemRefused(Reason.BAD_STRUCTURE, f"{tag:08X} stands twice with different values")
        kept[tag] = max(kept[tag], value, key=lambda raw: len(raw.strip(b" \0")))


class _Scanner:
    __slots__ = ("data", "left", "plan", "position", "root", "size", "stack", "top_group")

    def __init__(self, data: bytes, position: int, encoding: Encoding, plan: Plan, size: int) -> None:
        self.data = data
        self.position = position
        self.plan = plan
        self.size = size
        self.left = plan.budget
        self.top_group = 0
        self.root = Dataset(big=encoding.big)
        self.stack = [_Frame(False, len(data), encoding, self.root)]

    def run(self) -> Dataset:
        """Return the data set read to its end; raises ItemRefused for what is broken or beyond the plan's bounds."""
        while self.stack:
            if self.stack[-1].is_sequence:
                self._next_item()
            else:
                self._elements()
        return self.root

    def _elements(self) -> None:
        """Walk the elements of the innermost data set until it ends or a sequence must be entered."""
        frame = self.stack[-1]
        data, position = self.data, self.position
        end = frame.end if frame.end >= 0 else len(data)
        read, read_long = _HEADERS[frame.encoding.big].unpack_from, _LONGS[frame.encoding.big].unpack_from
        values, sequences = self.plan.values, self.plan.sequences
        is_root = len(self.stack) == 1
        kept = frame.dataset.values if frame.dataset is not None else None
        while position + 8 <= end:
            group, element, vr, length = read(data, position)
            self.left -= 1
            if self.left < 0:
                self._check_budget()
            if group >= self.plan.stop_group and (is_root or group == ITEM_GROUP):
                if self._special(frame, group, element, read_long(data, position + 4)[0], position):
                    return None
                position = self.position
                continue
            if frame.encoding.implicit or not (b"AA" <= vr <= b"ZZ"):  # some write single elements without VR
                vr, length, body = b"", read_long(data, position + 4)[0], position + 8
            elif vr in LONG_VRS:
                if position + 12 > end:
                    break
                length, body = read_long(data, position + 8)[0], position + 12
            else:
                body = position + 8
            if is_root:
                self.top_group = group
            tag = group << 16 | element
            if length == UNDEFINED_LENGTH or (tag in sequences and (vr in (b"SQ", b"UN", b""))):
                return self._enter(frame, tag, vr, body, length)
            after = body + length
            if after > end:
                return self._past_end(frame, after)
            if kept is not None and tag in values:
                _keep(kept, tag, data[body : min(after, body + LONGEST_KEPT)])
            position = after
        self.position = position
        return self._end_of_dataset(frame, end)

    def _special(self, frame: _Frame, group: int, element: int, length: int, position: int) -> bool:
        """Handle delimiters and the stop; return whether the data set ended."""
        self._check_budget()
        is_root = len(self.stack) == 1
        if group != ITEM_GROUP:
            self.position = position
            self.stack.clear()
            return True
        if not is_root:
            if element != ITEM_END or frame.end >= 0:
                raise ItemRefused(Reason.BAD_STRUCTURE, "an item or sequence mark stands inside an item")
            self.position = position + 8
            self.stack.pop()
            return True
        # a stray mark between elements: it has no meaning and is stepped over (PS3.5 7.5 knows none here)
        self.position = position + 8 + (length if element == ITEM and length != UNDEFINED_LENGTH else 0)
        if self.position > len(self.data):
            self._past_end(frame, self.position)
            return True
        return False

    def _enter(self, frame: _Frame, tag: int, vr: bytes, body: int, length: int) -> None:
        """Open a sequence: kept when wanted, else walked over."""
        self._check_budget()
        if vr not in NESTING_VRS:
            raise ItemRefused(Reason.BAD_STRUCTURE, f"{tag:08X} has undefined length, which its VR forbids")
        after = -1 if length == UNDEFINED_LENGTH else body + length
        limit = frame.end if frame.end >= 0 else len(self.data)
        if after > limit:
            return self._past_end(frame, after)
        items: list[Dataset] | None = None
        if frame.dataset is not None and tag in self.plan.sequences and len(self.stack) < 2 * DEEPEST_KEPT:
            items = frame.dataset.sequences.setdefault(tag, [])
        # PS3.5 6.2.2: what hides under UN is implicit little endian
        encoding = IMPLICIT_LITTLE if vr == b"UN" else frame.encoding
        self.position = body
        self.stack.append(_Frame(True, after, encoding, None, items, unsure=vr == b"UN"))
        return None

    def _next_item(self) -> None:
        frame = self.stack[-1]
        data, position = self.data, self.position
        self.left -= 1
        self._check_budget()
        if 0 <= frame.end <= position:
            self.stack.pop()
            return None
        if position + 8 > (frame.end if frame.end >= 0 else len(data)):
            return self._past_end(frame, position + 8)
        group, element, length = _ITEMS[frame.encoding.big].unpack_from(data, position)
        self.position = position + 8
        if (group, element) == (ITEM_GROUP, SEQUENCE_END):
            if frame.end < 0:
                self.stack.pop()
            return None
        if (group, element) != (ITEM_GROUP, ITEM):
            raise ItemRefused(Reason.BAD_STRUCTURE, "a sequence holds something that is no item")
        return self._open_item(frame, length)

    def _open_item(self, frame: _Frame, length: int) -> None:
        position = self.position
        end = -1 if length == UNDEFINED_LENGTH else position + length
        if end > (frame.end if frame.end >= 0 else len(self.data)):
            return self._past_end(frame, end)
        if frame.items is None and end >= 0:
            self.position = end
            return None
        encoding = frame.encoding
        if frame.unsure and self.data[position + 4 : position + 6] in KNOWN_VRS:
            encoding = EXPLICIT_LITTLE
        dataset = None
        if frame.items is not None:
            dataset = Dataset(big=encoding.big)
            frame.items.append(dataset)
        self.stack.append(_Frame(False, end, encoding, dataset))
        return None

    def _end_of_dataset(self, frame: _Frame, end: int) -> None:
        if len(self.stack) > 1 and frame.end >= 0:
            if self.position != end:
                raise ItemRefused(Reason.BAD_STRUCTURE, "an item ends within an element")
            self.stack.pop()
        elif len(self.stack) == 1 and end == self.size and not any(self.data[self.position : end]):
            self.stack.clear()  # the file ends here; a few padding zeros are no element
        else:
            self._past_end(frame, self.position + 8)

    def _past_end(self, frame: _Frame, after: int) -> None:
        """Something reaches past what holds it: refuse, stop quietly past the wanted tags, or ask for more."""
        if after > self.size:
            raise ItemRefused(Reason.TRUNCATED, f"the file ends {after - self.size} bytes before its data do")
        if 0 <= frame.end < after and (len(self.stack) > 1 or frame.end < len(self.data)):
            raise ItemRefused(Reason.BAD_STRUCTURE, "an element reaches past the item that holds it")
        if self.top_group <= self.plan.last_group:
            raise NeedMoreError
        self.stack.clear()

    def _check_budget(self) -> None:
        if self.left < 0:
            raise ItemRefused(Reason.OVERSIZED, f"more than {self.plan.budget} data elements")
