"""The store of the Salesforce stand-in: unique keys, ownership of rows, the bin, the effects."""

from typing import Any

import pytest

from simulators.salesforce.ids import with_checksum
from simulators.salesforce.org import Org
from simulators.salesforce.settings import SalesforceSettings
from simulators.salesforce.store import FieldError, Store, WriteContext

BULK = WriteContext("bulk", "750x")
NOW = 1_790_000_000.0
KEYS = ("a" * 24, "b" * 24, "c" * 24)


@pytest.fixture
def org() -> Org:
    return Org(SalesforceSettings(), clock=lambda: NOW)


@pytest.fixture
def store(org: Org) -> Store:
    return org.store


def _account(store: Store, key: str, **more: Any) -> str:
    outcome = store.insert("Account", {"Name": "Acme", "Kustomer_Id__c": key, **more}, BULK)
    assert outcome.success, outcome.errors
    return outcome.record_id


def test_an_id_has_eighteen_characters_its_prefix_and_a_valid_checksum(store: Store) -> None:
    record_id = _account(store, KEYS[0])
    assert len(record_id) == 18
    assert record_id.startswith("001")
    assert with_checksum(record_id[:15]) == record_id


def test_the_checksum_maps_the_capitals_of_each_block() -> None:
    assert with_checksum("00Dxx0000001gPL") == "00Dxx0000001gPLEAY"


def test_a_record_is_found_by_its_short_id(store: Store) -> None:
    record_id = _account(store, KEYS[0])
    found = store.get("Account", record_id[:15])
    assert found is not None
    assert found["Id"] == record_id


def test_a_second_insert_of_a_key_is_refused_and_names_the_holder(store: Store) -> None:
    held = _account(store, KEYS[0])
    again = store.insert("Account", {"Name": "B", "Kustomer_Id__c": KEYS[0].upper()}, BULK)
    assert not again.success
    assert again.errors[0].bulk_text() == (
        "DUPLICATE_VALUE:duplicate value found: Kustomer_Id__c duplicates value on record "
        f"with id: {held}:--"
    )


def test_the_holder_may_be_named_by_its_short_id() -> None:
    store = Org(SalesforceSettings(short_duplicate_ids=True)).store
    held = _account(store, KEYS[0])
    again = store.insert("Account", {"Name": "B", "Kustomer_Id__c": KEYS[0]}, BULK)
    assert again.errors[0].message.endswith(f"with id: {held[:15]}")


def test_a_key_twice_in_one_chunk_fails_all_rows_that_carry_it(store: Store) -> None:
    rows = [{"Name": "x", "Kustomer_Id__c": key} for key in (KEYS[0], KEYS[1], KEYS[0])]
    first, second, third = store.chunk("Account", rows, "insert", BULK)
    expected = f"DUPLICATE_VALUE:Duplicate external id specified: {KEYS[0]}:Kustomer_Id__c --"
    assert first.errors[0].bulk_text() == third.errors[0].bulk_text() == expected
    assert second.success
    assert store.unique_id("Account", "Kustomer_Id__c", KEYS[0]) is None


def test_a_failed_row_leaves_no_record_no_key_and_no_effect(org: Org) -> None:
    before = sum(1 for _ in org.store.dump("Account"))
    outcome = org.store.insert("Account", {"Kustomer_Id__c": KEYS[0]}, BULK)
    assert outcome.errors[0].status_code == "REQUIRED_FIELD_MISSING"
    assert sum(1 for _ in org.store.dump("Account")) == before
    assert org.store.unique_id("Account", "Kustomer_Id__c", KEYS[0]) is None
    assert org.effects.entries == []


def test_every_change_is_one_effect_with_its_key_door_and_job(org: Org) -> None:
    record_id = _account(org.store, KEYS[0])
    org.store.update("Account", {"Id": record_id, "Phone": "1"}, BULK)
    org.store.delete("Account", record_id, BULK)
    assert [effect.op for effect in org.effects.entries] == ["insert", "update", "delete"]
    for effect in org.effects.entries:
        assert (effect.object, effect.id) == ("Account", record_id)
        assert (effect.external_id, effect.source, effect.job) == (KEYS[0], "bulk", "750x")


def test_a_deleted_row_is_gone_and_its_key_is_free_again(store: Store) -> None:
    first = _account(store, KEYS[0])
    assert store.delete("Account", first, BULK).success
    assert store.get("Account", first) is None
    assert store.delete("Account", first, BULK).errors[0].status_code == "ENTITY_IS_DELETED"
    assert _account(store, KEYS[0]) != first


def test_the_bin_still_holds_a_deleted_row(store: Store) -> None:
    record_id = _account(store, KEYS[0])
    store.delete("Account", record_id, BULK)
    binned = [row for row in store.dump("Account") if row["Id"] == record_id]
    assert binned[0]["IsDeleted"] is True


def test_an_update_may_keep_its_own_key_and_moves_to_a_new_one(store: Store) -> None:
    record_id = _account(store, KEYS[0])
    assert store.update("Account", {"Id": record_id, "Kustomer_Id__c": KEYS[0]}, BULK).success
    assert store.update("Account", {"Id": record_id, "Kustomer_Id__c": KEYS[1]}, BULK).success
    assert store.unique_id("Account", "Kustomer_Id__c", KEYS[0]) is None
    assert store.unique_id("Account", "Kustomer_Id__c", KEYS[1]) == record_id


def test_an_update_cannot_take_the_key_of_another_row(store: Store) -> None:
    held, other = _account(store, KEYS[0]), _account(store, KEYS[1])
    outcome = store.update("Account", {"Id": other, "Kustomer_Id__c": KEYS[0]}, BULK)
    assert outcome.errors[0].status_code == "DUPLICATE_VALUE"
    assert held in outcome.errors[0].message


def test_an_unknown_id_cannot_be_updated(store: Store) -> None:
    outcome = store.update("Account", {"Id": "0015f0000000zzzAAA", "Phone": "1"}, BULK)
    assert outcome.errors[0].status_code == "INVALID_CROSS_REFERENCE_KEY"


def test_a_case_takes_its_account_from_its_contact_and_a_number(store: Store) -> None:
    account = _account(store, KEYS[0])
    contact = store.insert("Contact", {"LastName": "Doe", "AccountId": account}, BULK).record_id
    case = store.get("Case", store.insert("Case", {"ContactId": contact}, BULK).record_id)
    assert case is not None
    assert case["AccountId"] == account
    assert case["CaseNumber"].isdigit()
    assert (case["Status"], case["IsClosed"], case["ClosedDate"]) == ("New", False, None)


@pytest.mark.parametrize("status", ["Closed", "Done"])
def test_a_case_in_a_closed_status_is_closed_at_load_time(store: Store, status: str) -> None:
    values = {"Status": status, "CreatedDate": "2020-01-01T00:00:00Z"}
    case = store.get("Case", store.insert("Case", values, BULK).record_id)
    assert case is not None
    assert case["IsClosed"] is True
    assert case["ClosedDate"] == store.now()
    assert case["CreatedDate"] == "2020-01-01T00:00:00.000+0000"


def test_an_email_is_read_only_but_for_its_open_fields(store: Store) -> None:
    made = store.insert("EmailMessage", {"Subject": "Hello", "Status": "0"}, BULK)
    changed = store.update("EmailMessage", {"Id": made.record_id, "Subject": "Else"}, BULK)
    assert not changed.success
    assert store.update(
        "EmailMessage", {"Id": made.record_id, "Kustomer_Status__c": "sent"}, BULK
    ).success


def test_children_are_found_by_their_parent(store: Store) -> None:
    case = store.insert("Case", {}, BULK).record_id
    values = {"ParentId": case, "CommentBody": "note"}
    comment = store.insert("CaseComment", values, BULK).record_id
    assert list(store.children("CaseComment", case)) == [comment]


def test_an_error_without_fields_ends_with_two_dashes() -> None:
    assert FieldError("X", "why").bulk_text() == "X:why:--"
    assert FieldError("X", "why", ("A", "B")).bulk_text() == "X:why:A,B --"
