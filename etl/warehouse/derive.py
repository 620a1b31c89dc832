"""Derivation: links, dimensions and facts as a pure function of the event tables and the parameter set (decision 2).

It looks at what table `touched` notes and at exams whose facts depend on the data's now, or at everything when the
parameter set changed. Both ways give the same facts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import pandas as pd
from sqlalchemy import Connection, Table, delete, func, insert, select

from etl.warehouse.append import read_frame
from etl.warehouse.clock_pairs import clock_pairs
from etl.warehouse.clocks import derive_clocks
from etl.warehouse.closure import Closure, connected, extend
from etl.warehouse.compute import ExamFacts, identified_facts, with_matches
from etl.warehouse.data_time import data_time
from etl.warehouse.derive_entry import derive_entries, has_entries
from etl.warehouse.derive_quality import derive_completeness, derive_feeds, derive_quarantine, derive_runs
from etl.warehouse.event_set import read_all, selected
from etl.warehouse.families import EXAM_FAMILIES, WHOLE_FAMILIES
from etl.warehouse.feed_profile import derive_profiles, expectations
from etl.warehouse.keys import NO_EXAM
from etl.warehouse.local_time import microsecond
from etl.warehouse.match import UNMATCHED, best_matches
from etl.warehouse.matching import concerned, decisions, settle, write_decisions
from etl.warehouse.merge_cycles import note_cycles
from etl.warehouse.openings import derive_openings
from etl.warehouse.parameters import Parameters
from etl.warehouse.patient_events import read_patients
from etl.warehouse.patients import Patients
from etl.warehouse.scanner_facts import ScannerDays, opening_days, scanner_days, write_all, write_days
from etl.warehouse.store import remove, rewrite, store
from etl.warehouse.tables import (
    EVENT_TABLES,
    dim_patient,
    dim_scanner,
    dim_site,
    event_dose,
    event_opening,
    fact_acquisition,
    fact_clock,
    fact_completeness,
    fact_dose_event,
    fact_entry,
    fact_exam,
    fact_feed,
    fact_feed_profile,
    fact_opening,
    fact_quarantine,
    fact_report_version,
    fact_run,
    fact_scanner_hour,
    fact_slot,
    fact_unmatched,
    fact_visit,
    link,
    match_node,
    parameter_set,
    touched,
)
from etl.warehouse.unmatched import derive_unmatched

__all__ = ["DeriveReport", "data_time", "derive"]

EXAM_TABLES = (
    fact_exam, fact_slot, fact_report_version, fact_acquisition, fact_dose_event,
    *(family.table for family in EXAM_FAMILIES),
)  # fmt: skip
NOTHING_TOLD_AT = datetime(1970, 1, 1, tzinfo=UTC)
FULL_SHARE = 0.25  # when so much of the events is touched, deriving everything is quicker


@dataclass(frozen=True, slots=True)
class DeriveReport:
    """What a derivation did: exams derived, whether it was everything, and which merges (event_id) close a circle."""

    data_at: datetime | None
    exams: int
    full: bool
    changed: bool
    merge_cycles: tuple[str, ...] = ()


def derive(connection: Connection, parameters: Parameters, *, full: bool = False) -> DeriveReport:
    """Bring links, dimensions and facts up to the event tables, within the caller's transaction.

    Derives everything when `full` or when the parameter set is another than the last one used, else what was
    touched since. Empties table `touched`.
    """
    told_at = data_time(connection, parameters.rules)
    data_at = told_at or NOTHING_TOLD_AT
    noted = connection.execute(select(func.count()).select_from(touched)).scalar_one()
    fresh_parameters = _last_parameters(connection) != parameters.hash
    patients = read_patients(connection, parameters)
    full = full or fresh_parameters or noted > FULL_SHARE * _events(connection)
    way = _derive_everything if full else _derive_touched
    exams = way(connection, patients, parameters, microsecond(data_at))
    note_cycles(connection, patients.cycles)
    _about_data(connection, parameters, data_at)
    connection.execute(delete(touched))
    if fresh_parameters:
        connection.execute(delete(parameter_set).where(parameter_set.c.parameter_hash == parameters.hash))
        connection.execute(insert(parameter_set).values(parameter_hash=parameters.hash, used_at=datetime.now(UTC)))
    return DeriveReport(told_at, exams, full, bool(noted) or full, patients.cycles)


def _last_parameters(connection: Connection) -> str | None:
    last = select(parameter_set.c.parameter_hash).order_by(parameter_set.c.used_at.desc()).limit(1)
    found: str | None = connection.execute(last).scalar_one_or_none()
    return found


def _events(connection: Connection) -> int:
    return sum(connection.execute(select(func.count()).select_from(t)).scalar_one() for t in EVENT_TABLES)


def _derive_everything(connection: Connection, patients: Patients, parameters: Parameters, data_at: int) -> int:
    events = read_all(connection, parameters)
    facts = identified_facts(events, patients, parameters, data_at)
    matches = best_matches(facts.nodes, parameters.rules.matching)
    facts = with_matches(facts, events, matches, patients, parameters, data_at)
    for table in (link, *EXAM_TABLES, fact_visit, fact_scanner_hour):
        connection.execute(delete(table))
    rewrite(connection, match_node, facts.nodes.assign(matched_key=NO_EXAM, reason=UNMATCHED))
    write_decisions(connection, matches)
    openings = derive_openings(events.openings, parameters)
    rewrite(connection, fact_opening, openings)
    visit_key = write_all(connection, facts.exams, facts.slots, facts.acquisitions, openings, parameters, data_at)
    _store_exam_facts(connection, facts, visit_key)
    tokens = pd.concat([f["patient_token"] for f in (events.workflow, events.series, events.dose)])
    rewrite(connection, dim_patient, _patients(tokens, patients))
    return len(facts.exams)


def _derive_touched(connection: Connection, patients: Patients, parameters: Parameters, data_at: int) -> int:
    closure, facts = _matched_closure(connection, patients, parameters, data_at)
    keys = closure.old_exams | {int(k) for k in facts.exams["exam_key"]}
    days = _openings(connection, parameters) | _days_of(connection, closure.old_exams)
    days |= scanner_days(facts.exams, "begin_local_date", "end_local_date")
    days |= scanner_days(facts.slots, "local_date")
    _remove_exam_facts(connection, closure, facts, keys)
    store(connection, fact_slot, facts.slots)
    visit_key = pd.Series(dtype="int64")
    if days:
        window = ScannerDays(frozenset(days))
        visit_key = write_days(connection, facts.exams, facts.acquisitions, window, parameters, data_at)
    _store_exam_facts(connection, facts, visit_key, with_slots=False)
    tokens = pd.concat([f["patient_token"] for f in closure.frames.values()]).dropna().drop_duplicates()
    known = _patients(tokens, patients)
    remove(connection, dim_patient.c.patient_token, known["patient_token"])
    store(connection, dim_patient, known)
    return len(facts.exams)


def _matched_closure(
    connection: Connection, patients: Patients, parameters: Parameters, data_at: int
) -> tuple[Closure, ExamFacts]:
    """Return the closure of what was touched, with the exams whose matches this changes, and its facts."""
    before = decisions(connection)
    closure = connected(connection, patients, parameters)
    while True:
        events = closure.event_set(parameters)
        facts = identified_facts(events, patients, parameters, data_at)
        closure.exams |= set(facts.exams["exam_key"])
        matches = settle(connection, facts.nodes, closure, parameters)
        tokens, exams = concerned(before, matches, facts.nodes, closure)
        if tokens <= closure.seen and not exams:
            break
        extend(connection, closure, tokens, exams)
    write_decisions(connection, matches)
    return closure, with_matches(facts, events, matches, patients, parameters, data_at)


def _store_exam_facts(
    connection: Connection, facts: ExamFacts, visit_key: pd.Series, *, with_slots: bool = True
) -> None:
    key = visit_key.astype("Int64").reindex(facts.exams["exam_key"]).reset_index(drop=True)
    store(connection, link, facts.links.rows)
    store(connection, fact_exam, facts.exams.assign(visit_key=key))
    store(connection, fact_report_version, facts.reports)
    store(connection, fact_acquisition, facts.acquisitions)
    store(connection, fact_dose_event, facts.dose_events)
    for family in EXAM_FAMILIES:
        store(connection, family.table, facts.families[family.table.name])
    if with_slots:
        store(connection, fact_slot, facts.slots)


def _remove_exam_facts(connection: Connection, closure: Closure, facts: ExamFacts, keys: set[int]) -> None:
    """Delete what the closure's events and exams gave before."""
    remove(connection, link.c.event_id, closure.event_ids())
    for table in EXAM_TABLES:
        remove(connection, table.c.exam_key, keys - {NO_EXAM})
    if len(facts.acquisitions):
        remove(connection, fact_acquisition.c.series_key, facts.acquisitions["series_key"])
    doses = closure.frames[event_dose.name]
    if len(doses):  # those that are facts no longer among them: a report came for what an image had told
        told = doses["irradiation_token"].where(doses["irradiation_token"].notna(), doses["event_id"])
        remove(connection, fact_dose_event.c.irradiation_token, told.drop_duplicates())


def _days_of(connection: Connection, exams: set[int]) -> set[tuple[str, int]]:
    """Return the scanner days that exams touched as they are stored now."""
    days: set[tuple[str, int]] = set()
    for table, names in ((fact_exam, ("begin_local_date", "end_local_date")), (fact_slot, ("local_date",))):
        columns = [table.c[n] for n in ("scanner_code", *names)]
        frame = read_frame(connection, select(*columns).where(table.c.exam_key.in_(sorted(exams))))
        days |= scanner_days(frame, *names)
    return days


def _openings(connection: Connection, parameters: Parameters) -> set[tuple[str, int]]:
    """Rewrite the calendar when it was touched and return the scanner days on which it changed."""
    if not _is_touched(connection, event_opening):
        return set()
    before = read_frame(connection, select(fact_opening))
    rewrite(connection, fact_opening, derive_openings(read_frame(connection, selected(event_opening)), parameters))
    after = read_frame(connection, select(fact_opening))
    both = pd.concat([before.drop_duplicates(), after.drop_duplicates()], ignore_index=True)
    return opening_days(both[~both.duplicated(keep=False)], parameters)


def _is_touched(connection: Connection, table: Table) -> bool:
    noted = select(touched.c.event_id).where(touched.c.event_table == table.name).limit(1)
    return connection.execute(noted).first() is not None


def _patients(tokens: pd.Series, patients: Patients) -> pd.DataFrame:
    known = pd.concat([tokens, pd.Series(list(patients.canonical), dtype="str")]) if len(tokens) else tokens
    known = known.dropna().drop_duplicates().reset_index(drop=True)
    return pd.DataFrame({"patient_token": known, "patient_key": patients.keys(known)})


def _about_data(connection: Connection, parameters: Parameters, data_at: datetime) -> None:
    """Rewrite the small tables that describe the data and the department."""
    if has_entries(connection):
        rewrite(connection, fact_entry, derive_entries(connection, parameters))
    feeds = derive_feeds(connection, parameters, data_at)
    until = {key: at for key, at in zip(feeds["feed_key"], feeds["data_until_at"], strict=True) if pd.notna(at)}
    profiles = derive_profiles(connection, parameters, until, data_at)
    rewrite(connection, fact_feed_profile, profiles)
    rewrite(connection, fact_feed, feeds.join(expectations(profiles, parameters, until), on="feed_key"))
    rewrite(connection, fact_quarantine, derive_quarantine(connection, parameters))
    rewrite(connection, fact_run, derive_runs(connection, parameters))
    rewrite(connection, fact_completeness, derive_completeness(connection))
    rewrite(connection, fact_unmatched, derive_unmatched(connection, parameters, data_at))
    timed = clock_pairs(connection, parameters)
    rewrite(connection, fact_clock, derive_clocks(timed, parameters, microsecond(data_at)))
    sites = [(s.code, s.name, s.zone) for s in parameters.sites]
    rewrite(connection, dim_site, pd.DataFrame(sites, columns=["site_code", "name", "zone"]))
    scanners = [(s.code, s.site, s.modality, s.name) for s in parameters.scanners]
    rewrite(connection, dim_scanner, pd.DataFrame(scanners, columns=["scanner_code", "site_code", "modality", "name"]))
    for family in WHOLE_FAMILIES:
        rewrite(connection, family.table, family.derive(connection, parameters, data_at))
