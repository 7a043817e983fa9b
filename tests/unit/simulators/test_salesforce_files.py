"""Files, links, relations, topics, permissions and statuses of the stand-in."""

import base64
import hashlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
import orjson
import pytest

from simulators.salesforce.app import create_app
from simulators.salesforce.org import Org
from simulators.salesforce.settings import SalesforceSettings
from simulators.salesforce.soql import SoqlError, run_query
from simulators.salesforce.store import Outcome, Store, WriteContext

BASE = "/services/data/v62.0"
REST = WriteContext("rest")
DATA = b"line one\r\n--not-a-boundary\r\n\x00\xff\r\n"


@pytest.fixture
def org() -> Org:
    return Org(SalesforceSettings(accounts=()))


@pytest.fixture
def store(org: Org) -> Store:
    return org.store


@pytest.fixture
async def client(org: Org) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(create_app(org)),
        base_url="http://stand-in",
        headers={"Authorization": f"Bearer {org.new_token()}"},
    ) as made:
        yield made


def _made(outcome: Outcome) -> str:
    assert outcome.success, outcome.errors
    return outcome.record_id


def _version(store: Store, **more: Any) -> dict[str, Any]:
    values = {"PathOnClient": "a/invoice.PDF", "VersionData": DATA, **more}
    found = store.get("ContentVersion", _made(store.insert("ContentVersion", values, REST)))
    assert found is not None
    return found


def _code(outcome: Outcome) -> str:
    assert not outcome.success
    return outcome.errors[0].status_code


def test_a_first_version_makes_its_document_and_links_at_once(org: Org) -> None:
    store = org.store
    case = _made(store.insert("Case", {}, REST))
    version = _version(store, FirstPublishLocationId=case)
    assert (version["Title"], version["FileType"], version["FileExtension"]) == (
        "invoice.PDF", "PDF", "PDF",
    )  # fmt: skip
    assert version["Checksum"] == hashlib.md5(DATA, usedforsecurity=False).hexdigest()
    assert (version["ContentSize"], version["IsLatest"]) == (len(DATA), True)
    document = store.get("ContentDocument", version["ContentDocumentId"])
    assert document is not None
    assert document["LatestPublishedVersionId"] == version["Id"]
    links = {row["LinkedEntityId"]: row["ShareType"] for row in store.dump("ContentDocumentLink")}
    assert links == {store.running_user: "I", case: "V"}
    assert [each.object for each in org.effects.entries] == [
        "Case", "ContentVersion", "ContentDocument", "ContentDocumentLink", "ContentDocumentLink",
    ]  # fmt: skip


def test_a_second_version_becomes_the_latest(store: Store) -> None:
    first = _version(store)
    second = _version(store, ContentDocumentId=first["ContentDocumentId"])
    old = store.get("ContentVersion", first["Id"])
    assert old is not None
    assert (old["IsLatest"], second["IsLatest"], second["VersionNumber"]) == (False, True, "2")
    assert len(list(store.dump("ContentDocument"))) == 1


def test_a_version_goes_only_with_its_document(store: Store) -> None:
    version = _version(store)
    assert _code(store.delete("ContentVersion", version["Id"], REST)) == "DELETE_FAILED"
    _made(store.delete("ContentDocument", version["ContentDocumentId"], REST))
    assert store.get("ContentVersion", version["Id"]) is None
    assert all(row["IsDeleted"] for row in store.dump("ContentDocumentLink"))


def test_a_version_needs_content_and_a_name(store: Store) -> None:
    for values in ({"PathOnClient": "a.txt"}, {"VersionData": "eA=="}):
        assert _code(store.insert("ContentVersion", values, REST)) == "REQUIRED_FIELD_MISSING"
    bad = {"PathOnClient": "a.txt", "VersionData": "no base64!"}
    assert _code(store.insert("ContentVersion", bad, REST)) == "INVALID_TYPE_ON_FIELD_IN_RECORD"
    assert not list(store.dump("ContentDocument"))


def test_a_link_made_twice_says_so_and_an_email_shows_its_attachment(store: Store) -> None:
    email = _made(store.insert("EmailMessage", {"Status": "3"}, REST))
    document = _version(store)["ContentDocumentId"]
    link = {"ContentDocumentId": document, "LinkedEntityId": email}
    made = _made(store.insert("ContentDocumentLink", link, REST))
    again = store.insert("ContentDocumentLink", link, REST)
    assert again.errors[0].bulk_text() == (
        f"DUPLICATE_VALUE:Document with ID: {document} is already linked with the entity with "
        f"ID: {email}:--"
    )
    assert store.shelf("EmailMessage").records[email]["HasAttachment"] is True
    _made(store.delete("ContentDocumentLink", made, REST))
    assert store.shelf("EmailMessage").records[email]["HasAttachment"] is False
    owner = next(row["Id"] for row in store.dump("ContentDocumentLink") if row["ShareType"] == "I")
    assert _code(store.delete("ContentDocumentLink", owner, REST)) == "FIELD_INTEGRITY_EXCEPTION"


def test_links_are_queried_by_document_or_record_only(store: Store) -> None:
    document = _version(store)["ContentDocumentId"]
    soql = "SELECT Id FROM ContentDocumentLink"
    with pytest.raises(SoqlError) as refused:
        run_query(store, soql)
    assert refused.value.code == "MALFORMED_QUERY"
    found = run_query(store, f"{soql} WHERE ContentDocumentId IN ('{document[:15]}')")
    assert found.total == 1
    mixed = f"{soql} WHERE ContentDocumentId = '{document}' OR ShareType = 'V'"
    with pytest.raises(SoqlError):
        run_query(store, mixed)


@pytest.mark.parametrize("binary_first", [True, False])
async def test_a_file_is_uploaded_in_two_parts_in_any_order(
    org: Org, client: httpx.AsyncClient, binary_first: bool
) -> None:
    told = orjson.dumps({"Title": "invoice", "PathOnClient": "invoice.pdf"})
    parts = [
        ("entity_content", (None, told, "application/json")),
        ("VersionData", ("invoice.pdf", DATA, "application/pdf")),
    ]
    path = f"{BASE}/sobjects/ContentVersion"
    said = await client.post(path, files=parts[::-1] if binary_first else parts)
    assert said.status_code == 201, said.text
    made = f"{path}/{said.json()['id']}"
    assert (await client.get(f"{made}/VersionData")).content == DATA
    shown = (await client.get(made)).json()
    assert (shown["Title"], shown["ContentSize"]) == ("invoice", len(DATA))


async def test_a_file_is_uploaded_as_base64(client: httpx.AsyncClient) -> None:
    body = {"PathOnClient": "a.txt", "VersionData": base64.b64encode(DATA).decode()}
    made = (await client.post(f"{BASE}/sobjects/ContentVersion", json=body)).json()["id"]
    said = await client.get(f"{BASE}/sobjects/ContentVersion/{made}/VersionData")
    assert said.content == DATA


@pytest.mark.parametrize(
    "parts",
    [
        [("VersionData", ("a.txt", b"x", "text/plain"))],
        [("json", (None, b"{}", "application/json"))],
        [("json", (None, b"{", "application/json")), ("VersionData", ("a", b"x", "text/plain"))],
        [("json", (None, b"{}", "application/json")), ("Body", ("a", b"x", "text/plain"))],
    ],
)
async def test_parts_that_are_not_one_record_and_its_content_are_refused(
    client: httpx.AsyncClient, parts: list[Any]
) -> None:
    said = await client.post(f"{BASE}/sobjects/ContentVersion", files=parts)
    assert said.status_code == 400


def test_the_id_lists_of_an_email_make_relations_with_the_current_address(store: Store) -> None:
    person = {"LastName": "L", "Email": "now@b.example"}
    contact = _made(store.insert("Contact", person, REST))
    document = _version(store)["ContentDocumentId"]
    values = {"Status": "3", "ToIds": [contact], "ContentDocumentIds": [document]}
    email = store.get("EmailMessage", _made(store.insert("EmailMessage", values, REST)))
    assert email is not None
    assert (email["HasAttachment"], email["ToIds"]) == (True, None)
    (relation,) = store.dump("EmailMessageRelation")
    assert (relation["EmailMessageId"], relation["RelationId"]) == (email["Id"], contact)
    assert relation["RelationType"] == "ToAddress"
    assert relation["RelationAddress"] == "now@b.example"
    assert relation["RelationObjectType"] == "Contact"


def test_an_email_with_an_id_list_that_names_nobody_is_not_made(org: Org) -> None:
    values = {"Status": "3", "CcIds": ["003zzzzzzzzzzzzzzz"]}
    outcome = org.store.insert("EmailMessage", values, REST)
    assert outcome.errors[0].fields == ("CcIds",)
    assert not list(org.store.dump("EmailMessage"))
    assert org.effects.entries == []


def test_a_relation_may_be_loaded_by_the_key_of_a_person(store: Store) -> None:
    _made(store.insert("Contact", {"LastName": "L", "Kustomer_Id__c": "p"}, REST))
    email = _made(store.insert("EmailMessage", {"Status": "3", "Kustomer_Id__c": "e"}, REST))
    values = {
        "EmailMessage.Kustomer_Id__c": "e",
        "Contact:Relation.Kustomer_Id__c": "p",
        "RelationType": "FromAddress",
        "RelationAddress": "then@b.example",
    }
    _made(store.insert("EmailMessageRelation", values, REST))
    _made(store.delete("EmailMessage", email, REST))
    assert all(row["IsDeleted"] for row in store.dump("EmailMessageRelation"))


def test_a_task_names_its_person_by_a_key_with_its_kind(store: Store) -> None:
    contact = _made(store.insert("Contact", {"LastName": "L", "Kustomer_Id__c": "p"}, REST))
    values = {"Subject": "S", "Contact:Who.Kustomer_Id__c": "p", "Lead:Who.Kustomer_Id__c": None}
    task = _made(store.insert("Task", values, REST))
    assert store.shelf("Task").records[task]["WhoId"] == contact
    missing = store.insert("Task", {"Who.Kustomer_Id__c": "p"}, REST)
    assert _code(missing) == "INVALID_FIELD"


def test_topics_and_their_assignments_occur_once(store: Store) -> None:
    case = _made(store.insert("Case", {}, REST))
    topic = _made(store.insert("Topic", {"Name": "Billing"}, REST))
    assert _code(store.insert("Topic", {"Name": "billing"}, REST)) == "DUPLICATE_VALUE"
    values = {"TopicId": topic, "EntityId": case}
    made = _made(store.insert("TopicAssignment", values, REST))
    record = store.shelf("TopicAssignment").records[made]
    assert (record["EntityKeyPrefix"], record["EntityType"]) == ("500", "Case")
    assert _code(store.insert("TopicAssignment", values, REST)) == "DUPLICATE_VALUE"
    _made(store.delete("TopicAssignment", made, REST))
    _made(store.insert("TopicAssignment", values, REST))


def test_a_membership_made_again_is_the_one_that_is_there(org: Org) -> None:
    group = org.store.seed("Group", {"Name": "G", "Type": "Regular"})
    values = {"GroupId": group, "UserOrGroupId": org.user_id}
    first, second = (org.store.insert("GroupMember", values, REST) for _ in "ab")
    assert (first.success, first.record_id) == (second.success, second.record_id)
    assert len(org.effects.entries) == 1


def test_groups_without_a_developer_name_do_not_clash(store: Store) -> None:
    for _ in range(2):
        _made(store.insert("Group", {"Name": "G", "Type": "Regular"}, REST))
    named = {"Name": "G", "Type": "Queue", "DeveloperName": "G"}
    _made(store.insert("Group", named, REST))
    assert _code(store.insert("Group", named, REST)) == "DUPLICATE_VALUE"


def test_a_permission_set_is_made_and_given_once(org: Org) -> None:
    values = {"Name": "Loader", "Label": "Loader", "PermissionsCreateAuditFields": True}
    made = _made(org.store.insert("PermissionSet", values, REST))
    given = {"AssigneeId": org.user_id, "PermissionSetId": made}
    _made(org.store.insert("PermissionSetAssignment", given, REST))
    again = org.store.insert("PermissionSetAssignment", given, REST)
    assert _code(again) == "DUPLICATE_VALUE"


@pytest.mark.parametrize("audit", [True, False])
def test_the_permissions_of_the_running_user_can_be_asked_for(audit: bool) -> None:
    settings = SalesforceSettings(audit_fields=audit, inactive_owner=not audit)
    store = Org(settings).store
    columns = "PermissionsCreateAuditFields, PermissionsUpdateWithInactiveOwner"
    (row,) = run_query(store, f"SELECT {columns} FROM UserPermissionAccess").rows
    assert list(row.values()) == [audit, not audit]


def test_a_permission_that_the_org_does_not_offer_is_no_column() -> None:
    hidden = frozenset({"UserPermissionAccess.PermissionsCreateAuditFields"})
    store = Org(SalesforceSettings(hidden_fields=hidden)).store
    with pytest.raises(SoqlError) as refused:
        run_query(store, "SELECT PermissionsCreateAuditFields FROM UserPermissionAccess")
    assert refused.value.code == "INVALID_FIELD"


def test_case_statuses_tell_which_of_them_close(store: Store) -> None:
    soql = "SELECT ApiName, IsClosed, IsDefault FROM CaseStatus ORDER BY SortOrder"
    rows = run_query(store, soql).rows
    assert [row["ApiName"] for row in rows if row["IsClosed"]] == ["Closed", "Done"]
    assert [row["ApiName"] for row in rows if row["IsDefault"]] == ["New"]
    assert _code(store.insert("CaseStatus", {}, REST)) == "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"
