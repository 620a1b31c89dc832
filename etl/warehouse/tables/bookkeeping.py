"""What a run needs beside events: receipts, links, quarantine, runs, versions."""

from __future__ import annotations

from sqlalchemy import Table

from etl.warehouse.tables.columns import at, key, metadata, num, text, whole

receipt = Table(
    "receipt",
    metadata,
    text("event_id", "event received", 32),
    text("run_key", "run that received it"),
    at("recorded_at", "when we recorded it"),
    text("source_ref", "file and position", 300),
    text("control_token", "HMAC of MSH-10 or SOP Instance UID", 32),
    comment="Every arrival of every event.",
)

link = Table(
    "link",
    metadata,
    text("event_id", "event", 32),
    key("exam_key", "exam it belongs to; 0: none found"),
    text(
        "reason",
        "accession, filler, placer, study, procedure, appointment, visit, scored, ambiguous, unmatched; "
        "_reused, _replaced: a number of several orders",
    ),
    num("score", "points of a scored match over the most possible, 0 to 1; NULL for identifiers"),
    comment="Derived: which exam an event belongs to, and why (decision 1).",
)

match_node = Table(
    "match_node",
    metadata,
    key("node_key", "the exam's key, or hash of the images' token"),
    text("side", "exam (has no images) or images (no identifier leads to an exam)"),
    text("site_code", "site"),
    text("scanner_code", "scanner"),
    text("modality", "modality"),
    key("patient_key", "patient after merges"),
    whole("birth_year", "year only"),
    text("sex", "M, F, O, U"),
    at("begin_at", "begin of the exam or first acquisition"),
    at("end_at", "end of the exam or last acquisition"),
    at("appointment_at", "booked start"),
    text("station_name", "station as sent", 128),
    text("kind", "which token stands for the images: accession, study, series or irradiation"),
    text("token", "that token", 32),
    key("exam_key", "exam these events make by identifiers; 0: none"),
    key("matched_key", "images: exam found by score; 0: none"),
    text("reason", "scored, ambiguous, unmatched"),
    num("score", "score of the match or of the best candidate"),
    comment="Derived: what scored matching compares, independent of its results, and what it decided.",
)

quarantine = Table(
    "quarantine",
    metadata,
    text("quarantine_id", "hash(feed, source_ref, raw)", 32),
    text("run_key", "run that refused it"),
    text("feed_key", "feed"),
    text("source_ref", "file and position", 300),
    text("reason", "one of etl.errors.Reason"),
    text("detail", "redacted explanation", 400),
    text("raw_file", "encrypted raw copy, where kept", 300),
    at("refused_at", "when"),
    at("replayed_at", "when a replay succeeded; NULL while refused"),
    comment="Refused items: nothing is lost.",
)

run = Table(
    "run",
    metadata,
    text("run_key", "run"),
    text("feed_key", "feed"),
    at("started_at", "wall clock"),
    at("finished_at", "wall clock"),
    text("outcome", "ok, stopped (e.g. column drift), failed"),
    text("message", "why it stopped", 1000),
    whole("files", "files read"),
    whole("offered", "items offered"),
    whole("loaded", "items with at least one new or better event"),
    whole("unchanged", "items whose events were all known"),
    whole("quarantined", "items refused"),
    whole("filtered", "items left out under a listed reason"),
    whole("events", "new events"),
    comment="One row a feed and run; offered = loaded + unchanged + quarantined + filtered.",
)

watermark = Table(
    "watermark",
    metadata,
    text("feed_key", "feed"),
    text("source", "relative path", 300),
    key("size_bytes", "size when read"),
    key("mtime_ns", "modification time when read"),
    text("run_key", "run that read it"),
    comment="What has been read, committed with the rows themselves.",
)

touched = Table(
    "touched",
    metadata,
    text("event_table", "event, event_series, event_dose or event_opening"),
    text("event_id", "event that is new or was replaced since the last derivation", 32),
    comment="What the next derivation has to look at; emptied by it in its own transaction.",
)

parameter_set = Table(
    "parameter_set",
    metadata,
    text("parameter_hash", "hash of maps, rules, corrections, targets, calendar", 32),
    at("used_at", "first use"),
    comment="Parameter sets that derivation used (decision 2).",
)

data_version = Table(
    "data_version",
    metadata,
    text("data_version", "hash of event set and parameter set", 32),
    text("parameter_hash", "parameter set", 32),
    at("data_at", "latest known_at of any event: the 'now' of every KPI (decision 4)"),
    at("published_at", "wall clock"),
    key("events", "events behind it"),
    text("content_hash", "hash of version, forecasts, runs and quarantine: a new copy is published on change", 32),
    comment="Published versions; the last row is current.",
)
