"""Running an installation: create, simulate, bring in, publish, forecast, serve."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from etl.cli.start import Config, app, settings_of
from etl.errors import ExitCode
from etl.settings import DEFAULT_CONFIG, Settings, load_settings


@app.command()
def init(folder: Annotated[Path, typer.Argument(help="where the installation lives")] = DEFAULT_CONFIG.parent) -> None:
    """Create a settings template and the pseudonym key (mode 0600) in FOLDER; never overwrites either."""
    from etl.installation import create

    for line in create(folder):
        typer.echo(line)


@app.command()
def demo(
    folder: Annotated[Path, typer.Option(help="demo folder")] = DEFAULT_CONFIG.parent,
    days: Annotated[int, typer.Option(help="days of history")] = 120,
    dicom_days: Annotated[int, typer.Option(help="last days with DICOM files")] = 14,
    seed: Annotated[int, typer.Option(help="same seed and end, same bytes")] = 7,
    port: Annotated[int, typer.Option(help="dashboard port")] = 8501,
    serve_after: Annotated[bool, typer.Option("--serve/--no-serve", help="serve the dashboard afterwards")] = True,
) -> None:
    """Simulate a department, ingest it, forecast and serve the dashboard."""
    from etl import demo as demonstration
    from etl.progress import Steps

    steps = Steps(demonstration.BUDGET_S)
    end = demonstration.current_hour()
    settings = demonstration.prepare(folder, seed=seed, days=days, dicom_days=dicom_days, end=end, steps=steps)
    steps.console.print(steps.summary())
    if serve_after:
        _serve(settings, port)


@app.command()
def simulate(
    folder: Annotated[Path, typer.Argument(help="where feeds, truth and settings are written")],
    end: Annotated[datetime | None, typer.Option(help="last instant, UTC (default: the current hour)")] = None,
    days: Annotated[int, typer.Option(help="days of history")] = 120,
    dicom_days: Annotated[int, typer.Option(help="last days with DICOM files")] = 14,
    seed: Annotated[int, typer.Option(help="same seed and end, same bytes")] = 7,
    scale: Annotated[float, typer.Option(help="share of the full department's demand")] = 1.0,
) -> None:
    """Write a simulated department's feeds and truth; touches no warehouse."""
    from etl.demo import current_hour
    from etl.progress import Steps
    from etl.simulate import simulate as run_simulation

    until = end.replace(tzinfo=UTC) if end else current_hour()
    with Steps({"simulate": 75}).step("simulate") as report:
        run_simulation(folder, seed=seed, end=until, days=days, dicom_days=dicom_days, scale=scale, progress=report)
    typer.echo(f"{folder}: feeds, truth and radpulse.toml written up to {until:%Y-%m-%d %H:%M} UTC")


@app.command()
def ingest(
    feed: Annotated[list[str] | None, typer.Option("--feed", help="only these feeds")] = None,
    config: Config = None,
) -> None:
    """Read what is new in the feeds into the warehouse and derive the facts; publishes nothing."""
    from etl import pipeline
    from etl.progress import Steps

    settings = settings_of(config)
    steps = Steps({"ingest": 90, "derive": 50})
    with pipeline.exclusive(settings), pipeline.writer(settings) as engine:
        with steps.step("ingest") as report:
            counts = pipeline.ingest(settings, engine, feeds=feed, report=report)
        with steps.step("derive"):
            pipeline.derive_facts(settings, engine)
    for line in pipeline.describe(counts):
        typer.echo(line)
    if any(run.stopped for run in counts):
        raise typer.Exit(ExitCode.REFUSED)


@app.command()
def fetch(
    feed: Annotated[list[str] | None, typer.Option("--feed", help="only these feeds")] = None,
    check: Annotated[bool, typer.Option("--check", help="only try the connections")] = False,
    config: Config = None,
) -> None:
    """Bring what is new in other systems (PACS, FHIR server, RIS database, folders) into their feeds' folders."""
    from etl import pipeline

    settings = settings_of(config)
    if check:
        lines = list(pipeline.try_connections(settings, feeds=feed))
        for line in lines:
            typer.echo(line)
        if any(line.startswith("FIX") for line in lines):
            raise typer.Exit(ExitCode.REFUSED)
        return
    results = pipeline.fetch(settings, feeds=feed)
    for r in results:
        line = f"{r.feed_key:<16} {r.payloads} payloads in {r.pages} pages, {r.bytes} bytes"
        line += "; more to come at the next fetch" if r.more else ""
        typer.echo(f"{line}; FAILED: {r.failed}" if r.failed else line)
    if any(r.failed for r in results):
        raise typer.Exit(ExitCode.REFUSED)


@app.command()
def listen(
    feed: Annotated[list[str] | None, typer.Option("--feed", help="only these feeds")] = None,
    config: Config = None,
) -> None:
    """Receive what other systems send (MLLP, syslog, DICOM) until stopped; kept on disk before it is acknowledged."""
    from etl.listeners import listening, run_listeners

    settings = settings_of(config)
    run_listeners(settings, listening(settings, feed or ()))


@app.command()
def publish(config: Config = None) -> None:
    """Publish the warehouse's present facts as a new version for readers."""
    from etl import pipeline

    settings = settings_of(config)
    with pipeline.exclusive(settings), pipeline.writer(settings) as engine:
        typer.echo(f"published {pipeline.publish_version(settings, engine)}")


@app.command()
def forecast(config: Config = None) -> None:
    """Train or re-use the models, write forecasts and backtests, publish."""
    from etl import pipeline
    from etl.progress import Steps

    settings = settings_of(config)
    steps = Steps({"forecast": 60})
    with pipeline.exclusive(settings), pipeline.writer(settings) as engine:
        with steps.step("forecast") as report:
            pipeline.forecast(settings, engine, report=report)
        typer.echo(f"published {pipeline.publish_version(settings, engine)}")


@app.command()
def run(config: Config = None) -> None:
    """Do whatever is due: ingest, derive, publish, checks, forecasts, retention. Safe to start twice."""
    from etl.jobs import JOBS
    from etl.pipeline import exclusive
    from etl.schedule import run_due

    settings = settings_of(config)
    with exclusive(settings):
        counts = run_due(settings, JOBS, datetime.now(UTC))
    typer.echo(", ".join(f"{job}: {n} window(s)" for job, n in counts.items()))


@app.command()
def serve(port: Annotated[int, typer.Option()] = 8501, config: Config = None) -> None:
    """Serve the dashboard on http://localhost:PORT."""
    _serve(load_settings(config), port)


def _serve(settings: Settings, port: int) -> None:
    root = Path(__file__).resolve().parents[2]  # the folder that holds app/
    os.environ["RADPULSE_CONFIG"] = str((settings.base / "radpulse.toml").resolve())
    typer.echo(f"Radpulse is on http://localhost:{port}  (Ctrl+C stops it)")
    os.chdir(root)  # Streamlit reads .streamlit/config.toml from here
    command = [sys.executable, "-m", "streamlit", "run", "app/server.py", "--server.port", str(port)]
    os.execv(sys.executable, command)  # noqa: S606 - our own interpreter and arguments, no shell
