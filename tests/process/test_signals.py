"""SIGTERM and SIGINT with the real process: it stops in time, and the next run goes on."""

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from tests.process.crash_rig import Case, Ended, Rig, Whole

pytestmark = pytest.mark.process
DRAIN_S = 10.0


def stopped(case: Case, pid: int, *signals: signal.Signals) -> Ended:
    """Send `signals`; the process must say what it did, and end in time with the code for it."""
    begun = time.monotonic()
    for each in signals:
        os.kill(pid, each)
    ended = case.wait(pid)
    assert time.monotonic() - begun < DRAIN_S
    assert ended.code == 7, ended.err
    assert "interrupted: " in ended.err
    assert "Next: " in ended.err
    return ended


@pytest.mark.parametrize(
    ("made", "which"),
    [
        (-1, signal.SIGTERM),
        (0, signal.SIGINT),
        (1, signal.SIGTERM),
        (60, signal.SIGINT),
        (300, signal.SIGTERM),
        (430, signal.SIGTERM),
    ],
)
def test_a_signal_stops_it_in_time_and_the_next_run_goes_on(
    rig: Rig, uninterrupted: Whole, tmp_path: Path, made: int, which: signal.Signals
) -> None:
    case = rig.case(tmp_path, job_delay_s=0.1)
    case.confirm()
    before = case.org.api_calls
    pid = case.start()
    if made < 0:
        case.wait_until(lambda: case.org.api_calls > before)
    elif made == 0:
        case.wait_until(lambda: list((tmp_path / "ferry" / "spool").glob("*.batch")) != [])
    else:
        case.wait_until(lambda: case.effects() >= made)
    stopped(case, pid, which)
    case.assert_whole(case.finish(), uninterrupted)


@pytest.mark.parametrize("made", [1, 300])
def test_a_second_signal_ends_it_at_once_and_that_is_safe(
    rig: Rig, uninterrupted: Whole, tmp_path: Path, made: int
) -> None:
    case = rig.case(tmp_path, job_delay_s=0.1)
    pid = case.start()
    case.wait_until(lambda: case.effects() >= made)
    stopped(case, pid, signal.SIGTERM, signal.SIGTERM)
    case.assert_whole(case.finish(), uninterrupted)


@pytest.mark.parametrize(
    "stalled",
    [
        {"match": "/services/data/", "method": "GET"},
        {"match": "/jobs/ingest", "method": "POST"},
        {"match": "/batches", "method": "PUT"},
        {"match": "/jobs/ingest", "method": "PATCH"},
        {"match": "Results", "method": "GET"},
    ],
    ids=lambda each: f"{each['method']} {each['match']}",
)
def test_it_stops_in_time_while_salesforce_does_not_answer(
    rig: Rig, uninterrupted: Whole, tmp_path: Path, stalled: dict[str, Any]
) -> None:
    case = rig.case(tmp_path)
    case.confirm()
    case.fault(kind="stall", seconds=60, **stalled)
    pid = case.start()
    case.wait_until(lambda: case.faults_struck() > 0)
    stopped(case, pid, signal.SIGTERM)
    case.clear_faults()
    case.assert_whole(case.finish(), uninterrupted)
