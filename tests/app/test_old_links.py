"""What of a kept link is not known, whatever it holds."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from app.filters import DIMENSIONS
from app.old_links import odd_parts

VALUES = {"site": ["NORTH", "SOUTH"], "patient_class": ["E", "I", "O"]}


def values(dimension: str) -> list[str]:
    return VALUES.get(dimension, [])


def test_known_names_and_values_are_nothing_odd() -> None:
    asked = {
        "site": ["NORTH"],
        "patient_class": ["Emergency", "I"],
        "period": ["Today"],
        "compare": ["Previous period"],
        "kpi": ["T16"],
        "embed": ["true"],
    }
    assert odd_parts(asked, values) == []


def test_unknown_ones_are_named_in_words() -> None:
    asked = {"site": ["EAST"], "period": ["Fortnight"], "foo": ["1"]}
    assert odd_parts(asked, values) == ["site 'EAST'", "period 'Fortnight'", "'foo'"]


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.one_of(st.text(max_size=60), st.sampled_from([*DIMENSIONS, "period"])), st.lists(st.text())))
def test_no_link_breaks_it_and_nothing_long_is_repeated(asked: dict[str, list[str]]) -> None:
    for said in odd_parts(asked, values):
        assert len(said) < 80
