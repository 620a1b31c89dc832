"""What needs mending, in sentences with the fix: the first thing on the Data health page."""

from __future__ import annotations

from datetime import UTC, datetime

import pandas as pd

from app import data, words
from app.filters import View
from app.health import RUNS_SHOWN, shares_by
from app.theme import AHEAD, CLOCK_STATES, FRESH, LATE, NEVER, RUN_STATES, STALE, State
from app.widgets import feed_states

COMPLETE_ENOUGH = 0.9
FEED_ADVICE = {
    STALE: "The sender is silent beyond all habit: ask it, then `radpulse run`.",
    LATE: "Check that the sender still delivers, then `radpulse run`.",
    AHEAD: "The newest stamp lies in the future: check the sender's clock.",
    NEVER: "Check `path` and `pattern` of the feed in radpulse.toml.",
}
OPTIONAL = frozenset({"Preliminary"})  # only trainees' exams have one


def problems(who: data.Asker, view: View) -> list[str]:
    """Return what is wrong in sentences with the fix, or one saying that nothing is."""
    found = [*_late_feeds(who), *_unclosed(who), *_broken_runs(who), *_skewed(who, view), *_incomplete(who, view)]
    return found or [f":{FRESH.colour}[{FRESH.icon}] Feeds, runs, clocks and milestones are as they should be."]


def _mark(state: State) -> str:
    return f":{state.colour}[{state.icon} {state.word}]"


def _late_feeds(who: data.Asker) -> list[str]:
    states = feed_states(data.rows(who, "feeds"), datetime.now(UTC))
    found = []
    for wanted, advice in FEED_ADVICE.items():
        these = [(key, age) for key, state, age in states if state is wanted]
        named = [key if age is None or age < 0 else f"{key} ({words.age(age)} old)" for key, age in these]
        if named:
            found.append(f"{_mark(wanted)}: {words.listing(named, 4)}. {advice}")
    return found


def _unclosed(who: data.Asker) -> list[str]:
    frame = data.rows(who, "feeds")
    return [
        f":{LATE.colour}[{LATE.icon} never closed]: {words.count(feed['unclosed'])} procedure steps of "
        f"{feed['feed_key']} have a begin, no end and so no duration. Have them ended at the scanner."
        for feed in frame[frame["unclosed"].fillna(0) > 0].to_dict("records")
    ]


def _broken_runs(who: data.Asker) -> list[str]:
    runs = data.rows(who, "runs", RUNS_SHOWN)
    newest = runs.drop_duplicates("feed_key")
    bad = newest[newest["outcome"] != "ok"]
    return [
        f"{_mark(RUN_STATES.get(run['outcome'], RUN_STATES['failed']))}: {run['feed_key']}, "
        f"{run['message'] if isinstance(run['message'], str) else 'no reason kept'}. Mend it, then `radpulse ingest`."
        for run in bad.to_dict("records")
    ]


def _skewed(who: data.Asker, view: View) -> list[str]:
    frame = data.rows(who, "clocks", view.where)
    bad = frame[frame["verdict"].isin(["skewed", "drifting"])]
    return [
        f"{_mark(CLOCK_STATES[clock['verdict']])}: the clock of {clock['scanner_code']} is "
        f"{words.difference(clock['offset_min'], 'min')} against the RIS{_drift_words(clock['drift_min_per_day'])}. "
        "Set the device's time, or add a correction under `[clock_corrections]`."
        for clock in bad.to_dict("records")
    ]


def _drift_words(minutes_a_day: float) -> str:
    """Say a drift that would reach a minute within a fortnight."""
    if words.missing(minutes_a_day) or abs(minutes_a_day) < 1 / 14:
        return ""
    return f" and moves by {words.difference(minutes_a_day * 7, 'min')} a week"


def _incomplete(who: data.Asker, view: View) -> list[str]:
    frame = data.rows(who, "completeness", view.from_date, view.to_date, view.where)
    return [
        f":{LATE.colour}[{LATE.icon} incomplete]: {row['milestone'].lower()} is known for "
        f"{words.amount(row['share'], 'share')} of {row['named']} exams (n = {words.count(row['n'])}). "
        "Check that the feed sends this status and that the status map knows it."
        for row in lacking(frame).head(2).to_dict("records")
    ]


def lacking(frame: pd.DataFrame) -> pd.DataFrame:
    """Return milestones known too rarely, rarest first: named by site where a whole site lacks it, else by modality."""
    sites, parts = shares_by(frame, ["site_code"]), shares_by(frame, ["site_code", "modality"])
    sites["named"], parts["named"] = sites["site_code"], parts["site_code"] + " " + parts["modality"]
    low = [part[(part["share"] < COMPLETE_ENOUGH) & ~part["milestone"].isin(OPTIONAL)] for part in (sites, parts)]
    told = pd.MultiIndex.from_frame(low[0][["site_code", "milestone"]])
    rest = low[1][~pd.MultiIndex.from_frame(low[1][["site_code", "milestone"]]).isin(told)]
    return pd.concat([low[0], rest]).sort_values("share", kind="stable")
