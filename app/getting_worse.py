"""Where and why more exposures are rejected than four weeks before: room by room and reason by reason."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from app import data, words
from app.filters import View
from app.widgets import empty, table
from etl.kpis.numbers import wilson

MOST = 8
FEWEST = 5  # rejected exposures below which a change is chance


def rejected_per_100(who: data.Asker, view: View) -> pd.DataFrame:
    """Return room, reason, rejected exposures, all exposures of the room, and the former per 100 of the latter."""
    count = data.ask(who, view.query("Q06-count", "scanner", "reason")).frame
    rooms = data.ask(who, view.query("Q06", "scanner")).frame[["scanner", "n"]]
    found = count[["scanner", "reason", "sum"]].merge(rooms, on="scanner")
    return found.assign(per_100=100 * found["sum"] / found["n"])


def changes(now: pd.DataFrame, before: pd.DataFrame) -> pd.DataFrame:
    """Return rooms and reasons that are rejected for more often than before, the largest rise first.

    `is_clear` where the two Wilson intervals do not overlap.
    """
    keys = ["scanner", "reason"]
    both = now.merge(before, on=keys, how="left", suffixes=("", "_before"))
    rooms = before.drop_duplicates("scanner").set_index("scanner")["n"]
    both["n_before"] = both["n_before"].fillna(both["scanner"].map(rooms))
    both = both[both["n_before"].notna() & (both["sum"] >= FEWEST)].fillna({"sum_before": 0.0, "per_100_before": 0.0})
    low, _ = wilson(both["sum"].to_numpy(dtype=float), both["n"].to_numpy(dtype=float))
    _, high = wilson(both["sum_before"].to_numpy(dtype=float), both["n_before"].to_numpy(dtype=float))
    both = both.assign(rise=both["per_100"] - both["per_100_before"], is_clear=low > high)
    return both[both["rise"] > 0].sort_values("rise", ascending=False, ignore_index=True)


def getting_worse(who: data.Asker, view: View) -> None:
    """Draw what is rejected for more often than four weeks before, and say the clear ones first."""
    found = changes(rejected_per_100(who, view), rejected_per_100(who, view.four_weeks_back()))
    if found.empty:
        empty("Nothing is rejected more often than four weeks before.", "See the reasons below.")
        return
    clear = [
        f"**{row['scanner']}, {said(row['reason'])}**: {row['per_100']:.1f} per 100 exposures, "
        f"{row['per_100_before']:.1f} four weeks before"
        for row in found[found["is_clear"]].to_dict("records")
    ]
    st.markdown("  \n".join(clear) if clear else "No rise is beyond chance (95 % intervals overlap).")
    shown = pd.DataFrame(
        {
            "Room": found["scanner"],
            "Reason": found["reason"].map(said),
            "Now, per 100": [f"{v:.1f}" for v in found["per_100"]],
            "Before": [f"{v:.1f}" for v in found["per_100_before"]],
            "Rejected": [words.count(v) for v in found["sum"]],
            "Beyond chance": ["yes" if clear else "no" for clear in found["is_clear"]],
        }
    )
    table(shown.head(MOST), alt="Rooms and reasons rejected for more often than four weeks before")


def said(code: object) -> str:
    """Return a code of a list for people."""
    return str(code).replace("_", " ")
