"""Changes in Kustomer arrive in Salesforce; what has not changed costs nothing; agents' edits stay."""

import json
import signal
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.crash_points import VARIABLE
from tests.process.expected import check_case, check_everything, keyed, parent
from tests.process.stand_ins import Journey, journey, sizes
from tests.process.test_retry import told

pytestmark = [pytest.mark.process, pytest.mark.timeout(300)]

# What an agent's day is made of, without deletions, merges, and customers that change their kind.
DAY = [
    "conversation.create",
    "message.create",
    "note.create",
    "customer.create",
    "customer.name",
    "customer.emails",
    "customer.tags",
    "customer.custom",
    "company.custom",
    "conversation.name",
    "conversation.status",
    "conversation.priority",
    "conversation.assigned_users",
    "conversation.assigned_teams",
    "conversation.tags",
    "conversation.custom",
    "conversation.relink",
]
POINTS = (
    "delta-planned",
    "delta-uncommitted",
    "delta-begun",
    "removal-sent",
    "removal-uncommitted",
    "job-closed:2",
    "revised-uncommitted",
)
NOISE = ["customer.noise", "conversation.noise", "message.noise"]


def burst(run: Journey, writes: int, kinds: list[str]) -> None:
    asked = {"burst": writes, "weights": dict.fromkeys(kinds, 1)}
    httpx.post(f"{run.source}/__admin/churn", json=asked, timeout=60).raise_for_status()


def configured(run: Journey, **delta: Any) -> None:
    with (run.folder / "deskferry.yaml").open("a", encoding="utf-8") as config:
        config.write(f"delta: {json.dumps({'lag_seconds': 0, **delta})}\n")


def loaded(run: Journey) -> None:
    assert told(run, "migrate", code=5)["jobs_sent"] > 0


def written(run: Journey, since: int) -> Counter[tuple[str, str]]:
    return Counter((each["object"], each["op"]) for each in run.effects()[since:])


def test_a_day_of_changes_arrives_and_a_second_delta_writes_nothing(tmp_path: Path) -> None:
    with journey(tmp_path, sizes(60, 200)) as run:
        configured(run)
        loaded(run)
        burst(run, 200, DAY)
        before = len(run.effects())
        books = told(run, "delta", code=5)["phases"]
        assert books["conversations"]["changed"] > 10
        assert check_everything(run, second_passes=False)["conversations"] > 60
        changes = written(run, before)
        assert changes["Case", "insert"] > 3
        assert changes["EmailMessage", "insert"] > 3
        assert {op for _, op in changes} == {"insert", "update"}
        before = len(run.effects())
        again = told(run, "delta", code=5)
        assert again["jobs_sent"] == 0
        assert len(run.effects()) == before


def test_noise_costs_no_write(tmp_path: Path) -> None:
    with journey(tmp_path, sizes(40, 100)) as run:
        configured(run)
        loaded(run)
        burst(run, 150, NOISE)
        before = len(run.effects())
        assert told(run, "delta", code=5)["jobs_sent"] == 0
        assert len(run.effects()) == before


def test_deleted_records_are_marked_or_deleted_by_the_rule(tmp_path: Path) -> None:
    with journey(tmp_path, sizes(40, 100)) as run:
        configured(run)
        loaded(run)
        cases = set(keyed(run.target_records("Case")))
        burst(run, 5, ["conversation.delete"])
        gone = deleted_of(run) & cases
        assert len(gone) == 5
        books = told(run, "delta", code=5)["phases"]
        assert books["conversations"]["deleted"] == {"mark": 5}
        marked = keyed(run.target_records("Case"))
        assert set(marked) == cases
        assert {key for key, row in marked.items() if row.get("Kustomer_Deleted_At__c")} == gone
        effects = len(run.effects())
        assert told(run, "delta", code=5)["jobs_sent"] == 0
        assert len(run.effects()) == effects


def test_with_the_rule_delete_a_record_that_an_agent_touched_stays(tmp_path: Path) -> None:
    with journey(tmp_path, sizes(40, 100)) as run:
        configured(run, deletes="delete")
        loaded(run)
        before = keyed(run.target_records("Case"))
        burst(run, 4, ["conversation.delete"])
        gone = deleted_of(run) & set(before)
        touched = sorted(gone)[0]
        edit(run, "Case", before[touched]["Id"], Description="an agent was here")
        books = told(run, "delta", code=5)["phases"]["conversations"]
        assert books["deleted"] == {"delete": 3}
        assert books["changes_held"] == {"conflict": 1}
        left = keyed([row for row in run.target_records("Case") if not row["IsDeleted"]])
        assert set(before) - set(left) == gone - {touched}


def test_a_redacted_message_is_made_anew_and_an_edited_one_is_told(tmp_path: Path) -> None:
    with journey(tmp_path, sizes(40, 100)) as run:
        configured(run)
        loaded(run)
        before = keyed(run.target_records("EmailMessage"))
        burst(run, 3, ["message.redact"])
        burst(run, 2, ["message.edit"])
        books = told(run, "delta", code=5)["phases"]["messages"]
        messages = run.source_records("message")
        redacted = {key for key, row in messages.items() if row["attributes"]["redacted"]}
        assert len(redacted) == 3
        now = keyed([row for row in run.target_records("EmailMessage") if not row["IsDeleted"]])
        assert now.keys() == before.keys()
        for key in redacted:
            assert now[key]["Id"] != before[key]["Id"]
            assert before[key]["TextBody"] != now[key].get("TextBody")
            assert (now[key].get("TextBody") or "") == messages[key]["attributes"]["preview"]
        assert 1 <= books["changes_held"]["cannot-change"] <= 2
        effects = len(run.effects())
        assert told(run, "delta", code=5)["jobs_sent"] == 0
        assert len(run.effects()) == effects


def test_what_an_agent_wrote_in_salesforce_survives_every_delta(tmp_path: Path) -> None:
    with journey(tmp_path, sizes(40, 100)) as run:
        configured(run)
        loaded(run)
        cases = keyed(run.target_records("Case"))
        first, second = sorted(cases)[:2]
        edit(run, "Case", cases[first]["Id"], Subject="by an agent", Priority="Low")
        edit(run, "Case", cases[second]["Id"], Subject="by an agent")
        status = "Open" if cases[first]["Status"] == "Done" else "Done"
        change(run, "conversation", first, status=status.lower())
        change(run, "conversation", second, name="by the source")
        books = told(run, "delta", code=5)["phases"]["conversations"]
        assert (books["changed"], books["changes_held"]) == (1, {"conflict": 1})
        now = keyed(run.target_records("Case"))
        assert (now[first]["Subject"], now[first]["Status"]) == ("by an agent", status)
        assert now[first]["Priority"] == "Low"
        assert now[second]["Subject"] == "by an agent"
        change(run, "conversation", first, name="by the source")
        books = told(run, "delta", code=5)["phases"]["conversations"]
        assert books["changes_held"] == {"conflict": 2}
        now = keyed(run.target_records("Case"))
        assert {now[key]["Subject"] for key in (first, second)} == {"by an agent"}
        open_ones = told(run, "conflicts", "list", code=0)["conflicts"]
        assert {(each["source_id"], each["ours"], each["theirs"]) for each in open_ones} == {
            (key, "by the source", "by an agent") for key in (first, second)
        }
        told(run, "conflicts", "decide", first, "--keep=source", code=0)
        told(run, "conflicts", "decide", second, "Subject", "--keep=target", code=0)
        told(run, "delta", code=5)
        now = keyed(run.target_records("Case"))
        assert (now[first]["Subject"], now[second]["Subject"]) == ("by the source", "by an agent")
        assert told(run, "conflicts", "list", code=0)["conflicts"] == []


def deleted_of(run: Journey) -> set[str]:
    rows = run.source_records("conversation").items()
    return {key for key, row in rows if row["attributes"].get("deleted")}


def edit(run: Journey, name: str, record_id: str, **values: Any) -> None:
    """An agent changes a record in Salesforce."""
    users = run.target_records("User")
    agent = next(row["Id"] for row in users if row["Email"] != "integration@acme.example")
    url = f"{run.target}/__admin/records/{name}/{record_id}"
    httpx.patch(url, json={**values, "by": agent}).raise_for_status()


def change(run: Journey, kind: str, record_id: str, **values: Any) -> None:
    """An agent changes a record in Kustomer."""
    url = f"{run.source}/__admin/records/{kind}/{record_id}"
    httpx.put(url, json={"attributes": values}).raise_for_status()


@pytest.mark.parametrize("deletes", ["mark", "delete"])
def test_a_delta_that_dies_anywhere_goes_on_and_loses_and_doubles_nothing(
    tmp_path: Path, deletes: str
) -> None:
    with journey(tmp_path, sizes(40, 100)) as run:
        configured(run, deletes=deletes)
        loaded(run)
        for point in POINTS:
            burst(run, 40, DAY)
            burst(run, 2, ["conversation.delete"])
            child = run.start("delta", environment={VARIABLE: point})
            _, err = child.communicate(timeout=120)
            assert child.returncode == -signal.SIGKILL, f"{point}: {err}"
        told(run, "delta", code=5)
        inserts = Counter(
            (each["object"], each["external_id"])
            for each in run.effects()
            if each["op"] == "insert" and each["external_id"]
        )
        assert max(inserts.values()) == 1
        gone = deleted_of(run)
        cases = keyed([row for row in run.target_records("Case") if not row["IsDeleted"]])
        if deletes == "delete":
            assert not gone & cases.keys()
        else:
            marked = {key for key, row in cases.items() if row.get("Kustomer_Deleted_At__c")}
            assert gone & cases.keys() == marked
        left = {key for key in run.source_records("conversation") if key not in gone}
        assert left <= cases.keys()
        effects = len(run.effects())
        assert told(run, "delta", code=5)["jobs_sent"] == 0
        assert len(run.effects()) == effects


def test_what_belonged_to_a_merged_customer_comes_to_the_survivor_and_the_lost_one_stays_told(
    tmp_path: Path,
) -> None:
    with journey(tmp_path, sizes(60, 100)) as run:
        configured(run)
        loaded(run)
        before = {key: parent(row, "customer") for key, row in of(run, "conversation").items()}
        burst(run, 5, ["customer.merge"])
        moved = {
            key
            for key, row in of(run, "conversation").items()
            if parent(row, "customer") != before[key]
        }
        assert len(moved) > 3
        told(run, "delta", code=5)
        cases, people = keyed(run.target_records("Case")), of(run, "customer")
        contacts, leads = keyed(run.target_records("Contact")), keyed(run.target_records("Lead"))
        for key in moved:
            check_case(of(run, "conversation")[key], cases[key], contacts, leads)
        lost = {before[key] for key in moved} - people.keys()
        assert lost
        assert lost <= contacts.keys() | leads.keys(), "the lost one's id stays traceable"
        effects = len(run.effects())
        assert told(run, "delta", code=5)["jobs_sent"] == 0
        assert len(run.effects()) == effects


def of(run: Journey, kind: str) -> dict[str, dict[str, Any]]:
    """The living records of a kind in the source."""
    rows = run.source_records(kind).items()
    return {key: row for key, row in rows if not row["attributes"].get("deleted")}
