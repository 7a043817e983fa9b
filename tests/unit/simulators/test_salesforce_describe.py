"""Describe is the truth of the stand-in about fields, access and the audit permission."""

from typing import Any

import pytest

from simulators.salesforce.schema import Schema

OBJECTS = ("Account", "Contact", "Lead", "Case", "EmailMessage", "CaseComment", "User", "Group")


def _fields(schema: Schema, name: str) -> dict[str, dict[str, Any]]:
    found = schema.find(name)
    assert found is not None
    return {each["name"]: each for each in schema.describe(found)["fields"]}


def _required(fields: dict[str, dict[str, Any]]) -> set[str]:
    return {
        name
        for name, each in fields.items()
        if each["createable"] and not each["nillable"] and not each["defaultedOnCreate"]
    }


@pytest.mark.parametrize("name", OBJECTS)
def test_an_object_is_found_in_any_case_of_its_name(name: str) -> None:
    found = Schema().find(name.lower())
    assert found is not None
    assert found.name == name


@pytest.mark.parametrize(
    ("name", "required"),
    [
        ("Account", {"Name"}),
        ("Contact", {"LastName"}),
        ("Lead", {"LastName", "Company"}),
        ("Case", set()),
        ("CaseComment", {"ParentId"}),
    ],
)
def test_the_required_fields_are_the_published_ones(name: str, required: set[str]) -> None:
    assert _required(_fields(Schema(), name)) - {"Status"} == required


@pytest.mark.parametrize("audit", [True, False])
def test_created_date_is_createable_only_with_the_audit_permission(audit: bool) -> None:
    schema = Schema(audit=audit)
    for name in ("Account", "Contact", "Lead", "Case", "EmailMessage", "CaseComment"):
        fields = _fields(schema, name)
        assert fields["CreatedDate"]["createable"] is audit
        assert fields["CreatedDate"]["updateable"] is False
        assert fields["SystemModstamp"]["createable"] is False


@pytest.mark.parametrize("name", ["Account", "Contact", "Lead", "Case", "EmailMessage"])
def test_the_source_key_is_a_unique_external_id(name: str) -> None:
    key = _fields(Schema(), name)["Kustomer_Id__c"]
    assert (key["externalId"], key["unique"], key["length"], key["byteLength"]) == (
        True, True, 24, 72,
    )  # fmt: skip


def test_a_comment_has_no_custom_field() -> None:
    assert not [name for name in _fields(Schema(), "CaseComment") if name.endswith("__c")]


def test_a_field_without_access_is_absent() -> None:
    schema = Schema(hidden=frozenset({"Case.Kustomer_Id__c"}))
    assert "Kustomer_Id__c" not in _fields(schema, "Case")
    assert "Kustomer_Id__c" in _fields(schema, "Account")


def test_long_text_cannot_be_filtered_and_a_comment_body_can() -> None:
    assert _fields(Schema(), "EmailMessage")["TextBody"]["filterable"] is False
    assert _fields(Schema(), "Case")["Description"]["filterable"] is False
    assert _fields(Schema(), "CaseComment")["CommentBody"]["filterable"] is True


def test_the_owner_of_a_case_is_polymorphic_and_its_contact_is_not() -> None:
    fields = _fields(Schema(), "Case")
    assert set(fields["OwnerId"]["referenceTo"]) == {"Group", "User"}
    assert fields["OwnerId"]["polymorphicForeignKey"] is True
    assert fields["ContactId"]["polymorphicForeignKey"] is False
    assert fields["ContactId"]["relationshipName"] == "Contact"


def test_the_case_status_values_are_offered_and_not_enforced() -> None:
    status = _fields(Schema(), "Case")["Status"]
    values = {each["value"] for each in status["picklistValues"]}
    assert {"New", "Working", "Escalated", "Closed", "Open", "Snoozed", "Done"} <= values
    assert status["restrictedPicklist"] is False


FIELD_KEYS = """
aggregatable aiPredictionField autoNumber byteLength calculated calculatedFormula cascadeDelete
caseSensitive compoundFieldName controllerName createable custom defaultValue defaultValueFormula
defaultedOnCreate dependentPicklist deprecatedAndHidden digits displayLocationInDecimal encrypted
externalId extraTypeInfo filterable filteredLookupInfo formulaTreatNullNumberAsZero groupable
highScaleNumber htmlFormatted idLookup inlineHelpText label length mask maskType name nameField
namePointing nillable permissionable picklistValues polymorphicForeignKey precision
queryByDistance referenceTargetField referenceTo relationshipName relationshipOrder
restrictedDelete restrictedPicklist scale searchPrefilterable soapType sortable type unique
updateable writeRequiresMasterRead
"""


@pytest.mark.parametrize("name", list(Schema().objects))
def test_a_field_tells_all_its_keys(name: str) -> None:
    wanted = set(FIELD_KEYS.split())
    for each in _fields(Schema(), name).values():
        assert set(each) == wanted


@pytest.mark.parametrize(
    "name",
    [
        "ContentVersion", "ContentDocument", "ContentDocumentLink", "EmailMessageRelation",
        "CaseStatus", "PermissionSet", "PermissionSetAssignment", "UserPermissionAccess", "Topic",
        "TopicAssignment", "Task", "GroupMember", "QueueSobject", "Organization", "Profile",
    ],
)  # fmt: skip
def test_an_object_that_loads_need_is_there(name: str) -> None:
    schema = Schema()
    found = schema.find(name)
    assert found is not None
    assert schema.describe(found)["queryable"] is True


def test_no_two_objects_share_a_prefix() -> None:
    prefixes = [each.prefix for each in Schema().objects.values()]
    assert len(set(prefixes)) == len(prefixes)
    assert all(len(prefix) == 3 for prefix in prefixes)


def test_every_reference_leads_to_an_object_that_is_there() -> None:
    schema = Schema()
    for each in schema.objects.values():
        for known in each.fields.values():
            assert set(known.targets) <= set(schema.objects)
            assert bool(known.targets) == bool(known.relation)


def test_children_tell_whether_they_go_with_their_parent() -> None:
    schema = Schema()
    children = schema.describe(schema.objects["Case"])["childRelationships"]
    going = {each["childSObject"] for each in children if each["cascadeDelete"]}
    assert {"EmailMessage", "CaseComment"} <= going
    assert "Case" not in going


def test_setup_objects_have_no_audit_fields_to_set() -> None:
    for name in ("User", "Group", "PermissionSet", "Topic"):
        assert _fields(Schema(), name)["CreatedDate"]["createable"] is False
