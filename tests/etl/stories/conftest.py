"""Stories told as HL7 messages to a real warehouse, in any order; many tellings share one warehouse.

A telling is a story under identifiers of its own: `@` in a message stands for the telling's name. So hundreds of
orders of one story are loaded and derived together, step by step, and must give the same facts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import Engine, Table, create_engine, select

from etl.settings import Feed, Settings
from etl.sources.hl7_rules import field_rules
from etl.sources.hl7v2 import items
from etl.staging import Pseudonymiser, stage
from etl.warehouse import derive as derivation
from etl.warehouse.derive import DeriveReport, derive
from etl.warehouse.engine import read_frame
from etl.warehouse.load import load
from etl.warehouse.parameters import load_parameters
from etl.warehouse.tables import dim_patient, event, fact_exam, fact_report_version, fact_slot, metadata

START_AT = datetime(2026, 9, 1, 12, tzinfo=UTC)
NOW_AT = START_AT + timedelta(days=30)
# what tells a telling apart, or when it was derived
OWN = {
    "exam_key", "patient_key", "visit_key", "slot_key", "accession_token", "procedure_code", "procedure_group",
}  # fmt: skip


class Hospital:
    """A warehouse that is told messages."""

    def __init__(self, settings: Settings, feed: Feed, pseudonymiser: Pseudonymiser) -> None:
        self.settings, self.feed, self.pseudonymiser = settings, feed, pseudonymiser
        self.engine: Engine = create_engine("duckdb:///:memory:")
        metadata.create_all(self.engine)
        self.parameters = load_parameters(settings)
        self.report: DeriveReport | None = None
        self._told = 0

    def tell(self, messages: Sequence[str]) -> None:
        """Load the messages and derive what they touch."""
        self._told += 1
        text = "\r".join(messages).encode()
        offered = items(text, f"{self._told}.hl7", self.settings.zone_of(self.feed), field_rules({}))
        batch = stage(offered, self.feed, self.settings, self.pseudonymiser, now_at=NOW_AT)
        with self.engine.begin() as connection:
            counts = load(connection, self.feed, [batch], str(self._told), NOW_AT)
            assert counts.quarantined == counts.filtered == 0
            self.report = derive(connection, self.parameters)

    def tell_all(self, tellings: dict[str, Sequence[str]], at_once: int = 1) -> None:
        """Tell every telling its next messages at each step, `at_once` of them."""
        longest = max(map(len, tellings.values()))
        for n in range(0, longest, at_once):
            self.tell([text.replace("@", name) for name, m in tellings.items() for text in m[n : n + at_once]])

    def frame(self, table: Table) -> pd.DataFrame:
        """Return a table's rows."""
        with self.engine.connect() as connection:
            return read_frame(connection, select(table))

    def token(self, kind: str, value: str) -> str:
        """Return the token of an identifier."""
        found = self.pseudonymiser.token(kind, "NORTH", value)
        assert found is not None
        return found

    def facts(self) -> dict[str, list[str]]:
        """Return by telling (procedure_code) its exams, slots and reports as text, without what is its own."""
        exams = self.frame(fact_exam)
        name = exams.set_index("exam_key")["procedure_code"]
        found: dict[str, list[str]] = {}
        for table in (fact_exam, fact_slot, fact_report_version):
            rows = self.frame(table)
            rows = rows.assign(telling=rows["exam_key"].map(name))
            plain = rows[[c for c in rows.columns if c not in OWN | {"telling"}]]
            for telling, *line in zip(rows["telling"], *[plain[c].tolist() for c in plain.columns], strict=True):
                found.setdefault(telling, []).append(f"{table.name}|{line}")
        return {telling: sorted(lines) for telling, lines in found.items()}

    def patients(self, telling: str, names: str) -> str:
        """Return which of the one-letter patients are one, as `ab c`; they are numbered M<letter><telling>."""
        rows = self.frame(dim_patient).set_index("patient_token")["patient_key"]
        groups: dict[Any, str] = {}
        for letter in names:
            key = rows.get(self.token("patient", f"M{letter}{telling}"), letter)
            groups[key] = groups.get(key, "") + letter
        return " ".join(sorted(groups.values()))

    def circles(self) -> set[str]:
        """Return the merges in a circle as pairs of patient tokens."""
        assert self.report is not None
        rows = self.frame(event).set_index("event_id").loc[list(self.report.merge_cycles)]
        return set(rows["prior_patient_token"] + ">" + rows["patient_token"])


class Teller:
    """Writes the messages of one exam, one an hour; identifiers end in `@`."""

    def __init__(self) -> None:
        self.hour = 0

    def tell(self, step: str, patient: str = "a", **more: str) -> str:
        """Return the message of a step such as `order`, `cancel:CA`, `siu:S15`, `merge:b`, `unlink:b`."""
        word, _, code = step.partition(":")
        at = (START_AT + timedelta(hours=self.hour)).strftime("%Y%m%d%H%M%S+0000")
        self.hour += 1
        ids = {"acc": "A@", "filler": "F@", "placer": "P@", "birth": "19610203", "sex": "F", **more}
        pid = f"PID|1||M{patient}@^^^NORTH^MR||X||{ids['birth']}|{ids['sex']}"
        return "\r".join([line.replace("%AT", at).replace("%PID", pid) for line in self._lines(word, code, ids)])

    def _lines(self, word: str, code: str, ids: dict[str, str]) -> list[str]:
        if word in ORDER_STEPS or word in ("cancel", "status", "change"):
            return self._order(word, code, ids)
        if word in RESULT_STEPS or word == "obr":
            return self._result(RESULT_STEPS.get(word, code), ids)
        if word in ("book", "siu"):
            return self._booking(code or "S12", ids)
        kind = {"arrive": "A04", "merge": "A40", "link": "A24", "unlink": "A37", "update": "A08"}[word]
        head = [_msh(f"ADT^{kind}"), f"EVN|{kind}|%AT", "%PID"]
        if word == "arrive":
            return [*head, "PV1|1|O|||||||||||||||||V@"]
        if word == "merge":
            return [*head, f"MRG|M{code}@^^^NORTH^MR"]
        if word == "update":
            return head
        return [*head, "PV1|1|O", f"PID|2||M{code}@^^^NORTH^MR", "PV1|1|O"]

    def _order(self, word: str, code: str, ids: dict[str, str]) -> list[str]:
        said = {"cancel": (code, ""), "status": ("SC", code), "change": ("XO", code)}
        control, status = (ORDER_STEPS | said)[word]
        orc = f"ORC|{control}|{ids['placer']}|{ids['filler']}||{status}||||%AT"
        return [_msh("ORM^O01"), "%PID", "PV1|1|O|||||||||||||||||V@", orc, _obr(ids)]

    def _result(self, status: str, ids: dict[str, str]) -> list[str]:
        return [_msh("ORU^R01"), "%PID", f"ORC|RE|{ids['placer']}|{ids['filler']}", _obr(ids, status)]

    def _booking(self, trigger: str, ids: dict[str, str]) -> list[str]:
        start = (START_AT + timedelta(hours=30 + (self.hour > 3))).strftime("%Y%m%d%H%M%S+0000")
        sch = f"SCH|AP@|AP@|||||||30|MIN|^^30^{start}|||||||||||||||{ids['placer']}|{ids['filler']}"
        return [
            _msh(f"SIU^{trigger}"),
            sch,
            "%PID",
            "PV1|1|O|||||||||||||||||V@",
            "RGS|1",
            "AIS|1|A|@^CT",
            "AIL|1|A|NCT1",
        ]


ORDER_STEPS = {"order": ("NW", ""), "accept": ("OK", ""), "begin": ("SC", "IP"), "end": ("SC", "CM")}
RESULT_STEPS = {"prelim": "P", "final": "F", "correct": "C"}


def _msh(kind: str) -> str:
    return f"MSH|^~\\&|RIS|NORTH|RAD|NORTH|%AT||{kind}|C|P|2.5.1"


def _obr(ids: dict[str, str], status: str = "") -> str:
    given = {
        2: ids["placer"],
        3: ids["filler"],
        4: "@^CT^L",
        18: ids["acc"],
        21: "NCT1",
        22: "%AT",
        24: "CT",
        25: status,
    }
    return "OBR|" + "|".join(given.get(n, "1" if n == 1 else "") for n in range(1, 26))


@pytest.fixture
def hospital(
    settings: Settings, feed: Feed, pseudonymiser: Pseudonymiser, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Hospital]:
    """An empty warehouse that derives what is touched, however much that is."""
    monkeypatch.setattr(derivation, "FULL_SHARE", 9.0)
    made = Hospital(settings, feed, pseudonymiser)
    yield made
    made.engine.dispose()


@pytest.fixture
def new_teller() -> Callable[[], Teller]:
    """Makes writers of messages."""
    return Teller
