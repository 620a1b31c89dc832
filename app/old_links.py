"""Links people kept: what a link asks for that is not known here any more is said once, the rest is applied."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import streamlit as st

from app import data, words
from app.comparison import COMPARISONS
from app.filters import DIMENSIONS, PERIODS, value_words

# Parameters that pages own beside the shared filters; part of links people keep, as filters.DIMENSIONS is.
OF_PAGES = frozenset(
    {"dates", "day", "find", "forecast", "forecast_scanner", "kpi", "grain", "by", "measure"}
    | {"way_from", "way_to", "way_scanner"}
)
_CHOICES = {"period": PERIODS, "compare": COMPARISONS}
_NOTICE, _LOOKED = "old_link_notice", "old_link_looked"


def odd_parts(asked: Mapping[str, Iterable[str]], known_values: Callable[[str], Iterable[str]]) -> list[str]:
    """Return what of a link's parameters is not known, in words; `known_values` are those of a dimension."""
    odd = []
    for name, values in asked.items():
        if name in OF_PAGES or name.startswith("embed"):
            continue
        if name in _CHOICES:
            odd += [f"{name} '{value[:40]}'" for value in values if value not in _CHOICES[name].values()]
        elif name in DIMENSIONS:
            known = {said for value in known_values(name) for said in (str(value), value_words(name, str(value)))}
            odd += [f"{DIMENSIONS[name].lower()} '{value[:40]}'" for value in values if value and value not in known]
        else:
            odd.append(f"'{name[:40]}'")
    return odd


def notice(who: data.Asker) -> None:
    """Say once a session, above the page, what of its link could not be applied; call before any filter is drawn."""
    state = st.session_state
    if _LOOKED not in state:
        state[_LOOKED] = True
        asked = {name: st.query_params.get_all(name) for name in st.query_params}
        state[_NOTICE] = odd_parts(asked, lambda name: data.dimension_values(who, name))
    if not state[_NOTICE]:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.info(
            f"This link asks for {words.listing(state[_NOTICE], 4)}, which is not known here. Everything else in it "
            "is applied.",
            icon=":material/link_off:",
        )
        st.button("Dismiss", key="dismiss_notice", type="tertiary", on_click=_dismiss)


def _dismiss() -> None:
    st.session_state[_NOTICE] = []
