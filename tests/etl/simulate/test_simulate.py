from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from etl.errors import ConfigurationError
from etl.settings import load_settings
from etl.simulate import append, simulate

MIDNIGHT = datetime(2026, 11, 2, 6, tzinfo=UTC)


def tree(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def last_rows(folder: Path, feed: str, key: str, updated: str) -> dict[str, tuple[str, ...]]:
    frames = [pd.read_csv(p, dtype=str, keep_default_na=False) for p in sorted((folder / "feeds" / feed).glob("*.csv"))]
    rows = pd.concat(frames)
    times = pd.to_datetime(rows[updated])
    rows = rows.assign(_at=times).sort_values("_at", kind="stable").drop(columns="_at")
    return {str(row[key]): tuple(row) for _, row in rows.iterrows()}


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory, made: Any) -> Any:
    """The same department told in one go, and told twice with an append over a midnight in between."""
    del made
    once, grown = tmp_path_factory.mktemp("once"), tmp_path_factory.mktemp("grown")
    later = MIDNIGHT.replace(hour=20)
    simulate(once, seed=5, end=later, days=3, dicom_days=2, scale=0.15)
    simulate(grown, seed=5, end=MIDNIGHT, days=3, dicom_days=2, scale=0.15)
    before = tree(grown / "feeds")
    append(grown, later)
    return once, grown, before


def test_same_arguments_give_the_same_bytes(twins: Any, tmp_path: Path) -> None:
    once = twins[0]
    simulate(tmp_path, seed=5, end=MIDNIGHT.replace(hour=20, minute=59), days=3, dicom_days=2, scale=0.15)
    assert tree(tmp_path) == tree(once)


def test_another_seed_gives_another_department(twins: Any, tmp_path: Path) -> None:
    simulate(tmp_path, seed=6, end=MIDNIGHT, days=1, dicom_days=1, scale=0.1)
    one, other = (set(tree(folder / "feeds").values()) for folder in (tmp_path, twins[0]))
    assert not one & other


def test_append_leaves_written_files_alone(twins: Any) -> None:
    _, grown, before = twins
    after = tree(grown / "feeds")
    assert {name: after.get(name) for name in before} == before
    assert len(after) > len(before)


def test_append_brings_the_messages_a_longer_run_has(twins: Any, request: pytest.FixtureRequest) -> None:
    once, grown, _ = twins
    kind = type(request.getfixturevalue("made"))
    for feed in ("north_hl7", "south_hl7"):
        expected = sorted(kind(once).messages(feed))
        assert sorted(kind(grown).messages(feed)) == expected
        assert len(expected) > 100


def test_append_leaves_the_truth_images_and_doses_of_a_longer_run(twins: Any) -> None:
    once, grown, _ = twins
    assert tree(grown / "truth") == tree(once / "truth")
    for feed in ("north_dicom", "south_dicom", "north_dose", "south_dose", "north_qido", "south_qido"):
        assert tree(grown / "feeds" / feed) == tree(once / "feeds" / feed)


def test_append_leaves_the_extract_saying_the_same_in_the_end(twins: Any) -> None:
    once, grown, _ = twins
    for feed, key, updated in (("north_ris", "Order ID", "Last Update"), ("south_ris", "Order", "Update Timestamp")):
        assert last_rows(grown, feed, key, updated) == last_rows(once, feed, key, updated)


def test_append_within_the_hour_writes_nothing(twins: Any) -> None:
    once = twins[0]
    before = tree(once)
    assert append(once, MIDNIGHT.replace(hour=20, minute=40)).written == {}
    assert tree(once) == before


def test_append_without_a_department_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="radpulse simulate"):
        append(tmp_path, MIDNIGHT)


def test_end_without_zone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="aware"):
        simulate(tmp_path, seed=1, end=datetime(2026, 11, 1), days=1)  # noqa: DTZ001 - the point of the test


def test_nothing_is_told_before_it_happens(made: Any) -> None:
    end = pd.Timestamp(made.manifest["end"])
    for feed in ("north_hl7", "south_hl7"):
        sent = [datetime.strptime(m.split("|")[6], "%Y%m%d%H%M%S%z") for m in made.messages(feed)]
        assert max(sent) < end
        assert max(sent) > end - timedelta(minutes=30)
    times = [c for c in made.exams.columns if c.endswith("_at") and c != "appointment_at"]
    assert max(made.exams[c].max() for c in times if made.exams[c].notna().any()) < end


def test_open_items_stay_open_at_the_end(made: Any) -> None:
    statuses = set(made.exams["status"])
    assert {"scheduled", "final", "cancelled", "ordered"} <= statuses
    assert statuses & {"arrived", "in_progress", "ended", "preliminary"}


def test_future_appointments_reach_two_weeks_ahead(made: Any) -> None:
    ahead = made.exams["appointment_at"].max() - pd.Timestamp(made.manifest["end"])
    assert ahead > timedelta(days=14)


def test_settings_are_complete_and_name_every_feed_folder(made: Any) -> None:
    settings = load_settings(made.folder / "radpulse.toml")
    assert settings.demo
    assert {s.code: s.zone for s in settings.sites} == {"NORTH": "America/New_York", "SOUTH": "America/Chicago"}
    assert len(settings.scanners) == 12
    assert {s.modality for s in settings.scanners} == {"CT", "MR", "DX", "US", "MG", "NM", "XA"}
    assert all(settings.at(feed.path).is_dir() for feed in settings.feeds)
    assert (made.folder / "targets.csv").read_text().startswith("valid_from,valid_to,site,")
