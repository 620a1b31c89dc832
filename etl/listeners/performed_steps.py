"""The performed procedure steps a listener knows: which may be created, which may still be changed (PS3.4 F.7.2)."""

from __future__ import annotations

import json
import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from etl.landing import SEALED, LandingWriter, TornSegmentError, frames

NOTE = "application/dicom+json; mpps"
STATES = ("IN PROGRESS", "COMPLETED", "DISCONTINUED")
SUCCESS = 0x0000
DUPLICATE = 0x0111  # PS3.7 C.4.2: duplicate SOP instance
UNKNOWN = 0x0112  # no such SOP instance
BAD_VALUE = 0x0106  # invalid attribute value
MISSING = 0x0120  # missing attribute
FAILED = 0x0110  # processing failure; with error ID A710 where the step may no longer be changed
NO_ROOM = 0x0213  # resource limitation
NO_LONGER = 0xA710  # error ID of F.7.2.2.3: performed procedure step object may no longer be updated
STATUS, START_DATE, START_TIME, SCHEDULED_STEPS = "00400252", "00400244", "00400245", "00400270"
# what an N-SET leaves out and its reader needs: whose step it is, where, of which order, since when
CREATED_WITH = frozenset(
    (
        *("00080005", "00080060", "00080201", "00081032", "00100020", "00100021", "00100030", "00100040"),
        *("00400241", "00400242", START_DATE, START_TIME, STATUS, "00400253", SCHEDULED_STEPS),
    )
)

DataSet = dict[str, Any]  # DICOM JSON


class PerformedSteps:
    """Steps by SOP instance, created and changed by many associations at once; what is granted is on disk first.

    After a restart the steps of the last `days` are known again from what had landed.
    """

    def __init__(self, landing: LandingWriter, days: float) -> None:
        self._landing = landing
        self._lock = threading.Lock()
        self._created: dict[str, DataSet] = {}
        self._state: dict[str, str] = {}
        self._closed = False
        for path in _recent(landing.folder, days):
            self._recall(path)

    def create(self, uid: str, data_set: DataSet) -> int:
        """Return the status of an N-CREATE, after the step has been made durable."""
        state = _text(data_set, STATUS)
        with self._lock:
            if uid in self._state:
                return DUPLICATE
            if not state or not _text(data_set, START_DATE) or not _text(data_set, START_TIME):
                return MISSING
            if SCHEDULED_STEPS not in data_set:
                return MISSING
            if state != STATES[0]:
                return BAD_VALUE
            return self._keep("N-CREATE", uid, data_set, state)

    def change(self, uid: str, data_set: DataSet) -> tuple[int, int | None]:
        """Return status and error ID of an N-SET, after the change has been made durable."""
        with self._lock:
            known = self._state.get(uid)
            if known is None:
                return UNKNOWN, None
            if known != STATES[0]:
                return FAILED, NO_LONGER
            state = _text(data_set, STATUS) or known
            if state not in STATES:
                return BAD_VALUE, None
            return self._keep("N-SET", uid, data_set, state), None

    def close(self) -> None:
        """Grant nothing any more: another process may write here next."""
        with self._lock:
            self._closed = True

    def _keep(self, message: str, uid: str, data_set: DataSet, state: str) -> int:
        at = datetime.now(UTC)
        payload = {"message": message, "sop_instance_uid": uid, "received_at": at.isoformat(), "data_set": data_set}
        if message == "N-SET":
            payload["created"] = self._created[uid]
        if self._closed:
            return NO_ROOM
        try:
            self._landing.append(json.dumps(payload, ensure_ascii=False).encode(), at, NOTE)
            self._landing.sync()
        except (OSError, ValueError):
            return NO_ROOM
        self._note(uid, data_set, state)
        return SUCCESS

    def _note(self, uid: str, data_set: DataSet, state: str) -> None:
        self._state[uid] = state
        if state != STATES[0]:
            self._created.pop(uid, None)
        elif uid not in self._created:
            self._created[uid] = {tag: data_set[tag] for tag in CREATED_WITH & data_set.keys()}

    def _recall(self, path: Path) -> None:
        with suppress(TornSegmentError, OSError):
            for frame in frames(path):
                if frame.note == NOTE:
                    found = json.loads(frame.payload)
                    uid, data_set = found["sop_instance_uid"], found["data_set"]
                    self._note(uid, data_set, _text(data_set, STATUS) or self._state.get(uid, STATES[0]))


def _recent(folder: Path, days: float) -> list[Path]:
    oldest = (datetime.now(UTC) - timedelta(days=days)).strftime("%Y%m%dT%H%M%S")
    return sorted(path for path in folder.glob(f"*{SEALED}") if path.name >= oldest)


def _text(data_set: DataSet, tag: str) -> str:
    values = data_set.get(tag, {}).get("Value") or [""]
    return str(values[0]).strip() if values[0] is not None else ""
