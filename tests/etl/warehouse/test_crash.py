"""A killed load leaves nothing visible, and running it again gives what an undisturbed one gives."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import func, select

from etl.settings import Settings
from etl.warehouse.dump import canonical_dump_hash
from etl.warehouse.engine import writer_engine
from etl.warehouse.tables import EVENT_TABLES, event, receipt, run, watermark

PROGRAM = """
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from etl.records import EventRecord, Identifiers, Read
from etl.settings import Feed, Settings, Warehouse
from etl.staging import Pseudonymiser, stage
from etl.warehouse.engine import writer_engine
from etl.warehouse.load import load

@dataclass
class Stamp:
    source: str
    size_bytes: int = 1
    mtime_ns: int = 1

AT = datetime(2026, 9, 1, tzinfo=UTC)
settings = Settings(base=Path(sys.argv[1]), warehouse=Warehouse(memory_limit="500MB"))
feed = Feed(key="f", kind="hl7v2", site="N")
p = Pseudonymiser(bytes(range(32)), 1)

def items(part):
    for n in range(400):
        at = AT + timedelta(minutes=part * 400 + n)
        ids = Identifiers(accession_number=f"A{part}-{n}")
        yield Read(f"{part}#{n}", (EventRecord(ids, "c", str(at), at, 0, at, "RIS"),))

engine = writer_engine(settings)
print("open", flush=True)
for part in range(6):
    with engine.begin() as connection:
        load(connection, feed, [stage(items(part), feed, settings, p)], f"r{part}", AT, files=[Stamp(str(part))])
print("done", flush=True)
"""


def _start(base: Path) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", PROGRAM, str(base)], stdout=subprocess.PIPE, text=True)


def _whole_loads(settings: Settings) -> int:
    """Check that only whole loads are visible and return how many."""
    engine = writer_engine(settings)
    with engine.connect() as connection:
        counts = [connection.execute(select(func.count()).select_from(t)).scalar_one() for t in (run, watermark)]
        rows = [connection.execute(select(func.count()).select_from(t)).scalar_one() for t in (event, receipt)]
    engine.dispose()
    assert counts[0] >= counts[1]  # a file read twice has one watermark and two runs
    assert rows[0] == 400 * counts[1]
    assert rows[1] >= rows[0]
    return int(counts[1])


def _hash(settings: Settings) -> str:
    engine = writer_engine(settings)
    found = canonical_dump_hash(engine, EVENT_TABLES)
    engine.dispose()
    return found


@pytest.mark.slow
def test_a_killed_load_leaves_whole_loads_only_and_a_rerun_completes_them(settings: Settings, tmp_path: Path) -> None:
    quiet = settings.model_copy(update={"base": tmp_path / "quiet"})
    assert _start(quiet.base).communicate()[0].split() == ["open", "done"]
    expected, killed = _hash(quiet), 0
    for point in range(5):
        own = settings.model_copy(update={"base": tmp_path / f"k{point}"})
        process = _start(own.base)
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        time.sleep(0.1 * point)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        killed += _whole_loads(own) < 6
        # what was loaded already is offered again and changes nothing
        writer_engine(own).dispose()
        assert "done" in _start(own.base).communicate()[0]
        assert _hash(own) == expected
    assert killed > 0
