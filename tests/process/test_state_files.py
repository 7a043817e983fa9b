"""Workspaces as earlier forms of the ledger left them: each is brought up and goes on from there."""

import json
from pathlib import Path

import httpx
import pytest

from state import queries
from tests.process.expected import check_everything
from tests.process.stand_ins import SECRET, Journey, journey
from tests.process.test_journey import assert_once
from tests.state_files.stored import SOURCE_OPTIONS, TARGETS, stored, unpack

pytestmark = pytest.mark.process
# Salesforce makes these itself; a record that is put back gets its own again.
MADE_THERE = {"Id", "IsDeleted", "SystemModstamp", "LastModifiedDate", "LastModifiedById"}


def put_back(run: Journey, folder: Path) -> None:
    """Make the target as it was when the stored state was left: same records, same ids."""
    kept = json.loads((folder / "target.json").read_text())
    for name in TARGETS:
        there = {each["Id"] for each in run.target_records(name)}
        records = sorted(
            (each for each in kept[name] if each["Id"] not in there),
            key=lambda each: str(each["Id"]),
        )
        made_there = MADE_THERE | ({"Name"} if name in ("Contact", "Lead") else set())
        given = [
            {k: v for k, v in each.items() if k not in made_there and v is not None}
            for each in records
        ]
        reply = httpx.post(f"{run.target}/__admin/records/{name}", json=given)
        assert [each["id"] for each in reply.json()] == [each["Id"] for each in records], reply.text
    put_jobs_back(run)


def put_jobs_back(run: Journey) -> None:
    """Open as many jobs as were made then: the fourth, uploaded only, is found open again."""
    asked = {
        "grant_type": "client_credentials",
        "client_id": "deskferry-demo",
        "client_secret": SECRET,
    }
    token = httpx.post(f"{run.target}/services/oauth2/token", data=asked).json()["access_token"]
    for _ in range(4):
        httpx.post(
            f"{run.target}/services/data/v62.0/jobs/ingest",
            json={"object": "Case", "operation": "insert", "lineEnding": "LF"},
            headers={"Authorization": f"Bearer {token}"},
        ).raise_for_status()


def form_of(path: Path) -> int:
    return int(path.name.split("-")[1])


def test_every_form_but_a_new_one_is_stored() -> None:
    forms = {form_of(path) for path in stored()}
    assert 1 in forms
    assert max(forms) <= len(queries.migrations())


@pytest.mark.parametrize("path", stored("stopped"), ids=lambda path: path.name)
def test_a_migration_begun_by_an_earlier_form_is_finished_by_this_one(
    tmp_path: Path, path: Path
) -> None:
    unpack(path, tmp_path)
    older = form_of(path) < len(queries.migrations())
    with journey(tmp_path, SOURCE_OPTIONS) as run:
        put_back(run, tmp_path)
        code, out, _ = run.run("status", "--json")
        assert (code, "state-too-old" in out) == ((3, True) if older else (0, False))
        code, out, err = run.run("migrate", "--json")
        assert (code, json.loads(out)["error"]["code"]) == (3, "state-disagrees"), err
        assert "kustomer.base_url" in err
        code, out, err = run.run("migrate", "--json", "--same-org")
        assert code == 5, err
        copy = tmp_path / "ferry" / f"state.sqlite.before-{len(queries.migrations())}"
        assert copy.exists() is older
        compared = check_everything(run, second_passes=False)
        assert (compared["conversations"], compared["messages"]) == (39, 200)  # one is deleted
        assert_once(run)
        before = run.effects()
        assert run.run("migrate")[0] == 5
        assert run.effects() == before


@pytest.mark.parametrize("path", stored("finished"), ids=lambda path: path.name)
def test_a_migration_finished_by_an_earlier_form_stays_finished(tmp_path: Path, path: Path) -> None:
    unpack(path, tmp_path)
    with journey(tmp_path, SOURCE_OPTIONS) as run:
        code, out, err = run.run("migrate", "--json", "--same-org")
        assert code == 5, err
        told = json.loads(out)
        assert told["jobs_sent"] == 0
        assert told["phases"]["messages"]["loaded"] == 200
        assert run.effects() == []
        code, out, _ = run.run("report", "--json")
        assert (code, json.loads(out)["verdict"]) == (0, "balanced")
