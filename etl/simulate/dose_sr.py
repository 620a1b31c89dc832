"""Dose reports as DICOM SR: TID 10011 (CT), TID 10001 (projection, mammography), TID 10021 (radiopharmaceuticals)."""

from __future__ import annotations

from pathlib import Path

from etl.simulate.demand import uid
from etl.simulate.dicom_images import header, step
from etl.simulate.dicom_write import Elements, coded, part10, sequence, text, texts
from etl.simulate.doses import DoseEvent, totals
from etl.simulate.exam import Exam
from etl.simulate.faults import Faults
from etl.simulate.image_faults import shown
from etl.simulate.local import clock_of
from etl.simulate.scenario import SCANNER, SITE

XRAY_DOSE_SR = "1.2.840.10008.5.1.4.1.1.88.67"
RADIOPHARMACEUTICAL_DOSE_SR = "1.2.840.10008.5.1.4.1.1.88.68"
ENHANCED_SR = "1.2.840.10008.5.1.4.1.1.88.22"  # GE sends its dose reports as these
TEMPLATE = {"CT": "10011", "DX": "10001", "MG": "10001", "XA": "10001", "NM": "10021"}
PHANTOM = {16: ("113690", "IEC Head Dosimetry Phantom"), 32: ("113691", "IEC Body Dosimetry Phantom")}
REGION = {
    "HEAD": ("T-D1100", "Head"), "HEADNECK": ("T-D1000", "Head and Neck"), "SINUS": ("T-22000", "Paranasal sinus"),
    "CSPINE": ("T-11501", "Cervical spine"), "CHEST": ("T-D3000", "Chest"), "ABDOMEN": ("T-D4000", "Abdomen"),
    "ABDOMENPELVIS": ("R-FAB57", "Abdomen and Pelvis"), "HAND": ("T-D8700", "Hand"), "ANKLE": ("T-15750", "Ankle"),
    "KNEE": ("T-D9200", "Knee"), "PELVIS": ("T-D6000", "Pelvis"), "LSPINE": ("T-11503", "Lumbar spine"),
    "LEG": ("T-D9000", "Leg"),
}  # fmt: skip
BREAST = {"R": ("T-04020", "Right breast"), "L": ("T-04030", "Left breast")}
VIEW = {"CC": ("R-10242", "cranio-caudal"), "MLO": ("R-10226", "medio-lateral oblique")}
DECIGRAY_STATIONS = frozenset({"SDX1"})  # this maker writes dGy.cm2 where the template asks for Gy.m2


def write_report(exam: Exam, events: list[DoseEvent], faults: Faults, folder: Path) -> None:
    """Write ``<report UID>.dcm`` below a folder; `events` must not be empty."""
    spec = SCANNER[exam.scanner or ""]
    instance = uid(faults.scenario.seed, "dose report", exam.key)
    clock = clock_of(SITE[exam.site].zone)
    made = clock.hl7(faults.device_s(spec.code, events[-1].end_s + 40))
    body = header(exam, faults, events[0].begin_s) | step(exam, faults)
    body.pop(0x00180015)
    body |= texts([
        (0x00080005, "CS", "ISO_IR 192"), (0x00080012, "DA", made[:8]), (0x00080013, "TM", made[8:]),
        (0x00080023, "DA", made[:8]), (0x00080033, "TM", made[8:]), (0x00080021, "DA", made[:8]),
        (0x00080031, "TM", made[8:]), (0x00080060, "CS", "SR"), (0x00080070, "LO", spec.manufacturer),
        (0x00081090, "LO", spec.model), (0x00181000, "LO", f"SIM{spec.code}"), (0x00181020, "LO", "1.0"),
        (0x0020000E, "UI", uid(faults.scenario.seed, "dose series", exam.key)),
        (0x00200011, "IS", "990"), (0x00200013, "IS", "1"), (0x0040A040, "CS", "CONTAINER"),
        (0x0040A050, "CS", "SEPARATE"), (0x0040A491, "CS", "COMPLETE"), (0x0040A493, "CS", "UNVERIFIED"),
    ])  # fmt: skip
    body |= {tag: sequence(tag, ()) for tag in (0x00081111, 0x0040A372)}
    template = texts([(0x00080105, "CS", "DCMR"), (0x0040DB00, "CS", TEMPLATE[spec.modality])])
    body[0x0040A504] = sequence(0x0040A504, [template])
    report = _Report(exam, events, faults)
    body[0x0040A043] = coded(0x0040A043, *report.title)
    body[0x0040A730] = sequence(0x0040A730, report.content())
    (folder / f"{instance}.dcm").write_bytes(part10(report.sop_class, instance, body))


class _Report:
    """The content tree of one report."""

    def __init__(self, exam: Exam, events: list[DoseEvent], faults: Faults) -> None:
        self.exam, self.events, self.faults = exam, events, faults
        self.study_uid = shown(exam, faults, exam.begin_s or 0).study_uid
        self.modality = exam.modality
        self.is_decigray = (exam.scanner or "") in DECIGRAY_STATIONS

    @property
    def title(self) -> tuple[str, str, str]:
        """Code, scheme and meaning of the document title."""
        if self.modality == "NM":
            return "113500", "DCM", "Radiopharmaceutical Radiation Dose Report"
        return "113701", "DCM", "X-Ray Radiation Dose Report"

    @property
    def sop_class(self) -> str:
        """The SOP class UID that the scanner's maker writes."""
        if self.modality == "NM":
            return RADIOPHARMACEUTICAL_DOSE_SR
        return ENHANCED_SR if SCANNER[self.exam.scanner or ""].manufacturer.startswith("GE ") else XRAY_DOSE_SR

    def content(self) -> list[Elements]:
        """Return the items of the content sequence."""
        spec = SCANNER[self.exam.scanner or ""]
        device = [
            _code("121005", "Observer Type", ("121007", "DCM", "Device"), "HAS OBS CONTEXT"),
            _uid("121012", "Device Observer UID", uid("device", spec.code), "HAS OBS CONTEXT"),
            _text("121013", "Device Observer Name", spec.stations[0], "HAS OBS CONTEXT"),
            _text("121014", "Device Observer Manufacturer", spec.manufacturer, "HAS OBS CONTEXT"),
            _text("121015", "Device Observer Model Name", spec.model, "HAS OBS CONTEXT"),
        ]
        if self.modality == "NM":
            head = _code("G-C2D0", "Associated Procedure", ("P5-D0000", "SRT", "Nuclear medicine"), scheme="SRT")
            return [head, *device, *(self._administration(e) for e in self.events)]
        kinds = {"CT": ("P5-08000", "SRT", "Computed Tomography X-Ray"), "MG": ("P5-40010", "SRT", "Mammography")}
        procedure = kinds.get(self.modality, ("113704", "DCM", "Projection X-Ray"))
        intent = _code("G-C0E8", "Has Intent", ("R-408C3", "SRT", "Diagnostic Intent"), "HAS CONCEPT MOD", "SRT")
        head = _code("121058", "Procedure reported", procedure, "HAS CONCEPT MOD", children=[intent])
        begin, end = min(e.begin_s for e in self.events), max(e.end_s for e in self.events)
        scope = _code("113705", "Scope of Accumulation", ("113014", "DCM", "Study"), children=[
            _uid("110180", "Study Instance UID", self.study_uid, "HAS PROPERTIES")])  # fmt: skip
        if self.modality == "CT":
            times = [
                self._at("113809", "Start of X-Ray Irradiation", begin),
                self._at("113810", "End of X-Ray Irradiation", end),
            ]
            return [head, *device, *times, scope, self._ct_totals(), *(self._ct_event(e) for e in self.events)]
        return [head, *device, scope, self._totals(), *(self._exposure(e) for e in self.events)]

    def _at(self, code: str, meaning: str, at_s: int, relation: str = "CONTAINS") -> Elements:
        shown = clock_of(SITE[self.exam.site].zone).hl7(self.faults.device_s(self.exam.scanner or "", at_s))
        return _item("DATETIME", code, meaning, relation) | texts([(0x0040A120, "DT", shown)])

    def _dap(self, code: str, meaning: str, value: float) -> Elements:
        if self.is_decigray:
            return _num(code, meaning, value * 1e5, "dGy.cm2")
        return _num(code, meaning, value, "Gy.m2")

    def _ct_totals(self) -> Elements:
        total = totals(self.events)["dlp_mgy_cm"]
        return _container("113811", "CT Accumulated Dose Data", [
            _num("113812", "Total Number of Irradiation Events", len(self.events), "{events}"),
            _num("113813", "CT Dose Length Product Total", total, "mGy.cm"),
        ])  # fmt: skip

    def _ct_event(self, e: DoseEvent) -> Elements:
        kind = (
            ("113805", "DCM", "Constant Angle Acquisition")
            if e.is_localizer
            else ("P5-08001", "SRT", "Spiral Acquisition")
        )
        phantom = PHANTOM[e.phantom_cm or 32]
        dose = [
            _num("113830", "Mean CTDIvol", e.ctdivol_mgy or 0.0, "mGy"),
            _code("113835", "CTDIw Phantom Type", (phantom[0], "DCM", phantom[1])),
            _num("113838", "DLP", e.dlp_mgy_cm or 0.0, "mGy.cm"),
            *_size(e),
            *_dose_check(e),
        ]
        source = _container("113831", "CT X-Ray Source Parameters", [
            _text("113832", "Identification of the X-Ray Source", "A"), _num("113733", "KVP", 120, "kV"),
            _num("113734", "X-Ray Tube Current", 205, "mA"),
        ])  # fmt: skip
        return _container("113819", "CT Acquisition", [
            _text("125203", "Acquisition Protocol", e.protocol), self._region(e),
            _code("113820", "CT Acquisition Type", kind),
            _uid("113769", "Irradiation Event UID", e.uid),
            self._at("111526", "DateTime Started", e.begin_s),
            _container("113822", "CT Acquisition Parameters", [
                _num("113824", "Exposure Time", max(e.end_s - e.begin_s, 1), "s"),
                _num("113825", "Scanning Length", (e.length_cm or 0.0) * 10, "mm"), source,
            ]),
            _container("113829", "CT Dose", dose),
        ])  # fmt: skip

    def _region(self, e: DoseEvent) -> Elements:
        region = BREAST[e.side] if e.side else REGION.get(self.exam.procedure.body_part, ("T-D0010", "Entire body"))
        return _code("123014", "Target Region", (region[0], "SRT", region[1]))

    def _totals(self) -> Elements:
        sums = totals(self.events)
        items = [_plane()]
        if self.modality == "MG":
            for side, name in (("R", "agd_right_mgy"), ("L", "agd_left_mgy")):
                if name in sums:
                    code, meaning = BREAST[side]
                    where = _code("G-C171", "Laterality", (code, "SRT", meaning), "HAS CONCEPT MOD", "SRT")
                    items.append(_num("111637", "Accumulated Average Glandular Dose", sums[name], "mGy", [where]))
        else:
            items.append(self._dap("113722", "Dose Area Product Total", sums["dap_gy_m2"]))
        if self.modality == "XA":
            lasted = sum(e.end_s - e.begin_s for e in self.events if e.is_fluoroscopy)
            items.append(_num("113725", "Dose (RP) Total", sums["dose_rp_gy"], "Gy"))
            items.append(_num("113730", "Total Fluoro Time", lasted, "s"))
        return _container("113702", "Accumulated X-Ray Dose Data", items)

    def _exposure(self, e: DoseEvent) -> Elements:
        kind = ("P5-06000", "SRT", "Fluoroscopy") if e.is_fluoroscopy else ("113611", "DCM", "Stationary Acquisition")
        items = [
            _plane(), self._at("111526", "DateTime Started", e.begin_s),
            _code("113721", "Irradiation Event Type", kind), _text("125203", "Acquisition Protocol", e.protocol),
            self._region(e), _uid("113769", "Irradiation Event UID", e.uid),
        ]  # fmt: skip
        if e.dap_gy_m2 is not None:
            items.append(self._dap("122130", "Dose Area Product", e.dap_gy_m2))
        if e.dose_rp_gy is not None:
            items += [_num("113738", "Dose (RP)", e.dose_rp_gy, "Gy"),
                      _num("112011", "Positioner Primary Angle", 12, "deg"),
                      _num("113742", "Irradiation Duration", e.end_s - e.begin_s, "s")]  # fmt: skip
        if e.agd_mgy is not None:
            view = VIEW[e.view or "CC"]
            items += [_num("111631", "Average Glandular Dose", e.agd_mgy, "mGy"),
                      _num("111633", "Compression Thickness", e.thickness_mm or 0.0, "mm"),
                      _code("111031", "Image View", (view[0], "SRT", view[1]))]  # fmt: skip
        return _container("113706", "Irradiation Event X-Ray Data", items)

    def _administration(self, e: DoseEvent) -> Elements:
        return _container("113502", "Radiopharmaceutical Administration", [
            _code("F-61FDB", "Radiopharmaceutical agent", ("C-B1000", "SRT", "Radiopharmaceutical"), scheme="SRT"),
            _uid("113503", "Radiopharmaceutical Administration Event UID", e.uid),
            self._at("123003", "Radiopharmaceutical Start DateTime", e.begin_s),
            self._at("123004", "Radiopharmaceutical Stop DateTime", e.end_s),
            _num("113507", "Administered activity", e.activity_mbq or 0.0, "MBq"),
        ])  # fmt: skip


def _item(kind: str, code: str, meaning: str, relation: str, scheme: str = "DCM") -> Elements:
    name = coded(0x0040A043, code, scheme, meaning)
    return {0x0040A010: text(0x0040A010, "CS", relation), 0x0040A040: text(0x0040A040, "CS", kind), 0x0040A043: name}


def _with(item: Elements, children: list[Elements] | None) -> Elements:
    return item | {0x0040A730: sequence(0x0040A730, children)} if children else item


def _text(code: str, meaning: str, value: str, relation: str = "CONTAINS") -> Elements:
    return _item("TEXT", code, meaning, relation) | texts([(0x0040A160, "UT", value)])


def _uid(code: str, meaning: str, value: str, relation: str = "CONTAINS") -> Elements:
    return _item("UIDREF", code, meaning, relation) | texts([(0x0040A124, "UI", value)])


def _code(
    code: str, meaning: str, value: tuple[str, str, str], relation: str = "CONTAINS", scheme: str = "DCM",
    children: list[Elements] | None = None,
) -> Elements:  # fmt: skip
    return _with(_item("CODE", code, meaning, relation, scheme) | {0x0040A168: coded(0x0040A168, *value)}, children)


def _num(code: str, meaning: str, value: float, unit: str, children: list[Elements] | None = None) -> Elements:
    """Return a number; DS holds 16 characters, enough for every value here."""
    measured = {
        0x0040A30A: text(0x0040A30A, "DS", f"{value:.10g}"),
        0x004008EA: coded(0x004008EA, unit, "UCUM", unit),
    }
    return _with(_item("NUM", code, meaning, "CONTAINS") | {0x0040A300: sequence(0x0040A300, [measured])}, children)


def _container(code: str, meaning: str, children: list[Elements]) -> Elements:
    return _with(_item("CONTAINER", code, meaning, "CONTAINS") | texts([(0x0040A050, "CS", "SEPARATE")]), children)


def _size(e: DoseEvent) -> list[Elements]:
    if e.diameter_mm is None or e.ssde_mgy is None:
        return []
    diameter = _num("113980", "Water Equivalent Diameter", e.diameter_mm, "mm")
    return [_num("113930", "Size Specific Dose Estimation", e.ssde_mgy, "mGy", [diameter])]


def _dose_check(e: DoseEvent) -> list[Elements]:
    """Return the blocks of TID 10015: limits always, an estimate only where it lies above one."""
    if e.limits_mgy is None or e.ctdivol_mgy is None:
        return []
    notified, alerted = e.limits_mgy
    yes = ("R-0038D", "SRT", "Yes")
    alert = [
        _code("113902", "CTDIvol Alert Value Configured", yes),
        _num("113904", "CTDIvol Alert Value", alerted, "mGy"),
    ]
    notice = [
        _code("113910", "CTDIvol Notification Value Configured", yes),
        _num("113912", "CTDIvol Notification Value", notified, "mGy"),
    ]
    if e.ctdivol_mgy > alerted:
        alert.append(_num("113906", "Accumulated CTDIvol Forward Estimate", e.ctdivol_mgy, "mGy"))
        alert.append(_text("113907", "Reason for Proceeding", "Large patient"))
    if e.ctdivol_mgy > notified:
        notice.append(_num("113914", "CTDIvol Forward Estimate", e.ctdivol_mgy, "mGy"))
    return [
        _container("113900", "Dose Check Alert Details", alert),
        _container("113908", "Dose Check Notification Details", notice),
    ]


def _plane() -> Elements:
    return _code("113764", "Acquisition Plane", ("113622", "DCM", "Single Plane"))
