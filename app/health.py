"""The Data health page's parts; each line says what is wrong and how to mend it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pandas as pd
import streamlit as st

from app import charts, data, matrix, words
from app.filters import View
from app.theme import CLOCK_STATES, FRESH, GREY, RUN_STATES
from app.widgets import empty, feed_states, table
from etl.warehouse.unmatched import CAUSES

RUNS_SHOWN = 60
MILESTONES = {
    "order_entered_at": "Order entered",
    "appointment_at": "Appointment",
    "arrived_at": "Arrived",
    "in_room_at": "In room",
    "exam_begin_at": "Exam begin",
    "exam_end_at": "Exam end",
    "first_acquisition_at": "First acquisition",
    "last_acquisition_at": "Last acquisition",
    "qc_complete_at": "Quality check",
    "images_available_at": "Images available",
    "read_opened_at": "Read opened",
    "dictated_at": "Dictated",
    "first_prelim_at": "Preliminary",
    "first_final_at": "Final report",
}
REASONS = {
    "bad_structure": "look at the sender's message format",
    "missing_identifier": "ask the sender for accession or order number",
    "missing_time": "ask the sender for the status time",
    "truncated": "files are cut: check the transfer",
    "unknown_scanner": "add the station name to a scanner in radpulse.toml",
    "column_drift": "the extract's columns changed: save a new mapping",
}


def feeds(who: data.Asker, view: View) -> None:
    """List each feed's state, judged by the time of its data."""
    frame = data.rows(who, "feeds")
    if frame.empty:
        empty("No feed has been read yet.", "Describe feeds in radpulse.toml and run `radpulse run`.")
        return
    zone = data.main_zone(who, view.where)
    now = datetime.now(UTC).astimezone(zone)
    states = feed_states(frame, now)
    until, due = (
        [None if pd.isna(t) else words.moment_or_year(t.tz_convert(zone), now) for t in frame[name]]
        for name in ("data_until_at", "expected_by_at")
    )
    shown = pd.DataFrame(
        {
            "State": [s.word for _, s, _ in states],
            "Feed": frame["feed_key"],
            "Data until": [t or "never" for t in until],
            "Age": [words.age(a) if a is not None else "" for _, _, a in states],
            "More by": [t or "" for t in due],
            "Refused": frame["quarantined"],
            "No map": frame["unmapped"],
            "No exam": frame["unlinked"],
            "No end": frame["unclosed"],
            "Events": frame["events"],
            "Judged by": ["its own weeks" if s == "learned" else "its setting" for s in frame["profile_source"]],
        }
    )
    shown = shown.sort_values("State", key=lambda s: s == FRESH.word, kind="stable")
    counts: Any = {
        c: st.column_config.NumberColumn(format="localized")
        for c in ("Events", "Refused", "No map", "No exam", "No end")
    }
    table(shown, f"{len(shown)} feeds", key="feeds", **counts)
    st.caption(
        "No map: a status, priority or class that no map knows. No exam: items that belong to no exam. No end: "
        "procedure steps never closed. "
        "Late: more was due by the feed's own weekday and hour. Stale: what was due after that is missing too. "
        "Judged by the time in the data, not by the last load."
    )


def shares_by(frame: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Return the share present by `by` and milestone, named for people, with the number expected as n."""
    text = frame.astype(dict.fromkeys(by, "str"))
    found = text.groupby([*by, "milestone"])[["expected", "present"]].sum().astype("float64").reset_index()
    known = [MILESTONES.get(str(m), str(m)) for m in found["milestone"]]
    share = found["present"] / found["expected"].where(found["expected"] > 0)
    return found.assign(milestone=known, share=share, n=found["expected"])


def milestone_shares(who: data.Asker, view: View) -> pd.DataFrame:
    """Return the share present by modality and milestone, named for people."""
    return shares_by(data.rows(who, "completeness", view.from_date, view.to_date, view.where), ["modality"])


def completeness(who: data.Asker, view: View) -> None:
    """Draw which milestone is known for which share of performed exams."""
    shares = milestone_shares(who, view)
    if shares.empty:
        empty("No performed exam in this period.", "Choose a longer period in the sidebar.")
        return
    order = [m for m in MILESTONES.values() if m in set(shares["milestone"])]
    order += sorted(set(shares["milestone"]) - set(order))
    lacking = shares.assign(missing=1 - shares["share"])
    charts.show(
        matrix.heat(
            lacking,
            "modality",
            "milestone",
            "missing",
            "share",
            what="Share of performed exams without the time",
            x_order=sorted(shares["modality"].unique()),
            y_order=order,
        )
    )
    st.caption("Share of performed exams for which a time is missing; 0 % everywhere is what you want to see.")


def quarantine(who: data.Asker) -> None:
    """Draw refused items by reason, with what to do."""
    frame = data.rows(who, "quarantined")
    if frame.empty:
        st.markdown(f":{FRESH.colour}[{FRESH.icon}] Nothing is refused.")
        return
    by = frame.groupby("reason")["items"].sum().astype("float64").reset_index()
    by["reason"] = by["reason"].str.replace("_", " ")
    charts.show(charts.ranked(by, "reason", "items", "items", what="Refused items by reason"))
    worst = str(frame.groupby("reason")["items"].sum().idxmax())
    st.caption(
        f"Most common: {worst.replace('_', ' ')}; {REASONS.get(worst, 'see the detail')}. "
        "List them with `radpulse quarantine list`, and load mended ones with `radpulse quarantine replay`."
    )


def unmatched(who: data.Asker, view: View) -> None:
    """List in words which images have no exam and which exams no images, and why probably."""
    frame = data.rows(who, "unmatched", view.from_date, view.to_date, view.where)
    if frame.empty:
        st.markdown(f":{FRESH.colour}[{FRESH.icon}] Every exam has its images, and all images have their exam.")
        return
    zone = data.main_zone(who, view.where)
    shown = pd.DataFrame(
        {
            "What": frame["side"].map({"images": "Images", "exam": "Exam"}),  # the cause says the rest
            "Scanner": frame["scanner_code"].fillna("unknown station"),
            "Number": frame["n"],
            "Likely cause": [CAUSES.get(str(c), str(c)) for c in frame["cause"]],
            "Modality": frame["modality"],
            "Last": [words.moment(at.tz_convert(zone)) for at in frame["last_at"]],
        }
    )
    table(shown, f"{len(shown)} kinds", key="unmatched", Number=st.column_config.NumberColumn(format="localized"))
    st.caption("Of the chosen period; `radpulse unmatched` lists each one. Images of the last day may still come.")


def clocks(who: data.Asker, view: View) -> None:
    """Draw each scanner's clock offset against the RIS."""
    frame = data.rows(who, "clocks", view.where)
    known = frame.dropna(subset=["offset_min"])
    if known.empty:
        empty("No clock can be judged yet.", "It takes exams with both RIS and DICOM times.")
        return
    shown = pd.DataFrame(
        {
            "scanner": known["scanner_code"].astype(str),
            "offset": known["offset_min"].astype("float64"),
            "verdict": [CLOCK_STATES.get(str(v), CLOCK_STATES["unknown"]).word for v in known["verdict"]],
            "n": known["n"].astype("float64"),
            "drift": [f"{d:+.2f} min/day" if not words.missing(d) else "unknown" for d in known["drift_min_per_day"]],
        }
    )
    charts.show(clock_chart(shown))
    left_out = [str(code) for code in frame.loc[frame["offset_min"].isna(), "scanner_code"]]
    st.caption(
        "Minutes the device is ahead of (right) or behind (left) the RIS, median of recent exams with both times."
        + (f" No scanner of its kind to compare with: {words.listing(left_out, 6)}." if left_out else "")
    )


def clock_chart(shown: pd.DataFrame) -> charts.Chart:
    """Return a dot per scanner around zero; what is off is orange and says so."""
    fine = CLOCK_STATES["ok"].word
    others = [s.word for s in CLOCK_STATES.values() if s.word != fine]
    y = {"field": "scanner", "type": "nominal", "sort": None, "axis": charts.names_axis(120)}
    x = {
        "field": "offset",
        "type": "quantitative",
        "scale": {"nice": True, "padding": 12},
        "axis": {"title": "minutes against the RIS", "titleAnchor": "end", "titleFontWeight": "normal"},
    }
    colour = {
        "field": "verdict",
        "type": "nominal",
        "legend": {"orient": "top", "title": None, "values": list(dict.fromkeys(shown["verdict"]))},
        "scale": {"domain": [fine, *others[:1], others[-1], *others[1:-1]]},
    }
    tooltip = [
        {"field": c, "title": t}
        for c, t in (
            ("scanner", "Scanner"),
            ("offset", "Minutes"),
            ("drift", "Drift"),
            ("n", "n"),
            ("verdict", "State"),
        )
    ]
    layers: list[charts.Spec] = [
        {"mark": {"type": "rule", "aria": False, "color": GREY, "strokeDash": [4, 3]}, "encoding": {"x": {"datum": 0}}},
        {
            "mark": {"type": "point", "filled": True, "size": 110, "opacity": 1},
            "encoding": {"x": x, "y": y, "color": colour, "tooltip": tooltip},
        },
    ]
    off = shown[shown["verdict"] != fine]
    said = (
        "all in step" if off.empty else words.listing([f"{r.scanner} {r.offset:+.1f} min" for r in off.itertuples()], 4)
    )
    return charts.Chart(
        shown,
        {"height": charts.height(len(shown), legend=True), "layer": layers},
        f"Scanner clocks against the RIS: {said}.",
    )


def runs(who: data.Asker) -> None:
    """List the latest runs with their item counts and whether these add up."""
    frame = data.rows(who, "runs", RUNS_SHOWN)
    if frame.empty:
        empty("No run is recorded.", "`radpulse run` does whatever is due.")
        return
    zone = data.main_zone(who)
    parts = frame[["loaded", "unchanged", "quarantined", "filtered"]].fillna(0).sum(axis=1)
    shown = pd.DataFrame(
        {
            "Started": [words.moment(t.tz_convert(zone)) for t in frame["started_at"]],
            "Feed": frame["feed_key"],
            "Outcome": [RUN_STATES.get(str(o), RUN_STATES["failed"]).word for o in frame["outcome"]],
            "Offered": frame["offered"],
            "Loaded": frame["loaded"],
            "Unchanged": frame["unchanged"],
            "Refused": frame["quarantined"],
            "Left out": frame["filtered"],
            "Adds up": [
                "yes" if a == b else f"no, off by {int(a - b)}"
                for a, b in zip(frame["offered"].fillna(0), parts, strict=True)
            ],
        }
    )
    counts: Any = {
        c: st.column_config.NumberColumn(format="localized")
        for c in ("Offered", "Loaded", "Unchanged", "Refused", "Left out")
    }
    table(shown, f"The latest {len(shown)} runs", key="runs", **counts)
    st.caption("Offered = loaded + unchanged + refused + left out under a listed reason. Nothing is lost silently.")
