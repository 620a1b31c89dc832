"""Queues replayed by brute force from raw HL7 files: one message after the other, one order after the other.

Nothing here comes from `etl`: messages are split at their bars, each order is a list of happenings in time, and an
instant's queues are found by walking through every order's happenings up to it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

ZONES = {"NORTH": ZoneInfo("America/New_York"), "SOUTH": ZoneInfo("America/Chicago")}
SIU = {"S12": "booked", "S13": "booked", "S14": "booked", "S15": "called_off", "S26": "missed"}
ORDERS = {"NW": "ordered", "IP": "begun", "CM": "ended", "CA": "stopped", "DC": "stopped"}
RESULTS = {"P": "reported", "F": "reported", "C": "reported"}
# what happens in one second is told in this order
SEQUENCE = ("ordered", "called_off", "missed", "stopped", "booked", "arrived", "begun", "ended", "reported")
PHASE_OF = {"unread": "report", "waiting": "patient_wait"}
Happening = tuple[datetime, int, str]


class Orders:
    """Every order's happenings, with its modality and patient class."""

    def __init__(self, folder: Path) -> None:
        """Read the HL7 files of both hospitals; `folder` is the department's."""
        self.happenings: dict[str, set[Happening]] = defaultdict(set)
        self.about: dict[str, tuple[str, str, str]] = {}
        self.priority: dict[str, str] = {}
        self.appointments: dict[str, list[tuple[datetime, datetime]]] = defaultdict(list)  # told at, for when
        self._arrived: list[tuple[str, datetime]] = []
        self._of_visit: dict[str, set[str]] = defaultdict(set)
        for site in ZONES:
            for file in sorted((folder / "feeds" / f"{site.lower()}_hl7").glob("*.hl7")):
                for message in messages(file):
                    self._take(message, site)
        for visit, at in self._arrived:
            for order in self._of_visit[visit]:
                self._note(order, at, "arrived")

    def _note(self, order: str, at: datetime, what: str) -> None:
        self.happenings[order].add((at, SEQUENCE.index(what), what))

    def _take(self, message: dict[str, list[str]], site: str) -> None:
        kind, event = message["MSH"][8].split("^")[:2]
        visit = field(message, "PV1", 19)
        if kind == "ADT":
            if event == "A04":
                self._arrived.append((visit, moment(field(message, "EVN", 6), site)))
            return
        if kind == "SIU":
            order = field(message, "SCH", 26)
            told = moment(message["MSH"][6], site)
            self._note(order, told, SIU[event])
            if SIU[event] == "booked":
                self.appointments[order].append((told, moment(field(message, "SCH", 11, 4), site)))
            return
        order = field(message, "ORC", 2)
        self._of_visit[visit].add(order)
        self.about[order] = (site, field(message, "OBR", 24), field(message, "PV1", 2))
        sent = field(message, "TQ1", 9) or field(message, "OBR", 27, 6)
        self.priority[order] = {"S": "STAT", "A": "URGENT", "R": "ROUTINE"}.get(sent, self.priority.get(order, ""))
        if kind == "ORU":
            if field(message, "OBR", 25) in RESULTS:
                self._note(order, moment(field(message, "OBR", 22), site), "reported")
        else:
            control, status = field(message, "ORC", 1), field(message, "ORC", 5)
            what = ORDERS.get(control) or ORDERS.get(status)
            if what is not None:
                self._note(order, moment(field(message, "ORC", 9), site), what)


def messages(file: Path) -> Iterator[dict[str, list[str]]]:
    """Yield each message as its segments' fields, MSH-1 being the bar itself."""
    found: dict[str, list[str]] = {}
    for line in file.read_bytes().decode().replace("\n", "\r").split("\r"):
        fields = line.split("|")
        if fields[0] == "MSH" and found:
            yield found
            found = {}
        if fields[0] not in ("", "FHS", "BHS", "BTS", "FTS"):
            found.setdefault(fields[0], fields)
    if found:
        yield found


def field(message: dict[str, list[str]], segment: str, number: int, component: int = 1) -> str:
    """Return a component of a field, '' where it is not sent."""
    fields = message.get(segment, [])
    parts = fields[number].split("^") if number < len(fields) else []
    return parts[component - 1] if component <= len(parts) else ""


def moment(text: str, site: str) -> datetime:
    """Return a time as sent, in the hospital's zone where it carries no offset."""
    if len(text) > 14:
        return datetime.strptime(text, "%Y%m%d%H%M%S%z")
    return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=ZONES[site])


def queues(orders: Orders, at: datetime, bookable: set[tuple[str, str]]) -> dict[str, list[float]]:
    """Return the ages in minutes of the unread, the waiting and the unscheduled at an instant."""
    found: dict[str, list[float]] = {"unread": [], "waiting": [], "unscheduled": []}
    for order, (site, modality, patient_class) in orders.about.items():
        since = _replayed(sorted(h for h in orders.happenings[order] if h[0] <= at))
        for queue, entered in since.items():
            if queue != "unscheduled" or (patient_class == "O" and (site, modality) in bookable):
                found[queue].append((at - entered).total_seconds() / 60)
    return {queue: sorted(ages) for queue, ages in found.items()}


def overdue(orders: Orders, at: datetime, rules: list[dict[str, str]]) -> list[float]:
    """Return for how many minutes the unread and the waiting have been beyond their target at an instant."""
    found = []
    for order, (site, modality, patient_class) in orders.about.items():
        about = {"site": site, "modality": modality, "priority": orders.priority[order], "patient_class": patient_class}
        for queue, entered in _replayed(sorted(h for h in orders.happenings[order] if h[0] <= at)).items():
            limit = _limit(rules, PHASE_OF.get(queue, ""), about, entered.astimezone(ZONES[site]).date().isoformat())
            if limit is None:
                continue
            booked = [due for told, due in sorted(orders.appointments[order]) if told <= entered]
            due = max(entered, booked[-1]) if queue == "waiting" and booked else entered
            age = (at - due).total_seconds() / 60 - limit
            found += [age] if age >= 0 else []
    return sorted(found)


def _limit(rules: list[dict[str, str]], phase: str, about: dict[str, str], day: str) -> float | None:
    """Return the target in minutes of the rule that names most of whom it is about; None without one."""
    fits = [
        rule
        for rule in rules
        if rule["phase"] == phase
        and rule["valid_from"] <= day
        and (not rule["valid_to"] or day < rule["valid_to"])
        and all(rule[name] in ("*", value) for name, value in about.items())
    ]
    best = max(fits, key=lambda rule: sum(rule[name] != "*" for name in about), default=None)
    return None if best is None else float(best["target_min"])


def _replayed(happenings: list[Happening]) -> dict[str, datetime]:
    """Return the queues an order is in after its happenings, and since when."""
    since: dict[str, datetime] = {}
    seen: set[str] = set()
    for at, _, what in happenings:
        if what == "ordered" and not seen:
            since["unscheduled"] = at
        elif what == "called_off" and "begun" not in seen:
            since.pop("waiting", None)
            # what is called off was booked before, whether anybody told of it or not
            was_open = since.get("unscheduled", at)
            since["unscheduled"] = was_open if seen & {"booked", "called_off"} else at
        elif what == "arrived":
            since.pop("unscheduled", None)
            if not seen & {"begun", "ended", "reported"}:
                since.setdefault("waiting", at)
        elif what == "ended" and "begun" in seen and not seen & {"stopped", "reported"}:
            since = {"unread": at}
        else:  # booked, begun, missed, stopped, reported, or ended without a begin
            gone = ("unscheduled",) if what == "booked" else ("unscheduled", "waiting", "unread")
            for queue in gone:
                since.pop(queue, None)
        seen.add(what)
    return since
