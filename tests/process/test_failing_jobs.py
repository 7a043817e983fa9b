"""Jobs and rows that Salesforce does not finish, and what becomes of them."""

import json
from pathlib import Path

import httpx
import pytest

from tests.process.expected import check_everything
from tests.process.stand_ins import Journey, journey, sizes
from tests.process.test_journey import assert_once, wait_until_made

pytestmark = pytest.mark.process


def fail_next_job(run: Journey, after: int) -> None:
    httpx.post(f"{run.target}/__admin/fail-next-job?after={after}").raise_for_status()


def test_a_job_that_fails_midway_keeps_its_rows_and_the_rest_goes_in_another(
    tmp_path: Path,
) -> None:
    with journey(tmp_path, sizes(700, 900)) as run:
        fail_next_job(run, 200)
        code, out, err = run.run("migrate", "--json")
        while code == 6:  # small first jobs are refused whole: the next run goes on
            assert "job-refused" in err
            fail_next_job(run, 200)
            code, out, err = run.run("migrate", "--json")
        assert code == 5, err
        check_everything(run)
        assert_once(run)
        assert json.loads(out)["phases"]["conversations"]["failed"] == {}


def test_a_job_refused_whole_says_why_and_its_rows_wait(tmp_path: Path) -> None:
    with journey(tmp_path, sizes(40, 60)) as run:
        fail_next_job(run, 0)
        code, _, err = run.run("migrate")
        assert code == 6
        assert "job-refused" in err
        assert "Next:" in err
        code, _, err = run.run("migrate")
        assert code == 5, err
        check_everything(run)
        assert_once(run)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "GET"])
@pytest.mark.parametrize("kind", ["reset_before", "reset_after", "html"])
def test_lost_replies_at_every_step_of_a_job_double_nothing(
    tmp_path: Path, method: str, kind: str
) -> None:
    with journey(tmp_path, sizes(30, 60)) as run:
        run.fault(run.target, match="/jobs/ingest", method=method, kind=kind, times=2)
        code, _, err = run.run("migrate")
        if code == 6:  # a doubt that needs a new start is not guessed at
            code, _, err = run.run("migrate")
        assert code == 5, err
        check_everything(run)
        assert_once(run)


def test_an_expired_session_is_renewed_in_the_middle(tmp_path: Path) -> None:
    with journey(tmp_path, sizes(30, 60), ["--job-delay=0.3"]) as run:
        child = run.start("migrate")
        wait_until_made(run, 1)
        httpx.post(f"{run.target}/__admin/expire-tokens").raise_for_status()
        _, err = child.communicate(timeout=120)
        assert child.returncode == 5, err
        check_everything(run)
        assert_once(run)
