"""The guides to connecting feeds: their settings are valid, they name every kind there is, the README links them."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from app.guides import FOLDER, feed_guides, guide
from etl.fetchers import FETCHERS, fetcher_of
from etl.fetchers import base as fetching
from etl.listeners import LISTENERS, listener_of
from etl.listeners import base as listening
from etl.settings import Settings, Site
from etl.sources import SOURCES

README = Path(__file__).resolve().parents[2] / "README.md"
TEXTS = {name: (FOLDER / f"{name}.md").read_text(encoding="utf-8") for name in feed_guides()}
BLOCKS = [
    pytest.param(block, id=f"{name}-{number}")
    for name, text in TEXTS.items()
    for number, block in enumerate(re.findall(r"^```toml\n(.*?)^```", text, flags=re.M | re.S), 1)
]
SITES = tuple(Site(code=code, name=code, zone="Europe/London") for code in ("NORTH", "SOUTH"))


@pytest.mark.parametrize("block", BLOCKS)
def test_settings_shown_in_a_guide_are_valid(block: str) -> None:
    values: dict[str, Any] = tomllib.loads(block)
    if not values.keys() <= Settings.model_fields.keys():
        return  # another file than radpulse.toml, a mapping say; that it is TOML is checked
    settings = Settings(**{"sites": SITES, **values})
    for feed in settings.feeds:
        assert feed.kind in SOURCES
        if feed.fetch:
            fetching.options_of(feed, fetcher_of(feed))
        if feed.listen:
            listening.options_of(feed, listener_of(feed))


def test_every_kind_of_feed_listener_and_fetcher_is_in_the_readme() -> None:
    text = README.read_text(encoding="utf-8")
    assert [kind for kind in (*SOURCES, *LISTENERS, *FETCHERS) if f"`{kind}`" not in text] == []


def test_every_guide_is_linked_from_the_readme_and_every_link_leads_somewhere() -> None:
    text = README.read_text(encoding="utf-8")
    linked = set(re.findall(r"\(app/help/(feeds/\w+)\.md\)", text))
    assert linked == set(TEXTS)


@pytest.mark.parametrize("name", TEXTS)
def test_every_guide_has_a_title_that_the_app_shows_once(name: str) -> None:
    title = TEXTS[name].splitlines()[0]
    assert title == f"# {feed_guides()[name]}"
    assert title not in guide(name)
