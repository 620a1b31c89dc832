"""The panel behind a number: what it is, how complete, which rows, what moved it, and how to take it along."""

from __future__ import annotations

from typing import Any

import streamlit as st

from app import charts, control, data, reasons, words
from app.compare import Compared, before
from app.control_chart import control_picture
from app.exports import TICKETS, Part, Ticket
from app.filters import DIMENSIONS, View
from app.going import go_to
from app.notes import noted
from app.patient_choice import open_patient_of
from app.pivot import dimension_label
from etl.errors import RefusedError
from etl.kpis.query import Query, Result

FILES: tuple[tuple[Part, str, str], ...] = (
    ("csv", "CSV", ":material/download:"),
    ("xlsx", "Excel", ":material/table:"),
    ("parquet", "Parquet", ":material/dataset:"),
    ("about", "Description (JSON)", ":material/description:"),
)
MOVERS = ("modality", "scanner", "patient_class", "priority", "section", "daypart", "site", "procedure_group", "reason")


def command_line(query: Query, ending: str = "csv") -> str:
    """Return the command that writes the same file."""
    parts = [f"radpulse export --kpi {query.kpi}"]
    if query.by:
        parts.append(f"--by {','.join(query.by)}")
    parts.append(f"--from {query.from_date} --to {query.to_date}")
    parts += [f"--where {name}={','.join(chosen)}" for name, chosen in sorted(query.where.items())]
    return " ".join([*parts, f"-o out.{ending}"])


def python_text(query: Query) -> str:
    """Return the lines of Python that ask the same question."""
    where = {name: tuple(chosen) for name, chosen in sorted(query.where.items())}
    first, last = (f"date({d.year}, {d.month}, {d.day})" for d in (query.from_date, query.to_date))
    return (
        "from datetime import date\n\nfrom etl.exports import ask\nfrom etl.kpis import Query\n\n"
        f"frame = ask(Query({query.kpi!r}, {first}, {last}, {query.by!r}, {where!r})).frame"
    )


def not_applied_words(result: Result) -> str:
    """Say which filters a KPI could not take, struck out; empty where all apply."""
    names = [DIMENSIONS.get(name, name).lower() for name in result.meta.not_applied]
    if not names:
        return ""
    return f"~~{', '.join(names)}~~ not applied: {result.meta.label.split(' (')[0].lower()} has no {' or '.join(names)}"


def download(who: data.Asker, query: Query, key: str) -> None:
    """Offer the result as one-time links in every format; each is audited when it is used."""
    bom = st.toggle("CSV with a byte order mark", key=f"{key}_bom")
    with st.container(horizontal=True):
        for part, label, icon in FILES:
            ticket = Ticket(who.principal, query, who.data_version, part, bom)
            st.link_button(label, f"/exports/{TICKETS.issue(ticket)}", icon=icon, key=f"{key}_{part}")
    st.caption("Each link works once and for one minute, and its use is recorded. Reopen this menu for a new one.")
    st.code(command_line(query), language=None, wrap_lines=True)
    st.code(python_text(query), language="python", wrap_lines=True)


def export_menu(who: data.Asker, query: Query, key: str, label: str = "Export") -> None:
    """A menu that makes the one-time links when it is opened."""
    menu = st.popover(label, icon=":material/download:", key=f"{key}_export", on_change="rerun", type="tertiary")
    if menu.open:
        with menu:
            download(who, query, key)


def panel(who: data.Asker, view: View, tile: Compared, key: str) -> None:
    """Answer the five questions about a number."""
    meta, kpi = tile.result.meta, data.kpi(tile.result.meta.kpi_key)
    query = view.query(kpi.key)
    st.markdown(f"**What exactly is this?** {kpi.description}")
    st.markdown(f"`{kpi.formula}` over {kpi.population.text}, counted {kpi.at.text}. Source: {kpi.source}.")
    st.markdown(f"**How complete?** {completeness_words(tile.result)} {sentence(kpi.open_items)}")
    note = not_applied_words(tile.result)
    if note:
        st.markdown(f"**Filters:** {note}")
    st.markdown("**Since when?**")
    since_when(view, tile)
    st.markdown("**What moved it?**")
    _movers(who, view, tile)
    st.markdown("**Which rows?**")
    _rows(who, query, key)
    st.markdown("**How computed?**")
    st.caption(
        f"{kpi.id} {kpi.label}, definition version {meta.definition_version}. Data version {meta.data_version}, "
        f"data until {words.moment(meta.data_at.astimezone(data.main_zone(who, view.where)))}. "
        f"Period {words.period(view.from_date, view.to_date)}."
    )
    download(who, query, key)


def since_when(view: View, tile: Compared) -> None:
    """Draw the control chart with annotations and target, and say where its limits come from."""
    chart = tile.chart
    if chart is None or not len(chart.buckets):
        st.caption("This number has no days to look back on.")
        return
    said = sentence(f"{tile.state.word}: {tile.against}")
    target = control.target_of(view, data.kpi(tile.result.meta.kpi_key))
    marked = noted(view, chart.buckets[0], chart.buckets[-1])
    charts.show(control_picture(chart, tile.unit, notes=marked, target=target, said=said))
    st.markdown(" ".join(filter(None, (said, sentence(tile.assured)))))
    st.caption(control.limits_from(chart))
    for note in marked:
        st.caption(f"{note.label}, {words.period(note.from_date, note.to_date)}: {note.text} ({note.author})")


def sentence(text: str) -> str:
    """Return a text with a capital letter and a full stop."""
    return f"{text[:1].upper()}{text[1:].rstrip('.')}." if text else ""


def completeness_words(result: Result) -> str:
    """Say n, missing, open and suppressed."""
    meta, counted = result.meta, data.kpi(result.meta.kpi_key).counted
    said = [f"{words.count(meta.n)} {counted} in the population"]
    if "missing" in meta.columns:
        said.append(f"{words.count(meta.missing)} without a value")
    if "open" in meta.columns:
        said.append(f"{words.count(meta.open)} still open")
    if meta.suppressed:
        said.append(f"{words.plural(meta.suppressed, 'small cell')} hidden")
    return ", ".join(said) + "."


def _movers(who: data.Asker, view: View, tile: Compared) -> None:
    """Say what changed since four weeks before, and by whichever dimension is asked what each member did."""
    kpi = data.kpi(tile.result.meta.kpi_key)
    back, query = before(view), view.query(kpi.key)
    try:
        found = reasons.explained(who, back.query(kpi.key), query)
    except RefusedError as refused:
        st.caption(sentence(str(refused)))
        return
    st.markdown(found.sentence)
    st.caption(f"Compared with {words.period(back.from_date, back.to_date)}. The parts add up exactly.")
    cuts = [d for d in MOVERS if d in kpi.dimensions or (d == "daypart" and "hour_of_day" in kpi.dimensions)]
    cut = st.selectbox("Part by part, by", cuts, format_func=dimension_words, key=f"movers_{kpi.key}") if cuts else None
    if cut is not None:
        effects_table(who, back.query(kpi.key), query, cut)


def dimension_words(name: str) -> str:
    """Return a dimension as filters call it; a daypart is six hours."""
    return "Part of the day" if name == "daypart" else dimension_label(name)


def effects_table(who: data.Asker, before: Query, after: Query, cut: str, measure: str | None = None) -> None:
    """Draw what each member of a dimension did to a number between two periods, the largest effect first."""
    kpi = data.kpi(after.kpi)
    unit = {m.name: m.unit for m in kpi.measures}[measure or kpi.headline]
    rows = reasons.effects_of(who, before, after, cut, measure).sort_values("effect", key=abs, ascending=False)
    shown = {
        dimension_words(cut): ["mix (who came)" if name == "mix" else name for name in rows[cut]],
        "Before": [_or_blank(v, unit) for v in rows["value_before"]],
        "Now": [_or_blank(v, unit) for v in rows["value_after"]],
        "n": ["" if words.missing(n) else words.count(n) for n in rows["n_after"]],
        "Effect": [words.difference(float(e), unit) for e in rows["effect"]],
    }
    st.table(shown, hide_index=True, border="horizontal", alt=f"What each {cut} did to {kpi.label}")


def _or_blank(value: float, unit: str) -> str:
    return "" if words.missing(value) else words.amount(value, unit)


def _rows(who: data.Asker, query: Query, key: str) -> None:
    try:
        frame = data.rows_behind(who, query)
    except RefusedError as error:
        st.caption(str(error))
        return
    if frame.empty:
        st.caption("No rows in this period and filter.")
        return
    shown = f"the first {data.DRILL_ROWS}" if len(frame) >= data.DRILL_ROWS else f"all {len(frame)}"
    st.caption(f"Pseudonymous rows, {shown}. Times are UTC.")
    named = frame.rename(columns=lambda name: str(name).removesuffix("_code").replace("_", " "))
    alt = "The rows behind this number"
    if "exam_key" not in frame:
        st.dataframe(named, hide_index=True, height=300, key=f"{key}_rows", alt=alt)
        return
    picked: Any = st.dataframe(
        named, hide_index=True, height=300, key=f"{key}_rows", alt=alt, on_select="rerun", selection_mode="single-row"
    )
    chosen = picked["selection"]["rows"]
    label = "Open this patient" if chosen else "Choose a row to open its patient"
    if st.button(label, icon=":material/person_search:", key=f"{key}_patient", disabled=not chosen):
        open_patient_of(who, int(frame["exam_key"].iloc[chosen[0]]))
        go_to("patient")
