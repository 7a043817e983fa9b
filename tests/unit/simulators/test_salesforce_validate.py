"""Rows that Salesforce refuses are refused by the stand-in, with the published codes."""

from typing import Any

import pytest

from simulators.salesforce.org import Org
from simulators.salesforce.settings import SalesforceSettings
from simulators.salesforce.store import Outcome, Store, WriteContext

BULK = WriteContext("bulk")


@pytest.fixture
def store() -> Store:
    return Org(SalesforceSettings()).store


def _refusal(outcome: Outcome) -> tuple[str, tuple[str, ...]]:
    assert not outcome.success
    return outcome.errors[0].status_code, outcome.errors[0].fields


@pytest.mark.parametrize(
    ("name", "values", "code", "field"),
    [
        ("Account", {"Name": "x" * 256}, "STRING_TOO_LONG", "Name"),
        ("Account", {"Name": "A", "Nope__c": "1"}, "INVALID_FIELD", "Nope__c"),
        ("Contact", {"FirstName": "A"}, "REQUIRED_FIELD_MISSING", "LastName"),
        ("Contact", {"LastName": "A", "Email": "123"}, "INVALID_EMAIL_ADDRESS", "Email"),
        ("Contact", {"LastName": "A", "AccountId": "0035f0000000001AAA"}, "MALFORMED_ID",
         "AccountId"),
        ("Case", {"CreatedDate": "yesterday"}, "INVALID_TYPE_ON_FIELD_IN_RECORD", "CreatedDate"),
        ("Case", {"Kustomer_Priority__c": "high"}, "INVALID_TYPE_ON_FIELD_IN_RECORD",
         "Kustomer_Priority__c"),
        ("Case", {"IsEscalated": "perhaps"}, "INVALID_TYPE_ON_FIELD_IN_RECORD", "IsEscalated"),
        ("Case", {"ClosedDate": "2020-01-01T00:00:00Z"}, "INVALID_FIELD_FOR_INSERT_UPDATE",
         "ClosedDate"),
        ("Case", {"SystemModstamp": "2020-01-01T00:00:00Z"}, "INVALID_FIELD_FOR_INSERT_UPDATE",
         "SystemModstamp"),
        ("EmailMessage", {"Status": "9"}, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "Status"),
    ],
)  # fmt: skip
def test_a_bad_value_is_refused_with_its_code_and_field(
    store: Store, name: str, values: dict[str, Any], code: str, field: str
) -> None:
    assert _refusal(store.insert(name, values, BULK)) == (code, (field,))


def test_a_lead_without_name_and_company_names_both(store: Store) -> None:
    error = store.insert("Lead", {}, BULK).errors[0]
    assert set(error.fields) == {"LastName", "Company"}


def test_a_case_needs_no_field(store: Store) -> None:
    assert store.insert("Case", {}, BULK).success


def test_an_unrestricted_picklist_takes_unknown_values_silently(store: Store) -> None:
    made = store.insert("Case", {"Status": "Paused"}, BULK)
    case = store.get("Case", made.record_id)
    assert case is not None
    assert (case["Status"], case["IsClosed"]) == ("Paused", False)


def test_a_comment_is_measured_in_bytes(store: Store) -> None:
    case = store.insert("Case", {}, BULK).record_id
    fits = {"ParentId": case, "CommentBody": "é" * 2000}
    over = {"ParentId": case, "CommentBody": "é" * 2000 + "e"}
    assert store.insert("CaseComment", fits, BULK).success
    assert _refusal(store.insert("CaseComment", over, BULK))[0] == "STRING_TOO_LONG"


def test_other_text_is_measured_in_characters(store: Store) -> None:
    assert store.insert("Account", {"Name": "é" * 255}, BULK).success


def test_a_missing_parent_is_an_invalid_cross_reference(store: Store) -> None:
    values = {"LastName": "A", "AccountId": "0015f0000000zzzAAA"}
    assert _refusal(store.insert("Contact", values, BULK)) == ("INVALID_CROSS_REFERENCE_KEY", ())


def test_a_short_reference_is_stored_in_its_long_form(store: Store) -> None:
    account = store.insert("Account", {"Name": "A"}, BULK).record_id
    made = store.insert("Contact", {"LastName": "A", "AccountId": account[:15]}, BULK)
    contact = store.get("Contact", made.record_id)
    assert contact is not None
    assert contact["AccountId"] == account


def test_a_case_may_belong_to_a_queue_or_a_user(store: Store) -> None:
    queue = next(row["Id"] for row in store.dump("Group") if row["Type"] == "Queue")
    user = next(iter(store.dump("User")))["Id"]
    assert store.insert("Case", {"OwnerId": queue}, BULK).success
    assert store.insert("Case", {"OwnerId": user}, BULK).success


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("2020-02-29T23:59:59.987Z", "2020-02-29T23:59:59.000+0000"),
        ("2020-03-01T01:00:00+02:00", "2020-02-29T23:00:00.000+0000"),
        ("2020-03-01T01:00:00-0130", "2020-03-01T02:30:00.000+0000"),
    ],
)
def test_moments_are_kept_in_utc_and_whole_seconds(store: Store, given: str, stored: str) -> None:
    made = store.insert("Case", {"Kustomer_Closed_At__c": given}, BULK)
    case = store.get("Case", made.record_id)
    assert case is not None
    assert case["Kustomer_Closed_At__c"] == stored


def test_audit_fields_are_refused_without_the_permission() -> None:
    store = Org(SalesforceSettings(audit_fields=False)).store
    values = {"CreatedDate": "2020-01-01T00:00:00Z"}
    expected = ("INVALID_FIELD_FOR_INSERT_UPDATE", ("CreatedDate",))
    assert _refusal(store.insert("Case", values, BULK)) == expected


def test_audit_fields_are_refused_on_update_even_with_the_permission(store: Store) -> None:
    case = store.insert("Case", {}, BULK).record_id
    values = {"Id": case, "CreatedDate": "2020-01-01T00:00:00Z"}
    expected = ("INVALID_FIELD_FOR_INSERT_UPDATE", ("CreatedDate",))
    assert _refusal(store.update("Case", values, BULK)) == expected


def test_a_field_without_access_does_not_exist() -> None:
    store = Org(SalesforceSettings(hidden_fields=frozenset({"Case.Kustomer_Tags__c"}))).store
    assert _refusal(store.insert("Case", {"Kustomer_Tags__c": "a"}, BULK))[0] == "INVALID_FIELD"
