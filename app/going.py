"""Going to another page from code, with filters in the address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NoReturn

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx


def go_to(page: str, parameters: Mapping[str, Sequence[str]] | None = None) -> NoReturn:
    """Open a page, its own `parameters` in the address; the filters' widgets put theirs back when they are drawn.

    `st.switch_page` empties the address first, and Streamlit 1.67 refuses that while a widget is bound to a part of it.
    """
    context = get_script_run_ctx()
    assert context is not None  # noqa: S101 - a page is running
    with context.session_state.query_params() as held:
        held.clear_with_no_forward_msg(preserve_embed=True)
    st.switch_page(f"pages/{page}.py", query_params={name: list(values) for name, values in (parameters or {}).items()})
    raise AssertionError("switch_page ends the run")
