"""Rules that choose a table: in their order, total, and the short form as before."""

from typing import Any

import pytest

from transforms.choice import chooser
from transforms.errors import MappingInvalid
from transforms.lookups import Lookups
from transforms.mapping import parse_mapping
from transforms.record import Record

HEAD = """\
version: 1
phases:
  customers:
    kind: customer
    tables:
      Contact: {fields: {LastName: {source: attributes.name}}}
      Lead: {fields: {LastName: {source: attributes.name}}}
      Account: {fields: {Name: {source: attributes.name}}}
"""
RULES = """\
    choose:
      rules:
        - {source: attributes.custom.customerTypeStr, in: [B2B, partner], table: Contact}
        - {source: attributes.tags, equals: vip, table: Contact}
        - {source: attributes.verified, equals: true, table: Account}
        - {source: attributes.conversationCounts.all, over: 0, table: Contact}
        - {source: attributes.custom.levelNum, in: [3], table: Account}
        - {source: relationships.company.data.id, present: true, table: Account}
        - {source: attributes.emails, present: false, table: Account}
      default: Lead
"""


def chosen(text: str, attributes: dict[str, Any], company: str | None = None) -> str:
    data = {"type": "company", "id": company} if company else None
    row = {"id": "a" * 24, "relationships": {"company": {"data": data}}}
    rule = chooser(parse_mapping(HEAD + text, "m").phases["customers"])
    return rule(Record(row, attributes, Lookups()))


@pytest.mark.parametrize(
    ("attributes", "company", "table"),
    [
        ({"custom": {"customerTypeStr": "b2b"}, "verified": True}, None, "Contact"),
        ({"custom": {"customerTypeStr": " Partner "}}, None, "Contact"),
        ({"tags": ["x", "VIP"], "verified": True}, None, "Contact"),
        ({"verified": True}, None, "Account"),
        ({"verified": "yes", "emails": [1]}, None, "Lead"),
        ({"conversationCounts": {"all": 2}}, "c", "Contact"),
        ({"conversationCounts": {"all": 0}, "emails": [1]}, None, "Lead"),
        ({"conversationCounts": {"all": True}, "emails": [1]}, None, "Lead"),
        ({"conversationCounts": {"all": "2"}, "emails": [1]}, None, "Lead"),
        ({"custom": {"levelNum": 3.0}, "emails": [1]}, None, "Account"),
        ({"emails": [1]}, "c", "Account"),
        ({"emails": []}, None, "Account"),
        ({"custom": "odd", "conversationCounts": 5, "tags": {"a": 1}, "emails": [1]}, None, "Lead"),
    ],
)
def test_the_first_rule_that_holds_decides(
    attributes: dict[str, Any], company: str | None, table: str
) -> None:
    assert chosen(RULES, attributes, company) == table


def test_the_short_form_chooses_as_before() -> None:
    short = "    choose: {source: relationships.company.data.id, present: Contact, absent: Lead}\n"
    assert chosen(short, {}, "c") == "Contact"
    assert chosen(short, {}) == "Lead"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (RULES.replace("      default: Lead\n", ""), "this key is missing"),
        (RULES.replace("default: Lead", "default: Case"), "Case is chosen, but is no table"),
        (RULES.replace("equals: vip, ", ""), "a rule says one of present, equals, in and over"),
        (RULES.replace("equals: vip", "equals: vip, over: 1"), "a rule says one of"),
        (RULES.replace("equals: vip", "like: vip"), "there is no such key"),
    ],
)
def test_a_rule_that_is_not_whole_is_named(text: str, fault: str) -> None:
    with pytest.raises(MappingInvalid) as caught:
        parse_mapping(HEAD + text, "m")
    assert fault in " ".join(caught.value.faults)
