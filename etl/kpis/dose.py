"""D01, D06, D08: what exams gave and whether it was reported, by irradiation event, exam and breast."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, and_, or_

from etl.kpis.base import Kpi, Population, When
from etl.kpis.duration import Span
from etl.kpis.flow import ENDED, PERFORMED
from etl.kpis.kinds import Aggregate
from etl.kpis.moment import reached
from etl.kpis.shares import Ratio
from etl.warehouse.tables import fact_dose_event, fact_dose_exam, fact_dose_value, fact_exam

_d, _x, _e, _v = fact_dose_event.c, fact_exam.c, fact_dose_exam.c, fact_dose_value.c

IRRADIATED = When(_d.local_date, None, "by date of the irradiation")
EXAM_ENDED = When(_e.local_date, _e.local_hour, "by date of exam end")
VALUE_ENDED = When(_v.local_date, _v.local_hour, "by date of exam end")
_SOURCE = "DICOM TID 10011 to 10013; never a judgement of one patient"
_PROJECTION = "DICOM TID 10001 to 10007; never a judgement of one patient"
_REPORTED = "none: an irradiation event has ended when it is reported."
LOCALIZER = "113805"  # DCM: Constant Angle Acquisition, the scout before the scan
WITH_REPORTS = ("CT", "MG", "NM", "PT", "RF", "XA")  # modalities that send dose reports (D06)


_SCAN = and_(
    _d.modality == "CT",
    or_(_d.acquisition_type.is_(None), _d.acquisition_type != LOCALIZER),
    reached(_d.occurred_at),
)


def _scans(phantom_cm: int) -> Population:
    """CT scans with doses to one phantom: doses to different phantoms cannot be compared."""
    return Population(
        and_(_SCAN, _d.phantom_cm == phantom_cm),
        f"CT irradiation events with a {phantom_cm} cm phantom, localizers left out",
    )


def _ctdivol(key: str, id_: str, part: str, phantom_cm: int) -> Kpi:
    return Kpi(
        key=key,
        id=id_,
        label=f"CTDIvol, {part} ({phantom_cm} cm phantom)",
        unit="mGy",
        description=f"Median and P90 of CTDIvol over irradiation events with the {phantom_cm} cm phantom.",
        formula="quantiles of CTDIvol (DCM 113830)",
        source=_SOURCE,
        better="lower",
        kind=Aggregate(Span(_d.ctdivol_mgy)),
        table=fact_dose_event,
        population=_scans(phantom_cm),
        at=IRRADIATED,
        open_items=_REPORTED,
        counted="irradiation events",
    )


def _of_exam(
    key: str, id_: str, label: str, unit: str, formula: str, value: ColumnElement[Any], modalities: tuple[str, ...]
) -> Kpi:
    """Return the KPI of an exam's total in the modalities that have it."""
    named = ", ".join(modalities)
    return Kpi(
        key=key,
        id=id_,
        label=label,
        unit=unit,
        description=f"Median and P90 of the exam's {formula}, each irradiation event counted once.",
        formula=f"quantiles of {formula} over the exam's irradiation events",
        source=_SOURCE if modalities == ("CT",) else _PROJECTION,
        better="lower",
        kind=Aggregate(Span(value)),
        table=fact_dose_exam,
        population=Population(
            and_(_e.modality.in_(modalities), reached(_e.exam_end_at)),
            f"performed {named} exams; those of which no dose is known count as missing",
        ),
        at=EXAM_ENDED,
        open_items="none.",
    )


CTDIVOL_BODY = _ctdivol("ctdivol_body", "D01-ctdivol", "body", 32)
CTDIVOL_HEAD = _ctdivol("ctdivol_head", "D01-ctdivol16", "head", 16)
DLP = _of_exam("dlp", "D01-dlp", "DLP of the exam (CT)", "mGy.cm", "sum of DLP (DCM 113838)", _e.dlp_mgy_cm, ("CT",))

SSDE = Kpi(
    key="ssde",
    id="D01-ssde",
    label="SSDE (CT)",
    unit="mGy",
    description="Median and P90 of the size-specific dose estimate over irradiation events that state it.",
    formula="quantiles of SSDE (DCM 113930)",
    source=_SOURCE,
    better="lower",
    kind=Aggregate(Span(_d.ssde_mgy)),
    table=fact_dose_event,
    population=Population(
        and_(_SCAN, _d.ctdivol_mgy.is_not(None)), "CT irradiation events with a CTDIvol, localizers left out"
    ),
    at=IRRADIATED,
    open_items=_REPORTED,
    counted="irradiation events",
)

DAP = _of_exam(
    "dap", "D01-dap", "Dose area product of the exam", "Gy.cm2", "sum of dose area product (DCM 122130)",
    _e.dap_gy_cm2, ("DX", "RF", "XA"),
)  # fmt: skip
DOSE_RP = _of_exam(
    "dose_rp", "D01-rp", "Dose at the reference point", "mGy", "sum of dose at the reference point (DCM 113738)",
    _e.dose_rp_mgy, ("RF", "XA"),
)  # fmt: skip
FLUORO_TIME = _of_exam(
    "fluoro_time", "D01-time", "Fluoroscopy time of the exam", "min", "sum of fluoroscopy time (DCM 113730)",
    _e.fluoro_time_min, ("RF", "XA"),
)  # fmt: skip
ACTIVITY = _of_exam(
    "activity", "D01-activity", "Administered activity", "MBq", "sum of administered activity (DCM 113507)",
    _e.activity_mbq, ("NM", "PT"),
)  # fmt: skip

DOSE_COVERAGE = Kpi(
    key="dose_coverage",
    id="D06",
    label="Dose report coverage",
    unit="share",
    description="Share of performed CT, mammography, nuclear medicine and fluoroscopy exams that have a dose report.",
    formula="n(with dose report) / n(performed CT, MG, NM, PT, RF, XA), with Wilson interval",
    source="D06 of the catalogue: the first tile of any dose page",
    better="higher",
    kind=Ratio(shares={"share": _x.has_dose_report.is_(True)}),
    table=fact_exam,
    population=Population(
        PERFORMED.condition & _x.modality.in_(WITH_REPORTS) & reached(_x.exam_end_at),
        "performed CT, MG, NM, PT, RF and XA exams",
    ),
    at=ENDED,
    open_items="none: a report that is still to come counts as absent.",
    definition_version="2",
)

AGD_EXPOSURE = Kpi(
    key="agd_exposure",
    id="D08",
    label="AGD of an exposure (mammography)",
    unit="mGy",
    description="Median and P90 of the average glandular dose over mammographic exposures, by view where reports do.",
    formula="quantiles of average glandular dose (DCM 111631)",
    source=_PROJECTION,
    better="lower",
    kind=Aggregate(Span(_d.agd_mgy)),
    table=fact_dose_event,
    population=Population(
        and_(_d.modality == "MG", reached(_d.occurred_at)), "mammographic exposures that any feed tells"
    ),
    at=IRRADIATED,
    open_items=_REPORTED,
    counted="exposures",
)

AGD_BREAST = Kpi(
    key="agd_breast",
    id="D08-breast",
    label="AGD of a breast (mammography)",
    unit="mGy",
    description="Median and P90 of the average glandular dose that a breast had in an exam.",
    formula="quantiles of the sum of average glandular dose by exam and breast (DCM 111631, 111637)",
    source=_PROJECTION,
    better="lower",
    kind=Aggregate(Span(_v.value)),
    table=fact_dose_value,
    population=Population(and_(_v.quantity == "AGD", reached(_v.exam_end_at)), "breasts of exams with a known AGD"),
    at=VALUE_ENDED,
    open_items="none.",
    counted="breasts",
)
