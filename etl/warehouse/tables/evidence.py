"""What each site's feeds tell at all: without it a KPI says so instead of showing zero."""

from __future__ import annotations

from sqlalchemy import Table

from etl.warehouse.tables.columns import at, key, metadata, text

fact_evidence = Table(
    "fact_evidence",
    metadata,
    text("site_code", "site"),
    text(
        "what",
        "event type, entry.<kind>, opening.<kind>, series, dose_report, dose_image; reference.<kind>, level.<kind>",
    ),
    key("n", "events of it held"),
    at("first_at", "earliest of them"),
    at("last_at", "latest of them"),
    comment="One row a site and kind of happening that any of its feeds tells.",
)
