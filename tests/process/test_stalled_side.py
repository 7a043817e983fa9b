"""One side stalls while the other could go on: memory stays bounded, and all arrives afterwards."""

import json
import subprocess
import time
from pathlib import Path

import pytest

from tests.process.expected import check_everything
from tests.process.stand_ins import Journey, journey, sizes
from tests.process.test_chaos import add_to_config
from tests.process.test_journey import assert_once

pytestmark = pytest.mark.process

STALL_S = 8.0
MOST_MB = 256  # the budget of the design for the peak of a run


def rss_mb(child: "subprocess.Popen[str]") -> float:
    for line in Path(f"/proc/{child.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def wait_until_read(run: Journey, pages: int) -> None:
    end = time.monotonic() + 120
    while pages_read(run) < pages:
        assert time.monotonic() < end, "nothing is read"
        time.sleep(0.05)


def pages_read(run: Journey) -> int:
    return sum(
        count for route, count in run.stats(run.source)["calls"].items() if "messages" in route
    )


@pytest.mark.large
@pytest.mark.timeout(600)
def test_with_salesforce_stalled_reading_waits_and_memory_does_not_grow(tmp_path: Path) -> None:
    with journey(tmp_path, sizes(500, 80_000)) as run:
        add_to_config(run, "spool_limit_mb: 8\nqueue_mb: 2\n")
        run.fault(run.target, match="/jobs/ingest", kind="stall", seconds=2.0)
        child = run.start("migrate", "--json")
        wait_until_read(run, 200)
        samples, pages = [], []
        end = time.monotonic() + 2.5 * STALL_S
        while time.monotonic() < end:
            samples.append(rss_mb(child))
            pages.append(pages_read(run))
            time.sleep(0.5)
        half = len(samples) // 2
        print(f"RSS {min(samples):.0f} to {max(samples):.0f} MB, pages {pages[half]} of 800")  # noqa: T201
        assert pages[half] == pages[-1] < 700, "reading waits while Salesforce takes nothing"
        assert max(samples) < MOST_MB
        assert max(samples[half:]) <= max(samples[:half]) + 8
        run.clear_faults(run.target)
        out, err = child.communicate(timeout=300)
        assert child.returncode == 5, err
        assert "waiting for" in err
        assert json.loads(out)["phases"]["messages"]["loaded"] == 80_000
        check_everything(run)
        assert_once(run)


def test_with_kustomer_down_what_was_read_is_loaded_and_then_all_arrives(tmp_path: Path) -> None:
    with journey(tmp_path, sizes(300, 6_000)) as run:
        run.fault(run.source, match="/v1/messages", kind="stall", seconds=1.0, after=25)
        child = run.start("migrate")
        end = time.monotonic() + 60
        while not any(each["object"] == "Case" for each in run.effects()):
            assert time.monotonic() < end, "what was read is not loaded"
            time.sleep(0.1)
        time.sleep(STALL_S / 4)
        before = rss_mb(child)
        assert child.poll() is None
        run.clear_faults(run.source)
        _, err = child.communicate(timeout=120)
        assert child.returncode == 5, err
        assert before < MOST_MB
        check_everything(run)
        assert_once(run)
