"""The pseudonym key: no start without a good one."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from etl.errors import ConfigurationError, ExitCode
from etl.settings import Settings
from etl.staging import load_key, make_key


def test_a_made_key_is_random_private_and_loads(settings: Settings) -> None:
    path = settings.at(settings.identity.key_file)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(load_key(settings)) == 32
    make_key(path.with_name("other.key"))
    assert path.read_text() != path.with_name("other.key").read_text()


def test_a_missing_key_stops_the_start_and_names_the_fix(settings: Settings) -> None:
    settings.at(settings.identity.key_file).unlink()
    with pytest.raises(ConfigurationError, match="radpulse init") as caught:
        load_key(settings)
    assert caught.value.exit_code == ExitCode.CONFIGURATION


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_a_key_others_can_read_is_refused(settings: Settings, mode: int) -> None:
    settings.at(settings.identity.key_file).chmod(mode)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        load_key(settings)


@pytest.mark.parametrize("content", ["", "abcd", "00" * 32, "not hexadecimal at all " * 4, "ab" * 31])
def test_a_short_weak_or_broken_key_is_refused(settings: Settings, content: str) -> None:
    path = settings.at(settings.identity.key_file)
    path.write_text(content)
    with pytest.raises(ConfigurationError) as caught:
        load_key(settings)
    assert content not in str(caught.value) or not content


def test_a_key_is_never_overwritten(settings: Settings) -> None:
    path: Path = settings.at(settings.identity.key_file)
    before = path.read_text()
    with pytest.raises(ConfigurationError, match="never overwritten"):
        make_key(path)
    assert path.read_text() == before
