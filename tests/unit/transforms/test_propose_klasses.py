"""Klasses become phases: parents first, cycles broken, lists joined; and a proposal is kept once made."""

from typing import Any

import pytest

from service.declared import phases_of
from service.map_file import with_additions
from service.mapped import default_mapping
from tests.unit.transforms.target_shape import default_shape
from transforms.compile import MapSettings, compile_mapping
from transforms.mapping import Mapping, parse_mapping
from transforms.planned import planned
from transforms.schema.profile import Profile
from transforms.schema.propose.org import Org
from transforms.schema.propose.proposal import propose
from transforms.schema.source import SourceSchema, read_klass, schema_of
from transforms.shape import FieldShape, ObjectShape

ID = "66f0a1b2c3d4e5f60102{:04d}"
Told = dict[str, dict[str, Any]]


def reference(target: str, **more: Any) -> dict[str, Any]:
    return {"type": "string", "target": target, **more}


def schema(klasses: dict[str, Told], **status: str) -> SourceSchema:
    kinds = []
    for name, properties in klasses.items():
        resource = {"attributes": {"name": name, "status": status.get(name, "enabled")}}
        kinds.append(read_klass(resource, {"attributes": {"properties": properties}}))
    return schema_of([each for each in kinds if each])


def always(filled: int, seen: int) -> Profile:
    profile = Profile()
    for number in range(filled):
        profile.add(ID.format(number), type="reference")
    profile.absent(seen - filled)
    return profile


def proposed(org: Org, text: str = "") -> tuple[str, Mapping]:
    text = text or default_mapping()
    proposal = propose(parse_mapping(text, "m"), org)
    changed, _ = with_additions(text, proposal.additions)
    mapping = parse_mapping(changed, "m")
    compile_mapping(mapping, planned(mapping, default_shape() | org.shapes), MapSettings())
    return changed, mapping


def org(source: SourceSchema, profiles: Any = None, **more: Any) -> Org:
    return Org(source, profiles or {}, {**default_shape(), **more.pop("shapes", {})}, **more)


def test_a_child_that_is_never_without_its_parent_is_a_detail_and_comes_after_it() -> None:
    source = schema({"line": {"orderId": reference("order")}, "order": {}})
    sure = {"kobject.line": {"orderId": always(20, 20)}}
    for profiles, kind in (
        (sure, "MasterDetail"),
        ({"kobject.line": {"orderId": always(19, 20)}}, "Lookup"),
        ({"kobject.line": {"orderId": always(19, 19)}}, "Lookup"),
    ):
        _, mapping = proposed(org(source, profiles))
        table = mapping.phases["kobject.line"].tables["Line__c"]
        assert table.create["Kustomer_Order__c"].type == kind
        assert table.parents["orderId"].columns == {"Order__c": "Kustomer_Order__c"}
        assert (table.parents["orderId"].absent == "hold") is (kind == "MasterDetail")
        names = [phase.name for phase in phases_of(mapping)]
        assert names.index("kobject.order") < names.index("kobject.line")


def test_rings_of_any_length_are_broken_by_a_second_pass() -> None:
    source = schema(
        {
            "a": {"nextId": reference("b"), "selfId": reference("a")},
            "b": {"nextId": reference("c")},
            "c": {"nextId": reference("a")},
        }
    )
    _, mapping = proposed(org(source))
    assert phases_of(mapping)  # no ring is left
    loops = mapping.phases["kobject.a.links"].tables["A__c"]
    assert loops.parents["self"].columns == {"A__c": "Id"}
    assert loops.parents["selfId"].columns == {"A__c": "Kustomer_Self__c"}
    direct = [
        phase
        for phase in ("kobject.a", "kobject.b", "kobject.c")
        for table in mapping.phases[phase].tables.values()
        if "nextId" in table.parents
    ]
    assert len(direct) == 2
    assert mapping.phases["kobject.a.links"].operation == "update"


def test_several_ids_become_a_junction_with_a_key_of_both() -> None:
    source = schema({"order": {"productsId": reference("product", multi=True)}, "product": {}})
    _, mapping = proposed(org(source))
    phase = mapping.phases["kobject.order.productsId"]
    table = phase.tables["Order_Product__c"]
    assert (phase.of, table.each) == ("kobject.order", "attributes.custom.productsId")
    assert phase.content is not None
    assert phase.content.parent == "Kustomer_Id__c"
    assert table.fields["Kustomer_Id__c"].convert == "pair"
    assert table.create["Kustomer_Id__c"].unique
    assert table.parents["one"].columns == {"Order__c": "Order__c"}
    assert table.parents["other"].source == ["each"]


def test_a_disabled_klass_is_listed_not_moved_and_nothing_refers_to_it() -> None:
    source = schema({"claim": {}, "order": {"claimId": reference("claim")}}, claim="disabled")
    _, mapping = proposed(org(source))
    assert not mapping.phases["kobject.claim"].move
    assert "kobject.claim" not in [phase.name for phase in phases_of(mapping)]
    order = mapping.phases["kobject.order"].tables["Order__c"]
    assert order.fields["Kustomer_Claim__c"].source == ["attributes.custom.claimId"]
    assert order.create["Kustomer_Claim__c"].type == "Text"


def test_a_custom_object_of_the_org_is_used_as_it_is() -> None:
    there = ObjectShape(
        "Order__c",
        {
            each.name: each
            for each in (
                FieldShape("Id", "id", 18, createable=False),
                FieldShape("Name", "string", 80, createable=False),  # an auto number
                FieldShape("Total__c", "double", digits=16, scale=2, label="Total"),
            )
        },
    )
    source = schema({"order": {"totalNum": {"type": "number", "displayName": "Total"}}})
    profile = Profile()
    profile.add(12.5, type="number")
    profiles = {"kobject.order": {"totalNum": profile}}
    _, mapping = proposed(org(source, profiles, shapes={"Order__c": there}))
    table = mapping.phases["kobject.order"].tables["Order__c"]
    assert table.object is None
    assert "Name" not in table.fields
    assert table.fields["Total__c"].source == ["attributes.custom.totalNum"]


def test_what_records_belong_to_is_told_by_the_records() -> None:
    source = schema({"order": {}, "other": {}})
    relations = {"kobject.order": frozenset({"customer", "klass"})}
    _, mapping = proposed(org(source, relations=relations))
    order = mapping.phases["kobject.order"].tables["Order__c"]
    assert order.parents["customer"].columns == {
        "Contact": "Kustomer_Contact__c",
        "Lead": "Kustomer_Lead__c",
    }
    assert "customer" not in mapping.phases["kobject.other"].tables["Other__c"].parents


def test_a_later_run_adds_what_is_new_and_changes_no_line() -> None:
    first, _ = proposed(org(schema({"order": {"dueAt": {}}})))
    edited = first.replace("          Kustomer_Due__c: {source", "          Due__c: {source", 1)
    edited = edited.replace("{type: DateTime, label: dueAt}", "{type: DateTime, label: Due by}")
    edited = edited.replace("Kustomer_Due__c", "Due__c") + "# my own remark\n"
    same, _ = proposed(org(schema({"order": {"dueAt": {}}})), edited)
    assert same == edited
    more, mapping = proposed(org(schema({"order": {"dueAt": {}, "giftBool": {}}})), edited)
    lines = iter(more.splitlines())
    assert all(line in lines for line in edited.splitlines())  # all of them, in their order
    assert "Kustomer_Gift__c" in mapping.phases["kobject.order"].tables["Order__c"].fields


def test_a_path_that_is_left_out_on_purpose_stays_out() -> None:
    source = schema({"order": {"dueAt": {}}})
    text, _ = proposed(org(schema({"order": {}})))
    text = text.replace(
        "      Order__c:\n", "      Order__c:\n        leave_out: [attributes.custom.dueAt]\n"
    )
    assert proposed(org(source), text)[0] == text


@pytest.mark.parametrize("name", ["order-item", "Größe", "a" * 200, "日本"])
def test_any_name_of_a_klass_makes_a_legal_object(name: str) -> None:
    _, mapping = proposed(org(schema({name: {"xStr": {}}})))
    (table,) = mapping.phases[f"kobject.{name}"].tables
    assert table.endswith("__c")
    assert len(table) <= 43
    assert table.isascii()
