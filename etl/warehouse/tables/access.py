"""Facts of access: which work is booked, template slots, supply as it stood each day, freed slots, demand, queues."""

from __future__ import annotations

from sqlalchemy import Table

from etl.warehouse.tables.columns import at, day, exam_dimensions, flag, key, metadata, num, text, whole

fact_bookable = Table(
    "fact_bookable",
    metadata,
    text("site_code", "site"),
    text("modality", "modality"),
    key("slots", "template slots of the calendar"),
    day("first_date", "site-local date of the first of them"),
    day("last_date", "site-local date of the last of them"),
    comment="One row a site and modality with template slots: its outpatients need one.",
)

fact_template_slot = Table(
    "fact_template_slot",
    metadata,
    text("site_code", "site"),
    text("scanner_code", "scanner"),
    text("modality", "modality"),
    text("shift", "day, evening, night, weekend: of the slot"),
    at("begin_at", "begin"),
    at("end_at", "end"),
    num("minutes", "length"),
    key("exam_key", "exam whose appointment held it when it began; 0: none"),
    flag("is_booked", "an appointment held it when it began"),
    flag("is_performed", "and that exam was performed"),
    flag("is_pending", "and that exam may still be performed"),
    day("local_date", "site-local date of begin"),
    whole("local_hour", "site-local hour of begin"),
    comment="One row a template slot that no closure and no planned downtime took away.",
)

fact_freed_slot = Table(
    "fact_freed_slot",
    metadata,
    key("exam_key", "exam whose appointment it was"),
    *exam_dimensions(),
    text("state", "cancelled, no_show"),
    text("called_off_by", "patient, provider, site, other, unknown; NULL for a no-show"),
    text("lead_band", "the appointment's lead time in bands, as in fact_slot"),
    at("appointment_at", "begin of the appointment"),
    num("planned_duration_min", "its length"),
    at("freed_at", "when it was cancelled, or declared a no-show"),
    flag("is_refilled", "another patient was booked into it after it came free; an add-on is no booking"),
    flag("is_used", "not refilled, but an exam not on the day's schedule began in it"),
    day("local_date", "site-local date of the appointment"),
    whole("local_hour", "site-local hour of the appointment"),
    comment="One row an appointment that was cancelled or not come to.",
)

fact_slot_supply = Table(
    "fact_slot_supply",
    metadata,
    text("site_code", "site"),
    text("scanner_code", "scanner; NULL for all scanners of the modality together"),
    text("modality", "modality"),
    text("scope", "modality, scanner"),
    at("snapshot_at", "weekdays at one local hour"),
    day("local_date", "site-local date of the snapshot"),
    num("first_days", "days to the first open slot; NULL: none in the calendar as known"),
    num("third_days", "U19: days to the third open slot; NULL: none in the calendar as known"),
    at("third_at", "begin of the third open slot"),
    comment="One row a weekday, site and modality (or scanner): open template slots as they stood then.",
)

fact_demand_day = Table(
    "fact_demand_day",
    metadata,
    text("site_code", "site"),
    text("modality", "modality"),
    day("local_date", "site-local date"),
    at("end_at", "end of that day"),
    key("orders", "orders entered that day"),
    num("ordered_min", "modelled minutes of these"),
    num("kept_min", "the same without orders cancelled or not come to"),
    num("operating_min", "operating minutes of the scanners that day"),
    key("backlog_orders", "accepted orders not begun at the end of the day"),
    num("backlog_min", "modelled minutes of these"),
    num("weekly_operating_min", "operating minutes of the seven days up to it"),
    comment="One row a site, modality and local day: work asked for, waiting, and capacity.",
)

fact_wait = Table(
    "fact_wait",
    metadata,
    key("exam_key", "exam"),
    *exam_dimensions(),
    at("clock_at", "when the clock in force begins: the request, or an appointment given up"),
    at("entered_at", "since when it is in force"),
    at("until_at", "until when; NULL: still, or to the end of the wait"),
    at("exam_begin_at", "as in fact_exam"),
    at("done_at", "first of exam end, acquisition and communication"),
    at("off_at", "first of cancelled and no-show, as in force"),
    whole("restarts", "how often the clock had begun anew"),
    flag("is_last", "no later clock is known"),
    num("wait_min", "T03-adjusted: exam begin - clock_at, nought where it began before; of the last clock"),
    num("limit_min", "access target of its class; NULL without one"),
    day("local_date", "site-local date of the order"),
    whole("local_hour", "site-local hour of the order"),
    comment="One row a stretch of an outpatient's wait under one clock; none where no rule of clocks is switched on.",
)

fact_queue = Table(
    "fact_queue",
    metadata,
    key("exam_key", "exam"),
    *exam_dimensions(),
    text("queue", "unread, waiting, unscheduled"),
    at("entered_at", "since when"),
    at("left_at", "until when; NULL: still"),
    num("limit_min", "target of its class; NULL without one"),
    at("overdue_at", "entered_at (waiting: the appointment, if later) and limit_min; NULL without a target"),
    comment="One row a stay of an exam in a queue, as its events replayed in order tell it.",
)
