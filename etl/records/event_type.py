"""The event types that feeds are mapped to."""

from __future__ import annotations

from enum import StrEnum


class EventType(StrEnum):
    """Canonical imaging events (kpis.md E3; the phases follow SIIM SWIM, the idea IHE SOLE)."""

    ORDER_ENTERED = "order_entered"
    ORDER_ACCEPTED = "order_accepted"
    ORDER_CHANGED = "order_changed"
    ORDER_CANCELLED = "order_cancelled"
    ORDER_DISCONTINUED = "order_discontinued"
    PROTOCOL_ASSIGNED = "protocol_assigned"
    EXAM_SCHEDULED = "exam_scheduled"
    EXAM_RESCHEDULED = "exam_rescheduled"
    APPT_CANCELLED = "appt_cancelled"
    NO_SHOW = "no_show"
    PATIENT_ARRIVED = "patient_arrived"
    IN_ROOM = "in_room"
    PREP_BEGIN = "prep_begin"
    EXAM_BEGIN = "exam_begin"
    EXAM_END = "exam_end"
    EXAM_DISCONTINUED = "exam_discontinued"
    QC_COMPLETE = "qc_complete"
    IMAGES_AVAILABLE = "images_available"
    POSTPROC_BEGIN = "postproc_begin"
    POSTPROC_END = "postproc_end"
    READ_OPENED = "read_opened"
    DICTATED = "dictated"
    TRANSCRIBED = "transcribed"
    PRELIM = "prelim"
    FINAL = "final"
    ADDENDUM = "addendum"
    CRIT_IDENTIFIED = "crit_identified"
    CRIT_NOTIFIED = "crit_notified"
    CRIT_ACK = "crit_ack"
    FOLLOWUP_RECOMMENDED = "followup_recommended"
    PATIENT_DEPARTED = "patient_departed"
    PATIENT_MERGED = "patient_merged"
    # appended as feeds brought them: positions are stored in derived frames, never in the warehouse
    PATIENT_UNMERGED = "patient_unmerged"  # ADT^A37
    PATIENT_UPDATED = "patient_updated"  # ADT^A08, A31
    RESOURCE_ASSIGNED = "resource_assigned"
    TRANSPORT_BEGIN = "transport_begin"  # ADT^A09
    TRANSPORT_END = "transport_end"  # ADT^A10
    ROOM_READY = "room_ready"
    QC_REJECT = "qc_reject"  # RID28816
    QC_REPEAT_DONE = "qc_repeat_done"  # SOLE105
    PRIOR_REQUESTED = "prior_requested"  # SOLE112
    PRIOR_AVAILABLE = "prior_available"  # SOLE113
    READ_CLAIMED = "read_claimed"
    REPORT_VIEWED = "report_viewed"
    CRIT_DELEGATED = "crit_delegated"  # SOLE107
    CRIT_CLOSED = "crit_closed"  # SOLE106
    FOLLOWUP_SCHEDULED = "followup_scheduled"
    FOLLOWUP_COMPLETED = "followup_completed"
    FOLLOWUP_DISMISSED = "followup_dismissed"
    PEER_REVIEWED = "peer_reviewed"
    DEVICE_DOWN = "device_down"
    DEVICE_UP = "device_up"
    PATIENT_LINKED = "patient_linked"  # ADT^A24
    ORDER_REPLACED = "order_replaced"  # ORC-1 RP, RU, RQ: another order takes its place
    ORDER_REINSTATED = "order_reinstated"  # ORC-1 UC, UD, RL: a stop or hold that does not hold
    PROCEDURE_CHANGED = "procedure_changed"  # Epic audit action: another procedure billed or reported
    ADDENDUM_CLASSED = "addendum_classed"  # OBX ADDCLASS: typographic or clinical
    DISCREPANCY_GRADED = "discrepancy_graded"  # OBX DISCREP on the final: how far it departs from the preliminary
    IMPRESSION_TOLD = "impression_told"  # OBX-3 says that the report has an impression; its text is never read
    FOLLOWUP_REOPENED = "followup_reopened"  # who dismissed it took that back
