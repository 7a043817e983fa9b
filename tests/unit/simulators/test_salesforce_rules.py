"""What the platform does by itself: cascades, closing, comments, owners, transactions."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from simulators.salesforce.org import Org
from simulators.salesforce.settings import SalesforceSettings
from simulators.salesforce.store import Outcome, Store, WriteContext

BULK = WriteContext("bulk", "750x")
NOW = 1_790_000_000.0


@pytest.fixture
def org() -> Org:
    return Org(SalesforceSettings(), clock=lambda: NOW)


@pytest.fixture
def store(org: Org) -> Store:
    return org.store


def _made(outcome: Outcome) -> str:
    assert outcome.success, outcome.errors
    return outcome.record_id


def _read(store: Store, name: str, record_id: str) -> dict[str, Any]:
    record = store.get(name, record_id)
    assert record is not None
    return record


def test_a_case_takes_its_emails_and_comments_along_when_it_goes(org: Org) -> None:
    store = org.store
    case = _made(store.insert("Case", {"Kustomer_Id__c": "c"}, BULK))
    email = {"ParentId": case, "Status": "3", "Kustomer_Id__c": "e"}
    message = _made(store.insert("EmailMessage", email, BULK))
    comment = _made(store.insert("CaseComment", {"ParentId": case, "CommentBody": "x"}, BULK))
    _made(store.delete("Case", case, BULK))
    assert store.get("EmailMessage", message) is None
    assert store.get("CaseComment", comment) is None
    assert store.unique_id("EmailMessage", "Kustomer_Id__c", "e") is None
    assert [each.id for each in org.effects.entries if each.op == "delete"] == [
        message, comment, case,
    ]  # fmt: skip


def test_a_hard_delete_leaves_nothing_in_the_bin(store: Store) -> None:
    case = _made(store.insert("Case", {}, BULK))
    comment = _made(store.insert("CaseComment", {"ParentId": case, "CommentBody": "x"}, BULK))
    _made(store.delete("CaseComment", comment, BULK))
    _made(store.delete("Case", case, BULK, hard=True))
    assert not [each for each in store.dump("Case") if each["Id"] == case]
    assert not [each for each in store.dump("CaseComment") if each["Id"] == comment]


def test_an_update_to_a_closed_status_closes_a_case_and_another_opens_it(store: Store) -> None:
    case = _made(store.insert("Case", {}, BULK))
    _made(store.update("Case", {"Id": case, "Status": "Done"}, BULK))
    record = _read(store, "Case", case)
    assert (record["IsClosed"], record["ClosedDate"]) == (True, store.now())
    _made(store.update("Case", {"Id": case, "Status": "Working"}, BULK))
    record = _read(store, "Case", case)
    assert (record["IsClosed"], record["ClosedDate"]) == (False, None)


def test_a_closed_case_keeps_its_date_in_another_closed_status() -> None:
    moments = iter(range(1_790_000_000, 1_790_100_000))
    store = Org(SalesforceSettings(accounts=()), clock=lambda: float(next(moments))).store
    case = _made(store.insert("Case", {"Status": "Closed"}, BULK))
    closed = _read(store, "Case", case)["ClosedDate"]
    _made(store.update("Case", {"Id": case, "Status": "Done"}, BULK))
    assert _read(store, "Case", case)["ClosedDate"] == closed


@pytest.mark.parametrize(
    ("name", "values", "field"),
    [
        ("Account", {"Name": "A"}, "Name"),
        ("Contact", {"LastName": "A"}, "LastName"),
        ("Lead", {"LastName": "A", "Company": "C"}, "Company"),
        ("Case", {}, "OwnerId"),
    ],
)
@pytest.mark.parametrize("empty", [None, ""])
def test_a_required_field_cannot_be_cleared(
    store: Store, name: str, values: dict[str, Any], field: str, empty: str | None
) -> None:
    record_id = _made(store.insert(name, values, BULK))
    error = store.update(name, {"Id": record_id, field: empty}, BULK).errors[0]
    assert error.bulk_text() == (
        f"REQUIRED_FIELD_MISSING:Required fields are missing: [{field}]:{field} --"
    )


def test_a_record_that_was_read_is_a_copy(store: Store) -> None:
    account = _made(store.insert("Account", {"Name": "A"}, BULK))
    _read(store, "Account", account)["Name"] = "changed by the reader"
    for record in store.dump("Account"):
        record["Name"] = "changed by the reader"
    assert _read(store, "Account", account)["Name"] == "A"


def test_a_record_that_was_read_has_all_its_fields(store: Store) -> None:
    account = _made(store.insert("Account", {"Name": "A"}, BULK))
    assert set(_read(store, "Account", account)) == set(store.schema.objects["Account"].fields)


def test_a_changed_name_of_a_person_shows_in_the_whole_name(store: Store) -> None:
    contact = _made(store.insert("Contact", {"FirstName": "Ann", "LastName": "Lee"}, BULK))
    _made(store.update("Contact", {"Id": contact, "LastName": "Day"}, BULK))
    assert _read(store, "Contact", contact)["Name"] == "Ann Day"


@pytest.mark.parametrize("operation", ["insert", "update"])
def test_comments_of_a_case_make_a_comment(store: Store, operation: str) -> None:
    case = _made(store.insert("Case", {"Comments": "hello"} if operation == "insert" else {}, BULK))
    if operation == "update":
        _made(store.update("Case", {"Id": case, "Comments": "hello"}, BULK))
    comments = [_read(store, "CaseComment", each) for each in store.children("CaseComment", case)]
    assert [each["CommentBody"] for each in comments] == ["hello"]
    assert _read(store, "Case", case)["Comments"] is None


def test_comments_of_a_case_are_measured_in_bytes_and_nothing_is_made(store: Store) -> None:
    outcome = store.insert("Case", {"Comments": "é" * 2001}, BULK)
    assert outcome.errors[0].status_code == "STRING_TOO_LONG"
    assert not list(store.dump("Case"))


def test_a_public_group_and_a_queue_for_other_objects_cannot_own_a_case(store: Store) -> None:
    group = store.seed("Group", {"Name": "G", "Type": "Regular"})
    queue = store.seed("Group", {"Name": "Q", "Type": "Queue"})
    store.seed("QueueSobject", {"QueueId": queue, "SobjectType": "Lead"})
    for owner in (group, queue):
        error = store.insert("Case", {"OwnerId": owner}, BULK).errors[0]
        assert (error.status_code, error.fields) == ("INVALID_OPERATION", ("OwnerId",))
    lead = {"LastName": "A", "Company": "C", "OwnerId": queue}
    assert store.insert("Lead", lead, BULK).success


@pytest.mark.parametrize("allowed", [True, False])
def test_an_inactive_user_may_own_records_by_permission_only(allowed: bool) -> None:
    store = Org(SalesforceSettings(inactive_owner=allowed)).store
    user = store.seed("User", {"LastName": "Gone", "IsActive": False})
    outcome = store.insert("Case", {"OwnerId": user}, BULK)
    assert outcome.success is allowed
    if not allowed:
        assert outcome.errors[0].status_code == "INACTIVE_OWNER_OR_USER"
    assert store.insert("Case", {"CreatedById": user}, BULK).success


def test_check_boxes_are_false_until_they_are_set(store: Store) -> None:
    case = _made(store.insert("Case", {"IsEscalated": None}, BULK))
    assert _read(store, "Case", case)["IsEscalated"] is False


@pytest.mark.parametrize(
    "text", ["nan", "inf", "-Infinity", "1_000", "0x1", "1e400", True, [1], {}]
)
def test_what_is_no_number_is_refused(store: Store, text: Any) -> None:
    outcome = store.insert("Case", {"Kustomer_Priority__c": text}, BULK)
    assert not outcome.success


@pytest.mark.parametrize("text", ["1", "-1.5", ".5", "1e3", 7, 7.25])
def test_plain_and_scientific_numbers_are_taken(store: Store, text: Any) -> None:
    case = _made(store.insert("Case", {"Kustomer_Priority__c": text}, BULK))
    assert _read(store, "Case", case)["Kustomer_Priority__c"] == float(text)


def test_a_whole_number_has_no_fraction(store: Store) -> None:
    account = _made(store.insert("Account", {"Name": "A", "NumberOfEmployees": "12"}, BULK))
    assert _read(store, "Account", account)["NumberOfEmployees"] == 12
    bad = store.update("Account", {"Id": account, "NumberOfEmployees": "1.5"}, BULK)
    assert bad.errors[0].status_code == "INVALID_TYPE_ON_FIELD_IN_RECORD"


def test_ids_of_another_object_are_malformed(store: Store) -> None:
    account = _made(store.insert("Account", {"Name": "A"}, BULK))
    for outcome in (
        store.update("Case", {"Id": account, "Subject": "S"}, BULK),
        store.delete("Case", account, BULK),
        store.delete("Case", "nonsense", BULK),
    ):
        assert outcome.errors[0].status_code == "MALFORMED_ID"
    assert store.delete("Case", "", BULK).errors[0].status_code == "MISSING_ARGUMENT"


def test_users_are_not_deleted_and_profiles_not_made(store: Store) -> None:
    user = next(iter(store.dump("User")))["Id"]
    assert store.delete("User", user, BULK).errors[0].status_code == "DELETE_FAILED"
    refused = store.insert("Profile", {"Name": "P"}, BULK).errors[0]
    assert refused.status_code == "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"


def test_a_cancelled_transaction_leaves_no_trace(org: Org) -> None:
    store = org.store
    kept = _made(store.insert("Account", {"Name": "A", "Kustomer_Id__c": "k"}, BULK))
    doomed = _made(store.insert("Case", {"Kustomer_Id__c": "c"}, BULK))
    before = list(org.effects.entries)
    with store.transaction() as transaction:
        store.update("Account", {"Id": kept, "Name": "B", "Kustomer_Id__c": "l"}, BULK)
        store.delete("Case", doomed, BULK)
        store.insert("Case", {"Kustomer_Id__c": "c", "Comments": "x"}, BULK)
        store.delete("Account", kept, BULK, hard=True)
        transaction.cancelled = True
    record = _read(store, "Account", kept)
    assert (record["Name"], record["Kustomer_Id__c"]) == ("A", "k")
    assert store.unique_id("Account", "Kustomer_Id__c", "l") is None
    assert store.unique_id("Case", "Kustomer_Id__c", "c") == doomed
    assert [each["Id"] for each in store.dump("Case")] == [doomed]
    assert not list(store.dump("CaseComment"))
    assert org.effects.entries == before


def test_effects_of_a_transaction_are_told_when_it_ends_well(org: Org) -> None:
    with org.store.transaction():
        _made(org.store.insert("Account", {"Name": "A"}, BULK))
        assert org.effects.entries == []
    assert [each.op for each in org.effects.entries] == ["insert"]


def test_the_effect_log_opens_its_file_once_and_a_reader_sees_each_line(tmp_path: Path) -> None:
    path = tmp_path / "effects.jsonl"
    org = Org(SalesforceSettings(effect_log=path))
    _made(org.store.insert("Account", {"Name": "A", "Kustomer_Id__c": "k"}, BULK))
    first = path.read_bytes()
    assert orjson.loads(first)["external_id"] == "k"
    moved = path.rename(tmp_path / "moved.jsonl")
    _made(org.store.insert("Account", {"Name": "B"}, BULK))
    assert len(moved.read_bytes().splitlines()) == 2
    assert not path.exists()
    org.effects.close()
    _made(org.store.insert("Account", {"Name": "C"}, BULK))
    assert len(path.read_bytes().splitlines()) == 1
    org.effects.close()
