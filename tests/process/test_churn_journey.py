"""A whole load under churn, kills and faults, then deltas: the target ends as the source is."""

import signal
import time
from collections import Counter
from pathlib import Path

import httpx
import pytest

from service.crash_points import VARIABLE
from tests.process.expected import check_everything
from tests.process.stand_ins import journey, sizes
from tests.process.test_delta import DAY, NOISE, configured
from tests.process.test_retry import told

pytestmark = [pytest.mark.process, pytest.mark.large, pytest.mark.timeout(900)]
KINDS = [*DAY, *NOISE, "note.create"]
KILLS = ("batch-sealed:3", "job-closed:2", "results-learned", "harvest-ended")


def test_a_load_under_churn_and_its_deltas_end_equal_to_the_source(tmp_path: Path) -> None:
    with journey(tmp_path, [*sizes(3_000, 12_000), "--index-lag=2"]) as run:
        configured(run, lag_seconds=3, overlap_seconds=60)
        churn = {"rate": 20, "seed": 5, "weights": dict.fromkeys(KINDS, 1)}
        httpx.post(f"{run.source}/__admin/churn", json=churn).raise_for_status()
        for point in KILLS:
            child = run.start("migrate", environment={VARIABLE: point})
            _, err = child.communicate(timeout=300)
            assert child.returncode == -signal.SIGKILL, f"{point}: {err}"
        told(run, "migrate", code=5)
        child = run.start("delta", environment={VARIABLE: "job-closed"})
        child.communicate(timeout=300)
        assert child.returncode == -signal.SIGKILL
        told(run, "delta", code=5)
        writes = httpx.get(f"{run.source}/__admin/churn").json()
        httpx.post(f"{run.source}/__admin/churn", json={"rate": 0}).raise_for_status()
        frozen = time.monotonic()
        while time.monotonic() - frozen < 8:  # the index lags, and so does the window
            told(run, "delta", code=5)
        assert writes["writes"] > 300
        assert check_everything(run, second_passes=False)["messages"] > 12_000
        inserts = Counter(
            (each["object"], each["external_id"])
            for each in run.effects()
            if each["op"] == "insert" and each["external_id"]
        )
        assert max(inserts.values()) == 1
        effects = len(run.effects())
        assert told(run, "delta", code=5)["jobs_sent"] == 0
        assert len(run.effects()) == effects
