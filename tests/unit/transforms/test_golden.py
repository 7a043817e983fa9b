"""One record of every kind, and the whole row that the default map makes of it."""

import json

from tests.unit.transforms import samples
from tests.unit.transforms.reading import LOOKUPS, mapped
from tests.unit.transforms.samples import (
    COMPANY,
    CONVERSATION,
    CREATED,
    CUSTOMER,
    MESSAGE,
    TAG,
    TEAM,
    UPDATED,
    USER,
    related,
)
from transforms.compile import CompiledMapping
from transforms.match import MatchFacts

STAMPS = {
    "Kustomer_Created_At__c": CREATED,
    "Kustomer_Updated_At__c": UPDATED,
    "CreatedDate": CREATED,
}


def test_a_company_becomes_an_account_with_its_domain_as_match_key(
    default_map: CompiledMapping,
) -> None:
    row = mapped(default_map, "companies", "Account", samples.company())
    raw = json.loads(row.pop("Kustomer_Raw__c"))
    assert row == STAMPS | {
        "Kustomer_Id__c": COMPANY,
        "Name": "Acme Ltd",
        "Website": "www.Acme.test",
        "Kustomer_Domains__c": "www.Acme.test; acme.example",
        "Kustomer_Tags__c": f"vip ({TAG})",
        "Kustomer_External_Id__c": "crm-c-1",
        "Phone": "+15555550100",
        "BillingStreet": "1 Main St",
        "BillingCity": "Springfield",
        "BillingCountry": "US",
        "@creator": USER,
    }
    assert raw["custom"] == {"tierStr": "gold"}
    assert raw["phones"][0]["type"] == "work"
    block = default_map.phases["companies"]([samples.company()], LOOKUPS)
    assert block.tables["Account"].match_keys == ["acme.test\x1facme.example"]


def test_a_customer_of_a_company_becomes_a_contact(default_map: CompiledMapping) -> None:
    row = mapped(default_map, "customers", "Contact", samples.customer())
    raw = json.loads(row.pop("Kustomer_Raw__c"))
    assert row == STAMPS | {
        "Kustomer_Id__c": CUSTOMER,
        "FirstName": "Ada",
        "LastName": "Park",
        "Kustomer_Full_Name__c": "Ada Park",
        "Email": "ada@example.test",
        "MobilePhone": "+15555550101",
        "Kustomer_Customer_Type__c": "retail",
        "Kustomer_Tags__c": f"vip ({TAG})",
        "Kustomer_External_Id__c": "crm-88",
        "@company": COMPANY,
    }
    assert raw["custom"] == {"customerTypeStr": "retail", "ordersNum": 3}


def test_a_customer_without_company_becomes_a_lead(default_map: CompiledMapping) -> None:
    row = mapped(default_map, "customers", "Lead", samples.customer(company_id=None))
    assert row["Company"] == "[not provided]"
    assert row["LastName"] == "Park"
    assert "@company" not in row


def test_a_company_that_is_given_as_a_link_only_is_found(default_map: CompiledMapping) -> None:
    record = samples.customer(company_id=None)
    record["relationships"]["company"] = {"links": {"self": f"/v1/companies/{COMPANY}"}}
    assert mapped(default_map, "customers", "Contact", record)["@company"] == COMPANY


def test_a_conversation_becomes_a_case(default_map: CompiledMapping) -> None:
    row = mapped(default_map, "conversations", "Case", samples.conversation())
    raw = json.loads(row.pop("Kustomer_Raw__c"))
    assert row == STAMPS | {
        "Kustomer_Id__c": CONVERSATION,
        "Subject": "Order 12",
        "Status": "Open",
        "Priority": "Medium",
        "Origin": "Email",
        "Kustomer_Status__c": "open",
        "Kustomer_Priority__c": "3",
        "Kustomer_Channels__c": "email",
        "Kustomer_Assigned_Users__c": f"Sam Lee ({USER})",
        "Kustomer_Assigned_Teams__c": f"Tier One ({TEAM})",
        "Kustomer_Tags__c": f"vip ({TAG})",
        "Kustomer_Direction__c": "in",
        "Kustomer_External_Id__c": "t-9",
        "@customer": CUSTOMER,
        "@owner": f"user:{USER}|team:{TEAM}",
    }
    assert raw == {"custom": {"orderNumberStr": "12"}, "queue": "64dd00000000000000000004"}


def test_a_done_conversation_keeps_when_it_was_closed(default_map: CompiledMapping) -> None:
    done = samples.conversation(status="done", lastDone={"createdAt": "2026-03-06T01:02:03.004Z"})
    row = mapped(default_map, "conversations", "Case", done)
    assert row["Status"] == "Done"
    assert row["Kustomer_Closed_At__c"] == "2026-03-06T01:02:03.004Z"
    without = mapped(default_map, "conversations", "Case", samples.conversation(status="done"))
    assert without["Kustomer_Closed_At__c"] == UPDATED


def test_a_reopened_conversation_has_no_closing_date(default_map: CompiledMapping) -> None:
    last = {"createdAt": "2026-03-06T01:02:03.004Z"}
    row = mapped(default_map, "conversations", "Case", samples.conversation(lastDone=last))
    assert "Kustomer_Closed_At__c" not in row
    assert json.loads(row["Kustomer_Raw__c"])["lastDone"] == last


def test_a_conversation_without_customer_is_loaded_without_contact(
    default_map: CompiledMapping,
) -> None:
    row = mapped(default_map, "conversations", "Case", samples.conversation(customer_id=None))
    assert "@customer" not in row


def test_spam_is_loaded_and_flagged(default_map: CompiledMapping) -> None:
    row = mapped(default_map, "conversations", "Case", samples.conversation(spam=True))
    assert json.loads(row["Kustomer_Raw__c"])["spam"] is True


def test_an_incoming_mail_becomes_an_email_message(default_map: CompiledMapping) -> None:
    row = mapped(default_map, "messages", "EmailMessage", samples.message())
    raw = json.loads(row.pop("Kustomer_Raw__c"))
    assert row == STAMPS | {
        "Kustomer_Id__c": MESSAGE,
        "Incoming": "true",
        "Status": "1",
        "FromAddress": "ada@example.test",
        "ToAddress": "help@acme.test",
        "Subject": "Order 12",
        "TextBody": "Where is my order?",
        "MessageDate": "2026-03-05T04:59:58.000Z",
        "MessageIdentifier": "<m1@mail.example.test>",
        "Kustomer_Channel__c": "email",
        "Kustomer_Direction_Type__c": "initial-in",
        "Kustomer_Status__c": "received",
        "Kustomer_External_Id__c": "<m1@mail.example.test>",
        "@conversation": CONVERSATION,
    }
    assert raw["meta"]["to"] == [{"email": "help@acme.test", "name": "Help"}]


def test_an_outgoing_text_message_has_no_mail_addresses(default_map: CompiledMapping) -> None:
    record = samples.message(
        channel="sms",
        direction="out",
        externalId="SM123",
        sentAt=None,
        meta={"from": "+15555550100", "to": "+15555550101"},
    )
    row = mapped(default_map, "messages", "EmailMessage", record)
    assert row["Incoming"] == "false"
    assert row["Status"] == "3"
    assert row["MessageDate"] == CREATED
    assert row["FromName"] == "+15555550100"
    assert row["Kustomer_External_Id__c"] == "SM123"
    absent = {"FromAddress", "ToAddress", "MessageIdentifier", "HtmlBody"}
    assert not absent & row.keys()
    assert json.loads(row["Kustomer_Raw__c"])["meta"]["to"] == "+15555550101"


def test_html_is_kept_once(default_map: CompiledMapping) -> None:
    html = "<p>Hi</p>" * 14_000
    row = mapped(default_map, "messages", "EmailMessage", samples.message(meta={"html": html}))
    assert row["HtmlBody"] == html
    assert "html" not in json.loads(row["Kustomer_Raw__c"]).get("meta", {})


def test_a_note_becomes_an_unpublished_comment(default_map: CompiledMapping) -> None:
    row = mapped(default_map, "notes", "CaseComment", samples.note())
    assert row == {
        "CommentBody": "Checked with __Sam__",
        "IsPublished": "false",
        "CreatedDate": CREATED,
        "@conversation": CONVERSATION,
        "@creator": USER,
    }


def facts_of(default_map: CompiledMapping, phase: str, record: dict[str, object]) -> MatchFacts:
    ((payload,),) = [
        table.payloads for table in default_map.phases[phase]([record], LOOKUPS).tables.values()
    ]
    return MatchFacts.load(payload)


def test_users_and_teams_give_the_value_they_are_matched_by(default_map: CompiledMapping) -> None:
    users = default_map.phases["users"]
    told = facts_of(default_map, "users", samples.user())
    assert (told.value, told.name, told.state) == ("sam@acme.test", "Sam Lee", "active")
    assert users.match is not None
    assert users.match.soql("IsActive") == "SELECT Id, Email, IsActive FROM User"
    assert facts_of(default_map, "teams", samples.team(deleted=True)).value == "tier one"
    assert facts_of(default_map, "users", samples.user(email=None)).value == ""
    for given, state in (
        ({"deletedAt": "2025-01-01T00:00:00.000Z"}, "deactivated"),
        ({"userType": "machine"}, "machine"),
        ({"pending": True}, "pending"),
    ):
        assert facts_of(default_map, "users", samples.user(**given)).state == state


def test_a_payload_of_an_earlier_version_is_the_value_alone() -> None:
    assert MatchFacts.load(b"sam@acme.test") == MatchFacts("sam@acme.test")
    assert MatchFacts.load(b'{"value": odd name') == MatchFacts('{"value": odd name')


def test_a_relation_that_is_null_in_every_known_way_is_none(default_map: CompiledMapping) -> None:
    record = samples.conversation()
    null = {"links": {"self": "/v1/users/null"}, "data": {"type": "user", "id": None}}
    shapes: list[object] = [None, null, {}, {"links": {"self": "/v1/users/null"}}, []]
    for shape in shapes:
        record["relationships"]["createdBy"] = shape
        assert "@creator" not in mapped(default_map, "conversations", "Case", record)
    record["relationships"]["createdBy"] = related("user", USER)
    assert mapped(default_map, "conversations", "Case", record)["@creator"] == USER
