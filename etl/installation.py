"""Creates a new installation: a settings template and the pseudonym key."""

from __future__ import annotations

from pathlib import Path

from etl.staging import make_key

TEMPLATE = """\
# Radpulse settings. Paths are relative to this file. `radpulse doctor` says what is missing.

[warehouse]
engine = "duckdb"            # or "postgresql" with url = "postgresql+pg8000://user@host/db"
folder = "warehouse"

[identity]
key_file = "pseudonym.key"   # mode 0600; keep a copy in a safe: without it history cannot be linked

# [[sites]]
# code = "NORTH"
# name = "North Hospital"
# zone = "Europe/London"

# [[scanners]]
# code = "CT1"
# site = "NORTH"
# modality = "CT"
# name = "CT ground floor"
# station_names = ["CT1", "CTAWP77"]   # every room, station name and AE title that feeds use for it

# [[feeds]]
# key = "north_hl7"
# kind = "hl7v2"             # hl7v2 sole fhir ris_csv extract_csv openings_csv dicomweb dicom_files dose_reports
#                            # worklist mpps; `listen` and `fetch` bring them, see the guides in app/help/feeds
# site = "NORTH"
# path = "feeds/north_hl7"
# expected_every_min = 60
"""


def create(folder: Path) -> list[str]:
    """Write radpulse.toml and pseudonym.key where absent, and return one line on each."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    toml, key = folder / "radpulse.toml", folder / "pseudonym.key"
    if toml.exists():
        lines.append(f"kept {toml}")
    else:
        toml.write_text(TEMPLATE, encoding="utf-8")
        lines.append(f"wrote {toml}: add your sites, scanners and feeds")
    if key.exists():
        lines.append(f"kept {key}")
    else:
        make_key(key)
        lines.append(f"wrote {key} (mode 0600): keep a copy in a safe")
    return lines
