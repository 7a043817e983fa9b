"""The whole journey with the real command, broken and resumed."""

import json
import signal
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.process.expected import check_everything
from tests.process.stand_ins import KEY, SECRET, Journey, journey, sizes

pytestmark = pytest.mark.process


def assert_once(run: Journey) -> None:
    made = Counter(
        (each["object"], each["external_id"])
        for each in run.effects()
        if each["op"] == "insert" and each["external_id"]
    )
    assert made
    assert max(made.values()) == 1


def test_a_migration_arrives_whole_and_a_second_one_writes_nothing(tmp_path: Path) -> None:
    with journey(tmp_path, sizes(120, 900)) as run:
        code, out, err = run.run("migrate", "--json")
        assert code == 5, err  # users without a counterpart are held
        told = json.loads(out)
        for name, book in told["phases"].items():
            accounted = (
                book["duplicates"]
                + book["loaded"]
                + book["matched"]
                + sum(sum(book[each].values()) for each in ("skipped", "held", "failed"))
            )
            assert book["extracted"] == accounted, name
            assert not book["failed"], name
        compared = check_everything(run)
        assert compared["messages"] == 900
        before = run.effects()
        calls = Counter(run.stats(run.target)["calls"])
        code, out, _ = run.run("migrate", "--json")
        assert code == 5
        assert json.loads(out)["jobs_sent"] == 0
        assert run.effects() == before
        more = Counter(run.stats(run.target)["calls"]) - calls
        assert not [each for each in more if not each.startswith("GET")]
        code, out, _ = run.run("report", "--json")
        assert (code, json.loads(out)["verdict"]) == (0, "balanced")
        message = next(iter(run.source_records("message")))
        code, out, _ = run.run("--json", "trace", message)
        told = json.loads(out)
        made = told["became"][0]
        assert (code, made["object"], made["origin"]) == (0, "EmailMessage", "loaded")
        place, again = told["places"]
        job, relating = told["jobs"]
        assert (again["phase"], relating["object"]) == (
            "messages.relations",
            "EmailMessageRelation",
        )
        assert place["way"] == "list /v1/messages?include=attachments"
        assert (place["page"] >= 1, place["batch_state"]) == (True, "done")
        assert job["results"] == [{"part": 0, "result": "loaded"}]
        assert made["link"] == f"{run.target}/{made['salesforce_id']}"
        for asked in (made["salesforce_id"], made["salesforce_id"][:15]):
            _, out, _ = run.run("--json", "trace", asked)
            assert json.loads(out) == told


def wait_until_made(run: Journey, effects: int) -> None:
    """Wait for the real process to have made so many records."""
    end = time.monotonic() + 60
    while run.stats(run.target)["effects"] < effects:
        assert time.monotonic() < end, "the migration makes no progress"
        time.sleep(0.02)


@pytest.mark.parametrize("made", [0, 1, 100, 900])
def test_a_killed_migration_goes_on_and_nothing_is_lost_or_doubled(
    tmp_path: Path, made: int
) -> None:
    with journey(tmp_path, sizes(150, 1500), ["--job-delay=0.2"]) as run:
        child = run.start("migrate")
        wait_until_made(run, made)
        child.kill()
        child.communicate()
        code, _, err = run.run("migrate")
        assert code == 5, err
        check_everything(run)
        assert_once(run)


def test_a_stopped_migration_says_so_and_goes_on(tmp_path: Path) -> None:
    with journey(tmp_path, sizes(150, 1500), ["--job-delay=0.5"]) as run:
        child = run.start("migrate")
        wait_until_made(run, 1)
        begun = time.monotonic()
        child.send_signal(signal.SIGTERM)
        _, err = child.communicate(timeout=20)
        assert time.monotonic() - begun < 10
        assert child.returncode == 7, err
        assert "interrupted" in err
        code, _, err = run.run("migrate")
        assert code == 5, err
        check_everything(run)
        assert_once(run)


def test_a_wrong_org_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with journey(tmp_path, sizes(20, 40)) as run:
        run.configure(org_id="00D000000000001")
        code, out, err = run.run("migrate", "--json")
        assert code == 3
        assert json.loads(out)["error"]["code"] == "wrong-org"
        assert "Next:" in err
        assert run.effects() == []


def test_wrong_keys_unreachable_hosts_and_html_are_said_plainly(tmp_path: Path) -> None:
    with journey(tmp_path, sizes(20, 40)) as run:
        run.fault(run.source, match="/v1/", kind="status", status=401)
        code, _, err = run.run("migrate")
        assert code == 6
        assert "Traceback" not in err
        run.clear_faults(run.source)
        run.configure(source="http://127.0.0.1:9")
        code, _, err = run.run("check")
        assert code in (3, 6)
        assert "Traceback" not in err


def test_no_secret_and_no_content_reaches_the_output(tmp_path: Path) -> None:
    with journey(tmp_path, sizes(30, 100)) as run:
        texts = []
        for command in (["check"], ["migrate"], ["status"], ["report", "--json"]):
            _, out, err = run.run(*command)
            texts += [out, err]
        everything = "\n".join(texts)
        for secret in (KEY, SECRET, "agent1@acme.example", "c1@example.test", "Where is my order"):
            assert secret not in everything


def test_config_faults_are_all_named_with_their_lines(tmp_path: Path) -> None:
    text = (
        "kustomer:\n  base_url: http://acme.example\n  api_key: plain-key\n  rate_shar: 7\n"
        "salesforce:\n  org_id: nope\n  client_id: env:A\n  client_secret: env:B\n"
    )
    (tmp_path / "deskferry.yaml").write_text(text)
    run = Journey(tmp_path, "", "", "")
    code, out, err = run.run("migrate", "--json")
    assert code == 2
    message = json.loads(out)["error"]["message"]
    for line in (2, 3, 4, 6):
        assert f"deskferry.yaml:{line}:" in message
    assert "rate_share" in message
    assert "plain-key" not in out + err
