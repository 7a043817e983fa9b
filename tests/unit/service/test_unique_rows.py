"""Rows without our key that occur once: what is there stands for all that are equal."""

import re
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest

from connectors.salesforce.client import SalesforceClient
from service.declared import phases_of
from service.phases import PHASES, ContentKey
from service.unique_rows import UniqueRows
from tests.unit.service.remote import ID, sent
from transforms.mapping import parse_mapping

PAIR = ContentKey("EntityId", "TopicId", unique=True, most=1100)
CASES = [f"5005f00000000{n:02d}AAA" for n in range(40)]
TOPIC = "0TO5f0000000001AAA"


class Assigned:
    """Assignments as an org tells of them to a user who may not view all data."""

    def __init__(self, rows: list[tuple[str, str]]) -> None:
        self.rows = rows
        self.queries: list[str] = []

    async def query(self, soql: str) -> AsyncIterator[list[dict[str, Any]]]:
        self.queries.append(soql)
        asked = set(re.findall(r"'([^']*)'", soql))
        limit = re.search(r" LIMIT (\d+)$", soql)
        assert limit or len(asked) == 1
        found = [
            {"Id": f"0TA5f00000{n:05d}AAA", "EntityId": entity, "TopicId": topic}
            for n, (entity, topic) in enumerate(self.rows)
            if entity in asked
        ]
        yield found[: int(limit[1])] if limit else found


async def find(remote: Any, content: ContentKey, rows: list[dict[str, str]]) -> dict[Any, str]:
    job = sent(rows)
    client = cast("SalesforceClient", remote)
    return await UniqueRows(client, "TopicAssignment").find(content, job, job.rows)


def row(entity: str, topic: str = TOPIC) -> dict[str, str]:
    return {"EntityId": entity, "TopicId": topic}


async def test_one_record_stands_for_every_row_that_is_equal_to_it() -> None:
    remote = Assigned([(CASES[0], TOPIC)])
    found = await find(remote, PAIR, [row(CASES[0]), row(CASES[0]), row(CASES[1])])
    assert set(found) == {(ID.format(0), 0), (ID.format(1), 0)}
    assert len(set(found.values())) == 1


async def test_few_parents_are_asked_for_at_a_time() -> None:
    remote = Assigned([(each, TOPIC) for each in CASES])
    assert len(await find(remote, PAIR, [row(each) for each in CASES])) == 40
    assert len(remote.queries) == 4
    assert all(each.endswith(" LIMIT 1100") for each in remote.queries)


async def test_parents_with_more_rows_than_one_query_tells_are_asked_one_by_one() -> None:
    crowd = [(CASES[0], f"0TO5f00000{n:05d}BBB") for n in range(1_100)]
    remote = Assigned([*crowd, (CASES[1], TOPIC)])
    assert len(await find(remote, PAIR, [row(CASES[1]), row(CASES[0])])) == 1
    assert [each.count("=") for each in remote.queries] == [0, 1, 1]


@pytest.mark.parametrize("there", ["VIP", "vip"])
async def test_a_name_is_found_in_any_letter_case(there: str) -> None:
    class Topics:
        async def query(self, soql: str) -> AsyncIterator[list[dict[str, Any]]]:
            assert soql.startswith("SELECT Id, Name FROM TopicAssignment WHERE Name IN (")
            yield [{"Id": TOPIC, "Name": there}]

    found = await find(Topics(), ContentKey("Name", unique=True), [{"Name": "Vip"}])
    assert list(found.values()) == [TOPIC]


def test_tags_are_read_first_from_both_of_their_lists_and_wait_for_nobody() -> None:
    text = """\
version: 1
phases:
  conversations:
    kind: conversation
    tables: {Case: {fields: {Subject: {source: attributes.name}}}}
  tags:
    kind: tag
    content: {parent: Name, unique: true}
    tables: {Topic: {same_as: Name, fields: {Name: {source: attributes.name, convert: unique-text}}}}
  conversations.topics:
    kind: conversation.topics
    of: conversations
    content: {parent: EntityId, text: TopicId, unique: true, most: 1100}
    tables:
      TopicAssignment:
        each: attributes.tags
        fields: {}
        parents:
          record: {source: [id], kinds: [conversation], columns: {Case: EntityId}, required: true}
          topic: {source: [each], kinds: [tag], columns: {Topic: TopicId}, required: true}
"""
    tags, conversations, topics = phases_of(parse_mapping(text, "m"))
    assert (tags.name, tags.after, tags.matched_by("Topic")) == ("tags", (), "Name")
    assert [each["deleted"] for each in tags.stream.variants] == ["false", "true"]
    assert conversations.name == "conversations"
    assert topics.after == ("conversations", "tags")
    assert topics.lock_parent == "record"
    assert topics.content == PAIR
    assert all(phase.matched_by("Case") == "" for phase in PHASES)


class Related:
    """Relations of e-mails as an org tells of them."""

    def __init__(self, *rows: dict[str, str]) -> None:
        self._rows = [{"Id": f"0MR5f00000{n:05d}AAA", **row} for n, row in enumerate(rows)]

    async def query(self, soql: str) -> AsyncIterator[list[dict[str, Any]]]:
        assert "RelationId, RelationAddress" in soql
        yield self._rows


async def test_a_relation_is_known_by_its_person_or_by_an_address_that_is_nobodys() -> None:
    """A person's address in the org is the current one, whatever was sent."""
    mail, person = "02s5f0000000001AAA", "0035f0000000001AAA"
    content = ContentKey(
        "EmailMessageId",
        "RelationType",
        unique=True,
        either=("RelationId", "RelationAddress"),
    )
    there = {"EmailMessageId": mail, "RelationType": "ToAddress"}
    remote = Related(
        {**there, "RelationId": person, "RelationAddress": "now@else.example"},
        {**there, "RelationId": "", "RelationAddress": "x@else.example"},
    )
    sent_rows = [
        {**there, "RelationAddress": "then@else.example", "RelationId": person},
        {**there, "RelationAddress": "X@else.example", "RelationId": ""},
        {**there, "RelationAddress": "now@else.example", "RelationId": ""},
        {**there, "RelationType": "CcAddress", "RelationAddress": "", "RelationId": person},
    ]
    found = await find(remote, content, sent_rows)
    assert set(found) == {(ID.format(0), 0), (ID.format(1), 0)}
