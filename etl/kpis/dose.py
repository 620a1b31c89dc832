"""D: dose. Grain: irradiation event for CTDIvol and SSDE, exam for study totals and coverage."""

from __future__ import annotations

from sqlalchemy import and_, or_

from etl.kpis.base import Kpi, Population, When
from etl.kpis.duration import Span
from etl.kpis.flow import ENDED, PERFORMED
from etl.kpis.kinds import Aggregate
from etl.kpis.moment import reached
from etl.kpis.shares import Ratio
from etl.warehouse.tables import fact_dose_event, fact_exam

_d = fact_dose_event.c
_x = fact_exam.c

IRRADIATED = When(_d.local_date, None, "by date of the irradiation")
_SOURCE = "DICOM TID 10011 to 10013; never a judgement of one patient"
LOCALIZER = "113805"  # DCM: Constant Angle Acquisition, the scout before the scan
WITH_REPORTS = ("CT", "MG", "RF", "XA")  # modalities that send dose reports (D06)


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
        open_items="none: an irradiation event has ended when it is reported.",
        counted="irradiation events",
    )


CTDIVOL_BODY = _ctdivol("ctdivol_body", "D01-ctdivol", "body", 32)
CTDIVOL_HEAD = _ctdivol("ctdivol_head", "D01-ctdivol16", "head", 16)

DLP = Kpi(
    key="dlp",
    id="D01-dlp",
    label="DLP of the study (CT)",
    unit="mGy.cm",
    description="Median and P90 of the study's total DLP, each irradiation event counted once.",
    formula="quantiles of the sum of DLP (DCM 113838) over the study's irradiation events",
    source=_SOURCE,
    better="lower",
    kind=Aggregate(Span(_x.dlp_total_mgy_cm)),
    table=fact_exam,
    population=Population(
        PERFORMED.condition & (_x.modality == "CT") & reached(_x.exam_end_at),
        "performed CT exams; those without a dose report count as missing",
    ),
    at=ENDED,
    open_items="none.",
)

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
    open_items="none: an irradiation event has ended when it is reported.",
    counted="irradiation events",
)

DOSE_COVERAGE = Kpi(
    key="dose_coverage",
    id="D06",
    label="Dose report coverage",
    unit="share",
    description="Share of performed CT, mammography and fluoroscopy exams that have a dose report.",
    formula="n(with dose report) / n(performed CT, MG, RF, XA), with Wilson interval",
    source="D06 of the catalogue: the first tile of any dose page",
    better="higher",
    kind=Ratio(shares={"share": _x.has_dose_report.is_(True)}),
    table=fact_exam,
    population=Population(
        PERFORMED.condition & _x.modality.in_(WITH_REPORTS) & reached(_x.exam_end_at),
        "performed CT, MG, RF and XA exams",
    ),
    at=ENDED,
    open_items="none: a report that is still to come counts as absent.",
)
