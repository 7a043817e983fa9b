"""Queries of the stand-in: conditions, order, counts, parents, refusals."""

import pytest

from simulators.salesforce.org import Org
from simulators.salesforce.settings import SalesforceSettings
from simulators.salesforce.soql import SoqlError, run_query
from simulators.salesforce.store import Store, WriteContext

BULK = WriteContext("bulk")


@pytest.fixture
def store() -> Store:
    store = Org(SalesforceSettings(accounts=())).store
    account = store.insert("Account", {"Name": "O'Neil"}, BULK).record_id
    contact = {"LastName": "Doe", "AccountId": account, "Kustomer_Id__c": "k1"}
    store.insert("Contact", contact, BULK)
    for number in range(5):
        values = {
            "Subject": f"S{number}",
            "Priority": "High" if number > 2 else "Low",
            "Kustomer_Id__c": f"c{number}",
            "CreatedDate": f"2020-01-0{number + 1}T00:00:00Z",
        }
        store.insert("Case", values, BULK)
    return store


def _subjects(store: Store, tail: str) -> list[str]:
    return [row["Subject"] for row in run_query(store, f"SELECT Subject FROM Case {tail}").rows]


@pytest.mark.parametrize(
    ("tail", "expected"),
    [
        ("WHERE Subject = 'S1'", ["S1"]),
        ("WHERE Subject != 'S1' AND Priority = 'Low'", ["S0", "S2"]),
        ("WHERE Subject IN ('S1','S3')", ["S1", "S3"]),
        ("WHERE Subject NOT IN ('S1','S3') AND Priority = 'High'", ["S4"]),
        ("WHERE Subject LIKE '%3'", ["S3"]),
        ("WHERE NOT (Priority = 'Low' OR Subject = 'S4')", ["S3"]),
        ("WHERE CreatedDate >= 2020-01-04T00:00:00Z", ["S3", "S4"]),
        ("WHERE CreatedDate < 2020-01-02T00:00:00Z", ["S0"]),
        ("WHERE ContactId = null AND IsClosed = false AND Subject > 'S3'", ["S4"]),
        ("WHERE Kustomer_Id__c = 'c2'", ["S2"]),
        ("WHERE Kustomer_Id__c IN ('c4','c0') ORDER BY Subject", ["S0", "S4"]),
        ("ORDER BY CreatedDate DESC LIMIT 2", ["S4", "S3"]),
        ("ORDER BY CreatedDate LIMIT 2 OFFSET 1", ["S1", "S2"]),
    ],
)
def test_a_condition_selects_the_rows_it_names(
    store: Store, tail: str, expected: list[str]
) -> None:
    assert _subjects(store, tail) == expected


def test_count_answers_with_a_total_and_no_rows(store: Store) -> None:
    result = run_query(store, "SELECT COUNT() FROM Case WHERE Priority = 'Low'")
    assert (result.is_count, result.total, result.rows) == (True, 3, [])


def test_a_counted_column_answers_with_one_row(store: Store) -> None:
    result = run_query(store, "SELECT COUNT(Id) n FROM Case")
    assert result.rows == [{"n": 5}]


def test_parents_are_reached_by_a_dotted_name(store: Store) -> None:
    rows = run_query(store, "SELECT Name, Account.Name FROM Contact").rows
    assert rows == [{"Name": "Doe", "Account.Name": "O'Neil"}]


def test_an_escaped_quote_is_a_quote(store: Store) -> None:
    assert run_query(store, r"SELECT Id FROM Account WHERE Name = 'O\'Neil'").total == 1


def test_deleted_rows_are_seen_only_by_query_all(store: Store) -> None:
    doomed = run_query(store, "SELECT Id FROM Case WHERE Subject = 'S1'").rows[0]["Id"]
    store.delete("Case", doomed, BULK)
    soql = "SELECT Id, IsDeleted FROM Case WHERE Subject = 'S1'"
    assert run_query(store, soql).total == 0
    assert run_query(store, soql, all_rows=True).rows == [{"Id": doomed, "IsDeleted": True}]


@pytest.mark.parametrize(
    ("soql", "code"),
    [
        ("SELEKT Id FROM Case", "MALFORMED_QUERY"),
        ("SELECT Id FROM Case WHERE", "MALFORMED_QUERY"),
        ("SELECT Id FROM Case LIMIT x", "MALFORMED_QUERY"),
        ("SELECT Id FROM Case LIMIT -1", "MALFORMED_QUERY"),
        ("SELECT Id FROM Case LIMIT ²", "MALFORMED_QUERY"),
        ("SELECT Id FROM Case WHERE Id IN ()", "MALFORMED_QUERY"),
        ("SELECT Id FROM Case WHERE CreatedDate > '2020-01-01T00:00:00Z'", "INVALID_FIELD"),
        ("SELECT Id FROM Case WHERE CreatedDate > 2020-13-01T00:00:00Z", "MALFORMED_QUERY"),
        ("SELECT Id FROM Case WHERE Subject = 5", "INVALID_FIELD"),
        ("SELECT Id FROM Case ORDER BY Description", "INVALID_FIELD"),
        ("SELECT Id FROM Case WHERE " + "(" * 200, "MALFORMED_QUERY"),
        ("SELECT Subject, COUNT(Id) FROM Case", "MALFORMED_QUERY"),
        ("SELECT Id FROM Case WHERE Subject = S1", "MALFORMED_QUERY"),
        ("SELECT Id FROM Nope", "INVALID_TYPE"),
        ("SELECT Nope__c FROM Case", "INVALID_FIELD"),
        ("SELECT Nope.Name FROM Case", "INVALID_FIELD"),
        ("SELECT Id FROM EmailMessage WHERE TextBody = 'a'", "INVALID_FIELD"),
    ],
)
def test_a_bad_query_is_refused_with_its_code(store: Store, soql: str, code: str) -> None:
    with pytest.raises(SoqlError) as refused:
        run_query(store, soql)
    assert refused.value.code == code
