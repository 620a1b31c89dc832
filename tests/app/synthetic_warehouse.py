"""The rest of the synthetic warehouse: forecasts, the state of the feeds, and all of it published."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
from sqlalchemy import URL, Connection, create_engine
from synthetic import DATA_AT, SCANNERS, ZONES, exams, openings, scanner_hours, slots, visits
from synthetic_priors import archive, evidence, priors

from etl.alerts import run_alerts
from etl.settings import load_settings
from etl.warehouse import tables as t
from etl.warehouse.append import append

ALERTS = """
[[rules]]
key = "unread"
name = "Unread queue"
kind = "threshold"
kpi = "U21"
by = ["site"]
operator = ">="
limit = 1
min_n = 0
owner = "Reading room lead"
"""


def forecasts(hours: pd.DataFrame, exam_rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Forecasts for seven days (the last week repeated), for open exams, and backtests beside baselines."""
    recent = hours[pd.to_datetime(hours["hour_at"], utc=True) >= DATA_AT - timedelta(days=7)]
    rows = []
    for target, kpi, value in (
        ("scanner_demand", "begun_visits", recent["begun_visits"]),
        ("table_utilization", "U01", recent["table_min"] / 60),
    ):
        part = recent[["site_code", "scanner_code", "modality", "local_hour"]].copy()
        part["target"], part["kpi"], part["issued_at"], part["value"] = target, kpi, DATA_AT, value.astype(float)
        part["hour_at"] = pd.to_datetime(recent["hour_at"], utc=True) + timedelta(days=7)
        part["local_date"] = [d + timedelta(days=7) for d in recent["local_date"]]
        for level, share in ((80, 0.3), (95, 0.5)):
            part[f"low_{level}"], part[f"high_{level}"] = part["value"] * (1 - share), part["value"] * (1 + share)
        rows.append(part.assign(served="model", model_hash="f" * 64))
    waiting = exam_rows[exam_rows["is_performed"] & exam_rows["first_final_at"].isna()]
    at_risk = waiting[["exam_key", "site_code", "scanner_code", "modality"]].copy()
    at_risk = at_risk.assign(
        target="report_time",
        kpi="T16",
        issued_at=DATA_AT,
        value=90.0,
        low_80=30.0,
        high_80=240.0,
        probability=np.linspace(0.95, 0.05, len(waiting)),
        expected_at=DATA_AT + timedelta(hours=2),
        served="model",
        model_hash="e" * 64,
    )
    tests = pd.DataFrame(
        [
            {
                "target": target,
                "model": model,
                "site_code": "",
                "scanner_code": "",
                "metric": metric,
                "value": value,
                "low": value * 0.95,
                "high": value * 1.05,
                "origins": 20,
                "n": 20000,
                "is_served": model == "model",
            }
            for target in ("scanner_demand", "table_utilization")
            for metric in ("mase", "coverage_80")
            for model, value in (("model", 0.78), ("seasonal_naive", 1.0), ("mean_4w", 0.91))
        ]
    )
    return pd.concat(
        [
            *(r.assign(exam_key=pd.array([None] * len(r), dtype="Int64")) for r in rows),
            at_risk.astype({"exam_key": "Int64"}),
        ]
    ), tests


def health(exam_rows: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Feeds, runs, quarantine, clocks and completeness: one feed late, one clock seven minutes off."""
    feeds = [
        ("north_hl7", "NORTH", "hl7v2", 0.2, 60),
        ("south_hl7", "SOUTH", "hl7v2", 0.3, 60),
        ("north_ris", "NORTH", "ris_csv", 80, 1440),
        ("north_dicom", "NORTH", "dicom_files", 1, 1440),
    ]
    feed = pd.DataFrame(
        [
            {
                "feed_key": k,
                "site_code": s,
                "kind": kind,
                "data_until_at": DATA_AT - timedelta(hours=h),
                "loaded_at": DATA_AT,
                "expected_every_min": every,
                "expected_by_at": DATA_AT - timedelta(hours=h) + timedelta(minutes=1.5 * every),
                "stale_at": DATA_AT - timedelta(hours=h) + timedelta(minutes=4 * every),
                "expected_within_min": 1.5 * every,
                "profile_source": "configured" if kind == "ris_csv" else "learned",
                "events": 50_000,
                "quarantined": 3,
                "unmapped": 1,
                "unlinked": 12,
                "unclosed": 4 if k == "north_dicom" else 0,
            }
            for k, s, kind, h, every in feeds
        ]
    )
    run = pd.DataFrame(
        [
            {
                "run_key": f"r{i}",
                "feed_key": k,
                "site_code": s,
                "started_at": DATA_AT - timedelta(hours=i),
                "finished_at": DATA_AT - timedelta(hours=i, minutes=-1),
                "outcome": "ok",
                "files": 3,
                "offered": 100,
                "loaded": 90,
                "unchanged": 5,
                "quarantined": 3,
                "filtered": 2,
                "events": 120,
            }
            for i in range(3)
            for k, s, *_ in feeds
        ]
    )
    quarantine = pd.DataFrame(
        [
            {"feed_key": "north_hl7", "site_code": "NORTH", "reason": r, "items": n, "last_refused_at": DATA_AT}
            for r, n in (("bad_structure", 2), ("missing_time", 5), ("truncated", 1))
        ]
    )
    clock = pd.DataFrame(
        [
            {
                "site_code": "NORTH" if c[0] == "N" else "SOUTH",
                "scanner_code": c,
                "n": 200,
                "offset_min": 7.0 if c == "NCT2" else 0.1,
                "drift_min_per_day": 0.0,
                "offset_mad_min": 0.4,
                "verdict": "skewed" if c == "NCT2" else "ok",
            }
            for c in SCANNERS
        ]
    )
    done = exam_rows[exam_rows["is_performed"]]
    complete = pd.concat(
        [
            done.assign(present=done[m].notna())
            .groupby(["site_code", "modality", "end_local_date"])["present"]
            .agg(["size", "sum"])
            .reset_index()
            .rename(columns={"end_local_date": "local_date", "size": "expected", "sum": "present"})
            .assign(milestone=m)
            for m in ("arrived_at", "exam_begin_at", "images_available_at", "first_final_at")
        ]
    )
    return {
        "fact_feed": feed,
        "fact_run": run,
        "fact_quarantine": quarantine,
        "fact_clock": clock,
        "fact_completeness": complete,
    }


def all_rows() -> dict[str, pd.DataFrame]:
    """Every table of the synthetic warehouse."""
    exam_rows = exams()
    visit_rows = visits(exam_rows)
    hours = scanner_hours(visit_rows)
    forecast, backtest = forecasts(hours, exam_rows)
    return {
        "fact_exam": exam_rows,
        "fact_visit": visit_rows,
        "fact_scanner_hour": hours,
        "fact_opening": openings(),
        "fact_slot": slots(exam_rows),
        "fact_forecast": forecast,
        "fact_backtest": backtest,
        **health(exam_rows),
        "fact_prior": priors(exam_rows),
        **archive(exam_rows),
        "fact_evidence": evidence(),
        "dim_site": pd.DataFrame([{"site_code": s, "name": s.title(), "zone": str(z)} for s, z in ZONES.items()]),
        "dim_scanner": pd.DataFrame(
            [
                {"scanner_code": c, "site_code": "NORTH" if c[0] == "N" else "SOUTH", "modality": m, "name": c}
                for c, m in SCANNERS.items()
            ]
        ),
        "data_version": pd.DataFrame(
            [
                {
                    "data_version": "v" * 32,
                    "parameter_hash": "p" * 32,
                    "data_at": DATA_AT,
                    "published_at": DATA_AT,
                    "events": 200_000,
                }
            ]
        ),
    }


def _utc(table: str, frame: pd.DataFrame) -> pd.DataFrame:
    times = {c.name for c in t.metadata.tables[table].columns if isinstance(c.type, t.UtcDateTime)}
    return frame.assign(**{c: pd.to_datetime(frame[c], utc=True) for c in frame.columns if c in times})


def fill(connection: Connection) -> None:
    """Create the published tables and write the rows."""
    t.metadata.create_all(connection, tables=list(t.PUBLISHED_TABLES))
    for name, frame in all_rows().items():
        append(connection, t.metadata.tables[name], _utc(name, frame))


def build(folder: Path) -> Path:
    """Write a settings file and a published warehouse; return the settings file."""
    published = folder / "warehouse" / "published"
    published.mkdir(parents=True)
    engine = create_engine(URL.create("duckdb", database=str(published / "v1.duckdb")))
    with engine.begin() as connection:
        fill(connection)
    engine.dispose()
    (folder / "warehouse" / "current").write_text("v1", encoding="ascii")
    believed = folder / "warehouse" / "beliefs" / "20261123T0000Z.duckdb"
    believed.parent.mkdir()
    shutil.copyfile(published / "v1.duckdb", believed)
    believed.with_suffix(".feeds").write_text("archive", encoding="utf-8")
    config = folder / "radpulse.toml"
    sites = "\n".join(f'[[sites]]\ncode = "{s}"\nname = "{s.title()}"\nzone = "{z}"' for s, z in ZONES.items())
    config.write_text(f"demo = true\n{sites}\n", encoding="utf-8")
    (folder / "alerts.toml").write_text(ALERTS, encoding="utf-8")
    run_alerts(load_settings(config), now=DATA_AT)
    return config
