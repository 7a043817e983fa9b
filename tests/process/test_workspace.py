"""Trouble with the workspace, met by the real command: it says so plainly, and goes on afterwards."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.process.expected import check_everything
from tests.process.stand_ins import KEY, SECRET, Journey, journey, sizes
from tests.process.test_journey import assert_once, wait_until_made
from tests.state_files.stored import stored, unpack

pytestmark = pytest.mark.process


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """A file system of a few megabytes at `folder`; the test is skipped where none may be mounted."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "deskferry-test", str(folder)]
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root may mount a small file system")
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a small file system cannot be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def fill(disk: Path) -> Path:
    """Use up all room on a small disk; returns the file to delete."""
    ballast = disk / "ballast"
    with suppress(OSError), ballast.open("ab", buffering=0) as file:
        while True:
            file.write(bytes(65_536))
    with suppress(OSError), ballast.open("ab", buffering=0) as file:
        while True:
            file.write(b"x")
    return ballast


def test_a_disk_that_fills_up_in_the_middle_stops_the_run_and_nothing_is_lost(
    tmp_path: Path,
) -> None:
    with (
        small_disk(tmp_path / "ferry", 40) as disk,
        journey(tmp_path, sizes(60, 400), ["--job-delay=0.2"]) as run,
    ):
        child = run.start("migrate")
        wait_until_made(run, 1)
        ballast = fill(disk)
        _, err = child.communicate(timeout=60)
        assert child.returncode == 7, err
        assert "disk-full: " in err
        assert "Next: Make room" in err
        assert "Traceback" not in err
        assert not list(tmp_path.rglob("deskferry-crash-*"))
        code, _, err = run.run("migrate")
        assert (code, "disk-full: " in err) == (7, True), err
        code, out, _ = run.run("check")
        assert code == 3
        assert "NO    disk" in out
        code, out, err = run.run("report", "--json")
        assert (code, json.loads(out)["error"]["code"]) == (7, "disk-full"), err
        ballast.unlink()
        code, _, err = run.run("migrate")
        assert code == 5, err
        check_everything(run)
        assert_once(run)


def test_a_file_size_limit_stops_the_run_as_a_full_disk_does(tmp_path: Path) -> None:
    with journey(tmp_path, sizes(60, 400)) as run:
        limited = ["sh", "-c", 'ulimit -f 600; exec "$@"', "sh", sys.executable, "-m", "service"]
        code, _, err = command(run.folder, [*limited, "migrate"])
        assert (code, "disk-full: " in err) == (7, True), err
        assert "Traceback" not in err
        code, _, err = run.run("migrate")
        assert code == 5, err
        check_everything(run)
        assert_once(run)


def command(
    folder: Path, arguments: list[str] | None = None, *more: str, **how: Any
) -> tuple[int, str, str]:
    """Run the command, or `arguments` as they are, in `folder`; returns code, stdout and stderr."""
    environment: Mapping[str, str] = {
        **os.environ,
        "TEST_KUSTOMER_KEY": KEY,
        "TEST_CLIENT_ID": "deskferry-demo",
        "TEST_CLIENT_SECRET": SECRET,
    }
    how = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **how}
    done = subprocess.run(
        [*(arguments or [sys.executable, "-m", "service"]), *more],
        cwd=folder,
        env=environment,
        text=True,
        check=False,
        timeout=60,
        **how,
    )
    return done.returncode, done.stdout, done.stderr


def unconnected(folder: Path) -> Journey:
    """A config whose remotes are not there: what is tested ends before, or does without them."""
    run = Journey(folder, "http://127.0.0.1:9", "http://127.0.0.1:9", "00D5f000000Dsk1EAC")
    run.configure()
    return run


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_output_into_a_full_disk_is_no_crash(tmp_path: Path, stream: str) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    unpack(stored("finished")[-1], tmp_path)
    unconnected(tmp_path)
    words = ["status"] if stream == "stdout" else ["status", "--config=none.yaml"]
    with Path("/dev/full").open("w") as full:
        code, out, err = command(tmp_path, None, *words, "--json", **{stream: full})
    if stream == "stdout":
        assert code == 7
        assert "disk-full: " in err
        assert "Traceback" not in err
    else:
        assert (code, json.loads(out)["error"]["code"]) == (2, "config-invalid")


def without_rights(folder: Path, *arguments: str) -> tuple[int, str, str]:
    """Run the command as one whom the rights of files bind; root has them all unless it drops them."""
    drop: list[str] = []
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("root cannot drop its rights here: there is no setpriv")
        drop = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"]
    return command(folder, [*drop, sys.executable, "-m", "service"], *arguments)


def test_a_workspace_that_may_only_be_read_can_be_looked_at_and_not_written(tmp_path: Path) -> None:
    unpack(stored("finished")[-1], tmp_path)
    unconnected(tmp_path)
    ferry = tmp_path / "ferry"
    assert_brought_up(tmp_path)
    for path in [ferry, *ferry.rglob("*")]:
        path.chmod(0o500 if path.is_dir() else 0o400)
    code, out, err = without_rights(tmp_path, "status", "--json")
    assert code == 0, err
    assert all(each["state"] == "done" for each in json.loads(out)["phases"])
    for words in ("migrate", "report"):
        code, _, err = without_rights(tmp_path, words)
        assert (code, "workspace-unusable: " in err) == (3, True), err
        assert "write access" in err
    assert "NO    workspace" in without_rights(tmp_path, "check")[1]


def test_a_workspace_without_rights_is_refused(tmp_path: Path) -> None:
    unpack(stored("finished")[-1], tmp_path)
    unconnected(tmp_path)
    (tmp_path / "ferry").chmod(0o000)
    for words in ("status", "migrate", "report"):
        code, _, err = without_rights(tmp_path, words)
        assert (code, "workspace-unusable: " in err) == (3, True), (words, err)
    _, out, err = without_rights(tmp_path, "check")
    assert "NO    workspace" in out
    assert "Traceback" not in out + err
    (tmp_path / "ferry").chmod(0o700)


def test_a_workspace_path_that_is_a_file_is_refused_with_what_to_do(tmp_path: Path) -> None:
    unconnected(tmp_path)
    (tmp_path / "ferry").write_bytes(b"")
    code, _, err = command(tmp_path, None, "migrate")
    assert (code, "workspace-unusable: " in err) == (3, True), err
    assert "Set workspace in the config" in err
    code, out, _ = command(tmp_path, None, "check")
    assert "leads to a file" in out
    code, _, err = command(tmp_path, None, "status")
    assert (code, "Traceback" in err) == (3, False), err


def test_a_workspace_moved_away_stops_the_run_and_brought_back_it_goes_on(tmp_path: Path) -> None:
    with journey(tmp_path, sizes(60, 400), ["--job-delay=0.2"]) as run:
        child = run.start("migrate")
        wait_until_made(run, 1)
        (tmp_path / "ferry").rename(tmp_path / "away")
        _, err = child.communicate(timeout=60)
        assert child.returncode == 8, err
        assert "workspace-gone: " in err
        assert "Traceback" not in err
        assert not (tmp_path / "ferry").exists()
        (tmp_path / "away").rename(tmp_path / "ferry")
        code, _, err = run.run("migrate")
        assert code == 5, err
        check_everything(run)
        assert_once(run)


def test_a_second_process_is_refused_by_pid_and_looking_on_is_not(tmp_path: Path) -> None:
    with journey(tmp_path, sizes(20, 40), ["--job-delay=30"]) as run:
        child = run.start("migrate")
        end = time.monotonic() + 60
        while not run.stats(run.target)["jobs"]:
            assert time.monotonic() < end
            time.sleep(0.02)
        code, out, err = run.run("migrate", "--json")
        told = json.loads(out)["error"]
        assert (code, told["code"]) == (3, "workspace-locked"), err
        assert f"pid {child.pid}" in told["message"]
        for words in ("status", "report", "check"):
            code, _, err = run.run(words)
            assert code == 0, err
        assert child.poll() is None
        child.kill()
        child.communicate()
        assert (tmp_path / "ferry" / "lock").read_text() == str(child.pid)
        assert_brought_up(tmp_path)  # a lock file that nobody holds is no obstacle


def assert_brought_up(folder: Path) -> None:
    """Bring a stored state to the newest form without remotes, as opening for writing does."""
    code, _, err = command(folder, [sys.executable, "-c", OPEN])
    assert code == 0, err


OPEN = """
import anyio, pathlib, time
from state.ledger import Ledger

async def main():
    async with Ledger.open(pathlib.Path("ferry"), clock=time.time):
        pass

anyio.run(main)
"""
SLOW = """
import state.queries
first = state.queries.migrations()[0]
slow = '''CREATE TABLE half (x);
INSERT INTO half WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x FROM n;'''
state.queries.migrations = lambda: [first, slow]
"""


def first_form(folder: Path) -> None:
    """The oldest stored form, of a migration that was killed midway."""
    unpack(stored("stopped")[0], folder)


def test_a_change_of_form_that_is_killed_in_its_middle_leaves_the_earlier_form_whole(
    tmp_path: Path,
) -> None:
    first_form(tmp_path)
    unconnected(tmp_path)
    child = subprocess.Popen([sys.executable, "-c", SLOW + OPEN], cwd=tmp_path)
    copy = tmp_path / "ferry" / "state.sqlite.before-2"
    end = time.monotonic() + 60
    while not copy.exists():
        assert child.poll() is None
        assert time.monotonic() < end
        time.sleep(0.01)
    time.sleep(0.3)  # the change, which never ends, is under way now
    assert child.poll() is None
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert copy.stat().st_mode & 0o777 == 0o600
    look = OPEN.replace("pass", 'assert await ledger.facts.get("kustomer_org")').replace(
        "time.time)", "time.time) as ledger"
    )
    only_first = SLOW.replace("[first, slow]", "[first]")
    code, _, err = command(tmp_path, [sys.executable, "-c", only_first + look])
    assert code == 0, err
    assert_brought_up(tmp_path)
