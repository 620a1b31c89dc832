"""Follow-up rules: what they find, what they pass over, and how well they do on sentences they were not written for."""

from __future__ import annotations

import pytest

from etl.followup_text import followup_rules, parsed_code
from etl.simulate.report_texts import Labelled, labelled_set

RULES = followup_rules()
DAYS = {"D": 1, "W": 7, "M": 30}


@pytest.mark.parametrize(
    ("text", "rule", "code"),
    [
        ("Recommend follow-up CT of the chest in 6 months.", "FU-RECOMMEND", "CT.6M.chest"),
        ("Repeat ultrasound in two weeks.", "FU-REPEAT", "US.2W."),
        ("Follow-up MRI in 3-6 months.", "FU-FOLLOWUP", "MR.6M."),
        ("Imaging follow-up is recommended in 1 year.", "FU-RECOMMEND", ".12M."),
        ("Consider MRI of the liver for characterization.", "FU-CONSIDER", "MR..abdomen"),
        ("CT Verlaufskontrolle in 6 Monaten empfohlen.", "FU-GERMAN", "CT.6M."),
        ("Seen on CT. Recommend bone scan.", "FU-RECOMMEND", "NM.."),  # the modality recommended, not the one seen
    ],
)
def test_a_recommendation_is_found_with_its_rule_and_code(text: str, rule: str, code: str) -> None:
    (match,) = RULES.matches(text)
    assert (match.rule_id, match.code) == (rule, code)


@pytest.mark.parametrize(
    "text",
    [
        "No follow-up is needed.",
        "Follow-up CT is not required.",
        "A follow-up CT was recommended on the prior report.",
        "If symptoms persist, follow-up CT in 6 weeks is recommended.",
        "Clinical follow-up in 2 weeks is recommended.",
        "Cough for 3 weeks.",
        "",
    ],
)
def test_what_is_negated_past_conditional_or_clinical_is_none(text: str) -> None:
    assert RULES.matches(text) == []


def test_of_one_modality_said_twice_the_fullest_counts_once() -> None:
    text = "Follow-up CT recommended.\nIMPRESSION: Recommend follow-up CT of the chest in 6 months."
    assert [m.code for m in RULES.matches(text)] == ["CT.6M.chest"]


def test_only_the_words_of_the_match_are_shown() -> None:
    (match,) = RULES.matches("Mr Secret has a nodule. Recommend follow-up CT of the chest in 6 months for Mr Secret.")
    assert match.words == ("recommend", "ct", "6 months", "chest")


@pytest.mark.parametrize(
    ("code", "parts"),
    [
        ("CT6M", ("CT", "6M", None)),
        ("CT 6M", ("CT", "6M", None)),
        ("MR", ("MR", None, None)),
        ("12M", (None, "12M", None)),
        ("CT.6M.chest", ("CT", "6M", "chest")),
        (".6M.", (None, "6M", None)),
        ("yes please", (None, None, None)),
        (None, (None, None, None)),
    ],
)
def test_codes_of_feeds_and_rules_are_read_alike(code: str | None, parts: tuple[str | None, ...]) -> None:
    assert parsed_code(code) == parts


def days(interval: str | None) -> int | None:
    return None if interval is None else int(interval[:-1]) * DAYS[interval[-1]]


def measured(sentences: list[Labelled]) -> tuple[float, float, float]:
    """Return precision, recall, and the share of found ones whose modality and interval are right."""
    found = [(label, RULES.matches(label.text)) for label in sentences]
    hits = [(label, m[0]) for label, m in found if m and label.is_recommended]
    right = sum((m.modality, days(m.interval)) == (label.modality, days(label.interval)) for label, m in hits)
    wanted = sum(label.is_recommended for label in sentences)
    return len(hits) / sum(bool(m) for _, m in found), len(hits) / wanted, right / len(hits)


def test_held_out_sentences_are_judged_as_well_as_the_guide_says() -> None:
    """The guide says 0.98 and 0.78: held-out wordings took no part in writing the rules."""
    seed = 2
    precision, recall, right = measured(list(labelled_set("held_out", 100, seed)))  # 20 move it by 0.01
    assert precision >= 0.97, f"seed {seed}"
    assert recall >= 0.75, f"seed {seed}"
    assert right >= 0.98, f"seed {seed}"


def test_sentences_the_rules_were_written_on_are_all_judged_right() -> None:
    seed = 1
    assert measured(list(labelled_set("dev", 10, seed))) == (1.0, 1.0, 1.0), f"seed {seed}"


def test_no_wording_stands_in_both_sets() -> None:
    dev, held_out = ({label.text for label in labelled_set(name, 5, 3)} for name in ("dev", "held_out"))
    assert not dev & held_out
