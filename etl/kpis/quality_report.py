"""Q: quality of the report, as far as feeds code it; no text is read for it."""

from __future__ import annotations

from sqlalchemy import and_

from etl.kpis.base import Kpi, Population
from etl.kpis.flow import ENDED, PERFORMED
from etl.kpis.moment import reached
from etl.kpis.shares import Ratio
from etl.warehouse.tables import fact_exam

_x = fact_exam.c
_amended = reached(_x.first_addendum_at)
_FINAL = Population(PERFORMED.condition & reached(_x.first_final_at), "performed exams with a final report")

ADDENDUM_RATE = Kpi(
    key="addendum_rate",
    id="Q01",
    label="Reports with an addendum or correction",
    unit="share",
    description="Share of final reports that got an addendum or correction, typographic and clinical ones apart.",
    formula="n(exams with an addendum after the first final) / n(first finals), with Wilson interval",
    source="HL7 table 0123 C; FHIR amended, corrected, appended",
    better="lower",
    kind=Ratio(
        shares={
            "share": _amended,
            "clinical": and_(_amended, _x.addendum_class == "clinical"),
            "typographic": and_(_amended, _x.addendum_class == "typographic"),
            "not_classed": and_(_amended, _x.addendum_class.is_(None)),
        }
    ),
    table=fact_exam,
    population=_FINAL,
    at=ENDED,
    open_items="none: an addendum may still come, so the newest weeks look better than they will.",
    needs=("addendum",),
)

DISCREPANCY_RATE = Kpi(
    key="discrepancy_rate",
    id="Q02",
    label="Preliminary changed by the final",
    unit="share",
    description="Share of preliminary reports whose final is coded as a major change (minor ones beside).",
    formula="n(final coded major change) / n(preliminaries with a final), with Wilson interval",
    source="Q02 of the catalogue; graded: share of them coded at all",
    better="lower",
    kind=Ratio(
        shares={
            "share": _x.discrepancy == "major",
            "minor": _x.discrepancy == "minor",
            "graded": _x.discrepancy.is_not(None),
        }
    ),
    table=fact_exam,
    population=Population(
        PERFORMED.condition & _x.first_prelim_at.is_not(None) & reached(_x.first_final_at),
        "performed exams with a preliminary and a final report; what nobody graded counts as no change",
    ),
    at=ENDED,
    open_items="preliminaries not yet signed off are not counted.",
    needs=("prelim", "discrepancy_graded"),
)

_FIELDS = {
    "signer": _x.reader.is_not(None),
    "requester": _x.ordering_person.is_not(None),
    "procedure": _x.procedure_code.is_not(None),
    "exam_times": _x.exam_begin_at.is_not(None) & (_x.report_tat_min >= 0),
    "impression": _x.has_impression.is_(True),
}

COMPLETENESS = Kpi(
    key="report_completeness",
    id="Q11",
    label="Complete reports",
    unit="share",
    description="Share of final reports that carry every field a feed can tell: signer, requester, procedure, exam "
    "times in order, and an impression section.",
    formula="n(reader, ordering_person, procedure_code, exam times, impression all present) / n(first finals)",
    source="Q11 of the catalogue; impression: OBX-3 IMP or LOINC 19005-8, its presence only",
    better="higher",
    kind=Ratio(shares={"share": and_(*_FIELDS.values()), **_FIELDS}),
    table=fact_exam,
    population=_FINAL,
    at=ENDED,
    open_items="exams without a final report have no fields to judge.",
    needs=("final", "impression_told"),
)
