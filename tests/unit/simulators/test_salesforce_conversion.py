"""A Lead that an agent converts names its Contact, and cannot be changed any more."""

from typing import Any

import pytest

from simulators.salesforce.conversion import NoConversion, convert
from simulators.salesforce.org import Org
from simulators.salesforce.settings import SalesforceSettings
from simulators.salesforce.store import Store, WriteContext

BULK, ADMIN = WriteContext("bulk", "750x"), WriteContext("admin")


@pytest.fixture
def store() -> Store:
    return Org(SalesforceSettings(), clock=lambda: 1_790_000_000.0).store


def lead(store: Store) -> str:
    values = {
        "LastName": "Lovelace",
        "Company": "Engines",
        "City": "London",
        "Email": "a@b.example",
    }
    return store.insert("Lead", values, BULK).record_id


def read(store: Store, name: str, record_id: str) -> dict[str, Any]:
    found = store.get(name, record_id)
    assert found is not None
    return found


def test_a_converted_lead_names_what_it_became_and_takes_no_change(store: Store) -> None:
    key = lead(store)
    said = convert(store, {"leadId": key}, ADMIN)
    made = read(store, "Contact", said["contactId"])
    assert (made["LastName"], made["MailingCity"]) == ("Lovelace", "London")
    assert made["AccountId"] == said["accountId"]
    assert read(store, "Account", said["accountId"])["Name"] == "Engines"
    record = read(store, "Lead", key)
    assert (record["IsConverted"], record["ConvertedContactId"]) == (True, said["contactId"])
    assert record["LastModifiedById"] != store.running_user
    refused = store.update("Lead", {"Id": key, "City": "Paris"}, BULK)
    assert refused.errors[0].status_code == "CANNOT_UPDATE_CONVERTED_LEAD"
    with pytest.raises(NoConversion):
        convert(store, {"leadId": key}, ADMIN)


def test_a_lead_can_be_converted_to_records_that_are_there(store: Store) -> None:
    account = store.insert("Account", {"Name": "Here"}, BULK).record_id
    contact = store.insert("Contact", {"LastName": "Here"}, BULK).record_id
    given = {"leadId": lead(store), "accountId": account, "contactId": contact}
    assert convert(store, given, ADMIN) == {"accountId": account, "contactId": contact}
    with pytest.raises(NoConversion):
        convert(store, {"leadId": lead(store), "contactId": "003000000000000AAA"}, ADMIN)


def test_what_a_conversion_made_cannot_be_set(store: Store) -> None:
    refused = store.update("Lead", {"Id": lead(store), "ConvertedContactId": None}, BULK)
    assert refused.errors[0].status_code == "INVALID_FIELD_FOR_INSERT_UPDATE"


def test_a_relation_is_given_another_person_by_those_who_may_update_emails(store: Store) -> None:
    key, email = lead(store), store.insert("EmailMessage", {"Status": "3"}, BULK).record_id
    contact = store.insert("Contact", {"LastName": "L", "Email": "c@d.example"}, BULK).record_id
    values = {"EmailMessageId": email, "RelationType": "FromAddress", "RelationId": key}
    relation = store.insert("EmailMessageRelation", values, BULK).record_id
    change = {"Id": relation, "RelationId": contact}
    assert store.update("EmailMessageRelation", change, BULK).success
    record = read(store, "EmailMessageRelation", relation)
    assert (record["RelationObjectType"], record["RelationAddress"]) == ("Contact", "c@d.example")
    (permissions,) = store.shelf("UserPermissionAccess").records
    store.touch("UserPermissionAccess", permissions, {"PermissionsCanUpdateEmailMessage": False})
    refused = store.update("EmailMessageRelation", change, BULK)
    assert refused.errors[0].status_code == "INSUFFICIENT_ACCESS_OR_READONLY"
