"""The Targets page's parts: rules in words, packs, history, and the effect of a change."""

from __future__ import annotations

from datetime import date

import pandas as pd
import streamlit as st

from app import charts, data, timelines, words
from app.pivot import said_value
from app.widgets import empty, table
from etl.errors import RadpulseError
from etl.kpis.small_numbers import SMALLEST_CELL
from etl.targets.check import check, known_words
from etl.targets.effect import STRATUM, Effect
from etl.targets.history import targets_path, versions
from etl.warehouse.target_phases import phase_of
from etl.warehouse.target_rules import TargetRule, own_targets, parsed_targets, rule_packs, site_targets, table_text


def current_text() -> str:
    """Return the site's own table as CSV."""
    return table_text(own_targets(targets_path(data.settings())))


def in_force(day: date) -> None:
    """Draw the rules that hold on a site-local date, the site's own first."""
    rules = [rule for rule in site_targets(data.settings()) if rule.holds_on(day)]
    if not rules:
        empty("No target holds on this day.", "Write targets.csv, or switch on a rule pack.")
        return
    table(pd.DataFrame([_words(rule) for rule in rules]), alt=f"Targets in force on {words.day(day)}")


def _words(rule: TargetRule) -> dict[str, str]:
    phase = phase_of(rule.phase)
    return {
        "Wait": phase.label if phase else f"{rule.phase} (unknown)",
        "For": _scope(rule),
        "At most": words.amount(rule.target_min, "min"),
        "Since": "always" if rule.valid_from is None else f"{rule.valid_from:%Y-%m-%d}",
        "Until": "" if rule.valid_to is None else f"{rule.valid_to:%Y-%m-%d}",
        "From": rule.pack or "own",
    }


def _scope(rule: TargetRule) -> str:
    klass = "" if rule.patient_class == "*" else str(said_value("patient_class", rule.patient_class))
    named = [value for value in (rule.priority, rule.modality, rule.site) if value != "*"]
    return ", ".join(filter(None, [klass, *named])) or "everyone"


def packs() -> None:
    """Draw the shipped packs, what they say and where from, and whether the site uses them."""
    used = data.settings().rule_packs
    rows = []
    for pack in rule_packs().values():
        limits = [f"{_words(rule)['Wait']}: {words.amount(rule.target_min, 'min')}" for rule in pack.rules]
        strata = [f"{entry['kpi']} by {', '.join(entry['by'])}" for entry in pack.strata]
        clocks = [f"clock anew after {rule.after.replace('_', ' ')}, from the {rule.restart}" for rule in pack.clocks]
        state = "in use" if pack.key in used else "not used"
        says = "; ".join([*limits, *clocks, *strata])
        rows.append({"Pack": f"{pack.name} ({pack.key}, {state})", "Says": says, "Source": pack.source})
    table(pd.DataFrame(rows), alt="Rule packs")
    st.caption('Switch one on in radpulse.toml: `rule_packs = ["nhs_england_28_days"]`. Own targets come before it.')


def history() -> None:
    """Draw who saved which version when and why, the newest first."""
    saved = versions(data.settings())
    if not saved:
        empty("No change was saved yet.", "`radpulse targets set FILE --by NAME --reason WHY` saves one.")
        return
    rows = [
        {"Version": str(v.number), "When": v.changed_at[:16].replace("T", " "), "Who": v.by, "Why": v.reason,
         "Rules": str(len(v.rules))}
        for v in reversed(saved)
    ]  # fmt: skip
    table(pd.DataFrame(rows), alt="Versions of the targets")


def try_change(who: data.Asker, text: str) -> None:
    """Draw what is wrong with a table of targets, and what it would change."""
    try:
        found = check(parsed_targets(text), known_words(data.settings()))
        changes = data.target_effects(who, text)
    except RadpulseError as refused:
        st.warning(str(refused), icon=":material/block:")
        return
    for problem in found:
        say = st.warning if problem.must else st.info
        say(problem.text, icon=":material/build:" if problem.must else ":material/info:")
    if not changes:
        st.info("This changes no target of a wait that is measured on exams.", icon=":material/drag_handle:")
    for effect in changes:
        draw_effect(effect)
    if changes and not any(problem.must for problem in found):
        st.caption("To save it: `radpulse targets set FILE --by NAME --reason WHY`; it counts from the next run on.")


def draw_effect(effect: Effect) -> None:
    """Draw the share within target before and after by stratum, who changes sides, and the months concerned."""
    lines = list(effect.lines())
    st.subheader(effect.phase.label, anchor=False)
    st.markdown(lines[0].partition(": ")[2].replace("->", "→"))
    strata = effect.by(*STRATUM)
    few = strata[["before", "after"]].max(axis=1).between(1, SMALLEST_CELL - 1)
    shown = strata[~few & (strata[["before", "after"]].sum(axis=1) > 0)]
    names = [f"{r['priority']}, {said_value('patient_class', r['patient_class'])}" for r in shown.to_dict("records")]
    shown = shown.assign(stratum=names)
    if not shown.empty:
        what = f"Share within target, {effect.phase.label.lower()}"
        drawn = shown[shown["after"] > 0].rename(columns={"share_before": "first", "share_after": "second"})
        if not drawn.empty:
            marks = ("now", "after the change")
            charts.show(timelines.pairs(drawn, "stratum", "first", "second", marks, what, "share within target"))
        table(_table(shown), alt=f"Effect by stratum, {effect.phase.label.lower()}")
    if few.any():
        st.caption(f"{words.plural(int(few.sum()), 'stratum')} with fewer than {SMALLEST_CELL} exams not shown.")
    st.caption(lines[-1].strip().capitalize() + ".")


def _table(shown: pd.DataFrame) -> pd.DataFrame:
    rows = [
        {
            "Stratum": row["stratum"],
            "Now": _share(row["share_before"], row["before"]),
            "After": _share(row["share_after"], row["after"]),
            "Turn to in time": words.count(row["gained"]),
            "Turn to late": words.count(row["lost"]),
        }
        for row in shown.to_dict("records")
    ]
    return pd.DataFrame(rows)


def _share(share: float, judged: int) -> str:
    return f"{words.amount(share, 'share')} of {words.count(judged)}" if judged else "no target"
