"""The command line for people on call; every failure is one line and an exit code a scheduler can act on."""

from __future__ import annotations

import json
import os
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer

from etl.cli_codes import codes_app
from etl.errors import ExitCode, ItemRefused, RadpulseError, RefusedError
from etl.settings import DEFAULT_CONFIG, Settings, load_settings

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, help="Operational BI for radiology.")
quarantine_app = typer.Typer(no_args_is_help=True, help="Refused items: list, show, replay.")
app.add_typer(quarantine_app, name="quarantine")
app.add_typer(codes_app, name="codes")

SPAN_FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M"]
Config = Annotated[Path | None, typer.Option("--config", envvar="RADPULSE_CONFIG", help="settings file")]


def _settings(config: Path | None) -> Settings:
    from etl.logs import configure_logs

    settings = load_settings(config)
    configure_logs(settings.at(settings.log_file))
    return settings


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

    settings = _settings(config)
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

    settings = _settings(config)
    if check:
        for line in pipeline.try_connections(settings, feeds=feed):
            typer.echo(line)
        return
    results = pipeline.fetch(settings, feeds=feed)
    for r in results:
        line = f"{r.feed_key:<16} {r.payloads} payloads in {r.pages} pages, {r.bytes} bytes"
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

    settings = _settings(config)
    run_listeners(settings, listening(settings, feed or ()))


@app.command()
def publish(config: Config = None) -> None:
    """Publish the warehouse's present facts as a new version for readers."""
    from etl import pipeline

    settings = _settings(config)
    with pipeline.exclusive(settings), pipeline.writer(settings) as engine:
        typer.echo(f"published {pipeline.publish_version(settings, engine)}")


@app.command()
def forecast(config: Config = None) -> None:
    """Train or re-use the models, write forecasts and backtests, publish."""
    from etl import pipeline
    from etl.progress import Steps

    settings = _settings(config)
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

    settings = _settings(config)
    with exclusive(settings):
        counts = run_due(settings, JOBS, datetime.now(UTC))
    typer.echo(", ".join(f"{job}: {n} window(s)" for job, n in counts.items()))


@app.command()
def kpis(
    write: Annotated[Path | None, typer.Option(help="rewrite the KPI table in this README")] = None,
    check: Annotated[Path | None, typer.Option(help="exit 1 when the table in this README is stale")] = None,
) -> None:
    """List the KPI registry, or keep the README's table equal to it."""
    from etl.kpis import docs

    if write:
        docs.write_table(write)
    elif check:
        docs.check_table(check)
    else:
        typer.echo(docs.table())


@app.command()
def export(
    kpi: Annotated[str, typer.Option(help="KPI id or key, e.g. T16")],
    from_date: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="first site-local date")],
    to_date: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="date after the last")],
    output: Annotated[Path, typer.Option("-o", "--output", help="CSV file; its side file gets .json")],
    by: Annotated[str, typer.Option(help="dimensions and one grain, comma-separated")] = "",
    where: Annotated[list[str] | None, typer.Option(help="dimension=value[,value]; repeatable")] = None,
    role: Annotated[str, typer.Option("--as", help="role to export as")] = "analyst",
    bom: Annotated[bool, typer.Option(help="UTF-8 byte order mark, for Excel")] = False,
    config: Config = None,
) -> None:
    """Write what the screen shows as CSV: the same bytes as the app's export button in the same role."""
    from etl.exports import export_file, parse_where
    from etl.kpis.query import Query

    settings = _settings(config)
    dimensions = tuple(part.strip() for part in by.split(",") if part.strip())
    query = Query(kpi, _day(from_date), _day(to_date), dimensions, parse_where(where or []))
    rows, sha256 = export_file(settings, query, role, output, bom=bom)
    typer.echo(f"{output}: {rows} rows, sha256 {sha256[:16]}…")


@app.command()
def emit(
    shape: Annotated[str, typer.Option("--as", help="sole or auditevent")],
    from_at: Annotated[datetime, typer.Option("--from", formats=SPAN_FORMATS, help="first instant, UTC")],
    to_at: Annotated[datetime, typer.Option("--to", formats=SPAN_FORMATS, help="instant after the last, UTC")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="file; .json makes AuditEvents a Bundle")
    ] = None,
    to_syslog: Annotated[str | None, typer.Option(help="host:port that takes SOLE messages")] = None,
    tls_ca: Annotated[Path | None, typer.Option(help="authority of the peer's certificate; turns TLS on")] = None,
    tls_cert: Annotated[Path | None, typer.Option(help="our certificate for that peer")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="its key")] = None,
    identified: Annotated[bool, typer.Option(help="real identifiers; needs the identity vault")] = False,
    config: Config = None,
) -> None:
    """Send our events on as IHE SOLE syslog messages or FHIR AuditEvents, pseudonymous, to a file or a syslog peer."""
    from etl import emit as emission
    from etl import pipeline
    from etl.emit.syslog_peer import SyslogPeer, peer_of

    settings = _settings(config)
    if identified:
        emission.refuse_identified(settings)
    chosen = emission.shape_of(shape, output, to_syslog)
    span = emission.Span(from_at.replace(tzinfo=UTC), to_at.replace(tzinfo=UTC))
    with pipeline.exclusive(settings), pipeline.writer(settings) as engine, engine.connect() as connection:
        if output is not None:
            number = emission.emit_file(connection, settings, span, chosen, output)
        else:
            peer = SyslogPeer(*peer_of(str(to_syslog)), tls_ca, tls_cert, tls_key)
            number = emission.emit_syslog(connection, settings, span, peer)
    typer.echo(f"{output or to_syslog}: {number} events, pseudonymous")


@app.command()
def radlex(
    file: Annotated[Path, typer.Argument(help="RadLex as CSV or OWL")],
    config: Config = None,
) -> None:
    """Propose RadLex codes for the event vocabulary from FILE; a person reviews them before they are used."""
    from etl.radlex import propose, write_proposals

    settings = _settings(config)
    proposals = propose(settings, file)
    for p in proposals:
        found = ", ".join(f"{rid} {name!r}" for rid, name in p.found) or "not found"
        typer.echo(f"{p.term.key:<22} {found}{'  (choose one by hand)' if len(p.found) > 1 else ''}")
    path = write_proposals(settings, proposals)
    typer.echo(f"{path}: fill reviewed_by in the rows that are right; rows without it are not used")


def _day(value: datetime) -> date:
    return value.date()


@app.command()
def doctor(config: Config = None) -> None:
    """Check settings, feeds, key, engine, disk, versions and clocks; every line says the fix."""
    from etl.doctor import examine

    findings = examine(load_settings(config))
    for finding in findings:
        line = f"{'ok ' if finding.ok else 'FIX'} {finding.area:<11} {finding.text}"
        typer.echo(line if finding.ok else f"{line} -> {finding.fix}")
    if any(not finding.ok and finding.area in ("settings", "key", "engine") for finding in findings):
        raise typer.Exit(ExitCode.CONFIGURATION)


@app.command()
def unmatched(
    limit: Annotated[int, typer.Option(help="rows of each side")] = 50,
    config: Config = None,
) -> None:
    """List images without exam and exams without images, newest first, with the likely cause."""
    from etl.listings import unmatched_lines

    for line in unmatched_lines(_settings(config), limit):
        typer.echo(line)


@app.command()
def clocks(config: Config = None) -> None:
    """List what was found about each scanner's clock, and propose the corrections to write into the settings."""
    from etl.listings import clock_lines

    for line in clock_lines(_settings(config)):
        typer.echo(line)


@app.command()
def inspect(file: Annotated[Path, typer.Argument(help="HL7, DICOM, dose report, QIDO-RS JSON, CSV")]) -> None:
    """Print as JSON what FILE would become; touches nothing, masks identifiers, needs no key."""
    from etl.sources import inspect_file

    try:
        found = inspect_file(file)
    except ItemRefused as refused:
        raise RefusedError(f"{file.name}: {refused}") from refused
    typer.echo(json.dumps(found, indent=2, ensure_ascii=False, default=str))


@app.command("map")
def map_file(
    file: Annotated[Path, typer.Argument(help="CSV or TSV of another layout")],
    kind: Annotated[str | None, typer.Option(help="what it is: exam, critical_results, shift, opening ...")] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="write the mapping here")] = None,
) -> None:
    """Propose which column of FILE is what, with masked examples; -o writes the mapping and says the feed's lines."""
    from etl.cli_map import describe, write

    found = describe(file, kind, output.stem if output else file.stem, typer.echo)
    if output:
        write(found, file, output, typer.echo)


@app.command()
def serve(port: Annotated[int, typer.Option()] = 8501, config: Config = None) -> None:
    """Serve the dashboard on http://localhost:PORT."""
    _serve(load_settings(config), port)


def _serve(settings: Settings, port: int) -> None:
    root = Path(__file__).resolve().parent.parent
    os.environ["RADPULSE_CONFIG"] = str((settings.base / "radpulse.toml").resolve())
    typer.echo(f"Radpulse is on http://localhost:{port}  (Ctrl+C stops it)")
    os.chdir(root)  # Streamlit reads .streamlit/config.toml from here
    command = [sys.executable, "-m", "streamlit", "run", "app/server.py", "--server.port", str(port)]
    os.execv(sys.executable, command)  # noqa: S606 - our own interpreter and arguments, no shell


@quarantine_app.command("list")
def quarantine_list(
    feed: Annotated[str | None, typer.Option()] = None,
    limit: Annotated[int, typer.Option()] = 50,
    config: Config = None,
) -> None:
    """List refused items, newest first."""
    from etl import pipeline

    for row in pipeline.quarantined(_settings(config), feed=feed, limit=limit):
        typer.echo(f"{row.quarantine_id}  {row.feed_key:<14} {row.reason:<22} {row.source_ref}")


@quarantine_app.command("show")
def quarantine_show(quarantine_id: str, config: Config = None) -> None:
    """Show one refused item: reason and redacted detail, never the raw content."""
    from etl import pipeline

    rows = pipeline.quarantined(_settings(config), quarantine_id=quarantine_id, limit=1)
    if not rows:
        raise RefusedError(f"no quarantined item {quarantine_id}; `radpulse quarantine list` shows them")
    typer.echo(json.dumps(dict(rows[0]._mapping), indent=2, default=str))


@quarantine_app.command("replay")
def quarantine_replay(
    quarantine_id: Annotated[list[str] | None, typer.Argument(help="items; all when none is given")] = None,
    config: Config = None,
) -> None:
    """Read refused items again from their encrypted raw copies, after a mapping or a rule was mended."""
    from etl import pipeline
    from etl.replay import replay

    settings = _settings(config)
    with pipeline.exclusive(settings), pipeline.writer(settings) as engine:
        counts = replay(settings, engine, quarantine_id or [])
    for line in pipeline.describe(counts):
        typer.echo(line)


def main() -> None:
    """Run the command line; every RadpulseError becomes one line on stderr and its exit code."""
    try:
        app()
    except RadpulseError as error:
        typer.echo(f"radpulse: {error}", err=True)
        sys.exit(error.exit_code)
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        typer.echo(f"radpulse: {error.strerror or error}{where}", err=True)
        sys.exit(ExitCode.REFUSED)
