"""Every page draws without an exception, and what a tile prints is what `compute` answers."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from streamlit.runtime.pages_manager import PagesManager
from streamlit.testing.v1 import AppTest

from app import data, words
from app.compare import headline_unit
from app.navigation import TITLES
from app.notes import notes
from etl.access import DEMO
from etl.annotations import Annotation
from etl.kpis import Query, compute
from etl.settings import load_settings
from etl.warehouse.engine import reader_engine

MAIN = str(Path(__file__).resolve().parents[2] / "app" / "main.py")
TODAY = date(2026, 11, 24)


@pytest.fixture(autouse=True)
def navigation_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do as app/server.py does: AppTest forgets it before every run and would take each page for an app of its own."""
    original = PagesManager.__init__

    def navigated(self: PagesManager, *args: Any, **kw: Any) -> None:
        original(self, *args, **kw)
        PagesManager.uses_pages_directory = False

    monkeypatch.setattr(PagesManager, "__init__", navigated)


def open_page(name: str, **params: str | list[str]) -> AppTest:
    """Run the app at a page, as a browser with these URL parameters would."""
    at = AppTest.from_file(MAIN, default_timeout=60)
    for key, value in params.items():
        at.query_params[key] = value
    at.run()
    return at if name == "overview" else at.switch_page(f"pages/{name}.py").run()


def text_of(at: AppTest) -> str:
    """All text a page shows in markdown and captions."""
    return "\n".join([m.value for m in at.markdown] + [c.value for c in at.caption])


@pytest.mark.parametrize("name", TITLES)
def test_page_draws_without_exception(config: Path, name: str) -> None:
    at = open_page(name)
    assert not at.exception
    assert not at.error
    assert len(at.title) == 1
    assert at.title[0].value == TITLES[name]


@pytest.mark.parametrize("name", TITLES)
def test_page_survives_a_filter_that_leaves_nothing(config: Path, name: str) -> None:
    at = open_page(name, site="NORTH", scanner="SCT1", period="Today")
    assert not at.exception
    assert not at.error


@pytest.mark.parametrize(
    ("page", "tiles", "from_date", "to_date"),
    [
        ("overview", ("U21", "T16", "T24", "T06", "U01", "V01"), TODAY, TODAY + timedelta(days=1)),
        (
            "turnaround",
            ("T16", "T24", "T17", "T19", "T26", "U21"),
            TODAY - timedelta(days=27),
            TODAY + timedelta(days=1),
        ),
        (
            "utilization",
            ("U01", "U04", "U12", "U08", "U09", "U15"),
            TODAY - timedelta(days=27),
            TODAY + timedelta(days=1),
        ),
    ],
)
def test_tiles_print_what_compute_answers(
    config: Path, page: str, tiles: tuple[str, ...], from_date: date, to_date: date
) -> None:
    at = open_page(page, modality="CT")
    engine = reader_engine(load_settings(config))
    expected = []
    for name in tiles:
        result = compute(engine, Query(name, from_date, to_date, (), {"modality": ("CT",)}), DEMO)
        value = None if result.frame.empty else result.frame[result.meta.headline].iloc[0]
        expected.append(words.amount(value, headline_unit(result)))
    assert [m.value for m in at.metric] == expected
    assert len(at.metric) <= 6


def test_filters_in_the_url_reach_the_widgets_and_the_numbers(config: Path) -> None:
    at = open_page("turnaround", site="SOUTH", modality=["CT", "MR"], priority="STAT", period="Last 7 days")
    assert at.multiselect(key="site").value == ["SOUTH"]
    assert at.multiselect(key="modality").value == ["CT", "MR"]
    assert at.selectbox(key="period").value == "7d"
    query = Query(
        "T16",
        TODAY - timedelta(days=6),
        TODAY + timedelta(days=1),
        (),
        {"site": ("SOUTH",), "modality": ("CT", "MR"), "priority": ("STAT",)},
    )
    result = compute(reader_engine(load_settings(config)), query, DEMO)
    assert at.metric[0].value == words.amount(result.frame["p50"].iloc[0], "min")


def test_filters_survive_a_page_change_as_if_they_came_from_the_url(config: Path) -> None:
    at = open_page("turnaround")
    at.multiselect(key="scanner").select("NCT1").run()
    at.selectbox(key="period").select("84d").run()
    at.switch_page("pages/utilization.py").run()
    assert at.multiselect(key="scanner").value == ["NCT1"]
    assert at.selectbox(key="period").value == "84d"
    again = open_page("utilization", scanner="NCT1", period="Last 12 weeks")
    assert [m.value for m in again.metric] == [m.value for m in at.metric]


def test_junk_in_the_url_is_ignored(config: Path) -> None:
    at = open_page("turnaround", site="ATLANTIS", period="for ever", modality=["CT", "XX"])
    assert not at.exception
    assert at.multiselect(key="site").value == []
    assert at.selectbox(key="period").value == "28d"


def test_filter_a_kpi_cannot_take_is_struck_out_with_the_reason(config: Path) -> None:
    at = open_page("utilization", priority="STAT")
    assert "~~priority~~ not applied: table utilization has no priority" in text_of(at)


def test_filter_a_page_cannot_take_is_struck_out_in_its_chip(config: Path) -> None:
    at = open_page("data_health", priority="STAT")
    assert "~~Priority: STAT~~ not applied" in [b.label for b in at.button]


def test_chip_clears_its_filter_with_one_click(config: Path) -> None:
    at = open_page("turnaround", modality="CT")
    at.button(key="clear_modality").click().run()
    assert at.multiselect(key="modality").value == []
    assert not at.exception


def test_empty_selection_says_the_next_step(config: Path) -> None:
    at = open_page("turnaround", site="NORTH", scanner="SCT1")
    assert any("Clear a filter above" in i.value for i in at.info)


def test_too_few_to_draw_is_not_called_nothing_and_its_counts_stay_in_the_table(config: Path) -> None:
    at = open_page(
        "explore",
        kpi="report_tat",
        grain="by day",
        by=["Hour of day", "Procedure group"],
        modality="MR",
        scanner="NMR1",
        priority="STAT",
    )
    table = at.dataframe[0].value
    assert table["p50"].isna().all()
    assert table["n"].sum() > 0
    assert any("too few to draw" in i.value for i in at.info)
    assert not any("Nothing matches" in i.value for i in at.info)


def test_medians_say_so_and_no_tile_shows_a_mean(config: Path) -> None:
    at = open_page("turnaround")
    labels = [m.label for m in at.metric]
    assert sum("median" in label for label in labels) >= 4
    assert not any("mean" in label.lower() for label in labels)


def test_explain_answers_its_five_questions_and_counts_the_rows_behind(config: Path) -> None:
    at = open_page("utilization", scanner="NMR1", period="Yesterday")
    at.button(key="explain_turnover").click().run()
    said = text_of(at)
    for question in ("What exactly is this?", "How complete?", "What moved it?", "Which rows?", "How computed?"):
        assert question in said
    query = Query("U08", TODAY - timedelta(days=1), TODAY, (), {"scanner": ("NMR1",)})
    n = compute(reader_engine(load_settings(config)), query, DEMO).meta.n
    assert n > 0
    assert f"Pseudonymous rows, all {n}." in said
    assert "radpulse export --kpi turnover" in at.code[0].value


def test_tile_says_n_and_open_items(config: Path) -> None:
    at = open_page("turnaround")
    result = compute(
        reader_engine(load_settings(config)), Query("T16", TODAY - timedelta(days=27), TODAY + timedelta(days=1)), DEMO
    )
    assert f"n = {result.meta.n:,} exams" in text_of(at)
    assert f"{result.meta.open} open" in text_of(at)


@pytest.mark.parametrize("name", TITLES)
def test_every_chart_and_table_has_words_for_those_who_cannot_see_it(config: Path, name: str) -> None:
    if name == "annotations":  # of a day long before all data: no chart of another test shows it
        notes().add(Annotation("other", date(2020, 1, 1), date(2020, 1, 2), "opened"), "ada", "manager")
    at = open_page(name)
    if name == "definitions":  # closed it draws nothing
        at.session_state["def_report_tat"] = True
        at.run()
    drawn = [*at.get("vega_lite_chart"), *at.dataframe, *at.table]
    assert drawn
    for element in drawn:
        assert element.proto.alt, f"{name}: {type(element).__name__} without alt"


def test_waits_are_judged_by_the_access_target_in_three_ways_that_are_told_apart(config: Path) -> None:
    at = open_page("access")
    judged = next(t.value for t in at.table if "Of whom" in t.value.columns)
    assert [name.split("(")[-1] for name in judged["Number"]] == ["T04)", "T04-adjusted)", "T24-access)"]
    assert judged["Of whom"].is_unique
    for name, value in zip(("T04", "T04-adjusted", "T24-access"), judged["Value"], strict=True):
        engine = reader_engine(load_settings(config))
        result = compute(engine, Query(name, TODAY - timedelta(days=27), TODAY + timedelta(days=1)), DEMO)
        shares = [] if result.meta.absent else result.frame["share"].tolist()
        assert value == (words.amount(shares[0], "share") if shares else "no feed")


def test_late_feed_is_said_in_words_and_by_data_time(config: Path) -> None:
    at = open_page("data_health")
    assert "north_ris (" in text_of(at)
    assert "radpulse run" in text_of(at)


def test_skewed_clock_is_named_with_its_fix(config: Path) -> None:
    assert "the clock of NCT2 is +7 min against the RIS" in text_of(open_page("data_health"))


def test_procedure_steps_never_closed_are_said_with_their_feed(config: Path) -> None:
    assert "4 procedure steps of north_dicom have a begin, no end" in text_of(open_page("data_health"))


ONE_A_KIND = list({type(k.kind): k.key for k in data.kpis()}.values())


@pytest.mark.parametrize("kpi", ONE_A_KIND)
def test_explore_answers_every_kind_of_kpi(config: Path, kpi: str) -> None:
    at = open_page("explore", kpi=kpi)
    assert not at.exception
    assert at.selectbox(key="kpi").value == kpi


@pytest.mark.slow
@pytest.mark.parametrize("kpi", [k.key for k in data.kpis()])
def test_explore_answers_every_kpi(config: Path, kpi: str) -> None:
    at = open_page("explore", kpi=kpi)
    assert not at.exception
    assert at.selectbox(key="kpi").value == kpi


@pytest.mark.parametrize("by", [["Modality"], ["Scanner", "Priority"], ["Weekday", "Hour of day"]])
@pytest.mark.parametrize("grain", ["not", "by week"])
def test_explore_cuts(config: Path, by: list[str], grain: str) -> None:
    at = open_page("explore", kpi="report_tat", by=by, grain=grain)
    assert not at.exception
    shown = at.dataframe[0].value
    query = Query(
        "report_tat",
        TODAY - timedelta(days=27),
        TODAY + timedelta(days=1),
        (*(["week"] if grain == "by week" else []), *(b.lower().replace(" ", "_") for b in by)),
    )
    assert len(shown) == len(compute(reader_engine(load_settings(config)), query, DEMO).frame)


def test_definitions_show_every_kpi_of_the_registry(config: Path) -> None:
    at = open_page("definitions")
    labels = [e.label for e in at.expander]
    for kpi in data.kpis():
        assert f"**{kpi.id}** {kpi.label}" in labels


def test_definitions_search(config: Path) -> None:
    at = open_page("definitions")
    at.text_input(key="find").input("T16").run()
    assert any("T16" in e.label for e in at.expander)
    assert len([e for e in at.expander if e.label.startswith("**")]) < len(data.kpis())


def test_installation_without_accounts_is_refused_with_the_way_out(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = tmp_path / "radpulse.toml"
    closed.write_text(config.read_text(encoding="utf-8").replace("demo = true", "demo = false"), encoding="utf-8")
    monkeypatch.setenv("RADPULSE_CONFIG", str(closed))
    at = AppTest.from_file(MAIN, default_timeout=30).run()
    assert not at.exception
    assert at.title[0].value == "Radpulse is not ready yet"
    assert "no accounts" in at.warning[0].value
    assert not at.metric
    assert not at.sidebar.multiselect


def test_explain_says_what_moved_a_number_part_by_part(config: Path) -> None:
    at = open_page("turnaround")
    at.button(key="explain_report_tat").click().run()
    assert "The parts add up exactly." in text_of(at)
    table = next(t.value for t in at.table if "Effect" in t.value)
    assert {"CT", "MR", "mix (who came)"} <= set(table["Modality"])


def test_targets_page_counts_what_a_pasted_table_would_change_and_saves_nothing(config: Path) -> None:
    at = open_page("targets")
    saved = sorted(config.parent.rglob("*targets*"))
    header = "valid_from,valid_to,site,modality,priority,patient_class,phase,target_min\n"
    at.text_area(key="table").set_value(header + ",,*,*,*,*,report,30\n").run()
    next(b for b in at.button if b.label == "Show the effect").click().run()
    assert not at.exception
    assert "turn to in time" in text_of(at)
    assert "radpulse targets set" in text_of(at)
    assert sorted(config.parent.rglob("*targets*")) == saved


def test_targets_page_names_what_is_wrong_with_a_pasted_table(config: Path) -> None:
    at = open_page("targets")
    header = "valid_from,valid_to,site,modality,priority,patient_class,phase,target_min\n"
    at.text_area(key="table").set_value(header + ",,*,*,*,*,reprot,30\n").run()
    next(b for b in at.button if b.label == "Show the effect").click().run()
    assert any("reprot" in w.value for w in at.warning)
    at.text_area(key="table").set_value("nonsense").run()
    next(b for b in at.button if b.label == "Show the effect").click().run()
    assert any("has no column" in w.value for w in at.warning)
    assert not at.exception


def test_what_was_known_then_stands_beside_today_with_the_feeds_left_out(config: Path) -> None:
    at = open_page("as_known")
    assert [m.label for m in at.metric] == ["As known then", "As known today"]
    assert at.metric[0].value == at.metric[1].value  # the same events
    assert "Left out then: archive." in text_of(at)


def test_queues_page_tells_the_queues_of_any_minute_as_compute_does(config: Path) -> None:
    at = open_page("queues")
    at.date_input(key="instant_day").set_value(TODAY - timedelta(days=1))
    at.time_input(key="instant_time").set_value(time(11, 5)).run()
    assert not at.exception
    instant = datetime.combine(TODAY - timedelta(days=1), time(11, 5), tzinfo=ZoneInfo("America/New_York"))
    query = Query("U21", TODAY - timedelta(days=1), TODAY, as_of=instant)
    row = compute(reader_engine(load_settings(config)), query, DEMO, min_n=0).frame.iloc[0]
    shown = next(t.value for t in at.table if "Queue" in t.value).set_index("Queue")
    assert row["count"] > 0
    assert shown.loc["Unread queue", "Waiting"] == words.count(row["count"])
    assert shown.loc["Unread queue", "Oldest"] == words.amount(row["oldest"], "min")


def test_what_is_closed_on_definitions_is_not_sent(config: Path) -> None:
    at = open_page("definitions")
    assert len(at.table) == 0
    at.session_state["def_report_tat"] = True
    at.run()
    assert len(at.table) == 1


@pytest.mark.parametrize(
    ("asked", "shown"),
    [("U02", "U02"), ("Room utilization (U02)", "U02"), ("junk", "U01")],
)
def test_the_ways_ends_come_from_the_url_by_id_or_by_an_old_links_label(config: Path, asked: str, shown: str) -> None:
    at = open_page("utilization", way_from=asked, way_to="U06")
    assert at.selectbox(key="way_from").value == shown
    assert at.selectbox(key="way_to").value == "U06"
    assert at.query_params["way_to"] in ("U06", ["U06"])  # whichever way the test driver keeps one value


def test_all_numbers_say_which_statistic_they_are(config: Path) -> None:
    shown = open_page("turnaround").table[-1].value.set_index("Number")
    assert shown.loc["Report TAT (exam end to first final) (T16)", "Value"].endswith(" min, median")


def test_a_link_with_junk_says_what_it_could_not_apply_and_applies_the_rest(config: Path) -> None:
    at = open_page("overview", site=["NORTH", "ATLANTIS"], colour="red", period="Last 7 days")
    said = at.info[0].value
    assert "site 'ATLANTIS'" in said
    assert "'colour'" in said
    assert at.session_state["site"] == ["NORTH"]
    assert at.session_state["period"] == "7d"


def test_a_sound_link_meets_no_notice(config: Path) -> None:
    at = open_page("overview", site="NORTH", patient_class="Emergency", compare="Previous period")
    assert not [i for i in at.info if "not known here" in i.value]
