"""Companies, existing Accounts, Contacts and Leads: matched, held in doubt, never doubled."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.mapped import default_mapping
from service.trace import trace_record
from simulators.kustomer.generate import generate
from simulators.kustomer.settings import KustomerSettings
from tests.process.expected import keyed, parent
from tests.process.stand_ins import Journey, journey
from tests.process.test_retry import look, told

pytestmark = [pytest.mark.process, pytest.mark.timeout(240)]
Records = dict[str, list[dict[str, Any]]]
GONE = "65dd00000000000000000077"
FAST = ["--rate-limit=1000000", "--search-limit=1000000"]


def dataset(folder: Path, change: Callable[[Records], None]) -> list[str]:
    """Options that serve an org of 40 companies after `change` was made to its records."""
    settings = KustomerSettings(
        companies=40, customers=120, conversations=150, messages=150, notes=40, kobjects=0
    )
    by_kind: Records = {}
    for record in generate(settings):
        by_kind.setdefault(record["type"], []).append(record)
    change(by_kind)
    path = folder / "org.jsonl"
    lines = [json.dumps(each) for records in by_kind.values() for each in records]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return [f"--dataset={path}", *FAST]


def link(record: dict[str, Any], data: Any) -> None:
    record["relationships"]["company"] = {"data": data}


def company(key: str) -> dict[str, str]:
    return {"type": "company", "id": key}


def domains(record: dict[str, Any], *names: str) -> None:
    record["attributes"]["domains"] = [{"domain": name} for name in names]


def there(run: Journey, name: str, **fields: Any) -> str:
    """Make a record that the org had before."""
    reply = httpx.post(f"{run.target}/__admin/records/{name}", json=fields)
    assert reply.is_success, reply.text
    known = [r for r in run.target_records(name) if all(r.get(k) == v for k, v in fields.items())]
    return str(known[-1]["Id"])


def in_order(run: Journey, kind: str) -> list[dict[str, Any]]:
    """The records of a kind as they were generated: ids end in a serial number."""
    return sorted(run.source_records(kind).values(), key=lambda each: str(each["id"])[8:])


def odd_companies(records: Records) -> None:
    firms, customers = records["company"], records["customer"]
    domains(firms[3], "support.firm3.co.uk")
    domains(firms[5], "firm5.example", "firm5.test")
    domains(firms[6], "firm6.example", "mail.firm6.test")
    domains(firms[7], "firm6.test")  # a twin of firm 6 by the second domain of that
    domains(firms[10], "gmail.com")
    link(customers[0], company(GONE))
    link(customers[3], [company(firms[1]["id"]), company(firms[11]["id"])])
    for number, firm in ((1, 4), (2, 5)):
        link(customers[number], company(firms[firm]["id"]))
    for key, each in enumerate(records["conversation"]):
        owner = customers[key % 4 if key < 40 else key % len(customers)]["id"]
        each["relationships"]["customer"]["data"]["id"] = owner


def test_forty_companies_are_matched_held_and_made_and_nothing_that_was_there_is_lost(
    tmp_path: Path,
) -> None:
    with journey(tmp_path, dataset(tmp_path, odd_companies)) as run:
        firms = in_order(run, "company")
        one = there(run, "Account", Name="Theirs", Website="HTTP://WWW.Firm1.example/about?x=1")
        uk = there(run, "Account", Name="Firm 3 UK", Website="firm3.co.uk", Phone="+44 1")
        fours = [
            there(run, "Account", Name=f"Four {n}", Website=f"{n}.firm4.example") for n in "ab"
        ]
        fives = [
            there(run, "Account", Name="Five A", Website="https://firm5.example"),
            there(run, "Account", Name="Five B", Website="firm5.test", Phone="+49 5"),
        ]
        mail = there(run, "Account", Name="A mailbox", Website="gmail.com")
        before = {each["Id"]: each for each in run.target_records("Account")}
        books = told(run, "migrate", code=5)["phases"]
        assert books["companies"]["held"] == {"ambiguous-match": 2}
        assert books["customers"]["held"]["parent-missing"] >= 2
        assert books["conversations"]["held"]["parent-missing"] >= 20
        chosen = books["customers"]["chosen"]
        assert sum(chosen.values()) == len(run.source_records("customer"))

        asked = told(run, "matches", "list", code=5)
        found = {each["kustomer_id"]: sorted(each["candidates"]) for each in asked["open"]}
        assert found == {firms[4]["id"]: sorted(fours), firms[5]["id"]: sorted(fives)}
        traced = look(run, lambda ledger: trace_record(ledger, firms[4]["id"]))
        assert traced["exceptions"][0]["candidates"] == sorted(fours)
        unwanted = told(run, "matches", "choose", firms[4]["id"], one, "--by=Ada", code=2)
        assert "cannot be" in unwanted["error"]["message"]
        told(run, "matches", "choose", firms[5]["id"], fives[1], "--by=Ada", code=0)
        freed = told(run, "matches", "make", firms[4]["id"], "--by=Ada", code=0)["freed"]
        assert freed > 10, "the company's customers, their conversations and what hangs on those"
        books = told(run, "migrate", code=5)["phases"]
        for phase in ("companies", "customers", "conversations", "messages", "notes"):
            assert books[phase]["held"] == {}, phase
        assert told(run, "matches", "list", code=0)["open"] == []

        after = {each["Id"]: each for each in run.target_records("Account")}
        assert_kept(before, after)
        assert after[fives[1]]["Kustomer_Id__c"] == firms[5]["id"]
        assert after[fives[1]]["Phone"] == "+49 5"
        assert after[one]["Kustomer_Id__c"] == firms[1]["id"]
        assert after[one]["Phone"], "an empty field is filled"
        assert after[uk]["Kustomer_Id__c"] == firms[3]["id"]
        for other in (*fours, fives[0], mail):
            assert after[other].get("Kustomer_Id__c") is None
        made = keyed(list(after.values()))
        assert firms[4]["id"] in made
        assert len({firms[6]["id"], firms[7]["id"]} & made.keys()) == 1, "twins by any domain"

        contacts, leads = keyed(run.target_records("Contact")), keyed(run.target_records("Lead"))
        assert {"Contact": len(contacts), "Lead": len(leads)} == chosen
        customers = in_order(run, "customer")
        assert contacts[customers[0]["id"]].get("AccountId") is None
        assert contacts[customers[3]["id"]]["AccountId"] == one
        assert contacts[customers[2]["id"]]["AccountId"] == fives[1]
        assert firms[11]["id"] in contacts[customers[3]["id"]]["Kustomer_Raw__c"]
        assert told(run, "migrate", code=5)["jobs_sent"] == 0
        assert_pre_images(run, one)


def assert_kept(before: dict[str, dict[str, Any]], after: dict[str, dict[str, Any]]) -> None:
    """Every field that had a value has it still."""
    stamps = {"LastModifiedDate", "LastModifiedById", "SystemModstamp"}
    for key, row in before.items():
        moving = stamps | ({"Name"} if "LastName" in row else set())  # made of the others
        held = {name: value for name, value in row.items() if value not in (None, "")}
        kept = {name: after[key].get(name) for name in held if name not in moving}
        assert kept == {name: value for name, value in held.items() if name not in moving}


def assert_pre_images(run: Journey, target: str) -> None:
    images = look(run, lambda ledger: ledger.conflicts.pre_images())
    filled = {each.field for each in images if each.target_id == target}
    assert {"Kustomer_Id__c", "Phone"} <= filled
    assert "Website" not in filled


RULES = """choose:
      rules:
        - {source: attributes.custom.customerTypeStr, in: [B2B, partner], table: Contact}
        - {source: attributes.conversationCounts.all, over: 0, table: Contact}
      default: Lead
"""
BY_EMAIL = """key: Kustomer_Id__c
        match_by:
          - {field: Kustomer_External_Id__c, source: attributes.externalId}
          - {field: Email, as: email}
"""


def known_people(records: Records) -> None:
    for number, each in enumerate(records["customer"]):
        each["attributes"] |= {
            "custom": {"customerTypeStr": "b2b" if number < 60 else "b2c"},
            "conversationCounts": {"all": int(number >= 90)},
            "emails": [{"type": "home", "email": f"Person{number}@Example.test"}],
            "sharedEmails": [],
            "externalId": f"crm-{number}",
        }
    first, second = records["customer"][4], records["customer"][5]
    second["attributes"]["emails"] = first["attributes"]["emails"]
    records["customer"][7]["attributes"]["emails"].append({"type": "work", "email": "p7@b.test"})


def test_existing_contacts_and_leads_are_found_by_external_id_then_by_mail_and_never_shared_silently(
    tmp_path: Path,
) -> None:
    with journey(tmp_path, dataset(tmp_path, known_people)) as run:
        path = run.folder / "ferry" / "mapping.yaml"
        path.parent.mkdir()
        text = default_mapping()
        by_company = (
            "choose: {source: relationships.company.data.id, present: Contact, absent: Lead}\n"
        )
        assert by_company in text
        head, customers, tail = text.replace(by_company, RULES).partition("  customers:\n")
        here, mark, rest = tail.partition("  conversations:\n")
        here = here.replace("key: Kustomer_Id__c\n", BY_EMAIL)
        path.write_text(head + customers + here + mark + rest)
        by_mail = there(
            run, "Contact", LastName="Known", Email="PERSON1@example.test", MobilePhone="+1 1"
        )
        by_id = there(run, "Contact", LastName="Id", Kustomer_External_Id__c="CRM-2")
        there(run, "Contact", LastName="Mail", Email="person2@example.test")
        several = [
            there(run, "Contact", LastName=f"Three {n}", Email="person3@example.test") for n in "ab"
        ]
        shared = there(run, "Contact", LastName="Shared", Email="person4@example.test")
        two = [
            there(run, "Contact", LastName="Seven", Email="person7@example.test"),
            there(run, "Contact", LastName="Sieben", Email="p7@b.test"),
        ]
        lead = there(run, "Lead", LastName="L", Company="C", Email="person70@example.test")
        before = {
            each["Id"]: each for name in ("Contact", "Lead") for each in run.target_records(name)
        }
        seen = told(run, "map", "show", code=0)["tables"]
        split = {each["object"]: each for each in seen if each["phase"] == "customers"}
        assert split["Contact"]["chosen"] + split["Lead"]["chosen"] == split["Lead"]["sampled"]

        books = told(run, "migrate", code=5)["phases"]["customers"]
        assert books["chosen"] == {"Contact": 90, "Lead": 30}
        assert books["held"] == {"ambiguous-match": 2, "match-taken": 1}
        assert books["matched"] == 4
        source = in_order(run, "customer")
        asked = told(run, "matches", "list", code=5)["open"]
        found = {each["kustomer_id"]: sorted(each["candidates"]) for each in asked}
        taken = next(each["kustomer_id"] for each in asked if each["reason"] == "match-taken")
        assert taken in (source[4]["id"], source[5]["id"])
        assert found == {
            source[3]["id"]: sorted(several),
            source[7]["id"]: sorted(two),
            taken: [shared],
        }
        told(run, "matches", "make", taken, "--by=Ada", code=0)
        told(run, "matches", "choose", source[3]["id"], several[1][:15], "--by=Ada", code=0)
        told(run, "matches", "choose", source[7]["id"], two[0], "--by=Ada", code=0)
        told(run, "retry", code=5)
        after = {
            each["Id"]: each for name in ("Contact", "Lead") for each in run.target_records(name)
        }
        assert_kept(before, after)
        whole = keyed(list(after.values()))
        assert whole.keys() == {each["id"] for each in source}
        for key, number in ((by_mail, 1), (by_id, 2), (several[1], 3), (two[0], 7), (lead, 70)):
            assert after[key]["Kustomer_Id__c"] == source[number]["id"]
            assert after[key]["Kustomer_Updated_At__c"], "an empty field is filled"
        assert len(keyed(run.target_records("Contact"))) == 90
        assert len(keyed(run.target_records("Lead"))) == 30
        assert parent(source[1], "company") is None or after[by_mail]["AccountId"]


def test_a_decision_that_a_crash_cuts_through_is_made_whole_or_not_at_all(tmp_path: Path) -> None:
    with journey(tmp_path, dataset(tmp_path, odd_companies)) as run:
        firm = in_order(run, "company")[4]["id"]
        four = [there(run, "Account", Name=n, Website="firm4.example") for n in "ab"]
        told(run, "migrate", code=5)
        decide = ("matches", "choose", firm, four[0], "--by=Ada")
        for point in ("match-uncommitted", "match-decided"):
            child = run.start(*decide, environment={"DESKFERRY_CRASH_AT": point})
            assert "crash point" in child.communicate(timeout=60)[1]
            assert child.returncode == -9
            left = told(run, "matches", "list", code=5 if point == "match-uncommitted" else 0)
            assert len(left["decided"]) == (point == "match-decided")
        told(run, "migrate", code=5)
        assert keyed(run.target_records("Account"))[firm]["Id"] == four[0]


def test_duplicate_rules_that_may_refuse_rows_are_told_of_before(tmp_path: Path) -> None:
    with journey(tmp_path, FAST, ["--automation"]) as run:
        _, out, err = run.run("--json", "check")
        rules = {each["name"]: each for each in json.loads(out)["items"]}[
            "salesforce duplicate rules"
        ]
        active = [each for each in run.target_records("DuplicateRule") if each["IsActive"]]
        assert active
        assert rules["ok"] is None
        for each in active:
            assert f"{each['SobjectType']}: {each['DeveloperName']}" in rules["detail"], err


def test_a_row_that_a_duplicate_rule_blocks_names_the_record_that_it_met(tmp_path: Path) -> None:
    with journey(tmp_path, dataset(tmp_path, known_people)) as run:
        contact = there(run, "Contact", LastName="One", Email="person1@example.test")
        lead = there(run, "Lead", LastName="Two", Company="C", Email="person1@example.test")
        run.fault(
            run.target,
            kind="row_error",
            object="Contact",
            error="DUPLICATES_DETECTED",
            message="Use one of these records?",
            times=1000,
        )
        failed = told(run, "migrate", code=5)["phases"]["customers"]["failed"]
        assert failed["DUPLICATES_DETECTED"] > 20
        key = in_order(run, "customer")[1]["id"]
        traced = look(run, lambda ledger: trace_record(ledger, key))
        assert traced["exceptions"][0]["candidates"] == [contact, lead]
        other = look(run, lambda ledger: trace_record(ledger, in_order(run, "customer")[40]["id"]))
        assert other["exceptions"][0]["candidates"] == []


def test_in_an_org_with_person_accounts_who_has_no_company_becomes_a_person(
    tmp_path: Path,
) -> None:
    options = ["--person-accounts", "--bare"]
    with journey(tmp_path, dataset(tmp_path, lambda _: None), options) as run:
        run.confirmed = True
        proposed = told(run, "map", "propose", code=0)
        assert "person accounts" in " ".join(proposed["warnings"])
        told(run, "map", "confirm", "--by=Ada", code=0)
        told(run, "schema", "deploy", code=0)
        books = told(run, "migrate", code=5)["phases"]
        customers = run.source_records("customer")
        alone = {key for key, row in customers.items() if not parent(row, "company")}
        accounts = keyed(run.target_records("Account"))
        persons = {key for key, each in accounts.items() if each.get("IsPersonAccount")}
        assert persons == alone
        assert keyed(run.target_records("Contact")).keys() == customers.keys() - alone
        assert run.target_records("Lead") == []
        assert books["customers"]["chosen"] == {
            "Account": len(alone),
            "Contact": len(customers) - len(alone),
        }
        assert books["companies"]["loaded"] == len(accounts) - len(alone) - 1, "one was there"
        for key in alone:
            assert accounts[key]["Name"].endswith(accounts[key]["LastName"])
        conversations = run.source_records("conversation")
        for key, case in keyed(run.target_records("Case")).items():
            owner = parent(conversations[key], "customer")
            if owner in alone:
                assert case["AccountId"] == accounts[owner]["Id"]
        assert told(run, "migrate", code=5)["jobs_sent"] == 0
