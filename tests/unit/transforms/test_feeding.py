"""A phase that is made once more of another's records, and rows for each element of a list."""

from typing import Any

import pytest

from tests.unit.transforms.samples import conversation
from tests.unit.transforms.target_shape import default_shape
from transforms.compile import MapSettings, compile_mapping
from transforms.errors import MappingInvalid
from transforms.lookups import Lookups
from transforms.mapping import parse_mapping
from transforms.shape import FieldShape, ObjectShape

MAP = """\
version: 1
phases:
  conversations:
    kind: conversation
    tables:
      Case:
        fields:
          Subject: {source: attributes.name}
  case_topics:
    kind: case_topic
    of: conversations
    content: {parent: EntityId, text: TopicId}
    tables:
      TopicAssignment:
        each: attributes.tags
        fields: {}
        parents:
          topic: {source: each, kinds: [tag], columns: {Topic: TopicId}, required: true}
          case: {source: id, kinds: [conversation], columns: {Case: EntityId}, required: true}
"""


def reference(name: str, target: str) -> FieldShape:
    return FieldShape(
        name=name,
        type="reference",
        length=18,
        nillable=False,
        createable=True,
        updateable=False,
        defaulted_on_create=False,
        restricted=False,
        picklist=(),
        reference_to=(target,),
        unique=False,
        external_id=False,
    )


def topics(record: dict[str, Any]) -> Any:
    links = {"TopicId": reference("TopicId", "Topic"), "EntityId": reference("EntityId", "Case")}
    shape = {**default_shape(), "TopicAssignment": ObjectShape("TopicAssignment", links)}
    compiled = compile_mapping(parse_mapping(MAP, "m"), shape, MapSettings())
    return compiled.phases["case_topics"]([record], Lookups())


def test_a_row_is_made_for_each_element_and_equal_ones_are_one() -> None:
    record = conversation(tags=["a1", "b2", "a1"])
    rows = topics(record).tables["TopicAssignment"]
    assert rows.parents == [["a1", "b2"], [record["id"]] * 2]
    assert rows.parts == [0, 1]
    assert len(set(rows.digests)) == 2


@pytest.mark.parametrize("tags", [[], None, "", [None]])
def test_no_elements_make_no_rows(tags: Any) -> None:
    block = topics(conversation(tags=tags))
    assert block.tables["TopicAssignment"].keys == []
    assert (block.held, block.skipped) == ([], [])


def test_what_the_other_phase_tells_of_is_not_told_twice() -> None:
    for odd in ({"id": None}, {"type": "note"}, {"attributes": None}):
        block = topics({**conversation(tags=["a1"]), **odd})
        assert (block.held, block.skipped) == ([], [])
    gone = topics(conversation(tags=["a1"], deleted=True))
    assert (gone.held, gone.skipped) == ([], [])


def test_an_element_that_cannot_be_mapped_holds_the_record_whole() -> None:
    block = topics(conversation(tags=["a1", 7]))
    assert block.tables["TopicAssignment"].keys == []
    assert [each.reason for each in block.held] == ["wrong-type"]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (("of: conversations", "of: nowhere"), "no phase that is read"),
        (("kind: case_topic", "kind: conversation"), "two phases have the kind"),
        (("kind: conversation\n", "kind: conversation\n    operation: update\n"), "can update"),
    ],
)
def test_a_phase_is_made_of_one_that_is_read(change: tuple[str, str], fault: str) -> None:
    with pytest.raises(MappingInvalid) as caught:
        parse_mapping(MAP.replace(*change), "m")
    assert any(fault in each for each in caught.value.faults)
