"""Which exam an event belongs to, and why (decision 1).

An exam is an accession; an order nobody gave an accession yet is an exam by its filler, else its placer number.
Every step looks at the whole set of events, so the result does not depend on their order. An order-level event
belongs to every accession of its order.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from etl.records import EventType
from etl.warehouse.event_set import TOKENS, TYPE_CODE, EventSet
from etl.warehouse.keys import NO_EXAM, stable_key
from etl.warehouse.local_time import NO_TIME, local_days, microseconds
from etl.warehouse.parameters import Parameters

ACCESSION, FILLER, PLACER, STUDY, APPOINTMENT, VISIT = TOKENS
SHORT = {token: token.removesuffix("_token") for token in TOKENS}
MERGE = TYPE_CODE[EventType.PATIENT_MERGED]


@dataclass(frozen=True, slots=True)
class Links:
    """`rows`: event_id, exam_key, reason, one a link; `exams`: exam_key and the token it is named by, with its kind."""

    rows: pd.DataFrame
    exams: pd.DataFrame


def link_events(events: EventSet, parameters: Parameters) -> Links:
    """Link every workflow, series and dose event; those without an exam get exam_key 0, reason 'unmatched'."""
    given = _tokens(events)
    orders = _orders(given)
    found = [_by_token(given, orders[kind], kind) for kind in (ACCESSION, FILLER, PLACER)]
    rest = _rest(given, found)
    for kind in (STUDY, APPOINTMENT):
        targets = _seen_with(given, found, kind, alone=kind == STUDY)
        found.append(_by_token(rest, targets, kind))
        rest = _rest(rest, found[-1:])
    found.append(_by_visit(rest, given, found, parameters))
    rest = _rest(rest, found[-1:])
    return _keyed(pd.concat([f for f in found if len(f)] or [_nothing()]), rest)


def _nothing() -> pd.DataFrame:
    return pd.DataFrame({"event_id": pd.Series(dtype="str"), "target": pd.Series(dtype="str"), "reason": ""})


def _tokens(events: EventSet) -> pd.DataFrame:
    """Return the identifiers of all events that can belong to an exam, with what visits are told apart by."""
    shown = ["event_id", "site_code", *TOKENS]
    workflow = events.workflow[[*shown, "type", "at", "appointment_at", "local_code"]].assign(is_workflow=True)
    others = [f[shown].assign(type=-1, at=NO_TIME, is_workflow=False) for f in (events.series, events.dose)]
    return pd.concat([workflow, *(f for f in others if len(f))], ignore_index=True)


def _pairs(given: pd.DataFrame, left: str, right: str) -> pd.DataFrame:
    return given.loc[given[left].notna() & given[right].notna(), [left, right]].drop_duplicates()


def _orders(given: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return for accessions, fillers and placers the exams (targets) each stands for, as (token, target)."""
    accessions = given[ACCESSION].dropna().drop_duplicates()
    study = _alone(_pairs(given, STUDY, ACCESSION), STUDY)
    fillers = _fillers(given, study)
    return {
        ACCESSION: pd.DataFrame({ACCESSION: accessions, "target": _name(ACCESSION, accessions)}),
        FILLER: fillers,
        PLACER: _placers(given, fillers, study),
    }


def _name(kind: str, token: pd.Series) -> pd.Series:
    """Return the name of an exam: kind and token it is anchored by."""
    return SHORT[kind] + ":" + token


def _alone(pairs: pd.DataFrame, column: str) -> pd.DataFrame:
    """Return the pairs whose token in `column` has one partner only."""
    return pairs[~pairs[column].duplicated(keep=False)]


def _fillers(given: pd.DataFrame, study: pd.DataFrame) -> pd.DataFrame:
    """A filler stands for its accessions, else its sole placer's, else its study's, else for itself."""
    direct = _pairs(given, FILLER, ACCESSION)
    orders = _pairs(given, FILLER, PLACER)
    sole = orders[~orders[PLACER].duplicated(keep=False) & ~orders[FILLER].duplicated(keep=False)]
    by_placer = sole.merge(_pairs(given, PLACER, ACCESSION), on=PLACER)[[FILLER, ACCESSION]]
    by_study = _pairs(given, FILLER, STUDY).merge(study, on=STUDY)[[FILLER, ACCESSION]].drop_duplicates()
    named = _first_that_knows(FILLER, direct, by_placer, _alone(by_study, FILLER))
    return _with_own(given, FILLER, named)


def _placers(given: pd.DataFrame, fillers: pd.DataFrame, study: pd.DataFrame) -> pd.DataFrame:
    """A placer stands for its accessions and those of its fillers, else its study's, else for itself."""
    direct = _pairs(given, PLACER, ACCESSION)
    direct = direct.assign(target=_name(ACCESSION, direct[ACCESSION]))[[PLACER, "target"]]
    by_filler = _pairs(given, PLACER, FILLER).merge(fillers, on=FILLER)[[PLACER, "target"]]
    named = pd.concat([direct, by_filler]).drop_duplicates()
    by_study = _pairs(given, PLACER, STUDY).merge(study, on=STUDY)[[PLACER, ACCESSION]].drop_duplicates()
    by_study = _alone(by_study, PLACER)
    by_study = by_study.assign(target=_name(ACCESSION, by_study[ACCESSION]))[[PLACER, "target"]]
    named = pd.concat([named, by_study[~by_study[PLACER].isin(named[PLACER])]])
    own = given[PLACER].dropna().drop_duplicates()
    own = own[~own.isin(named[PLACER])]
    return pd.concat([named, pd.DataFrame({PLACER: own, "target": _name(PLACER, own)})])


def _first_that_knows(kind: str, *sources: pd.DataFrame) -> pd.DataFrame:
    """Return for each token the accessions of the first source that has any."""
    named = sources[0]
    for source in sources[1:]:
        named = pd.concat([named, source[~source[kind].isin(named[kind])]])
    return named.assign(target=_name(ACCESSION, named[ACCESSION]))[[kind, "target"]].drop_duplicates()


def _with_own(given: pd.DataFrame, kind: str, named: pd.DataFrame) -> pd.DataFrame:
    own = given[kind].dropna().drop_duplicates()
    own = own[~own.isin(named[kind])]
    return pd.concat([named, pd.DataFrame({kind: own, "target": _name(kind, own)})])


def _by_token(given: pd.DataFrame, targets: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Return links of the events that carry a `kind` token and no better one."""
    better = list(TOKENS[: TOKENS.index(kind)]) if kind in (FILLER, PLACER) else []
    mine = given.loc[given[kind].notna() & given[better].isna().all(axis=1), ["event_id", kind]]
    return mine.merge(targets, on=kind)[["event_id", "target"]].assign(reason=SHORT[kind])


def _rest(given: pd.DataFrame, found: list[pd.DataFrame]) -> pd.DataFrame:
    linked = pd.concat([f["event_id"] for f in found])
    return given[~given["event_id"].isin(linked)]


def _seen_with(given: pd.DataFrame, found: list[pd.DataFrame], kind: str, *, alone: bool) -> pd.DataFrame:
    """Return the exams that events with a `kind` token were linked to by better tokens."""
    links = pd.concat(found)[["event_id", "target"]]
    pairs = given.loc[given[kind].notna(), ["event_id", kind]].merge(links, on="event_id")
    pairs = pairs[[kind, "target"]].drop_duplicates()
    return _alone(pairs, kind) if alone else pairs


def _by_visit(
    rest: pd.DataFrame, given: pd.DataFrame, found: list[pd.DataFrame], parameters: Parameters
) -> pd.DataFrame:
    """Link ADT events without order numbers to the exams of their visit on the nearest local day."""
    asking = rest[rest[VISIT].notna() & rest["is_workflow"] & (rest["type"] != MERGE)]
    asking = asking[asking["local_code"].astype(str).str.startswith("ADT")]
    if asking.empty:
        return _nothing()
    exams = _seen_with(given, found, VISIT, alone=False)
    days = _exam_days(given, pd.concat(found), exams["target"], parameters)
    both = asking[["event_id", VISIT, "site_code", "at"]].merge(exams, on=VISIT).merge(days, on="target")
    day, _ = local_days(both["at"].to_numpy(), both["site_code"], parameters.zones)
    both["distance"] = np.abs(both["day"].to_numpy() - day)
    nearest = both["distance"] == both.groupby("event_id")["distance"].transform("min")
    return both.loc[nearest, ["event_id", "target"]].drop_duplicates().assign(reason=SHORT[VISIT])


def _exam_days(given: pd.DataFrame, links: pd.DataFrame, targets: pd.Series, parameters: Parameters) -> pd.DataFrame:
    """Return the local day an exam is about: of its begin, else its latest booked start, else its first event."""
    links = links[links["target"].isin(targets)]
    rows = links.merge(given[given["is_workflow"]], on="event_id")
    begun = rows[rows["type"] == TYPE_CODE[EventType.EXAM_BEGIN]].groupby("target")["at"].min()
    booked = rows.assign(booked=microseconds(rows["appointment_at"])).groupby("target")["booked"].max()
    first = rows.groupby("target")["at"].min()
    at = begun.reindex(first.index).fillna(booked.where(booked != NO_TIME)).fillna(first).astype("int64")
    site = rows.groupby("target")["site_code"].min()
    day, _ = local_days(at.to_numpy(), site, parameters.zones)
    return pd.DataFrame({"target": first.index, "day": day})


def _keyed(found: pd.DataFrame, rest: pd.DataFrame) -> Links:
    """Turn exam names into keys and add the unmatched."""
    names, place = np.unique(found["target"].astype(object).to_numpy(), return_inverse=True)
    keys = np.array([stable_key("exam", *name.split(":", 1)) for name in names], dtype=np.int64)
    rows = pd.DataFrame(
        {"event_id": found["event_id"].to_numpy(), "exam_key": keys[place], "reason": found["reason"].to_numpy()}
    )
    unmatched = pd.DataFrame({"event_id": rest["event_id"], "exam_key": NO_EXAM, "reason": "unmatched"})
    exams = pd.DataFrame(
        {
            "exam_key": keys,
            "anchor": [name.split(":", 1)[0] for name in names],
            "token": [name.split(":", 1)[1] for name in names],
        }
    )
    return Links(pd.concat([rows, unmatched], ignore_index=True), exams)
