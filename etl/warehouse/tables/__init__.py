"""The warehouse schema: event tables (the source of truth), facts derived from them, and bookkeeping.

Times are naive UTC in both engines and aware UTC in Python (`UtcDateTime`). Keys are 64-bit hashes of natural
keys with the site in front. Facts carry their low-cardinality dimensions inline (site, scanner, modality, ...),
so a KPI is one SELECT without joins; `dim_` tables hold labels. A family of facts is one file here, one file of SQL
beside the newest migration, and one line in `etl.warehouse.families`.
"""

from __future__ import annotations

from etl.warehouse.tables.access import (
    fact_bookable as fact_bookable,
)
from etl.warehouse.tables.access import (
    fact_demand_day as fact_demand_day,
)
from etl.warehouse.tables.access import (
    fact_freed_slot as fact_freed_slot,
)
from etl.warehouse.tables.access import (
    fact_queue as fact_queue,
)
from etl.warehouse.tables.access import (
    fact_slot_supply as fact_slot_supply,
)
from etl.warehouse.tables.access import (
    fact_template_slot as fact_template_slot,
)
from etl.warehouse.tables.access import (
    fact_wait as fact_wait,
)
from etl.warehouse.tables.bookkeeping import (
    data_version as data_version,
)
from etl.warehouse.tables.bookkeeping import (
    link as link,
)
from etl.warehouse.tables.bookkeeping import (
    match_node as match_node,
)
from etl.warehouse.tables.bookkeeping import (
    parameter_set as parameter_set,
)
from etl.warehouse.tables.bookkeeping import (
    quarantine as quarantine,
)
from etl.warehouse.tables.bookkeeping import (
    receipt as receipt,
)
from etl.warehouse.tables.bookkeeping import (
    run as run,
)
from etl.warehouse.tables.bookkeeping import (
    touched as touched,
)
from etl.warehouse.tables.bookkeeping import (
    watermark as watermark,
)
from etl.warehouse.tables.care import (
    fact_critical_result as fact_critical_result,
)
from etl.warehouse.tables.care import (
    fact_followup as fact_followup,
)
from etl.warehouse.tables.columns import (
    UtcDateTime as UtcDateTime,
)
from etl.warehouse.tables.columns import (
    metadata as metadata,
)
from etl.warehouse.tables.department import (
    dim_patient as dim_patient,
)
from etl.warehouse.tables.department import (
    dim_scanner as dim_scanner,
)
from etl.warehouse.tables.department import (
    dim_site as dim_site,
)
from etl.warehouse.tables.department import (
    fact_entry as fact_entry,
)
from etl.warehouse.tables.dose import (
    fact_dose_exam as fact_dose_exam,
)
from etl.warehouse.tables.dose import (
    fact_dose_patient as fact_dose_patient,
)
from etl.warehouse.tables.dose import (
    fact_dose_protocol as fact_dose_protocol,
)
from etl.warehouse.tables.dose import (
    fact_dose_value as fact_dose_value,
)
from etl.warehouse.tables.events import (
    EVENT_TABLES as EVENT_TABLES,
)
from etl.warehouse.tables.events import (
    event as event,
)
from etl.warehouse.tables.events import (
    event_dose as event_dose,
)
from etl.warehouse.tables.events import (
    event_entry as event_entry,
)
from etl.warehouse.tables.events import (
    event_opening as event_opening,
)
from etl.warehouse.tables.events import (
    event_series as event_series,
)
from etl.warehouse.tables.evidence import (
    fact_evidence as fact_evidence,
)
from etl.warehouse.tables.exam import (
    fact_acquisition as fact_acquisition,
)
from etl.warehouse.tables.exam import (
    fact_dose_event as fact_dose_event,
)
from etl.warehouse.tables.exam import (
    fact_exam as fact_exam,
)
from etl.warehouse.tables.exam import (
    fact_report_version as fact_report_version,
)
from etl.warehouse.tables.exam import (
    fact_slot as fact_slot,
)
from etl.warehouse.tables.exam import (
    fact_unmatched as fact_unmatched,
)
from etl.warehouse.tables.flow import (
    fact_first_case as fact_first_case,
)
from etl.warehouse.tables.forecast import (
    fact_backtest as fact_backtest,
)
from etl.warehouse.tables.forecast import (
    fact_forecast as fact_forecast,
)
from etl.warehouse.tables.oversight import (
    fact_ai_result as fact_ai_result,
)
from etl.warehouse.tables.oversight import (
    fact_peer_review as fact_peer_review,
)
from etl.warehouse.tables.oversight import (
    fact_quality as fact_quality,
)
from etl.warehouse.tables.oversight import (
    fact_reference as fact_reference,
)
from etl.warehouse.tables.oversight import (
    fact_reject as fact_reject,
)
from etl.warehouse.tables.priors import (
    fact_prior as fact_prior,
)
from etl.warehouse.tables.quality import (
    fact_clock as fact_clock,
)
from etl.warehouse.tables.quality import (
    fact_completeness as fact_completeness,
)
from etl.warehouse.tables.quality import (
    fact_feed as fact_feed,
)
from etl.warehouse.tables.quality import (
    fact_feed_profile as fact_feed_profile,
)
from etl.warehouse.tables.quality import (
    fact_quarantine as fact_quarantine,
)
from etl.warehouse.tables.quality import (
    fact_run as fact_run,
)
from etl.warehouse.tables.scanner import (
    fact_opening as fact_opening,
)
from etl.warehouse.tables.scanner import (
    fact_scanner_hour as fact_scanner_hour,
)
from etl.warehouse.tables.scanner import (
    fact_visit as fact_visit,
)
from etl.warehouse.tables.storage import (
    fact_storage_day as fact_storage_day,
)
from etl.warehouse.tables.storage import (
    fact_storage_volume as fact_storage_volume,
)
from etl.warehouse.tables.storage import (
    fact_transmission as fact_transmission,
)
from etl.warehouse.tables.utilization import (
    fact_exam_value as fact_exam_value,
)
from etl.warehouse.tables.utilization import (
    fact_gap as fact_gap,
)
from etl.warehouse.tables.utilization import (
    fact_reader_hour as fact_reader_hour,
)
from etl.warehouse.tables.utilization import (
    fact_scanner_time as fact_scanner_time,
)

PUBLISHED_TABLES = tuple(
    t for name, t in metadata.tables.items() if name.startswith(("fact_", "dim_")) or name == "data_version"
)
