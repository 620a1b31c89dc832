"""From prepared events to exam-grain facts: one pure function, whole set or closure alike."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from etl.warehouse.derive_acquisition import derive_acquisitions
from etl.warehouse.derive_dose import derive_dose_events
from etl.warehouse.derive_dose_exam import event_dimensions
from etl.warehouse.derive_exam import derive_exams
from etl.warehouse.derive_report import derive_report_versions
from etl.warehouse.derive_slot import booked_at_midnight, derive_slots
from etl.warehouse.event_set import EventSet
from etl.warehouse.families import EXAM_FAMILIES
from etl.warehouse.keys import NO_EXAM
from etl.warehouse.link import Links, link_events
from etl.warehouse.match import SCORED, UNMATCHED, Matches, best_matches
from etl.warehouse.match_nodes import nodes_of
from etl.warehouse.order_numbers import distinct_numbers
from etl.warehouse.parameters import Parameters
from etl.warehouse.patients import Patients


@dataclass(frozen=True, slots=True)
class ExamFacts:
    """Frames of the exam-grain facts; they may hold columns beside their table's."""

    links: Links
    exams: pd.DataFrame  # without visit_key; with study_token
    slots: pd.DataFrame
    reports: pd.DataFrame
    acquisitions: pd.DataFrame
    dose_events: pd.DataFrame
    nodes: pd.DataFrame  # both sides of scored matching, as identifiers alone leave them
    families: dict[str, pd.DataFrame] = field(default_factory=dict)  # rows of EXAM_FAMILIES by table


def exam_facts(events: EventSet, patients: Patients, parameters: Parameters, data_at: int) -> ExamFacts:
    """Return the exam-grain facts of a set of events that is closed under identifiers and candidates for a match."""
    facts = identified_facts(events, patients, parameters, data_at)
    matches = best_matches(facts.nodes, parameters.rules.matching)
    return with_matches(facts, events, matches, patients, parameters, data_at)


def identified_facts(events: EventSet, patients: Patients, parameters: Parameters, data_at: int) -> ExamFacts:
    """Return the facts as identifiers alone link events; the set is closed under identifiers."""
    numbered = distinct_numbers(events, patients)
    links = numbered.links(link_events(numbered.events, parameters))
    facts = _facts(events, links, patients, parameters, data_at)
    nodes = nodes_of(facts.exams, facts.links.exams, facts.acquisitions, facts.dose_events, patients)
    return replace(facts, nodes=nodes)


def _facts(events: EventSet, links: Links, patients: Patients, parameters: Parameters, data_at: int) -> ExamFacts:
    acquired = derive_acquisitions(events.series, links.rows, parameters)
    dosed = derive_dose_events(events.dose, links.rows, parameters)
    derived = derive_exams(events.workflow, links, acquired, dosed, patients, parameters, data_at)
    slots = derive_slots(derived.frame, derived.found, parameters)
    exams = derived.frame.assign(is_addon=booked_at_midnight(slots, derived.frame, parameters))
    dosed = event_dimensions(dosed, exams)
    reports = derive_report_versions(exams, derived.found, parameters)
    whole = replace(derived, frame=exams, dosed=dosed, slots=slots)
    families = {family.table.name: family.derive(whole, parameters, data_at) for family in EXAM_FAMILIES}
    return ExamFacts(links, exams, slots, reports, acquired, dosed, pd.DataFrame(), families)


def with_matches(
    facts: ExamFacts, events: EventSet, matches: Matches, patients: Patients, parameters: Parameters, data_at: int
) -> ExamFacts:
    """Return the facts with matched images in their exams: only exams that gain some are derived again.

    `matches` may tell of images and exams outside of `events`; those of images inside have their exams inside too.
    """
    decided = facts.nodes.merge(matches.frame, on="node_key", suffixes=("", "_matched"))
    decided = decided[decided["reason"] != UNMATCHED]
    if decided.empty:
        return facts
    links = _matched_links(facts.links, events, decided)
    scored = decided[decided["reason"] == SCORED]
    gained = set(scored["exam_key_matched"])
    lost = set(scored["exam_key"]) - {NO_EXAM}
    if not gained:
        return replace(facts, links=links)
    rows = links.rows[links.rows["exam_key"].isin(gained)]
    inside = Links(rows, links.exams[links.exams["exam_key"].isin(gained)])
    again = _facts(_only(events, set(rows["event_id"])), inside, patients, parameters, data_at)
    return _replaced(facts, again, links, gained | lost)


def _matched_links(links: Links, events: EventSet, decided: pd.DataFrame) -> Links:
    """Return links in which the events of decided images carry exam, reason and score."""
    rows = links.rows.merge(_node_of_event(links, events, decided), on="event_id", how="left")
    rows["node_key"] = rows["node_key"].fillna(0).astype("int64")
    place = pd.Index(decided["node_key"]).get_indexer(pd.Index(rows["node_key"]))
    told = decided.iloc[np.maximum(place, 0)].reset_index(drop=True)
    scored = (told["reason"] == SCORED).to_numpy()
    told_of = (place >= 0) & (scored | (rows["exam_key"] == NO_EXAM).to_numpy())
    rows["exam_key"] = np.where(told_of & scored, told["exam_key_matched"], rows["exam_key"])
    rows["reason"] = rows["reason"].where(~told_of, told["reason"])
    rows["score"] = np.where(told_of, told["score"], np.nan)
    left = set(decided.loc[decided["reason"] == SCORED, "exam_key"]) - {NO_EXAM}
    return Links(rows.drop(columns="node_key"), links.exams[~links.exams["exam_key"].isin(left)])


def _node_of_event(links: Links, events: EventSet, decided: pd.DataFrame) -> pd.DataFrame:
    """Return which images node each of its events belongs to (event_id, node_key)."""
    device_only = decided[decided["exam_key"] != NO_EXAM][["exam_key", "node_key"]]
    found = [links.rows[["event_id", "exam_key"]].merge(device_only, on="exam_key")[["event_id", "node_key"]]]
    loose = links.rows.loc[links.rows["exam_key"] == NO_EXAM, ["event_id"]]
    for frame in (events.workflow, events.series, events.dose):
        for kind in ("study_token", "series_token", "irradiation_token"):
            mine = decided[(decided["kind"] == kind) & (decided["exam_key"] == NO_EXAM)]
            if kind not in frame or mine.empty:
                continue
            given = frame.loc[frame[kind].notna(), ["event_id", kind]]
            given = given.merge(mine[["token", "node_key"]], left_on=kind, right_on="token")
            found.append(given[["event_id", "node_key"]].merge(loose, on="event_id"))
    return pd.concat(found).drop_duplicates("event_id").astype({"node_key": "Int64"})  # floats cannot hold keys


def _only(events: EventSet, ids: set[str]) -> EventSet:
    frames = (events.workflow, events.series, events.dose, events.openings)
    workflow, series, dose, openings = (f[f["event_id"].isin(ids)].reset_index(drop=True) for f in frames)
    return EventSet(workflow, series, dose, openings)


def _replaced(facts: ExamFacts, again: ExamFacts, links: Links, gone: set[int]) -> ExamFacts:
    """Return facts with those of exams `gone` left out and `again` put in."""

    def both(old: pd.DataFrame, new: pd.DataFrame, key: str) -> pd.DataFrame:
        if old.empty or new.empty:
            kept = old[~old["exam_key"].isin(gone)] if len(old) else old
            return new if kept.empty else kept.reset_index(drop=True)
        out = old["exam_key"].isin(gone) | old[key].isin(new[key])
        return pd.concat([old[~out], new]).sort_values(key, kind="stable", ignore_index=True)

    return ExamFacts(
        links,
        both(facts.exams, again.exams, "exam_key"),
        both(facts.slots, again.slots, "exam_key"),
        both(facts.reports, again.reports, "exam_key"),
        both(facts.acquisitions, again.acquisitions, "series_key"),
        both(facts.dose_events, again.dose_events, "irradiation_token"),
        facts.nodes,
        {name: both(rows, again.families[name], "exam_key") for name, rows in facts.families.items()},
    )
