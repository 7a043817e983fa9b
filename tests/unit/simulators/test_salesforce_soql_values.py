"""How conditions compare: ids of both lengths, text in any case, moments with a zone, the bin."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.salesforce.org import Org
from simulators.salesforce.settings import SalesforceSettings
from simulators.salesforce.soql import SoqlError, run_query
from simulators.salesforce.store import Store, WriteContext

BULK = WriteContext("bulk")


@pytest.fixture
def store() -> Store:
    return Org(SalesforceSettings(accounts=())).store


def _case(store: Store, **values: object) -> str:
    outcome = store.insert("Case", values, BULK)
    assert outcome.success, outcome.errors
    return outcome.record_id


def _ids(store: Store, tail: str, *, all_rows: bool = False) -> list[str]:
    found = run_query(store, f"SELECT Id FROM {tail}", all_rows=all_rows)
    return [row["Id"] for row in found.rows]


def test_a_value_named_twice_is_found_once(store: Store) -> None:
    case = _case(store, Kustomer_Id__c="k")
    for tail in (
        f"Id IN ('{case}','{case}','{case[:15]}')",
        "Kustomer_Id__c IN ('k','K','k')",
    ):
        assert _ids(store, f"Case WHERE {tail}") == [case]


@pytest.mark.parametrize("operator", ["= '{}'", "IN ('{}')"])
def test_query_all_finds_deleted_rows_by_id_and_by_parent(store: Store, operator: str) -> None:
    case = _case(store)
    values = {"ParentId": case, "CommentBody": "x"}
    comment = store.insert("CaseComment", values, BULK).record_id
    store.delete("Case", case, BULK)
    by_id = f"CaseComment WHERE Id {operator.format(comment)}"
    by_parent = f"CaseComment WHERE ParentId {operator.format(case)}"
    for tail in (by_id, by_parent):
        assert _ids(store, tail) == []
        assert _ids(store, tail, all_rows=True) == [comment]


def test_query_all_finds_a_deleted_row_by_the_key_it_gave_back(store: Store) -> None:
    first = _case(store, Kustomer_Id__c="k")
    store.delete("Case", first, BULK)
    second = _case(store, Kustomer_Id__c="k")
    tail = "Case WHERE Kustomer_Id__c = 'k'"
    assert _ids(store, tail) == [second]
    assert _ids(store, tail, all_rows=True) == [first, second]


def test_ids_of_fifteen_characters_name_the_same_records(store: Store) -> None:
    case = _case(store)
    child = _case(store, ParentId=case)
    short = case[:15]
    assert _ids(store, f"Case WHERE Id = '{short}'") == [case]
    assert _ids(store, f"Case WHERE Id IN ('{short}')") == [case]
    assert _ids(store, f"Case WHERE ParentId = '{short}'") == [child]
    assert _ids(store, f"Case WHERE ParentId != null AND Id != '{short}'") == [child]
    owner = store.running_user[:15]
    assert set(_ids(store, f"Case WHERE OwnerId IN ('{owner}')")) == {case, child}


def test_ids_are_compared_letter_for_letter(store: Store) -> None:
    case = [_case(store) for _ in range(10)][-1]
    assert case[:15] != case[:15].lower()
    assert _ids(store, f"Case WHERE Id = '{case[:15]}'") == [case]
    assert _ids(store, f"Case WHERE Id = '{case[:15].lower()}'") == []


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("Subject = 'HELLO'", True),
        ("Subject IN ('x', 'HELLO')", True),
        ("Subject NOT IN ('HELLO')", False),
        ("Subject != 'HELLO'", False),
        ("Subject LIKE 'HEL%'", True),
        ("Subject LIKE 'h_llo'", True),
        (r"Subject LIKE 'h\_llo'", False),
        ("Subject > 'H' AND Subject < 'I'", True),
    ],
)
def test_text_is_compared_in_any_case(store: Store, condition: str, found: bool) -> None:
    case = _case(store, Subject="Hello")
    assert _ids(store, f"Case WHERE {condition}") == ([case] if found else [])


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("= 2020-01-01T12:00:00Z", True),
        ("= 2020-01-01T12:00:00.000Z", True),
        ("= 2020-01-01T14:00:00+02:00", True),
        ("= 2020-01-01T10:30:00.000-0130", True),
        ("> 2020-01-01T13:59:59+02:00", True),
        (">= 2020-01-01T12:00:00.500Z", False),
        ("IN (2020-01-01T14:00:00+02:00)", True),
        ("= null", False),
    ],
)
def test_moments_are_compared_whatever_their_zone(
    store: Store, condition: str, found: bool
) -> None:
    case = _case(store, CreatedDate="2020-01-01T12:00:00Z")
    assert _ids(store, f"Case WHERE CreatedDate {condition}") == ([case] if found else [])


def test_numbers_are_compared_whether_whole_or_not(store: Store) -> None:
    values = {"Name": "A", "NumberOfEmployees": "12"}
    account = store.insert("Account", values, BULK).record_id
    assert _ids(store, "Account WHERE NumberOfEmployees >= 12") == [account]
    assert _ids(store, "Account WHERE NumberOfEmployees = 12.0") == [account]


def test_rows_are_ordered_by_several_fields_and_empty_ones_come_first(store: Store) -> None:
    second = _case(store, Subject="a", Kustomer_Id__c="2")
    first = _case(store, Subject="a", Kustomer_Id__c="1")
    empty = _case(store)
    order = "Case ORDER BY Subject, Kustomer_Id__c"
    assert _ids(store, order) == [empty, first, second]
    order = "Case ORDER BY Subject NULLS LAST, Kustomer_Id__c DESC"
    assert _ids(store, order) == [second, first, empty]


def test_rows_are_counted_in_groups(store: Store) -> None:
    for status in ("New", "New", "Done"):
        _case(store, Status=status)
    soql = "SELECT status, COUNT(Id) n, MAX(CaseNumber) FROM Case GROUP BY Status ORDER BY Status"
    assert run_query(store, soql).rows == [
        {"Status": "Done", "n": 1, "expr0": "00000003"},
        {"Status": "New", "n": 2, "expr0": "00000002"},
    ]


def test_fields_names_all_standard_or_custom_ones(store: Store) -> None:
    _case(store)
    every = set(run_query(store, "SELECT FIELDS(ALL) FROM Case LIMIT 200").rows[0])
    custom = set(run_query(store, "SELECT FIELDS(CUSTOM) FROM Case LIMIT 200").rows[0])
    standard = set(run_query(store, "SELECT Id, FIELDS(STANDARD) FROM Case LIMIT 200").rows[0])
    assert every == custom | standard == set(store.schema.objects["Case"].fields)
    assert custom == {name for name in every if name.endswith("__c")}


def test_names_come_in_the_letters_of_the_schema(store: Store) -> None:
    account = store.insert("Account", {"Name": "A"}, BULK).record_id
    store.insert("Contact", {"LastName": "L", "AccountId": account}, BULK)
    soql = "select id, account.owner.name from contact"
    assert run_query(store, soql).columns == ["Id", "Account.Owner.Name"]


def test_a_parent_that_is_not_there_is_told(store: Store) -> None:
    store.insert("Contact", {"LastName": "L"}, BULK)
    assert run_query(store, "SELECT Account.Name FROM Contact").rows == [
        {"Account.Name": None, "Account": None}
    ]


_TEXT = """
SELECT FROM WHERE AND OR NOT IN LIKE LIMIT OFFSET ORDER GROUP BY NULLS LAST ( ) , = != < >= Id Subject
Case COUNT FIELDS ALL Owner.Name Description CreatedDate null true 1 -2.5 'a' ' 2020-01-01 ² \\ é
2020-01-01T00:00:00+02:00
"""
_WORDS = st.sampled_from(_TEXT.split())
_STORE = Org(SalesforceSettings(accounts=(), users=1, teams=0)).store


@settings(max_examples=300, deadline=None)
@given(words=st.lists(_WORDS, max_size=14), sound=st.booleans())
def test_any_text_is_answered_or_refused_with_a_code(words: list[str], sound: bool) -> None:
    start = "SELECT Id FROM Case WHERE " if sound else ""
    try:
        run_query(_STORE, start + " ".join(words))
    except SoqlError as refused:
        assert refused.code in ("MALFORMED_QUERY", "INVALID_FIELD", "INVALID_TYPE")
