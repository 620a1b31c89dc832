"""What was knowable on a date is what a department that had lived only until then would have known."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pandas as pd
import pytest

from etl import pipeline
from etl.access import DEMO
from etl.beliefs import Belief, belief_of, believed, differences, drop_old_beliefs, keep_belief, kept
from etl.errors import RefusedError
from etl.kpis import KPIS, Query, compute
from etl.settings import Settings, load_settings
from etl.simulate import append, simulate
from etl.staging import make_key
from etl.warehouse.engine import reader_engine

pytestmark = pytest.mark.xdist_group("beliefs")

END, THEN = datetime(2026, 9, 29, 17, tzinfo=UTC), datetime(2026, 9, 28, 9, tzinfo=UTC)  # at night: no file on its way
WEEK = Query("T16", date(2026, 9, 24), date(2026, 10, 1))
# the state of feeds and of what was read is no event: a belief does not claim it
ABOUT_RUNS = {"I03", "I04-quarantine", "I04-unlinked", "I04-unmapped"}


def read(folder: Path) -> Settings:
    """Return the installation in a simulated department's folder, all feeds read and published."""
    settings = load_settings(folder / "radpulse.toml")
    make_key(settings.at(settings.identity.key_file))
    with pipeline.exclusive(settings), pipeline.writer(settings) as engine:
        pipeline.ingest(settings, engine)
        pipeline.derive_facts(settings, engine)
        pipeline.publish_version(settings, engine)
    return settings


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, Settings]:
    """Return a department's installation as it was, and as it is two days later: the same days, told further."""
    then, today = (tmp_path_factory.mktemp(name) / "i" for name in ("then", "today"))
    simulate(then, seed=17, end=THEN, days=4, dicom_days=4, scale=0.2)
    shutil.copytree(then, today)
    append(today, END)
    return read(then), read(today)


@pytest.fixture(scope="module")
def back_then(lived: tuple[Settings, Settings]) -> Settings:
    """Return the installation as it was."""
    return lived[0]


@pytest.fixture(scope="module")
def today(lived: tuple[Settings, Settings]) -> Settings:
    """Return the installation as it is today, with what it knew two days ago kept."""
    settings = lived[1]
    with pipeline.exclusive(settings), pipeline.writer(settings) as engine:
        keep_belief(settings, engine, THEN)
    return settings


@pytest.fixture(scope="module")
def belief(today: Settings) -> Belief:
    """Return what it knew."""
    return belief_of(today, THEN)


@pytest.mark.parametrize("kpi", [k.id for k in KPIS if k.id not in ABOUT_RUNS])
def test_belief_has_the_numbers_the_department_had_then(
    kpi: str, today: Settings, belief: Belief, back_then: Settings
) -> None:
    query = replace(WEEK, kpi=kpi, as_of=THEN)
    then = believed(today, belief, query, DEMO).frame
    known = compute(reader_engine(back_then), query, DEMO).frame
    pd.testing.assert_frame_equal(then, known, check_dtype=False)


def test_what_was_learned_since_is_the_difference(today: Settings, belief: Belief) -> None:
    query = replace(WEEK, kpi="V01-orders", by=("modality",))
    then, now = believed(today, belief, query, DEMO), compute(reader_engine(today), query, DEMO)
    both = differences(then, now).set_index("modality")
    assert both["difference"].sum() == now.frame["count"].sum() - then.frame["count"].sum() > 0
    assert (both["n_today"] >= both["n_then"].fillna(0)).all()


def test_a_day_before_anything_was_known_is_refused_and_leaves_nothing(today: Settings) -> None:
    before = {path.name for path in belief_of(today, THEN).path.parent.iterdir()}
    with (
        pipeline.exclusive(today),
        pipeline.writer(today) as engine,
        pytest.raises(RefusedError, match="nothing was known"),
    ):
        keep_belief(today, engine, datetime(2020, 1, 1, tzinfo=UTC))
    assert {path.name for path in belief_of(today, THEN).path.parent.iterdir()} == before


def test_a_belief_that_is_not_kept_is_refused_with_the_command_that_makes_it(today: Settings) -> None:
    with pytest.raises(RefusedError, match="radpulse belief keep 2026-09-01T00:00"):
        belief_of(today, datetime(2026, 9, 1, tzinfo=UTC))


def test_oldest_beliefs_go_when_there_are_too_many(today: Settings, belief: Belief) -> None:
    old = belief.path.with_name("20250101T0000Z.duckdb")
    old.write_bytes(belief.path.read_bytes())
    few = today.model_copy(update={"warehouse": today.warehouse.model_copy(update={"beliefs_kept": 1})})
    assert drop_old_beliefs(few) == ["20250101T0000Z"]
    assert [b.known_at for b in kept(few)] == [THEN]


def test_commands_show_a_belief_and_explain_a_change(today: Settings, belief: Belief, back_then: Settings) -> None:
    from typer.testing import CliRunner

    from etl.cli import app

    config = ["--config", str(today.base / "radpulse.toml")]
    week = ["--kpi", "V01-orders", "--from", "2026-09-26", "--to", "2026-09-28"]
    shown = CliRunner().invoke(app, ["belief", "show", "2026-09-28T09:00", *week, "--by", "site", *config])
    assert "difference" in shown.output
    assert "2026-09-28T09:00" in CliRunner().invoke(app, ["belief", "list", *config]).output
    said = CliRunner().invoke(app, ["explain", "change", *week, "--by", "modality", *config])
    assert "Orders received" in said.output
    assert "effect" in said.output
