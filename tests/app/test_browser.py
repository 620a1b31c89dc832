"""The real thing: a server, a real Chromium, and what a manager sees and clicks."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from app.navigation import PAGES, TITLES
from etl.access import DEMO
from etl.kpis import Query, compute
from etl.kpis.export import to_csv
from etl.settings import load_settings
from etl.warehouse.engine import reader_engine

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
PATIENCE_MS = 60_000

# What Streamlit 1.67 draws itself and an app cannot change: (axe rule, part of the element's address).
STREAMLITS_OWN = (
    ("svg-img-alt", "metric_chart"),  # the empty mark group in a tile's sparkline has no label
)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.xdist_group("browser"),
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine; as root: apt-get install chromium"),
]


@pytest.fixture(scope="module")
def address(warehouse: Path) -> Iterator[str]:
    """A running dashboard on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        # the command a site types, started where it has no business to be
        [sys.executable, "-c", "from etl.cli import main; main()", "serve", "--port", str(port)],
        cwd=warehouse.parent,
        env=os.environ | {"RADPULSE_CONFIG": str(warehouse), "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield _answering(f"http://localhost:{port}", server)
    finally:
        server.terminate()
        server.wait(timeout=20)


def _answering(address: str, server: subprocess.Popen[bytes]) -> str:
    for _ in range(240):
        assert server.poll() is None, "the server ended before it answered"
        try:
            with urllib.request.urlopen(f"{address}/healthz", timeout=2):  # noqa: S310 - our own server
                return address
        except OSError:
            time.sleep(0.25)
    raise AssertionError("the server did not answer within a minute")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Debian's Chromium, driven by playwright."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A fresh window of a desk's width."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    window = context.new_page()
    window.set_default_timeout(PATIENCE_MS)
    yield window
    context.close()


def settled(page: Any, title: str) -> None:
    """Wait until a page shows its title, its script has ended and nothing is loading any more.

    The title stands before the rest of a page is computed; only the script's state tells that all has come.
    """
    page.get_by_role("heading", name=title, exact=True, level=1).wait_for()
    page.wait_for_function(
        "document.querySelector('[data-test-script-state=notRunning]')"
        " && !document.querySelector('[data-testid=stSkeleton]') && !document.querySelector('[data-stale=true]')"
        " && !document.querySelector('[data-testid=stStatusWidget]')"
    )


def visit(page: Any, title: str) -> None:
    """Open the page's section of the menu and follow its link."""
    section = next(name for name, pages in PAGES.items() if title in [label for label, _ in pages.values()])
    page.get_by_test_id("stTopNavSection").get_by_text(section, exact=True).click()
    page.get_by_role("menuitem", name=title).click()
    settled(page, title)


def tiles(page: Any) -> list[str]:
    """The numbers on the tiles."""
    return [t.strip() for t in page.locator("[data-testid=stMetricValue]").all_inner_texts()]


def test_all_pages_by_their_links_without_console_error_or_request_elsewhere(page: Any, address: str) -> None:
    errors: list[str] = []
    asked: set[str] = set()
    page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda e: errors.append(str(e)))
    page.on("request", lambda r: asked.add(urlsplit(r.url).hostname or r.url.split(":")[0]))
    page.goto(address)
    settled(page, "Command center")
    for title in list(TITLES.values())[1:]:
        visit(page, title)
        assert page.locator("[data-testid=stException]").count() == 0
    assert errors == []
    assert asked <= {"localhost", "data", "blob"}


def test_overview_shows_six_tiles_and_the_days_state_above_the_fold(page: Any, address: str) -> None:
    page.goto(address)
    settled(page, "Command center")
    assert len(tiles(page)) == 6
    headline = page.get_by_text("usual", exact=False).first
    box = headline.bounding_box()
    assert box is not None
    assert box["y"] < 500


def test_filter_goes_into_the_url_survives_pages_and_a_new_window(page: Any, browser: Any, address: str) -> None:
    page.goto(address)
    settled(page, "Command center")
    page.get_by_role("combobox", name="Modality").click()
    page.get_by_role("option", name="MR").click()
    page.keyboard.press("Escape")
    page.wait_for_url("**modality=MR**")
    visit(page, "Turnaround")
    assert "modality=MR" in page.url
    numbers = tiles(page)
    other = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    other.set_default_timeout(PATIENCE_MS)
    other.goto(page.url)
    settled(other, "Turnaround")
    assert tiles(other) == numbers
    assert other.get_by_role("button", name="Modality: MR").is_visible()
    other.context.close()


def test_a_click_on_a_bar_filters_every_page_by_it(page: Any, address: str) -> None:
    page.goto(f"{address}/turnaround")
    settled(page, "Turnaround")
    bar = page.locator("path[aria-roledescription=bar][aria-label*='category: STAT']")
    bar.scroll_into_view_if_needed()
    bar.click()
    page.get_by_role("button", name="Priority: STAT").wait_for()
    page.wait_for_url("**priority=STAT**")
    visit(page, "Utilization")
    assert "priority=STAT" in page.url


def test_a_saved_view_opens_with_its_filters_from_any_page(page: Any, address: str) -> None:
    page.goto(f"{address}/turnaround?modality=CT&patient_class=Emergency")
    settled(page, "Turnaround")
    numbers = tiles(page)
    page.get_by_role("button", name="Saved views").click()
    page.get_by_label("Name", exact=True).fill("Night CT")
    page.get_by_role("button", name="Save this view").click()
    page.get_by_role("button", name="Night CT (Turnaround)").wait_for()
    page.goto(f"{address}/?site=NORTH")
    settled(page, "Command center")
    page.get_by_role("button", name="Saved views").click()
    page.get_by_role("button", name="Night CT (Turnaround)").click()
    settled(page, "Turnaround")
    page.get_by_role("button", name="Modality: CT").wait_for()
    assert tiles(page) == numbers
    assert page.get_by_role("button", name="Site: NORTH").count() == 0


def test_export_link_gives_the_command_lines_bytes_once(page: Any, address: str, warehouse: Path) -> None:
    page.goto(f"{address}/turnaround?site=NORTH")
    settled(page, "Turnaround")
    page.get_by_role("button", name="Export").first.click()
    link = page.get_by_role("link", name="CSV", exact=True)
    link.wait_for()
    href = link.get_attribute("href")
    with page.expect_download() as started:
        link.click()
    got = Path(started.value.path()).read_bytes()
    query = Query("T16", date(2026, 10, 28), date(2026, 11, 25), ("day",), {"site": ("NORTH",)})
    assert got == to_csv(compute(reader_engine(load_settings(warehouse)), query, DEMO)).csv
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{address}{urlsplit(str(href)).path}", timeout=10)  # noqa: S310 - our own server
    assert refused.value.code == 410


def test_explain_opens_the_panel_of_its_own_tile(page: Any, address: str) -> None:
    page.goto(f"{address}/turnaround")
    settled(page, "Turnaround")
    page.locator(".st-key-tile_first_communication").get_by_role("button", name="Explain").click()
    drawer = page.get_by_role("dialog")
    drawer.get_by_text("How computed?").wait_for()
    assert tiles(page)[2] in drawer.get_by_role("heading").first.inner_text()
    assert drawer.get_by_text("T17 Exam end to first communication").is_visible()
    page.keyboard.press("Escape")
    drawer.wait_for(state="detached")


@pytest.mark.parametrize("name", ["overview", "turnaround", "utilization", "forecast", "data_health", "explore"])
def test_phone_width_needs_no_sideways_scrolling(page: Any, address: str, name: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(address if name == "overview" else f"{address}/{name}")
    settled(page, TITLES[name])
    assert page.evaluate("document.scrollingElement.scrollWidth <= window.innerWidth")
    main = page.locator("[data-testid=stMain]")
    assert main.evaluate("e => e.scrollWidth <= e.clientWidth + 1")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_overview_passes_axe(browser: Any, address: str, scheme: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    window = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme=scheme).new_page()
    window.set_default_timeout(PATIENCE_MS)
    window.goto(address)
    settled(window, "Command center")
    violations = Axe().run(window).response["violations"]
    window.context.close()
    found = [(v["id"], str(n["target"])) for v in violations for n in v["nodes"]]
    assert [f for f in found if not any(f[0] == rule and part in f[1] for rule, part in STREAMLITS_OWN)] == []
