"""Sealed copies open with their key and id only."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.errors import RefusedError
from etl.staging import Sealer
from etl.staging.seal import Kind

KEY = bytes(range(32))


@given(st.binary(max_size=2000), st.sampled_from(["raw", "records"]))
def test_a_sealed_copy_opens_to_what_it_was(content: bytes, kind: Kind) -> None:
    sealer = Sealer(KEY)
    assert Sealer(KEY).open("id", sealer.seal("id", kind, content)) == (kind, content)


def test_a_sealed_copy_shows_nothing_and_differs_every_time() -> None:
    content = b"PID|1||MRN0012345^^^N||DOE^JANE" * 20
    first, second = (Sealer(KEY).seal("id", "raw", content) for _ in range(2))
    assert first != second
    assert b"DOE" not in first
    assert b"MRN" not in first


@pytest.mark.parametrize("at", [0, 5, 20, -1])
def test_a_changed_byte_is_noticed(at: int) -> None:
    sealed = bytearray(Sealer(KEY).seal("id", "raw", b"content"))
    sealed[at] ^= 1
    with pytest.raises(RefusedError, match="offer the source again"):
        Sealer(KEY).open("id", bytes(sealed))


def test_another_key_or_another_item_cannot_open_it() -> None:
    sealed = Sealer(KEY).seal("id", "raw", b"content")
    for key, item in ((KEY[::-1], "id"), (KEY, "other")):
        with pytest.raises(RefusedError):
            Sealer(key).open(item, sealed)
