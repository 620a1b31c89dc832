"""Critical and follow-up: are critical findings told in time, and do recommended exams happen?"""

from __future__ import annotations

from app import charts, data
from app.care import classes_told, open_findings
from app.family import all_numbers, open_page
from app.intervals import shares
from app.widgets import no_rows, section, tiles

TILES = ("C01", "C02b", "C02-open", "C03")

who, view = open_page("communication")
tiles(who, view, TILES)

section(who, "Told within the limit of their class", view.query("C01", "critical_class"))
classes_told(who, view)

section(who, "Critical findings nobody was told of")
open_findings(who, view)

section(who, "Told in time, by section", view.query("C01", "section"))
by_section = data.ask(who, view.query("C01", "section"))
if by_section.frame["share"].notna().any():
    charts.show(shares(by_section.frame, "section", "share", what="Share told in time by section"))
else:
    no_rows(view, by_section.frame)

all_numbers(who, view, "communication")
