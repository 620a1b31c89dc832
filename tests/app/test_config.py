"""The locks of .streamlit/config.toml stay shut."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from streamlit import config

ROOT = Path(__file__).resolve().parents[2]
LOCKS = {
    "server.address": "127.0.0.1",
    "server.allowedHosts": ["localhost"],
    "server.enableCORS": True,
    "server.enableXsrfProtection": True,
    "server.xsrfCookieSameSite": "strict",
    "server.maxUploadSize": 50,
    "server.maxMessageSize": 50,
    "server.enableStaticServing": False,
    "server.enableAgentApi": False,
    "server.fileWatcherType": "none",
    "server.maxCacheDataSize": "512mb",
    "server.disconnectedSessionTTL": 60,
    "client.showErrorDetails": "none",
    "client.toolbarMode": "viewer",
    "client.disableDataExport": True,
    "client.showErrorLinks": False,
    "client.allowedOrigins": ["http://localhost:8501"],
    "browser.gatherUsageStats": False,
    "runner.magicEnabled": False,
}


def _written() -> dict[str, object]:
    parsed = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    return {f"{section}.{name}": value for section, values in parsed.items() for name, value in values.items()}


@pytest.mark.parametrize("option", LOCKS)
def test_lock_is_set_as_decided(option: str) -> None:
    assert _written()[option] == LOCKS[option]


@pytest.mark.parametrize("option", LOCKS)
def test_lock_is_an_option_streamlit_knows(option: str) -> None:
    assert option in config._config_options_template


def test_no_colour_option_falls_outside_hexadecimal_notation() -> None:
    parsed = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    for mode in ("light", "dark"):
        for name in ("chartCategoricalColors", "chartSequentialColors"):
            colours = parsed["theme"][mode][name]
            assert len(colours) == 10, f"{mode} {name}: Streamlit ignores a palette that has not ten colours"
            assert all(len(c) == 7 and int(c[1:], 16) >= 0 for c in colours)


def test_example_secrets_hold_no_secret() -> None:
    text = (ROOT / ".streamlit" / "secrets.example.toml").read_text(encoding="utf-8")
    assert all(line.startswith("#") or not line.strip() for line in text.splitlines())


def test_pages_never_offer_streamlits_own_download() -> None:
    files = list((ROOT / "app").rglob("*.py"))
    assert files
    assert [
        f for f in files if "st.download_button" in f.read_text(encoding="utf-8").replace("`st.download_button`", "")
    ] == []
