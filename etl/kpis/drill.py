"""From a tile to the rows behind it, and from a dimension to its values."""

from __future__ import annotations

import pandas as pd
from sqlalchemy import ColumnElement, Engine, Label, Select, Table, select

from etl.access import ROW_ROLES, Principal, scoped
from etl.errors import RefusedError
from etl.kpis.catalogue import KPIS
from etl.kpis.compute import current_version, plan_of
from etl.kpis.dimensions import UNKNOWN
from etl.kpis.moment import moment_params
from etl.kpis.query import DIMENSIONS, Query
from etl.warehouse import tables as t
from etl.warehouse.engine import read_frame

_EXAM_ROW = (
    "accession_token site_code scanner_code modality procedure_group priority patient_class status "
    "order_entered_at appointment_at arrived_at in_room_at exam_begin_at exam_end_at images_available_at "
    "read_opened_at first_prelim_at first_final_at cancelled_at report_target_min exam_key"
)
_ROWS: dict[str, str] = {
    "fact_exam": _EXAM_ROW,
    "fact_first_case": (
        "site_code scanner_code modality procedure_group priority patient_class appointment_at exam_begin_at "
        "start_delay_min local_date exam_key"
    ),
    "fact_visit": (
        "site_code scanner_code modality begin_at end_at part exams gap_before_min gap_kind duration_min acquired_min "
        "visit_key"
    ),
    "fact_scanner_hour": (
        "site_code scanner_code modality hour_at local_date local_hour operating_min table_min room_min "
        "booked_min down_min begun_visits begun_exams"
    ),
    "fact_scanner_time": (
        "site_code scanner_code modality hour_at local_date local_hour clock_min stated_min week_50h_min operating_min "
        "table_min booked_min begun_visits begun_scan_min turnover_min turnovers"
    ),
    "fact_reader_hour": "site_code hour_at local_date local_hour rostered_reader rostered_min finals finals_off wrvu",
    "fact_exam_value": (
        "site_code scanner_code modality procedure_group procedure_code exam_end_at wrvu money exam_key"
    ),
    "fact_gap": (
        "site_code scanner_code modality begin_at end_at kind gap_min idle_min longest_min slot_min turnover_min "
        "is_usable"
    ),
    "fact_slot": (
        "site_code scanner_code modality procedure_group priority patient_class appointment_at state "
        "valid_from_at lead_time_min cancel_lead_min reason_code exam_key slot_key"
    ),
    "fact_template_slot": (
        "site_code scanner_code modality begin_at end_at is_booked is_performed is_pending local_date exam_key"
    ),
    "fact_freed_slot": (
        "site_code scanner_code modality procedure_group priority patient_class appointment_at state called_off_by "
        "lead_band freed_at is_refilled is_used exam_key"
    ),
    "fact_slot_supply": "site_code scope modality scanner_code snapshot_at first_days third_days third_at",
    "fact_demand_day": (
        "site_code modality local_date orders ordered_min kept_min operating_min backlog_orders backlog_min "
        "weekly_operating_min"
    ),
    "fact_wait": (
        "site_code scanner_code modality procedure_group priority patient_class clock_at entered_at until_at "
        "exam_begin_at off_at restarts limit_min exam_key"
    ),
    "fact_queue": (
        "queue site_code scanner_code modality procedure_group priority patient_class entered_at left_at limit_min "
        "overdue_at exam_key"
    ),
    "fact_dose_event": (
        "site_code scanner_code modality procedure_group protocol_name occurred_at ctdivol_mgy phantom_cm "
        "dlp_mgy_cm agd_mgy laterality exposure_view exam_key irradiation_token"
    ),
    "fact_dose_exam": (
        "accession_token site_code scanner_code modality procedure_group protocol_name phantom exam_end_at dlp_mgy_cm "
        "dap_gy_cm2 dose_rp_mgy fluoro_time_min activity_mbq has_dose_report exam_key"
    ),
    "fact_dose_value": (
        "accession_token site_code scanner_code modality procedure_group protocol_name phantom quantity laterality "
        "exam_end_at exam_key"
    ),
    "fact_dose_patient": (
        "accession_token site_code modality procedure_group quantity exam_end_at rolling_value rolling_exams "
        "window_from level_value exam_key"
    ),
    "fact_critical_result": (
        "accession_token site_code modality procedure_group section patient_class critical_class owner identified_at "
        "notified_at acknowledged_at delegated_at closed_at limit_min communicate_min exam_key finding_key"
    ),
    "fact_prior": (
        "site_code scanner_code modality procedure_group priority patient_class body_region exam_begin_at exam_end_at "
        "read_began_at prior_begin_at prior_days is_prior_elsewhere prior_requested_at prior_available_at "
        "is_prior_online reason rating exam_key"
    ),
    "fact_transmission": (
        "site_code scanner_code modality procedure_group first_stored_at last_stored_at size_bytes instances mb_per_s "
        "exam_key event_id"
    ),
    "fact_storage_day": (
        "site_code origin volume modality scanner_code local_date added_bytes held_bytes capacity_bytes studies"
    ),
    "fact_storage_volume": (
        "site_code volume origin local_date days held_bytes capacity_bytes bytes_per_day days_to_full_low "
        "days_to_full_high"
    ),
    "fact_acquisition": (
        "site_code scanner_code modality protocol_name begin_at end_at instances size_bytes exam_key series_key"
    ),
    "fact_peer_review": (
        "site_code section modality procedure_group reviewed_at score is_significant arbitration exam_key"
    ),
    "fact_quality": (
        "site_code scanner_code modality procedure_group local_date exams is_reviewed submissions incidents "
        "other_incidents images protocol_images protocol_name is_standard_protocol qc_reject_at reason redone_at "
        "exam_key"
    ),
    "fact_reject": "site_code scanner_code modality exposure_view local_date reason rejected accepted",
    "fact_reference": "site_code section modality procedure_group local_date finding is_called is_present exam_key",
    "fact_ai_result": (
        "site_code scanner_code modality procedure_group priority patient_class algorithm ai_use hours result "
        "postproc_begin_at postproc_end_at latency_min is_agreed reason is_adjudicated is_present images_available_at "
        "read_opened_at unread_wait_min queue flagged_difference_min before_difference_min exam_key"
    ),
    "fact_followup": (
        "accession_token site_code modality procedure_group section told_by rule_id owner wanted_modality "
        "interval_days wanted_region recommended_at due_at deadline_at scheduled_at completed_at completed_by "
        "dismissed_at dismissed_by dismiss_reason exam_key followup_key"
    ),
    "fact_feed": "feed_key site_code kind data_until_at loaded_at expected_every_min events",
    "fact_completeness": "site_code modality local_date milestone expected present",
    "fact_clock": "site_code scanner_code n offset_min drift_min_per_day verdict",
    "fact_quarantine": "feed_key site_code reason items last_refused_at",
}
_SOURCES: dict[str, ColumnElement[str]] = {
    "site": t.dim_site.c.site_code,
    "scanner": t.dim_scanner.c.scanner_code,
    "modality": t.fact_exam.c.modality,
    "priority": t.fact_exam.c.priority,
    "patient_class": t.fact_exam.c.patient_class,
    "procedure_group": t.fact_exam.c.procedure_group,
    "section": t.fact_exam.c.section,
    "shift": t.fact_exam.c.shift,
    "reader_mode": t.fact_exam.c.reader_mode,
    "feed": t.fact_feed.c.feed_key,
    "reason": t.fact_quarantine.c.reason,
    "milestone": t.fact_completeness.c.milestone,
    "critical_class": t.fact_critical_result.c.critical_class,
    "body_region": t.fact_prior.c.body_region,
    "reader": t.fact_reader_hour.c.rostered_reader,
    "view": t.fact_reject.c.exposure_view,
    "finding": t.fact_reference.c.finding,
    "algorithm": t.fact_ai_result.c.algorithm,
    "hours": t.fact_ai_result.c.hours,
    "lead_band": t.fact_slot.c.lead_band,
    "protocol": t.fact_dose_exam.c.protocol_name,
    "phantom": t.fact_dose_exam.c.phantom,
    "quantity": t.fact_dose_value.c.quantity,
    "told_by": t.fact_followup.c.told_by,
}


_BESIDE = {"state": "booking_state"}


def drill(engine: Engine, query: Query, principal: Principal, limit: int = 1000) -> pd.DataFrame:
    """Return the rows behind a KPI, largest value first: `value`, `state`, then what identifies and explains them.

    Rows are pseudonymous. `by` is ignored: narrow with `where` and the period. Raises RefusedError for a role
    that sees no rows, and as `compute` does.
    """
    if principal.role not in ROW_ROLES:
        raise RefusedError(f"role {principal.role} sees no single rows; ask as one of {', '.join(sorted(ROW_ROLES))}")
    kpi = KPIS[query.kpi]
    if kpi.group_only:
        raise RefusedError(f"{kpi.id} is a number of groups: none of its rows says anything about one patient")
    with engine.connect() as connection:
        plan = plan_of(connection, kpi, query, principal, current_version(connection))
        rows = kpi.kind.rows(plan).add_columns(*_columns(kpi.table))
        ordered = _ordered(scoped(rows, principal, kpi.table), kpi.table).limit(limit)
        return read_frame(connection, ordered.params(**moment_params(plan.as_of)))


def _columns(table: Table) -> list[Label[object]]:
    """Return what identifies and explains a row; a booking's own state stands beside that of the row's value."""
    return [table.c[name].label(_BESIDE.get(name, name)) for name in _ROWS[table.name].split()]


def _ordered(rows: Select[tuple[object, ...]], table: Table) -> Select[tuple[object, ...]]:
    """Sort by value, then by every column, so that the same question gives the same rows."""
    value = rows.selected_columns["value"]
    return rows.order_by(value.desc().nulls_last(), *(table.c[name] for name in _ROWS[table.name].split()))


def values(engine: Engine, dimension: str, principal: Principal) -> list[str]:
    """Return a dimension's values in the warehouse, sorted, 'unknown' last where some rows have none.

    Raises RefusedError for a name that is no dimension.
    """
    if dimension == "weekday":
        return [str(day) for day in range(1, 8)]
    if dimension == "hour_of_day":
        return [str(hour) for hour in range(24)]
    if dimension not in _SOURCES:
        raise RefusedError(f"dimension {dimension!r} is not known; known: {', '.join(DIMENSIONS)}")
    column = _SOURCES[dimension]
    with engine.connect() as connection:
        found = connection.execute(scoped(select(column).distinct(), principal, column.table)).scalars().all()
    known = sorted(value for value in found if value is not None)
    return [*known, UNKNOWN] if None in found else known
