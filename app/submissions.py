"""The Submissions page's words and tables: can a month go, what became of every exam, what would be rejected."""

from __future__ import annotations

from datetime import date

import pandas as pd
import streamlit as st

from app import data, words
from app.theme import BETTER, UNKNOWN, WORSE
from app.widgets import empty, table
from etl.submissions.spec import REGISTRIES, spec_of
from etl.submissions.submit import Prepared

MONTHS_BACK = 13
SHOWN = 15
REMEDIES = {
    "no dose report": "Dose reports are not fed for this month: see Radiation dose, or connect a feed of dose reports.",
    "no final report by the data time": "Wait until the exams are reported.",
    "no DM01 test": "Map the site's codes to tests in `submission_codes.csv`.",
}
_CLASSES = {
    "offered": "offered",
    "exported": "in the file",
    "refused": "would be rejected",
    "held_back": "sound, held back",
    "out_of_scope": "out of scope",
}


def months(who: data.Asker) -> list[date]:
    """Return the months that are over in the data, the latest first."""
    today, first = data.today(who), data.first_day(who).replace(day=1)
    ends = pd.date_range(first, today.replace(day=1), freq="MS", inclusive="left")
    return [month.date() for month in reversed(ends)][:MONTHS_BACK]


def titles() -> dict[str, str]:
    """Return every registry's title."""
    return {registry: spec_of(registry)[0].title for registry in REGISTRIES}


def is_empty(made: Prepared) -> bool:
    """Whether no exam of the month falls under the registry, so that there is neither a file nor a rejection."""
    return made.counts["offered"] == made.counts["out_of_scope"]


def _nothing(made: Prepared) -> str:
    if not made.counts["offered"]:
        return f"**Nothing to submit:** no exam was performed in {made.month:%B %Y}. Choose another month."
    left_out = sorted(made.manifest["out_of_scope"].items(), key=lambda found: -found[1])
    why = "; ".join(f"{reason}: {words.count(n)}" for reason, n in left_out)
    remedy = next((REMEDIES[reason] for reason, _ in left_out if reason in REMEDIES), "Choose another month.")
    exams = words.plural(made.counts["offered"], "exam")
    return f"**Nothing to submit:** none of {exams} of {made.month:%B %Y} falls under this registry ({why}). {remedy}"


def verdict(made: Prepared) -> str:
    """Say in one line whether the month can go; where there is nothing to go, why and what to do."""
    if is_empty(made):
        return f":{UNKNOWN.colour}[{UNKNOWN.icon}] {_nothing(made)}"
    rows = words.count(made.manifest["rows"])
    if made.refusals:
        refused = words.plural(made.counts["refused"], "exam")
        return f":{WORSE.colour}[{WORSE.icon}] **Not ready:** {refused} would be rejected, so no file is made."
    if not made.manifest["submittable"]:
        lacking = words.plural(len(made.manifest["refused_fields"]), "item")
        return (
            f":{WORSE.colour}[{WORSE.icon}] **Checked, not submittable:** {rows} rows are sound, but {lacking} need "
            "the identity vault, which is off."
        )
    return f":{BETTER.colour}[{BETTER.icon}] **Ready:** {rows} rows, every one as the registry takes it."


def conservation(made: Prepared) -> None:
    """Draw what became of every exam offered."""
    counts = made.counts
    shown = {_CLASSES[name]: words.count(n) for name, n in counts.items()}
    table(pd.DataFrame([shown]), f"{words.count(counts['offered'])} exams offered and what became of them")
    for why, n in made.manifest["out_of_scope"].items():
        st.caption(f"Out of scope, {why}: {words.count(n)}")


def rejected(made: Prepared) -> None:
    """Draw what would be rejected by reason, most first."""
    reasons = made.manifest["refused_by"]
    if not reasons:
        empty("Nothing would be rejected.", "Every row was judged against the registry's fields.")
        return
    split = [why.partition(": ") for why in reasons]
    found = pd.DataFrame(
        {
            "Field": [field for field, _, _ in split],
            "Came": [rest.partition(", allowed ")[0] for _, _, rest in split],
            "Allowed": [rest.partition(", allowed ")[2] for _, _, rest in split],
            "Rows": [words.count(n) for n in reasons.values()],
        }
    ).head(SHOWN)
    table(found, f"What would be rejected, {words.plural(len(reasons), 'reason')}")


def worklist(made: Prepared) -> None:
    """Draw the local codes that the site's maps lack."""
    if not made.worklist:
        return
    file = data.settings().submission_codes_file
    st.markdown(f"The maps in `{file}` lack {words.plural(len(made.worklist), 'code')}:")
    rows = [(name, local, words.count(n)) for name, local, n in made.worklist[:SHOWN]]
    table(pd.DataFrame(rows, columns=["Map", "Local code", "Rows"]), "Local codes without a map")


def withheld(made: Prepared) -> None:
    """Say which items are not told, and why."""
    fields = list(made.manifest["refused_fields"])
    if fields:
        st.caption(f"Not told, because only the identity vault knows them: {words.listing(fields, 20)}.")
