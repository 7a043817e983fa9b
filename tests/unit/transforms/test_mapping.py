"""Reading a mapping file, and comparing it with the target: every fault at once."""

from dataclasses import replace
from importlib.resources import files

import pytest

from tests.unit.transforms.target_shape import default_shape
from transforms.compile import MapSettings, compile_mapping
from transforms.errors import MappingDoesNotFit, MappingInvalid
from transforms.mapping import parse_mapping
from transforms.shape import FieldShape, ObjectShape

TEXT = (files("transforms") / "default_mapping.yaml").read_text(encoding="utf-8")
HEAD = "version: 1\nphases:\n  notes:\n    kind: note\n    tables:\n      CaseComment:\n"
SETTINGS = MapSettings("005000000000001AAA")


def faults(text: str) -> list[str]:
    with pytest.raises(MappingInvalid) as caught:
        parse_mapping(text, "m.yaml")
    return caught.value.faults


def misfits(text: str, **objects: ObjectShape) -> list[str]:
    with pytest.raises(MappingDoesNotFit) as caught:
        compile_mapping(parse_mapping(text, "m.yaml"), {**default_shape(), **objects}, SETTINGS)
    return caught.value.faults


def changed(table: str, *fields: FieldShape, without: tuple[str, ...] = ()) -> ObjectShape:
    shape = default_shape()[table]
    kept = {name: field for name, field in shape.fields.items() if name not in without}
    return ObjectShape(table, kept | {field.name: field for field in fields})


def test_all_faults_are_named_at_once_with_their_lines() -> None:
    text = HEAD + (
        "        fields:\n"
        "          A: {convert: texd}\n"
        "          B: {sauce: attributes.b}\n"
        "          C: {convert: names, options: {off: tags}}\n"
        "          D: {convert: names, options: {of: pets}}\n"
        "          E: {convert: datetime, keep: F}\n"
        "          G: {convert: values}\n"
        "          H: {convert: constant}\n"
        "        split: {field: X, bytes: 4000}\n"
    )
    found = faults(text)
    assert [fault.split(":")[1] for fault in found] == [str(line) for line in range(8, 15)]
    assert "there is no converter texd" in found[0]
    assert "there is no such key" in found[1]
    assert "has no option off" in found[2]
    assert "needs the option of" in found[2]
    assert "cannot have this value" in found[3]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "{SuppliedName: name,",
            "{SuppliedName: nickname,",
            "takes over nickname, which Lead does not",
        ),
        ("{SuppliedName: name,", "{Subject: name,", "Subject is filled twice"),
        ("supplied: {Lead: ", "supplied: {Account: ", "supplied is for a parent of one kind"),
    ],
)
def test_what_is_taken_over_of_a_parent_must_be_supplied_and_fill_a_field_of_its_own(
    old: str, new: str, said: str
) -> None:
    text = TEXT
    assert text.count(old) == 1
    (fault,) = faults(text.replace(old, new))
    assert said in fault


def test_faults_between_lines_are_named() -> None:
    text = HEAD + (
        "        key: Missing__c\n"
        "        split: {field: X, bytes: 4000}\n"
        "        fields: {A: {keep: B}, B: {}}\n"
        "  odd: {kind: x}\n"
    )
    found = faults(text)
    assert "X is split" in found[0]
    assert "the key Missing__c is no field" in found[0]
    assert "B keeps a shortened value" in found[0]
    assert "either a match or tables" in found[1]


def test_a_parent_needs_a_kind_for_each_source() -> None:
    parent = "{source: [a, b], kinds: [user], columns: {User: OwnerId}}"
    text = f"{HEAD}        fields: {{A: {{}}}}\n        parents: {{p: {parent}}}\n"
    assert "one kind for each source" in faults(text)[0]


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("a: [", ":1: not YAML"),
        ("a: 1\na: 2\n", ":2: not YAML"),
        ("- 1", "holds no mapping"),
        ("a: \x00", "not YAML"),
        ("version: 2\nphases: {}\n", "version"),
        ("phases: {}\n", "missing; add it"),
    ],
)
def test_what_is_no_mapping_is_refused(text: str, part: str) -> None:
    assert part in faults(text)[0]


def test_choosing_a_table_that_is_none_is_refused() -> None:
    broken = TEXT.replace("absent: Lead}", "absent: Prospect}")
    assert "Prospect is chosen, but is no table" in faults(broken)[0]


def test_the_default_map_fits_with_and_without_audit_fields() -> None:
    mapping = parse_mapping(TEXT, "m.yaml")
    for audit in (True, False):
        compiled = compile_mapping(mapping, default_shape(audit=audit), SETTINGS)
        for phase in ("companies", "customers", "conversations", "messages", "notes"):
            for table in compiled.phases[phase].tables.values():
                assert ("CreatedDate" in table.columns) is audit
                assert ("creator" in {parent.name for parent in table.parents}) is audit


def test_keys_come_first_and_parents_are_described() -> None:
    compiled = compile_mapping(parse_mapping(TEXT, "m.yaml"), default_shape(), SETTINGS)
    case = compiled.phases["conversations"].tables["Case"]
    assert case.key_column == case.columns[0] == "Kustomer_Id__c"
    owner = next(parent for parent in case.parents if parent.name == "owner")
    assert owner.chain
    assert owner.kinds == ("user", "team")
    assert owner.columns == {"User": "OwnerId", "Group": "OwnerId"}
    assert owner.default == "005000000000001AAA"
    comment = compiled.phases["notes"].tables["CaseComment"]
    assert comment.key_column is None
    assert "Kustomer_Id__c" not in comment.columns


def test_every_misfit_is_named_at_once() -> None:
    status = FieldShape("Status", "picklist", 255, picklist=("New", "Closed"), restricted=True)
    found = misfits(
        TEXT,
        Case=changed(
            "Case",
            status,
            FieldShape("Subject", "datetime"),
            FieldShape("Kustomer_Tags__c", "textarea", 32000, createable=False),
            FieldShape("ContactId", "reference", reference_to=("Account",)),
            FieldShape("Kustomer_Id__c", "string", 24, external_id=True),
            FieldShape("Severity__c", "string", 10, nillable=False),
            without=("Kustomer_Raw__c",),
        ),
    )
    assert found == [
        "Case.Subject is of type datetime, which converter text does not make.",
        "Case.Status does not offer Done, Open, Snoozed.",
        "Case does not let us set Kustomer_Tags__c (or the running user may not see or write it).",
        "Case has no field Kustomer_Raw__c (or the running user may not see or write it).",
        "Case.ContactId refers to Account, not to Contact.",
        "Case.Kustomer_Id__c is not a unique external id.",
        "Case requires Severity__c, which the map does not give.",
    ]


def test_an_open_picklist_that_lacks_a_value_is_a_misfit_too() -> None:
    shape = changed("Case", FieldShape("Priority", "picklist", 255, picklist=("High", "Low")))
    assert misfits(TEXT, Case=shape) == ["Case.Priority does not offer Medium."]


def test_a_default_that_does_not_fit_and_an_absent_object_are_misfits() -> None:
    company = replace(default_shape()["Lead"].fields["Company"], length=5)
    text = TEXT.replace("      Account:\n", "      Firm:\n")
    assert misfits(text, Lead=changed("Lead", company)) == [
        "companies: the org has no object Firm.",
        "Lead.Company is too short for the line's default.",
    ]


def test_a_public_group_owns_no_record_and_only_a_group_is_made() -> None:
    grouped = TEXT.replace("make: queue", "make: group")
    (fault,) = faults(grouped)
    assert "conversations.Case: a public group can own no record; take team out of owner" in fault
    owner = "kinds: [user, team], columns: {User: OwnerId, Group: OwnerId}"
    alone = grouped.replace(
        f"owner: {{source: [attributes.assignedUsers, attributes.assignedTeams], {owner}",
        "owner: {source: [attributes.assignedUsers], kinds: [user], columns: {User: OwnerId}",
    )
    assert parse_mapping(alone, "mapping.yaml").phases["teams"].match is not None
    (fault,) = faults(TEXT.replace("target: Email}", "target: Email, make: queue}"))
    assert "only a Group can be made" in fault
