"""Tags: names instead of ids, names that occur once, and what tags become."""

from typing import Any

import pytest

from tests.unit.transforms.target_shape import default_shape
from transforms.compile import MapSettings, compile_mapping
from transforms.converters import CONVERTERS, ConverterContext
from transforms.errors import Hold, MappingInvalid, TagsDoNotFit
from transforms.lookups import Lookups
from transforms.mapping import Mapping, parse_mapping
from transforms.record import Record, compile_path
from transforms.schema.fields import LONG_CHARS
from transforms.schema.propose.org import Proposal
from transforms.schema.propose.tags import OrgTags, TagChoice, picklist_misfits, propose_tags
from transforms.shape import FieldShape, ObjectShape
from transforms.tag_names import spelled

NAMES = {"a1": "VIP", "b2": " vip ", "c3": "refund", "d4": "gone"}
MAP = """\
version: 1
phases:
  conversations:
    kind: conversation
    tables: {Case: {fields: {Subject: {source: attributes.name}}}}
  customers:
    kind: customer
    tables: {Contact: {fields: {LastName: {source: attributes.name}}}}
"""
TOPICS = """\
version: 1
phases:
  tags:
    kind: tag
    deleted: move
    content: {parent: Name, unique: true}
    tables:
      Topic:
        same_as: Name
        fields:
          Name: {source: attributes.name, convert: unique-text, keep: Description}
"""


def cell(convert: str, value: Any, *, length: int = 0, keep: bool = False, **options: Any) -> str:
    context = ConverterContext(
        get=compile_path("attributes.x"), length=length, keep=keep, options=options
    )
    record = Record({"id": "a"}, {"x": value}, Lookups(tags=NAMES))
    return CONVERTERS[convert].make(context)(record)


def reason(convert: str, value: Any, **options: Any) -> str:
    with pytest.raises(Hold) as held:
        cell(convert, value, **options)
    return held.value.reason


def test_a_choice_names_every_tag_once_and_in_one_spelling() -> None:
    assert cell("multi-select", ["c3", "a1", "b2", "d4"], of="tags") == "refund;VIP;gone"
    assert cell("multi-select", [], of="tags") == ""


def test_a_tag_without_a_name_holds_the_record_or_keeps_its_id_by_the_maps_rule() -> None:
    assert reason("multi-select", ["a1", "zz"], of="tags") == "unknown-tag"
    assert cell("multi-select", ["a1", "zz"], of="tags", unknown="keep") == "VIP;zz"


def test_more_than_a_field_holds_is_held_and_never_cut() -> None:
    assert reason("multi-select", [f"v{n}" for n in range(101)]) == "too-many-values"
    assert reason("multi-select", ["x" * 256]) == "too-long"
    assert reason("multi-select", ["x" * 50, "y" * 50], length=100) == "too-long"
    assert reason("multi-select", ["a;b"]) == "unknown-value"


def test_names_that_differ_in_letter_case_alone_are_spelled_one_way_in_any_order() -> None:
    names = ["vip", "VIP", "Vip ", "other"]
    ways = spelled(names)
    assert ways == spelled(reversed(names))
    assert {ways[each] for each in names[:3]} == {"VIP"}
    assert ways["other"] == "other"


def test_long_names_that_begin_alike_stay_two_and_within_their_length() -> None:
    made = {cell("unique-text", "x" * 100 + end, length=99, keep=True) for end in "ab"}
    assert len(made) == 2
    assert {len(each) for each in made} == {99}
    assert cell("unique-text", " short ", length=99, keep=True) == "short"


def test_a_name_that_is_too_long_or_not_there_holds_its_record() -> None:
    assert reason("unique-text", "x" * 100, length=99) == "too-long"
    assert reason("unique-text", " ") == "no-name"


def test_deleted_tags_are_rows_and_their_names_are_known_again_in_any_case() -> None:
    text = {
        name: FieldShape(name, "string", length=length, nillable=name != "Name")
        for name, length in (("Name", 99), ("Description", 1000))
    }
    shape = {**default_shape(), "Topic": ObjectShape("Topic", text)}
    phase = compile_mapping(parse_mapping(TOPICS, "m"), shape, MapSettings()).phases["tags"]
    long = 'q"' * 60
    records = [
        {"id": "a1", "type": "tag", "attributes": {"name": "Größe", "deleted": True}},
        {"id": "b2", "type": "tag", "attributes": {"name": " GRÖSSE "}},
        {"id": "c3", "type": "tag", "attributes": {"name": "GRÖßE"}},
        {"id": "d4", "type": "tag", "attributes": {"name": long}},
    ]
    block = phase(records, Lookups())
    rows = block.tables["Topic"]
    assert rows.keys == ["a1", "b2", "c3", "d4"]
    assert (block.held, block.skipped) == ([], [])
    first, other, same, cut = rows.match_keys
    assert first == same == "größe"
    assert other == "grösse"
    assert len(cut) == 99
    assert long.replace('"', '""').encode() in rows.payloads[3], "the whole is kept beside it"


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (("same_as: Name", "same_as: Title"), "same_as names a field of the table"),
        (("same_as: Name", "same_as: Name\n        match_key: id"), "instead of a match_key"),
        (("unique: true", "unique: true, author: X"), "by parent and text alone"),
        (("convert: unique-text", "convert: join"), "only they can have keep"),
    ],
)
def test_what_cannot_be_meant_is_a_fault_of_the_map(change: tuple[str, str], fault: str) -> None:
    with pytest.raises(MappingInvalid) as caught:
        parse_mapping(TOPICS.replace(*change), "m")
    assert any(fault in each for each in caught.value.faults)


def shapes(**more: ObjectShape) -> dict[str, ObjectShape]:
    entity = FieldShape("EntityId", "reference", reference_to=("Case", "Contact"))
    return {
        "Case": ObjectShape("Case", {}),
        "Contact": ObjectShape("Contact", {}),
        "Topic": ObjectShape("Topic", {}),
        "TopicAssignment": ObjectShape("TopicAssignment", {"EntityId": entity}),
        **more,
    }


def proposed(
    tags: OrgTags, choice: TagChoice = "auto", text: str = MAP, **more: ObjectShape
) -> Proposal:
    proposal = Proposal()
    propose_tags(parse_mapping(text, "m"), proposal, shapes(**more), tags, choice)
    return proposal


def paths(proposal: Proposal) -> list[str]:
    return [".".join(each.path) for each in proposal.additions]


def many(count: int, name: str = "tag {}") -> OrgTags:
    return OrgTags({f"id{n}": name.format(n) for n in range(count)})


def test_as_many_tags_as_a_field_has_values_become_a_picklist_and_one_more_topics() -> None:
    at = "phases.conversations.tables.Case"
    field = "Kustomer_Tag_List__c"
    assert paths(proposed(many(500))) == [f"{at}.create.{field}", f"{at}.fields.{field}"]
    assert "phases.conversations.topics" in paths(proposed(many(501)))


def test_every_reason_against_a_picklist_is_told_at_once() -> None:
    names = {f"id{n}": f"tag {n}" for n in range(501)} | {"s": "a;b", "l": "x" * 256}
    lists = {"conversation": [[f"id{n}" for n in range(101)], ["l"] * 1 + ["u" * 5_000]]}
    misfits = picklist_misfits(OrgTags(names, lists))
    assert len(misfits) == 5
    with pytest.raises(TagsDoNotFit) as refused:
        proposed(OrgTags(names, lists), "picklist")
    assert refused.value.faults == misfits
    assert all(each in refused.value.message for each in misfits)
    (line,) = [
        each.value
        for each in proposed(OrgTags(names, lists)).additions
        if each.path[-2:] == ("fields", "Name")
    ]
    assert all(each in line["reason"] for each in misfits)


def test_names_that_share_a_value_count_once() -> None:
    tags = OrgTags({f"id{n}": f"{'TAG' if n % 2 else 'tag'} {n // 2}" for n in range(1_000)})
    assert picklist_misfits(tags) == []


def test_only_kinds_that_were_seen_with_tags_get_them_and_conversations_always() -> None:
    seen = OrgTags(NAMES, {"customer": [["a1"]]})
    assert any("customers.tables.Contact" in each for each in paths(proposed(seen)))
    assert "phases.customers.topics" in paths(proposed(seen, "topics"))
    assert "phases.customers.topics" not in paths(proposed(OrgTags(NAMES), "topics"))


def test_an_org_without_tags_or_with_the_choice_of_text_gets_nothing() -> None:
    assert proposed(OrgTags()).additions == []
    assert proposed(many(3), "text").additions == []


def test_where_the_org_has_no_topics_tags_stay_text_and_a_forced_choice_says_why() -> None:
    without = {name: each for name, each in shapes().items() if not name.startswith("Topic")}
    proposal = Proposal()
    mapping = parse_mapping(MAP, "m")
    propose_tags(mapping, proposal, without, many(501), "auto")
    assert proposal.additions == []
    assert "501 tags" in proposal.notes[0]
    assert "no object Topic" in proposal.notes[0]
    with pytest.raises(TagsDoNotFit, match="no object TopicAssignment"):
        propose_tags(mapping, Proposal(), without, many(3), "topics")


def test_a_choice_that_is_in_the_map_stays_and_another_is_explained() -> None:
    assert proposed(many(501), "auto", TOPICS + MAP.partition("phases:\n")[2]).additions == []
    again = proposed(many(3), "picklist", TOPICS + MAP.partition("phases:\n")[2])
    assert again.additions == []
    assert "as topics already" in again.notes[0]


def test_a_field_of_that_name_and_another_type_is_left_alone() -> None:
    taken = FieldShape("Kustomer_Tag_List__c", "textarea", length=LONG_CHARS)
    (create, fields) = paths(proposed(many(3), Case=ObjectShape("Case", {taken.name: taken})))
    assert not create.endswith(".Kustomer_Tag_List__c")
    assert create.rpartition(".")[2] == fields.rpartition(".")[2]
    ours = FieldShape("Kustomer_Tag_List__c", "multipicklist")
    again = paths(proposed(many(3), Case=ObjectShape("Case", {ours.name: ours})))
    assert all(each.endswith(".Kustomer_Tag_List__c") for each in again)


def test_what_is_proposed_is_a_map_that_can_be_read() -> None:
    phases: dict[str, Any] = {}
    for each in proposed(many(501)).additions:
        node = phases
        for key in each.path[1:-1]:
            node = node[key]
        node[each.path[-1]] = each.value
    base = parse_mapping(MAP, "m").model_dump(mode="json")
    made = Mapping.model_validate({"version": 1, "phases": {**base["phases"], **phases}})
    assert made.phases["conversations.topics"].of == "conversations"
