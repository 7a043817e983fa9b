"""Held and failed rows are sent again alone: after a cause is mended, after the map has changed."""

import json
import signal
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import anyio
import httpx
import pytest

from service.phases import PHASES
from service.trace import trace_record
from state.books import Book
from state.ledger import Ledger
from tests.process.expected import check_everything
from tests.process.stand_ins import SECRETS, Journey, confirm_in, journey, sizes
from tests.process.test_bad_input import dataset
from tests.process.test_journey import assert_once

pytestmark = [pytest.mark.process, pytest.mark.timeout(300)]
T = TypeVar("T")
RULE = "FIELD_CUSTOM_VALIDATION_EXCEPTION"
SMALL = ["--rate-limit=100000", "--search-limit=100000"]


def told(run: Journey, *arguments: str, code: int) -> Any:
    got, out, err = run.run("--json", *arguments)
    assert got == code, err
    return json.loads(out)


def look(run: Journey, ask: Callable[[Ledger], Awaitable[T]]) -> T:
    """Ask the ledger that the real process left behind."""

    async def read() -> T:
        async with Ledger.open(run.folder / "ferry", clock=lambda: 0.0, read_only=True) as ledger:
            return await ask(ledger)

    return anyio.run(read)


def balanced(run: Journey) -> dict[str, Book]:
    """The books of all phases; each of them closed and balanced."""

    async def ask(ledger: Ledger) -> dict[str, Book]:
        assert all([await ledger.gates.closed(phase.name) for phase in PHASES])
        return {phase.name: await ledger.books.read(phase.name) for phase in PHASES}

    books = look(run, ask)
    assert all(book.balanced for book in books.values())
    return books


def traced(run: Journey, record: str) -> dict[str, Any]:
    return look(run, lambda ledger: trace_record(ledger, record))


def reads(run: Journey) -> Counter[str]:
    return Counter(run.stats(run.source)["routes"])


def refuse_rows(run: Journey, name: str, times: int, after: int = 0) -> None:
    run.fault(
        run.target,
        kind="row_error",
        object=name,
        error=RULE,
        message="no",
        times=times,
        after=after,
    )


def lines(document: Any) -> dict[tuple[str, str], Any]:
    return {(each["phase"], each["reason"]): each for each in document["lines"]}


def test_refused_rows_and_the_rows_that_wait_for_them_go_in_once_the_cause_is_mended(
    tmp_path: Path,
) -> None:
    with journey(tmp_path, sizes(30, 60)) as run:
        refuse_rows(run, "Case", times=4)
        before = told(run, "migrate", code=5)["phases"]
        assert before["conversations"]["failed"] == {RULE: 4}
        waiting = before["messages"]["held"]["parent-missing"]
        assert waiting
        run.clear_faults(run.target)
        refused, child = failures(run)[0], waiting_child(run)
        read = reads(run)
        one = told(run, "retry", f"--reason={RULE}", code=0)
        assert lines(one) == {
            ("conversations", RULE): {
                "phase": "conversations",
                "reason": RULE,
                "asked": 4,
                "settled": 4,
                "held": 0,
                "failed": 0,
                "pending": 0,
                "now": {},
            }
        }
        assert balanced(run)["messages"].held == {"parent-missing": waiting}
        assert told(run, "retry", f"--reason={RULE}", code=0)["asked"] == 0
        every = told(run, "retry", code=5)  # users without a counterpart stay held
        assert lines(every)["messages", "parent-missing"]["settled"] == waiting
        more = reads(run) - read
        assert not [each for each in more if "search" in each or "messages" in each], more
        phases = balanced(run)
        assert phases["messages"].held == phases["notes"].held == {}
        check_everything(run)
        assert_once(run)
        assert way_of_job(run, refused) == [[RULE], ["loaded"]]
        assert way_of_job(run, child) == [["parent-missing"], ["loaded"]]
        make_missing_users(run)
        users = told(run, "retry", "--phase=users", code=0)
        assert users["settled"] == users["asked"] > 0
        assert users["jobs_sent"] == 0
        phases = balanced(run)
        assert phases["users"].held == {}
        assert told(run, "migrate", code=0)["jobs_sent"] == 0
        history = look(run, lambda ledger: ledger.runs.history())
        assert [each.command for each in history] == ["migrate"] + ["retry"] * 4 + ["migrate"]


def make_missing_users(run: Journey) -> None:
    """What the admin does: a user for each agent's mail address that has none."""
    there = run.target_records("User")
    agents = {each["attributes"]["email"] for each in run.source_records("user").values()}
    for number, mail in enumerate(sorted(agents - {each["Email"] for each in there})):
        user = {
            "Username": f"new{number}@acme.example",
            "Email": mail,
            "LastName": "Agent",
            "Alias": f"new{number}",
            "ProfileId": there[0]["ProfileId"],
            "TimeZoneSidKey": "Europe/Berlin",
            "LocaleSidKey": "en_US",
            "LanguageLocaleKey": "en_US",
            "EmailEncodingKey": "UTF-8",
            "IsActive": True,
        }
        reply = httpx.post(f"{run.target}/__admin/records/User", json=user)
        assert reply.is_success, reply.text


def change_map(run: Journey, old: str, new: str) -> None:
    path = run.folder / "ferry" / "mapping.yaml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_a_changed_map_is_accepted_and_held_and_failed_rows_are_made_anew_by_it(
    tmp_path: Path,
) -> None:
    with journey(tmp_path, [f"--dataset={dataset(tmp_path)}", *SMALL]) as run:
        refuse_rows(run, "EmailMessage", times=2)
        before = told(run, "migrate", code=5)["phases"]
        assert before["conversations"]["held"]["unknown-value"] == 1
        assert before["messages"]["failed"] == {RULE: 2}
        run.clear_faults(run.target)
        change_map(run, "values: {open: Open,", "default: Open, values: {open: Open,")
        change_map(
            run, "Subject: {source: [attributes.subject,", "Subject: {source: [attributes.preview,"
        )
        error = told(run, "migrate", code=3)["error"]
        assert (error["code"], "map confirm" in error["next_step"]) == ("map-changed", True)
        confirm_in(run.folder, SECRETS)
        failed = failures(run)
        httpx.delete(f"{run.source}/__admin/records/message/{failed[0]}?hard=true")
        read = reads(run)
        document = told(run, "retry", code=5)
        assert document["map_changed"] is True
        assert lines(document)["conversations", "unknown-value"]["settled"] == 1
        mails = lines(document)["messages", RULE]
        assert (mails["settled"], mails["now"]) == (1, {"gone-in-kustomer": 1})
        more = reads(run) - read
        assert more["GET /v1/messages/{id}"] == 2 + 3 + 1  # refused, still unmappable, orphaned
        assert not [each for each in more if "search" in each or each == "GET /v1/messages"]
        phases = balanced(run)
        assert phases["messages"].failed == {"gone-in-kustomer": 1}
        assert phases["conversations"].held == {"wrong-type": 1}
        made = {each["Kustomer_Id__c"]: each for each in run.target_records("EmailMessage")}
        assert made[failed[1]]["Subject"] == made[failed[1]]["TextBody"]
        statuses = {
            each["Kustomer_Status__c"]: each["Status"] for each in run.target_records("Case")
        }
        assert statuses["paused"] == "Open"
        assert_once(run)
        assert told(run, "retry", code=5)["map_changed"] is False


def failures(run: Journey, reason: str = RULE, phase: str | None = None) -> list[str]:
    rows = look(run, lambda ledger: ledger.rows.listed(phase=phase, reason=reason))
    return [row.source_id for row in rows]


def waiting_child(run: Journey) -> str:
    """A message that waits for its conversation; its trace says so."""
    child = failures(run, "parent-missing", "messages")[0]
    rows = {each["phase"]: each for each in traced(run, child)["exceptions"]}
    row = rows["messages"]
    (mail,) = rows["messages.relations"]["waits_for"]  # and the people of it wait for the message
    assert mail["kind"] == "message"
    (parent,) = row["waits_for"]
    assert (parent["kind"], parent["state"]) == ("conversation", f"failed: {RULE}")
    assert row["attempts"] == 0
    return child


def way_of_job(run: Journey, record: str) -> list[list[str]]:
    document = traced(run, record)
    places = [each for each in document["places"] if each["phase"] != "messages.relations"]
    assert (len(places), document["exceptions"]) == (1, [])
    assert all(job["state"] == "harvested" for job in document["jobs"])
    return [
        [each["result"] for each in job["results"]]
        for job in document["jobs"]
        if job["object"] != "EmailMessageRelation"
    ]


def test_retry_killed_again_and_again_is_gone_on_with_by_retry_and_by_migrate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with journey(tmp_path, sizes(30, 60)) as run:
        refuse_rows(run, "Case", times=4)
        told(run, "migrate", code=5)
        run.clear_faults(run.target)
        make_missing_users(run)
        change_map(run, "Origin:\n", "Origin:  # as before\n")
        for command, point in (
            ("retry", "retry-asked"),
            ("migrate", "retry-matched"),
            ("retry", "retry-made"),
            ("migrate", "job-intended"),
            ("retry", "job-close-noted"),
            ("migrate", "job-end-noted:2"),
        ):
            monkeypatch.setenv("DESKFERRY_CRASH_AT", point)
            code, _, err = run.run(command)
            assert code == -signal.SIGKILL, (point, err)
        monkeypatch.delenv("DESKFERRY_CRASH_AT")
        told(run, "migrate", code=0)
        phases = balanced(run)
        assert not any(each.held or each.failed for each in phases.values())
        # Relations that went out before the agents were there name their addresses (docs/fine-print.md).
        check_everything(run, second_passes=False)
        assert_once(run)
        assert told(run, "retry", code=0)["lines"] == []


def test_a_retry_without_a_cause_mended_says_what_is_left(tmp_path: Path) -> None:
    with journey(tmp_path, sizes(20, 30)) as run:
        error = told(run, "retry", code=3)["error"]
        assert error["code"] == "no-workspace"
        refuse_rows(run, "Lead", times=1)
        told(run, "migrate", code=5)
        refuse_rows(run, "Lead", times=1)
        line = lines(told(run, "retry", "--phase=customers", code=5))["customers", RULE]
        assert (line["failed"], line["now"]) == (1, {RULE: 1})
        for wrong in (["--reason=nonsense"], ["--phase=cases"], ["--state=lost"]):
            error = told(run, "retry", *wrong, code=2)["error"]
            assert (error["code"], "Choose from" in error["next_step"]) == ("usage-invalid", True)
        assert balanced(run)["customers"].failed == {RULE: 1}
        assert told(run, "retry", "--id=66f000000000000000000000", code=0)["asked"] == 0
