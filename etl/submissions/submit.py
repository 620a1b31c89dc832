"""From a month to a registry's file: made, judged, and only when nothing would be rejected written and handed over."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
from sqlalchemy import Engine

from etl.access import ROW_ROLES, Principal
from etl.errors import RefusedError
from etl.kpis.catalogue import KPIS
from etl.settings import Settings
from etl.state import AuditLog
from etl.submissions.population import Asked, Offered, asked
from etl.submissions.registries import MAKERS
from etl.submissions.site_maps import load_maps
from etl.submissions.spec import Spec, spec_of
from etl.submissions.validate import Refusal, validate


@dataclass(frozen=True, slots=True)
class Prepared:
    """A registry's month: the file's bytes (none while anything would be rejected), what would be, and the manifest."""

    spec: Spec
    month: date
    csv: bytes
    manifest: dict[str, Any]
    refusals: tuple[Refusal, ...]
    worklist: tuple[tuple[str, str, int], ...]

    @property
    def stem(self) -> str:
        """A file name of registry and month; one that lacks items of the identity vault says so."""
        lacking = "" if self.manifest["submittable"] or self.refusals else "_not_submittable"
        return f"{self.spec.key}_{self.month:%Y-%m}{lacking}"

    @property
    def counts(self) -> dict[str, int]:
        """Exams offered, exported, refused and out of scope."""
        return dict(self.manifest["conservation"])


def month_of(text: str) -> date:
    """Return the first day of 'YYYY-MM'; raises RefusedError on anything else."""
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError as error:
        raise RefusedError(f"month {text!r} is not of the form YYYY-MM") from error


def prepare(engine: Engine, settings: Settings, registry: str, month: date, principal: Principal) -> Prepared:
    """Make and judge a registry's month; nothing is written.

    Raises RefusedError for a role that sees no rows, an unknown registry, or a month that is not over in the data.
    """
    spec, digest = spec_of(registry)
    if principal.role not in ROW_ROLES:
        raise RefusedError(f"role {principal.role} makes no submissions; ask as one of {', '.join(sorted(ROW_ROLES))}")
    make, shape = MAKERS[registry]
    maps = load_maps(settings.at(settings.submission_codes_file))
    with engine.connect() as connection:
        question = asked(connection, principal, month, maps)
        offered = make(question, spec)
    refusals = tuple(validate(spec, offered.rows))
    frame = shape(offered.rows, spec) if not refusals and not offered.rows.empty else pd.DataFrame()
    csv = b"" if refusals else _csv(frame, spec)
    manifest = _manifest(spec, digest, question, offered, refusals, csv, len(frame))
    return Prepared(spec, question.month, csv, manifest, refusals, tuple(maps.worklist()))


def _csv(frame: pd.DataFrame, spec: Spec) -> bytes:
    if frame.empty and len(frame.columns) == 0:
        frame = pd.DataFrame(columns=[field.name for field in spec.told])
    whole = {field.name for field in spec.told if field.type == "whole"} & set(frame.columns)
    written = frame.astype(dict.fromkeys(whole, "Int64"))
    return written.to_csv(index=False, lineterminator="\n").encode("utf-8")


def _manifest(
    spec: Spec,
    digest: str,
    question: Asked,
    offered: Offered,
    refusals: tuple[Refusal, ...],
    csv: bytes,
    rows: int,
) -> dict[str, Any]:
    refused = len({refusal.row for refusal in refusals}) if refusals else 0
    outside = sum(offered.out_of_scope.values())
    exported = 0 if refusals else offered.exams - outside
    counts = {"offered": offered.exams, "exported": exported, "refused": refused, "out_of_scope": outside}
    if refusals:
        counts["held_back"] = offered.exams - outside - refused  # sound rows of a file that is not written
    if len(offered.rows) + outside != offered.exams:
        raise RefusedError(
            f"{spec.key}: {offered.exams} exams offered, {len(offered.rows)} rows and {outside} left out"
        )
    return {
        "registry": spec.key,
        "title": spec.title,
        "spec_version": spec.version,
        "spec_sha256": digest,
        "spec_source": spec.source,
        "grain": spec.grain,
        "month": f"{question.month:%Y-%m}",
        "sites": sorted(question.zones),
        "data_version": question.data_version,
        "data_at": question.data_at.isoformat(),
        "definitions": {name: KPIS[name].definition for name in spec.kpis if name in KPIS},
        "fields": {field.name: field.source for field in spec.told},
        "refused_fields": {field.name: "needs the identity vault, which is off" for field in spec.withheld},
        "submittable": not spec.withheld and not refusals,
        "conservation": counts,
        "out_of_scope": offered.out_of_scope,
        "refused_by": reasons(refusals),
        "rows": rows,
        "sha256": hashlib.sha256(csv).hexdigest() if csv else "",
    }


def reasons(refusals: tuple[Refusal, ...]) -> dict[str, int]:
    """Return how often each field was refused and what came, most often first."""
    found = Counter(refusal.reason for refusal in refusals)
    return dict(found.most_common(50))


def manifest_bytes(prepared: Prepared) -> bytes:
    """Return the manifest as JSON."""
    return (json.dumps(prepared.manifest, indent=2, ensure_ascii=False) + "\n").encode("utf-8")


def refused_bytes(prepared: Prepared) -> bytes:
    """Return the list of what would be rejected as CSV: row pseudonym, field, what came, what is allowed."""
    rows = [(r.row, r.field, _harmless(r.came), r.allowed) for r in prepared.refusals]
    frame = pd.DataFrame(rows, columns=["exam", "field", "came", "allowed"])
    return frame.to_csv(index=False, lineterminator="\n").encode("utf-8")


def _harmless(text: str) -> str:
    return f"'{text}" if text[:1] in "=+-@\t\r" else text


def record(settings: Settings, prepared: Prepared, principal: Principal) -> str:
    """Write the audit record of a submission or of its refusal and return its id; call it before handing over."""
    refused = bool(prepared.refusals)
    counts = ", ".join(f"{name} {n}" for name, n in prepared.counts.items())
    return AuditLog(settings.at(settings.state_file)).record(
        action="SUBMISSION_REFUSED" if refused else "SUBMISSION",
        actor=principal.name,
        role=str(principal.role),
        object=f"{prepared.spec.key} {prepared.month:%Y-%m} {prepared.manifest['data_version']}",
        filters=counts,
        rows=prepared.manifest["rows"],
        sha256=prepared.manifest["sha256"],
        outcome=4 if refused else 0,
    )


def write(settings: Settings, prepared: Prepared, principal: Principal, folder: Path) -> list[Path]:
    """Audit, then write file and manifest, or the list of what would be rejected; return the paths written.

    There is no file with a part of the rows: a mean or census over what happened to be valid would be another number.
    """
    record(settings, prepared, principal)
    folder.mkdir(parents=True, exist_ok=True)
    if prepared.refusals:
        files = {f"{prepared.stem}_refused.csv": refused_bytes(prepared)}
    else:
        files = {f"{prepared.stem}.csv": prepared.csv, f"{prepared.stem}.json": manifest_bytes(prepared)}
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return [folder / name for name in files]
