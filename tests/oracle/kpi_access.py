"""Oracles of access: T01 to T04, U13, and by whom appointments are cancelled (U16)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from math import nan
from typing import Any

import pandas as pd
from kpi_booking import cancellation, decided, last_appointments
from kpi_flow import targets
from kpi_scanners import operating_seconds
from kpi_truth import Measures, Truth, kaplan_meier, minutes, oracle, spread, table, turnaround

BY_WHOM = {"PATIENT": "patient", "PROVIDER": "provider", "SITE": "site", "WEATHER": "other"}


def needing_a_slot(t: Truth) -> pd.DataFrame:
    """Outpatient orders of modalities that have template slots at their site."""
    site = {s["code"]: (s["site"], s["modality"]) for s in t.settings["scanners"]}
    slots = t.openings[t.openings["kind"] == "slot"]
    with_slots = {site[scanner] for scanner in slots["scanner"].unique()}
    frame = t.exams[t.exams["patient_class"] == "O"]
    return frame[[pair in with_slots for pair in zip(frame["site"], frame["modality"], strict=True)]]


@oracle("T01")
def order_to_schedule(t: Truth) -> Measures:
    frame = needing_a_slot(t).query("not is_off")
    frame = t.within(frame, frame["ordered_at"])
    first = t.appointments.drop_duplicates("exam_key").set_index("exam_key")["booked_at"]
    frame = frame.assign(booked_at=pd.to_datetime(frame["exam_key"].map(first.to_dict()), utc=True))
    return turnaround(t, frame, "ordered_at", "booked_at", ("arrived_at", "begin_at"))


@oracle("T02")
def request_received(t: Truth) -> Measures:
    frame = t.exams[t.exams["site"] == "SOUTH"]  # the North does not send acceptance
    frame = t.within(frame, frame["ordered_at"])
    return {**spread(minutes(frame["ordered_at"], frame["accepted_at"])), "n": len(frame)}


@oracle("T03")
def access_wait(t: Truth) -> Measures:
    frame = needing_a_slot(t).query("not is_off")
    frame = t.within(frame, frame["ordered_at"])
    took = minutes(frame["accepted_at"], frame["begin_at"]) / 1440
    age = (pd.Timestamp(t.as_of) - frame["accepted_at"]).dt.total_seconds() / 86400
    closed, censored = took.dropna().tolist(), age[took.isna()].tolist()
    return {
        "p50": kaplan_meier(closed, censored, 0.5),
        "p90": kaplan_meier(closed, censored, 0.9),
        "p50_closed": kaplan_meier(closed, [], 0.5),
        "n": len(frame),
        "closed": len(closed),
        "open": len(censored),
    }


@oracle("T04")
def six_week_wait(t: Truth) -> Measures:
    frame = needing_a_slot(t)
    frame = frame[frame["begin_at"].isna() & ~frame["is_off"]]
    weeks = (pd.Timestamp(t.as_of) - frame["accepted_at"]).dt.total_seconds() / (7 * 86400)
    return {
        "count": len(frame),
        "share": (weeks >= 6).mean(),
        "over_limit": (weeks >= 6).sum(),
        "under_2_weeks": (weeks < 2).sum(),
        "from_2_to_4": ((weeks >= 2) & (weeks < 4)).sum(),
        "oldest": weeks.max() * 7 * 1440,
    }


@oracle("U13")
def wrong_scanner(t: Truth) -> Measures:
    frame = t.exams[t.exams["performed"] & t.exams["booked_scanner"].notna()]
    frame = t.within(frame, frame["begin_at"])
    wrong = (frame["scanner"] != frame["booked_scanner"]).sum()
    return {"share": wrong / (len(frame) or nan), "numerator": wrong, "n": len(frame)}


@oracle("U16")
def cancelled_by_whom(t: Truth) -> Measures:
    frame = last_appointments(t)
    who = frame.loc[frame["fate"] == "cancelled", "reason"].map(BY_WHOM)
    shares = {f"by_{name}": (who == name).sum() / (len(frame) or nan) for name in BY_WHOM.values()}
    return {**cancellation(t), **shares}


@oracle("U16b")
def outcomes(t: Truth) -> Measures:
    frame = decided(t, last_appointments(t))
    who = frame["reason"].map(BY_WHOM).where(frame["fate"] == "cancelled")
    n = len(frame) or nan
    shares = {f"by_{name}": (who == name).sum() / n for name in BY_WHOM.values()}
    kept, missed = ((frame["fate"] == fate).sum() for fate in ("kept", "no_show"))
    return {"share": kept / n, "no_show": missed / n, "numerator": kept, "n": len(frame), **shares}


def slots_of(t: Truth) -> pd.DataFrame:
    """Template slots of the scanners asked about, with their site and modality."""
    known = {s["code"]: (s["site"], s["modality"]) for s in t.scanners}
    slots = table(t.folder, "template_slots")
    slots = slots[slots["scanner"].isin(known)].copy()
    slots["site"] = [known[code][0] for code in slots["scanner"]]
    slots["modality"] = [known[code][1] for code in slots["scanner"]]
    return slots.reset_index(drop=True)


def everyone_booked(t: Truth) -> pd.DataFrame:
    """Every appointment of every exam, with how long it stood and whether its exam was performed."""
    everything = Truth(t.folder, t.start, t.stop, t.as_of, t.is_late)
    made = everything.appointments.copy()
    made["end_at"] = made["begin_at"] + pd.to_timedelta(made["minutes"], unit="min")
    exams = everything.exams.set_index("exam_key")
    made["performed"] = made["exam_key"].map(exams["performed"])
    made["undone"] = made["exam_key"].map(exams[["end_at", "aborted_at"]].isna().all(axis=1))
    made["site"] = made["exam_key"].map(exams["site"])
    made["class"] = made["exam_key"].map(exams["patient_class"])
    made["gone_at"] = made["fate_at"].where(made["fate"].isin(["cancelled", "moved", "no_show"]))
    return made


@oracle("U05")
def slot_fill(t: Truth) -> Measures:
    slots = slots_of(t)
    slots = slots[slots["begin_at"] <= t.as_of]
    slots = t.within(slots, slots["begin_at"])
    made = everyone_booked(t).query("fate not in ('cancelled', 'moved')")
    booked = performed = pending = 0
    for slot in slots.itertuples():
        mine = made[(made["scanner"] == slot.scanner) & (made["begin_at"] < slot.end_at)]
        mine = mine[mine["end_at"] > slot.begin_at]
        is_performed = bool((mine["performed"] & mine["fate"].ne("no_show")).any())
        recent = pd.Timestamp(t.as_of) - slot.begin_at < pd.Timedelta(days=1)
        if recent and not is_performed and bool((mine["undone"] & mine["fate"].ne("no_show")).any()):
            pending += 1
            continue
        booked += len(mine) > 0
        performed += is_performed
    n = len(slots) - pending
    shares = {"share": performed / (n or nan), "booked": booked / (n or nan)}
    return {"n": n, "open": pending, "numerator": performed, **shares}


@oracle("U17")
def recovered(t: Truth) -> Measures:
    made = everyone_booked(t)  # outpatients only: nobody else is booked in this department
    codes = {s["code"] for s in t.scanners}
    exams = Truth(t.folder, t.start, t.stop, t.as_of).exams
    freed = made[made["fate"].isin(["cancelled", "no_show"]) & made["scanner"].isin(codes)]
    freed = freed[freed["begin_at"] <= t.as_of]
    freed = freed.assign(site=freed["exam_key"].map(exams.set_index("exam_key")["site"]))
    freed = t.within(freed, freed["begin_at"])
    refilled = used = 0
    begun = exams[exams["begin_at"].notna()]
    for gone in freed.itertuples():
        others = made[(made["scanner"] == gone.scanner) & (made["exam_key"] != gone.exam_key)]
        others = others[~others["fate"].isin(["cancelled", "moved"]) & (others["booked_at"] >= gone.gone_at)]
        common = others["end_at"].clip(upper=gone.end_at) - others["begin_at"].clip(lower=gone.begin_at)
        if (common >= (gone.end_at - gone.begin_at) / 2).any():
            refilled += 1
            continue
        inside = begun["begin_at"].between(gone.begin_at, gone.end_at, "left") & (begun["scanner"] == gone.scanner)
        used += any(not _on_schedule(t, made, exam) for exam in begun[inside].itertuples())
    n = len(freed)
    return {
        "n": n,
        "share": refilled / (n or nan),
        "numerator": refilled,
        "used_unbooked": used / (n or nan),
    }


def _on_schedule(t: Truth, made: pd.DataFrame, exam: Any) -> bool:
    """Whether an exam stood on the schedule of its day when the day began."""
    zone = t.zones[exam.site]
    day = exam.begin_at.tz_convert(zone).normalize()
    mine = made[(made["exam_key"] == exam.exam_key) & (made["booked_at"] <= day)]
    mine = mine[mine["gone_at"].isna() | (mine["gone_at"] > day)]
    return bool((mine["begin_at"].dt.tz_convert(zone).dt.normalize() == day).any())


def third_days(t: Truth, group: pd.DataFrame, made: pd.DataFrame, site: str) -> list[tuple[float, float]]:
    """Days to the first and third open slot of a group of slots, at 08:00 of each weekday of the period."""
    zone, found = t.zones[site], []
    first_slot = group["begin_at"].min().tz_convert(zone).normalize().tz_localize(None)
    told = made.loc[made["site"] == site, "booked_at"]
    # until bookings have been told of for four weeks, slots booked before look open
    settled = told.min().tz_convert(zone).normalize().tz_localize(None) + pd.Timedelta(days=28)
    first_slot = max(first_slot, settled)
    for day in pd.date_range(t.start, t.stop, inclusive="left"):
        at = (day + pd.Timedelta(hours=8)).tz_localize(zone)
        if day.weekday() > 4 or at > pd.Timestamp(t.as_of) or day < first_slot:
            continue
        standing = made[(made["booked_at"] <= at) & (made["gone_at"].isna() | (made["gone_at"] > at))]
        days: list[float] = []
        for slot in group[group["begin_at"] > at].itertuples():
            mine = standing[(standing["scanner"] == slot.scanner) & (standing["begin_at"] < slot.end_at)]
            if not (mine["end_at"] > slot.begin_at).any():
                days.append((slot.begin_at.tz_convert(zone).normalize().tz_localize(None) - day).days)
            if len(days) == 3:
                break
        found.append((days[0], days[2]))
    return found


def availability(t: Truth, by: list[str]) -> Measures:
    slots, made = slots_of(t).sort_values("begin_at"), everyone_booked(t)
    found = [pair for (site, *_), group in slots.groupby(by) for pair in third_days(t, group, made, site)]
    days = pd.DataFrame(found, columns=["first", "third"])
    return {**spread(days["third"]), "first_p50": days["first"].median(), "n": len(days)}


@oracle("U19")
def third_next_available(t: Truth) -> Measures:
    return availability(t, ["site", "modality"])


@oracle("U19b")
def third_next_available_by_scanner(t: Truth) -> Measures:
    return availability(t, ["site", "scanner"])


def whole_days(t: Truth) -> pd.DataFrame:
    """Operating minutes by pool and whole local day of the period that has ended by now, of pools that ever operate."""
    rows = []
    long = replace(t, start=t.start - timedelta(days=28))
    for scanner in t.scanners:
        zone = t.zones[scanner["site"]]
        between = operating_seconds(long, scanner)
        for day in pd.date_range(long.start, t.stop, inclusive="left"):
            begin, end = (d.tz_localize(zone).tz_convert("UTC") for d in (day, day + pd.Timedelta(days=1)))
            if end <= pd.Timestamp(t.as_of):
                rows.append((scanner["site"], scanner["modality"], day, between(begin, end)))
    days = pd.DataFrame(rows, columns=["site", "modality", "day", "min"])
    days = days.groupby(["site", "modality", "day"], as_index=False)["min"].sum()
    ran = days.groupby(["site", "modality"])["min"].cumsum() > 0
    return days[ran & (days["day"] >= pd.Timestamp(t.start))]


def still(t: Truth, since: pd.Series, limit_min: float = 0.0) -> Measures:
    """How many have been there since these instants, and how long, beyond a limit."""
    age = (pd.Timestamp(t.as_of) - since).dt.total_seconds() / 60
    over = age[age > limit_min]
    return {"count": len(over), "oldest": over.max(), "p50": over.quantile(0.5)}


@oracle("U21b")
def waiting_queue(t: Truth) -> Measures:
    return still(t, there(t)["arrived_at"])


def there(t: Truth) -> pd.DataFrame:
    """Exams whose patient has come and nothing has happened since."""
    off = ["begin_at", "aborted_at", "cancelled_at", "final_at"]
    return t.exams[t.exams["arrived_at"].notna() & t.exams[off].isna().all(axis=1)]


@oracle("U21c")
def unscheduled_queue(t: Truth) -> Measures:
    frame = needing_a_slot(t)
    frame = frame[frame[["begin_at", "arrived_at", "aborted_at", "cancelled_at"]].isna().all(axis=1)]
    made = t.appointments
    last = made.drop_duplicates("exam_key", keep="last").set_index("exam_key")
    fate = frame["exam_key"].map(last["fate"].to_dict())
    gone = pd.to_datetime(frame["exam_key"].map(last["fate_at"].to_dict()), utc=True)
    off = fate.eq("cancelled") & (gone <= t.as_of)
    return still(t, frame["ordered_at"].where(fate.isna(), gone)[fate.isna() | off])


@oracle("U21d")
def overdue_queue(t: Truth) -> Measures:
    unread = t.exams[t.exams["performed"] & t.exams[["prelim_at", "final_at"]].isna().all(axis=1)]
    target = pd.to_timedelta(targets(t, unread), unit="min")
    waits = there(t)
    allowed = pd.to_timedelta(waits["patient_class"].map({"O": 20.0, "E": 15.0}), unit="min")
    since = pd.concat(
        [unread["end_at"] + target, waits[["arrived_at", "appointment_at"]].max(axis=1) + allowed]
    ).dropna()
    return still(t, since[since <= t.as_of], -1.0)
