"""A small department whose events tests write down one by one."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from sqlalchemy import Connection, Engine, Table, create_engine, insert

from etl.records import EventType
from etl.settings import Scanner, Site
from etl.warehouse.append import as_stored, to_frame
from etl.warehouse.compute import ExamFacts, exam_facts
from etl.warehouse.engine import append
from etl.warehouse.event_set import EventSet, prepared
from etl.warehouse.local_time import microsecond
from etl.warehouse.parameters import FeedRule, Parameters, ProcedureRule, StatusRule
from etl.warehouse.patients import merged_patients
from etl.warehouse.tables import event, event_dose, event_entry, event_opening, event_series, metadata, touched

START_AT = datetime(2026, 9, 1, 12, tzinfo=UTC)  # a Tuesday, 08:00 in New York
TOKENS = {
    "acc": "accession_token",
    "filler": "filler_token",
    "placer": "placer_token",
    "study": "study_token",
    "visit": "visit_token",
    "appt": "appointment_token",
    "patient": "patient_token",
    "procedure": "procedure_token",
    "prior": "prior_patient_token",
    "report": "report_token",
    "instance": "instance_token",
    "reader": "reader_token",
    "technologist": "technologist_token",
    "person": "person_token",
    "other": "other_person_token",
}


STEP_CODES = (
    ("mpps:IN PROGRESS", "exam_begin"),
    ("mpps:COMPLETED#begin", "exam_begin"),
    ("mpps:COMPLETED", "exam_end"),
    ("mpps:DISCONTINUED/110514*", ""),
    ("mpps:DISCONTINUED*#begin", "exam_begin"),
    ("mpps:DISCONTINUED*", "exam_discontinued"),
)


def at(minutes: float) -> datetime:
    """Return an instant so many minutes after the department's start."""
    return START_AT + timedelta(minutes=minutes)


def make_parameters(**changes: Any) -> Parameters:
    """Return parameters of two sites whose feeds say `t:<event type>`."""
    given: dict[str, Any] = {
        "sites": (
            Site(code="NORTH", name="North", zone="America/New_York"),
            Site(code="SOUTH", name="South", zone="America/Chicago"),
        ),
        "scanners": (
            Scanner(code="NCT1", site="NORTH", modality="CT", name="CT 1", station_names=("CT01", "OLDCT")),
            Scanner(code="NCT2", site="NORTH", modality="CT", name="CT 2"),
            Scanner(code="NMR1", site="NORTH", modality="MR", name="MR 1"),
            Scanner(code="SCT1", site="SOUTH", modality="CT", name="CT South"),
        ),
        "feeds": (
            FeedRule("north_hl7", "hl7v2", "NORTH"),
            FeedRule("south_hl7", "hl7v2", "SOUTH"),
            FeedRule("north_ris", "ris_csv", "NORTH"),
            FeedRule("north_dicom", "dicom_files", "NORTH"),
            FeedRule("north_mpps", "mpps", "NORTH"),
        ),
        "status_rules": tuple(
            StatusRule(kind, "", pattern + t, str(t))
            for t in EventType
            for kind, pattern in (("hl7v2", "t:"), ("hl7v2", "ADT^"), ("ris_csv", "t:"))
        )
        + tuple(StatusRule("mpps", "", pattern, kind) for pattern, kind in STEP_CODES),
        "procedure_rules": (
            ProcedureRule("CT", "* HEAD *", "CT head", "NEURO"),
            ProcedureRule("*", "*", "other", "BODY"),
        ),
        "priorities": {"S": "STAT", "A": "URGENT", "R": "ROUTINE"},
        "patient_classes": {"E": "E", "I": "I", "O": "O"},
        "modalities": {"CT": "CT", "MR": "MR", "MRI": "MR"},
    }
    return Parameters(**(given | changes))


class Ward:
    """Events of a department, added one by one; times are minutes after START_AT or datetimes."""

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = parameters
        self.rows: list[tuple[Table, dict[str, Any]]] = []

    def _when(self, given: float | datetime) -> datetime:
        return given if isinstance(given, datetime) else at(given)

    def _add(self, table: Table, when: float | datetime, feed: str, values: dict[str, Any]) -> None:
        row = {TOKENS.get(name, name): value for name, value in values.items()}
        moment = self._when(when)
        row |= {"feed_key": feed, "occurred_at": moment, "raw_time": moment.isoformat()}
        row.setdefault("site_code", "SOUTH" if feed.startswith("south") else "NORTH")
        row.setdefault("known_at", moment)
        row.setdefault("clock_key", feed)
        if isinstance(row["known_at"], (int, float)):
            row["known_at"] = at(row["known_at"])
        identity = repr(sorted((k, str(v)) for k, v in row.items() if k != "known_at"))
        row.setdefault("event_id", hashlib.sha256(f"{table.name}{identity}".encode()).hexdigest()[:32])
        row |= {"content_hash": "c", "key_epoch": 1}
        self.rows.append((table, row))

    def event(
        self, kind: str, when: float | datetime, feed: str = "north_hl7", adt: bool = False, **values: Any
    ) -> None:
        """Add a workflow event."""
        for name in ("appointment_at",):
            if name in values:
                values[name] = self._when(values[name])
        self._add(event, when, feed, {"local_code": ("ADT^" if adt else "t:") + kind, **values})

    def series(self, name: str, when: float | datetime, end: float | datetime | None = None, **values: Any) -> None:
        """Add a DICOM series."""
        ended = None if end is None else self._when(end)
        for name_ in ("performed_begin_at", "performed_end_at", "stored_at"):
            if name_ in values:
                values[name_] = self._when(values[name_])
        given = {"series_token": name, "end_at": ended, "local_code": "dicom", "modality": "CT", **values}
        self._add(
            event_series, when, values.pop("feed", "north_dicom"), {k: v for k, v in given.items() if k != "feed"}
        )

    def dose(self, name: str, when: float | datetime, **values: Any) -> None:
        """Add an irradiation event."""
        given = {"irradiation_token": name, "local_code": "dose", "modality": "CT", "is_patient": True, **values}
        self._add(event_dose, when, "north_dicom", given)

    def opening(self, scanner: str, kind: str, begin: float | datetime, end: float | datetime, **values: Any) -> None:
        """Add a stretch of the calendar."""
        begin_at, end_at = self._when(begin), self._when(end)
        feed = "south_open" if scanner.startswith("S") else "north_open"
        given = {"scanner_code": scanner, "kind": kind, "end_at": end_at, "local_date": begin_at.date()}
        self._add(event_opening, begin_at, feed, {"local_code": kind, **given, **values})

    def entry(self, kind: str, when: float | datetime, end: float | datetime | None = None, **values: Any) -> None:
        """Add a row of one of the department's own lists."""
        given = {"kind": kind, "ordinal": 0, "end_at": None if end is None else self._when(end), **values}
        self._add(event_entry, when, given.pop("feed", "north_list"), {"local_code": f"entry:{kind}", **given})

    def exam(self, acc: str, begin: float, minutes: float = 20, **values: Any) -> None:
        """Add an exam from order to final report around its begin."""
        values = {"acc": acc, "patient": f"p-{acc}", "modality": "CT", "station_name": "NCT1", **values}
        steps = (("order_entered", -120), ("patient_arrived", -15), ("exam_begin", 0), ("exam_end", minutes))
        for kind, offset in (*steps, ("prelim", minutes + 30), ("final", minutes + 60)):
            self.event(kind, begin + offset, **values)

    def step(self, acc: str, begin: float, end: float | None = None, how: str = "COMPLETED", **values: Any) -> None:
        """Add a performed procedure step as source `mpps` tells it; without an end it stays in progress."""
        values = {"acc": acc, "modality": "CT", "station_name": "NCT1", "feed": "north_mpps", **values}
        self._add(event, begin, values["feed"], {"local_code": "mpps:IN PROGRESS", **_but_feed(values)})
        if end is not None:
            self._add(event, begin, values["feed"], {"local_code": f"mpps:{how}#begin", **_but_feed(values)})
            self._add(event, end, values["feed"], {"local_code": f"mpps:{how}", **_but_feed(values)})

    def frames(self) -> tuple[pd.DataFrame, ...]:
        """Return the raw rows of the four event tables as `read_frame` would."""
        return tuple(
            to_frame(
                _aware(as_stored(t, pd.DataFrame([r for table, r in self.rows if table is t] or [{"event_id": None}])))
            )
            .dropna(subset=["event_id"])
            .reset_index(drop=True)
            for t in (event, event_series, event_dose, event_opening)
        )

    def events(self) -> EventSet:
        """Return the events prepared for derivation."""
        return prepared(*self.frames(), self.parameters)

    def facts(self, data_at: datetime | None = None) -> ExamFacts:
        """Return the exam-grain facts."""
        events = self.events()
        now = microsecond(data_at or at(7 * 1440))
        return exam_facts(events, merged_patients(events.workflow), self.parameters, now)

    def one(self, acc: str | None = None, data_at: datetime | None = None) -> dict[str, Any]:
        """Return one exam's row, the only one or that of an accession."""
        exams = self.facts(data_at).exams
        chosen = exams if acc is None else exams[exams["accession_token"] == acc]
        assert len(chosen) == 1, chosen[["exam_key", "accession_token"]]
        row: dict[str, Any] = chosen.iloc[0].to_dict()
        return row

    def load(self, connection: Connection, rows: list[tuple[Table, dict[str, Any]]] | None = None) -> None:
        """Append rows to the event tables and note them as touched."""
        given = self.rows if rows is None else rows
        for table in (event, event_series, event_dose, event_opening, event_entry):
            mine = [row for t, row in given if t is table]
            if mine:
                append(connection, table, pd.DataFrame(mine))
                noted = [{"event_table": table.name, "event_id": row["event_id"]} for row in mine]
                connection.execute(insert(touched), noted)


def _but_feed(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name != "feed"}


def _aware(rows: pa.Table) -> pa.Table:
    fields = [pa.timestamp("us", "UTC") if pa.types.is_timestamp(f.type) else f.type for f in rows.schema]
    return rows.cast(pa.schema(list(zip(rows.column_names, fields, strict=True))))


@pytest.fixture
def ward() -> Ward:
    """An empty department."""
    return Ward(make_parameters())


@pytest.fixture
def new_ward() -> Callable[..., Ward]:
    """Makes departments with changed parameters."""
    return lambda **changes: Ward(make_parameters(**changes))


@pytest.fixture
def minutes() -> Callable[[float], datetime]:
    """The instant so many minutes after the department's start."""
    return at


@pytest.fixture
def new_engine() -> Iterator[Callable[[], Engine]]:
    """Makes empty warehouses in memory."""
    made: list[Engine] = []

    def make() -> Engine:
        engine = create_engine("duckdb:///:memory:")
        metadata.create_all(engine)
        made.append(engine)
        return engine

    yield make
    for engine in made:
        engine.dispose()


@pytest.fixture
def busy_ward(new_ward: Callable[..., Ward]) -> Callable[[int], Ward]:
    """Makes departments full of everything, by seed."""

    def make(seed: int) -> Ward:
        ward, draw = new_ward(), random.Random(seed)  # noqa: S311 - test data
        for n in range(40):
            _random_exam(ward, draw, n)
        steps = random.Random(seed + 1)  # noqa: S311 - test data
        for n in range(0, 44, 3):  # the last ones are of nobody's order
            begin = steps.randrange(0, 6 * 1440, 7)
            for k in range(steps.randrange(1, 4)):
                how = steps.choice(["COMPLETED", "COMPLETED", "DISCONTINUED/110501", "DISCONTINUED/110514"])
                ward.step(f"a{n}", begin + k * 15, steps.choice([begin + k * 15 + 10, None]), how)
        _random_care(ward, random.Random(seed + 2))  # noqa: S311 - test data
        _random_identities(ward, draw)
        for day in range(-1, 9):
            ward.opening("NCT1", "open", day * 1440 - 60, day * 1440 + 540)
            ward.opening("NMR1", "open", day * 1440 - 60, day * 1440 + 1380)
            ward.opening("NCT1", "slot", day * 1440, day * 1440 + 20)
            ward.entry("shift", day * 1440, day * 1440 + 480, code="reader", person="r2")
            ward.entry("cost", day * 1440 - 5000, code="CT1", value=1.0 + day, unit="wRVU")
        ward.opening("NCT1", "downtime_unplanned", 1500, 1590)
        ward.opening("NCT1", "closure", 4 * 1440 - 60, 5 * 1440 + 540)
        for n in range(0, 45, 2):
            name = {"acc": f"a{n}"} if n % 4 else {"placer": f"p{n // 2}"}
            ward.entry("ai_result", n * 100, n * 100 + 3, code="ICH", outcome_code="positive", value=0.9, **name)
            if n % 6 == 0:  # said again and corrected
                ward.entry("ai_result", n * 100, code="ICH", value=0.2, known_at=n * 100 + 60, **name)
        return ward

    return make


def _random_exam(ward: Ward, draw: random.Random, n: int) -> None:
    begin = draw.randrange(0, 6 * 1440, 7)
    scanner = draw.choice(["NCT1", "NCT2", "NMR1", "CT01"])
    ids = {
        "acc": f"a{n}",
        "filler": f"f{n}",
        "placer": f"p{n // 2}",
        "study": f"s{n - n % 3}" if n % 7 == 0 else f"s{n}",
    }
    ids |= {"patient": f"pat{n // 3}", "visit": f"v{n // 4}"}
    sent = draw.choice([("placer", "patient"), ("placer", "filler", "patient")])
    order = {name: ids[name] for name in sent}
    ward.event("order_entered", begin - 2000, **order, priority_code=draw.choice("SAR"), patient_class_code="O")
    appt = {"appt": f"ap{n}", "station_name": scanner, "planned_duration_min": draw.choice([20.0, 30.0])}
    ward.event("exam_scheduled", begin - 1990, filler=f"f{n}", appointment_at=begin - 5, **appt)
    if draw.random() < 0.3:
        ward.event("exam_rescheduled", begin - 1500, filler=f"f{n}", appointment_at=begin + 2, **appt)
    fate = draw.random()
    if fate < 0.15:
        ward.event("appt_cancelled", begin - draw.randrange(10, 900), appt=f"ap{n}")
    if 0.1 < fate < 0.2:
        ward.event("no_show", begin + 30, filler=f"f{n}")
    if fate >= 0.15:
        _random_performance(ward, draw, n, begin, scanner, ids)
    if n % 11 == 0:
        ward.event("patient_merged", begin, patient=f"pat{n}", prior=f"pat{n // 3}")


def _random_care(ward: Ward, draw: random.Random) -> None:
    """Critical findings told in any order, and follow-ups some of which another exam of the patient answers."""
    for n in range(0, 40, 2):
        when, kind = draw.randrange(0, 8000, 10), draw.choice(["1", "2", None])
        for step in ("crit_identified", "crit_notified", "crit_ack", "crit_delegated", "crit_closed"):
            if draw.random() < 0.6:
                feed = draw.choice(["north_hl7", "north_ris"])
                ward.event(step, when + draw.randrange(300), feed, acc=f"a{n}", result_code=kind, reader_token="r1")  # noqa: S106 - a pseudonym
        if n % 4 == 0:
            ward.entry("communication", when, acc=f"a{n}", person="r1", code="phone", outcome_code="read_back")
    for n in range(0, 40, 3):
        when, code = draw.randrange(0, 6000, 10), draw.choice(["CT1D", "CT", "2D", "MR3D"])
        ward.event("followup_recommended", when, acc=f"a{n}", result_code=code)
        for step in ("followup_scheduled", "followup_completed", "followup_dismissed"):
            if draw.random() < 0.3:
                ward.event(step, when + draw.randrange(4000), acc=f"a{n}", reason_code="death")


def _random_identities(ward: Ward, draw: random.Random) -> None:
    """Merges in chains and circles, unlinks, updates, numbers given out again, orders cancelled and taken up."""
    for _ in range(12):
        a, b = draw.sample(range(14), 2)
        kind = draw.choice(["patient_merged", "patient_merged", "patient_linked", "patient_unmerged"])
        ward.event(kind, draw.randrange(0, 9000, 50), adt=True, patient=f"pat{a}", prior=f"pat{b}")
    for _ in range(6):
        said = {"birth_year": draw.randrange(1940, 1990), "sex": draw.choice("MF")}
        when = draw.randrange(-3000, 9000)
        ward.event("patient_updated", when, adt=True, patient=f"pat{draw.randrange(14)}", **said)
    for n in draw.sample(range(40), 8):
        begin, patient = draw.choice([5000, 3 * 365 * 1440]), f"pat{draw.randrange(14)}"
        number = draw.choice([{"filler": f"f{n}"}, {"placer": f"p{n // 2}"}, {"acc": f"a{n}", "filler": f"f{n}"}])
        ward.event("order_entered", begin, patient=patient, **number)
        ward.event("exam_begin", begin + 60, patient=patient, station_name="NCT2", **number)
    for n in draw.sample(range(40), 6):
        ward.event("order_changed", draw.randrange(-1900, 9000), filler=f"f{n}", acc=draw.choice([f"a{n}", f"b{n}"]))
        ward.event("order_cancelled", when := draw.randrange(-1900, 9000), filler=f"f{n}")
        ward.event(draw.choice(["order_reinstated", "order_entered", "order_replaced"]), when + 5, filler=f"f{n}")


def _random_performance(ward: Ward, draw: random.Random, n: int, begin: int, scanner: str, ids: dict[str, str]) -> None:
    length = draw.randrange(5, 90)
    ward.event("patient_arrived", begin - 12, adt=True, visit=ids["visit"], patient=ids["patient"])
    if draw.random() < 0.5:
        ids = ids | {"procedure": f"rp{n // 2}"}
    person = {"birth_year": 1950 + n, "sex": "F"} if draw.random() < 0.7 else {}
    ward.event("exam_begin", begin, **ids, **person, modality="CT", station_name=scanner)
    if draw.random() < 0.9:
        ward.event("exam_end", begin + length, filler=f"f{n}", station_name=scanner)
    elif draw.random() < 0.5:
        ward.event("order_cancelled", begin + 3, filler=f"f{n}")
    if draw.random() < 0.3:
        _random_misnamed_images(ward, draw, n, begin + draw.randrange(-40, 60), scanner, ids)
    elif draw.random() < 0.8:
        for k in range(2):
            at_ = begin + 2 + k * length * 0.8
            end = at_ + length * 0.5 if n % 3 == 0 else None
            ward.series(f"se{n}.{k}", at_, end, study=ids["study"], station_name=scanner)
        ward.dose(f"ir{n}", begin + 3, acc=ids["acc"], dlp_mgy_cm=100.0 + n, patient=ids["patient"])
    if draw.random() < 0.8:
        ward.event("prelim", begin + length + 40, acc=ids["acc"], reader="r1")
        ward.event("final", begin + length + 90, study=ids["study"], reader="r2")


def _random_misnamed_images(
    ward: Ward, draw: random.Random, n: int, begin: int, scanner: str, ids: dict[str, str]
) -> None:
    """Images with a missing or mistyped accession, of a study nobody ordered, maybe of a patient mistyped too."""
    given = {"study": f"own{n}", "patient": draw.choice([ids["patient"], ids["patient"], f"typo{n}", None])}
    given |= draw.choice([{}, {"acc": f"typo{n}"}, {"procedure": f"rp{n // 2}"}, {"study": None}])
    given["station_name"] = draw.choice([scanner, scanner, "UNKNOWN"])
    given = {name: value for name, value in given.items() if value is not None}
    modality = "MR" if scanner == "NMR1" else "CT"
    for k in range(draw.choice([1, 2])):
        ward.series(f"mis{n}.{k}", begin + k * 5, modality=modality, birth_year=1950 + n, sex="F", **given)
    if draw.random() < 0.3:
        ward.dose(f"mir{n}", begin + 1, dlp_mgy_cm=7.0, **given)
