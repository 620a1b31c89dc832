"""The one vocabulary that sources, staging and warehouse share: items, records and the event types.

A *source item* is conservation's unit (message, CSV row, DICOM instance, dose report, QIDO-RS series) and ends
in exactly one class: read, refused or filtered. A read item carries records; records still hold raw identifiers
and live only until staging pseudonymises them.
"""

from __future__ import annotations

from etl.records.devices import DoseRecord, SeriesRecord
from etl.records.event_type import EventType
from etl.records.items import Filtered, Read, Record, Refused, SourceItem
from etl.records.lists import EntryKind, EntryRecord, OpeningKind, OpeningRecord
from etl.records.workflow import NO_ATTRIBUTES, Attributes, EventRecord, Identifiers

__all__ = [
    "NO_ATTRIBUTES",
    "Attributes",
    "DoseRecord",
    "EntryKind",
    "EntryRecord",
    "EventRecord",
    "EventType",
    "Filtered",
    "Identifiers",
    "OpeningKind",
    "OpeningRecord",
    "Read",
    "Record",
    "Refused",
    "SeriesRecord",
    "SourceItem",
]
