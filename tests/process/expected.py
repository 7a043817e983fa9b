"""What the target must hold, worked out from the source alone and apart from the product's map."""

import re
from collections import Counter
from typing import Any

from tests.process.expected_people import check_relations
from tests.process.stand_ins import Journey

STATUS = {"open": "Open", "snoozed": "Snoozed", "done": "Done"}
PRIORITY = {1: "Low", 2: "Low", 3: "Medium", 4: "High", 5: "High"}
ORIGIN = {
    "email": "Email",
    "chat": "Chat",
    "sms": "SMS",
    "voice": "Phone",
    "facebook": "Facebook",
    "twitter-dm": "Twitter",
    "twitter-tweet": "Twitter",
    "instagram": "Instagram",
    "whatsapp": "WhatsApp",
}


def parent(record: dict[str, Any], name: str) -> str | None:
    data = (record["relationships"].get(name) or {}).get("data")
    return data["id"] if data else None


def plain(text: str | None) -> str:
    """Text as it must arrive: line feeds only."""
    return (text or "").replace("\r\n", "\n").replace("\r", "\n")


def whole_seconds(stamp: str) -> str:
    return re.sub(r"\.\d+Z$", ".000+0000", stamp)


def keyed(records: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for record in records:
        key = record.get("Kustomer_Id__c")
        if key:
            assert key not in found, f"{key} is there twice"
            found[key] = record
    return found


def check_everything(run: Journey, *, second_passes: bool = True) -> dict[str, int]:
    """Compare the whole target with the source; returns how many records of each were compared.

    Without `second_passes` the map is one from before there were any.
    """
    customers = run.source_records("customer")
    conversations = {
        key: row
        for key, row in run.source_records("conversation").items()
        if not row["attributes"].get("deleted")
    }
    messages = run.source_records("message")
    notes = run.source_records("note")
    contacts, leads = keyed(run.target_records("Contact")), keyed(run.target_records("Lead"))
    cases = keyed(run.target_records("Case"))
    check_people(customers, contacts, leads)
    assert cases.keys() == conversations.keys()
    for key, row in conversations.items():
        check_case(row, cases[key], contacts, leads)
    emails = keyed(run.target_records("EmailMessage"))
    assert emails.keys() == messages.keys()
    for key, row in messages.items():
        check_email(row, emails[key], cases)
    names = {
        key: row["attributes"]["displayName"] for key, row in run.source_records("user").items()
    }
    check_notes(notes, run.target_records("CaseComment"), cases, names)
    related = check_relations(run, emails) if second_passes else 0
    return {
        "customers": len(customers),
        "conversations": len(cases),
        "messages": len(emails),
        "notes": len(notes),
        "relations": related,
    }


def check_people(
    customers: dict[str, Any], contacts: dict[str, Any], leads: dict[str, Any]
) -> None:
    with_company = {key for key, row in customers.items() if parent(row, "company")}
    assert contacts.keys() == with_company
    assert leads.keys() == customers.keys() - with_company
    for key, row in customers.items():
        made = contacts.get(key) or leads[key]
        assert made["LastName"], "a last name is never empty"
        usable = [
            each["email"]
            for each in row["attributes"]["emails"]
            if re.fullmatch(r"[!-~]+@[a-z0-9.-]+\.[a-z]{2,}", each["email"])
        ]
        assert made.get("Email") == (usable[0] if usable else None)
        kept = f"{made.get('Kustomer_Raw_Email__c')}\n{made.get('Kustomer_Other_Emails__c')}"
        for each in row["attributes"]["emails"]:
            assert each["email"] in (made.get("Email") or "") or each["email"] in kept
        assert made["Kustomer_Created_At__c"] == whole_seconds(row["attributes"]["createdAt"])
        assert made["CreatedDate"] == whole_seconds(row["attributes"]["createdAt"])


def check_case(
    row: dict[str, Any], made: dict[str, Any], contacts: dict[str, Any], leads: dict[str, Any]
) -> None:
    attributes = row["attributes"]
    name = plain(attributes["name"])
    if len(name) <= 255:
        assert (made.get("Subject") or "").strip() == name.strip()
    else:
        assert made["Kustomer_Full_Subject__c"] == name
        assert made["Subject"][:200] == name[:200]
    assert made["Status"] == STATUS[attributes["status"]]
    assert made["Priority"] == PRIORITY[attributes["priority"]]
    assert made["Origin"] == ORIGIN[attributes["channels"][0]]
    customer = parent(row, "customer")
    if customer in contacts:
        assert made["ContactId"] == contacts[customer]["Id"]
        assert made.get("Kustomer_Lead__c") is None
    else:
        assert made["Kustomer_Lead__c"] == leads[customer]["Id"]
        assert made.get("ContactId") is None
    for user in attributes["assignedUsers"]:
        assert user in made["Kustomer_Assigned_Users__c"]
    assert made["CreatedDate"] == whole_seconds(attributes["createdAt"])
    order = attributes["custom"].get("orderNumberStr")
    assert order is None or order in made["Kustomer_Raw__c"]


def check_supplied(run: Journey) -> int:
    """Every Case of a Lead carries its customer's name and mail; returns how many Cases have both."""
    customers, conversations = run.source_records("customer"), run.source_records("conversation")
    cases = keyed(run.target_records("Case"))
    for key, made in cases.items():
        wanted = supplied_by(customers[str(parent(conversations[key], "customer"))])
        wanted = (None, None) if made.get("ContactId") else wanted
        assert (made.get("SuppliedName"), made.get("SuppliedEmail")) == wanted, key
    return sum(
        bool(each.get("SuppliedName") and each.get("SuppliedEmail")) for each in cases.values()
    )


def supplied_by(customer: dict[str, Any]) -> tuple[str | None, str | None]:
    """A customer's name and first usable address; what is longer than Salesforce takes is not there."""
    given = customer["attributes"]
    shown = given.get("displayName") or given.get("name") or ""
    shown = shown or f"{given.get('firstName') or ''} {given.get('lastName') or ''}"
    usable = [
        each["email"]
        for each in given["emails"]
        if re.fullmatch(r"[!-~]+@[a-z0-9.-]+\.[a-z]{2,}", each["email"])
    ]
    name, mail = " ".join(shown.split()), usable[0] if usable else ""
    return name if 0 < len(name) <= 80 else None, mail if 0 < len(mail) <= 80 else None


def check_email(row: dict[str, Any], made: dict[str, Any], cases: dict[str, Any]) -> None:
    attributes = row["attributes"]
    assert made["ParentId"] == cases[parent(row, "conversation")]["Id"]
    assert made["TextBody"] == plain(attributes["preview"])
    assert made["Incoming"] is (attributes["direction"] == "in")
    assert made["MessageDate"] == whole_seconds(attributes["sentAt"])
    assert made["Kustomer_Channel__c"] == attributes["channel"]
    subject = attributes.get("subject") or attributes["meta"].get("subject") or ""
    assert (made.get("Subject") or "") == plain(subject)
    if attributes["channel"] == "email":
        assert made["FromAddress"] == "ada@example.test"
        assert made["ToAddress"] == "help@acme.example"


def mentioned(body: str, row: dict[str, Any], names: dict[str, str]) -> str:
    """A note's text with the users that it lists by name."""
    for each in (row["relationships"].get("userMentions") or {"data": []})["data"]:
        marked = f"__{names[each['id']]}__"
        if marked in body:
            body = body.replace(marked, f"@{names[each['id']]}")
        else:
            body += f"\n(@{names[each['id']]})"
    return body


def check_notes(
    notes: dict[str, Any],
    comments: list[dict[str, Any]],
    cases: dict[str, Any],
    names: dict[str, str],
) -> None:
    """Every note is there once, whole; twins that are equal in all are there as often as they are."""
    joined: Counter[tuple[str, str]] = Counter()
    parts: dict[tuple[str, str, int], list[str]] = {}
    for comment in comments:
        assert len(comment["CommentBody"].encode()) <= 4000
        found = re.match(r"\((\d+)/(\d+)\) ", comment["CommentBody"])
        if found is None:
            joined[comment["ParentId"], comment["CommentBody"]] += 1
        else:
            body = comment["CommentBody"][found.end() :]
            place = (comment["ParentId"], comment["CreatedDate"], int(found[1]))
            parts.setdefault(place, []).append(body)
    wanted: Counter[tuple[str, str]] = Counter()
    long_notes = 0
    for row in notes.values():
        case = cases[parent(row, "conversation")]["Id"]
        body = mentioned(plain(row["attributes"]["body"]), row, names)
        if len(body.encode()) <= 4000:
            wanted[case, body] += 1
        else:
            long_notes += 1
            stamp = whole_seconds(row["attributes"]["createdAt"])
            pieces = [parts[case, stamp, n][0] for n in range(1, 20) if (case, stamp, n) in parts]
            assert "".join(pieces) == body
    assert joined == wanted
    assert long_notes or not parts
