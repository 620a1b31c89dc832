"""The simulated hospitals' HL7 v2.5.1 messages as text, segments not yet joined."""

from __future__ import annotations

from dataclasses import dataclass

from etl.simulate.catalogue import Procedure
from etl.simulate.exam import Exam
from etl.simulate.faults import Faults
from etl.simulate.followups import report_text
from etl.simulate.local import LocalClock, clock_of
from etl.simulate.people import patient, staff_name
from etl.simulate.report_texts import DISCLAIMER
from etl.simulate.scenario import SITE
from etl.simulate.timeline import ORU, SIU, Mail, merged_patient

SENDER = {"NORTH": "SIMRIS", "SOUTH": "SIMHIS"}
OMI_MODALITIES = ("CT", "MR")  # the South hospital orders these by OMI^O23
CONTROL = {  # message kind -> ORC-1, ORC-5
    "NW": ("NW", ""), "OK": ("OK", "SC"), "XO": ("XO", ""), "IP": ("SC", "IP"), "CM": ("SC", "CM"),
    "DC": ("DC", "DC"), "CA": ("CA", "CA"),
}  # fmt: skip
PRIORITY_WORDS = {"S": "Stat", "A": "As soon as possible", "R": "Routine"}
AI_NAMES = {
    "ICH": "Intracranial haemorrhage",
    "LVO": "Large vessel occlusion",
    "PE": "Pulmonary embolism",
    "PTX": "Pneumothorax",
}


@dataclass(frozen=True)
class Writer:
    """Writes the messages of one hospital.

    The North sends every time with its offset, the South only MSH-7; the South learns filler and accession number
    on acceptance.
    """

    site: str
    faults: Faults

    @property
    def clock(self) -> LocalClock:
        """Return the hospital's wall clock."""
        return clock_of(SITE[self.site].zone)

    def time(self, at_s: int | None) -> str:
        """Return a time as this hospital writes it in the body of a message."""
        if at_s is None:
            return ""
        return self.clock.hl7_offset(at_s) if self.site == "NORTH" else self.clock.hl7(at_s)

    def segments(self, mail: Mail, exam: Exam | None) -> list[str]:
        """Return the segments of a message; `exam` is None for merges only."""
        if exam is None:
            return self._merge(mail)
        if mail.kind in SIU:
            return self._appointment(mail, exam)
        if mail.kind in ORU:
            return self._result(mail, exam)
        if mail.kind in CONTROL:
            return self._order(mail, exam)
        at = self.time(mail.at_s)
        head = self._msh(mail, f"ADT^{mail.kind}^ADT_A01")
        return [head, f"EVN|{mail.kind}|{self.time(mail.sent_s)}||||{at}", self._pid(exam, mail.at_s), self._pv1(exam)]

    def _msh(self, mail: Mail, kind: str, sender: str = "") -> str:
        control = f"{SITE[self.site].letter}{mail.key}{mail.sequence:03d}{mail.copy}"
        sent = self.clock.hl7_offset(mail.sent_s)
        sender = sender or SENDER[self.site]
        return (
            f"MSH|^~\\&|{sender}|{self.site}|RADPULSE|{self.site}|{sent}||{kind}|{control}|P|2.5.1||||||UNICODE UTF-8"
        )

    def _pid(self, exam: Exam, at_s: int) -> str:
        return self._pid_of(exam.patient, self.faults.mrn(exam.site, exam.patient, at_s))

    def _pid_of(self, number: int, mrn: str) -> str:
        p = patient(self.site, number)
        return (
            f"PID|1||{mrn}^^^{self.site}^MR||{p.family}^{p.given}^^^^^L||{p.birth}|{p.sex}|||1 SIMULATION WAY^^SIMTOWN"
        )

    def _pv1(self, exam: Exam) -> str:
        place = {"E": "ED", "I": "WARD", "O": "RAD"}[exam.patient_class]
        return f"PV1|1|{exam.patient_class}|{place}^^^{self.site}|||||{_person(exam.orderer)}|||||||||||{exam.visit}"

    def _orc(
        self, control: str, status: str, exam: Exam, at_s: int | None, reason: str = "", known: bool = True
    ) -> str:
        filler = exam.filler if known else ""
        at = self.time(at_s)
        return f"ORC|{control}|{exam.placer}|{filler}||{status}||||{at}|||{_person(exam.orderer)}||||{reason}"

    def _obr(
        self, exam: Exam, at_s: int, *, status: str = "", status_s: int | None = None, begin_s: int | None = None,
        end_s: int | None = None, readers: str = "|", known: bool = True, with_room: bool = False,
    ) -> str:  # fmt: skip
        """Return the OBR; `readers` is OBR-32 and OBR-33 with the bar between them."""
        filler, accession = (exam.filler, exam.accession) if known else ("", "")
        steps = f"RP{accession[3:]}|SPS{accession[3:]}" if known else "|"
        room = self.faults.station(exam.scanner, at_s) if with_room and exam.scanner else ""
        technologist = exam.technologist or "" if with_room else ""
        timing = f"^^^^^{exam.priority}" if self.site == "NORTH" else ""
        booked = self._booked(exam, at_s)
        return (
            f"OBR|1|{exam.placer}|{filler}|{self._procedure(exam, at_s)}|||{self.time(begin_s)}|{self.time(end_s)}"
            f"||||||||{_person(exam.orderer)}||{accession}|{steps}|{room}|{self.time(status_s)}||{exam.modality}"
            f"|{status}||{timing}|||||{readers}|{technologist}||{booked}"
        )

    def _booked(self, exam: Exam, at_s: int) -> str:
        known = [b for b in exam.bookings if b.booked_s <= at_s]
        return self.time(known[-1].begin_s) if known else ""

    def _procedure(self, exam: Exam, at_s: int) -> str:
        p = procedure_at(exam, at_s)
        return f"{p.code if self.site == 'NORTH' else p.south_code}^{p.text}^L"

    def _timing(self, exam: Exam, at_s: int) -> list[str]:
        if self.site == "NORTH":
            return []
        return [f"TQ1|1||||||{self._booked(exam, at_s)}||{exam.priority}^{PRIORITY_WORDS[exam.priority]}^HL70485"]

    def _order(self, mail: Mail, exam: Exam) -> list[str]:
        control, status = CONTROL[mail.kind]
        known = self.site == "NORTH" or (mail.kind != "NW" and mail.at_s >= exam.accepted_s)
        is_omi = self.site == "SOUTH" and exam.modality in OMI_MODALITIES
        began = mail.kind in ("IP", "CM", "DC") or (exam.begin_s is not None and mail.at_s >= exam.begin_s)
        status_s = mail.at_s if mail.kind in ("IP", "CM", "DC") else None
        begin_s, end_s = (exam.begin_s, exam.end_s) if self.site == "NORTH" and mail.kind == "CM" else (None, None)
        reason = exam.cancel_reason if mail.kind in ("CA", "DC") else exam.order_reason if mail.kind == "NW" else ""
        found = [
            self._msh(mail, "OMI^O23^OMI_O23" if is_omi else "ORM^O01^ORM_O01"), self._pid(exam, mail.at_s),
            self._pv1(exam), self._orc(control, status, exam, mail.at_s, reason, known), *self._timing(exam, mail.at_s),
            self._obr(exam, mail.at_s, status_s=status_s, begin_s=begin_s, end_s=end_s, known=known, with_room=began),
        ]  # fmt: skip
        return found + (self._study(exam, is_omi) if known else [])

    def _study(self, exam: Exam, is_omi: bool) -> list[str]:
        number = exam.accession[3:]
        if is_omi:
            return [f"IPC|{exam.accession}|RP{number}|{exam.study_uid}|SPS{number}|{exam.modality}"]
        return [f"ZDS|{exam.study_uid}^RADPULSE^Application^DICOM"]

    def _appointment(self, mail: Mail, exam: Exam) -> list[str]:
        b = exam.bookings[mail.booking]
        start, end = self.time(b.begin_s), self.time(b.begin_s + b.minutes * 60)
        given_up = exam.bookings[mail.booking - 1] if mail.kind == "S13" else b  # S13 says why the old time was left
        reason = given_up.reason if mail.kind in ("S13", "S15", "S26") else ""
        status = {"S15": "Cancelled", "S26": "Noshow"}.get(mail.kind, "Booked")
        room = self.faults.station(b.scanner, b.begin_s)
        return [
            self._msh(mail, f"SIU^{mail.kind}^SIU_S12"),
            f"SCH|P{b.appointment_id}|{b.appointment_id}||||{reason}|||{b.minutes}|MIN|^^{b.minutes}^{start}^{end}"
            f"||||||||||||||{status}|{exam.placer}|{exam.filler}",
            self._pid(exam, mail.at_s), self._pv1(exam), "RGS|1|A",
            f"AIS|1|A|{self._procedure(exam, mail.at_s)}|{start}|||{b.minutes}|MIN", f"AIL|1|A|{room}^^^{self.site}",
        ]  # fmt: skip

    def _result(self, mail: Mail, exam: Exam) -> list[str]:
        if mail.kind == "AI":
            return self._ai_result(mail, exam)
        # communication told later repeats the report it belongs to, with that report's own time
        at_s = exam.final_s if mail.kind == "FLAGS" else mail.at_s
        status = "F" if mail.kind == "FLAGS" else mail.kind
        reader = exam.reader if mail.kind in ("F", "C", "FLAGS", "R") else None
        readers = f"{_staff(reader)}|{_staff(exam.assistant)}"
        found = [
            self._msh(mail, "ORU^R01^ORU_R01"), self._pid(exam, mail.at_s), self._pv1(exam),
            self._orc("RE", "", exam, None), *self._timing(exam, mail.at_s),
            self._obr(exam, mail.at_s, status=status, status_s=at_s, readers=readers, with_room=True),
        ]  # fmt: skip
        return found + self._observations(mail, exam, status)

    def _observations(self, mail: Mail, exam: Exam, status: str) -> list[str]:
        found = []
        if mail.kind != "FLAGS":
            signed = status == "F" and mail.kind == "F"
            text = report_text(exam, self.faults.scenario) if signed else DISCLAIMER
            text += " ADDENDUM." if status == "C" else ""
            found.append(f"OBX|1|TX|GDT^Report text^L||{text}||||||{status}|||{self.time(mail.at_s)}")
        is_first = status == "P" or (status == "F" and exam.prelim_s is None)
        if is_first and exam.critical_class is not None:
            found.append(
                self._coded(len(found), "CRIT^Critical result class", str(exam.critical_class), exam.crit_identified_s)
            )
        if mail.kind == "F":
            found += self._quality(len(found), exam, mail.at_s)
        if mail.kind == "C" and exam.addendum_class is not None:
            word = exam.addendum_class.upper()
            found.append(self._coded(len(found), "ADDCLASS^Class of the addendum", word, mail.at_s))
        if status == "F":
            for name, at_s in (("CRITNOTIF", exam.crit_notified_s), ("CRITACK", exam.crit_ack_s)):
                if at_s is not None and at_s <= mail.at_s:
                    found.append(
                        self._coded(len(found), f"{name}^Critical result communication", str(exam.critical_class), at_s)
                    )
            wanted = exam.recommended
            if wanted is not None and wanted.is_coded and mail.kind == "F":
                found.append(self._coded(len(found), "FOLLOWUP^Follow-up recommendation", wanted.code, mail.at_s))
        return found

    def _quality(self, before: int, exam: Exam, at_s: int) -> list[str]:
        """Return the impression section, and how the final departs from its preliminary."""
        found = []
        if exam.has_impression:
            at = self.time(at_s)
            found.append(f"OBX|{before + 1}|TX|IMP^Impression^L||SIMULATED IMPRESSION.||||||F|||{at}")
        if exam.discrepancy is not None:
            word = exam.discrepancy.upper()
            found.append(self._coded(before + len(found), "DISCREP^Preliminary against final", word, at_s))
        return found

    def _ai_result(self, mail: Mail, exam: Exam) -> list[str]:
        target = exam.procedure.ai or ""
        answer = ("POS" if exam.ai_positive else "NEG") + f"^{AI_NAMES[target]}"
        begin_s = exam.ai_begin_s
        return [
            self._msh(mail, "ORU^R01^ORU_R01", "SIMTRIAGE"), self._pid(exam, mail.at_s), self._pv1(exam),
            self._orc("RE", "", exam, None), *self._timing(exam, mail.at_s),
            self._obr(exam, mail.at_s, status="A", status_s=mail.at_s, begin_s=begin_s),
            f"OBX|1|CE|AITRIAGE^Triage algorithm result^L||{answer}^L||||||F|||{self.time(mail.at_s)}",
        ]  # fmt: skip

    def _coded(self, before: int, code: str, answer: str, at_s: int | None) -> str:
        return f"OBX|{before + 1}|CE|{code}^L||{answer}||||||F|||{self.time(at_s)}"

    def _merge(self, mail: Mail) -> list[str]:
        number = merged_patient(mail)
        old, at_s = self.faults.merges[(self.site, number)]
        return [
            self._msh(mail, "ADT^A40^ADT_A39"), f"EVN|A40|{self.time(mail.sent_s)}||||{self.time(at_s)}",
            self._pid_of(number, patient(self.site, number).mrn), f"MRG|{old}^^^{self.site}^MR",
        ]  # fmt: skip


def procedure_at(exam: Exam, at_s: int) -> Procedure:
    """Return the procedure as ordered before a change, as performed from the change on."""
    if exam.changed_from is not None and exam.changed_s is not None and at_s < exam.changed_s:
        return exam.changed_from
    return exam.procedure


def _person(code: str) -> str:
    family, given = staff_name(code)
    return f"{code}^{family}^{given}"


def _staff(code: str | None) -> str:
    return "" if code is None else "&".join((code, *staff_name(code)))
