"""Which patient is on show: in the session alone, never in the address, a log or a file name."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from app import data

CHOSEN = "patient_shown"  # session key: the pseudonymous key of the patient on show


def name_of(patient_key: int) -> str:
    """Return the pseudonym a screen shows: eight hexadecimal digits of the key."""
    return f"{patient_key & 0xFFFFFFFFFFFFFFFF:016x}"[:8]


def show_patient(patient_key: int) -> None:
    """Take a patient to the Patient page."""
    st.session_state[CHOSEN] = patient_key


def open_patient_of(who: data.Asker, exam_key: int) -> None:
    """Take the patient of an exam to the Patient page; raises RefusedError for roles without rows."""
    found = data.single_rows(who, "patient_of", exam_key)
    if len(found) and pd.notna(found["patient_key"].iloc[0]):
        show_patient(int(found["patient_key"].iloc[0]))
