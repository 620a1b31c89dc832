"""The Forecast page's parts: hours ahead, exams at risk, backtests beside baselines, and the model card."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pandas as pd
import streamlit as st

from app import charts, data, timelines, words
from app.filters import View
from app.outlook import with_local_time
from app.widgets import empty, table

PAST_DAYS = 2
RISK_ROWS = 200


@dataclass(frozen=True, slots=True)
class Shown:
    """How a target is shown: label, unit, and how its hourly truth comes from the warehouse."""

    label: str
    unit: str


TARGETS = {
    "table_utilization": Shown("Table utilization", "share"),
    "scanner_demand": Shown("Visits begun", "visits"),
}
MODELS = {
    "model": "Model",
    "seasonal_naive": "Same hour last week",
    "mean_4w": "Mean of the last 4 weeks",
    "base_rate": "Base rate",
}
METRICS = {
    "mase": ("Scaled error (MASE)", "below 1 beats repeating last week"),
    "pinball": ("Quantile loss", "lower is better"),
    "mae": ("Mean absolute error", "lower is better"),
    "skill": ("Skill against the best baseline", "above 0 wins"),
    "coverage_80": ("Inside the 80 % interval", "near 80 %"),
    "coverage_95": ("Inside the 95 % interval", "near 95 %"),
    "coverage_80_fair": ("Inside 80 %, counts split", "near 80 %"),
    "coverage_95_fair": ("Inside 95 %, counts split", "near 95 %"),
    "brier": ("Brier score, open exams", "lower is better"),
    "auc": ("Ranking (AUC), open exams", "above 0.5"),
}
REPORT = "report_time"


def ahead_and_past(
    who: data.Asker, view: View, rows: pd.DataFrame, target: str, scanner: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return (past, ahead) of one scanner with naive local `at`; past covers the last whole days before the origin."""
    ahead = with_local_time(who, rows[rows["scanner_code"] == scanner]).sort_values("at")
    origin = ahead["issued_at"].iloc[0]
    history = data.rows(
        who,
        "hourly_history",
        view.today - timedelta(days=PAST_DAYS),
        view.today + timedelta(days=1),
        (("scanner", (scanner,)),),
    )
    past = with_local_time(who, history[history["hour_at"] + pd.Timedelta(hours=1) <= origin])
    if target == "scanner_demand":
        value = past["begun_visits"].astype("float64")
    else:
        open_min = past["operating_min"].where(past["operating_min"] > 0)
        value = past["table_min"] / open_min
    return past.assign(value=value)[["at", "value"]].dropna(), ahead


def draw_ahead(past: pd.DataFrame, ahead: pd.DataFrame, target: str, scanner: str) -> None:
    """Draw one scanner's hours ahead with both intervals."""
    shown = TARGETS[target]
    charts.show(timelines.band(past, ahead, shown.unit, f"{shown.label} on {scanner}"))
    st.caption(
        f"Dark band: 80 % interval; light band: 95 %. Served by: {served_words(ahead['served'].iloc[0])}. "
        "Gaps are hours outside opening time."
    )


def served_words(served: object) -> str:
    """Say which method made the numbers."""
    text = str(served)
    for key, label in MODELS.items():
        if text == key or text.startswith(f"{key} "):
            return label.lower() + text[len(key) :]
    return text


def fullest_hours(who: data.Asker, rows: pd.DataFrame, target: str) -> None:
    """List the eight fullest scanner hours ahead, one per scanner and day."""
    shown, local = TARGETS[target], with_local_time(who, rows)
    top = local.sort_values("value", ascending=False).drop_duplicates(["scanner_code", "local_date"]).head(8)
    listed = pd.DataFrame(
        {
            "Scanner": top["scanner_code"],
            "Hour": [words.moment(at) for at in top["at"]],
            shown.label: [words.amount(v, shown.unit) for v in top["value"]],
            "80 % interval": [
                words.spread(lo, hi, shown.unit) for lo, hi in zip(top["low_80"], top["high_80"], strict=True)
            ],
        }
    )
    table(listed, f"Fullest hours ahead, {listed.iloc[0]['Scanner']} first")


def draw_at_risk(who: data.Asker, view: View) -> None:
    """List open exams by their chance to miss the report target."""
    risky = data.rows(who, "exams_at_risk", view.where, RISK_ROWS)
    if risky.empty:
        empty("No open exam has a forecast for this filter.", "Exams appear here once they end without a report.")
        return
    zones = data.zones(who)
    ended, expected = (
        [
            None if pd.isna(t) else t.tz_convert(zones[s]).tz_localize(None)
            for t, s in zip(risky[c], risky["site_code"], strict=True)
        ]
        for c in ("exam_end_at", "expected_at")
    )
    shown = risky.assign(
        chance=risky["probability"] * 100,
        ended=[words.moment(t) if t is not None else "" for t in ended],
        expected=[words.moment(t) if t is not None else "" for t in expected],
        target=[words.amount(m, "min") if not words.missing(m) else "none" for m in risky["report_target_min"]],
        exam=risky["accession_token"].str[:8],
    )
    columns = {
        "chance": "Chance late",
        "priority": "Priority",
        "modality": "Modality",
        "procedure_group": "Procedure",
        "site_code": "Site",
        "ended": "Exam ended",
        "expected": "Report expected",
        "target": "Target",
        "exam": "Exam (pseudonym)",
    }
    table(
        shown,
        f"{len(shown)} open exams, highest chance to be late {shown['chance'].max():.0f} %",
        columns,
        key="at_risk",
        **{"Chance late": st.column_config.ProgressColumn(format="%.0f %%", min_value=0, max_value=100)},
    )
    st.caption(
        f"{words.plural(len(shown), 'open exam')}, highest chance first. Times are site-local. "
        "The chance is to exceed the exam's own report target."
    )


def backtest_table(who: data.Asker, target: str) -> None:
    """Show the scores of the model beside its baselines, for the scanner target and for report times."""
    for key, label in ((target, TARGETS[target].label), (REPORT, "Report time of open exams")):
        scores = data.rows(who, "backtests", key)
        if scores.empty:
            empty(f"{label}: no backtest is published.", "It comes with the first forecast on enough history.")
            continue
        st.markdown(f"**{label}**")
        listed = score_rows(scores, "min" if key == REPORT else TARGETS[target].unit)
        table(listed, f"Backtest of {label}: {len(listed)} scores")
        served = [MODELS.get(str(m), str(m)) for m in scores[scores["is_served"].fillna(False)]["model"].unique()]
        st.caption(
            f"{words.plural(int(scores['origins'].max()), 'forecast origin')} rolled through the past, "
            f"{words.count(float(scores['n'].max()))} cases. What is served: "
            f"{words.listing(served).lower() or 'baseline'}."
        )


def score_rows(scores: pd.DataFrame, unit_of_error: str) -> pd.DataFrame:
    """Return one row a metric and one column a method, the model first; a mean error has the forecast's unit."""
    order = [m for m in MODELS if m in set(scores["model"])] + sorted(set(scores["model"]) - set(MODELS))
    found = []
    for metric, (label, reading) in METRICS.items():
        part = scores[scores["metric"] == metric].set_index("model")["value"]
        if part.empty:
            continue
        unit = "share" if metric.startswith("coverage") else unit_of_error if metric == "mae" else ""
        said = {MODELS.get(m, m): _score(part.get(m), unit) for m in order}
        found.append({"Score": label, **said, "Reading": reading})
    return pd.DataFrame(found)


def _score(value: Any, unit: str) -> str:
    if words.missing(value):
        return ""
    return words.amount(float(value), unit) if unit else f"{float(value):.3f}"


CARD = {
    "label": "Forecasts",
    "kpi": "KPI",
    "trained_from": "Trained on data from",
    "trained_until": "Trained on data until",
    "best_baseline": "Best baseline",
    "skill": "Skill against it",
    "recipe": "Recipe",
    "sha256": "Model file",
    "sklearn": "scikit-learn",
}


def model_card(who: data.Asker, target: str, rows: pd.DataFrame) -> None:
    """Show the card written beside the model file, and who signed what is served."""
    card = data.model_card(target)
    if card is None:
        empty("There is no model file for this forecast.", "The baseline above is served until a model is trained.")
        return
    said = {label: card_value(key, card[key]) for key, label in CARD.items() if key in card}
    if not rows.empty:
        said["Served now"] = served_words(rows["served"].iloc[0])
        if card.get("sha256") not in set(rows["model_hash"].dropna()):
            said["Note"] = "this card belongs to another model file than the forecast shown"
    listed = pd.DataFrame({"What": list(said), "Value": list(said.values())})
    st.table(listed, hide_index=True, hide_header=True, border="horizontal", alt=f"Model card of {target}")


def card_value(key: str, value: Any) -> str:
    """Say one entry of a card: hashes short, times as dates, an estimate with its interval."""
    if key in {"recipe", "sha256"}:
        return f"{str(value)[:12]}..."
    if key.startswith("trained"):
        return words.day(datetime.fromisoformat(str(value)).date()) + f" {str(value)[:4]}"
    if key == "skill" and isinstance(value, list):
        return f"{value[0]:.3f}, 95 % interval {value[1]:.3f} to {value[2]:.3f}"
    return MODELS.get(str(value), str(value))
