"""Hooks of the real command: what is told, what failing, slow and hanging ones do, and what leaks."""

import json
import signal
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.crash_points import VARIABLE
from service.hooks.document import HookDocument
from tests.process.expected import check_everything
from tests.process.stand_ins import SECRETS, Journey, journey, sizes
from tests.process.test_delta import burst, edit
from tests.process.test_journey import assert_once
from tests.process.test_retry import told
from tests.process.webhooks import KEEP, alive, kept, receiver, script, wait_for

pytestmark = [pytest.mark.process, pytest.mark.timeout(300)]

PHASES = ["users", "teams", "companies", "customers", "conversations", "messages", "notes"]
CANARY = "canary-3f9c-secret"


def hooked(run: Journey, *hooks: dict[str, Any], **sections: Any) -> None:
    run.configure()
    with (run.folder / "deskferry.yaml").open("a", encoding="utf-8") as config:
        config.write(f"hooks: {json.dumps(list(hooks))}\n")
        for name, value in sections.items():
            config.write(f"{name}: {json.dumps(value)}\n")


def ended(run: Journey, *arguments: str, **given: Any) -> tuple[int, str, str]:
    child = run.start(*arguments, **given)
    out, err = child.communicate(timeout=200)
    return child.returncode, out, err


def test_a_load_tells_its_start_each_phase_what_is_held_and_its_end(tmp_path: Path) -> None:
    points = ["run-started", "phase-done", "held-rows", "run-ended"]
    with receiver() as hook, journey(tmp_path, sizes(40, 100)) as run:
        hooked(
            run,
            {"on": points, "url": hook.url, "header": {"Authorization": "env:HOOK_TOKEN"}},
            {"on": ["phase-done"], "command": script(tmp_path, "keep", KEEP), "failing": "stop"},
        )
        code, out, err = ended(run, "migrate", "--json", secrets={"HOOK_TOKEN": f"Bearer {CANARY}"})
        assert code == 5, err
        books = json.loads(out)["phases"]
        check_everything(run)
        for each in hook.documents:
            HookDocument.model_validate(each)
        assert [each["point"] for each in hook.documents][:: len(hook.documents) - 1] == [
            "run-started",
            "run-ended",
        ]
        assert len({each["id"] for each in hook.documents}) == len(hook.documents)
        assert {each["run"] for each in hook.documents} == {hook.documents[0]["run"]}
        done = {each["phase"]: each for each in hook.figures("phase-done")}
        assert sorted(done) == sorted(books)
        assert set(PHASES) <= set(done)
        for name, figures in done.items():
            assert figures["extracted"] == books[name]["extracted"]
            assert figures["loaded"] == books[name]["loaded"]
            assert figures["held"] == sum(books[name]["held"].values())
        left = {name for name, book in books.items() if book["held"] or book["failed"]}
        assert left, "some rows of the org are held"
        assert {each["phase"] for each in hook.figures("held-rows")} == left
        assert hook.figures("run-ended")[0]["exit_code"] == 5
        assert hook.headers[0]["Authorization"] == f"Bearer {CANARY}"
        assert sorted(each["figures"]["phase"] for each, _ in kept(tmp_path)) == sorted(books)
        run.confirmed = True
        before = len(hook.documents)
        code, _, err = ended(run, "migrate", secrets={"HOOK_TOKEN": f"Bearer {CANARY}"})
        assert code == 5, err
        again = [each["point"] for each in hook.documents[before:]]
        assert again == ["run-started", "run-ended"], "a gate is told of once"


def test_a_command_sees_its_document_and_a_clean_environment(tmp_path: Path) -> None:
    with journey(tmp_path, sizes(20, 40)) as run:
        hooked(run, {"on": ["run-ended"], "command": script(tmp_path, "keep", KEEP)})
        code, _, err = ended(run, "migrate")
        assert code == 5, err
        (document, environment), *more = kept(tmp_path)
        assert not more
        assert environment["DESKFERRY_HOOK_POINT"] == "run-ended"
        assert {"PATH", "HOME", "DESKFERRY_HOOK_POINT"} >= set(environment) - {
            "LC_CTYPE",  # set by Python itself
            "__CF_USER_TEXT_ENCODING",
        }
        assert not set(SECRETS.values()) & set(environment.values())
        assert document["figures"]["code"] == ""
        assert document["command"] == "migrate"


@pytest.mark.parametrize("kind", ["command", "webhook"])
def test_a_failing_stop_hook_ends_the_run_and_the_next_one_tells_it_again(
    kind: str, tmp_path: Path
) -> None:
    refused = "companies" if kind == "command" else "users"
    body = KEEP + 'if document["figures"]["phase"] == "companies" and not (out / "ok").exists():'
    body += ' sys.exit("customer@example.com says no")'
    with receiver() as hook, journey(tmp_path, sizes(30, 60)) as run:
        if kind == "command":
            hooked(
                run,
                {"on": ["phase-done"], "command": script(tmp_path, "no", body), "failing": "stop"},
                log={"level": "debug"},
            )
        else:
            hook.status = 404
            hooked(run, {"on": ["phase-done"], "url": hook.url, "failing": "stop"})

        def phases() -> list[str]:
            if kind == "command":
                return [each["figures"]["phase"] for each, _ in kept(tmp_path)]
            return [each["phase"] for each in hook.figures("phase-done")]

        code, out, err = ended(run, "migrate", "--json")
        assert (code, json.loads(out)["error"]["code"]) == (3, "hook-failed"), err
        assert "Hook 1 failed at phase-done" in err
        assert "customer@example.com" not in err
        assert phases()[-1] == refused
        before = len(phases())
        behind = {"Contact", "Lead", "Case"} | ({"Account"} if refused == "users" else set())
        made = {each["object"] for each in run.effects()}
        assert not made & behind, "what waits for the phase has not begun"
        (tmp_path / "ok").touch()
        hook.status = 200
        code, _, err = ended(run, "migrate")
        assert code == 5, err
        assert phases()[before] == refused, "it is told again before anything else"
        assert set(phases()) >= set(PHASES)
        check_everything(run)
        assert_once(run)


def test_a_kill_between_a_gate_and_its_telling_does_not_lose_the_telling(tmp_path: Path) -> None:
    command = script(tmp_path, "keep", KEEP)
    with journey(tmp_path, sizes(30, 60)) as run:
        hooked(run, {"on": ["phase-done"], "command": command, "failing": "stop"})
        for point in ("gate-closed:3", "hooks-told"):
            code, _, err = ended(run, "migrate", environment={VARIABLE: point})
            assert code == -signal.SIGKILL, err
            assert f"crash point {point.partition(':')[0]}" in err
        code, _, err = ended(run, "migrate")
        assert code == 5, err
        names = [each["figures"]["phase"] for each, _ in kept(tmp_path)]
        assert set(names) >= set(PHASES)
        assert names[2] == names[3], "the one that was told and not noted comes again"
        others = [each for each in names if each != "teams"]  # read anew for its members
        assert len(others) == len(set(others)) + 1
        check_everything(run)
        assert_once(run)


def test_a_webhook_that_is_down_or_hangs_does_not_slow_the_load(tmp_path: Path) -> None:
    with receiver() as hook, journey(tmp_path, sizes(30, 60)) as run:
        hook.pause_s = 60
        hooked(
            run,
            {"on": ["run-started", "phase-done"], "url": hook.url, "timeout_seconds": 9},
            {"on": ["phase-done"], "url": "http://127.0.0.1:9/", "timeout_seconds": 9},
            {"on": ["phase-done"], "command": ["sleep", "120"], "timeout_seconds": 2},
            {"on": ["phase-done"], "command": [str(tmp_path / "not-there")]},
        )
        begun = time.monotonic()
        code, out, err = ended(run, "migrate", "--json")
        assert code == 5, err
        assert json.loads(out)["seconds"] < 30, "one hook alone hangs for 72 s in all"
        assert time.monotonic() - begun < 40, "at the end it waits for one timeout, not for all"
        check_everything(run)
        for why in ("longer than 9 s", "longer than 2 s", "unreachable", "cannot be started"):
            assert why in err
        assert "hook-not-told" in err


def test_a_server_error_is_tried_again_with_the_same_document(tmp_path: Path) -> None:
    with receiver() as hook, journey(tmp_path, sizes(20, 40)) as run:
        hook.status = 500
        hooked(run, {"on": ["run-started"], "url": hook.url, "timeout_seconds": 10})
        code, _, err = ended(run, "migrate")
        assert code == 5, err
        assert len(hook.documents) == 4
        assert len({each["id"] for each in hook.documents}) == 1
        assert "remote-unavailable" in err


def test_a_redirect_is_not_followed_and_its_headers_stay_here(tmp_path: Path) -> None:
    with receiver() as other, receiver() as hook, journey(tmp_path, sizes(20, 40)) as run:
        hook.status, hook.location = 307, other.url
        header = {"Authorization": "env:HOOK_TOKEN", "X-Key": "env:HOOK_TOKEN"}
        hooked(run, {"on": ["run-started"], "url": hook.url, "header": header, "failing": "stop"})
        code, out, err = ended(run, "migrate", "--json", secrets={"HOOK_TOKEN": CANARY})
        assert (code, json.loads(out)["error"]["code"]) == (3, "hook-failed"), err
        assert "redirect (307)" in err
        assert (len(hook.documents), other.documents) == (1, [])
        assert not run.effects()


@pytest.mark.parametrize("failing", ["stop", "go-on"])
def test_a_stop_ends_a_hanging_command_with_all_its_children(failing: str, tmp_path: Path) -> None:
    body = """
import subprocess
child = subprocess.Popen(["sleep", "300"])
(out / "pids.tmp").write_text(f"{os.getpid()} {child.pid}")
(out / "pids.tmp").rename(out / "pids")
time.sleep(300)
"""
    with journey(tmp_path, sizes(200, 400)) as run:
        hooked(
            run,
            {
                "on": ["phase-done"],
                "command": script(tmp_path, "hang", body),
                "failing": failing,
                "timeout_seconds": 600,
            },
        )
        child = run.start("migrate")
        wait_for((tmp_path / "pids").exists)
        pids = [int(each) for each in (tmp_path / "pids").read_text().split()]
        assert all(alive(each) for each in pids)
        begun = time.monotonic()
        child.send_signal(signal.SIGTERM)
        _, err = child.communicate(timeout=30)
        assert (child.returncode, time.monotonic() - begun < 10) == (7, True), err
        wait_for(lambda: not any(alive(each) for each in pids), 5)


def test_a_second_signal_leaves_no_command_behind(tmp_path: Path) -> None:
    body = '(out / "pid.tmp").write_text(str(os.getpid()))\n'
    body += '(out / "pid.tmp").rename(out / "pid")\ntime.sleep(300)'
    with journey(tmp_path, sizes(20, 40)) as run:
        command = script(tmp_path, "hang", body)
        hooked(run, {"on": ["run-started"], "command": command, "timeout_seconds": 600})
        child = run.start("migrate")
        wait_for((tmp_path / "pid").exists)
        pid = int((tmp_path / "pid").read_text())
        child.send_signal(signal.SIGTERM)
        child.send_signal(signal.SIGTERM)
        _, err = child.communicate(timeout=30)
        assert child.returncode == 7, err
        wait_for(lambda: not alive(pid), 5)


def test_a_command_that_ends_takes_what_it_left_running_with_it(tmp_path: Path) -> None:
    body = """
import subprocess
child = subprocess.Popen(["sleep", "300"])
(out / "pid").write_text(str(child.pid))
"""
    with journey(tmp_path, sizes(20, 40)) as run:
        command = script(tmp_path, "fork", body)
        hooked(run, {"on": ["run-started"], "command": command, "failing": "stop"})
        code, _, err = ended(run, "migrate")
        assert code == 5, err
        wait_for(lambda: not alive(int((tmp_path / "pid").read_text())), 5)


def test_waits_for_a_side_are_told_once_and_again_when_it_goes_on(tmp_path: Path) -> None:
    with receiver() as hook, journey(tmp_path, sizes(30, 60)) as run:
        hooked(run, {"on": ["throttled"], "url": hook.url})
        day = {"api_calls_max": 1_000, "api_calls": 895}
        httpx.post(f"{run.target}/__admin/settings", json=day).raise_for_status()
        child = run.start("migrate")
        wait_for(lambda: len(hook.told("throttled")) > 0)
        time.sleep(1)
        assert len(hook.told("throttled")) == 1
        httpx.post(f"{run.target}/__admin/settings", json={"api_calls": 0}).raise_for_status()
        _, err = child.communicate(timeout=120)
        assert child.returncode == 5, err
        begins, goes_on = hook.figures("throttled")
        assert (begins["side"], begins["waiting"], goes_on["waiting"]) == ("Salesforce", 1, 0)
        assert "daily requests" in begins["reason"]
        assert goes_on["waited_seconds"] >= 1
        assert goes_on["reason"] == ""


def test_a_stop_hook_that_says_no_to_a_wait_ends_the_run(tmp_path: Path) -> None:
    with journey(tmp_path, sizes(30, 60)) as run:
        hooked(run, {"on": ["throttled"], "command": ["false"], "failing": "stop"})
        day = {"api_calls_max": 1_000, "api_calls": 895}
        httpx.post(f"{run.target}/__admin/settings", json=day).raise_for_status()
        code, out, err = ended(run, "migrate", "--json")
        assert (code, json.loads(out)["error"]["code"]) == (3, "hook-failed"), err
        httpx.post(f"{run.target}/__admin/settings", json={"api_calls": 0}).raise_for_status()
        assert ended(run, "migrate")[0] == 5
        check_everything(run)


def test_a_delta_tells_of_its_pass_and_of_conflicts_once(tmp_path: Path) -> None:
    with receiver() as hook, journey(tmp_path, sizes(40, 100)) as run:
        hooked(
            run,
            {"on": ["pass-done", "conflict", "run-ended"], "url": hook.url},
            delta={"lag_seconds": 0},
        )
        told(run, "migrate", code=5)
        assert hook.told("conflict") == hook.told("pass-done") == []
        for row in run.target_records("Case"):
            edit(run, "Case", row["Id"], Subject="an agent was here")
        burst(run, 60, ["conversation.name"])
        told(run, "delta", code=5)
        listed = told(run, "conflicts", "list", code=0)["conflicts"]
        assert listed
        assert hook.figures("conflict") == [{"found": len(listed), "open": len(listed)}]
        (done,) = hook.figures("pass-done")
        assert done["passes"] == 1
        assert 0 <= done["behind_seconds"]["conversations"] < 60
        assert set(done["behind_seconds"]) >= {"customers", "messages"}
        told(run, "delta", code=5)
        assert len(hook.told("conflict")) == 1
        assert len(hook.told("pass-done")) == 2
        assert CANARY not in json.dumps(hook.documents)
        assert "agent was here" not in json.dumps(hook.documents)


def test_a_stop_hook_that_says_no_to_a_conflict_is_asked_again(tmp_path: Path) -> None:
    body = KEEP + 'sys.exit(0 if (out / "ok").exists() else 1)'
    with journey(tmp_path, sizes(30, 60)) as run:
        hooked(
            run,
            {"on": ["conflict"], "command": script(tmp_path, "no", body), "failing": "stop"},
            delta={"lag_seconds": 0},
        )
        told(run, "migrate", code=5)
        for row in run.target_records("Case"):
            edit(run, "Case", row["Id"], Subject="an agent was here")
        burst(run, 40, ["conversation.name"])
        assert told(run, "delta", code=3)["error"]["code"] == "hook-failed"
        (tmp_path / "ok").touch()
        told(run, "delta", code=5)
        told(run, "delta", code=5)
        first, second = (document["figures"] for document, _ in kept(tmp_path))
        assert first == second


def test_nothing_that_is_secret_or_personal_gets_out(tmp_path: Path) -> None:
    secret_url = tmp_path / "url"
    points = ["run-started", "phase-done", "held-rows", "throttled", "run-ended"]
    noisy = f'print("{CANARY}", "someone@example.com"); sys.exit("{CANARY}")'
    with receiver() as hook, journey(tmp_path, sizes(40, 100)) as run:
        hook.status = 400
        secret_url.write_text(hook.url + "?token=canary-query")
        header = {"Authorization": "env:HOOK_TOKEN"}
        hooked(
            run,
            {"on": points, "url": f"file:{secret_url}", "header": header},
            {"on": points, "command": script(tmp_path, "noisy", noisy)},
            log={"level": "debug"},
        )
        code, out, err = ended(run, "migrate", secrets={"HOOK_TOKEN": CANARY})
        assert code == 5, err
        assert "hook-failed" in err
        state = b"".join(
            each.read_bytes() for each in (tmp_path / "ferry").rglob("*") if each.is_file()
        )
        for each in (CANARY, "canary-path", "canary-query"):
            assert each not in out + err
            assert each.encode() not in state
        assert "someone@example.com" not in out + err
        told_of = json.dumps(hook.documents)
        people = [*run.source_records("customer").values(), *run.source_records("user").values()]
        mails = {row["attributes"].get("email") for row in people} - {None, ""}
        names = {row["attributes"].get("name") for row in people} - {None, ""}
        assert "@" not in told_of
        assert not [each for each in mails | names if f'"{each}"' in told_of]
        for each in (*SECRETS.values(), CANARY):
            assert each not in told_of
        code, out, err = ended(run, "hooks", "list", "--json", secrets={"HOOK_TOKEN": CANARY})
        assert code == 0
        assert "canary" not in out + err
        assert json.loads(out)["hooks"][0]["target"] == f"file:{secret_url}"


def test_hooks_are_tried_with_a_sample_and_each_says_how_it_took_it(tmp_path: Path) -> None:
    with receiver() as hook, journey(tmp_path, sizes(20, 40)) as run:
        hooked(
            run,
            {"on": ["go-no-go"], "url": hook.url},
            {"on": ["go-no-go", "freeze"], "command": ["false"]},
            {"on": ["freeze"], "command": ["true"], "failing": "stop"},
        )
        code, out, err = ended(run, "hooks", "test", "go-no-go", "--json")
        assert code == 3, err
        tried = json.loads(out)["tried"]
        assert [(each["hook"], each["ok"]) for each in tried] == [(1, True), (2, False)]
        assert "ended with 1" in tried[1]["failure"]
        (document,) = hook.documents
        assert HookDocument.model_validate(document).test
        assert not (tmp_path / "ferry").exists()
        assert ended(run, "hooks", "test", "cutover-aborted")[0] == 0
        assert ended(run, "hooks", "test", "go-nogo")[0] == 2
        code, out, _ = ended(run, "hooks", "list")
        assert (code, "127.0.0.1" in out, "canary-path" in out) == (0, True, False)


def test_check_tells_of_programs_and_secrets_that_are_not_there(tmp_path: Path) -> None:
    with receiver() as hook, journey(tmp_path, sizes(20, 40)) as run:
        header = {"Authorization": "env:HOOK_TOKEN"}
        hooked(
            run,
            {"on": ["freeze"], "command": ["true"]},
            {"on": ["freeze"], "command": ["/not/there"]},
            {"on": ["freeze"], "url": hook.url, "header": header},
        )
        code, out, err = ended(run, "check", "--json")
        assert code == 2, err
        items = {each["name"]: each for each in json.loads(out)["items"]}
        assert [items[f"hook {n}"]["ok"] for n in (1, 2, 3)] == [True, False, False]
        assert hook.documents == []
        pace = "100 % of the org's requests and 100 searches a minute are ours."
        assert pace in items["kustomer requests"]["detail"]
        code, out, _ = ended(run, "migrate", "--json")
        assert (code, json.loads(out)["error"]["code"]) == (2, "secret-missing")
