"""Series facts: one row a DICOM series, its instances counted once whichever feed told of them."""

from __future__ import annotations

import pandas as pd

from etl.warehouse.event_set import canonical
from etl.warehouse.keys import stable_keys
from etl.warehouse.local_time import dates, local_days, microseconds
from etl.warehouse.parameters import Parameters
from etl.warehouse.protocols import site_protocols
from etl.warehouse.scanners import modality_of, scanner_of

FAR = pd.Timedelta(days=1)
NOT_ACQUIRED = frozenset({"SR", "PR", "KO", "SC", "DOC", "OT", "SEG", "REG", "AU", "ECG", "HD", "RTPLAN"})


def derive_acquisitions(series: pd.DataFrame, links: pd.DataFrame, parameters: Parameters) -> pd.DataFrame:
    """Return fact_acquisition rows with, beside them, study_token and what exams need of performed step times."""
    if series.empty:
        return pd.DataFrame()
    rows = series.merge(links[["event_id", "exam_key"]], on="event_id")
    rows["end_at"] = rows["end_at"].where(rows["end_at"].notna(), rows["occurred_at"])
    rows = _without_broken_times(rows)
    rows["series_token"] = rows["series_token"].where(rows["series_token"].notna(), rows["event_id"])
    found = _timed(rows).join(_counted(rows)).assign(stored_at=_stored(rows)).reset_index()
    return _placed(found, parameters)


def _without_broken_times(rows: pd.DataFrame) -> pd.DataFrame:
    """Leave out ends and steps further from the acquisition than any exam lasts: 1970, 2036 and the like."""
    near = {
        name: rows[name].where((rows[name] - rows["occurred_at"]).abs() <= FAR)
        for name in ("end_at", "performed_begin_at", "performed_end_at")
    }
    return rows.assign(**near | {"end_at": near["end_at"].where(near["end_at"].notna(), rows["occurred_at"])})


def _timed(rows: pd.DataFrame) -> pd.DataFrame:
    """Return begin, end and descriptions by series; texts come from the first event that has them."""
    by_series = rows.groupby("series_token", sort=True)
    found = by_series.agg(
        begin_at=("occurred_at", "min"),
        end_at=("end_at", "max"),
        performed_begin_at=("performed_begin_at", "min"),
        performed_end_at=("performed_end_at", "max"),
        exam_key=("exam_key", "max"),  # an instance that could be linked speaks for its series
    )
    texts = ["site_code", "station_name", "modality", "protocol_name", "study_token", "patient_token"]
    texts += ["birth_year", "sex"]
    for name in texts:
        found[name] = rows[rows[name].notna()].drop_duplicates("series_token").set_index("series_token")[name]
    return found


def _stored(rows: pd.DataFrame) -> pd.Series:
    """Return by series since when all of it is known to be in the archive, NULL where a part is not.

    An answer about a series counts where it had all the instances any answer had; else each instance must be told.
    """
    single = rows["instance_token"].notna()
    stated, instances = rows[~single], rows[single]
    most = stated.groupby("series_token")["number_of_instances"].transform("max")
    whole = stated[stated["number_of_instances"] == most].groupby("series_token")["stored_at"].min()
    first = instances.groupby(["series_token", "instance_token"])["stored_at"].min().groupby(level=0)
    return whole.combine_first(first.max().where(first.count() == first.size()))


def _counted(rows: pd.DataFrame) -> pd.DataFrame:
    """Return instances and bytes by series: of distinct instances, or as a series-level answer states them."""
    single = rows["instance_token"].notna()
    instances = rows[single].groupby(["series_token", "instance_token"])["size_bytes"].max().reset_index()
    by_series = instances.groupby("series_token")
    files = by_series[["instance_token"]].size().rename("seen").to_frame()
    files["seen_bytes"] = by_series["size_bytes"].sum(min_count=1)
    stated = (
        rows[~single]
        .groupby("series_token")
        .agg(stated=("number_of_instances", "max"), stated_bytes=("size_bytes", "max"))
    )
    both = files.join(stated, how="outer").astype("Int64")
    return pd.DataFrame(
        {
            "instances": both[["seen", "stated"]].max(axis=1),
            "size_bytes": both[["seen_bytes", "stated_bytes"]].max(axis=1),
        }
    )


def _placed(found: pd.DataFrame, parameters: Parameters) -> pd.DataFrame:
    day, _ = local_days(microseconds(found["begin_at"]), found["site_code"], parameters.zones)
    scanner = scanner_of(found["site_code"], found["station_name"], parameters)
    modality = canonical(found["modality"], parameters.modalities)
    own = pd.Series(modality_of(scanner, parameters), index=found.index)
    acquired = ~found["modality"].isin(NOT_ACQUIRED)
    return found.assign(
        series_key=stable_keys("series", found["series_token"]),
        scanner_code=scanner,
        modality=modality.where(modality.notna(), own.where(acquired, found["modality"])),
        protocol_name=site_protocols(modality, found["protocol_name"], parameters),
        acquired=acquired,
        local_date=dates(day),
    )
