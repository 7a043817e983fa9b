"""Who must own and who must have written every record, worked out from both sides alone."""

import csv
import io
from collections import Counter
from collections.abc import Mapping
from typing import Any

import httpx

from tests.process.expected import keyed, parent
from tests.process.expected_people import check_relations
from tests.process.stand_ins import CONFIG, Journey

FALLBACK = "  default_owner: integration@acme.example\n"


def configure(run: Journey, *more: str) -> None:
    """Write the minimal config, which names no fallback, and `more` lines."""
    assert FALLBACK in CONFIG
    text = CONFIG.replace(FALLBACK, "").format(
        share=1.0, source=run.source, target=run.target, org_id=run.org_id
    )
    (run.folder / "deskferry.yaml").write_text(text + "".join(f"{each}\n" for each in more))


def add_user(run: Journey, email: str, *, active: bool = True) -> str:
    """What the admin does: a user in Salesforce."""
    alias = email.partition("@")[0][-8:]
    user = {
        "Username": f"u.{email}",
        "Email": email,
        "LastName": "Agent",
        "Alias": alias,
        "ProfileId": run.target_records("User")[0]["ProfileId"],
        "TimeZoneSidKey": "Europe/Berlin",
        "LocaleSidKey": "en_US",
        "LanguageLocaleKey": "en_US",
        "EmailEncodingKey": "UTF-8",
        "IsActive": active,
    }
    reply = httpx.post(f"{run.target}/__admin/records/User", json=user)
    assert reply.is_success, reply.text
    return str(reply.json()[0]["id"])


def waiting(run: Journey, settled: set[str]) -> Counter[str]:
    """How many records wait for each user while only `settled` ones have a counterpart."""
    found: Counter[str] = Counter()
    for row in run.source_records("conversation").values():
        if row["attributes"].get("deleted"):
            continue
        for user in row["attributes"]["assignedUsers"]:
            if user in settled:
                break
            found[user] += 1
    for kind in ("message", "note"):
        for row in run.source_records(kind).values():
            author = parent(row, "createdBy")
            if author and author not in settled:
                found[author] += 1
    return found


def fill_in(sheet: str, choices: Mapping[str, str]) -> str:
    """The queue's CSV with a Salesforce user for each Kustomer user of `choices`."""
    rows = list(csv.DictReader(io.StringIO(sheet)))
    out = io.StringIO()
    writer = csv.DictWriter(out, rows[0].keys())
    writer.writeheader()
    for row in rows:
        writer.writerow({**row, "salesforce_user": choices.get(row["kustomer_user"], "")})
    return out.getvalue()


def check_people_of_records(run: Journey, users: Mapping[str, str], owner: str) -> int:
    """Every row has its owner, its author and the people it names; returns how many were checked.

    `users`: Salesforce ids by Kustomer id. `owner` has what nobody is assigned to, and what nobody made.
    """
    queues = {}
    teams = run.source_records("team")
    groups = run.target_records("Group")
    for key, row in teams.items():
        queues[key] = next(
            each["Id"]
            for each in groups
            if each["DeveloperName"] == f"Kustomer_{key}"
            or each["Name"] == row["attributes"]["name"]
        )
    conversations = run.source_records("conversation")
    cases = keyed(run.target_records("Case"))
    for key, made in cases.items():
        attributes = conversations[key]["attributes"]
        wanted = [users[each] for each in attributes["assignedUsers"]]
        wanted += [queues[each] for each in attributes["assignedTeams"]]
        assert made["OwnerId"] == (wanted or [owner])[0], key
    messages = run.source_records("message")
    emails = keyed(run.target_records("EmailMessage"))
    for key, made in emails.items():
        author = parent(messages[key], "createdBy")
        assert made["CreatedById"] == (users[author] if author else owner), key
    people = 0
    for kind, names in (("company", ["Account"]), ("customer", ["Contact", "Lead"])):
        source = run.source_records(kind)
        for key, made in keyed([r for name in names for r in run.target_records(name)]).items():
            if not made.get("Kustomer_Created_At__c"):
                continue  # it was there before
            author = parent(source[key], "createdBy")
            assert made["OwnerId"] == owner, "companies and customers have no owner in Kustomer"
            assert made["CreatedById"] == (users[author] if author else owner), key
            people += 1
    people += check_relations(run, emails, users)
    wrote: Counter[Any] = Counter()
    for row in run.source_records("note").values():
        author = parent(row, "createdBy")
        if len(row["attributes"]["body"].encode()) <= 4000:
            wrote[users[author] if author else owner] += 1
    comments = [
        each
        for each in run.target_records("CaseComment")
        if not each["CommentBody"].startswith("(")
    ]
    assert Counter(each["CreatedById"] for each in comments) == wrote
    return len(cases) + len(emails) + len(comments) + people
