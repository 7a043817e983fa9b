"""Unique keys of the stand-in: cleared, seeded, doubled, upserted; parents named by a key."""

from typing import Any

import pytest

from simulators.salesforce.org import Org
from simulators.salesforce.reading import Reader
from simulators.salesforce.schema import Schema
from simulators.salesforce.settings import SalesforceSettings
from simulators.salesforce.store import Outcome, Store, WriteContext

BULK = WriteContext("bulk", "750x")
KEYS = ("a" * 24, "b" * 24, "c" * 24)


@pytest.fixture
def store() -> Store:
    return Org(SalesforceSettings(accounts=())).store


def _account(store: Store, key: str, **more: Any) -> str:
    outcome = store.insert("Account", {"Name": "Acme", "Kustomer_Id__c": key, **more}, BULK)
    assert outcome.success, outcome.errors
    return outcome.record_id


def _error(outcome: Outcome) -> str:
    assert not outcome.success
    return outcome.errors[0].bulk_text()


def test_a_key_set_to_null_is_free_again(store: Store) -> None:
    first = _account(store, KEYS[0])
    assert store.update("Account", {"Id": first, "Kustomer_Id__c": None}, BULK).success
    assert store.unique_id("Account", "Kustomer_Id__c", KEYS[0]) is None
    assert _account(store, KEYS[0]) != first


def test_a_refused_change_leaves_the_old_key_in_force(store: Store) -> None:
    first, second = _account(store, KEYS[0]), _account(store, KEYS[1])
    assert not store.update("Account", {"Id": second, "Kustomer_Id__c": KEYS[0]}, BULK).success
    assert store.unique_id("Account", "Kustomer_Id__c", KEYS[0]) == first
    assert store.unique_id("Account", "Kustomer_Id__c", KEYS[1]) == second


def test_a_seeded_record_holds_its_key_and_is_found_from_its_parent(store: Store) -> None:
    case = store.seed("Case", {"Kustomer_Id__c": KEYS[0]})
    comment = store.seed("CaseComment", {"ParentId": case, "CommentBody": "x"})
    assert store.unique_id("Case", "Kustomer_Id__c", KEYS[0]) == case
    assert store.children("CaseComment", case) == [comment]
    again = store.insert("Case", {"Kustomer_Id__c": KEYS[0]}, BULK)
    assert _error(again).startswith("DUPLICATE_VALUE:duplicate value found: Kustomer_Id__c")


def test_a_seeded_record_in_the_bin_holds_no_key(store: Store) -> None:
    store.seed("Case", {"Kustomer_Id__c": KEYS[0], "IsDeleted": True})
    assert store.insert("Case", {"Kustomer_Id__c": KEYS[0]}, BULK).success


def test_keys_that_differ_in_case_alone_fail_each_other_in_one_chunk(store: Store) -> None:
    rows = [{"Name": "x", "Kustomer_Id__c": key} for key in ("AbC", "aBc", "abd")]
    first, second, third = store.chunk("Account", rows, "insert", BULK)
    assert _error(first) == (
        "DUPLICATE_VALUE:Duplicate external id specified: AbC:Kustomer_Id__c --"
    )
    assert _error(second) == (
        "DUPLICATE_VALUE:Duplicate external id specified: aBc:Kustomer_Id__c --"
    )
    assert third.success


def test_the_same_text_in_another_column_is_no_double_key(store: Store) -> None:
    rows = [
        {"Name": "k1", "Kustomer_Id__c": "k2"},
        {"Name": "k2", "Kustomer_Id__c": "k3"},
        {"Name": "k2", "kustomer_id__C": "K2"},
    ]
    made = [each.success for each in store.chunk("Account", rows, "insert", BULK)]
    assert made == [False, True, False]


def test_a_child_moves_between_parents(store: Store) -> None:
    first, second = (store.insert("Case", {}, BULK).record_id for _ in range(2))
    child = store.insert("Case", {"ParentId": first}, BULK).record_id
    assert store.update("Case", {"Id": child, "ParentId": second}, BULK).success
    assert (store.children("Case", first), store.children("Case", second)) == ([], [child])


def test_an_upsert_makes_once_and_then_changes(store: Store) -> None:
    made = store.upsert("Account", "Kustomer_Id__c", {"Name": "A", "Kustomer_Id__c": "k"}, BULK)
    again = store.upsert("Account", "Kustomer_Id__c", {"Name": "B", "Kustomer_Id__c": "K"}, BULK)
    assert (made.created, again.created) == (True, False)
    assert made.record_id == again.record_id
    record = store.get("Account", made.record_id)
    assert record is not None
    assert (record["Name"], record["Kustomer_Id__c"]) == ("B", "k")


def test_an_upsert_chunk_fails_what_has_no_key_and_what_has_it_twice(store: Store) -> None:
    rows: list[dict[str, Any]] = [
        {"Name": "A"},
        {"Name": "B", "Kustomer_Id__c": "k"},
        {"Name": "C", "Kustomer_Id__c": "K"},
        {"Name": "D", "Kustomer_Id__c": "l"},
    ]
    outcomes = store.chunk("Account", rows, "upsert", BULK, external_field="Kustomer_Id__c")
    assert _error(outcomes[0]) == "MISSING_ARGUMENT:Kustomer_Id__c not specified:--"
    assert _error(outcomes[1]).startswith("DUPLICATE_VALUE:Duplicate external id specified: k")
    assert _error(outcomes[2]).startswith("DUPLICATE_VALUE:Duplicate external id specified: K")
    assert (outcomes[3].success, outcomes[3].created) == (True, True)


def test_an_upsert_by_id_inserts_where_there_is_none(store: Store) -> None:
    made = store.upsert("Account", "Id", {"Name": "A"}, BULK)
    changed = store.upsert("Account", "Id", {"Id": made.record_id, "Name": "B"}, BULK)
    assert (made.created, changed.created, changed.success) == (True, False, True)


def test_an_upsert_by_a_look_up_field_that_two_records_carry_names_both(store: Store) -> None:
    ids = [
        store.insert("EmailMessage", {"Status": "3", "MessageIdentifier": "<m>"}, BULK).record_id
        for _ in range(2)
    ]
    values = {"Status": "3", "MessageIdentifier": "<M>"}
    error = store.upsert("EmailMessage", "MessageIdentifier", values, BULK).errors[0]
    assert error.status_code == "DUPLICATE_EXTERNAL_ID"
    assert all(each in error.message for each in ids)


def test_audit_fields_cannot_be_upserted(store: Store) -> None:
    values = {"Kustomer_Id__c": "k", "CreatedDate": "2020-01-01T00:00:00Z"}
    outcome = store.upsert("Case", "Kustomer_Id__c", values, BULK)
    assert outcome.errors[0].status_code == "INVALID_FIELD_FOR_INSERT_UPDATE"


def test_a_parent_may_be_named_by_its_key(store: Store) -> None:
    account = _account(store, KEYS[0])
    values = {"LastName": "A", "Account.Kustomer_Id__c": KEYS[0].upper()}
    contact = store.get("Contact", store.insert("Contact", values, BULK).record_id)
    assert contact is not None
    assert contact["AccountId"] == account
    cleared = {"Id": contact["Id"], "Account.Kustomer_Id__c": None}
    assert store.update("Contact", cleared, BULK).success
    assert store.shelf("Contact").records[contact["Id"]]["AccountId"] is None


def test_a_parent_of_several_kinds_is_named_with_its_kind(store: Store) -> None:
    account = _account(store, KEYS[0])
    values = {"Status": "3", "Account:RelatedTo.Kustomer_Id__c": KEYS[0]}
    made = store.get("EmailMessage", store.insert("EmailMessage", values, BULK).record_id)
    assert made is not None
    assert made["RelatedToId"] == account


def test_a_key_that_no_parent_carries_is_told(store: Store) -> None:
    values = {"LastName": "A", "Account.Kustomer_Id__c": "none"}
    assert _error(store.insert("Contact", values, BULK)) == (
        "INVALID_FIELD:Foreign key external ID: none not found for field Kustomer_Id__c in "
        "entity Account:--"
    )


def test_a_parent_named_by_a_look_up_field_must_be_the_only_one(store: Store) -> None:
    first = store.insert("Contact", {"LastName": "A", "Email": "a@b.example"}, BULK).record_id
    values = {"LastName": "B", "ReportsTo.Email": "A@B.example"}
    made = store.get("Contact", store.insert("Contact", values, BULK).record_id)
    assert made is not None
    assert made["ReportsToId"] == first
    store.insert("Contact", {"LastName": "C", "Email": "a@b.example"}, BULK)
    error = _error(store.insert("Contact", values, BULK))
    assert "more than one record found for external id field" in error


@pytest.mark.parametrize(
    "column",
    [
        "Contact:Account.Kustomer_Id__c",
        "Owner.FederationIdentifier",
        "Account.Phone",
        "Account.Nope__c",
        "Nope.Kustomer_Id__c",
        "Account.Parent.Kustomer_Id__c",
    ],
)
def test_a_relationship_column_that_names_no_key_is_an_unknown_column(
    store: Store, column: str
) -> None:
    outcome = store.insert("Case", {"Subject": "S", column: "x"}, BULK)
    assert outcome.errors[0].status_code == "INVALID_FIELD"
    assert column in outcome.errors[0].message


def test_a_parent_cannot_be_given_both_by_id_and_by_key(store: Store) -> None:
    account = _account(store, KEYS[0])
    values = {"LastName": "A", "AccountId": account, "Account.Kustomer_Id__c": KEYS[0]}
    assert _error(store.insert("Contact", values, BULK)) == (
        "INVALID_FIELD:Cannot specify both an external ID reference Account and a salesforce id, "
        "AccountId:AccountId --"
    )


def test_rows_of_one_chunk_do_not_see_each_other(store: Store) -> None:
    rows = [
        {"Subject": "parent", "Kustomer_Id__c": "k1"},
        {"Subject": "child", "Kustomer_Id__c": "k2", "Parent.Kustomer_Id__c": "k1"},
    ]
    first, second = store.chunk("Case", rows, "insert", BULK)
    assert first.success
    assert _error(second).startswith("INVALID_FIELD:Foreign key external ID: k1 not found")
    assert store.insert("Case", rows[1], BULK).success


@pytest.mark.parametrize(
    ("name", "column", "known"),
    [
        ("Contact", "account.kustomer_id__c", True),
        ("Contact", "lastname", True),
        ("Task", "Contact:Who.Kustomer_Id__c", True),
        ("Task", "Who.Kustomer_Id__c", False),
        ("ContentVersion", "VersionData", False),
        ("EmailMessage", "ToIds", False),
        ("EmailMessage", "Nope__c", False),
    ],
)
def test_a_bulk_header_knows_what_has_a_form_in_csv(name: str, column: str, known: bool) -> None:
    store = Org(SalesforceSettings()).store
    schema = Schema()
    shelves = {each: store.shelf(each) for each in schema.objects}
    reader = Reader(schema, shelves, inactive_owner=True)
    assert reader.knows(schema.objects[name], column) is known
