"""Death within and between the stages of a plan."""

from pathlib import Path

import pytest

from tests.process.plan_checks import (
    assert_all,
    assert_each_was_made_once,
    assert_whole,
    cases,
    configured,
    killed,
    there,
)
from tests.process.stand_ins import journey, sizes
from tests.process.test_retry import told

pytestmark = [pytest.mark.process, pytest.mark.timeout(300)]


KILLS = (
    "sample-picked",
    "stage-planned",
    "stage-uncommitted",
    "stage-begun",
    "page-queued:6",
    "batch-sealed:4",
    "job-closed:2",
    "harvest-uncommitted",
    "gate-closed:2",
    "stage-ended",
)


def test_a_sample_that_dies_anywhere_goes_on_and_so_does_what_follows_it(tmp_path: Path) -> None:
    with journey(tmp_path, sizes(120, 300)) as run:
        configured(run)
        for point in KILLS:
            killed(run, point, "migrate", "--sample", "30")
        told(run, "migrate", "--sample", "30", code=5)
        picked = cases(run)
        assert len(picked) == 30
        assert_whole(run, picked)
        for point in ("stage-planned", "stage-uncommitted", "stage-begun", "batch-sealed:3"):
            killed(run, point, "migrate")
        assert told(run, "migrate", "--sample", "30", code=3)["error"]["code"] == "sample-too-late"
        assert told(run, "delta", code=3)["error"]["code"] == "not-loaded"
        told(run, "migrate", code=5)
        assert_all(run, len(there(run, "conversation")))


def test_a_death_within_and_between_the_stages_of_a_plan_loses_and_doubles_nothing(
    tmp_path: Path,
) -> None:
    with journey(tmp_path, sizes(120, 300)) as run:
        configured(run)
        plan = ("plan", "set", "--open-first", "--recent", "60", "--since", "2025-01-01")
        for point in ("plan-uncommitted", "plan-saved"):
            killed(run, point, *plan)
            said = told(run, "plan", "show", code=0)["plan"]
            assert bool(said["set_at"]) is (point == "plan-saved")
        killed(run, "batch-sealed:3", "migrate")
        refused = told(run, "plan", "set", "--since", "2026-01-01", code=3)
        assert refused["error"]["code"] == "plan-in-use"
        told(run, "plan", "set", "--open-first", "--recent", "60", code=3)
        wider = ("--open-first", "--recent", "60", "--since", "2024-06-01", "--under-way")
        told(run, "plan", "set", *wider, code=0)
        killed(run, "stage-ended", "migrate")
        [hot] = told(run, "status", code=0)["plan"]["stages"]
        assert (hot["name"], bool(hot["done_at"])) == ("hot", True)
        for point in ("stage-uncommitted", "stage-begun", "job-closed:2", "gate-closed:4"):
            killed(run, point, "migrate")
        told(run, "migrate", code=5)
        source = there(run, "conversation").items()
        since = "2024-06-01"
        assert_whole(run, {key for key, row in source if row["attributes"]["updatedAt"] >= since})
        assert_each_was_made_once(run)
