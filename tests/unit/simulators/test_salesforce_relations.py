"""People of an e-mail in the stand-in (salesforce facts, 7.2 and 7.3)."""

import pytest

from simulators.salesforce.store import Store
from tests.unit.simulators.test_salesforce_topics import BULK, code, made, store_of


def mail(store: Store, status: str = "3") -> str:
    return made(store.insert("EmailMessage", {"Status": status}, BULK))


def test_people_of_an_email_that_is_no_draft_need_the_permission() -> None:
    store = store_of(update_mail=False)
    row = {"RelationType": "CcAddress", "RelationAddress": "x@a.test"}
    sent, draft = mail(store), mail(store, "5")
    refused = store.insert("EmailMessageRelation", {**row, "EmailMessageId": sent}, BULK)
    assert code(refused) == "INSUFFICIENT_ACCESS_OR_READONLY"
    made(store.insert("EmailMessageRelation", {**row, "EmailMessageId": draft}, BULK))


def test_people_that_an_email_brings_itself_need_none() -> None:
    store = store_of(update_mail=False)
    contact = made(store.insert("Contact", {"LastName": "a"}, BULK))
    made(store.insert("EmailMessage", {"Status": "3", "ToIds": [contact]}, BULK))
    assert len(list(store.dump("EmailMessageRelation"))) == 1


@pytest.mark.parametrize("column", ["RelationId", "RelationAddress"])
def test_a_relation_names_a_person_or_an_address(column: str) -> None:
    store = store_of()
    contact = made(store.insert("Contact", {"LastName": "a", "Email": "now@a.test"}, BULK))
    row = {"RelationType": "ToAddress", "EmailMessageId": mail(store)}
    assert code(store.insert("EmailMessageRelation", row, BULK)) == "REQUIRED_FIELD_MISSING"
    value = contact if column == "RelationId" else "x@a.test"
    relation = made(store.insert("EmailMessageRelation", {**row, column: value}, BULK))
    wanted = "now@a.test" if column == "RelationId" else "x@a.test"
    assert (store.get("EmailMessageRelation", relation) or {})["RelationAddress"] == wanted


def test_a_person_who_is_put_in_later_brings_the_current_address() -> None:
    store = store_of()
    lead = made(
        store.insert("Lead", {"LastName": "a", "Company": "b", "Email": "now@a.test"}, BULK)
    )
    row = {
        "RelationType": "ToAddress",
        "EmailMessageId": mail(store),
        "RelationAddress": "x@a.test",
    }
    relation = made(store.insert("EmailMessageRelation", row, BULK))
    made(store.update("EmailMessageRelation", {"Id": relation, "RelationId": lead}, BULK))
    found = store.get("EmailMessageRelation", relation) or {}
    assert (found["RelationAddress"], found["RelationObjectType"]) == ("now@a.test", "Lead")
