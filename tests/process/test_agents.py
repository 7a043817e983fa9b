"""Agents and teams: the reconciliation queue, what waits for it, and queues that are made once."""

import signal
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.mapped import default_mapping
from tests.process.agents_desk import (
    add_user,
    check_people_of_records,
    configure,
    fill_in,
    waiting,
)
from tests.process.expected import check_everything
from tests.process.stand_ins import Journey, journey
from tests.process.test_journey import assert_once
from tests.process.test_retry import balanced, told

pytestmark = [pytest.mark.process, pytest.mark.timeout(400)]
COMPANY = ["--customers=2000", "--conversations=500", "--messages=1200", "--notes=200"]
SMALL = ["--customers=40", "--conversations=60", "--messages=150", "--notes=40", "--companies=8"]
FAST = ["--rate-limit=1000000", "--search-limit=1000000"]


def people(run: Journey) -> dict[int, str]:
    """Kustomer ids by the agent's number."""
    users = sorted(run.source_records("user").values(), key=lambda row: int(row["id"][12:], 16))
    return {number: row["id"] for number, row in enumerate(users)}


def settled_now(run: Journey) -> dict[str, str]:
    """Salesforce ids of the Kustomer users whose address exactly one active user has."""
    there: dict[str, list[str]] = {}
    for each in run.target_records("User"):
        there.setdefault(each["Email"], []).append(each["Id"])
    found = {}
    for key, row in run.source_records("user").items():
        hits = there.get(row["attributes"]["email"], [])
        if len(hits) == 1:
            found[key] = hits[0]
    return found


def queue(run: Journey) -> dict[str, Any]:
    document = told(run, "users", "list", code=0)
    return {each["kustomer_user"]: each for each in document["users"]}


def integration(run: Journey) -> str:
    return next(
        str(each["Id"])
        for each in run.target_records("User")
        if each["Email"] == "integration@acme.example"
    )


def test_a_company_of_sixty_agents_is_settled_by_a_sheet_and_everything_flows(
    tmp_path: Path,
) -> None:
    source = [*COMPANY, *FAST, "--users=60", "--teams=12"]
    target = ["--users=60", "--unmatched-users=9", "--ambiguous-users=3", "--teams=4"]
    with journey(tmp_path, source, target) as run:
        configure(run)
        error = told(run, "migrate", code=3)["error"]
        assert error["code"] == "users-open"
        assert "12 Kustomer users" in error["message"]
        assert "9 without a match, 3 ambiguous" in error["message"]
        assert "users list" in error["next_step"]
        assert run.effects() == []
        assert not [
            route for route in run.stats(run.source)["routes"] if route.endswith("messages")
        ]
        agents, settled = people(run), settled_now(run)
        assert (
            sum(bool(e["attributes"].get("deleted")) for e in run.source_records("user").values())
            == 5
        )
        listed = queue(run)
        assert listed.keys() == {agents[number] for number in range(48, 60)}
        for number in range(48, 60):
            each = listed[agents[number]]
            assert each["reason"] == ("user-ambiguous" if number < 51 else "user-unmatched")
            assert len(each["candidates"]) == (2 if number < 51 else 0)
            assert (each["email"], each["waiting"]) == (f"agent{number}@acme.example", 0)
        assert listed[agents[51]]["state"] == "deactivated"

        configure(run, "unmatched_users: hold")
        books = told(run, "migrate", code=5)["phases"]
        assert books["customers"]["held"] == {}
        wanted = waiting(run, set(settled))
        assert {key: each["waiting"] for key, each in queue(run).items()} == {
            key: wanted[key] for key in listed
        }
        assert sum(wanted.values()) > 100
        before = {each["Kustomer_Id__c"]: each["OwnerId"] for each in run.target_records("Case")}
        assert 0 < len(before) < books["conversations"]["extracted"]

        _, sheet, _ = run.run("users", "list", "--csv")
        choices = {}
        for number in range(48, 60):
            each = listed[agents[number]]
            if each["candidates"]:
                choices[agents[number]] = each["candidates"][1]
            else:
                choices[agents[number]] = f"new{number}@acme.example"
                settled[agents[number]] = add_user(run, f"new{number}@acme.example")
        (tmp_path / "users.csv").write_text(fill_in(sheet, choices))
        taken = told(run, "users", "import", "users.csv", "--by", "Ada", code=0)
        assert (taken["by"], len(taken["assigned"])) == ("Ada", 12)
        settled |= {each["kustomer_user"]: each["salesforce_user"] for each in taken["assigned"]}
        _, kept, _ = run.run("users", "list", "--decided")
        assert len(kept.splitlines()) == 13
        assert ",import,Ada," in kept
        told(run, "migrate", code=0)
        assert queue(run) == {}
        compared = check_everything(run, second_passes=False)
        assert compared["customers"] == 2000
        assert check_people_of_records(run, settled, integration(run)) > 1800
        after = {each["Kustomer_Id__c"]: each["OwnerId"] for each in run.target_records("Case")}
        assert {key: after[key] for key in before} == before
        assert all(not book.held and not book.failed for book in balanced(run).values())
        check_queues(run, settled)
        assert_once(run)
        effects = run.effects()
        assert told(run, "migrate", code=0)["jobs_sent"] == 0
        assert run.effects() == effects


def check_queues(run: Journey, settled: dict[str, str]) -> None:
    """Each team has one queue that takes cases; in those that were made are all the team's members."""
    teams = run.source_records("team")
    groups = {each["Id"]: each for each in run.target_records("Group")}
    made = [each for each in groups.values() if each["DeveloperName"].startswith("Kustomer_")]
    assert {each["DeveloperName"].removeprefix("Kustomer_") for each in made} == {
        key for key, row in teams.items() if int(row["attributes"]["name"].split()[1]) >= 4
    }
    takes = {(e["QueueId"], e["SobjectType"]) for e in run.target_records("QueueSobject")}
    assert takes == {(each, "Case") for each in groups}
    members = {(e["GroupId"], e["UserOrGroupId"]) for e in run.target_records("GroupMember")}
    assert members == {
        (group["Id"], settled[user])
        for group in made
        for user in teams[group["DeveloperName"].removeprefix("Kustomer_")]["attributes"]["members"]
    }


def test_killed_at_every_step_the_queue_is_settled_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = [*SMALL, *FAST, "--users=20", "--teams=5"]
    target = ["--users=20", "--unmatched-users=3", "--ambiguous-users=1", "--teams=1"]
    with journey(tmp_path, source, target) as run:
        configure(run, "unmatched_users: hold")

        def dies(point: str, *command: str) -> None:
            monkeypatch.setenv("DESKFERRY_CRASH_AT", point)
            code, _, err = run.run(*command)
            assert code == -signal.SIGKILL, (point, err)
            monkeypatch.delenv("DESKFERRY_CRASH_AT")

        dies("directory-matched", "users", "sync")
        dies("groups-made", "migrate")
        dies("members-made", "migrate")
        told(run, "migrate", code=5)
        listed, settled = queue(run), settled_now(run)
        assert len(listed) == 4
        for key, each in listed.items():
            made = (each["candidates"] or [add_user(run, f"x.{each['email']}")])[0]
            settled[key] = made
            dies("users-decided", "users", "assign", each["email"], made)
        assert {each["chosen"] for each in queue(run).values()} == {settled[key] for key in listed}
        dies("users-taken-up", "migrate")
        dies("directory-uncommitted", "migrate")
        dies("waiting-released", "migrate")
        dies("job-close-noted", "migrate")
        told(run, "migrate", code=0)
        check_everything(run, second_passes=False)  # people decided, not their addresses
        check_people_of_records(run, settled, integration(run))
        assert_once(run)
        groups = [each["DeveloperName"] for each in run.target_records("Group")]
        assert len(groups) == len(set(groups)) == 5
        pairs = [(e["GroupId"], e["UserOrGroupId"]) for e in run.target_records("GroupMember")]
        assert len(pairs) == len(set(pairs))
        assert told(run, "migrate", code=0)["jobs_sent"] == 0


def test_users_made_later_are_found_by_sync_and_their_records_flow(tmp_path: Path) -> None:
    source = [*SMALL, *FAST, "--users=12", "--teams=2"]
    with journey(tmp_path, source, ["--users=12", "--unmatched-users=2"]) as run:
        configure(run, "unmatched_users: hold")
        run.confirm()
        assert told(run, "users", "sync", code=5) == {"exit_code": 5, "open": 2, "matched": 10}
        assert run.effects() == []
        told(run, "migrate", code=5)
        for each in queue(run).values():
            add_user(run, f"Agent{each['email'].removeprefix('agent')}")  # letter case is no matter
        assert told(run, "users", "sync", code=0)["open"] == 0
        told(run, "migrate", code=0)
        check_everything(run)
        for wrong in (
            ["assign", "nobody@acme.example", "agent1@acme.example"],
            ["assign", "agent1@acme.example", "nobody@acme.example"],
            ["assign", "66f000000000000000000000", "agent1@acme.example"],
            ["import", "missing.csv"],
        ):
            assert told(run, "users", *wrong, code=2)["error"]["code"] == "usage-invalid"


def test_a_named_fallback_owns_what_an_inactive_or_missing_user_may_not(tmp_path: Path) -> None:
    source = [*SMALL, *FAST, "--users=12", "--teams=2"]
    target = ["--users=12", "--unmatched-users=2", "--inactive-users=2", "--no-inactive-owner"]
    with journey(tmp_path, source, target) as run:
        told(run, "migrate", code=5)
        reasons = sorted(each["reason"] for each in queue(run).values())
        assert reasons == ["user-inactive"] * 2 + ["user-unmatched"] * 2
        check_everything(run)  # names of the original assignees are kept on every Case
        open_users, owner = set(queue(run)), integration(run)
        for made in run.target_records("Case"):
            row = run.source_records("conversation")[made["Kustomer_Id__c"]]["attributes"]
            only_open = row["assignedUsers"] and open_users.issuperset(row["assignedUsers"])
            if only_open and not row["assignedTeams"]:
                assert made["OwnerId"] == owner


def test_teams_become_public_groups_with_their_members_where_the_map_says_so(
    tmp_path: Path,
) -> None:
    source = [*SMALL, *FAST, "--users=12", "--teams=4"]
    with journey(tmp_path, source, ["--users=12", "--unmatched-users=0", "--teams=1"]) as run:
        configure(run)
        path = run.folder / "ferry" / "mapping.yaml"
        path.parent.mkdir(mode=0o700)
        owner = "kinds: [user, team], columns: {User: OwnerId, Group: OwnerId}"
        text = default_mapping().replace("make: queue", "make: group")
        text = text.replace(
            f"owner: {{source: [attributes.assignedUsers, attributes.assignedTeams], {owner}",
            "owner: {source: [attributes.assignedUsers], kinds: [user], columns: {User: OwnerId}",
        )
        path.write_text(text, encoding="utf-8")
        told(run, "migrate", code=0)
        ours = {
            each["DeveloperName"].removeprefix("Kustomer_"): each
            for each in run.target_records("Group")
            if each["DeveloperName"].startswith("Kustomer_")
        }
        teams, settled = run.source_records("team"), settled_now(run)
        assert ours.keys() == teams.keys()
        assert {each["Type"] for each in ours.values()} == {"Regular"}
        members = {(e["GroupId"], e["UserOrGroupId"]) for e in run.target_records("GroupMember")}
        assert members == {
            (ours[key]["Id"], settled[user])
            for key, row in teams.items()
            for user in row["attributes"]["members"]
        }
        conversations = run.source_records("conversation")
        for each in run.target_records("Case"):
            assigned = conversations[each["Kustomer_Id__c"]]["attributes"]["assignedUsers"]
            assert each["OwnerId"] == (settled[assigned[0]] if assigned else integration(run))


def relations(run: Journey) -> dict[str, dict[str, Any]]:
    return {each["Id"]: each for each in run.target_records("EmailMessageRelation")}


def test_with_hold_relations_wait_for_their_agents_and_flow_when_those_are_settled(
    tmp_path: Path,
) -> None:
    source = [*SMALL, *FAST, "--users=12", "--teams=2"]
    with journey(tmp_path, source, ["--users=12", "--unmatched-users=3"]) as run:
        configure(run, "unmatched_users: hold")
        waits = told(run, "migrate", code=5)["phases"]["messages.relations"]["held"]
        assert waits["user-open"] > 3
        before = relations(run)
        for each in queue(run).values():
            add_user(run, each["email"])
        books = told(run, "migrate", code=0)["phases"]["messages.relations"]
        assert (books["held"], books["failed"]) == ({}, {})
        check_everything(run)
        after = relations(run)
        assert {key: after[key] for key in before} == before
        assert sum(each.get("RelationObjectType") == "User" for each in after.values()) > 20
        assert_once(run)


@pytest.mark.parametrize("point", ["", "late-users-sent", "late-users-uncommitted"])
def test_with_a_fallback_relations_name_their_agents_as_soon_as_those_are_settled_and_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    source = [*SMALL, *FAST, "--users=12", "--teams=2"]
    with journey(tmp_path, source, ["--users=12", "--unmatched-users=3"]) as run:
        told(run, "migrate", code=5)
        check_everything(run)
        before, made = relations(run), len(run.effects())
        late = {each["email"] for each in queue(run).values()}
        bare = [
            key
            for key, each in before.items()
            if not each.get("RelationId") and each["RelationAddress"] in late
        ]
        assert len(bare) > 4
        chosen = settled_now(run)[people(run)[0]]
        httpx.patch(
            f"{run.target}/__admin/records/EmailMessageRelation/{bare[0]}",
            json={"RelationId": chosen, "by": chosen},
        ).raise_for_status()
        for email in late:
            add_user(run, email)
        if point:
            monkeypatch.setenv("DESKFERRY_CRASH_AT", point)
            code, _, err = run.run("migrate")
            assert code == -signal.SIGKILL, err
            monkeypatch.delenv("DESKFERRY_CRASH_AT")
        told(run, "migrate", code=0)
        after = relations(run)
        assert after.keys() == before.keys(), "none is made, none is lost"
        assert after[bare[0]]["RelationId"] == chosen, "what somebody chose meanwhile stays"
        httpx.patch(
            f"{run.target}/__admin/records/EmailMessageRelation/{bare[0]}",
            json={"RelationId": None, "by": chosen},
        )
        named = [each for key in bare[1:] if (each := after[key]).get("RelationId")]
        assert len(named) == len(bare) - 1
        ours = [each for each in run.effects()[made:] if each["object"] == "EmailMessageRelation"]
        assert len([each for each in ours if each["id"] in bare[1:]]) == len(bare) - 1, "once each"
        told(run, "migrate", code=0)
        assert relations(run).keys() == before.keys()


def test_a_relation_that_was_refused_for_want_of_an_address_is_sent_once_its_agent_is_settled(
    tmp_path: Path,
) -> None:
    source = [*SMALL, *FAST, "--users=12", "--teams=2"]
    with journey(tmp_path, source, ["--users=12", "--unmatched-users=2"]) as run:
        twins = [
            people(run)[number] for number in (10, 11)
        ]  # who share an address: it names nobody
        for each in twins:
            user = run.source_records("user")[each]
            user["attributes"]["email"] = "desk@acme.example"
            httpx.put(f"{run.source}/__admin/records", json=user).raise_for_status()
        message = next(
            row
            for row in run.source_records("message").values()
            if row["attributes"]["direction"] == "out"
        )
        message["attributes"]["meta"]["from"] = ""
        message["relationships"]["createdBy"] = {"data": {"type": "user", "id": twins[0]}}
        httpx.put(f"{run.source}/__admin/records", json=message).raise_for_status()
        books = told(run, "migrate", code=5)["phases"]["messages.relations"]
        assert books["failed"].keys() == {"REQUIRED_FIELD_MISSING"}
        mail = next(
            each["Id"]
            for each in run.target_records("EmailMessage")
            if each["Kustomer_Id__c"] == message["id"]
        )
        assert not any(
            (each["EmailMessageId"], each["RelationType"]) == (mail, "FromAddress")
            for each in relations(run).values()
        )
        told(run, "users", "assign", twins[0], "agent1@acme.example", code=0)
        told(run, "migrate", code=5)
        (made,) = [
            each
            for each in relations(run).values()
            if (each["EmailMessageId"], each["RelationType"]) == (mail, "FromAddress")
        ]
        assert made["RelationId"] == settled_now(run)[people(run)[1]]


def test_an_inactive_user_keeps_old_records_where_that_is_allowed(tmp_path: Path) -> None:
    source = [*SMALL, *FAST, "--users=12", "--teams=2"]
    target = ["--users=12", "--unmatched-users=0", "--inactive-users=2"]
    with journey(tmp_path, source, target) as run:
        configure(run)
        told(run, "migrate", code=0)
        assert check_people_of_records(run, settled_now(run), integration(run))


def test_a_user_whom_only_records_know_enters_the_queue_and_is_settled_by_a_person(
    tmp_path: Path,
) -> None:
    source = [*SMALL, *FAST, "--users=12", "--teams=2"]
    with journey(tmp_path, source, ["--users=12", "--unmatched-users=0"]) as run:
        configure(run)
        unknown = "63cc00000000000000000003"
        note = next(iter(run.source_records("note").values()))
        note["relationships"]["createdBy"]["data"]["id"] = unknown
        httpx.put(f"{run.source}/__admin/records", json=note).raise_for_status()
        assert told(run, "migrate", code=5)["phases"]["notes"]["held"] == {"user-open": 1}
        (listed,) = queue(run).values()
        assert (listed["kustomer_user"], listed["waiting"]) == (unknown, 1)
        (row,) = told(run, "trace", note["id"], code=0)["exceptions"]
        assert [each["kustomer_id"] for each in row["waits_for"]] == [unknown]
        error = told(run, "migrate", code=3)["error"]  # asked for by id, and gone
        assert (error["code"], queue(run)[unknown]["reason"]) == ("users-open", "gone-in-kustomer")
        told(run, "users", "assign", unknown, "agent1@acme.example", code=0)
        told(run, "migrate", code=0)
        check_everything(run)
        assert_once(run)
        assert all(not book.held and not book.failed for book in balanced(run).values())


def test_teams_whose_names_clash_or_are_too_long_become_queues_of_their_own(
    tmp_path: Path,
) -> None:
    source = [*SMALL, *FAST, "--users=12", "--teams=4"]
    with journey(tmp_path, source, ["--users=12", "--unmatched-users=0", "--teams=1"]) as run:
        configure(run)
        names = [
            "Support",
            "SUPPORT",
            "A team whose name no queue of Salesforce can have",
            "Team 0",
        ]
        for row, name in zip(run.source_records("team").values(), names, strict=True):
            row["attributes"] |= {"name": name, "displayName": name}
            if name == "SUPPORT":
                row["attributes"]["members"] = []  # nobody is in it
            httpx.put(f"{run.source}/__admin/records", json=row).raise_for_status()
        told(run, "migrate", code=0)
        groups = {e["Name"]: e for e in run.target_records("Group")}
        assert len(groups) == 4
        assert all(len(name) <= 40 for name in groups)
        assert {name.lower() for name in groups} == {
            "support",
            "support (2)",
            "a team whose name no queue of salesforc…",
            "team 0",
        }
        long = groups["A team whose name no queue of Salesforc…"]
        assert long["Description"] == names[2]
        effects = run.effects()
        told(run, "migrate", code=0)
        assert run.effects() == effects
