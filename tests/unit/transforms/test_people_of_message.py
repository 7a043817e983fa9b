"""Who wrote a message and whom it went to, as elements of a list."""

from typing import Any

import pytest

from service.mapped import default_mapping
from tests.unit.transforms.samples import message
from tests.unit.transforms.target_shape import default_shape
from transforms.compile import CompiledMapping, MapSettings, compile_mapping
from transforms.elements import addresses_of_message, people_of_message
from transforms.lookups import Lookups
from transforms.mapping import MappingInvalid, parse_mapping
from transforms.record import Record

CUSTOMER, OTHER, AGENT, BOSS = "c" * 24, "d" * 24, "a" * 24, "b" * 24
LOOKUPS = Lookups(
    user_emails={"agent@acme.example": AGENT, "boss@acme.example": BOSS},
    customer_emails={"ada@example.test": [CUSTOMER], "both@example.test": [CUSTOMER, OTHER]},
)


def row(direction: str = "out", **meta: Any) -> dict[str, Any]:
    related: dict[str, Any] = {"customer": {"data": {"type": "customers", "id": CUSTOMER}}}
    if direction == "out":
        related["createdBy"] = {"data": {"type": "user", "id": AGENT}}
    attributes = {"direction": direction, "meta": meta}
    return {"id": "e" * 24, "attributes": attributes, "relationships": related}


def people(given: dict[str, Any], lookups: Lookups = LOOKUPS) -> list[tuple[str, str]]:
    """(part, person or address) of each element."""
    return [
        (each["type"], each.get("user") or each.get("customer") or each["address"])
        for each in people_of_message(Record(given, given["attributes"], lookups))
    ]


def test_the_author_is_known_by_id_before_the_address() -> None:
    shared = "help@acme.example"
    assert people(row("in", **{"from": "boss@acme.example"})) == [("FromAddress", CUSTOMER)]
    assert people(row("out", **{"from": shared})) == [("FromAddress", AGENT)]
    assert people(row("in", **{"from": "+15555550101"})) == [("FromAddress", CUSTOMER)]


def test_a_user_that_made_an_incoming_message_is_not_its_author() -> None:
    given = row("in", **{"from": "ada@example.test"})
    given["relationships"]["createdBy"] = {"data": {"type": "user", "id": BOSS}}
    assert people(given) == [("FromAddress", CUSTOMER)]


@pytest.mark.parametrize(
    ("sender", "who"),
    [
        ("Boss <BOSS@acme.example>", BOSS),
        ("ada@example.test", CUSTOMER),
        ("who@else.example", "who@else.example"),
    ],
)
def test_without_an_id_the_author_is_known_by_address(sender: str, who: str) -> None:
    given = row("out", **{"from": sender})
    del given["relationships"]["createdBy"]
    assert people(given) == [("FromAddress", who)]
    given["relationships"]["createdBy"] = {"data": {"type": "customer", "id": OTHER}}
    assert people(given) == [("FromAddress", who)]


def test_an_agent_without_a_sender_address_is_given_the_own_one() -> None:
    (made,) = people_of_message(Record(row(), row()["attributes"], LOOKUPS))
    assert made == {"type": "FromAddress", "address": "agent@acme.example", "user": AGENT}


def test_recipients_are_users_first_then_customers_then_addresses() -> None:
    given = row(
        to=[{"email": "Agent@acme.example"}, {"email": "ö@kaputt"}],
        cc="Ada <ada@example.test>, who@else.example",
        bcc={"email": "boss@acme.example"},
    )
    assert people(given)[1:] == [
        ("ToAddress", AGENT),
        ("CcAddress", CUSTOMER),
        ("CcAddress", "who@else.example"),
        ("BccAddress", BOSS),
    ]


def test_an_address_of_several_customers_is_the_messages_own_one_or_nobodys() -> None:
    given = row(to="both@example.test")
    assert people(given)[1:] == [("ToAddress", CUSTOMER)]
    given["relationships"]["customer"]["data"]["id"] = BOSS
    assert people(given)[1:] == [("ToAddress", "both@example.test")]


def test_nobody_is_named_twice_in_one_part() -> None:
    given = row(to=["x@else.example", "X@else.example", "agent@acme.example", "AGENT@acme.example"])
    assert people(given)[1:] == [("ToAddress", "x@else.example"), ("ToAddress", AGENT)]
    given = row(to=["ada@example.test", "both@example.test"])
    assert people(given)[1:] == [("ToAddress", CUSTOMER)]


@pytest.mark.parametrize("meta", [None, "x", 5, [], {"to": 5, "cc": {"phone": "+1"}, "from": [{}]}])
def test_odd_meta_names_nobody_but_the_author(meta: Any) -> None:
    given = row("in")
    given["attributes"]["meta"] = meta
    assert people(given) == [("FromAddress", CUSTOMER)]
    assert addresses_of_message(given) == []


def test_customers_are_looked_up_by_the_addresses_that_elements_have() -> None:
    given = row(
        to="Ada <ADA@example.test>", cc=[{"email": "x@else.example"}], **{"from": "a@b.test"}
    )
    assert addresses_of_message(given) == ["a@b.test", "ada@example.test", "x@else.example"]
    assert addresses_of_message({"attributes": None}) == []


def default_map(text: str = default_mapping()) -> CompiledMapping:
    return compile_mapping(parse_mapping(text, "m"), default_shape(), MapSettings())


def test_rows_name_the_message_and_the_person_that_are_resolved_at_upload() -> None:
    block = default_map().phases["messages.relations"]([row(to="x@else.example")], LOOKUPS)
    rows = block.tables["EmailMessageRelation"]
    assert rows.payloads == [
        b'"FromAddress","agent@acme.example"',
        b'"ToAddress","x@else.example"',
    ]
    assert rows.parents == [["e" * 24] * 2, [f"user:{AGENT}", ""]]
    assert rows.parts == [0, 1]


def test_customers_tell_their_addresses_only_where_some_phase_asks() -> None:
    record = {
        "id": CUSTOMER,
        "type": "customer",
        "attributes": {"emails": [{"email": " Ada@Example.test "}, {"email": "no address"}]},
    }
    found = default_map().phases["customers"]([record], LOOKUPS).addresses
    assert found == [("ada@example.test", CUSTOMER)]
    left_out = default_mapping().replace(
        "    of: messages\n", "    of: messages\n    move: false\n"
    )
    assert default_map(left_out).phases["customers"]([record], LOOKUPS).addresses == []


def test_either_belongs_to_what_is_unique() -> None:
    text = default_mapping().replace(", unique: true}", "}")
    with pytest.raises(MappingInvalid, match="either belongs to what is unique"):
        parse_mapping(text, "m")


def test_the_messages_of_the_facts_have_people() -> None:
    assert people(message())[0][0] == "FromAddress"
