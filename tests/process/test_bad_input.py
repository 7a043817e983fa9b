"""Records and replies as they must not be: nothing is lost, neighbours go on, words are plain."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.process.stand_ins import Journey, journey
from tests.process.test_journey import assert_once, wait_until_made

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
    return code, err


def test_what_stops_a_run_is_said_plainly_and_the_next_run_goes_on(tmp_path: Path) -> None:
    options = [f"--dataset={dataset(tmp_path)}", "--rate-limit=100000", "--search-limit=100000"]
    with journey(tmp_path, options) as run:
        code, err = refused(run, match="/v1/notes", kind="status", status=403)
        assert code == 6
        assert "role-missing: " in err
        assert "org.permission.note.read" in err
        code, err = refused(run, match="/v1/notes", kind="not_a_page")
        assert (code, "not-a-page: " in err) == (6, True), err
        code, _, err = run.run("migrate")
        assert code == 5, err
        assert_once(run)


@contextmanager
def something_else(status: int, kind: str, body: str) -> Iterator[str]:
    """A server that is not the API: it answers every call with the same; yields its address."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body.encode())))
            self.end_headers()
            self.wfile.write(body.encode())

        do_GET = do_POST = answer  # noqa: N815 - the names are the library's

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


REGION = (
    '{"errors":[{"status":401,"code":"unauthorized","title":"Auth token associated with pod prod2 '
    'but request is being handled by prod1"}]}'
)
PORTAL = "<html><body>Please sign in to the guest network, c1@example.test</body></html>"


@pytest.mark.parametrize(
    ("side", "status", "kind", "body", "says", "helps"),
    [
        ("source", 401, "application/json", REGION, "pod prod2", "base_url"),
        ("source", 200, "text/html", PORTAL, "names the org", "proxy"),
        ("target", 200, "text/html", PORTAL, "HTML", "proxy"),
    ],
)
def test_an_address_that_is_not_the_orgs_own_api_is_said_so(
    tmp_path: Path, side: str, status: int, kind: str, body: str, says: str, helps: str
) -> None:
    options = [f"--dataset={dataset(tmp_path)}"]
    with journey(tmp_path, options) as run, something_else(status, kind, body) as address:
        run.configure(**{side: address})
        code, out, err = run.run("check", "--json")
        assert code == 6, err
        name = "kustomer" if side == "source" else "salesforce"
        told = next(each for each in json.loads(out)["items"] if each["name"] == name)
        assert told["ok"] is False
        assert says in told["detail"]
        assert helps in told["next_step"]
        assert "Traceback" not in out + err
        assert "guest network" not in out + err


def assert_refused(run: Journey, exit_code: int, code: str, helps: str, **secrets: str) -> None:
    """The real command ends with this code, words with a next step, and no trace of a failure."""
    child = run.start("migrate", "--json", secrets=secrets)
    out, err = child.communicate(timeout=120)
    told = json.loads(out)["error"]
    assert (child.returncode, told["code"]) == (exit_code, code), err
    assert helps in told["next_step"]
    assert f"Next: {told['next_step']}" in err
    assert "Traceback" not in err
    assert not [secret for secret in secrets.values() if secret and secret in out + err]


def test_wrong_and_expired_keys_and_a_missing_secret_are_told_apart(tmp_path: Path) -> None:
    with journey(tmp_path, [f"--dataset={dataset(tmp_path)}"]) as run:
        key = "TEST_KUSTOMER_KEY"
        assert_refused(run, 6, "auth-refused", "key", **{key: "no-such-key"})
        assert_refused(run, 6, "expired-key", "new key", **{key: "kustomer-expired-key"})
        assert_refused(run, 2, "secret-missing", "variable", **{key: ""})
        assert_refused(run, 6, "auth-refused", "secret", TEST_CLIENT_SECRET="no-such-secret")
        run.configure(source="http://127.0.0.1:9")
        assert_refused(run, 6, "unreachable", "address")
        assert run.effects() == []


def test_sessions_that_end_in_the_middle_are_made_anew_and_nothing_is_doubled(
    tmp_path: Path,
) -> None:
    options = [f"--dataset={dataset(tmp_path)}", "--rate-limit=100000"]
    with journey(tmp_path, options, ["--job-delay=0.5"]) as run:
        child = run.start("migrate")
        wait_until_made(run, 1)
        httpx.post(f"{run.target}/__admin/expire-tokens").raise_for_status()
        _, err = child.communicate(timeout=60)
        assert child.returncode == 5, err
        assert_once(run)


def test_a_mapping_file_with_faults_names_them_and_moves_nothing(tmp_path: Path) -> None:
    with journey(tmp_path, [f"--dataset={dataset(tmp_path)}"]) as run:
        (tmp_path / "ferry").mkdir()
        (tmp_path / "ferry" / "mapping.yaml").write_text("phases:\n  cases: [1, 2\n")
        assert_refused(run, 2, "mapping-invalid", "mapping file")
        assert run.effects() == []
