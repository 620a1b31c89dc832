"""D02 to D05, D07, D09: dose beside references and levels. All of them are the site's own; none is shipped."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, and_

from etl.kpis.base import Kpi, Population, When
from etl.kpis.dose import EXAM_ENDED, VALUE_ENDED
from etl.kpis.duration import Span
from etl.kpis.kinds import Aggregate
from etl.kpis.moment import reached
from etl.kpis.shares import Ratio
from etl.warehouse.tables import fact_dose_exam, fact_dose_patient, fact_dose_value

_e, _v, _p = fact_dose_exam.c, fact_dose_value.c, fact_dose_patient.c

SUM_CAVEAT = (
    "A sum of dose quantities is no dose to the patient and no measure of risk, says nothing of whether an exam was "
    "justified, and must never be a reason to withhold an exam that is needed. It leaves out what other sites gave, "
    "exams without a dose report, and what lies before the first report."
)
CUMULATIVE_CAVEAT = f"{SUM_CAVEAT} It is a list for review by those who know the patient."
PREVIEW_CAVEAT = (
    "Preview against the reference this site has loaded: dose only, without image noise, with the size adjustment "
    "that file states. It is no result of any quality measure and no claim of conformance."
)
GROUP_CAVEAT = "A reference judges the median of a group of patients, never one patient."


def _relative(
    key: str, id_: str, label: str, text: str, of: ColumnElement[bool], population: str, statistics: tuple[str, ...]
) -> Kpi:
    return Kpi(
        key=key,
        id=id_,
        label=label,
        unit="of reference",
        description=f"{text} {GROUP_CAVEAT}",
        formula="median(value / reference that holds for its group); within one group: site median / reference",
        source="D02 of the catalogue; reference: 75th percentile of the medians of many sites, loaded by the site",
        better="lower" if id_ == "D02" else "neutral",
        kind=Aggregate(Span(_v.relative_value), statistics=statistics),
        table=fact_dose_value,
        population=Population(and_(of, _v.reference_value.is_not(None), reached(_v.exam_end_at)), population),
        at=VALUE_ENDED,
        open_items="none.",
        counted="values",
        needs=("reference.drl",),
        group_only=True,
    )


DRL_RATIO = _relative(
    "drl_ratio", "D02", "Median dose against the reference level",
    "Median dose relative to the diagnostic reference level that the site has loaded, by modality, procedure group, "
    "quantity, phantom and band of age or size.",
    _v.quantity != "activity", "values of exams whose group has a loaded reference, administered activity left out",
    ("p50",),
)  # fmt: skip
ACTIVITY_RATIO = _relative(
    "activity_ratio", "D09", "Administered activity against the reference",
    "Median and P90 of the administered activity relative to the reference that the site has loaded.",
    _v.quantity == "activity", "administrations whose group has a loaded reference", ("p50", "p90"),
)  # fmt: skip

DOSE_CHECKS = Kpi(
    key="dose_checks",
    id="D03",
    label="Dose check alerts (CT)",
    unit="per 1000",
    description="CT exams in which the scanner alerted, and in which it notified, per 1000 exams with a dose report.",
    formula="1000 x n(exams with dose check alert 113900, with notification 113908) / n(CT exams with dose report)",
    source="DICOM TID 10015; counted where an estimate lay above its limit, not where a limit is merely configured",
    better="neutral",
    kind=Ratio(shares={"alerts": _e.has_alert.is_(True), "notifications": _e.has_notification.is_(True)}, per=1000.0),
    table=fact_dose_exam,
    population=Population(
        and_(_e.modality == "CT", _e.has_dose_report.is_(True), reached(_e.exam_end_at)),
        "performed CT exams with a dose report",
    ),
    at=EXAM_ENDED,
    open_items="none.",
    needs=("dose_report",),
)

FLUORO_OVER = Kpi(
    key="fluoro_over_level",
    id="D04",
    label="Fluoroscopy above the site's levels",
    unit="share",
    description="Share of fluoroscopic exams above any of the site's levels, and above each: dose area product, dose "
    "at the reference point, fluoroscopy time.",
    formula="n(any value above its level) / n(exams with a value that has a level), with Wilson interval",
    source="D04 of the catalogue; levels are the site's, dated, none is shipped",
    better="lower",
    kind=Ratio(
        shares={
            "share": _e.over_level.is_(True),
            "dap": _e.over_dap.is_(True),
            "dose_rp": _e.over_dose_rp.is_(True),
            "fluoro_time": _e.over_fluoro_time.is_(True),
        },
        decided=_e.over_level.is_not(None),
    ),
    table=fact_dose_exam,
    population=Population(and_(_e.modality.in_(("RF", "XA")), reached(_e.exam_end_at)), "performed RF and XA exams"),
    at=EXAM_ENDED,
    open_items="none: an exam without a dose report counts as missing.",
    needs=("level.fluoroscopy",),
)

CUMULATIVE_OVER = Kpi(
    key="cumulative_over_level",
    id="D05",
    label="Exams above the cumulative level",
    unit="share",
    description="Share of exams that left the patient's rolling sum above the site's level, and of those that brought "
    f"it there. {CUMULATIVE_CAVEAT}",
    formula="n(exams with the window's sum of DLP or of DAP above the site's level) / n(exams with the quantity)",
    source="D05 of the catalogue; level and window are the site's, none is shipped",
    better="neutral",
    kind=Ratio(
        shares={"share": _p.is_over.is_(True), "crossed": _p.is_crossing.is_(True)}, decided=_p.is_over.is_not(None)
    ),
    table=fact_dose_patient,
    population=Population(reached(_p.exam_end_at), "exams of known patients with a DLP or a dose area product"),
    at=When(_p.local_date, _p.local_hour, "by date of exam end"),
    open_items="none.",
    needs=("level.cumulative",),
)

_OVER_LIMIT: ColumnElement[Any] = _e.ct_adjusted_mgy_cm >= _e.ct_limit_mgy_cm
CT_PREVIEW = Kpi(
    key="ct_measure_preview",
    id="D07",
    label="CT dose measure, preview only",
    unit="share",
    description=f"Share of adult CT exams of a loaded category at or above the loaded dose limit. {PREVIEW_CAVEAT}",
    formula="n(size-adjusted DLP >= limit of the loaded category) / n(exams with a loaded category and known size)",
    source="D07 of the catalogue; categories, limits and adjustment from the site's own file, none is shipped",
    better="lower",
    kind=Ratio(shares={"share": _OVER_LIMIT}, decided=_e.ct_adjusted_mgy_cm.is_not(None)),
    table=fact_dose_exam,
    population=Population(
        and_(_e.ct_category.is_not(None), reached(_e.exam_end_at)),
        "performed CT exams of adults whose procedure group has a loaded category; without size or dose missing",
    ),
    at=EXAM_ENDED,
    open_items="none.",
    needs=("reference.ct_measure",),
)
