"""Oracles of quality, from the truth of what befell each exam and the consoles' own counts."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pandas as pd
from kpi_truth import Measures, Truth, oracle, table

WRONG = ("Wrong exam", "Wrong side", "Wrong patient")
WEEK = pd.Timedelta(days=7)


def befallen(t: Truth) -> pd.DataFrame:
    """Performed exams of the period with what befell them by now."""
    return t.ended.merge(quality(t), on="exam_key", how="left")


def quality(t: Truth) -> pd.DataFrame:
    """What befell each begun exam; later knowledge is blanked."""
    frame = table(t.folder, "quality").drop(columns="accession")
    for name in frame.columns:
        if name.endswith("_at"):
            frame[name] = frame[name].where(frame[name] <= t.as_of)
    return frame


def share(part: Any, whole: int) -> Measures:
    return {"numerator": int(part), "n": whole}


def summed(part: Any, whole: int) -> Measures:
    """Return a share of counts: where nothing was counted there is no numerator either."""
    return share(part, whole) if whole else {"numerator": np.nan}


def unnamed(t: Truth, at: str) -> pd.DataFrame:
    """Incidents or submissions of exams that were not performed, or that their report does not name, by own date."""
    frame = t.exams.merge(quality(t), on="exam_key")
    lost = ~frame["performed"]
    if at == "incident_at":
        lost = lost | (frame["incident_named"] == False)  # noqa: E712 - a column with missing values
    return t.within(frame[lost], frame.loc[lost, at])


@oracle("Q03")
def discrepancies(t: Truth) -> Measures:
    frame = t.exams.merge(quality(t), on="exam_key")
    frame = t.within(frame, frame["reviewed_at"])
    score = frame["score"].replace({"Concur": "1"})
    bad = score.str[0].isin(["2", "3"])
    n = len(frame)
    return {**share(bad.sum(), n), "share": bad.mean(), "significant": score.str.endswith("b").mean() if n else np.nan}


@oracle("Q04")
def coverage(t: Truth) -> Measures:
    frame = befallen(t).query("final_at.notna()")
    return share(frame["reviewed_at"].notna().sum(), len(frame))


@oracle("Q05")
def learning(t: Truth) -> Measures:
    frame, others = befallen(t), unnamed(t, "submitted_at")
    handed = pd.concat([frame, others])
    handed = handed[handed["submitted_at"].notna()]
    great = (handed["category"] == "Great call").sum()
    n = len(frame)
    return {**share(len(handed), n), "great_calls": 1000 * great / n, "per_1000": 1000 * len(handed) / n}


def counts(t: Truth) -> pd.DataFrame:
    """Rows of the reject lists of the period: rejected by reason, accepted repeated on every row of a view."""
    files = sorted((t.folder / "feeds").glob("*_rejects/*.csv"))
    frame = pd.concat(
        [pd.read_csv(file, dtype=str).assign(site=file.parent.name.split("_")[0].upper()) for file in files]
    )
    day = pd.to_datetime(frame["Date"]).dt.date
    frame = frame[(day >= t.start) & (day < t.stop)]
    station = {name: s["code"] for s in t.settings["scanners"] for name in s["station_names"]}
    frame = frame.assign(code=frame["Room"].map(station), modality=frame["Modality"])
    for name, value in t.where:
        frame = frame[frame[name] == value]
    return frame.astype({"Rejected": int, "Accepted": int})


@oracle("Q06")
def reject_rate(t: Truth) -> Measures:
    frame = counts(t)
    accepted = frame.drop_duplicates(["Date", "Room", "View"])["Accepted"].sum()
    return summed(frame["Rejected"].sum(), int(frame["Rejected"].sum() + accepted))


@oracle("Q06-count")
def rejects(t: Truth) -> Measures:
    found = counts(t).query("Rejected > 0")["Rejected"]
    return {"sum": float(found.sum()) if len(found) else np.nan, "n": len(found)}


def images(t: Truth) -> pd.DataFrame:
    """Exams of plain film and mammography with images held, images of the standard, and repeats."""
    held = table(t.folder, "acquisitions").groupby("exam_key")["instances"].sum()
    rules = pd.read_csv(t.folder / "standard_protocols.csv", dtype=str).dropna(subset=["images"])
    # South's own code of a procedure stands on the row below North's
    codes = rules["procedure"].tolist()
    asked = {north: int(n) for north, n in zip(codes[::2], rules["images"].tolist()[::2], strict=True)}
    frame = befallen(t)
    frame = frame.assign(held=frame["exam_key"].map(held), asked=frame["procedure_code"].map(asked))
    return frame[frame["asked"].notna() & frame["held"].notna() & ~frame["accession"].isin(imageless(t))]


def imageless(t: Truth) -> set[str]:
    """Accession numbers whose images may not have come under them: the one bound leaves them in, the other out."""
    if t.is_late:
        return set()
    return {
        a for kind, rows in t.planted.items() if kind.startswith("images_") for row in rows for a in row["accessions"]
    }


@oracle("Q07")
def repeats(t: Truth) -> Measures:
    frame = images(t)
    return summed((frame["held"] - frame["asked"]).clip(lower=0).sum(), len(frame))


@oracle("Q07b")
def repeated_share(t: Truth) -> Measures:
    frame = images(t)
    return summed((frame["held"] - frame["asked"]).clip(lower=0).sum(), int(frame["held"].sum()))


@oracle("Q08")
def reacquired(t: Truth) -> Measures:
    frame = befallen(t)
    every = t.exams[t.exams["performed"]]
    begun = every.groupby(["patient", "procedure_code"])["begin_at"].apply(list).to_dict()
    over = frame["end_at"] + WEEK <= t.as_of
    done = [_again(row, begun) for row in frame.itertuples()]
    n = int(over.sum())
    return {**share((pd.Series(done, index=frame.index, dtype=bool) & over).sum(), n), "open": len(frame) - n}


def _again(row: Any, begun: dict[tuple[str, str], list[pd.Timestamp]]) -> bool:
    if pd.isna(row.refused_at):
        return False
    others = [at for at in begun[row.patient, row.procedure_code] if at >= row.end_at]
    first = min([*others, *([] if pd.isna(row.repeated_at) else [row.repeated_at])], default=None)
    return first is not None and row.end_at <= first <= row.end_at + WEEK


@oracle("Q09")
def incidents(t: Truth) -> Measures:
    frame, others = befallen(t), unnamed(t, "incident_at")
    named = frame[frame["incident_named"] == True]  # noqa: E712 - a column with missing values
    kinds = Counter(pd.concat([named, others])["incident"].dropna())
    bad = sum(kinds[k] for k in (*WRONG, "Fall", "Extravasation"))
    n = len(frame)
    return {**share(bad, n), "per_10000": 10_000 * bad / n, "fall": 10_000 * kinds["Fall"] / n}


@oracle("Q10")
def deviations(t: Truth) -> Measures:
    series = table(t.folder, "acquisitions")
    more_than_localizer = series.groupby("exam_key").size()
    frame = befallen(t)
    frame = frame[frame["exam_key"].isin(more_than_localizer.index) & ~frame["accession"].isin(imageless(t))]
    return share(frame["has_own_protocol"].sum(), len(frame))


def references(t: Truth) -> pd.DataFrame:
    return befallen(t).query("reference_at.notna()").astype({"called": bool, "present": bool})


@oracle("Q12-ppv")
def ppv(t: Truth) -> Measures:
    frame = references(t).query("called")
    return share(frame["present"].sum(), len(frame))


@oracle("Q12-sensitivity")
def sensitivity(t: Truth) -> Measures:
    frame = references(t).query("present")
    return share(frame["called"].sum(), len(frame))


@oracle("Q12-specificity")
def specificity(t: Truth) -> Measures:
    frame = references(t).query("not present")
    return share((~frame["called"]).sum(), len(frame))
