"""Records and replies as they must not be: nothing is lost, neighbours go on, words are plain."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.process.stand_ins import Journey, journey

pytestmark = pytest.mark.process
T = "2026-03-05T05:00:00.000Z"


def record(kind: str, number: int, attributes: dict[str, Any], **parents: tuple[str, int]) -> Any:
    prefixes = {"company": "65bb", "customer": "66f1", "conversation": "66f2", "message": "66f3"}
    made: dict[str, Any] = {
        "type": kind,
        "id": f"{prefixes[kind]}{number:020d}",
        "attributes": {"createdAt": T, "updatedAt": T, **attributes},
        "relationships": {},
    }
    for name, (parent, parent_number) in parents.items():
        parent_id = f"{prefixes[parent]}{parent_number:020d}"
        made["relationships"][name] = {"data": {"type": parent, "id": parent_id}}
    return made


def message(number: int, **changes: Any) -> Any:
    good = {
        "direction": "in",
        "channel": "chat",
        "preview": f"text {number}",
        "sentAt": T,
        "meta": {},
    }
    return record("message", number, {**good, **changes}, conversation=("conversation", 1))


def conversation(number: int, **changes: Any) -> Any:
    good = {"name": f"subject {number}", "status": "open", "priority": 3, "channels": ["chat"]}
    return record("conversation", number, {**good, **changes}, customer=("customer", 1))


def dataset(folder: Path) -> Path:
    person = {"name": "Ada Park", "displayName": "Ada Park", "emails": []}
    no_id = message(90)
    del no_id["id"]
    orphan = message(91)
    orphan["relationships"]["conversation"]["data"]["id"] = "ffffffffffffffffffffffff"
    records = [
        record("customer", 1, person),
        record("customer", 2, {**person, "emails": "not a list"}),
        conversation(1),
        conversation(2, status="paused"),
        conversation(3, name="Ü" * 256),
        conversation(4, name=["a", "list"]),
        message(1),
        message(2, sentAt="last Tuesday"),
        message(3, preview={"an": "object"}),
        message(4, preview='quotes ", commas, and\r\nlines \x07 with bells'),
        message(5, preview="x" * 200_000),
        no_id,
        orphan,
        message(6),
    ]
    path = folder / "org.jsonl"
    path.write_text("\n".join(json.dumps(each) for each in records), encoding="utf-8")
    return path


def held(told: Any, phase: str) -> dict[str, int]:
    found: dict[str, int] = told["phases"][phase]["held"]
    return found


def test_records_that_cannot_be_mapped_are_held_and_their_neighbours_go_on(tmp_path: Path) -> None:
    options = [f"--dataset={dataset(tmp_path)}", "--rate-limit=100000", "--search-limit=100000"]
    with journey(tmp_path, options) as run:
        code, out, err = run.run("migrate", "--json")
        assert code == 5, err
        told = json.loads(out)
        assert told["phases"]["conversations"]["loaded"] == 2
        assert held(told, "conversations") == {"unknown-value": 1, "wrong-type": 1}
        assert held(told, "messages") == {
            "bad-date": 1,
            "wrong-type": 1,
            "too-long": 1,
            "no-id": 1,
            "parent-missing": 1,
        }
        assert told["phases"]["messages"]["loaded"] == 3
        bodies = {each["TextBody"] for each in run.target_records("EmailMessage")}
        assert bodies == {"text 1", "text 6", 'quotes ", commas, and\nlines  with bells'}
        whole = [each.get("Kustomer_Full_Subject__c") for each in run.target_records("Case")]
        assert "Ü" * 256 in whole
        code, out, _ = run.run("--json", "trace", f"66f3{2:020d}")
        told = json.loads(out)
        assert told["exceptions"][0]["reason"] == "bad-date"
        assert told["exceptions"][0]["fix"]


@pytest.mark.parametrize("kind", ["html", "empty", "invalid_json", "status", "truncated"])
def test_a_reply_that_is_none_is_asked_for_again(tmp_path: Path, kind: str) -> None:
    options = [f"--dataset={dataset(tmp_path)}", "--rate-limit=100000", "--search-limit=100000"]
    with journey(tmp_path, options) as run:
        run.fault(run.source, match="/v1/messages", kind=kind, times=2)
        code, out, err = run.run("migrate", "--json")
        assert code == 5, err
        assert json.loads(out)["phases"]["messages"]["loaded"] == 3
        assert run.stats(run.source)["faults"] == 2


def refused(run: Journey, **fault: Any) -> tuple[int, str]:
    run.fault(run.source, **fault)
    code, _, err = run.run("migrate")
    run.clear_faults(run.source)
    assert "Traceback" not in err
    assert "Next:" in err
    assert "migrate" in err or "key" in err or "role" in err or "address" in err
    return code, err


def test_what_stops_a_run_is_said_plainly_and_the_next_run_goes_on(tmp_path: Path) -> None:
    options = [f"--dataset={dataset(tmp_path)}", "--rate-limit=100000", "--search-limit=100000"]
    with journey(tmp_path, options) as run:
        code, err = refused(run, match="/v1/notes", kind="status", status=403)
        assert code == 6
        assert "role" in err
        code, _, err = run.run("migrate")
        assert code == 5, err
