"""The state is lost or damaged, and comes back from Salesforce alone."""

import csv
import io
import json
import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.process.stand_ins import Journey, journey, sizes
from tests.process.test_journey import assert_once
from tests.process.test_settling import add_twins

pytestmark = pytest.mark.process
OBJECTS = ("Account", "Contact", "Lead", "Case", "EmailMessage", "CaseComment")


def dump(run: Journey) -> dict[str, list[dict[str, Any]]]:
    return {name: run.target_records(name) for name in OBJECTS}


def books(out: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = json.loads(out)["phases"]
    return found


def assert_balanced(told: dict[str, dict[str, Any]]) -> None:
    for name, book in told.items():
        accounted = book["duplicates"] + book["loaded"] + book["matched"]
        accounted += sum(sum(book[each].values()) for each in ("skipped", "held", "failed"))
        assert book["extracted"] == accounted, name
        assert book["pending"] == 0, name


def lose(run: Journey, *, spool: bool) -> None:
    for path in (run.folder / "ferry").glob("state.sqlite*"):
        path.unlink()
    if spool:
        shutil.rmtree(run.folder / "ferry" / "spool")


def wait_for_state(run: Journey, sql: str) -> None:
    """Wait until the running command has written down what `sql` counts."""
    end = time.monotonic() + 90
    while not asked(run.folder / "ferry" / "state.sqlite", sql):
        assert time.monotonic() < end, "the command makes no progress"
        time.sleep(0.02)


def asked(path: Path, sql: str) -> int:
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as database:
            return int(database.execute(sql).fetchone()[0])
    except sqlite3.OperationalError:  # not there yet
        return 0


def exported(run: Journey) -> dict[tuple[str, str, str], tuple[str, str]]:
    code, out, err = run.run("state", "export")
    assert code == 0, err
    rows = csv.DictReader(io.StringIO(out))
    return {
        (row["kind"], row["kustomer_id"], row["part"]): (row["object"], row["salesforce_id"])
        for row in rows
    }


def test_after_the_state_was_lost_a_rebuild_lets_migrate_make_nothing(tmp_path: Path) -> None:
    with journey(tmp_path, sizes(120, 600)) as run:
        add_twins(run, 5)
        code, first, err = run.run("migrate", "--json")
        assert code == 5, err
        crosswalk, before, effects = exported(run), dump(run), run.effects()
        lose(run, spool=True)
        code, out, err = run.run("state", "rebuild", "--json")
        assert code == 0, err
        found = {each["object"]: each["found"] for each in json.loads(out)["objects"]}
        assert found["EmailMessage"] == 600
        for _ in range(2):  # repeatable
            code, out, err = run.run("migrate", "--json")
            assert code == 5, err
            assert json.loads(out)["jobs_sent"] == 0
        assert run.effects() == effects
        assert dump(run) == before
        again = exported(run)
        assert again.keys() == crosswalk.keys()
        assert sorted(again.values()) == sorted(crosswalk.values())
        # Notes that are equal in all but their ids are interchangeable; nothing else is.
        changed = {key for key in again if again[key] != crosswalk[key]}
        assert {kind for kind, _, _ in changed} <= {"note"}
        assert len(changed) <= 15
        assert_balanced(books(out))
        for name, book in books(first).items():
            # What a matched record lacked was filled before; nothing of it differs any more.
            assert {**books(out)[name], "changed": 0} == {**book, "changed": 0}
        assert run.run("state", "check")[0] == 0


def test_jobs_that_still_ran_when_the_state_was_lost_are_waited_for_and_nothing_is_doubled(
    tmp_path: Path,
) -> None:
    """Also with twins, split notes and all that is odd; a killed rebuild is made again."""
    with journey(tmp_path, [*sizes(150, 500), "--wild"], ["--job-delay=1"]) as run:
        child = run.start("migrate")
        sql = "SELECT COUNT(*) FROM job WHERE object = 'CaseComment' AND state = 'closed'"
        wait_for_state(run, sql)
        child.kill()
        child.communicate()
        lose(run, spool=False)
        code, _, err = run.run("migrate")
        assert (code, "state-lost" in err) == (8, True)
        child = run.start("state", "rebuild")
        wait_for_state(run, "SELECT COUNT(*) FROM fact WHERE value = 'begun'")
        child.kill()
        child.communicate()
        code, _, err = run.run("migrate")
        assert code == 3, err
        assert "rebuild-unfinished" in err
        code, out, err = run.run("state", "rebuild")
        assert code == 0, err
        code, out, err = run.run("migrate", "--json")
        assert code == 5, err
        assert_balanced(books(out))
        assert_once(run)
        # Every comment stands for a note's part, and none for two: none was made twice or lost.
        known = [target for (kind, _, _), (_, target) in exported(run).items() if kind == "note"]
        assert sorted(known) == sorted(each["Id"] for each in run.target_records("CaseComment"))
        assert run.run("state", "check")[0] == 0


def damage(path: Path) -> None:
    """Break the database as a bad disk would: a page's worth of noise near its head."""
    data = bytearray(path.read_bytes())
    for offset in range(100, 4_000):
        data[offset] ^= 0x5A
    path.write_bytes(data)


def test_a_damaged_database_is_told_of_set_aside_and_rebuilt(tmp_path: Path) -> None:
    with journey(tmp_path, sizes(30, 90)) as run:
        assert run.run("migrate")[0] == 5
        effects = run.effects()
        code, out, _ = run.run("state", "rebuild", "--json")
        assert (code, json.loads(out)["error"]["code"]) == (3, "ledger-in-use")
        code, out, err = run.run("state", "rebuild", "--merge", "--json")
        assert code == 0, err
        assert sum(each["learned"] for each in json.loads(out)["objects"]) == 0
        run.configure(org_id="00D000000000001")
        assert run.run("state", "rebuild", "--anew")[0] == 3
        run.configure()
        code, out, _ = run.run("state", "check", "--json")
        assert (code, json.loads(out)["findings"]) == (0, [])
        damage(run.folder / "ferry" / "state.sqlite")
        for command in (["status"], ["migrate"], ["report"]):
            code, out, err = run.run(*command)
            assert code == 8, (command, err)
            assert "state rebuild" in err
        code, out, _ = run.run("state", "check", "--json")
        assert code == 8
        assert [each["code"] for each in json.loads(out)["findings"]] == ["database-damaged"]
        code, out, err = run.run("state", "rebuild", "--json")
        assert code == 0, err
        kept = Path(json.loads(out)["set_aside"])
        assert (kept / "state.sqlite").is_file()
        code, out, err = run.run("migrate", "--json")
        assert (code, json.loads(out)["jobs_sent"]) == (5, 0), err
        assert run.effects() == effects


def canaries(run: Journey) -> set[bytes]:
    """Texts and addresses out of the source."""
    found = {
        each["attributes"]["body"].split("\n")[0].encode()
        for each in run.source_records("note").values()
    }
    for each in run.source_records("customer").values():
        found |= {mail["email"].encode() for mail in each["attributes"]["emails"]}
        found.add(each["attributes"]["displayName"].encode())
    return {each for each in found if len(each) > 8}


def readable(run: Journey) -> set[bytes]:
    everything = b"".join(
        path.read_bytes() for path in (run.folder / "ferry").rglob("*") if path.is_file()
    )
    return {each for each in canaries(run) if each in everything}


def test_with_a_key_nothing_is_readable_in_the_workspace_at_any_time(tmp_path: Path) -> None:
    with journey(tmp_path, sizes(60, 120), ["--job-delay=0.5"]) as run:
        config = run.folder / "deskferry.yaml"
        plain = config.read_text()
        (run.folder / "key").write_text("00" * 31 + "f")
        config.write_text(f"{plain}spool_key: file:{run.folder / 'key'}\n")
        code, _, err = run.run("migrate")
        assert (code, "spool-key-invalid" in err) == (2, True)
        assert not (run.folder / "ferry").exists()
        (run.folder / "key").write_text("0f" * 32)
        child = run.start("migrate")
        wait_for_state(run, "SELECT COUNT(*) FROM job WHERE object = 'Case' AND state = 'closed'")
        child.kill()
        child.communicate()
        assert readable(run) == set()
        config.write_text(plain)
        for command in ("migrate", "status"):
            code, _, err = run.run(command)
            assert (code, "spool-key-missing" in err) == (3, True)
        config.write_text(f"{plain}spool_key: file:{run.folder / 'key'}\n")
        assert run.run("state", "check")[0] == 0
        code, _, err = run.run("migrate")
        assert code == 5, err
        assert readable(run) == set()
        assert_once(run)


def test_purge_waits_for_the_end_and_leaves_nothing_readable(tmp_path: Path) -> None:
    with journey(tmp_path, sizes(60, 120), ["--job-delay=0.5"]) as run:
        child = run.start("migrate")
        wait_for_state(run, "SELECT COUNT(*) FROM job WHERE object = 'Case' AND state = 'closed'")
        child.kill()
        child.communicate()
        assert readable(run)
        code, _, err = run.run("purge")
        assert (code, "unfinished" in err) == (3, True)
        assert run.run("migrate")[0] == 5
        crosswalk = exported(run)
        code, out, err = run.run("purge", "--json")
        assert code == 0, err
        assert json.loads(out)["batch_files"] > 0
        assert readable(run) == set()
        assert exported(run) == crosswalk
        assert run.run("state", "check")[0] == 0
        code, out, err = run.run("migrate", "--json")
        assert (code, json.loads(out)["jobs_sent"]) == (5, 0), err
