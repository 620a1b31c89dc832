"""The settings and targets of the simulated department, as a site would write them by hand."""

from __future__ import annotations

import json
from pathlib import Path

from etl.settings import REFERENCE
from etl.simulate import ai
from etl.simulate.catalogue import PROCEDURES
from etl.simulate.dose_site import dose_settings, write_references
from etl.simulate.scenario import SCANNERS, SITES, Scenario, SiteSpec

ALERTS = REFERENCE / "demo_alerts.toml"
SUBMISSION_CODES = REFERENCE / "demo_submission_codes.csv"
HEAD = """# Settings of the simulated department, written by `radpulse simulate`.
demo = true
targets_file = "targets.csv"
rule_packs = ["dm01_six_weeks"]

[followup]
grace_days = 7
"""
STATED_HOURS = {"NMR1": 14.0, "SMR1": 12.0}  # U03 divides by them; elsewhere by the calendar
TARGETS_HEADER = "valid_from,valid_to,site,modality,priority,patient_class,phase,target_min"
# the demo's own invention, taken from nowhere: minutes from exam end to first final signature
TARGETS = {("STAT", "E"): 60, ("STAT", "I"): 90, ("STAT", "O"): 120, ("URGENT", "E"): 120, ("URGENT", "I"): 240,
           ("URGENT", "O"): 480, ("ROUTINE", "E"): 240, ("ROUTINE", "I"): 720, ("ROUTINE", "O"): 1440}  # fmt: skip
NOT_SENT = {("SOUTH", "followups"), ("SOUTH", "reference")}  # it keeps no list of them, and does no mammography
CRITICAL_TARGETS = {1: (45, 30), 2: (240, 180), 3: (5760, 4320)}  # minutes by class, before and from the middle on
# other phases: phase, priority, patient class, minutes
OTHER_TARGETS = (
    ("first_communication", "STAT", "*", 45), ("first_communication", "URGENT", "*", 120),
    ("unread", "STAT", "*", 20), ("unread", "URGENT", "*", 60), ("unread", "ROUTINE", "*", 480),
    ("patient_wait", "*", "O", 20), ("patient_wait", "*", "E", 15),
    ("order_to_arrive", "STAT", "*", 30), ("order_to_arrive", "URGENT", "*", 60), ("order_to_arrive", "*", "I", 240),
)  # fmt: skip
FEEDS: dict[str, tuple[str, str, dict[str, dict[str, str]], int]] = {
    # suffix: kind, pattern, options by site, expected every so many minutes
    "openings": ("openings_csv", "*.csv", {}, 44_640),
    "hl7": ("hl7v2", "*.hl7", {}, 120),
    "ris": ("ris_csv", "*.csv", {"NORTH": {"mapping": "epic_like"}, "SOUTH": {"mapping": "cerner_like"}}, 1440),
    "reports": ("ris_csv", "*.csv", {site.code: {"mapping": "report_log"} for site in SITES}, 1440),
    "qido": ("dicomweb", "*.json", {}, 0),
    "dicom": ("dicom_files", "**/*.dcm", {}, 1440),
    "dose": ("dose_reports", "**/*.dcm", {}, 1440),
    **{
        suffix: ("extract_csv", "*.csv", {site.code: {"mapping": mapping} for site in SITES}, every_min)
        for suffix, mapping, every_min in (
            ("roster", "roster", 44_640),
            ("ai", "ai_results", 1440),
            ("critical", "critical_results", 1440),
            ("communications", "communications", 1440),
            ("followups", "followups", 1440),
            ("storage", "storage", 1440),
            ("cds", "appropriateness", 1440),
            ("transfers", "transfers", 1440),
            ("rvu", "rvu", 0),
            ("costs", "costs", 0),
            ("reviews", "peer_review", 1440),
            ("learning", "peer_learning", 10_080),
            ("incidents", "incidents", 10_080),
            ("qc", "qc_log", 10_080),
            ("rejects", "rejects", 1440),
            ("reference", "reference", 10_080),
            ("verdicts", "ai_verdicts", 1440),
            ("adjudications", "ai_adjudications", 10_080),
        )
    },
    "sole": ("sole", "*.json", {}, 1440),
}


def settings_text(scenario: Scenario) -> str:
    """Return the TOML of the whole installation; paths are relative to its folder."""
    parts = [HEAD]
    for site in SITES:
        values = {"code": site.code, "name": site.name, "zone": site.zone, "holidays_country": "US"}
        parts.append(_table("sites", {**values, "holidays_subdivision": site.subdivision}))
    for s in SCANNERS:
        values = {"code": s.code, "site": s.site, "modality": s.modality, "name": s.name}
        stated = {"stated_hours_per_day": STATED_HOURS[s.code]} if s.code in STATED_HOURS else {}
        buffers = {"room_buffer_before_min": s.buffer_before_min, "room_buffer_after_min": s.buffer_after_min}
        parts.append(_table("scanners", {**values, "station_names": list(s.stations), **buffers, **stated}))
    parts += [_feed(site, suffix) for site in SITES for suffix in FEEDS if (site.code, suffix) not in NOT_SENT]
    parts.append(dose_settings())
    return "\n".join(parts)


def _feed(site: SiteSpec, suffix: str) -> str:
    kind, pattern, options, every_min = FEEDS[suffix]
    key = feed_key(site.code, suffix)
    values = {"key": key, "kind": kind, "site": site.code, "path": f"feeds/{key}", "pattern": pattern}
    timing = {"expected_every_min": every_min or 525_600}  # the back-load comes once
    text = _table("feeds", {**values, **timing})
    own = options.get(site.code)
    return text + (f"options = {{ {', '.join(f'{k} = {json.dumps(v)}' for k, v in own.items())} }}\n" if own else "")


def feed_key(site: str, suffix: str) -> str:
    """Return the key of a feed, which is also its folder under feeds/."""
    return f"{site.lower()}_{suffix}"


def _table(name: str, values: dict[str, object]) -> str:
    return f"[[{name}]]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in values.items())


def targets_text(scenario: Scenario) -> str:
    """Return the site's own report targets; the stricter one for emergencies holds from the middle on."""
    middle = scenario.start + (scenario.anchor - scenario.start) / 2
    rows = [TARGETS_HEADER]
    for (priority, patient_class), minutes in TARGETS.items():
        if (priority, patient_class) == ("URGENT", "E"):
            rows.append(f"2020-01-01,{middle},*,*,{priority},{patient_class},report,{minutes * 3 // 2}")
            rows.append(f"{middle},,*,*,{priority},{patient_class},report,{minutes}")
        else:
            rows.append(f"2020-01-01,,*,*,{priority},{patient_class},report,{minutes}")
    for kind, (before, after) in CRITICAL_TARGETS.items():
        rows.append(f"2020-01-01,{middle},*,*,*,*,critical_{kind},{before}")
        rows.append(f"{middle},,*,*,*,*,critical_{kind},{after}")
    rows += [f"2020-01-01,,*,*,{priority},{kind},{phase},{minutes}" for phase, priority, kind, minutes in OTHER_TARGETS]
    return "\n".join(rows) + "\n"


def ai_use_text(scenario: Scenario) -> str:
    """Return where algorithms are in use since when."""
    return "\n".join(["algorithm,site,procedure,valid_from,valid_to", *map(",".join, ai.uses(scenario))]) + "\n"


def standards_text() -> str:
    """Return the protocols a procedure is to be done with, and how many X-ray images it takes."""
    rows = ["site,procedure,protocol,images"]
    for procedure in PROCEDURES:
        words = procedure.text.split(" ", 1)[1].upper()
        images = procedure.series if procedure.modality in ("DX", "MG") else ""
        for site, code in (("NORTH", procedure.code), ("SOUTH", procedure.south_code)):
            rows.append(f"{site},{code},{words} *,{images}")
            if procedure.modality == "CT":
                rows.append(f"{site},{code},LOCALIZER {words},")
    return "\n".join(rows) + "\n"


def write_installation(scenario: Scenario, folder: Path) -> None:
    """Write radpulse.toml, targets.csv, alerts.toml and submission_codes.csv, and make the feed folders."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "radpulse.toml").write_text(settings_text(scenario), encoding="utf-8")
    (folder / "targets.csv").write_text(targets_text(scenario), encoding="utf-8")
    for name, source in (("alerts.toml", ALERTS), ("submission_codes.csv", SUBMISSION_CODES)):
        (folder / name).write_text(source.read_text(encoding="utf-8"), encoding="utf-8")
    (folder / "ai_use.csv").write_text(ai_use_text(scenario), encoding="utf-8")
    (folder / "standard_protocols.csv").write_text(standards_text(), encoding="utf-8")
    write_references(folder)
    for site in SITES:
        for suffix in (s for s in FEEDS if (site.code, s) not in NOT_SENT):
            (folder / "feeds" / feed_key(site.code, suffix)).mkdir(parents=True, exist_ok=True)
