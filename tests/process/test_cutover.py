"""The switch: refused while queues are open, frozen, proven, sealed; left and come back to anywhere."""

import csv
import json
import signal
import stat
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.crash_points import VARIABLE
from tests.process.expected import check_everything, keyed
from tests.process.stand_ins import Journey, journey, sizes
from tests.process.test_delta import burst, change, edit
from tests.process.test_retry import told

pytestmark = [pytest.mark.process, pytest.mark.timeout(300)]

POINTS = (
    "cutover-begun",
    "cutover-pass-noted",
    "cutover-looked",
    "cutover-step-kept",
    "cutover-step-kept:3",
    "cutover-decided",
)


def configured(run: Journey, *, lag: float = 0, **cutover: Any) -> None:
    wanted = {"quiet_minutes": 0.02, "look_seconds": 1, "verify_sample": 20, **cutover}
    delta = {"lag_seconds": lag, "overlap_seconds": 60}
    with (run.folder / "deskferry.yaml").open("a", encoding="utf-8") as config:
        config.write(f"delta: {json.dumps(delta)}\ncutover: {json.dumps(wanted)}\n")


def ready(run: Journey) -> None:
    """Loaded, with no line of the check list open."""
    told(run, "migrate", code=5)


def refused_cases(run: Journey, times: int) -> None:
    run.fault(
        run.target, kind="row_error", object="Case", error="A_RULE", message="no", times=times
    )


def criteria(document: Any) -> dict[str, bool | None]:
    return {each["name"]: each["ok"] for each in document["criteria"]}


def test_a_cutover_is_refused_until_open_queues_are_empty_or_waived_by_name(tmp_path: Path) -> None:
    with journey(tmp_path, sizes(40, 100)) as run:
        configured(run)
        error = told(run, "cutover", "start", code=3)["error"]
        assert error["code"] in ("not-loaded", "map-unconfirmed")
        refused_cases(run, 2)
        told(run, "migrate", code=5)
        error = told(run, "cutover", "start", code=3)["error"]
        assert error["code"] == "cutover-refused"
        before = told(run, "cutover", "status", code=0)
        still = [each["item"] for each in before["lines"] if each["open"]]
        assert "failed" in still
        assert "held" in still, "what belongs to those Cases waits"
        assert all(f"({item})" in error["message"] for item in still)
        lines = told(run, "cutover", "waive", *still, "--by=Ada", "--because=known", code=0)
        assert not [each for each in lines["lines"] if each["open"]]
        assert {each["by"] for each in lines["lines"] if each["count"]} == {"Ada"}
        got, _, err = run.run("--json", "cutover", "waive", "nothing", "--by=Ada")
        assert got == 2, err
        assert told(run, "cutover", "start", code=0)["verdict"] == "go"


def test_a_waiver_covers_no_more_than_there_was(tmp_path: Path) -> None:
    with journey(tmp_path, sizes(40, 100)) as run:
        configured(run)
        refused_cases(run, 2)
        told(run, "migrate", code=5)
        told(run, "cutover", "start", code=3)
        told(run, "cutover", "waive", "failed", "held", "--by=Ada", code=0)
        run.clear_faults(run.target)
        refused_cases(run, 1)
        burst(run, 1, ["conversation.create"])
        told(run, "delta", code=5)
        error = told(run, "cutover", "start", code=3)["error"]
        assert "failed" in error["message"]


def test_from_freeze_to_seal_and_the_target_equals_the_source(tmp_path: Path) -> None:
    with journey(tmp_path, sizes(60, 200)) as run:
        configured(run)
        ready(run)
        burst(run, 40, ["conversation.create", "message.create", "conversation.name"])
        conversation = sorted(run.source_records("conversation"))[0]
        breach = "2031-01-02T03:04:05.000Z"
        sla = {"status": "pending", "metrics": {"firstResponse": {"breachAt": breach}}}
        change(run, "conversation", conversation, status="open", sla=sla)
        decided = told(run, "cutover", "start", "--by=Ada", code=0)
        assert decided["verdict"] == "go"
        assert set(criteria(decided).values()) == {True}
        assert decided["step"] == "decide"
        assert check_everything(run, second_passes=False)["conversations"] > 60
        compared = {each["phase"]: each for each in decided["phases"]}
        assert compared["conversations"]["equal"] == compared["conversations"]["sampled"] > 5
        assert compared["messages"]["equal"] == compared["messages"]["sampled"] > 5
        flights = in_flight(run)
        statuses = {
            k: r["attributes"]["status"] for k, r in run.source_records("conversation").items()
        }
        assert {key: row["status"] for key, row in flights.items()} == {
            key: each for key, each in statuses.items() if each in ("open", "snoozed")
        }
        assert flights[conversation]["sla_before"] == breach
        cases = keyed(run.target_records("Case"))
        assert all(row["case"] == cases[key]["Id"] for key, row in flights.items())
        assert all(row["owner"] == cases[key]["OwnerId"] for key, row in flights.items())
        effects = len(run.effects())
        done = told(run, "cutover", "finish", "--by=Ada", code=0)
        assert (done["step"], done["seal_intact"]) == ("finished", True)
        assert len(run.effects()) == effects
        sealed = run.folder / "ferry" / "reports" / done["seal"]
        names = {each.name for each in sealed.iterdir()}
        assert names >= {
            "cutover.html",
            "cutover.json",
            "report.html",
            "SHA256SUMS",
            "in-flight.csv",
        }
        assert {stat.S_IMODE(each.stat().st_mode) for each in sealed.iterdir()} == {0o400}
        assert told(run, "cutover", "finish", "--by=Ada", code=0)["notes"] == done["notes"]
        assert told(run, "migrate", code=3)["error"]["code"] == "cut-over"
        assert told(run, "cutover", "start", code=3)["error"]["code"] == "cut-over"
        assert told(run, "cutover", "abort", "--by=Ada", code=3)["error"]["code"] == "cut-over"
        (sealed / "report.json").chmod(0o600)
        (sealed / "report.json").write_text("{}")
        looked = told(run, "cutover", "status", code=5)
        assert (looked["seal_intact"], looked["seal_changed"]) == (False, ["report.json"])


def test_milestones_of_the_case_are_told_beside_the_breach_in_kustomer(tmp_path: Path) -> None:
    with journey(tmp_path, sizes(30, 60)) as run:
        configured(run)
        ready(run)
        key, case = next(
            (key, row["Id"])
            for key, row in sorted(keyed(run.target_records("Case")).items())
            if row["Status"] == "Open"
        )
        milestones = [
            {"CaseId": case, "TargetDate": at, "IsCompleted": done}
            for at, done in (
                ("2031-05-01T00:00:00.000Z", False),
                ("2031-04-01T00:00:00.000Z", False),
                ("2031-03-01T00:00:00.000Z", True),
            )
        ]
        url = f"{run.target}/__admin/records/CaseMilestone"
        httpx.post(url, json=milestones).raise_for_status()
        decided = told(run, "cutover", "start", code=0)
        assert decided["in_flight"]["milestones"] is True
        assert decided["in_flight"]["sla_after"] == 1
        assert in_flight(run)[key]["sla_after"].startswith("2031-04-01T00:00:00")


def test_the_freeze_waits_for_those_who_still_write_and_names_them(tmp_path: Path) -> None:
    with journey(tmp_path, sizes(40, 100)) as run:
        configured(run, quiet_minutes=0.1)
        ready(run)
        user = sorted(run.source_records("user"))[0]
        conversation = sorted(run.source_records("conversation"))[0]
        stop = threading.Event()

        def agent() -> None:
            url = f"{run.source}/__admin/records/conversation/{conversation}"
            by = {"modifiedBy": {"data": {"type": "user", "id": user}}}
            number = 0
            while not stop.is_set():
                number += 1
                given = {"attributes": {"name": f"still here {number}"}, "relationships": by}
                httpx.put(url, json=given).raise_for_status()
                time.sleep(0.5)

        thread = threading.Thread(target=agent)
        child = run.start("--json", "cutover", "start")
        thread.start()
        try:
            waiting = named(run)
            assert (waiting["step"], waiting["verdict"]) == ("freeze", "open")
            assert [each["user"] for each in waiting["writers"]] == [user]
            assert child.poll() is None
        finally:
            stop.set()
            thread.join()
        out, err = child.communicate(timeout=120)
        assert child.returncode == 0, err
        assert json.loads(out)["verdict"] == "go"
        case = keyed(run.target_records("Case"))[conversation]
        name = run.source_records("conversation")[conversation]["attributes"]["name"]
        assert case["Subject"] == name


def test_what_is_written_after_the_verdict_stops_the_switch_and_leads_back_to_the_freeze(
    tmp_path: Path,
) -> None:
    with journey(tmp_path, sizes(40, 100)) as run:
        configured(run)
        ready(run)
        told(run, "cutover", "start", code=0)
        conversation = sorted(run.source_records("conversation"))[0]
        change(run, "conversation", conversation, name="at the last moment")
        error = told(run, "cutover", "finish", "--by=Ada", code=3)["error"]
        assert error["message"].startswith("1 records were written in Kustomer since the proof")
        assert told(run, "cutover", "status", code=0)["step"] == "freeze"
        assert told(run, "cutover", "start", code=0)["verdict"] == "go"
        case = keyed(run.target_records("Case"))[conversation]
        assert case["Subject"] == "at the last moment"
        told(run, "cutover", "finish", "--by=Ada", code=0)


def test_looking_at_records_does_not_break_the_freeze(tmp_path: Path) -> None:
    with journey(tmp_path, sizes(40, 100)) as run:
        configured(run)
        ready(run)
        told(run, "cutover", "start", code=0)
        burst(run, 50, ["customer.noise", "conversation.noise", "message.noise"])
        told(run, "cutover", "finish", "--by=Ada", code=0)


def test_the_final_delta_finds_what_was_deleted_for_good(tmp_path: Path) -> None:
    with journey(tmp_path, sizes(30, 60)) as run:
        configured(run)
        httpx.post(
            f"{run.source}/__admin/settings", json={"audit_deletions": "none"}
        ).raise_for_status()
        ready(run)
        gone = sorted(keyed(run.target_records("EmailMessage")))[0]
        url = f"{run.source}/__admin/records/message/{gone}?hard=true"
        httpx.delete(url).raise_for_status()
        decided = told(run, "cutover", "start", code=0)
        assert decided["verdict"] == "go"
        figure = next(each for each in decided["criteria"] if each["name"] == "final delta")[
            "figure"
        ]
        assert figure == "0 made, 0 changed, 1 deleted"
        marked = [
            each["Kustomer_Id__c"]
            for each in run.target_records("EmailMessage")
            if each.get("Kustomer_Deleted_At__c")
        ]
        assert marked == [gone]


def test_a_field_that_differs_is_a_no_go_until_it_is_mended_or_waived(tmp_path: Path) -> None:
    with journey(tmp_path, sizes(30, 60)) as run:
        configured(run, verify_sample=200)
        ready(run)
        cases = keyed(run.target_records("Case"))
        first, second = sorted(cases)[:2]
        url = f"{run.target}/__admin/records/Case"
        ours = cases[first]["LastModifiedById"]
        wrong = {"Subject": "not what the source says", "by": ours}
        httpx.patch(f"{url}/{cases[first]['Id']}", json=wrong).raise_for_status()
        edit(run, "Case", cases[second]["Id"], Subject="an agent's own")
        decided = told(run, "cutover", "start", code=3)
        assert decided["verdict"] == "no-go"
        checked = next(each for each in decided["phases"] if each["phase"] == "conversations")
        assert (checked["different"], checked["edited"]) == (1, 1)
        assert (checked["fields"], checked["ids"]) == ({"Subject": 1}, [first])
        told(run, "cutover", "finish", "--by=Ada", code=3)
        told(run, "cutover", "waive", "fields", "--by=Ada", code=0)
        assert told(run, "cutover", "start", code=0)["verdict"] == "go"


@pytest.mark.parametrize("proof", ["since-load", "whole"])
def test_killed_at_any_step_it_goes_on_and_comes_to_the_same_end(
    tmp_path: Path, proof: str
) -> None:
    with journey(tmp_path, sizes(30, 60)) as run:
        configured(run, proof=proof)
        told(run, "migrate", code=5)
        killed(run, "cutover-begun", "cutover", "start")
        burst(run, 30, ["conversation.create", "message.create", "conversation.name"])
        for point in POINTS[1:]:
            killed(run, point, "cutover", "start")
        assert told(run, "cutover", "start", code=0)["verdict"] == "go"
        check_everything(run, second_passes=False)
        killed(run, "cutover-sealed", "cutover", "finish", "--by=Ada")
        assert told(run, "cutover", "status", code=0)["step"] == "decide"
        killed(run, "cutover-finished", "cutover", "finish", "--by=Ada")
        done = told(run, "cutover", "finish", "--by=Ada", code=0)
        assert (done["step"], done["seal_intact"]) == ("finished", True)
        assert [each["step"] for each in done["notes"]].count("finished") == 1


def test_a_proof_that_finds_something_leads_back_to_the_freeze(tmp_path: Path) -> None:
    with journey(tmp_path, sizes(30, 60)) as run:
        configured(run)
        ready(run)
        killed(run, "cutover-step-kept:3", "cutover", "start")
        assert told(run, "cutover", "status", code=0)["step"] == "prove"
        conversation = sorted(run.source_records("conversation"))[0]
        change(run, "conversation", conversation, name="between final delta and proof")
        decided = told(run, "cutover", "start", code=0)
        assert decided["verdict"] == "go"
        steps = [each["step"] for each in decided["notes"]]
        assert steps.count("freeze") == steps.count("prove") == 2


def test_an_aborted_cutover_leaves_deltas_as_they_were(tmp_path: Path) -> None:
    with journey(tmp_path, sizes(30, 60)) as run:
        configured(run)
        ready(run)
        told(run, "cutover", "start", code=0)
        gone = told(run, "cutover", "abort", "--by=Ada", "--because=not today", code=0)
        assert (gone["step"], gone["notes"][-1]["why"]) == ("aborted", "not today")
        burst(run, 3, ["conversation.create"])
        assert told(run, "delta", code=5)["phases"]["conversations"]["loaded"] >= 33
        told(run, "cutover", "finish", "--by=Ada", code=2)
        assert told(run, "cutover", "start", code=0)["number"] == 2


@pytest.mark.parametrize("mode", ["off", "report", "apply"])
def test_hypercare_refuses_tells_or_brings_over_what_is_still_written(
    tmp_path: Path, mode: str
) -> None:
    with journey(tmp_path, sizes(30, 60)) as run:
        configured(run, hypercare=mode)
        ready(run)
        told(run, "cutover", "start", code=0)
        told(run, "cutover", "finish", "--by=Ada", code=0)
        effects = len(run.effects())
        conversation = sorted(run.source_records("conversation"))[0]
        change(run, "conversation", conversation, name="after the switch")
        case = keyed(run.target_records("Case"))[conversation]
        if mode == "off":
            assert told(run, "delta", code=3)["error"]["code"] == "cut-over"
        elif mode == "report":
            document = told(run, "delta", code=5)
            assert document["written"] == {"conversations": [conversation]}
            assert document["jobs_sent"] == 0
            assert told(run, "delta", code=5)["written"] == {"conversations": [conversation]}
        else:
            assert told(run, "delta", code=5)["hypercare"] == "apply"
            case = keyed(run.target_records("Case"))[conversation]
            assert case["Subject"] == "after the switch"
            return
        assert len(run.effects()) == effects
        assert case["Subject"] != "after the switch"


def named(run: Journey) -> Any:
    """The cutover once it names somebody who writes."""
    for _ in range(60):
        got, out, _ = run.run("--json", "cutover", "status")
        if got == 0 and json.loads(out)["writers"]:
            return json.loads(out)
        time.sleep(0.5)
    pytest.fail("nobody was named in a minute")


def hooked(run: Journey, points: list[str], **hook: Any) -> Path:
    """Let a command write down what it is told of `points`; returns where."""
    told_to = run.folder / "told.jsonl"
    command = ["/bin/sh", "-c", f"cat >> {told_to}; echo >> {told_to}; test ! -e {run.folder}/no"]
    hooks = [{"on": points, "command": command, "timeout_seconds": 20, **hook}]
    with (run.folder / "deskferry.yaml").open("a", encoding="utf-8") as config:
        config.write(f"hooks: {json.dumps(hooks)}\n")
    return told_to


def test_hooks_are_told_of_the_cutover_and_one_can_say_no(tmp_path: Path) -> None:
    points = ["freeze", "go-no-go", "cutover-finished", "cutover-aborted"]
    with journey(tmp_path, sizes(30, 60)) as run:
        configured(run)
        ready(run)
        told_to = hooked(run, points, failing="stop")
        (run.folder / "no").touch()
        assert told(run, "cutover", "start", code=3)["error"]["code"] == "hook-failed"
        (run.folder / "no").unlink()
        killed(run, "cutover-decided", "cutover", "start")
        (run.folder / "no").touch()
        assert told(run, "cutover", "start", code=3)["error"]["code"] == "hook-failed"
        assert (
            told(run, "cutover", "finish", "--by=Ada", code=3)["error"]["code"] == "cutover-refused"
        )
        (run.folder / "no").unlink()
        assert told(run, "cutover", "start", code=0)["verdict"] == "go"
        told(run, "cutover", "abort", "--by=Ada", code=0)
        told(run, "cutover", "start", code=0)
        told(run, "cutover", "finish", "--by=Ada", code=0)
        lines = told_to.read_text().splitlines()
        heard = [json.loads(line) for line in lines if line]
        assert {each["point"] for each in heard} == set(points)
        verdict = next(each for each in heard if each["point"] == "go-no-go")["figures"]
        assert (verdict["failing"], verdict["waived"]) == (0, 0)
        assert verdict["criteria"] == 6


def killed(run: Journey, point: str, *arguments: str) -> None:
    child = run.start("--json", *arguments, environment={VARIABLE: point})
    _, err = child.communicate(timeout=120)
    assert child.returncode == -signal.SIGKILL, f"{point}: {err}"


def in_flight(run: Journey) -> dict[str, dict[str, str]]:
    path = run.folder / "ferry" / "reports" / "in-flight.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return {row["conversation"]: row for row in csv.DictReader(file)}
