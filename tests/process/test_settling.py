"""Jobs whose outcome nobody tells: the real command asks Salesforce, and nothing is doubled."""

import shutil
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.crash_points import VARIABLE
from tests.process.expected import check_everything
from tests.process.stand_ins import Journey, journey, sizes
from tests.process.test_journey import assert_once

pytestmark = pytest.mark.process

EIGHT_DAYS_S = 8 * 86_400


def tell(run: Journey, what: str, **params: Any) -> None:
    url = f"{run.target}/__admin/jobs/{what}"
    httpx.post(url, params={key: str(value) for key, value in params.items()}).raise_for_status()


def add_twins(run: Journey, count: int) -> None:
    """Give some notes twins that are equal in all but their ids."""
    for number, note in enumerate(list(run.source_records("note").values())[:count]):
        for twin in range(2):
            made = f"66f0a1b2c3d4e5f6{number:04x}{twin:04x}"
            record = {**note, "id": made, "links": {"self": f"/v1/notes/{made}"}}
            httpx.put(f"{run.source}/__admin/records", json=record).raise_for_status()


def wait_until_ended(run: Journey) -> None:
    end = time.monotonic() + 60
    while any(
        job["state"] in ("UploadComplete", "InProgress")
        for job in httpx.get(f"{run.target}/__admin/jobs").json()
    ):
        assert time.monotonic() < end, "a job does not end"
        time.sleep(0.02)


def let_every_job_lose_its_results(run: Journey, monkeypatch: pytest.MonkeyPatch) -> None:
    """Migrate to the end; each job's results are gone by the time that the next process looks."""
    for point in ("job-close-noted", "job-closed") * 15:
        monkeypatch.setenv(VARIABLE, point)
        code, _, err = run.run("migrate")
        if code == 5:
            return
        assert code == -9, err
        wait_until_ended(run)
        tell(run, "age", seconds=EIGHT_DAYS_S)
    pytest.fail("the migration does not come to its end")


def test_jobs_whose_results_are_kept_no_longer_are_settled_without_a_person(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every single job of a migration loses its results, some before the ledger knew of the close."""
    with journey(tmp_path, sizes(60, 90)) as run:
        add_twins(run, 5)
        let_every_job_lose_its_results(run, monkeypatch)
        check_everything(run)
        assert_once(run)
        jobs = {each["job"] for each in run.effects() if each["source"] == "bulk"}
        assert len(jobs) >= 5, "each job ran once; none was sent again"


def test_results_that_are_cut_short_unsure_or_broken_double_no_note(tmp_path: Path) -> None:
    with journey(tmp_path, sizes(700, 300)) as run:
        add_twins(run, 20)
        for name in ("CaseComment", "Contact"):
            tell(run, "unsure", object=name, rows=15)
            tell(run, "lose", object=name, which="successful", rows=25)
            tell(run, "lose", object=name, which="unprocessed", rows=10)
        run.fault(run.target, kind="lock_rows", object="EmailMessage", times=40)
        run.fault(run.target, kind="job_failed_midway", object="CaseComment", after=200)
        code, _, err = run.run("migrate")
        assert code == 5, err
        check_everything(run)
        assert_once(run)
        told = httpx.get(f"{run.target}/__admin/jobs").json()
        assert Counter(job["object"] for job in told)["CaseComment"] == 2


def test_a_lost_state_creates_nothing_again(tmp_path: Path) -> None:
    with journey(tmp_path, sizes(60, 90)) as run:
        add_twins(run, 5)
        code, _, err = run.run("migrate")
        assert code == 5, err
        before = run.effects()
        shutil.rmtree(tmp_path / "ferry")
        code, _, err = run.run("migrate")
        assert code == 5, err
        assert "earlier-migration" in err
        assert run.effects() == before
        check_everything(run)


def test_an_orphan_of_ours_is_aborted_and_anothers_open_job_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with journey(tmp_path, sizes(20, 30)) as run:
        for name in ("Account", "Case"):
            tell(run, "open", object=name)
        tell(run, "age", seconds=3_600)
        foreign = {job["id"] for job in httpx.get(f"{run.target}/__admin/jobs").json()}
        monkeypatch.setenv(VARIABLE, "job-created")
        assert run.run("migrate")[0] == -9
        monkeypatch.delenv(VARIABLE)
        code, _, err = run.run("migrate")
        assert code == 5, err
        states = {job["id"]: job["state"] for job in httpx.get(f"{run.target}/__admin/jobs").json()}
        assert {states.pop(each) for each in foreign} == {"Open"}
        assert sorted(set(states.values())) == ["Aborted", "JobComplete"]
        check_everything(run)
        assert_once(run)
