"""Quality: what is getting worse, and why; by group, never by person."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from app import charts, data, words
from app.family import all_numbers, open_page
from app.getting_worse import getting_worse, said
from app.tiles import tiles
from app.uncertainty import intervals
from app.widgets import empty, no_rows, section, table

FAMILY = "quality"
TILES = ("Q06", "Q07", "Q08", "Q09", "Q10", "Q03")
INCIDENTS = {"wrong_exam": "Wrong exam, side or patient", "fall": "Fall", "extravasation": "Extravasation"}
ACCURACY = {
    "Q12-ppv": "Called and there",
    "Q12-sensitivity": "There and called",
    "Q12-specificity": "Not there, not called",
}

who, view = open_page(FAMILY)
tiles(who, view, TILES)

section(who, "Rejected more often than four weeks before", view.query("Q06-count", "scanner", "reason"))
getting_worse(who, view)

left, right = st.columns(2, gap="large")
with left:
    section(who, "Why exposures are rejected", view.query("Q06-count", "reason"))
    reasons = data.ask(who, view.query("Q06-count", "reason")).frame
    if reasons["sum"].notna().sum() == 0:
        no_rows(view, reasons)
    else:
        reasons = reasons.assign(reason=reasons["reason"].map(said))
        charts.show(charts.ranked(reasons, "reason", "sum", "exposures", what="Rejected exposures by reason"))
with right:
    section(who, "Reject rate by room", view.query("Q06", "scanner"))
    rooms = data.ask(who, view.query("Q06", "scanner")).frame
    if rooms["share"].notna().sum() == 0:
        no_rows(view, rooms)
    else:
        charts.show(intervals(rooms, "scanner", "share", "share", what="Reject rate by room"))
        st.caption("Lines are 95 % intervals. A rejected exposure never reached the reader; a repeated one did (Q07).")

left, right = st.columns(2, gap="large")
with left:
    section(who, "Peer review by section", view.query("Q03", "section"))
    reviews = data.ask(who, view.query("Q03", "section")).frame
    if reviews["share"].notna().sum() == 0:
        no_rows(view, reviews)
    else:
        charts.show(intervals(reviews, "section", "share", "share", what="Share of reviews scored 2 or 3 by section"))
        coverage = data.ask(who, view.query("Q04")).frame.iloc[0]
        st.caption(
            f"Scores 2 and 3 of reviews, with 95 % intervals; there is no benchmark to hold them against. "
            f"{words.amount(coverage['share'], 'share')} of reported exams were reviewed. By section, never by person."
        )
with right:
    section(who, "Off the site's protocols, by scanner", view.query("Q10", "scanner"))
    protocols = data.ask(who, view.query("Q10", "scanner")).frame
    if protocols["share"].notna().sum() == 0:
        no_rows(view, protocols)
    else:
        protocols = protocols.nlargest(8, "share", keep="first")
        charts.show(intervals(protocols, "scanner", "share", "share", what="Share of exams off the site's protocols"))

left, right = st.columns(2, gap="large")
with left:
    section(who, "Incidents by group", view.query("Q09"))
    result = data.ask(who, view.query("Q09"))
    row = result.frame.iloc[0]
    if result.meta.absent or words.missing(row["n"]):
        empty(result.meta.absent or "No exam in this period and filter.", "See the guide on quality lists.")
    else:
        shown = {"Group": list(INCIDENTS.values()), "Per 10,000 exams": [f"{row[name]:.1f}" for name in INCIDENTS]}
        table(pd.DataFrame(shown), alt="Incidents per 10,000 exams by group")
        st.caption(f"Of {words.count(row['n'])} exams; {words.count(row['numerator'])} incidents in these groups.")
with right:
    section(who, "Reports against the reference", view.query("Q12-ppv"))
    answers = {name: data.ask(who, view.query(name)) for name in ACCURACY}
    if absent := next((a.meta.absent for a in answers.values() if a.meta.absent), ""):
        empty(f"{absent.capitalize()}.", "Accuracy is measured only where a reference exists.")
    else:
        rows = [a.frame.iloc[0].to_dict() | {"what": ACCURACY[name]} for name, a in answers.items()]
        known = pd.DataFrame(rows)
        if known["share"].notna().sum() == 0:
            no_rows(view, known)
        else:
            charts.show(
                intervals(
                    known, "what", "share", "share", what="Reports against the reference", order=list(ACCURACY.values())
                )
            )
            st.caption(
                "Positive predictive value, sensitivity and specificity with 95 % intervals. Young exams await it."
            )

all_numbers(who, view, FAMILY)
