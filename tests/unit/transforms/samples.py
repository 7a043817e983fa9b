"""Source records in the shapes of the Kustomer facts (section 6), attributes to choose."""

from typing import Any

COMPANY = "65bb00000000000000000002"
CUSTOMER = "66f0a1b2c3d4e5f601020304"
CONVERSATION = "66f0a1b2c3d4e5f601020399"
MESSAGE = "66f0a1b2c3d4e5f6010203aa"
NOTE = "66f0a1b2c3d4e5f6010203bb"
USER = "63cc00000000000000000003"
TEAM = "63dd00000000000000000001"
TAG = "66aa00000000000000000001"

CREATED = "2026-03-04T05:06:07.089Z"
UPDATED = "2026-03-05T05:06:07.120Z"

Row = dict[str, Any]


def related(kind: str, source_id: str) -> Row:
    """A relationship with data and a link."""
    return {"links": {"self": f"/v1/{kind}s/{source_id}"}, "data": {"type": kind, "id": source_id}}


def row(kind: str, source_id: str, attributes: Row, relationships: Row) -> Row:
    """A JSON:API resource."""
    org = related("org", "60aa00000000000000000001")
    return {
        "type": kind,
        "id": source_id,
        "attributes": attributes,
        "relationships": {"org": org, **relationships},
        "links": {"self": f"/v1/{kind}s/{source_id}"},
    }


def user(**attributes: Any) -> Row:
    """An agent."""
    return row("user", USER, {"name": "Sam Lee", "email": "Sam@Acme.Test ", **attributes}, {})


def team(**attributes: Any) -> Row:
    """A team."""
    return row("team", TEAM, {"name": " Tier One ", **attributes}, {})


def company(**attributes: Any) -> Row:
    """A company with two domains, a phone and an address."""
    own = {
        "name": "Acme Ltd",
        "externalId": "crm-c-1",
        "domains": [{"domain": "www.Acme.test"}, {"domain": "acme.example"}],
        "phones": [{"type": "work", "phone": "+15555550100", "verified": False}],
        "emails": [],
        "locations": [{"address": "1 Main St", "cityName": "Springfield", "countryCode": "US"}],
        "tags": [TAG],
        "custom": {"tierStr": "gold"},
        "createdAt": CREATED,
        "updatedAt": UPDATED,
    }
    return row("company", COMPANY, own | attributes, {"createdBy": related("user", USER)})


def customer(*, company_id: str | None = COMPANY, **attributes: Any) -> Row:
    """A customer, with a company unless told otherwise."""
    own = {
        "name": "Ada Park",
        "displayName": "Ada Park",
        "firstName": "Ada",
        "lastName": "Park",
        "externalId": "crm-88",
        "externalIds": [{"externalId": "crm-88", "verified": True}],
        "emails": [{"type": "home", "email": "ada@example.test", "verified": False}],
        "sharedEmails": [],
        "phones": [{"type": "mobile", "phone": "+15555550101", "verified": False}],
        "locations": [],
        "tags": [TAG],
        "custom": {"customerTypeStr": "retail", "ordersNum": 3},
        "createdAt": CREATED,
        "updatedAt": UPDATED,
    }
    relationships = {"company": related("company", company_id)} if company_id else {}
    return row("customer", CUSTOMER, own | attributes, relationships)


def conversation(*, customer_id: str | None = CUSTOMER, **attributes: Any) -> Row:
    """An open mail conversation with one assigned user and one assigned team."""
    own = {
        "externalId": "t-9",
        "name": "Order 12",
        "channels": ["email"],
        "status": "open",
        "priority": 3,
        "direction": "in",
        "spam": False,
        "tags": [TAG],
        "assignedUsers": [USER],
        "assignedTeams": [TEAM],
        "satisfactionLevel": {"sentByTeams": [], "answers": []},
        "firstDone": {"createdByTeams": [], "assignedTeams": [], "assignedUsers": []},
        "lastDone": {"createdByTeams": [], "assignedTeams": [], "assignedUsers": []},
        "modificationHistory": {"nameAt": CREATED, "statusAt": UPDATED, "customAt": None},
        "custom": {"orderNumberStr": "12"},
        "createdAt": CREATED,
        "updatedAt": UPDATED,
    }
    relationships: Row = {"queue": related("queue", "64dd00000000000000000004")}
    if customer_id:
        relationships["customer"] = related("customer", customer_id)
    return row("conversation", CONVERSATION, own | attributes, relationships)


def message(*, conversation_id: str | None = CONVERSATION, **attributes: Any) -> Row:
    """An incoming mail."""
    own = {
        "externalId": "<m1@mail.example.test>",
        "channel": "email",
        "app": "postmark",
        "size": 0,
        "direction": "in",
        "directionType": "initial-in",
        "preview": "Where is my order?",
        "subject": "Order 12",
        "meta": {
            "from": "ada@example.test",
            "to": [{"email": "help@acme.test", "name": "Help"}],
            "cc": [],
            "subject": "Order 12",
        },
        "status": "received",
        "assignedTeams": [],
        "auto": False,
        "sentAt": "2026-03-05T04:59:58.000Z",
        "createdAt": CREATED,
        "updatedAt": UPDATED,
        "redacted": False,
        "reactions": [],
        "rev": 1,
    }
    # The type really is plural there (kustomer facts, 6.4).
    relationships: Row = {"customer": {"data": {"type": "customers", "id": CUSTOMER}}}
    if conversation_id:
        relationships["conversation"] = related("conversation", conversation_id)
    return row("message", MESSAGE, own | attributes, relationships)


def note(*, conversation_id: str | None = CONVERSATION, **attributes: Any) -> Row:
    """An agent's note."""
    own = {"body": "Checked with __Sam__", "createdAt": CREATED, "updatedAt": UPDATED}
    relationships: Row = {"createdBy": related("user", USER)}
    if conversation_id:
        relationships["conversation"] = related("conversation", conversation_id)
    return row("note", NOTE, own | attributes, relationships)
