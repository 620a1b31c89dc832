"""I: the archive and the way into it."""

from __future__ import annotations

from sqlalchemy import and_

from etl.kpis.base import Kpi, Population, When
from etl.kpis.duration import Span
from etl.kpis.feeds import NOW
from etl.kpis.flow import ENDED, PERFORMED
from etl.kpis.kinds import Aggregate, Part
from etl.kpis.moment import reached
from etl.kpis.shares import Ratio
from etl.warehouse.tables import fact_acquisition, fact_exam, fact_storage_day, fact_storage_volume, fact_transmission

_t = fact_transmission.c
_d = fact_storage_day.c
_v = fact_storage_volume.c
_x = fact_exam.c
_a = fact_acquisition.c

STORED = When(_t.local_date, _t.local_hour, "by date and hour of the first instance stored")
_STUDIES = Population(
    and_(_t.direction == "store", reached(_t.last_stored_at)), "studies stored, as the archive's log has them"
)
_METRICS = "I01 of the catalogue; archive metrics"

STORED_BYTES = Kpi(
    key="stored_bytes",
    id="I01",
    label="Images stored",
    unit="GB",
    description="Gigabytes (10^9 bytes) of images that came into the archive.",
    formula="sum of bytes by the archive's log; at sites without one, of the series seen",
    source=_METRICS,
    better="neutral",
    kind=Aggregate(Span(_d.added_bytes / 1e9), statistics=("sum",)),
    table=fact_storage_day,
    population=Population(_d.origin != "list", "days by scanner and modality on which images came"),
    at=When(_d.local_date, None, "by date of the first instance stored, else of acquisition"),
    open_items="none.",
    counted="scanner-days",
)

HELD_GROWTH = Kpi(
    key="held_growth",
    id="I01-list",
    label="Growth of what the archive holds",
    unit="GB",
    description="Gigabytes (10^9 bytes) by which what the archive says it holds grew.",
    formula="sum of (bytes held at the day's last measure - at the measure before), of each volume and modality",
    source=_METRICS,
    better="neutral",
    kind=Aggregate(Span(_d.added_bytes / 1e9, signed=True), statistics=("sum",)),
    table=fact_storage_day,
    population=Population(_d.origin == "list", "measures of the storage list, by volume and modality"),
    at=When(_d.local_date, None, "by the day the measure ends: one taken before noon ends the day before"),
    open_items="none; the first measure of each volume has no growth and is missing.",
    counted="measures",
    without=frozenset({"scanner"}),
    needs=("entry.storage",),
    definition_version="2",
)

DAYS_TO_FULL = Kpi(
    key="days_to_full",
    id="I01-full",
    label="Days until the archive is full",
    unit="days",
    description=(
        "Days until the volume that fills first is full, at the robust pace of the last 30 days; earliest and latest "
        "at the pace of the fastest and the slowest week among them."
    ),
    formula="(capacity - held) / Theil-Sen slope of bytes held over the last 30 days; the least of all volumes",
    source=_METRICS,
    better="higher",
    kind=Aggregate(
        Span(_v.days_to_full),
        statistics=("min",),
        of_few=True,
        parts=(
            Part("earliest", "days", value=_v.days_to_full_low, statistic="min"),
            Part("latest", "days", value=_v.days_to_full_high, statistic="min"),
        ),
    ),
    table=fact_storage_volume,
    population=Population(and_(_v.origin == "list", _v.modality.is_(None)), "volumes of the storage list"),
    at=NOW,
    open_items="does not apply; volumes that do not fill, or are known for less than eight days, are missing.",
    counted="volumes",
    without=frozenset({"modality"}),
    needs=("entry.storage",),
)

TRANSFER_RATE = Kpi(
    key="transfer_rate",
    id="I02",
    label="Transfer rate into the archive",
    unit="MB/s",
    description="Megabytes (10^6 bytes) a second from a study's first to its last instance stored; P10: the slow end.",
    formula="bytes / (last instance stored - first instance stored)",
    source="I02 of the catalogue; archive metrics",
    better="higher",
    kind=Aggregate(Span(_t.mb_per_s, ended_at=_t.last_stored_at), statistics=("p50", "p10")),
    table=fact_transmission,
    population=_STUDIES,
    at=STORED,
    open_items="none; studies that came within a second have no rate and are missing.",
    counted="studies",
    needs=("entry.transfer",),
)

STORE_SPAN = Kpi(
    key="store_span",
    id="I02-span",
    label="First to last image stored",
    unit="min",
    description="Minutes from a study's first instance in the archive to its last.",
    formula="last instance stored - first instance stored",
    source="I02 of the catalogue; transmission phase",
    better="lower",
    kind=Aggregate(Span(_t.span_min, ended_at=_t.last_stored_at)),
    table=fact_transmission,
    population=_STUDIES,
    at=STORED,
    open_items="none.",
    counted="studies",
    needs=("entry.transfer",),
)

WITHOUT_IMAGES = Kpi(
    key="exams_without_images",
    id="I04-imageless",
    label="Exams without images",
    unit="share",
    description="Share of performed exams of which no image was found in the archive.",
    formula="n(no series) / n(performed), with Wilson interval",
    source="I04 of the catalogue: % unlinked",
    better="lower",
    kind=Ratio(shares={"share": _x.has_images.is_not(True)}),
    table=fact_exam,
    population=Population(and_(PERFORMED.condition, reached(_x.exam_end_at)), PERFORMED.text),
    at=ENDED,
    open_items="images still on their way count as not there.",
    needs=("series",),
)

WITHOUT_EXAM = Kpi(
    key="series_without_exam",
    id="I04-orphans",
    label="Images without exam",
    unit="share",
    description="Share of image series that no exam could be found for.",
    formula="n(series without exam) / n(series), with Wilson interval",
    source="I04 of the catalogue: % unlinked",
    better="lower",
    kind=Ratio(shares={"share": _a.exam_key == 0}),
    table=fact_acquisition,
    population=Population(reached(_a.begin_at), "image series found"),
    at=When(_a.local_date, None, "by date of acquisition"),
    open_items="none.",
    counted="series",
    needs=("series",),
)
