"""Navigation only: which pages there are, and the filters they share."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from app import data, filters, old_links, saved
from app.navigation import FIRST, PAGES
from etl.errors import RadpulseError


def refuse(error: RadpulseError) -> None:
    """Show what is missing and how to mend it, instead of pages."""
    st.title("Radpulse is not ready yet", anchor=False)
    st.warning(f"{error}.".replace("..", "."), icon=":material/settings:")
    st.markdown(
        "- To try Radpulse with a simulated department, run `make demo` in the repository.\n"
        "- To use your own feeds, run `radpulse init`, describe them in `radpulse.toml`, then `radpulse run`.\n"
        "- Another settings file is taken from the environment variable `RADPULSE_CONFIG`.\n"
        "- `radpulse doctor` says what is wrong with an installation and how to mend it."
    )


ICON = Path(__file__).with_name("icon.svg")  # a Material icon here would be fetched from a font server

st.set_page_config(page_title="Radpulse", page_icon=str(ICON), layout="wide")
try:
    who = data.asker()
except RadpulseError as problem:
    refuse(problem)
    st.stop()
page = st.navigation(
    {
        section: [
            st.Page(f"pages/{name}.py", title=title, icon=icon, url_path=name, default=name == FIRST)
            for name, (title, icon) in pages.items()
        ]
        for section, pages in PAGES.items()
    },
    position="top",
)
old_links.notice(who)
saved.apply_opened()
with st.sidebar:
    saved.menu(who, page.url_path or FIRST)
filters.sidebar(who)
page.run()
