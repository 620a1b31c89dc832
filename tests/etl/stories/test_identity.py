"""All orders of six-message stories about who is who give one set of facts, derived after every message."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Sequence
from typing import Any

import pytest

Story = list[tuple[Any, ...]]  # (step, patient, further identifiers)

STORIES: dict[str, Story] = {
    # a wrong merge undone, the right one made
    "undone": [
        ("order", "a"), ("merge:a", "b"), ("begin", "b"), ("unlink:a", "b"), ("merge:a", "c"), ("final", "b"),
    ],
    # a chain told with its end first, an update of the survivor, a merge sent again
    "chain": [
        ("order", "a"), ("merge:a", "b"), ("merge:b", "c"), ("update", "c", {"birth": "19700101", "sex": "M"}),
        ("merge:a", "b"), ("final", "c"),
    ],
    # a circle, and a booking that is cancelled and made again
    "circle": [("merge:a", "b"), ("merge:b", "c"), ("book", "a"), ("merge:c", "a"), ("siu:S15", "b"), ("book", "c")],
    # an accession replaced and the filler number given to another patient
    "numbers": [
        ("order", "a"), ("change:", "a", {"acc": "B@"}), ("begin", "a", {"acc": "B@"}),
        ("order", "b", {"acc": "C@", "placer": "Q@"}), ("end", "b", {"acc": "C@", "placer": "Q@"}),
        ("final", "a", {"acc": "A@"}),
    ],
}  # fmt: skip
PATIENTS = {"undone": "ac b", "chain": "abc", "circle": "abc", "numbers": "a b"}
STATUS = {"undone": ["final"], "chain": ["final"], "circle": ["scheduled"], "numbers": ["ended", "final"]}


def tellings(new_teller: Callable[[], Any], sample: int | None) -> dict[str, Sequence[str]]:
    found: dict[str, Sequence[str]] = {}
    for name, story in STORIES.items():
        teller = new_teller()
        messages = [teller.tell(step, patient, **(more[0] if more else {})) for step, patient, *more in story]
        orders = list(itertools.permutations(messages))
        chosen = orders if sample is None else [orders[0], *random.Random(7).sample(orders[1:], sample)]  # noqa: S311
        found |= {f"{name}{n}": order for n, order in enumerate(chosen)}
    return found


@pytest.mark.parametrize("sample", [15, pytest.param(None, marks=pytest.mark.slow)])
def test_every_order_of_a_story_gives_the_same_facts(
    hospital: Any, new_teller: Callable[[], Any], sample: int | None
) -> None:
    told = tellings(new_teller, sample)
    hospital.tell_all(told)
    facts, circles = hospital.facts(), hospital.circles()
    names = {name: [t for t in told if t.rstrip("0123456789") == name] for name in STORIES}
    for story, mine in names.items():
        assert len(mine) == (720 if sample is None else sample + 1)
        assert {story: [t for t in mine if facts[t] != facts[mine[0]]]} == {story: []}
        assert {hospital.patients(t, "".join(PATIENTS[story].split())) for t in mine} == {
            " ".join(sorted(PATIENTS[story].split()))
        }
        assert statuses(facts[mine[0]]) == STATUS[story]
    pairs = {(hospital.token("patient", f"Mc{t}"), hospital.token("patient", f"Ma{t}")) for t in names["circle"]}
    assert circles == {f"{prior}>{into}" for prior, into in pairs}


def statuses(lines: list[str]) -> list[str]:
    known = {"final", "ended", "scheduled", "ordered", "in_progress", "cancelled", "aborted", "preliminary"}
    return sorted(word for line in lines if line.startswith("fact_exam|") for word in known if f"'{word}'" in line)
