"""The alert file: what it may say, and what it may not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from etl.alerts import load_alerts
from etl.alerts.rules import AlertsFile, Target
from etl.alerts.targets import channel, is_local
from etl.errors import ConfigurationError
from etl.settings import Settings

Install = Callable[[str], Settings]
RULE = '[[rules]]\nkey = "r"\nname = "R"\nowner = "O"\n'


def test_no_file_means_no_rules(tmp_path: Path) -> None:
    assert load_alerts(Settings(base=tmp_path)) == AlertsFile()


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        (RULE + 'kind = "threshold"\nkpi = "T99"\noperator = ">"\nlimit = 1', "T99"),
        (RULE + 'kind = "threshold"\nkpi = "U21"\noperator = ">"\nlimit = 1\nmeasure = "mean"', "no measure 'mean'"),
        (RULE + 'kind = "threshold"\nkpi = "U21"\noperator = "!"\nlimit = 1', "operator"),
        (RULE + 'kind = "threshold"\nkpi = "U21"\noperator = ">"\nlimit = 1\nby = ["priority"]', "of the patient"),
        (
            RULE + 'kind = "threshold"\nkpi = "U21"\noperator = ">"\nlimit = 1\nwhere = {patient_class = ["I"]}',
            "of the patient",
        ),
        (RULE + 'kind = "threshold"\nkpi = "U01"\noperator = ">"\nlimit = 1\nwhere = {section = ["N"]}', "filtered by"),
        (RULE + 'kind = "freshness"\ntargets = ["nobody"]', "no such target nobody"),
        (RULE + 'kind = "freshness"\nseverty = "info"', "severty"),
        (RULE + 'kind = "freshness"\n' + RULE + 'kind = "freshness"', "named twice: r"),
        ('[[quiet]]\nfrom = "22:00"\nto = "07:00"\nsites = ["PAR"]', "unknown site PAR"),
        ('[[targets]]\nkey = "t"\nurl = "json://u:geheim@host/"', "no password in a URL"),
        ('[[targets]]\nkey = "t"\nurl = "json://{token}@host/"', "secrets lacks token"),
        ("[[targets", "not TOML"),
    ],
)
def test_a_bad_entry_is_refused_by_name_and_no_secret_is_repeated(install: Install, toml: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load_alerts(install(toml))
    assert said in str(refused.value)
    assert "geheim" not in str(refused.value)


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "127.9.9.9", "::1", "169.254.169.254", "fe80::1", "0.0.0.0", "::", "224.0.0.1", "::ffff:127.0.0.1"],  # noqa: S104 - refused, not bound
)
def test_addresses_of_this_machine_are_local(address: str) -> None:
    assert is_local(address)


@pytest.mark.parametrize("address", ["10.1.2.3", "192.168.0.9", "203.0.113.7", "fd00::1", "2001:db8::1"])
def test_addresses_of_the_hospital_and_the_world_are_not(address: str) -> None:
    assert not is_local(address)


@pytest.mark.parametrize(
    "url",
    [
        "json://127.0.0.1/x",
        "json://localhost:8080/x",
        "json://2130706433/x",  # 127.0.0.1 as one number
        "jsons://[::1]/x",
        "json://169.254.169.254/latest",
        "mailto://hospital.example?smtp=127.0.0.1&from=a@b.example&to=c@d.example",
        "syslog://",
        "dbus://",
        "file:///etc/passwd",
    ],
)
def test_a_target_on_this_machine_is_refused_unless_the_file_allows_it(install: Install, url: str) -> None:
    target = Target(key="t", url=url)
    with pytest.raises(ConfigurationError, match="this machine"):
        channel(install(""), AlertsFile(targets=(target,)), target)


def test_what_is_no_address_is_refused(install: Install) -> None:
    for url in ("https-not-a-url", "nosuchscheme://host/", "json://0x7f.1/x"):
        target = Target(key="t", url=url)
        with pytest.raises(ConfigurationError):
            channel(install(""), AlertsFile(targets=(target,)), target)


def test_secrets_come_from_the_environment_and_are_written_so_that_no_character_breaks_the_address(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = Target(key="t", url="json://duty:{word}@10.9.8.7/x", secrets={"word": "env:RADPULSE_TEST_WORD"})
    file = AlertsFile(targets=(target,))
    with pytest.raises(ConfigurationError, match="RADPULSE_TEST_WORD"):
        channel(install(""), file, target)
    monkeypatch.setenv("RADPULSE_TEST_WORD", "a/b@c:d?e&f")
    found = channel(install(""), file, target)
    assert (found.host, found.password) == ("10.9.8.7", "a/b@c:d?e&f")
