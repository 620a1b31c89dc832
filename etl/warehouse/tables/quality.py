"""What is known about the data: feeds, quarantine, runs, clocks, completeness."""

from __future__ import annotations

from sqlalchemy import Column, Table

from etl.warehouse.tables.bookkeeping import run
from etl.warehouse.tables.columns import at, day, key, metadata, num, text, whole

fact_feed = Table(
    "fact_feed",
    metadata,
    text("feed_key", "feed"),
    text("site_code", "site"),
    text("kind", "source kind"),
    at("data_until_at", "latest plausible event time: freshness is judged by it"),
    at("loaded_at", "last load"),
    whole("expected_every_min", "configured rhythm"),
    at("expected_by_at", "by when more is due, judged from data_until_at alone"),
    at("stale_at", "by when what is due after that is due as well"),
    num("expected_within_min", "minutes from data_until_at to expected_by_at"),
    text("profile_source", "learned (fact_feed_profile) or configured"),
    key("events", "events held"),
    key("quarantined", "items in quarantine now"),
    key("unmapped", "events whose local code has no map"),
    key("unlinked", "events without an exam"),
    key("unclosed", "performed procedure steps in progress for longer than an exam may last"),
    comment="One row a feed: its state in this version.",
)

fact_feed_profile = Table(
    "fact_feed_profile",
    metadata,
    text("feed_key", "feed"),
    text("site_code", "site"),
    whole("local_weekday", "0 is Monday, of the site's wall clock"),
    whole("local_hour", "hour of the site's wall clock"),
    whole("weeks", "weeks in which this hour was seen"),
    num("delivered_share", "share of them with data within this hour"),
    num("wait_min", "median minutes from the full hour to the next data"),
    num("limit_min", "longest wait that is still normal: longest seen, their spread and a margin"),
    comment="One row a feed, weekday and hour: when its data comes, learned from its last weeks by data time.",
)

fact_quarantine = Table(
    "fact_quarantine",
    metadata,
    text("feed_key", "feed"),
    text("site_code", "site"),
    text("reason", "reason code"),
    key("items", "items"),
    at("last_refused_at", "last"),
    comment="Quarantine counted by feed and reason; no detail leaves the writer's file.",
)

fact_run = Table(
    "fact_run",
    metadata,
    *[Column(c.name, c.type, comment=c.comment) for c in run.columns],
    text("site_code", "site"),
    comment="Copy of the last runs.",
)

fact_clock = Table(
    "fact_clock",
    metadata,
    text("site_code", "site"),
    text("scanner_code", "scanner"),
    whole("n", "exams with both clocks"),
    num("offset_min", "device minus RIS, median over the recent window"),
    num("drift_min_per_day", "slope of the daily medians (Theil-Sen)"),
    num("offset_mad_min", "median absolute deviation"),
    text("verdict", "ok, skewed, drifting, unknown"),
    text("clock_keys", "names this clock has in events, separated by blanks", 400),
    text("evidence", "steps (performed steps), peers (alike scanners), steps off, images off; NULL: nothing"),
    num("error_min", "standard error of offset_min"),
    comment="Clock skew found per scanner.",
)

fact_completeness = Table(
    "fact_completeness",
    metadata,
    text("site_code", "site"),
    text("modality", "modality"),
    day("local_date", "of exam end (begin where there is no end)"),
    text("milestone", "column of fact_exam"),
    key("expected", "performed exams"),
    key("present", "of these with the milestone"),
    comment="Which milestones are missing, by day.",
)
