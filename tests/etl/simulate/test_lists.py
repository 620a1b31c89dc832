"""The department's own lists say what truly happened, and grow without changing what was written."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

SITES = ("north", "south")


def rows(made: Any, kind: str) -> pd.DataFrame:
    return pd.concat([made.extract(f"{site}_{kind}") for site in SITES], ignore_index=True)


def test_ai_results_are_those_of_the_truth(made: Any) -> None:
    told = rows(made, "ai").set_index("Accession")
    told = told[told["Result"] != "Failed"]
    true = made.exams[made.exams["ai_end_at"].notna()].set_index("accession")
    assert sorted(told.index) == sorted(true.index)
    assert len(told) > 20
    both = told.join(true)
    assert (pd.to_datetime(both["Finished"]) == both["ai_end_at"]).all()
    assert ((both["Result"] == "Positive") == both["ai_positive"].astype(bool)).all()


def test_log_of_critical_results_ends_at_the_truth(made: Any) -> None:
    told = rows(made, "critical").drop_duplicates("Accession", keep="last").set_index("Accession")
    true = made.exams[made.exams["crit_identified_at"].notna()].set_index("accession")
    assert sorted(told.index) == sorted(true.index)
    both = told.join(true)
    for column, name in (("Notified", "crit_notified_at"), ("Acknowledged", "crit_ack_at")):
        assert pd.to_datetime(both[column]).fillna(0).tolist() == both[name].fillna(0).tolist()


def test_findings_are_few_and_the_fewest_are_for_at_once(made: Any) -> None:
    reported = made.exams[made.exams["dictated_at"].notna() & made.exams["final_at"].notna()]
    found = reported["critical_class"].dropna()
    assert 0.01 < len(found) / len(reported) / 4 < 0.025  # told four times as often as in the demo
    assert 0.1 < (found == 1).mean() < 0.45  # a third, and the spread of a small department
    assert {2, 3} < set(found)


def test_readers_of_both_hospitals_are_on_both_rosters(made: Any) -> None:
    read = [made.extract(f"{site}_roster").query("Room == 'READING'") for site in SITES]
    north, south = (
        pd.to_datetime(rows["Date"] + " " + rows["Start"]).dt.tz_localize(zone).rename("at").to_frame().assign(
            who=rows["Staff ID"])
        for rows, zone in zip(read, ("America/New_York", "America/Chicago"), strict=True)
    )  # fmt: skip
    assert len(north) > 100
    assert sorted(zip(north["at"], north["who"], strict=True)) == sorted(zip(south["at"], south["who"], strict=True))


def test_storage_grows_every_day_by_what_was_stored(made: Any) -> None:
    told = rows(made, "storage")
    used = told.assign(used=told["Bytes Used"].astype(int)).groupby("Measured")["used"].sum()
    assert used.is_monotonic_increasing
    growth = used.diff().iloc[3:].mean()
    assert 1e9 < growth < 1e12


def test_every_exam_was_done_by_somebody_on_the_roster(made: Any) -> None:
    roster = rows(made, "roster")
    on_duty = set(roster["Staff ID"] + roster["Date"])
    done = made.exams[made.exams["technologist"].notna() & made.exams["begin_at"].notna()]
    zones = {"NORTH": "America/New_York", "SOUTH": "America/Chicago"}
    days = [at.tz_convert(zones[s]).date().isoformat() for at, s in zip(done["begin_at"], done["site"], strict=True)]
    assert not [t for t, day in zip(done["technologist"], days, strict=True) if t + day not in on_duty]


@pytest.mark.parametrize("kind", ["roster", "ai", "critical", "storage"])
def test_lists_lie_in_their_feeds(made: Any, kind: str) -> None:
    for site in SITES:
        assert list((made.folder / "feeds" / f"{site}_{kind}").glob("*.csv"))


def test_the_story_of_findings_told_late_is_in_the_manifest_and_in_the_times(made: Any) -> None:
    (story,) = [entry for entry in made.manifest["planted"] if entry.get("story") == "critical_told_late"]
    told = made.exams[made.exams["critical_class"].notna() & made.exams["crit_notified_at"].notna()]
    took = (told["crit_notified_at"] - told["crit_identified_at"]).dt.total_seconds() / 60
    late = told["accession"].isin(story["accessions"])
    assert (took[late] >= 35).all()
    assert took[(told["critical_class"] == 1) & ~late].median() < 15
