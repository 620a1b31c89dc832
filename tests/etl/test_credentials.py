"""Secrets are named, never written: variables and private files, no URL that carries one."""

from __future__ import annotations

from pathlib import Path

import pytest

from etl.credentials import refuse_userinfo, secret, without_userinfo
from etl.errors import ConfigurationError


def test_a_secret_comes_from_a_variable_or_a_private_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RIS_PASSWORD", "s3cret")
    path = tmp_path / "ris.secret"
    path.write_text("other\n", encoding="utf-8")
    path.chmod(0o600)
    assert secret("env:RIS_PASSWORD", tmp_path) == "s3cret"
    assert secret("file:ris.secret", tmp_path) == "other"


@pytest.mark.parametrize("reference", ["s3cret", "env:", "env:NOT_SET_ANYWHERE", "file:gone", "file:open.secret", ""])
def test_anything_else_is_refused_without_repeating_it(reference: str, tmp_path: Path) -> None:
    (tmp_path / "open.secret").write_text("x", encoding="utf-8")
    (tmp_path / "open.secret").chmod(0o644)
    with pytest.raises(ConfigurationError) as refused:
        secret(reference, tmp_path)
    assert "s3cret" not in str(refused.value)


def test_urls_carry_no_user_and_are_shown_without_one() -> None:
    assert without_userinfo("sftp://u:p@host/x and https://h/y@z") == "sftp://host/x and https://h/y@z"
    refuse_userinfo("https://host/path", "fetch.url")
    with pytest.raises(ConfigurationError, match=r"fetch\.url"):
        refuse_userinfo("postgresql://u:p@host/ris", "fetch.url")
