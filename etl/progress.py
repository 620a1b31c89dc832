"""Progress of long steps on the terminal: counts and time left while a step runs, one line when it ends."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

Report = Callable[[str, int, int], None]  # what, done, total


def silent(_what: str, _done: int, _total: int) -> None:
    """Report nothing."""


@dataclass
class Steps:
    """The steps of one command with their time budgets in seconds, as they are taken."""

    budget_s: dict[str, float]
    console: Console = field(default_factory=lambda: Console(stderr=True))
    took_s: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[Report]:
        """Time a step and show its bars; the yielded callable takes (what, done, total)."""
        started = time.perf_counter()
        columns = (TextColumn("{task.description:<28}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=self.console, transient=True) as bars:
            tasks: dict[str, object] = {}

            def report(what: str, done: int, total: int) -> None:
                if what not in tasks:
                    tasks[what] = bars.add_task(f"{name}: {what}", total=total)
                bars.update(tasks[what], completed=done, total=total)  # type: ignore[arg-type]  # TaskID is a NewType of int

            yield report
        self.took_s[name] = time.perf_counter() - started
        self.console.print(f"{name}: {self.took_s[name]:.1f} s (budget {self.budget_s.get(name, 0):.0f} s)")

    def summary(self) -> Table:
        """Return budget and time of every step as a table."""
        table = Table("step", "budget s", "took s", title="Where the time went")
        for name, budget in self.budget_s.items():
            took = self.took_s.get(name)
            table.add_row(name, f"{budget:.0f}", "re-used" if took is None else f"{took:.1f}")
        table.add_row("all", f"{sum(self.budget_s.values()):.0f}", f"{sum(self.took_s.values()):.1f}")
        return table
