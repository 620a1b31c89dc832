"""Suggested groups are right often enough to be worth reading, and better than plain text comparison."""

from __future__ import annotations

import difflib

from etl.codes.suggest import Example, examples_of, plain_words, suggest
from etl.settings import Settings
from etl.simulate.catalogue import PROCEDURES
from etl.warehouse.parameters import ProcedureRule, load_parameters

# names as RIS catalogues abbreviate them, with the group a person would choose
RIS_LIKE = [
    ("CT", "CT HD WO CON", "CT head"), ("CT", "CT BRN W/O", "CT head"), ("CT", "CT SINUSES", "CT sinus and face"),
    ("CT", "CTA HD/NK", "CT angiography head and neck"), ("CT", "CT ABD/PELV W IV CON", "CT abdomen pelvis"),
    ("CT", "CT ABDO", "CT abdomen pelvis"), ("CT", "CT THORAX HIGH RES", "CT chest"), ("CT", "CT CHST W", "CT chest"),
    ("CT", "CTPA", "CT angiography chest"), ("CT", "CT CAP W CON", "CT chest abdomen pelvis"),
    ("CT", "CT C-SP WO", "CT spine"), ("CT", "CT LSPINE", "CT spine"), ("CT", "CT NK SOFT TISSUE", "CT neck"),
    ("CT", "CT KUB STONE", "CT renal stone"), ("CT", "CT LOW DOSE LUNG SCREEN", "CT lung screening"),
    ("CT", "CT CARD CALC SCORING", "CT cardiac"), ("CT", "CT SHLDR RT", "CT extremity"),
    ("CT", "CT GUIDED BX", "CT intervention"), ("CT", "CT FACIAL BONES", "CT sinus and face"),
    ("CT", "CT BRN PERF", "CT brain perfusion"),
    ("MR", "MRI BRN W/WO", "MR brain"), ("MR", "MR LUMB SP", "MR spine"), ("MR", "MR CERV SP W", "MR spine"),
    ("MR", "MRI KNEES", "MR knee"), ("MR", "MR SHLDR LT", "MR shoulder"), ("MR", "MRI PROST MULTIPARAM", "MR prostate"),
    ("MR", "MRCP", "MR abdomen"), ("MR", "MR LIVR", "MR abdomen"), ("MR", "MRA CIRCLE OF WILLIS", "MR angiography"),
    ("MR", "MRI BRST BILAT", "MR breast"), ("MR", "MR CARD VIABILITY", "MR cardiac"),
    ("MR", "MRI PELV FEMALE", "MR pelvis"),
    ("DX", "CXR PA/LAT", "XR chest"), ("DX", "XR CHST 1V PORT", "XR chest"), ("DX", "XR ABD SUPINE", "XR abdomen"),
    ("DX", "KUB", "XR abdomen"), ("DX", "XR LSP AP LAT", "XR spine"), ("DX", "XR HIPS", "XR hip and pelvis"),
    ("US", "US ABDO COMPL", "US abdomen"), ("US", "US RUQ", "US abdomen"), ("US", "US PELV TRANSVAG", "US pelvis"),
    ("US", "US KIDNEYS", "US renal"), ("US", "US THYR", "US thyroid and neck"),
    ("US", "US OB 2ND TRIMESTER", "US obstetric"),
    ("MG", "MAMMO SCR BILAT", "MG screening"), ("MG", "MAMMO DIAG LT", "MG diagnostic"),
    ("MG", "BRST BX STEREO", "MG intervention"),
    ("NM", "BONE SCN WB", "NM bone"), ("NM", "MYO PERF STRESS", "NM heart"), ("NM", "HIDA W CCK", "NM hepatobiliary"),
    ("NM", "THYR UPTAKE", "NM thyroid"), ("NM", "VQ LUNGS", "NM lung"),
    ("XA", "PICC INSERT", "IR venous access"), ("XA", "ABSC DRAIN", "IR drainage"),
    ("XA", "BA SWALLOW", "Fluoroscopy GI"),
]  # fmt: skip


def rules() -> tuple[ProcedureRule, ...]:
    return load_parameters(Settings()).procedure_rules


def accuracy(found: list[str | None], expected: list[str]) -> float:
    return sum(a == b for a, b in zip(found, expected, strict=True)) / len(expected)


def by_difflib(names: list[tuple[str, str]], examples: list[Example]) -> list[str | None]:
    """The plain way: the example whose text has the highest SequenceMatcher ratio."""
    found: list[str | None] = []
    for modality, text in names:
        mine = [e for e in examples if e.modality in ("*", modality)]
        ratios = [(difflib.SequenceMatcher(None, text.upper(), e.text.upper().strip()).ratio(), e.group) for e in mine]
        found.append(max(ratios)[1] if ratios else None)
    return found


def by_likeness(names: list[tuple[str, str]], examples: list[Example]) -> list[str | None]:
    return [s[0].group if s else None for s in suggest(names, examples)]


def test_ris_like_names_find_their_group_far_more_often_than_by_plain_comparison() -> None:
    names, expected = [(m, t) for m, t, _ in RIS_LIKE], [g for _, _, g in RIS_LIKE]
    examples = examples_of(rules())
    ours, plain = accuracy(by_likeness(names, examples), expected), accuracy(by_difflib(names, examples), expected)
    assert ours >= 0.90, ours
    assert ours >= plain + 0.20, (ours, plain)


def test_names_of_the_simulated_department_find_their_group() -> None:
    from etl.warehouse.reference_match import _rule

    table = rules()
    names = [(p.modality, p.text) for p in PROCEDURES]
    matched = [_rule(table, modality, None, text) for modality, text in names]
    expected = [rule.procedure_group if rule else "" for rule in matched]
    assert accuracy(by_likeness(names, examples_of(table)), expected) >= 0.90


def test_what_a_site_grouped_already_teaches_its_own_words() -> None:
    name = [("CT", "SCHAEDEL NATIV")]
    learnt = examples_of(rules(), [("CT", "SCHAEDEL MIT KM", "CT head")])
    assert suggest(name, learnt)[0][0].group == "CT head"


def test_no_group_of_another_modality_is_suggested() -> None:
    (found,) = suggest([("MR", "CT HEAD WITHOUT CONTRAST")], examples_of(rules()))
    modality_of = {rule.procedure_group: rule.modality for rule in rules()}
    assert {modality_of[s.group] for s in found} == {"MR"}


def test_name_like_nothing_gets_no_suggestion_and_scores_fall() -> None:
    nothing, head = suggest([("CT", "§§§"), ("CT", "CT HEAD")], examples_of(rules()))
    assert nothing == []
    assert [s.score for s in head] == sorted((s.score for s in head), reverse=True)


def test_short_forms_are_written_out() -> None:
    assert plain_words("CT Abd/Pelv W/O") == "CT ABDOMEN PELVIS WO"
