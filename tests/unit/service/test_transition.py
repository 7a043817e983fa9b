"""What becomes of Leads whose customers became Contacts, and of all that named them."""

from typing import Any

import pytest

from service.transition import across, is_lead, repointed
from service.transition_steps import fate_of, references_of
from state.transitions import Transition
from transforms.compile import CompiledMapping, CompiledPhase
from transforms.references import ParentField
from transforms.table import Table

MINE, OTHER = "003000000000001AAA", "003000000000002AAA"
CASE = ("Kustomer_Lead__c", "ContactId")


def test_a_lead_becomes_a_contact_a_contact_stays_one_and_others_stay_what_they_are() -> None:
    assert across("Lead", "Contact") == "becomes-contact"
    assert across("Contact", "Lead") == "kept-as-contact"
    assert [across(*each) for each in (("Lead", "Lead"), ("Account", "Contact"))] == ["", ""]
    assert [is_lead("00Q000000000001AAA"), is_lead(MINE)] == [True, False]


@pytest.mark.parametrize(
    ("held", "change"),
    [
        (None, {"Kustomer_Lead__c": None, "ContactId": MINE}),
        (MINE, {"Kustomer_Lead__c": None}),
        (MINE[:15], {"Kustomer_Lead__c": None}),
        (OTHER, None),
    ],
)
def test_a_case_is_given_the_contact_unless_an_agent_gave_it_another(
    held: str | None, change: dict[str, Any] | None
) -> None:
    assert repointed({"Kustomer_Lead__c": "00Q", "ContactId": held}, CASE, MINE) == change


def test_a_case_without_an_account_is_given_the_contacts_and_another_one_stays() -> None:
    lead = {"Kustomer_Lead__c": "00Q", "ContactId": None}
    given = repointed({**lead, "AccountId": None}, CASE, MINE, "001A")
    assert given == {"Kustomer_Lead__c": None, "ContactId": MINE, "AccountId": "001A"}
    assert "AccountId" not in (repointed({**lead, "AccountId": "001B"}, CASE, MINE, "001A") or {})


def test_a_relation_that_names_either_in_one_field_names_the_contact() -> None:
    record = {"RelationId": "00Q000000000001AAA"}
    assert repointed(record, ("RelationId", "RelationId"), MINE) == {"RelationId": MINE}


@pytest.mark.parametrize(
    ("lead", "rule", "origin", "touched", "fate"),
    [
        (None, "mark", "loaded", False, "gone"),
        ({"IsConverted": True}, "delete", "loaded", False, "converted"),
        ({"IsConverted": True}, "mark", "loaded", True, "converted"),
        ({"IsConverted": False}, "keep", "loaded", False, "kept"),
        ({"IsConverted": False}, "mark", "loaded", True, "marked"),
        ({"IsConverted": False}, "delete", "loaded", False, "deleted"),
        ({"IsConverted": False}, "delete", "found", False, "deleted"),
        ({"IsConverted": False}, "delete", "loaded", True, "marked"),
        ({"IsConverted": False}, "delete", "matched", False, "kept"),
        ({"IsConverted": False}, "mark", "matched", True, "kept"),
    ],
)
def test_a_lead_is_retired_by_rule_and_never_one_that_is_converted_or_not_ours(
    lead: Any, rule: Any, origin: str, touched: bool, fate: str
) -> None:
    each = Transition("customers", "a" * 24, "Lead", "00Q", origin, "Contact", MINE)
    assert fate_of(each, lead, rule, touched=touched) == fate


def test_all_objects_of_the_map_that_name_leads_and_contacts_are_known() -> None:
    def table(name: str, *parents: ParentField) -> Table:
        return Table(name, (), parents, None, lambda record: [], (), ())

    def parent(kinds: tuple[str, ...], columns: dict[str, str]) -> ParentField:
        return ParentField("customer", kinds, columns, required=False, default=None, chain=False)

    both = {"Contact": "ContactId", "Lead": "Kustomer_Lead__c"}
    tables = [
        table("Case", parent(("customer",), both)),
        table("Pet__c", parent(("user", "customer"), {"Lead": "L__c", "Contact": "C__c"})),
        table("Only__c", parent(("customer",), {"Contact": "Contact__c"})),
        table("Else__c", parent(("company",), both)),
        table("EmailMessageRelation", parent(("customer",), dict.fromkeys(both, "RelationId"))),
    ]
    phases = {
        each.object: CompiledPhase(
            each.object, "x", {each.object: each}, None, lambda record: "", frozenset()
        )
        for each in tables
    }
    found = references_of(CompiledMapping(phases), "customer")
    assert found == [("Case", CASE), ("Pet__c", ("L__c", "C__c"))]
