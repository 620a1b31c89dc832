"""Follow-ups recommended in a report's text: rule and coded match become an event, the text goes no further."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from etl.followup_text import TEXT_FLAG, followup_rules
from etl.records import EventRecord, Record

APART = 1000  # ordinals of several recommendations of one order group


def with_recommendations(records: Iterable[Record]) -> Iterator[Record]:
    """Yield the records, each report without its text and followed by the recommendations its text holds."""
    for record in records:
        if not isinstance(record, EventRecord) or record.report_text is None:
            yield record
            continue
        bare = replace(record, report_text=None)
        yield bare
        yield from _recommended(bare, record.report_text)


def _recommended(report: EventRecord, text: str) -> Iterator[EventRecord]:
    for number, match in enumerate(followup_rules().matches(text)):
        yield replace(
            report,
            local_code=f"{report.local_code}#{TEXT_FLAG}",
            ordinal=report.ordinal + APART * number,
            attributes=replace(report.attributes, result_code=match.code, reason_code=match.rule_id),
        )
