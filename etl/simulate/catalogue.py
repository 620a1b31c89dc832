"""The procedures of the simulated hospitals and how often each class of patient gets them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Procedure:
    """One imaging procedure.

    `code` is the North hospital's local code, the South one's is `south_code`; `work_min` and `read_min` are
    medians; `share` is the relative frequency among emergency, inpatient and outpatient exams of its modality.
    """

    code: str
    text: str
    modality: str
    section: str
    body_part: str
    work_min: float
    read_min: float
    share: tuple[float, float, float]
    series: int
    ai: str | None = None
    contrast: bool = False

    @property
    def south_code(self) -> str:
        """Return the South hospital's own code: its catalogue names modality and a number."""
        return f"{self.modality}{NUMBER[self.code]:03d}"


def _p(
    code: str, text: str, section: str, part: str, work: float, read: float,
    share: tuple[float, float, float], series: int, ai: str | None = None, contrast: bool = False,
) -> Procedure:  # fmt: skip
    return Procedure(code, text, code[:2], section, part, work, read, share, series, ai, contrast)


PROCEDURES = (
    _p("CTHEADWO", "CT HEAD WITHOUT CONTRAST", "NEURO", "HEAD", 10.9, 11.4, (33, 24, 5), 3, "ICH"),
    _p("CTCSPINE", "CT CERVICAL SPINE WITHOUT CONTRAST", "NEURO", "CSPINE", 10.9, 11.4, (7, 2, 2), 3),
    _p("CTANECK", "CT ANGIOGRAPHY HEAD AND NECK", "NEURO", "HEADNECK", 19.3, 25.9, (8, 5, 2), 4, "LVO", True),
    _p("CTCHESTWO", "CT CHEST WITHOUT CONTRAST", "CHEST", "CHEST", 12.1, 14.6, (4, 15, 24), 3),
    _p("CTAPE", "CT ANGIOGRAPHY CHEST PULMONARY EMBOLISM", "CHEST", "CHEST", 18.1, 16.2, (11, 12, 1), 3, "PE", True),
    _p("CTCHESTW", "CT CHEST WITH CONTRAST", "CHEST", "CHEST", 15.8, 16.2, (2, 8, 14), 3, None, True),
    _p(
        "CTABDPELW",
        "CT ABDOMEN AND PELVIS WITH CONTRAST",
        "BODY",
        "ABDOMENPELVIS",
        20.5,
        21.1,
        (27, 30, 30),
        3,
        None,
        True,
    ),
    _p("CTRENAL", "CT ABDOMEN AND PELVIS RENAL STONE", "BODY", "ABDOMENPELVIS", 10.9, 13, (8, 4, 4), 2),
    _p("CTLUNGSCR", "CT CHEST LUNG SCREENING LOW DOSE", "CHEST", "CHEST", 9.7, 9.7, (0, 0, 12), 2),
    _p("CTSINUS", "CT SINUS WITHOUT CONTRAST", "NEURO", "SINUS", 9.7, 8.2, (0, 0, 6), 2),
    _p("MRBRAINWWO", "MR BRAIN WITHOUT AND WITH CONTRAST", "NEURO", "BRAIN", 34.3, 24.2, (40, 38, 24), 6, None, True),
    _p("MRLSPINE", "MR LUMBAR SPINE WITHOUT CONTRAST", "NEURO", "LSPINE", 27, 19.4, (35, 24, 22), 5),
    _p("MRCSPINE", "MR CERVICAL SPINE WITHOUT CONTRAST", "NEURO", "CSPINE", 27, 19.4, (20, 12, 9), 5),
    _p("MRKNEE", "MR KNEE WITHOUT CONTRAST", "MSK", "KNEE", 26, 16.2, (0, 2, 18), 5),
    _p("MRSHOULDER", "MR SHOULDER WITHOUT CONTRAST", "MSK", "SHOULDER", 28.1, 16.2, (0, 2, 10), 5),
    _p(
        "MRLIVER", "MR ABDOMEN LIVER WITHOUT AND WITH CONTRAST", "BODY", "LIVER", 39.5, 27.6, (5, 20, 10), 7, None, True
    ),
    _p("MRPROSTATE", "MR PROSTATE WITHOUT AND WITH CONTRAST", "BODY", "PROSTATE", 38.5, 25.9, (0, 2, 7), 6, None, True),
    _p("DXCHEST2V", "XR CHEST 2 VIEWS", "CHEST", "CHEST", 6.7, 3.2, (38, 45, 28), 2, "PTX"),
    _p("DXABD1V", "XR ABDOMEN 1 VIEW", "BODY", "ABDOMEN", 6.7, 3.2, (8, 22, 4), 1),
    _p("DXHAND", "XR HAND 3 VIEWS", "MSK", "HAND", 8.1, 3.6, (13, 3, 14), 1),
    _p("DXANKLE", "XR ANKLE 3 VIEWS", "MSK", "ANKLE", 8.1, 3.6, (15, 2, 13), 1),
    _p("DXKNEE", "XR KNEE 3 VIEWS", "MSK", "KNEE", 8.7, 4, (10, 6, 22), 1),
    _p("DXHIPPEL", "XR HIP AND PELVIS", "MSK", "PELVIS", 10.8, 4.3, (11, 17, 9), 2),
    _p("DXLSPINE", "XR LUMBAR SPINE 3 VIEWS", "MSK", "LSPINE", 12.1, 5, (5, 5, 10), 2),
    _p("USABDCOMP", "US ABDOMEN COMPLETE", "BODY", "ABDOMEN", 21.2, 8.2, (30, 28, 30), 1),
    _p("USPELVIS", "US PELVIS", "BODY", "PELVIS", 22.9, 8.2, (30, 8, 22), 1),
    _p("USTHYROID", "US THYROID", "BODY", "THYROID", 17.6, 7.3, (0, 4, 22), 1),
    _p("USRENAL", "US RENAL", "BODY", "KIDNEY", 16.7, 6.5, (12, 26, 14), 1),
    _p("USVENLEG", "US VENOUS DUPLEX LOWER EXTREMITY", "BODY", "LEG", 19.4, 6.5, (28, 34, 12), 1),
    _p("MGSCREEN", "MG SCREENING MAMMOGRAM BILATERAL", "BREAST", "BREAST", 10, 6.5, (0, 0, 76), 4),
    _p("MGDIAG", "MG DIAGNOSTIC MAMMOGRAM UNILATERAL", "BREAST", "BREAST", 19, 11.4, (0, 0, 24), 4),
    _p("NMBONE", "NM BONE SCAN WHOLE BODY", "NUC", "WHOLEBODY", 34, 14.6, (0, 30, 34), 2),
    _p("NMMYOCARD", "NM MYOCARDIAL PERFUSION", "NUC", "HEART", 52, 19.4, (0, 40, 36), 6),
    _p("NMTHYROID", "NM THYROID UPTAKE AND SCAN", "NUC", "THYROID", 31, 13, (0, 4, 16), 4),
    _p("NMHIDA", "NM HEPATOBILIARY SCAN", "NUC", "LIVER", 58, 14.6, (0, 26, 14), 6),
    _p("XAPORT", "IR PORT PLACEMENT", "IR", "CHEST", 46, 11.4, (0, 24, 44), 5),
    _p("XALEG", "IR ANGIOGRAM LOWER EXTREMITY", "IR", "LEG", 84, 22.7, (20, 26, 28), 10),
    _p("XADRAIN", "IR ABSCESS DRAINAGE", "IR", "ABDOMEN", 52, 14.6, (50, 30, 8), 6),
    _p("XAEMBOL", "IR EMBOLIZATION", "IR", "ABDOMEN", 95, 25.9, (30, 20, 20), 12),
)

NUMBER = {p.code: n + 1 for n, p in enumerate(PROCEDURES)}
PROCEDURE = {p.code: p for p in PROCEDURES}
CLASSES = "EIO"
MODALITIES = ("CT", "MR", "DX", "US", "MG", "NM", "XA")

# a first exam that often brings a second on the same table: (second exam, probability)
LINKED_WITH = {
    "CTHEADWO": ("CTCSPINE", 0.14),
    "CTCHESTW": ("CTABDPELW", 0.45),
    "MRLSPINE": ("MRCSPINE", 0.06),
}

# a procedure that protocolling changes into another (message XO)
CHANGED_FROM = {"CTABDPELW": "CTRENAL", "CTCHESTW": "CTCHESTWO", "CTAPE": "CTCHESTW"}


def by_modality(modality: str) -> tuple[Procedure, ...]:
    """Return the procedures of a modality, in catalogue order."""
    return tuple(p for p in PROCEDURES if p.modality == modality)
