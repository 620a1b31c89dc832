"""Runs the alerts again and again in processes that are killed at random, then once to the end.

Called by test_sending.py with: folder, number of runs, seed. Prints how many were killed.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import apprise  # noqa: F401 - imported before forking, so that each run is short

from etl.alerts.finding import Finding
from etl.alerts.rules import load_alerts
from etl.alerts.run import Targets, act, alone
from etl.alerts.store import AlertStore
from etl.settings import Settings, Site

START = datetime(2026, 6, 10, 12, 0, tzinfo=UTC)


def one_run(settings: Settings, number: int, states: list[bool]) -> None:
    """One look, ten minutes after the one before, through real targets."""
    file = load_alerts(settings)
    now = START + timedelta(minutes=10 * number)
    found = [Finding("queue", (("scanner", f"S{i}"),), state, "12", 12, 10, 12) for i, state in enumerate(states)]
    with alone(settings):
        store = AlertStore(settings.at(settings.state_file))
        act(settings, file, store, {"queue": found}, now, channels=Targets(settings, file))


def main(folder: Path, runs: int, seed: int) -> None:
    """Kill runs at random moments; the last one may finish."""
    draws = random.Random(seed)  # noqa: S311 - test data
    settings = Settings(base=folder, sites=(Site(code="LON", name="London", zone="Europe/London"),))
    AlertStore(settings.at(settings.state_file))
    killed, began = 0, time.monotonic()
    one_run(settings, 0, [True] * 3)
    whole = time.monotonic() - began  # a run's length here and now: kills fall anywhere in it
    for number in range(1, runs):
        states = [draws.random() < 0.5 for _ in range(3)]
        child = os.fork()
        if child == 0:
            one_run(settings, number, states)
            os._exit(0)
        time.sleep(draws.uniform(0, 1.2 * whole))
        os.kill(child, signal.SIGKILL)
        was_cut_off = os.WIFSIGNALED(os.waitpid(child, 0)[1])
        killed += was_cut_off
        whole *= 1.15 if was_cut_off else 0.6  # keeps in step with how busy this machine is
    for extra in range(1, 4):  # an attempt that failed waits up to an hour
        one_run(settings, runs + 7 * extra, [False] * 3)
    print(killed)  # noqa: T201 - what the caller reads


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
