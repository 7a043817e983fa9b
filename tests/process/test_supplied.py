"""Cases of Leads carry the name and the mail of their customer: whole, once, and nowhere else."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from service.mapped import default_mapping
from tests.process.expected import check_supplied, keyed, parent, supplied_by
from tests.process.stand_ins import Journey, journey, sizes
from tests.process.test_delta import configured, edit
from tests.process.test_people import Records, dataset, in_order
from tests.process.test_retry import told

pytestmark = [pytest.mark.process, pytest.mark.timeout(240)]
LONG = "Wolfeschlegelsteinhausenbergerdorff " * 3


def odd_people(records: Records) -> None:
    customers = records["customer"]
    for each in customers:
        each["relationships"].pop("company", None)
    for number, change in enumerate(
        (
            {"displayName": LONG},
            {"displayName": "", "name": "", "firstName": "", "lastName": ""},
            {"displayName": 'Ada "the\n first" Lovelace'},
            {"emails": [{"email": "ö@kaputt"}, {"email": "second@example.test"}]},
            {"emails": [{"email": f"{'x' * 60}@{'y' * 30}.example.test"}]},
            {"emails": [], "sharedEmails": []},
        )
    ):
        customers[number]["attributes"] |= change
    for number, each in enumerate(records["conversation"]):
        each["relationships"]["customer"]["data"]["id"] = customers[number % 12]["id"]
        each["attributes"]["firstMessageIn"] = {"meta": {"from": "Somebody <else@example.test>"}}


def test_every_case_of_a_lead_carries_name_and_first_usable_mail_of_its_customer(
    tmp_path: Path,
) -> None:
    with journey(tmp_path, dataset(tmp_path, odd_people)) as run:
        books = told(run, "migrate", code=5)["phases"]["conversations"]
        assert check_supplied(run) > 60
        cases = list(keyed(run.target_records("Case")).values())
        lead = {key: row["Id"] for key, row in keyed(run.target_records("Lead")).items()}
        source = [each["id"] for each in in_order(run, "customer")]
        of_long = [each for each in cases if each["Kustomer_Lead__c"] == lead[source[0]]]
        assert len(of_long) > 5
        assert not any(each.get("SuppliedName") for each in of_long)
        emptied = {key: count for key, count in books["emptied"].items() if "Supplied" in key}
        assert emptied.pop("Case.SuppliedName: too-long") >= len(of_long)
        assert emptied == {}
        whole = keyed(run.target_records("Lead"))[source[0]]["Kustomer_Full_Name__c"]
        assert LONG.strip() in whole, "what does not fit is kept on the Lead"


def change(run: Journey, kind: str, key: str, **values: Any) -> None:
    url = f"{run.source}/__admin/records/{kind}/{key}"
    httpx.put(url, json=values).raise_for_status()


def talk_again(run: Journey, key: str, number: int) -> str:
    """Let a conversation of customer `key` begin; returns its id."""
    row = dict(next(iter(run.source_records("conversation").values())))
    row["id"] = f"67ee{number:020x}"
    row["relationships"] = {
        **row["relationships"],
        "customer": {"data": {"type": "customer", "id": key}},
    }
    row["attributes"] = {**row["attributes"], "assignedUsers": [], "assignedTeams": []}
    httpx.put(f"{run.source}/__admin/records", json=row).raise_for_status()
    change(run, "conversation", row["id"], attributes={"name": "Begun later"})
    return str(row["id"])


def shown(made: dict[str, Any]) -> tuple[str | None, str | None]:
    return made.get("SuppliedName"), made.get("SuppliedEmail")


def test_what_was_supplied_stays_when_customers_change_and_when_leads_become_contacts(
    tmp_path: Path,
) -> None:
    with journey(tmp_path, sizes(60, 100)) as run:
        configured(run)
        told(run, "migrate", code=5)
        before = keyed(run.target_records("Case"))
        customer_of = {
            key: str(parent(row, "customer"))
            for key, row in run.source_records("conversation").items()
        }
        leads = sorted({customer_of[key] for key, row in before.items() if any(shown(row))})
        renamed, moved = leads[0], leads[1]
        company = next(iter(run.source_records("company")))
        change(run, "customer", renamed, attributes={"displayName": "Renamed Person"})
        link = {"company": {"data": {"type": "company", "id": company}}}
        change(run, "customer", moved, relationships=link)
        later = {
            each: talk_again(run, each, number) for number, each in enumerate((renamed, moved))
        }
        for key in (key for key in before if customer_of[key] in (renamed, moved)):
            change(run, "conversation", key, attributes={"priority": 5})
        told(run, "delta", code=5)
        after = keyed(run.target_records("Case"))
        assert {key: shown(after[key]) for key in before} == {
            key: shown(row) for key, row in before.items()
        }
        mine = [key for key in before if customer_of[key] == moved]
        assert all(after[key]["ContactId"] and any(shown(after[key])) for key in mine)
        assert shown(after[later[renamed]])[0] == "Renamed Person"
        assert shown(after[later[moved]]) == (None, None), "a Contact's Cases carry neither"
        effects = run.effects()
        assert told(run, "delta", code=5)["jobs_sent"] == 0
        assert run.effects() == effects


def test_after_a_purge_no_name_is_left_and_new_cases_carry_what_kustomer_is_asked_for(
    tmp_path: Path,
) -> None:
    with journey(tmp_path, sizes(60, 100)) as run:
        configured(run)
        told(run, "migrate", code=5)
        customers = run.source_records("customer")
        lead = next(
            row["id"]
            for row in in_order(run, "customer")
            if not parent(row, "company") and all(supplied_by(row))
        )
        told(run, "purge", code=0)
        kept = b"".join(p.read_bytes() for p in (run.folder / "ferry").rglob("*") if p.is_file())
        for row in customers.values():
            name = row["attributes"]["displayName"].encode()
            assert len(name) < 8 or name not in kept
        key = talk_again(run, lead, 1)
        told(run, "delta", code=5)
        assert shown(keyed(run.target_records("Case"))[key]) == supplied_by(customers[lead])


def test_cases_that_an_earlier_map_sent_without_are_filled_where_they_are_empty(
    tmp_path: Path,
) -> None:
    with journey(tmp_path, sizes(60, 100)) as run:
        path = run.folder / "ferry" / "mapping.yaml"
        path.parent.mkdir(mode=0o700)
        lines = (
            ", supplied: {Lead: {SuppliedName: name, SuppliedEmail: email}}",
            "        supplies: {name: {convert: shown-name}, email: {convert: email}}  # for its Cases\n",
        )
        earlier = text = default_mapping()
        for each in lines:
            assert text.count(each) == 1
            earlier = earlier.replace(each, "")
        path.write_text(earlier, encoding="utf-8")
        told(run, "migrate", code=5)
        before = keyed(run.target_records("Case"))
        assert not any(any(shown(row)) for row in before.values())
        agents = next(row for row in before.values() if row.get("Kustomer_Lead__c"))
        edit(run, "Case", agents["Id"], Description="an agent was here")
        path.write_text(text, encoding="utf-8")
        told(run, "map", "confirm", "--by=Ada", code=0)
        told(run, "migrate", code=5)
        after = keyed(run.target_records("Case"))
        assert shown(after.pop(agents["Kustomer_Id__c"])) == (None, None), "it is an agent's now"
        customers, conversations = (
            run.source_records("customer"),
            run.source_records("conversation"),
        )
        wanted = {
            key: supplied_by(customers[str(parent(conversations[key], "customer"))])
            for key in after
        }
        assert {key: shown(row) for key, row in after.items()} == {
            key: (None, None) if row.get("ContactId") else wanted[key] for key, row in after.items()
        }
        assert sum(any(shown(row)) for row in after.values()) > 5
