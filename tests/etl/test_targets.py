"""Targets as data: checked in words, changed with author and reason, undone, and packs that a site switches on."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from etl.errors import ConfigurationError, RefusedError
from etl.settings import Settings, Site
from etl.targets.check import check, known_words
from etl.targets.history import history_path, save, targets_path, undo, versions
from etl.warehouse.parameters import load_parameters
from etl.warehouse.target_phases import PHASES, phase_of
from etl.warehouse.target_rules import TargetRule, own_targets, parsed_targets, rule_packs, site_targets, table_text

HEADER = "valid_from,valid_to,site,modality,priority,patient_class,phase,target_min\n"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Return an installation of one site without targets."""
    return Settings(base=tmp_path, sites=(Site(code="NORTH", name="North", zone="America/New_York"),))


def problems(settings: Settings, text: str) -> list[str]:
    found = check(parsed_targets(HEADER + text), known_words(settings))
    return [f"{'FIX' if p.must else 'note'} {p.text}" for p in found]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (",,*,*,*,*,reprot,60\n", "FIX row 1: phase 'reprot' is not known; near: report"),
        (",,SUD,*,*,*,report,60\n", "FIX row 1: site 'SUD' is not known; near: NORTH"),
        (",,*,*,STATT,*,report,60\n", "FIX row 1: priority 'STATT' is not known; near: STAT"),
        (
            "2026-02-01,2026-01-01,*,*,*,*,report,60\n",
            "FIX row 1: valid_to 2026-01-01 is not after valid_from 2026-02-01",
        ),
    ],
)
def test_a_word_nobody_knows_and_an_impossible_time_are_named_with_their_row(
    settings: Settings, row: str, said: str
) -> None:
    assert said in problems(settings, row)


def test_overlaps_must_be_mended_and_gaps_are_told(settings: Settings) -> None:
    text = (
        "2026-01-01,2026-06-01,*,*,STAT,*,report,60\n"
        "2026-05-01,,*,*,STAT,*,T16,45\n"  # the same phase by another word
        "2026-01-01,2026-03-01,*,*,URGENT,*,report,90\n"
        "2026-04-01,2026-09-01,*,*,URGENT,*,report,80\n"
    )
    assert problems(settings, text) == [
        "FIX rows 1 and 2 both hold from 2026-05-01: end the first or drop one",
        "note rows 3 and 4: no rule of this stratum from 2026-03-01 to 2026-04-01",
        "note row 4 ends on 2026-09-01 and nothing of the same stratum follows",
    ]


def test_rules_that_follow_each_other_are_fine(settings: Settings) -> None:
    assert problems(settings, "2026-01-01,2026-06-01,*,*,STAT,E,report,60\n2026-06-01,,*,*,STAT,E,report,45\n") == []


def test_every_phase_is_found_by_its_key_and_its_kpi() -> None:
    assert all(phase_of(alias) is phase for phase in PHASES.values() for alias in phase.aliases)
    assert all(phase_of(key) is phase for key, phase in PHASES.items())
    assert phase_of("reprot") is None


def test_a_saved_table_is_read_back_and_keeps_who_and_why(settings: Settings) -> None:
    first = parsed_targets(HEADER + "2026-01-01,,*,*,STAT,*,report,60\n")
    second = parsed_targets(HEADER + "2026-01-01,2026-10-01,*,*,STAT,*,report,60\n2026-10-01,,*,*,STAT,*,report,45\n")
    save(settings, first, by="ada", reason="the board, in writing")
    save(settings, second, by="bob", reason="new reader, from October")
    assert own_targets(targets_path(settings)) == second == load_parameters(settings).targets
    told = [(v.number, v.by, v.reason, v.rules) for v in versions(settings)]
    assert told == [(1, "ada", "the board, in writing", first), (2, "bob", "new reader, from October", second)]


def test_undo_brings_the_table_before_back_and_is_a_version_itself(settings: Settings) -> None:
    first, second = (parsed_targets(HEADER + f",,*,*,STAT,*,report,{minutes}\n") for minutes in (60, 45))
    save(settings, first, by="ada", reason="start")
    save(settings, second, by="ada", reason="stricter")
    undo(settings, by="bob", reason="too strict")
    assert own_targets(targets_path(settings)) == first
    assert [v.number for v in versions(settings)] == [1, 2, 3]


def test_a_table_edited_by_hand_is_kept_before_it_is_replaced(settings: Settings) -> None:
    by_hand = parsed_targets(HEADER + ",,*,*,*,*,report,600\n")
    targets_path(settings).write_text(table_text(by_hand))
    save(settings, (), by="ada", reason="no targets at all")
    assert [(v.by, v.rules) for v in versions(settings)] == [("file", by_hand), ("ada", ())]
    targets_path(settings).write_text(table_text(by_hand))
    with pytest.raises(RefusedError, match="edited by hand"):
        undo(settings, by="ada", reason="back")


def test_nothing_is_saved_without_author_reason_or_change(settings: Settings) -> None:
    rules = parsed_targets(HEADER + ",,*,*,*,*,report,600\n")
    with pytest.raises(RefusedError, match="who and why"):
        save(settings, rules, by=" ", reason="x")
    save(settings, rules, by="ada", reason="x")
    with pytest.raises(RefusedError, match="already"):
        save(settings, rules, by="ada", reason="again")
    assert len(versions(settings)) == 1


def test_a_file_that_is_no_history_is_refused(settings: Settings) -> None:
    history_path(settings).write_text("a,b\n1,2\n")
    with pytest.raises(ConfigurationError, match="no history"):
        versions(settings)


def test_a_pack_holds_where_it_is_switched_on_and_after_the_sites_own(settings: Settings) -> None:
    own = TargetRule(None, None, "*", "*", "*", "*", "report", 720.0)
    save(settings, (own,), by="ada", reason="our own")
    assert site_targets(settings) == (own,)
    with_pack = settings.model_copy(update={"rule_packs": ("nhs_england_28_days",)})
    found = site_targets(with_pack)
    assert found[0] == own
    assert [(r.pack, r.target_min, r.valid_from) for r in found[1:]] == [
        ("nhs_england_28_days", 28 * 24 * 60.0, date(2023, 8, 1))
    ]
    assert load_parameters(with_pack).hash != load_parameters(settings).hash
    with pytest.raises(ConfigurationError, match="not shipped"):
        site_targets(settings.model_copy(update={"rule_packs": ("nhs",)}))


def test_clocks_begin_anew_only_where_a_pack_that_says_so_is_switched_on(settings: Settings) -> None:
    assert load_parameters(settings).clock_rules == ()
    with_pack = settings.model_copy(update={"rule_packs": ("dm01_six_weeks",)})
    told = [(rule.after, rule.by, rule.restart) for rule in load_parameters(with_pack).clock_rules]
    assert told == [
        ("no_show", "*", "appointment"), ("cancelled", "patient", "appointment"),
        ("rescheduled", "patient", "appointment"),
    ]  # fmt: skip


def test_every_shipped_pack_has_known_phases_and_a_source_for_every_row(settings: Settings) -> None:
    packs = rule_packs()
    assert {"nhs_england_28_days", "dm01_six_weeks", "grid_strata"} <= set(packs)
    for pack in packs.values():
        assert len(pack.sources) == len(pack.rules)
        assert len(pack.clock_sources) == len(pack.clocks)
        assert not [p.text for p in check(pack.rules, known_words(settings)) if p.must]
        assert pack.rules or pack.strata
