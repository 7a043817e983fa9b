"""A whole load under churn, kills and faults, then deltas and the switch: the target is as the source."""

import json
import signal
from collections import Counter
from pathlib import Path

import httpx
import pytest

from service.crash_points import VARIABLE
from tests.process.expected import check_everything
from tests.process.stand_ins import Journey, journey, sizes
from tests.process.test_delta import DAY, NOISE
from tests.process.test_retry import told

pytestmark = [pytest.mark.process, pytest.mark.large, pytest.mark.timeout(1_500)]
KINDS = [*DAY, *NOISE, "note.create"]
KILLS = ("batch-sealed:9", "job-closed:2", "results-learned:2", "harvest-ended")
CONVERSATIONS, MESSAGES = 10_000, 32_000  # with notes, customers and companies over 50,000 records
WRITES = 1_000
CHAOS = {"rate": 0.01, "seed": 11}


def churned(run: Journey, **churn: object) -> int:
    """Start, change or stop the churn; returns how many writes it has made."""
    reply = httpx.post(f"{run.source}/__admin/churn", json=churn, timeout=60)
    return int(reply.raise_for_status().json()["writes"])


def written(run: Journey) -> int:
    """How many writes the churn has made so far."""
    return int(httpx.get(f"{run.source}/__admin/churn", timeout=60).json()["writes"])


def killed(run: Journey, command: str, point: str) -> None:
    child = run.start(command, environment={VARIABLE: point})
    _, err = child.communicate(timeout=600)
    assert child.returncode == -signal.SIGKILL, f"{point}: {err}"


def test_a_load_under_churn_its_deltas_and_the_switch_end_equal_to_the_source(
    tmp_path: Path,
) -> None:
    with journey(tmp_path, [*sizes(CONVERSATIONS, MESSAGES), "--index-lag=2"]) as run:
        delta = {"lag_seconds": 3, "overlap_seconds": 60}
        cutover = {"quiet_minutes": 0.1, "look_seconds": 2, "proof": "whole"}
        with (run.folder / "deskferry.yaml").open("a", encoding="utf-8") as config:
            config.write(f"delta: {json.dumps(delta)}\ncutover: {json.dumps(cutover)}\n")
        churned(run, rate=20, seed=5, weights=dict.fromkeys(KINDS, 1))
        for side in (run.source, run.target):
            httpx.post(f"{side}/__admin/chaos", json=CHAOS).raise_for_status()
        for point in KILLS:
            killed(run, "migrate", point)
        books = told(run, "migrate", code=5)["phases"]
        assert sum(book["loaded"] + book["matched"] for book in books.values()) > 50_000
        killed(run, "delta", "job-closed")
        told(run, "delta", code=5)
        for side in (run.source, run.target):
            httpx.delete(f"{side}/__admin/chaos").raise_for_status()
        # A quick machine is through the load before there are so many.
        while written(run) <= WRITES:
            told(run, "delta", code=5)
        assert churned(run, rate=0) > WRITES
        decided = told(run, "cutover", "start", code=0)
        assert decided["verdict"] == "go", decided["criteria"]
        assert check_everything(run, second_passes=False)["messages"] > MESSAGES
        inserts = Counter(
            (each["object"], each["external_id"])
            for each in run.effects()
            if each["op"] == "insert" and each["external_id"]
        )
        assert max(inserts.values()) == 1
        effects = len(run.effects())
        assert told(run, "delta", code=5)["jobs_sent"] == 0
        told(run, "cutover", "finish", "--by=Ada", code=0)
        assert len(run.effects()) == effects
