"""Which exam an event belongs to, and why (decision 1).

An exam is an accession; an order nobody gave an accession yet is an exam by its filler, else its placer number.
Every step looks at the whole set of events, so the result does not depend on their order. An order-level event
belongs to every accession of its order.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from etl.records import EventType
from etl.warehouse.event_set import TOKENS, TYPE_CODE, EventSet
from etl.warehouse.intervals import Bools
from etl.warehouse.keys import NO_EXAM, Ints, stable_key
from etl.warehouse.local_time import NO_TIME, local_days, microseconds
from etl.warehouse.merges import ABOUT_PATIENTS
from etl.warehouse.parameters import Parameters

ACCESSION, FILLER, PLACER, STUDY, APPOINTMENT, VISIT, PROCEDURE = TOKENS
ANCHORS = (ACCESSION, FILLER, PLACER)  # what an exam may be named by, best first
SHORT = {token: token.removesuffix("_token") for token in TOKENS}
DEVICES_TELL = (STUDY, PROCEDURE)  # what devices copy from the order beside its accession number; one exam's only
NONE = -1
VISITS = ("ADT", "fhir:Encounter/")  # local codes of happenings told of a visit, without an order

Texts = npt.NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class Links:
    """`rows`: event_id, exam_key, reason, one a link; `exams`: exam_key, the token it is named by, with its kind.

    `is_ordered` says whether a system of the department told of an exam, not devices alone.
    """

    rows: pd.DataFrame
    exams: pd.DataFrame


@dataclass(frozen=True, slots=True)
class Given:
    """Identifiers of all events as small integers (NONE: not sent): `rows` has a column a token, by event position.

    An exam (target) is a number too: accessions from 0, fillers and placers after them (`base`).
    """

    rows: pd.DataFrame
    texts: dict[str, Texts]
    base: dict[str, int]
    event_id: Texts
    workflow: pd.DataFrame  # the first rows are these events
    by_device: Bools  # which events a scanner told of, not the department's systems


def link_events(events: EventSet, parameters: Parameters) -> Links:
    """Link every workflow, series and dose event; those without an exam get exam_key 0, reason 'unmatched'."""
    given = _given(events, parameters)
    orders = _orders(given)
    found = [_by_token(given.rows, orders[kind], kind) for kind in ANCHORS]
    found = [_to_ordered(given, pd.concat(found))]
    rest = _rest(given.rows, found)
    for kind in (STUDY, PROCEDURE, APPOINTMENT):
        targets = _seen_with(given, found, kind, alone=kind in DEVICES_TELL)
        found.append(_by_token(rest, targets, kind))
        rest = _rest(rest, found[-1:])
    found.append(_by_visit(rest, given, found, parameters))
    return _keyed(given, found)


def _given(events: EventSet, parameters: Parameters) -> Given:
    frames = (events.workflow, events.series, events.dose)
    rows, texts = {}, {}
    for token in TOKENS:
        code, known = pd.factorize(pd.concat([f[token] for f in frames if len(f)] or [frames[0][token]]))
        rows[token], texts[token] = code.astype(np.int64), np.asarray(known, dtype=object)
    base = {ACCESSION: 0, FILLER: len(texts[ACCESSION])}
    base[PLACER] = base[FILLER] + len(texts[FILLER])
    frame = pd.DataFrame(rows)
    frame["event"] = np.arange(len(frame))
    event_id = np.concatenate([f["event_id"].to_numpy(dtype=object) for f in frames])
    by_device = np.ones(len(frame), dtype=bool)
    devices = [f.key for f in parameters.feeds if f.kind in parameters.rules.scanner_kinds]
    by_device[: len(events.workflow)] = events.workflow["feed_key"].isin(devices)
    return Given(frame, texts, base, event_id, events.workflow, by_device)


def _pairs(given: Given, left: str, right: str) -> pd.DataFrame:
    rows = given.rows
    return rows.loc[(rows[left] != NONE) & (rows[right] != NONE), [left, right]].drop_duplicates()


def _alone(pairs: pd.DataFrame, column: str) -> pd.DataFrame:
    """Return the pairs whose token in `column` has one partner only."""
    return pairs[~pairs[column].duplicated(keep=False)]


def _orders(given: Given) -> dict[str, pd.DataFrame]:
    """Return for accessions, fillers and placers the exams (targets) each stands for, as (token, target)."""
    accessions = np.arange(len(given.texts[ACCESSION]))
    study = _alone(_pairs(given, STUDY, ACCESSION), STUDY)
    fillers = _fillers(given, study)
    return {
        ACCESSION: pd.DataFrame({ACCESSION: accessions, "target": accessions}),
        FILLER: fillers,
        PLACER: _placers(given, fillers, study),
    }


def _fillers(given: Given, study: pd.DataFrame) -> pd.DataFrame:
    """A filler stands for its accessions, else its sole placer's, else its study's, else for itself."""
    direct = _pairs(given, FILLER, ACCESSION)
    orders = _pairs(given, FILLER, PLACER)
    sole = orders[~orders[PLACER].duplicated(keep=False) & ~orders[FILLER].duplicated(keep=False)]
    by_placer = sole.merge(_pairs(given, PLACER, ACCESSION), on=PLACER)[[FILLER, ACCESSION]]
    by_study = _pairs(given, FILLER, STUDY).merge(study, on=STUDY)[[FILLER, ACCESSION]].drop_duplicates()
    sources = [direct, by_placer, _alone(by_study, FILLER)]
    return _first_that_knows(given, FILLER, [f.rename(columns={ACCESSION: "target"}) for f in sources])


def _placers(given: Given, fillers: pd.DataFrame, study: pd.DataFrame) -> pd.DataFrame:
    """A placer stands for its accessions and those of its fillers, else its study's, else for itself."""
    direct = _pairs(given, PLACER, ACCESSION).rename(columns={ACCESSION: "target"})
    by_filler = _pairs(given, PLACER, FILLER).merge(fillers, on=FILLER)[[PLACER, "target"]]
    by_study = _pairs(given, PLACER, STUDY).merge(study, on=STUDY)[[PLACER, ACCESSION]].drop_duplicates()
    by_study = _alone(by_study, PLACER).rename(columns={ACCESSION: "target"})
    return _first_that_knows(given, PLACER, [pd.concat([direct, by_filler]).drop_duplicates(), by_study])


def _first_that_knows(given: Given, kind: str, sources: list[pd.DataFrame]) -> pd.DataFrame:
    """Return for each token the targets of the first source that has any, else the exam it names itself."""
    own = np.arange(len(given.texts[kind]))
    named = sources[0]
    for source in (*sources[1:], pd.DataFrame({kind: own, "target": own + given.base[kind]})):
        named = pd.concat([named, source[~source[kind].isin(named[kind])]])
    return named


def _by_token(rows: pd.DataFrame, targets: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Return links of the events that carry a `kind` token and no better one."""
    better = list(ANCHORS[: ANCHORS.index(kind)]) if kind in ANCHORS else []
    mine = rows.loc[(rows[kind] != NONE) & (rows[better] == NONE).all(axis=1), ["event", kind]]
    return mine.merge(targets, on=kind)[["event", "target"]].assign(reason=SHORT[kind])


def _rest(rows: pd.DataFrame, found: list[pd.DataFrame]) -> pd.DataFrame:
    linked = np.concatenate([f["event"].to_numpy() for f in found])
    return rows[~rows["event"].isin(linked)]


def _seen_with(given: Given, found: list[pd.DataFrame], kind: str, *, alone: bool) -> pd.DataFrame:
    """Return the exams that events with a `kind` token were linked to by better tokens."""
    links = pd.concat([f[["event", "target"]] for f in found])
    pairs = given.rows.loc[given.rows[kind] != NONE, ["event", kind]].merge(links, on="event")
    pairs = pairs[[kind, "target"]].drop_duplicates()
    return _alone(pairs, kind) if alone else pairs


def _to_ordered(given: Given, links: pd.DataFrame) -> pd.DataFrame:
    """Lead exams that devices alone name to the one ordered exam of their study, else of their requested procedure.

    An accession number that no order knows was mistyped at the scanner, or its order has not come yet.
    """
    ordered = np.zeros(int(links["target"].max()) + 1 if len(links) else 0, dtype=bool)
    ordered[links.loc[~given.by_device[links["event"].to_numpy(dtype=np.int64)], "target"]] = True
    known = ordered[links["target"].to_numpy(dtype=np.int64)]
    if known.all() or not known.any():
        return links
    for kind in DEVICES_TELL:
        pairs = links[["event", "target"]].merge(given.rows.loc[given.rows[kind] != NONE, ["event", kind]], on="event")
        pairs = pairs[[kind, "target"]].drop_duplicates()
        is_ordered = ordered[pairs["target"].to_numpy(dtype=np.int64)]
        to = _alone(pairs[is_ordered], kind).rename(columns={"target": "to"})
        led = _alone(pairs[~is_ordered].merge(to, on=kind)[["target", "to"]].drop_duplicates(), "target")
        moved = links["target"].map(led.set_index("target")["to"])
        is_moved = moved.notna().to_numpy()
        links = links.assign(
            target=moved.where(is_moved, links["target"]).astype("int64"),
            reason=links["reason"].where(~is_moved, SHORT[kind]),
        )
    return links


def _by_visit(rest: pd.DataFrame, given: Given, found: list[pd.DataFrame], parameters: Parameters) -> pd.DataFrame:
    """Link events of visits, without order numbers, to the exams of their visit on the nearest local day."""
    asking = rest.loc[(rest[VISIT] != NONE) & (rest["event"] < len(given.workflow)), ["event", VISIT]]
    told = given.workflow[["type", "site_code", "at", "local_code"]].iloc[asking["event"].to_numpy()]
    asking = asking.assign(**{name: told[name].to_numpy() for name in ("type", "site_code", "at")})
    visits = told["local_code"].astype(str).str.startswith(VISITS).to_numpy()
    asking = asking[visits & ~asking["type"].isin(ABOUT_PATIENTS)]
    exams = _seen_with(given, found, VISIT, alone=False)
    both = asking.merge(exams, on=VISIT)
    if both.empty:
        return pd.DataFrame({"event": [], "target": [], "reason": []}, dtype=np.int64)
    both = both.merge(_exam_days(given, found, both["target"], parameters), on="target")
    day, _ = local_days(both["at"].to_numpy(dtype=np.int64), both["site_code"], parameters.zones)
    both["distance"] = np.abs(both["day"].to_numpy() - day)
    nearest = both["distance"] == both.groupby("event")["distance"].transform("min")
    return both.loc[nearest, ["event", "target"]].drop_duplicates().assign(reason=SHORT[VISIT])


def _exam_days(given: Given, found: list[pd.DataFrame], targets: pd.Series, parameters: Parameters) -> pd.DataFrame:
    """Return the local day an exam is about: of its begin, else its latest booked start, else its first event."""
    links = pd.concat([f[["event", "target"]] for f in found])
    links = links[links["target"].isin(targets) & (links["event"] < len(given.workflow))]
    told = given.workflow[["type", "site_code", "at", "appointment_at"]].iloc[links["event"].to_numpy()]
    rows = told.assign(target=links["target"].to_numpy(), booked=microseconds(told["appointment_at"]))
    begun = rows[rows["type"] == TYPE_CODE[EventType.EXAM_BEGIN]].groupby("target")["at"].min()
    by = rows.groupby("target")
    first, booked = by["at"].min(), by["booked"].max()
    at = begun.reindex(first.index).fillna(booked.where(booked != NO_TIME)).fillna(first)
    day, _ = local_days(np.asarray(at, dtype=np.int64), by["site_code"].min(), parameters.zones)
    return pd.DataFrame({"target": first.index, "day": day})


def _keyed(given: Given, found: list[pd.DataFrame]) -> Links:
    """Turn exams into keys and add the unmatched."""
    links = pd.concat([f for f in found if len(f)] or found[:1])
    targets, place = np.unique(links["target"].to_numpy(dtype=np.int64), return_inverse=True)
    kind = np.searchsorted([given.base[anchor] for anchor in ANCHORS], targets, side="right") - 1
    # a kind without tokens shares its base with the next: the last of equals is the right one
    anchors = [ANCHORS[k] for k in kind]
    tokens = [given.texts[a][t - given.base[a]] for a, t in zip(anchors, targets.tolist(), strict=True)]
    keys: Ints = np.array(
        [stable_key("exam", SHORT[a], t) for a, t in zip(anchors, tokens, strict=True)], dtype=np.int64
    )
    linked = links["event"].to_numpy(dtype=np.int64)
    alone = np.setdiff1d(given.rows["event"].to_numpy(), linked)
    rows = pd.DataFrame(
        {
            "event_id": given.event_id[np.concatenate([linked, alone])],
            "exam_key": np.concatenate([keys[place], np.full(len(alone), NO_EXAM)]),
            "reason": np.concatenate([links["reason"].to_numpy(dtype=object), np.full(len(alone), "unmatched")]),
        }
    )
    exams = pd.DataFrame({"exam_key": keys, "anchor": [SHORT[a] for a in anchors], "token": tokens})
    exams["is_ordered"] = np.isin(targets, links.loc[~given.by_device[linked], "target"].to_numpy(dtype=np.int64))
    return Links(rows.astype({"event_id": "str", "reason": "str"}), exams.astype({"token": "str"}))
