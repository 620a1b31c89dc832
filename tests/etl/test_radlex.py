"""Codes from a RadLex file: proposed by name, used only once a person has reviewed them."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from etl.errors import ConfigurationError, RefusedError
from etl.radlex import Proposal, propose, write_proposals
from etl.records import EventType
from etl.settings import REFERENCE, Settings
from etl.warehouse.event_set import TYPES, UNMAPPED, type_code
from etl.warehouse.parameters import load_parameters
from etl.warehouse.vocabulary import OWN_SCHEME, vocabulary

# invented ids: which RIDs RadLex gives these events is what a site's own file must say
CSV = """\
Class ID,Preferred Label,Synonyms,Definitions,Obsolete
http://www.radlex.org/RID/RID900001,exam started,Exam begun|study start,,false
http://www.radlex.org/RID/RID900002,"Images, available",,,false
http://www.radlex.org/RID/RID900003,Final report,,,false
http://www.radlex.org/RID/RID900004,Report signed,,,false
http://www.radlex.org/RID/RID1301,lung,,,false
"""
OWL = """\
<?xml version="1.0"?>
<!DOCTYPE rdf:RDF [ <!ENTITY RID "http://www.radlex.org/RID/" > ]>
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:owl="http://www.w3.org/2002/07/owl#"
  xmlns:rdfs="http://www.w3.org/2000/01/rdf-schema#" xmlns="http://www.radlex.org/RID/">
  <owl:Class rdf:about="&RID;RID900001"><rdfs:label>RID900001</rdfs:label>
    <Preferred_name>exam started</Preferred_name><Synonym>exam begun</Synonym></owl:Class>
  <owl:Class rdf:about="&RID;RID1301"><Preferred_name>lung</Preferred_name></owl:Class>
</rdf:RDF>
"""


def by_key(proposals: list[Proposal]) -> dict[EventType, tuple[tuple[str, str], ...]]:
    return {p.term.key: p.found for p in proposals if p.found}


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_names_are_found_whatever_their_case_and_two_candidates_are_left_to_a_person(settings: Settings) -> None:
    found = by_key(propose(settings, written(settings.base, "radlex.csv", CSV)))
    assert [rid for rid, _ in found[EventType.EXAM_BEGIN]] == ["RID900001"]
    assert [rid for rid, _ in found[EventType.IMAGES_AVAILABLE]] == ["RID900002"]
    assert [rid for rid, _ in found[EventType.FINAL]] == ["RID900003", "RID900004"]
    assert len(found) == 3


def test_owl_is_read_like_csv(settings: Settings) -> None:
    found = by_key(propose(settings, written(settings.base, "RadLex.owl", OWL)))
    assert {key: [rid for rid, _ in rids] for key, rids in found.items()} == {EventType.EXAM_BEGIN: ["RID900001"]}


def test_proposals_map_nothing_until_they_are_reviewed_and_then_both_ways(settings: Settings) -> None:
    path = write_proposals(settings, propose(settings, written(settings.base, "radlex.csv", CSV)))
    assert "RID900003" not in path.read_text()  # ambiguous
    assert vocabulary(settings)[EventType.EXAM_BEGIN].scheme == OWN_SCHEME
    code = "sole:RID900001^RadLex"
    assert type_code(load_parameters(settings).status_rules, "sole", "", code) == UNMAPPED
    before = load_parameters(settings).hash
    path.write_text(path.read_text().replace("exam started,", "exam started,Dr Who"))
    assert vocabulary(settings)[EventType.EXAM_BEGIN].code == "RID900001"
    assert TYPES[type_code(load_parameters(settings).status_rules, "sole", "", code)] == EventType.EXAM_BEGIN
    assert load_parameters(settings).hash != before
    again = write_proposals(settings, propose(settings, written(settings.base, "radlex.csv", CSV)))
    assert "Dr Who" in again.read_text()  # a second run keeps what was reviewed


def test_verified_codes_cannot_be_overridden_and_none_is_given_twice(settings: Settings) -> None:
    head = "key,code,scheme,name,reviewed_by\n"
    path = settings.at(settings.vocabulary_file)
    path.write_text(head + "order_entered,RID1,RadLex,x,me\n")
    assert vocabulary(settings)[EventType.ORDER_ENTERED].code == "RID45813"
    path.write_text(head + "exam_begin,RID45813,RadLex,x,me\n")
    with pytest.raises(ConfigurationError, match="two events"):
        vocabulary(settings)
    path.write_text(head + "exam_bgin,RID5,RadLex,x,me\n")
    with pytest.raises(ConfigurationError, match="exam_bgin"):
        vocabulary(settings)


@pytest.mark.parametrize(
    ("name", "text"), [("a.csv", "a,b\n1,2\n"), ("a.owl", "<a/>"), ("a.owl", "no xml"), ("a.csv", "")]
)
def test_a_file_that_is_no_radlex_is_refused(settings: Settings, name: str, text: str) -> None:
    with pytest.raises(RefusedError):
        propose(settings, written(settings.base, name, text))


def test_the_shipped_vocabulary_has_every_event_once_and_only_verified_codes(settings: Settings) -> None:
    with (REFERENCE / "event_vocabulary.csv").open(encoding="utf-8", newline="") as file:
        keys = [row["key"] for row in csv.DictReader(file)]
    assert len(keys) == len(set(keys))
    assert set(keys) <= set(EventType)
    terms = vocabulary(settings)
    assert set(terms) == set(EventType)  # one that is not listed yet goes under its own key
    verified = {term.code for term in terms.values() if term.scheme != OWN_SCHEME}
    assert verified == {"RID45813", "RID28816", *(f"SOLE{n}" for n in (105, 106, 107, 112, 113, 114, 115))}
