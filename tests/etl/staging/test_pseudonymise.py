"""Tokens: stable, separate by kind, site and key, and silent about the key."""

from __future__ import annotations

import hashlib
import hmac
import subprocess
import sys

from etl.staging import Pseudonymiser

KEY = bytes(range(32))


def test_token_is_the_truncated_hmac_of_kind_site_and_normal_value() -> None:
    expected = hmac.new(KEY, b"accession|NORTH|A 1B", hashlib.sha256).hexdigest()[:32]
    assert Pseudonymiser(KEY, 1).token("accession", "NORTH", " a  1b ") == expected


def test_spellings_of_one_identifier_share_a_token() -> None:
    p = Pseudonymiser(KEY, 1)
    assert len({p.token("patient", "N", v) for v in ("ab 12", "AB 12", "  Ab   12\t", "aB 12\n")}) == 1


def test_kinds_sites_and_keys_do_not_share_tokens() -> None:
    p, other = Pseudonymiser(KEY, 1), Pseudonymiser(KEY[::-1], 2)
    tokens = [
        p.token("accession", "NORTH", "1"),
        p.token("accession", "SOUTH", "1"),
        p.token("placer", "NORTH", "1"),
        other.token("accession", "NORTH", "1"),
    ]
    assert len(set(tokens)) == 4


def test_uids_are_the_same_at_every_site() -> None:
    p = Pseudonymiser(KEY, 1)
    for kind in ("study", "series", "instance"):
        assert p.token(kind, "NORTH", "1.2.3") == p.token(kind, "SOUTH", "1.2.3")


def test_nothing_gives_no_token() -> None:
    p = Pseudonymiser(KEY, 1)
    assert [p.token("patient", "N", v) for v in (None, "", "  \t")] == [None, None, None]


def test_the_key_does_not_show() -> None:
    assert KEY.hex() not in repr(Pseudonymiser(KEY, 1))
    assert str(KEY) not in repr(vars(Pseudonymiser(KEY, 3)).keys())


def test_another_process_makes_the_same_tokens() -> None:
    program = (
        "from etl.staging import Pseudonymiser;print(Pseudonymiser(bytes(range(32)), 1).token('patient', 'N', 'MRN7'))"
    )
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert out.strip() == Pseudonymiser(KEY, 1).token("patient", "N", "MRN7")
