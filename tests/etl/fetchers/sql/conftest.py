"""A RIS of our own design on a real PostgreSQL, filled on the server; its ideas come from public schemas.

VistA's files 70 (registrations with status times), 71 (procedures), 72 (examination statuses), 74 (reports with
their history), 75.1 (orders) and 78.6 (devices); OpenMRS's radiology module (orders, studies, reports); GNU Health's
imaging (requests, results, rooms). Times of the RIS are local wall clock without zone, as in most; reports' are aware.
"""

from __future__ import annotations

import os
import secrets
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL, Engine, create_engine, text

from etl.fetchers.ris_sql import RisSql
from etl.settings import Feed, Settings, Site
from etl.staging import make_key

SCHEMA = """
CREATE SCHEMA ris;
CREATE TABLE ris.room (room_id int PRIMARY KEY, name text NOT NULL, site text NOT NULL);
CREATE TABLE ris.device (device_id int PRIMARY KEY, room_id int REFERENCES ris.room, ae_title text, modality text);
CREATE TABLE ris.procedure (procedure_id int PRIMARY KEY, code text, name text, modality text, minutes numeric(6,2));
CREATE TABLE ris.patient (patient_id int PRIMARY KEY, mrn text UNIQUE, birth_date date, sex char(1));
CREATE TABLE ris.imaging_order (
    order_id bigint PRIMARY KEY, placer_order_number text, patient_id int REFERENCES ris.patient,
    procedure_id int REFERENCES ris.procedure, priority text, entered_at timestamp, clinician text);
CREATE TABLE ris.appointment (
    appointment_id bigint PRIMARY KEY, order_id bigint, device_id int, starts_at timestamp, state text);
CREATE TABLE ris.exam (
    exam_id bigint PRIMARY KEY, order_id bigint, device_id int, accession_number text, status text,
    arrived_at timestamp, begun_at timestamp, ended_at timestamp, updated_at timestamp(6) NOT NULL);
CREATE TABLE ris.report (
    report_id bigint PRIMARY KEY, exam_id bigint, preliminary_at timestamptz, verified_at timestamptz);
CREATE TABLE ris.report_version (report_id bigint, version int, saved_at timestamptz, body text);
CREATE TABLE ris.status_history (
    history_id bigserial PRIMARY KEY, exam_id bigint, status text, changed_at timestamp, written_at timestamptz);
CREATE TABLE ris.written_by_mistake (n int);
CREATE SEQUENCE ris.counter;
CREATE FUNCTION ris.mistake() RETURNS int LANGUAGE sql AS 'INSERT INTO ris.written_by_mistake VALUES (1) RETURNING n';
INSERT INTO ris.room SELECT n, 'Room ' || n, 'NORTH' FROM generate_series(1, 8) n;
INSERT INTO ris.device SELECT n, n, 'NCT' || n, (ARRAY['CT','MR','DX','US'])[1 + n % 4] FROM generate_series(1, 8) n;
INSERT INTO ris.procedure
    SELECT n, 'P' || n, 'Procedure ' || n || ', "plain"', (ARRAY['CT','MR','DX','US'])[1 + n % 4], 15 + n % 4 * 10
    FROM generate_series(1, 40) n;
INSERT INTO ris.patient SELECT n, 'MRN' || lpad(n::text, 7, '0'), date '1930-01-01' + n, 'F'
    FROM generate_series(1, 5000) n;
"""
# exam n was ordered :step seconds after the one before it; every 50th is not reported yet
FILL = """
INSERT INTO ris.imaging_order SELECT n, 'O' || n, 1 + n % 5000, 1 + n % 40, (ARRAY['R','S'])[1 + n % 2],
    timestamp '2025-01-06 07:00' + n * (:step * interval '1 second'), 'DR' || n % 90 FROM generate_series(1, :n) n;
INSERT INTO ris.appointment SELECT order_id, order_id, 1 + order_id % 8, entered_at + interval '30 minutes', 'BOOKED'
    FROM ris.imaging_order;
INSERT INTO ris.exam SELECT order_id, order_id, 1 + order_id % 8, 'A' || lpad(order_id::text, 9, '0'), 'COMPLETE',
    entered_at + interval '20 minutes', entered_at + interval '35 minutes 7.25 seconds',
    entered_at + interval '50 minutes', entered_at + interval '2 hours 0.123456 seconds' FROM ris.imaging_order;
INSERT INTO ris.report SELECT exam_id, exam_id,
    CASE WHEN exam_id % 2 = 0 THEN (ended_at + interval '10 minutes') AT TIME ZONE 'America/New_York' END,
    (ended_at + interval '70 minutes 0.5 seconds') AT TIME ZONE 'America/New_York' FROM ris.exam WHERE exam_id % 50 > 0;
INSERT INTO ris.report_version SELECT report_id, 1, verified_at, 'text' FROM ris.report WHERE report_id % 10 = 0;
INSERT INTO ris.status_history (exam_id, status, changed_at, written_at)
    SELECT exam_id, s.status, begun_at + s.minutes * interval '1 minute',
        (begun_at + (s.minutes + 1) * interval '1 minute') AT TIME ZONE 'America/New_York'
    FROM ris.exam CROSS JOIN (VALUES ('WAITING FOR EXAM', -15), ('IN_PROGRESS', 0), ('EXAMINED', 15),
        ('COMPLETE', 85)) s (status, minutes) WHERE exam_id <= :histories ORDER BY exam_id, s.minutes;
CREATE INDEX ON ris.exam (updated_at, exam_id);
CREATE INDEX ON ris.report (exam_id);
CREATE INDEX ON ris.status_history (written_at, history_id);
ANALYZE;
"""
EXAMS = """
SELECT e.accession_number, o.placer_order_number, p.mrn AS patient_id, p.birth_date, p.sex, d.modality,
       d.ae_title AS station_name, c.code AS procedure_code, c.name AS procedure_text, o.priority AS priority_code,
       o.clinician AS ordering_person, a.starts_at AS appointment_at, c.minutes AS planned_duration_min,
       o.entered_at AS order_entered, e.arrived_at AS patient_arrived, e.begun_at AS exam_begin,
       e.ended_at AS exam_end, r.preliminary_at AS prelim, r.verified_at AS final, e.updated_at AS known_at, e.exam_id
FROM ris.exam e
JOIN ris.imaging_order o ON o.order_id = e.order_id
JOIN ris.patient p ON p.patient_id = o.patient_id
JOIN ris.procedure c ON c.procedure_id = o.procedure_id
JOIN ris.device d ON d.device_id = e.device_id
LEFT JOIN ris.appointment a ON a.appointment_id = o.order_id
LEFT JOIN ris.report r ON r.exam_id = e.exam_id
"""
HISTORY = """
SELECT e.accession_number, h.status, h.changed_at AS status_at, h.written_at AS known_at, h.history_id
FROM ris.status_history h JOIN ris.exam e ON e.exam_id = h.exam_id;  -- one row a change
"""


@dataclass
class Ris:
    """A RIS to read from: its administrator's engine, and an installation with one feed that reads it."""

    admin: Engine
    base: Path
    n: int
    reader: str

    @property
    def settings(self) -> Settings:
        """One site, in New York's time, with a pseudonym key."""
        if not (self.base / "pseudonym.key").exists():
            make_key(self.base / "pseudonym.key")
        return Settings(base=self.base, sites=(Site(code="NORTH", name="North", zone="America/New_York"),))

    def let_in(self) -> None:
        """Let the reader in, with more rights than a site should give it."""
        for what in ("USAGE ON SCHEMA ris", "ALL ON ALL TABLES IN SCHEMA ris", "ALL ON ALL SEQUENCES IN SCHEMA ris"):
            self.run(f"GRANT {what} TO {self.reader}")
        self.run(f"ALTER ROLE {self.reader} LOGIN")

    def as_new(self) -> None:
        """Undo what a test did."""
        self.run("DROP SCHEMA ris CASCADE")
        fill(self.admin, self.n, step=600, histories=self.n)
        self.let_in()

    def run(self, statement: str, **values: Any) -> Any:
        """Run a statement as the RIS itself and return its result's rows."""
        with self.admin.begin() as connection:
            result = connection.execute(text(statement), values)
            return result.all() if result.returns_rows else None

    def feed(self, **changes: Any) -> Feed:
        """A feed with its fetch options changed; those that are None are left out."""
        url = self.admin.url._replace(username=None)
        fetch = {
            "kind": "sql", "url": url.render_as_string(), "user": self.reader, "query": EXAMS,
            "watermark": "known_at", "key": "exam_id", "page_rows": 500,
        }  # fmt: skip
        options = {k: v for k, v in (fetch | changes).items() if v is not None}
        return Feed(key="ris", kind="ris_csv", site="NORTH", path=Path("in/ris"), fetch=options)


def fill(engine: Engine, n: int, *, step: float, histories: int) -> None:
    """Fill an empty database with `n` exams, on the server."""
    statements = SCHEMA + FILL.replace(":step", str(step)).replace(":n)", f"{n})").replace(":histories", str(histories))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for statement in statements.split(";\n"):
            if statement.strip():
                connection.exec_driver_sql(statement)


@pytest.fixture(scope="module")
def make_ris(postgresql_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Ris]]:
    """Makes databases with a RIS of a given size, each read by a role of its own; the server goes, and they with it."""
    socket = Path(postgresql_server)
    server = create_engine(_url(socket, "postgres", "postgres"), isolation_level="AUTOCOMMIT")
    made: list[Engine] = []

    def make(n: int, *, step: float = 600, histories: int | None = None) -> Ris:
        name = f"ris_{uuid.uuid4().hex[:12]}_{os.getpid()}"
        with server.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
            connection.execute(text(f"CREATE ROLE {name} LOGIN PASSWORD '{secrets.token_hex(8)}'"))
        admin = create_engine(_url(socket, name, "postgres"))
        made.append(admin)
        fill(admin, n, step=step, histories=n if histories is None else histories)
        ris = Ris(admin, tmp_path_factory.mktemp("site"), n, name)
        ris.let_in()
        return ris

    yield make
    for engine in (server, *made):
        engine.dispose()


def _url(socket: Path, database: str, user: str | None) -> str:
    url = URL.create("postgresql+pg8000", username=user, database=database, query={"unix_sock": str(socket)})
    return url.render_as_string()


@pytest.fixture
def fetcher() -> RisSql:
    """The fetcher under test."""
    return RisSql()


@pytest.fixture
def history_query() -> str:
    """A query that gives a row for each change of an exam's status."""
    return HISTORY
