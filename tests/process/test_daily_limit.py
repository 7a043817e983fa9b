"""Salesforce's daily limit: the run pauses, says why, drains at once, and goes on by itself."""

import signal
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.process.expected import check_everything
from tests.process.stand_ins import Journey, journey, sizes
from tests.process.test_journey import assert_once

pytestmark = pytest.mark.process


def day(run: Journey, **given: Any) -> None:
    httpx.post(f"{run.target}/__admin/settings", json=given).raise_for_status()


def test_the_reserve_of_the_day_is_kept_and_a_stop_in_the_pause_drains_at_once(
    tmp_path: Path,
) -> None:
    with journey(tmp_path, sizes(30, 60)) as run:
        day(run, api_calls_max=1_000, api_calls=885)
        child = run.start("migrate")
        assert child.stderr is not None
        for line in child.stderr:
            if "waiting for Salesforce's daily requests to free up" in line:
                break
        assert "100 are kept for others" in line
        assert run.stats(run.target)["api_calls"] < 915, "questions apart, the reserve is untouched"
        begun = time.monotonic()
        child.send_signal(signal.SIGTERM)
        _, err = child.communicate(timeout=20)
        assert (child.returncode, time.monotonic() - begun < 5) == (7, True), err
        day(run, api_calls_max=1_000, api_calls=895)
        child = run.start("migrate")
        assert child.stderr is not None
        for line in child.stderr:
            if "waiting for Salesforce's daily requests" in line:
                day(run, api_calls=0)
                break
        _, err = child.communicate(timeout=120)
        assert child.returncode == 5, err
        check_everything(run)
        assert_once(run)
