"""A customer that gains a company between deltas becomes a Contact once, whenever a delta is killed."""

import signal
from collections import Counter
from pathlib import Path

import httpx
import pytest

from service.crash_points import VARIABLE
from tests.process.expected import keyed, parent
from tests.process.stand_ins import journey, sizes
from tests.process.test_delta import configured, loaded
from tests.process.test_retry import told

pytestmark = [pytest.mark.process, pytest.mark.timeout(240)]


@pytest.mark.parametrize(
    "point", ["became-uncommitted", "references-sent", "relations-sent", "leads-marked"]
)
def test_a_delta_that_is_killed_between_two_steps_of_a_transition_goes_on_from_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    with journey(tmp_path, sizes(60, 200)) as run:
        configured(run)
        loaded(run)
        leads, cases = keyed(run.target_records("Lead")), keyed(run.target_records("Case"))
        conversations = run.source_records("conversation")
        of_leads = Counter(str(parent(conversations[key], "customer")) for key in cases)
        gaining = [key for key, _ in of_leads.most_common() if key in leads][:3]
        company = next(iter(run.source_records("company")))
        for key in gaining:
            link = {"relationships": {"company": {"data": {"type": "company", "id": company}}}}
            url = f"{run.source}/__admin/records/customer/{key}"
            httpx.put(url, json=link).raise_for_status()
        monkeypatch.setenv(VARIABLE, point)
        code, _, err = run.run("delta")
        assert code == -signal.SIGKILL, err
        monkeypatch.delenv(VARIABLE)
        told(run, "delta", code=5)
        contacts, leads = keyed(run.target_records("Contact")), keyed(run.target_records("Lead"))
        named = {each.get("RelationId") for each in run.target_records("EmailMessageRelation")}
        for key in gaining:
            contact, lead = contacts[key]["Id"], leads[key]["Id"]
            assert leads[key]["Kustomer_Contact__c"] == contact
            assert lead not in named
            assert contact in named
            mine = [
                row
                for row in run.target_records("Case")
                if parent(conversations[row["Kustomer_Id__c"]], "customer") == key
            ]
            assert len(mine) == of_leads[key]
            assert {(r["ContactId"], r.get("Kustomer_Lead__c")) for r in mine} == {(contact, None)}
        made = [
            each["external_id"]
            for each in run.effects()
            if each["object"] == "Contact" and each["op"] == "insert"
        ]
        assert len(made) == len(set(made)), "none is made twice"
        effects = len(run.effects())
        assert told(run, "delta", code=5)["jobs_sent"] == 0
        assert len(run.effects()) == effects
