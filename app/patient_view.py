"""One patient over time, under a pseudonym: exams by region, repeats, dose, follow-ups, and what is missing.

Which patient is shown lies in the session alone: never in the address, a log or a file name.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pandas as pd
import streamlit as st

from app import charts, data, words
from app.charts import Chart, Spec, millis, tips
from app.filters import View
from app.patient_choice import name_of, show_patient
from app.repeats import region_words
from app.widgets import empty, table
from etl.kpis.dose_levels import SUM_CAVEAT
from etl.warehouse import tables as t

MOST = 40
REPEAT_DAYS = 90
NO_REPORT_AFTER = timedelta(days=1)  # without a target of the site
SETTLED = timedelta(hours=4)  # images may still come
DOSES = {"dlp_total_mgy_cm": ("CT: DLP", "mGy·cm"), "dap_total_gy_m2": ("X-ray: DAP", "Gy·m²"),
         "agd_left_mgy": ("Mammography left: AGD", "mGy"), "agd_right_mgy": ("Mammography right: AGD", "mGy"),
         "activity_mbq": ("Nuclear medicine: activity", "MBq")}  # fmt: skip


def choose(who: data.Asker, view: View) -> None:
    """Offer patients who came back; a row opens its patient."""
    st.header("Patients imaged again", anchor=False)
    st.caption(
        "Search by a patient's number is not possible: numbers never pass the border, only pseudonyms do. Start from "
        "a row here, or from a row behind any number (Explain, Which rows)."
    )
    frame = data.single_rows(who, "returning_patients", view.from_date, view.to_date, view.where, MOST)
    if frame.empty:
        empty("No exam of this period repeats an earlier one.", "Choose a longer period in the sidebar.")
        return
    zone = data.main_zone(who, view.where)
    shown = pd.DataFrame(
        {
            "Patient": [name_of(int(key)) for key in frame["patient_key"]],
            "Exams": frame["exams"],
            "Repeats": frame["repeats"],
            "Called redundant": frame["redundant"],
            "Last exam": [words.moment(at.tz_convert(zone)) for at in frame["last_at"]],
        }
    )
    picked: Any = st.dataframe(
        shown, hide_index=True, height=320, on_select="rerun", selection_mode="single-row", key="returning",
        alt=f"{len(shown)} patients with the most repeats within {REPEAT_DAYS} days",
    )  # fmt: skip
    rows = picked["selection"]["rows"]
    if rows:
        show_patient(int(frame["patient_key"].iloc[rows[0]]))


def exams_of(who: data.Asker, patient_key: int) -> pd.DataFrame:
    """Return the patient's exams with when each was (begun, else due, else ordered) and whether it is a repeat."""
    frame = data.single_rows(who, "patient_exams", patient_key)
    at = frame["exam_begin_at"].fillna(frame["appointment_at"]).fillna(frame["order_entered_at"])
    again = frame["is_performed"].fillna(value=False) & (frame["prior_days"] <= REPEAT_DAYS)
    return frame.assign(at=at, is_repeat=again)


def headline(who: data.Asker, patient_key: int, frame: pd.DataFrame, found: list[str]) -> None:
    """Say who is on show and the four numbers that matter."""
    one = frame.iloc[-1]
    born = "" if pd.isna(one["birth_year"]) else f", born {int(one['birth_year'])}"
    sex = {"F": ", woman", "M": ", man"}.get(str(one["sex"]), "")
    st.header(f"Patient {name_of(patient_key)}{sex}{born}", anchor=False)
    done = frame[frame["is_performed"].fillna(value=False)]
    dlp = done["dlp_total_mgy_cm"].sum(min_count=1)
    numbers = {
        "Exams done": words.count(len(done)),
        f"Repeats within {REPEAT_DAYS} days": words.count(int(done["is_repeat"].sum())),
        "CT: sum of DLP, mGy·cm": "no report" if pd.isna(dlp) else f"{dlp:,.0f}",
        "Gaps": words.count(len(found)),
    }
    grid = st.grid(4, min_column_width=170, gap="small", border=True)
    for label, value in numbers.items():
        with grid.cell():
            st.metric(label, value)


def timeline(frame: pd.DataFrame, zone: Any) -> None:
    """Draw every exam at its time in the row of its body region; repeats are ringed, what was not done is hollow."""
    rows = [region_words(r) if isinstance(r, str) else "Not comparable" for r in frame["body_region"]]
    drawn = pd.DataFrame({"t": millis(frame["at"].dt.tz_convert(zone).dt.tz_localize(None)), "region": rows})
    drawn["modality"] = frame["modality"].fillna("unknown").tolist()
    drawn["again"], drawn["done"] = frame["is_repeat"].tolist(), frame["is_performed"].fillna(value=False).tolist()
    drawn["when"] = [words.day(at.tz_convert(zone)) + f" {at.year}" for at in frame["at"]]
    drawn["what"] = frame["procedure_group"].fillna("not known").tolist()
    drawn["status"] = frame["status"].str.replace("_", " ").tolist()
    drawn["since"] = [
        f"{days:.0f} days after the last of its region" if days <= REPEAT_DAYS else "" for days in frame["prior_days"]
    ]
    alt = (
        f"{words.plural(len(drawn), 'exam')} in {words.plural(drawn['region'].nunique(), 'region')} from "
        f"{drawn['when'].iloc[0]} to {drawn['when'].iloc[-1]}; {int(drawn['again'].sum())} repeat one within "
        f"{REPEAT_DAYS} days."
    )
    charts.show(Chart(drawn, _timeline(drawn), alt))
    st.caption("Ring: repeats an exam of its region and modality family within 90 days. Pale: not done (yet).")


def _timeline(drawn: pd.DataFrame) -> Spec:
    axis = {"title": None, "format": "%-d %b", "tickCount": 6, "grid": True, "labelOverlap": True}
    place = {
        "x": {"field": "t", "type": "temporal", "scale": {"type": "utc", "nice": True}, "axis": axis},
        "y": {"field": "region", "type": "nominal", "axis": charts.names_axis(170)},
    }
    colour = {"field": "modality", "type": "nominal", "scale": {"domain": sorted(drawn["modality"].unique())}}
    ring = {
        "transform": [{"filter": "datum.again"}],
        "mark": {"type": "point", "size": 330, "strokeWidth": 2, "color": "#8B949E", "aria": False},
        "encoding": place,
    }
    dots = {
        "mark": {"type": "point", "filled": True, "size": 110},
        "encoding": {
            **place, "color": {**colour, "legend": charts.legend()},
            "opacity": {"condition": {"test": "datum.done", "value": 1}, "value": 0.3},
            "tooltip": tips(when="When", what="Exam", modality="Modality", status="Status", since="Repeat"),
        },
    }  # fmt: skip
    return {"height": charts.height(drawn["region"].nunique(), 34, legend=True), "layer": [ring, dots]}


def dose(frame: pd.DataFrame) -> None:
    """Say every dose quantity summed over the exams that report it, with what such a sum is not."""
    done = frame[frame["is_performed"].fillna(value=False)]
    found = [
        {"Quantity": label, "Sum": f"{done[name].sum():,.4g} {unit}", "Exams": int(done[name].notna().sum()),
         "Last": words.day(done.loc[done[name].notna(), "at"].max())}
        for name, (label, unit) in DOSES.items() if done[name].notna().any()
    ]  # fmt: skip
    if not found:
        st.caption("No exam of this patient has a dose report.")
    else:
        table(pd.DataFrame(found), "Dose quantities summed over the patient's exams")
    st.caption(SUM_CAVEAT)


def gaps(frame: pd.DataFrame, now: datetime) -> list[str]:
    """Return what is missing in the patient's course, in sentences, the latest first."""
    found: list[tuple[Any, str]] = []
    for one in frame.to_dict("records"):
        what = f"{one['procedure_group'] or one['modality']} of {words.day(one['at'])}"
        found += [(one["at"], f"{what}: {why}") for why in _lacking(one, now)]
    return [sentence for _, sentence in sorted(found, key=lambda one: one[0], reverse=True)]


def _lacking(one: dict[Any, Any], now: datetime) -> list[str]:
    """Return what one exam lacks."""
    if not one["is_performed"]:
        due = one["appointment_at"]
        waits = one["status"] in ("scheduled", "ordered") and pd.notna(due) and due < now - SETTLED
        return ["booked, not done, and nobody cancelled it"] if waits else []
    ended, limit = one["exam_end_at"], one["report_target_min"]
    allowed = NO_REPORT_AFTER if words.missing(limit) else timedelta(minutes=float(limit))
    why = []
    if pd.isna(one["first_final_at"]) and ended < now - allowed:
        why.append(f"no final report after {words.age((now - ended).total_seconds() / 60)}")
    if not one["has_images"] and ended < now - SETTLED:
        why.append("no images in the archive")
    if pd.notna(one["prior_requested_at"]) and pd.isna(one["prior_available_at"]):
        why.append("the prior that was asked for never came")
    if one["is_repeat"] and one["reason_class"] == "redundant":
        why.append("repeated, and the order's reason says it need not have been")
    return why


def followups(who: data.Asker, patient_key: int, now: datetime, zone: Any) -> list[str]:
    """Draw the follow-up exams recommended for the patient; return those overdue as gaps."""
    if "fact_followup" not in t.metadata.tables:
        st.caption("No follow-up facts in this version.")
        return []
    frame = data.single_rows(who, "patient_followups", patient_key)
    if frame.empty:
        st.caption("No follow-up was recommended for this patient.")
        return []
    state = [_followup_state(one, now) for one in frame.to_dict("records")]
    shown = pd.DataFrame(
        {
            "Recommended": [words.day(at.tz_convert(zone)) for at in frame["recommended_at"]],
            "What": frame["wanted_modality"].fillna("not said"),
            "Due": ["no interval" if pd.isna(at) else words.day(at.tz_convert(zone)) for at in frame["due_at"]],
            "State": state,
        }
    )
    table(shown, f"{len(shown)} follow-up recommendations")
    late = shown[[one == "overdue" for one in state]]
    return [f"Follow-up {row['What']} recommended {row['Recommended']}: overdue" for row in late.to_dict("records")]


def _followup_state(one: dict[Any, Any], now: datetime) -> str:
    for name, said in (("completed_at", "done"), ("dismissed_at", "dismissed")):
        if pd.notna(one[name]) and one[name] <= now:
            return said
    if pd.notna(one["deadline_at"]) and one["deadline_at"] < now:
        return "overdue"
    return "booked" if pd.notna(one["scheduled_at"]) else "open"


def rows(frame: pd.DataFrame, zone: Any) -> None:
    """List the exams, newest first."""
    newest = frame.iloc[::-1]
    shown = pd.DataFrame(
        {
            "When": [words.moment(at.tz_convert(zone)) for at in newest["at"]],
            "Exam": newest["procedure_group"].fillna("not known"),
            "Site": newest["site_code"],
            "Status": newest["status"].str.replace("_", " "),
            "Days since the last of its region": newest["prior_days"].round(1),
            "Reason": newest["reason"].fillna(""),
            "DLP": newest["dlp_total_mgy_cm"].round(0),
            "Pseudonym in the RIS list": newest["accession_token"],
        }
    )
    st.dataframe(
        shown, hide_index=True, height=min(460, 60 + 35 * len(shown)), alt=f"{len(shown)} exams of the patient"
    )
