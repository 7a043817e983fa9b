"""Leads whose customers gained a company become Contacts, once, whatever dies and whatever agents did."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx
import pytest

from service.mapped import default_mapping
from simulators.salesforce.conversion import agent_of
from simulators.salesforce.store import WriteContext
from tests.process.crash_org import Source
from tests.process.crash_rig import CROWDED, ENVIRONMENT, Case, Rig, Whole, rig_for
from tests.process.expected import parent
from tests.process.stand_ins import confirm_in

pytestmark = [pytest.mark.process, pytest.mark.timeout(300)]
CHOICE = "choose: {source: relationships.company.data.id,"
NOBODY = "choose: {source: relationships.nobody.data.id,"
SIZES = {**CROWDED, "service.transition_steps.BLOCK": 3}
AGENT = WriteContext("agent")
OWN_CASES = 2


@dataclass
class Three:
    """Customers whose Leads are of interest, and what agents made of them."""

    plain: str
    converted: str
    moved: str
    contact_of_converted: str = ""
    case_that_was_moved: str = ""
    contact_it_was_moved_to: str = ""
    relation: str = ""


def choose(case: Case, line: str) -> None:
    """Put another choice between Contact and Lead into the map, and confirm it."""
    path = case.folder / "ferry" / "mapping.yaml"
    path.parent.mkdir(mode=0o700, exist_ok=True)
    text = path.read_text(encoding="utf-8") if path.exists() else default_mapping()
    assert text.count(CHOICE) + text.count(NOBODY) == 1
    path.write_text(text.replace(CHOICE, line).replace(NOBODY, line), encoding="utf-8")
    confirm_in(case.folder, ENVIRONMENT)
    case.confirmed = True


def people(case: Case, name: str) -> dict[str, dict[str, Any]]:
    there = [each for each in case.target_records(name) if not each["IsDeleted"]]
    return {each["Kustomer_Id__c"]: each for each in there if each.get("Kustomer_Id__c")}


def cases_of(case: Case, customer: str) -> list[dict[str, Any]]:
    keys = {
        key
        for key, row in case.source_records("conversation").items()
        if parent(row, "customer") == customer
    }
    found = [each for each in case.target_records("Case") if each["Kustomer_Id__c"] in keys]
    return sorted(found, key=lambda each: str(each["Kustomer_Id__c"]))


def with_company(case: Case) -> list[str]:
    return sorted(
        key for key, row in case.source_records("customer").items() if parent(row, "company")
    )


def all_leads(
    rig: Rig,
    folder: Path,
    *,
    retire: str = "mark",
    sizes: Mapping[str, int] = MappingProxyType(SIZES),
) -> tuple[Case, Three]:
    """A migration that made Leads of all; then agents worked, and the map sends some to Contacts."""
    case = rig.case(folder, sizes=sizes)
    with (folder / "deskferry.yaml").open("a", encoding="utf-8") as config:
        config.write(f"transitions: {{retire: {retire}}}\n")
    choose(case, NOBODY)
    case.finish()
    assert not people(case, "Contact")
    busy = [key for key in with_company(case) if len(cases_of(case, key)) >= OWN_CASES]
    three = Three(*busy[:3])
    work_of_agents(case, three)
    choose(case, CHOICE)
    return case, three


def work_of_agents(case: Case, three: Three) -> None:
    """One Lead is converted, a Case of another one is given to somebody else."""
    leads, store = people(case, "Lead"), case.org.store
    url = f"{case.rig.target}/__admin/convert-lead"
    said = httpx.post(url, json={"leadId": leads[three.converted]["Id"]}).raise_for_status().json()
    three.contact_of_converted = said["contactId"]
    other = store.insert("Contact", {"LastName": "Somebody else"}, AGENT).record_id
    first = cases_of(case, three.moved)[0]["Id"]
    store.touch("Case", first, {"ContactId": other, "LastModifiedById": agent_of(store)})
    three.case_that_was_moved, three.contact_it_was_moved_to = first, other
    emails = case.target_records("EmailMessage")
    email = min(emails, key=lambda each: str(each["Kustomer_Id__c"]))["Id"]
    values = {
        "EmailMessageId": email,
        "RelationType": "FromAddress",
        "RelationId": leads[three.plain]["Id"],
    }
    three.relation = store.insert("EmailMessageRelation", values, AGENT).record_id


def assert_became(case: Case, three: Three, whole: Whole) -> None:
    contacts, leads = people(case, "Contact"), people(case, "Lead")
    assert sorted(contacts) == with_company(case)
    made = [
        each.external_id
        for each in case.org.effects.entries
        if (each.op, each.object, each.source) == ("insert", "Contact", "bulk")
    ]
    assert sorted(made) == sorted(set(contacts) - {three.converted}), (
        "each once, none of them twice"
    )
    for key, contact in contacts.items():
        assert contact["AccountId"]
        lead = leads[key]
        if key == three.converted:
            assert contact["Id"] == three.contact_of_converted
            assert (lead["IsConverted"], lead.get("Kustomer_Contact__c")) == (True, None)
        else:
            assert lead["Kustomer_Contact__c"] == contact["Id"]
        for each in cases_of(case, key):
            if each["Id"] == three.case_that_was_moved:
                assert each["ContactId"] == three.contact_it_was_moved_to
                assert each["Kustomer_Lead__c"] == lead["Id"]
            else:
                assert (each["ContactId"], each["Kustomer_Lead__c"]) == (contact["Id"], None)
                assert each["AccountId"] == contact["AccountId"]
    assert all("Kustomer_Contact__c" not in leads[key] for key in leads.keys() - contacts.keys())
    relation = case.org.store.get("EmailMessageRelation", three.relation)
    assert relation is not None
    assert relation["RelationId"] == contacts[three.plain]["Id"]
    book = whole.books["customers"]
    assert book["changes_held"] == {}
    assert book["changed"] >= len(contacts) - 1
    assert book["loaded"] + book["matched"] == len(case.source_records("customer"))


@pytest.fixture(scope="module")
def uninterrupted_transition(rig: Rig, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    case, three = all_leads(rig, tmp_path_factory.mktemp("transition"))
    whole = case.finish()
    assert_became(case, three, whole)
    return whole


def large(armed: str) -> Any:
    return pytest.param(armed, marks=pytest.mark.large)


@pytest.mark.parametrize(
    "armed",
    [
        "became-uncommitted",
        "references-sent",
        "references-noted",
        "relations-sent",
        "relations-noted",
        "leads-marked",
        "leads-noted",
        "job-closed",
        large("rows-assembled:4"),
        large("job-intended:4"),
        large("job-close-noted:2"),
        large("results-learned"),
        large("results-learned:2"),
        large("harvest-uncommitted:4"),
        large("harvest-ended:4"),
        large("references-sent:2"),
        large("references-noted:2"),
        large("leads-marked:2"),
        large("leads-noted:2"),
        large("gate-counted"),
        large("gate-uncommitted"),
    ],
)
def test_a_process_that_dies_between_two_steps_makes_every_contact_once_and_leaves_no_step_out(
    rig: Rig, uninterrupted_transition: Whole, tmp_path: Path, armed: str
) -> None:
    case, three = all_leads(rig, tmp_path)
    case.dies_at(armed)
    whole = case.finish()
    assert_became(case, three, whole)
    assert whole.dump == uninterrupted_transition.dump
    assert whole.books == uninterrupted_transition.books
    sent = len(case.org.effects.entries)
    case.finish()
    assert len(case.org.effects.entries) == sent, "a further run writes nothing"


@pytest.mark.parametrize("armed", ["", "leads-deleted"])
def test_leads_that_nobody_touched_are_deleted_by_rule_and_others_are_marked(
    rig: Rig, tmp_path: Path, armed: str
) -> None:
    case, three = all_leads(rig, tmp_path, retire="delete")
    store, before = case.org.store, people(case, "Lead")
    store.touch("Lead", before[three.plain]["Id"], {"LastModifiedById": agent_of(store)})
    if armed:
        case.dies_at(armed)
    case.finish()
    contacts, leads = people(case, "Contact"), people(case, "Lead")
    assert sorted(contacts) == with_company(case)
    assert leads.keys() & contacts.keys() == {three.plain, three.converted}
    assert leads[three.plain]["Kustomer_Contact__c"] == contacts[three.plain]["Id"]
    gone = [each.id for each in case.org.effects.entries if each.op == "delete"]
    assert len(gone) == len(set(gone)) == len(contacts) - 2


def test_leads_are_kept_as_they_are_by_rule(rig: Rig, tmp_path: Path) -> None:
    case, _ = all_leads(rig, tmp_path, retire="keep")
    case.finish()
    assert sorted(people(case, "Contact")) == with_company(case)
    assert not any(each.get("Kustomer_Contact__c") for each in case.target_records("Lead"))
    assert not [each for each in case.org.effects.entries if each.op == "delete"]


def test_a_contact_whose_customer_loses_its_company_is_kept_and_told_of_until_it_has_one_again(
    rig: Rig, tmp_path: Path
) -> None:
    case, _ = all_leads(rig, tmp_path)
    case.finish()
    effects, contacts = len(case.org.effects.entries), people(case, "Contact")
    choose(case, NOBODY)
    whole = case.finish()
    assert whole.books["customers"]["changes_held"] == {"kept-as-contact": len(contacts)}
    assert whole.books["customers"]["loaded"] + whole.books["customers"]["matched"] == len(
        case.source_records("customer")
    )
    case.finish()
    choose(case, CHOICE)
    whole = case.finish()
    assert whole.books["customers"]["changes_held"] == {}
    assert people(case, "Contact") == contacts
    assert len(case.org.effects.entries) == effects, "nothing was written all the while"


def test_cases_that_salesforce_refuses_keep_their_lead_until_a_retry(
    rig: Rig, tmp_path: Path
) -> None:
    case, three = all_leads(rig, tmp_path)
    key = cases_of(case, three.plain)[0]["Id"]
    case.org.store.touch("Case", key, {"Subject": "please refuse"})
    moody = case.org.store.chunk

    def refusing(name: str, rows: Any, operation: str, context: Any, **more: Any) -> Any:
        named = [{**row, "text": "please refuse"} if row.get("Id") == key else row for row in rows]
        return moody(name, named, operation, context, **more)

    case.org.store.chunk = refusing  # type: ignore[method-assign]
    whole = case.finish()
    reason = "FIELD_CUSTOM_VALIDATION_EXCEPTION"
    assert whole.books["customers"]["changes_held"] == {reason: 1}
    assert "Kustomer_Contact__c" not in people(case, "Lead")[three.plain], "it is not retired"
    case.org.store.chunk = moody  # type: ignore[method-assign]
    code, said = command(case, "retry", "--reason", reason, "--json")
    assert code in (0, 5), said
    assert_became(case, three, case.finish())


@pytest.fixture
def changing(tmp_path: Path) -> Iterator[tuple[Rig, Case]]:
    """A source of its own, as it changes under the test."""
    with rig_for(Source()) as rig:
        yield rig, rig.case(tmp_path)


def test_a_customer_that_gains_a_company_in_kustomer_becomes_a_contact_at_the_next_pass(
    changing: tuple[Rig, Case],
) -> None:
    rig, case = changing
    case.finish()
    leads = people(case, "Lead")
    key = next(key for key in sorted(leads) if len(cases_of(case, key)) >= 1)
    company = next(iter(case.source_records("company")))
    link = {"relationships": {"company": {"data": {"type": "company", "id": company}}}}
    url = f"{rig.source_url}/__admin/records/customer/{key}"
    httpx.put(url, json=link).raise_for_status()
    path = case.folder / "ferry" / "mapping.yaml"
    text = path.read_text(encoding="utf-8")
    line = "Company: {convert: constant, default: "
    assert text.count(line) == 1
    path.write_text(text.replace('"[not provided]"', '"[none]"'), encoding="utf-8")
    confirm_in(case.folder, ENVIRONMENT)
    case.finish()
    contact, lead = people(case, "Contact")[key], people(case, "Lead")[key]
    assert lead["Kustomer_Contact__c"] == contact["Id"]
    assert {each["ContactId"] for each in cases_of(case, key)} == {contact["Id"]}
    assert not any(each.get("Kustomer_Lead__c") for each in cases_of(case, key))
    told = trace(case, key)
    assert [each["object"] for each in told["became"]] == ["Contact"]
    assert told["was"] == [
        {
            "object": "Lead",
            "salesforce_id": lead["Id"],
            "became": contact["Id"],
            "step": "done",
            "fate": "marked",
            "stuck": "",
        }
    ]
    assert trace(case, lead["Id"])["kustomer_id"] == key


def trace(case: Case, asked: str) -> dict[str, Any]:
    code, said = command(case, "trace", asked, "--json")
    assert code == 0, said
    found: dict[str, Any] = json.loads(said)
    return found


def command(case: Case, *arguments: str) -> tuple[int, str]:
    pid = case.rig.forge.start(
        folder=str(case.folder),
        arguments=list(arguments),
        environment={**ENVIRONMENT},
        sizes=case.sizes,
        out=str(case.folder / "out"),
        err=str(case.folder / "err"),
    )
    ended = case.wait(pid)
    return ended.code, ended.out if ended.code in (0, 5) else ended.err


def test_an_org_without_the_mark_is_told_of_and_its_contacts_are_made_all_the_same(
    rig: Rig, tmp_path: Path
) -> None:
    case, three = all_leads(rig, tmp_path)
    path = case.folder / "ferry" / "mapping.yaml"
    text = path.read_text(encoding="utf-8")
    lines = [each for each in text.splitlines(keepends=True) if "Kustomer_Contact__c" not in each]
    assert len(lines) == len(text.splitlines()) - 2
    path.write_text("".join(lines), encoding="utf-8")
    confirm_in(case.folder, ENVIRONMENT)
    whole = case.finish()
    contacts = people(case, "Contact")
    assert sorted(contacts) == with_company(case)
    assert whole.books["customers"]["changes_held"] == {"mark-missing": len(contacts) - 1}
    assert all(
        (each["ContactId"], each["Kustomer_Lead__c"]) == (contacts[three.plain]["Id"], None)
        for each in cases_of(case, three.plain)
    )


def test_leads_of_a_lost_state_become_contacts_as_well(rig: Rig, tmp_path: Path) -> None:
    case, three = all_leads(rig, tmp_path)
    for each in (case.folder / "ferry").glob("state*"):
        each.unlink()
    assert command(case, "state", "rebuild")[0] == 0
    confirm_in(case.folder, ENVIRONMENT)
    assert_became(case, three, case.finish())
