"""The source files, parsed back: what a deployment would read in them."""

from dataclasses import replace
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import pytest

from tests.unit.transforms.schema_samples import BARE, complete, sample, with_field
from transforms.errors import MappingDoesNotFit
from transforms.schema.field_xml import read_field
from transforms.schema.org import OrgField
from transforms.schema.plan import Admitted, make_plan
from transforms.schema.source_files import (
    Made,
    processes_of,
    removal_files,
    source_files,
    wanted_definitions,
)

NAMESPACE = "{http://soap.sforce.com/2006/04/metadata}"
STATUS_XML = (
    "<records><fullName>CaseStatus</fullName><sorted>false</sorted>"
    "<standardValue><fullName>New</fullName><default>true</default><label>Neu</label>"
    "<closed>false</closed></standardValue>"
    "<standardValue><fullName>Open</fullName><isActive>false</isActive><default>false</default>"
    "<label>Offen</label><closed>false</closed></standardValue></records>"
)
MOOD_XML = (
    "<records><fullName>Case.Kustomer_Mood__c</fullName><label>Stimmung</label><valueSet>"
    "<restricted>true</restricted><valueSetDefinition><sorted>true</sorted><value>"
    "<fullName>good</fullName><default>true</default><label>gut</label></value>"
    "</valueSetDefinition></valueSet><type>Picklist</type></records>"
)


def read(text: str) -> Element:
    """A source file, names without namespace; every name must be in the metadata namespace."""
    root = ElementTree.fromstring(text.encode())
    for each in root.iter():
        assert each.tag.startswith(NAMESPACE)
        each.tag = each.tag.removeprefix(NAMESPACE)
    return root


def members(text: str) -> dict[str, list[str]]:
    found = {}
    for each in read(text).findall("types"):
        found[each.findtext("name") or ""] = [m.text or "" for m in each.findall("members")]
    return found


def definitions(**more: Element) -> dict[str, dict[str, Element]]:
    status = {"CaseStatus": ElementTree.fromstring(STATUS_XML)}
    return {"StandardValueSet": status, "CustomField": dict(more)}


def named(root: Element, tag: str) -> dict[str, Element]:
    return {each.findtext("fullName") or "": each for each in root.findall(tag)}


def test_a_bare_org_gets_objects_fields_values_and_access() -> None:
    plan = make_plan(sample(), BARE)
    files = source_files(plan, definitions(), "62.0")
    assert sorted(files) == [
        "objects/Case.object",
        "objects/Item__c.object",
        "objects/Order__c.object",
        "package.xml",
        "permissionsets/Deskferry.permissionset",
        "standardValueSets/CaseStatus.standardValueSet",
    ]
    listed = members(files["package.xml"])
    assert listed["CustomObject"] == ["Item__c", "Order__c"]
    assert len(listed["CustomField"]) == 9
    assert read(files["package.xml"]).findtext("version") == "62.0"
    fields = named(read(files["objects/Case.object"]), "fields")
    key = fields["Kustomer_Id__c"]
    assert [key.findtext(tag) for tag in ("type", "length", "unique", "externalId")] == [
        "Text", "24", "true", "true",
    ]  # fmt: skip
    assert fields["Kustomer_Size__c"].findtext("precision") == "8"
    assert fields["Kustomer_Lead__c"].findtext("relationshipName") == "Kustomer_Lead_Case"
    assert fields["Kustomer_Raw__c"].findtext("visibleLines") == "3"
    values = fields["Kustomer_Mood__c"].iterfind("valueSet/valueSetDefinition/value")
    assert [each.findtext("fullName") for each in values] == ["good", "bad & ugly"]


def test_a_detail_is_controlled_by_its_masters_which_have_an_order() -> None:
    files = source_files(make_plan(sample(), BARE), definitions(), "62.0")
    item = read(files["objects/Item__c.object"])
    assert item.findtext("sharingModel") == "ControlledByParent"
    fields = named(item, "fields")
    orders = {n: fields[n].findtext("relationshipOrder") for n in ("Case__c", "Order__c")}
    assert orders == {"Case__c": "0", "Order__c": "1"}
    assert all(fields[name].find("deleteConstraint") is None for name in orders)
    assert read(files["objects/Order__c.object"]).findtext("sharingModel") == "ReadWrite"


def test_the_permission_set_opens_all_but_what_may_not_be_listed() -> None:
    text = source_files(make_plan(sample(), BARE), definitions(), "62.0")[
        "permissionsets/Deskferry.permissionset"
    ]
    root = read(text)
    listed = {each.findtext("field") for each in root.findall("fieldPermissions")}
    assert "Item__c.Order__c" not in listed
    assert "Case.Kustomer_Id__c" in listed
    assert all(each.findtext("editable") == "true" for each in root.findall("fieldPermissions"))
    opened = {each.findtext("object"): each for each in root.findall("objectPermissions")}
    assert list(opened) == ["Order__c", "Item__c", "Case", "Account", "Contact"]
    rights = ("allowRead", "allowCreate", "viewAllRecords")
    told = {name: [each.findtext(right) for right in rights] for name, each in opened.items()}
    assert told["Order__c"] == ["true", "true", "true"]
    assert told["Item__c"] == ["true", "true", "false"]  # seen as far as its masters are
    assert told["Case"] == ["true", "false", "false"]


def test_a_value_set_keeps_all_that_is_there_and_wakes_what_was_inactive() -> None:
    files = source_files(make_plan(sample(), BARE), definitions(), "62.0")
    root = read(files["standardValueSets/CaseStatus.standardValueSet"])
    assert root.find("fullName") is None
    values = named(root, "standardValue")
    assert list(values) == ["New", "Open", "Done"]
    assert values["New"].findtext("label") == "Neu"
    assert values["New"].findtext("default") == "true"
    assert (values["Open"].find("isActive"), values["Open"].findtext("label")) == (None, "Offen")
    assert [v.findtext("closed") for v in values.values()] == ["false", "false", "true"]


def test_what_is_there_is_taken_as_it_is_with_ours_added() -> None:
    needed = sample()
    org = complete(needed)
    org = with_field(
        org, "Kustomer_Mood__c", OrgField("Kustomer_Mood__c", "picklist", values=("good",))
    )
    org = with_field(org, "Kustomer_Id__c", OrgField("Kustomer_Id__c", "string", length=18))
    plan = make_plan(needed, org)
    assert wanted_definitions(plan) == {
        "CustomField": ["Case.Kustomer_Id__c", "Case.Kustomer_Mood__c"]
    }
    key = (
        "<records><fullName>Case.Kustomer_Id__c</fullName><label>Ihr</label>"
        "<length>18</length></records>"
    )
    known = {
        "Case.Kustomer_Id__c": ElementTree.fromstring(key),
        "Case.Kustomer_Mood__c": ElementTree.fromstring(MOOD_XML),
    }
    files = source_files(plan, definitions(**known), "62.0")
    fields = named(read(files["objects/Case.object"]), "fields")
    assert list(fields) == ["Kustomer_Id__c", "Kustomer_Mood__c"]
    grown = fields["Kustomer_Id__c"]
    assert [grown.findtext(tag) for tag in ("label", "length", "unique", "externalId")] == [
        "Ihr", "24", "true", "true",
    ]  # fmt: skip
    mood = fields["Kustomer_Mood__c"]
    values = mood.findall("valueSet/valueSetDefinition/value")
    assert [v.findtext("label") for v in values] == ["gut", "bad & ugly"]
    assert mood.findtext("label") == "Stimmung"
    assert known["Case.Kustomer_Mood__c"].tag == "records"  # what was read is not changed


def test_values_of_a_global_value_set_are_not_ours_to_add() -> None:
    needed = sample()
    lacking = OrgField("Kustomer_Mood__c", "picklist", values=("good",))
    plan = make_plan(needed, with_field(complete(needed), "Kustomer_Mood__c", lacking))
    mood = ElementTree.fromstring(
        "<records><fullName>Case.Kustomer_Mood__c</fullName><valueSet>"
        "<valueSetName>Moods</valueSetName></valueSet></records>"
    )
    with pytest.raises(MappingDoesNotFit, match="global value set: add bad & ugly there"):
        source_files(plan, definitions(**{"Case.Kustomer_Mood__c": mood}), "62.0")


def test_record_types_and_their_process_admit_new_values() -> None:
    plan = replace(
        make_plan(sample(), BARE),
        admitted=(
            Admitted("Case", "Status", ("Open", "Done"), ("Support",)),
            Admitted("Case", "Kustomer_Mood__c", ("good",), ("Support",)),
        ),
    )
    support = ElementTree.fromstring(
        "<records><fullName>Case.Support</fullName><active>true</active><label>Support</label>"
        "<businessProcess>Desk</businessProcess><picklistValues><picklist>Origin</picklist>"
        "<values><fullName>Web</fullName><default>false</default></values></picklistValues></records>"
    )
    desk = ElementTree.fromstring(
        "<records><fullName>Case.Desk</fullName><isActive>true</isActive>"
        "<values><fullName>New</fullName><default>true</default></values></records>"
    )
    known = definitions() | {
        "RecordType": {"Case.Support": support},
        "BusinessProcess": {"Case.Desk": desk},
    }
    assert processes_of(plan, known["RecordType"]) == ["Case.Desk"]
    files = source_files(plan, known, "62.0")
    root = read(files["objects/Case.object"])
    (record_type,) = root.findall("recordTypes")
    by_picklist = {
        each.findtext("picklist"): [v.findtext("fullName") for v in each.findall("values")]
        for each in record_type.findall("picklistValues")
    }
    assert by_picklist == {"Origin": ["Web"], "Kustomer_Mood__c": ["good"]}
    (process,) = root.findall("businessProcesses")
    assert list(named(process, "values")) == ["New", "Open", "Done"]
    listed = members(files["package.xml"])
    assert (listed["RecordType"], listed["BusinessProcess"]) == (["Case.Support"], ["Case.Desk"])


def test_the_removal_takes_back_what_was_made_and_no_more() -> None:
    made = Made(
        {
            "CustomField": ["Case.Kustomer_Id__c", "Order__c.Kustomer_Id__c"],
            "CustomObject": ["Order__c"],
            "PermissionSet": ["Deskferry"],
        },
        {"CaseStatus": ["Open"]},
    )
    sets = {"CaseStatus": ElementTree.fromstring(STATUS_XML)}
    files = removal_files(made, sets, "62.0")
    assert members(files["destructiveChanges.xml"]) == {
        "CustomField": ["Case.Kustomer_Id__c"],
        "CustomObject": ["Order__c"],
        "PermissionSet": ["Deskferry"],
    }
    values = named(read(files["standardValueSets/CaseStatus.standardValueSet"]), "standardValue")
    assert list(values) == ["New"]
    assert members(files["package.xml"]) == {"StandardValueSet": ["CaseStatus"]}


def test_a_definition_tells_what_a_describe_would() -> None:
    needed = sample()
    plan = make_plan(needed, BARE)
    files = source_files(plan, definitions(), "62.0")
    told = complete(needed).objects["Case"].fields
    for name, element in named(read(files["objects/Case.object"]), "fields").items():
        assert read_field(element) == told[name]
    formula = ElementTree.fromstring(
        "<fields><fullName>Case.F__c</fullName><formula>1</formula><type>Text</type></fields>"
    )
    assert read_field(formula).type == "formula"
