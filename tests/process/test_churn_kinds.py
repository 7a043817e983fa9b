"""Under every kind of write, deletions and merges among them, each record ends where its source says."""

import json
import signal
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.crash_points import VARIABLE
from tests.process.expected import check_case, check_email, keyed, parent
from tests.process.stand_ins import Journey, journey, sizes
from tests.process.test_retry import told

pytestmark = [pytest.mark.process, pytest.mark.large, pytest.mark.timeout(900)]

TARGETS = {"conversation": ("Case",), "message": ("EmailMessage",), "customer": ("Contact", "Lead")}
KILLS = ("batch-sealed:4", "job-closed:2", "harvest-ended")


class Sources:
    """The records of one kind in the source: those that live, and those that are gone in any way."""

    def __init__(self, run: Journey, kind: str) -> None:
        url = f"{run.source}/__admin/dump?kind={kind}&fates=true"
        lines = httpx.get(url, timeout=120).text.split("\n")
        self.alive: dict[str, dict[str, Any]] = {}
        self.gone: set[str] = set()
        for row in (json.loads(line) for line in lines if line):
            if row.get("gone") or row["attributes"].get("deleted"):
                self.gone.add(row["id"])
            else:
                self.alive[row["id"]] = row


def there(run: Journey, kind: str) -> dict[str, list[dict[str, Any]]]:
    """What records of a kind are in the target, by source id; a retired Lead beside its Contact."""
    found: dict[str, list[dict[str, Any]]] = {}
    for name in TARGETS[kind]:
        living = [row for row in run.target_records(name) if not row["IsDeleted"]]
        for key, row in keyed(living).items():
            found.setdefault(key, []).append(row)
    return found


def edited(run: Journey) -> set[str]:
    """Messages whose text was edited: an e-mail does not follow, and that is told."""
    lines = httpx.get(f"{run.source}/__admin/truth", timeout=60).text.split("\n")
    writes = [json.loads(line) for line in lines if line]
    return {each["id"] for each in writes if each["write"] == "message.edit"}


@pytest.mark.parametrize("seed", [7, 9])
def test_every_record_is_as_its_source_marked_as_gone_or_told_of(tmp_path: Path, seed: int) -> None:
    with journey(tmp_path, [*sizes(1_000, 4_000), "--index-lag=1"]) as run:
        delta = {"lag_seconds": 2, "overlap_seconds": 60, "merged_messages": "anew"}
        cutover = {"quiet_minutes": 0.05, "look_seconds": 1}
        with (run.folder / "deskferry.yaml").open("a", encoding="utf-8") as config:
            config.write(f"delta: {json.dumps(delta)}\ncutover: {json.dumps(cutover)}\n")
        churn = {"rate": 20, "seed": seed}
        httpx.post(f"{run.source}/__admin/churn", json=churn).raise_for_status()
        for point in KILLS:
            child = run.start("migrate", environment={VARIABLE: point})
            _, err = child.communicate(timeout=300)
            assert child.returncode == -signal.SIGKILL, f"{point}: {err}"
        told(run, "migrate", code=5)
        for _ in range(2):
            told(run, "delta", code=5)
        stopped = httpx.post(f"{run.source}/__admin/churn", json={"rate": 0}).json()
        assert len(stopped["by_kind"]) > 25
        told(run, "delta", "--sweep", code=5)
        judged = switched(run)
        proof = next(each for each in judged["criteria"] if each["name"] == "zero-delta proof")
        assert proof["ok"] is True, proof
        assert {each["missing"] + each["different"] for each in judged["phases"]} == {0}
        waiting = of_the_gone(run)
        for kind in TARGETS:
            sources, found = Sources(run, kind), there(run, kind)
            lacking = sources.alive.keys() - found.keys()
            assert lacking <= waiting, (
                "none but those whose customer was deleted before it came over"
            )
            assert all(reason_of(run, key) == "parent-missing" for key in sorted(lacking)[:3])
            marked = {
                key
                for key, rows in found.items()
                if any(row.get("Kustomer_Deleted_At__c") for row in rows)
            }
            assert marked == sources.gone & found.keys(), "those that are gone, and no others"
        compare(run)
        assert once(run)


def switched(run: Journey) -> Any:
    """The verdict, with what cannot follow taken on by somebody."""
    for _ in range(3):
        got, out, err = run.run("--json", "cutover", "start")
        document = json.loads(out)
        if got == 0:
            return document
        assert got == 3, err
        told(run, "cutover", "waive", "changes", "held", "--by=Ada", code=0)
    pytest.fail(f"no verdict of go: {document}")


def of_the_gone(run: Journey) -> set[str]:
    """Living conversations of customers who are gone, and their messages."""
    gone = Sources(run, "customer").gone
    conversations = {
        key
        for key, row in Sources(run, "conversation").alive.items()
        if parent(row, "customer") in gone
    }
    return conversations | {
        key
        for key, row in Sources(run, "message").alive.items()
        if parent(row, "conversation") in conversations
    }


def reason_of(run: Journey, key: str) -> str:
    """Why a record waits, as the command tells."""
    return str(told(run, "trace", key, code=0)["exceptions"][0]["reason"])


def compare(run: Journey) -> None:
    """Fields of living conversations and messages; of edited ones all but the text."""
    cases = {key: rows[0] for key, rows in there(run, "conversation").items()}
    contacts = keyed(run.target_records("Contact"))
    leads = keyed(run.target_records("Lead"))
    for key, row in Sources(run, "conversation").alive.items():
        if key in cases:
            check_case(row, cases[key], contacts, leads)
    unlike = edited(run)
    emails = {key: rows[0] for key, rows in there(run, "message").items()}
    for key, row in Sources(run, "message").alive.items():
        made = emails.get(key)
        if made is not None and row["attributes"].get("redacted"):
            assert (made.get("TextBody") or "") == row["attributes"]["preview"]
        elif made is not None and key not in unlike:
            check_email(row, made, cases)


def once(run: Journey) -> bool:
    """No record was made twice, but for e-mails that were made anew."""
    made = Counter(
        (each["object"], each["external_id"])
        for each in run.effects()
        if each["op"] == "insert" and each["external_id"] and each["object"] != "EmailMessage"
    )
    return max(made.values()) == 1
