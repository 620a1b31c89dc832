"""Scored matching against the warehouse: which images got another exam, and what has to be derived for it."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
from sqlalchemy import Connection, delete, select

from etl.warehouse.append import read_frame
from etl.warehouse.closure import JOINED_BY, Closure
from etl.warehouse.keys import NO_EXAM
from etl.warehouse.match import IMAGES, SCORED, UNMATCHED, Matches, best_matches
from etl.warehouse.parameters import Parameters
from etl.warehouse.store import remove, store
from etl.warehouse.tables import match_node

DECISION = ("matched_key", "reason", "score")


def settle(connection: Connection, nodes: pd.DataFrame, closure: Closure, parameters: Parameters) -> Matches:
    """Put a closure's nodes in the place of those its events made before, and match anew."""
    exams = closure.old_exams | set(nodes["node_key"]) | set(nodes["exam_key"]) | closure.exams
    remove(connection, match_node.c.node_key, exams)
    tokens = {t for table in JOINED_BY for t in _own_tokens(closure.frames[table.name])}
    remove(connection, match_node.c.token, tokens)
    store(connection, match_node, nodes.assign(matched_key=NO_EXAM, reason=UNMATCHED))
    return match_all(connection, parameters)


def _own_tokens(frame: pd.DataFrame) -> Iterable[str]:
    for kind in ("accession_token", "study_token", "series_token", "irradiation_token"):
        if kind in frame:
            yield from frame[kind].dropna().unique()


def match_all(connection: Connection, parameters: Parameters) -> Matches:
    """Return the matches of all stored nodes; reads exams only of sites that have images without one."""
    images = read_frame(connection, select(match_node).where(match_node.c.side == IMAGES))
    sites = sorted(images["site_code"].dropna().unique())
    others = select(match_node).where(match_node.c.side != IMAGES, match_node.c.site_code.in_(sites))
    exams = read_frame(connection, others)
    frames = [f for f in (images, exams) if len(f)] or [images]
    return best_matches(pd.concat(frames, ignore_index=True), parameters.rules.matching)


def decisions(connection: Connection) -> pd.DataFrame:
    """Return what was decided about images last: node_key, kind, token, exam_key and DECISION."""
    columns = [match_node.c[n] for n in ("node_key", "kind", "token", "exam_key", *DECISION)]
    return read_frame(connection, select(*columns).where(match_node.c.side == IMAGES))


def write_decisions(connection: Connection, matches: Matches) -> None:
    """Store with each images node what was decided."""
    images = read_frame(connection, select(match_node).where(match_node.c.side == IMAGES))
    if images.empty:
        return
    told = matches.frame.rename(columns={"exam_key": "matched_key"})
    connection.execute(delete(match_node).where(match_node.c.side == IMAGES))
    store(connection, match_node, images.drop(columns=list(DECISION)).merge(told, on="node_key"))


def concerned(
    before: pd.DataFrame, matches: Matches, nodes: pd.DataFrame, closure: Closure
) -> tuple[set[tuple[str, str]], set[int]]:
    """Return tokens of images and keys of exams that must be derived and are not yet in the closure.

    These are both sides of each match that changed, and of each match one side of which the closure holds.
    """
    keys = ["exam_key", "matched_key"]
    now = matches.frame.rename(columns={"exam_key": "matched_key"}).astype({"matched_key": "Int64"})
    before = before.astype(dict.fromkeys(keys, "Int64"))  # floats cannot hold keys
    both = before.merge(now, on="node_key", how="outer", suffixes=("_old", ""))
    old_key = both["matched_key_old"].fillna(NO_EXAM).astype("int64")
    new_key = both["matched_key"].fillna(NO_EXAM).astype("int64")
    changed = (old_key != new_key) | (both["reason_old"].fillna("") != both["reason"].fillna(""))
    old_score, new_score = both["score_old"].to_numpy(dtype=float), both["score"].to_numpy(dtype=float)
    decided = both["reason"].isin([SCORED, "ambiguous"]).to_numpy()
    changed |= decided & ~np.isclose(old_score, new_score, rtol=0, atol=1e-9, equal_nan=True)
    inside = set(nodes["node_key"])
    held = both["node_key"].isin(inside) | new_key.isin(inside | closure.exams)
    wanted = both[(changed | (held & (new_key != NO_EXAM))).to_numpy()]
    exams = (set(old_key[wanted.index]) | set(new_key[wanted.index]) | set(_exam_keys(wanted))) - {NO_EXAM}
    images = wanted[~wanted["node_key"].isin(inside) & wanted["token"].notna()]
    tokens = set(zip(images["kind"].astype(str), images["token"].astype(str), strict=True))
    return tokens, exams - closure.exams


def _exam_keys(wanted: pd.DataFrame) -> Iterable[int]:
    return (int(k) for k in wanted["exam_key"].dropna())
