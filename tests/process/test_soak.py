"""Two hundred kills over one migration, at random moments and at random crash points."""

import signal
import time
from pathlib import Path
from random import Random

import pytest

from service.crash_points import POINTS
from tests.process.crash_rig import CROWDED, Case, Ended, Rig

pytestmark = [pytest.mark.process, pytest.mark.large, pytest.mark.timeout(600)]

KILLS = 200
SEED = 7
LIFE = (1, 26)  # a run lives for so many calls to Salesforce, of which some ten are its beginning
# A run that dies at one of these starts no job's work: so the migration is not over before the kills.
NO_PROGRESS = (
    "workspace-opened",
    "run-noted",
    "identity-noted",
    "mapping-noted",
    "rows-assembled",
    "intent-uncommitted",
    "job-intended",
    "job-created",
    "job-named",
    "job-uploading",
    "job-uploaded",
    "job-upload-noted",
)
LOCKS = 4  # rows that are locked so often make small jobs: the migration lasts
RESUME_BUDGET_S = 5.0


def killed(case: Case, random: Random, *, ahead: bool, forged: bool) -> Ended:
    """Let a run live a little; most are armed too, and may die at a point first."""
    armed = ""
    if ahead:
        armed = random.choice(NO_PROGRESS)
    elif random.random() < 0.7:
        armed = f"{random.choice(sorted(POINTS))}:{random.randint(1, 2)}"
    calls = case.org.api_calls + random.randint(*LIFE)
    pid = case.start(armed, forged=forged)
    end = time.monotonic() + 60
    while case.org.api_calls < calls and case.lives(pid):
        assert time.monotonic() < end, "the migration makes no progress"
        time.sleep(0.002)
    time.sleep(random.random() * 0.02)
    case.kill(pid)
    return case.wait(pid)


def test_200_kills_at_random_moments_lose_and_double_nothing(rig: Rig, tmp_path: Path) -> None:
    random = Random(SEED)
    (tmp_path / "quiet").mkdir()
    quiet = rig.case(tmp_path / "quiet", locks=LOCKS, sizes=CROWDED)
    wanted = quiet.finish()
    effects = quiet.effects()
    (tmp_path / "soaked").mkdir()
    case = rig.case(tmp_path / "soaked", locks=LOCKS, sizes=CROWDED, job_delay_s=0.1)
    begun, at_points = time.monotonic(), 0
    for number in range(KILLS):
        ahead = case.effects() > 0.8 * effects * number / KILLS
        ended = killed(case, random, ahead=ahead, forged=number % 10 != 0)
        assert ended.code == -signal.SIGKILL, f"kill {number}: {ended.err[-3000:]}"
        at_points += "crash point" in ended.err
    made = case.effects()
    took = resume(case)
    case.assert_whole(case.finish(forged=False), wanted, orphans=True)
    print(  # noqa: T201
        f"{KILLS} kills, {at_points} of them at points, {made} of {effects} records made then; "
        f"{time.monotonic() - begun:.0f} s; first new row {took:.2f} s after the last start"
    )
    assert took < RESUME_BUDGET_S


def resume(case: Case) -> float:
    """Start the real command; returns the seconds until it has made a record that was not there."""
    before, begun = case.effects(), time.monotonic()
    pid = case.start(forged=False)
    case.wait_until(lambda: case.effects() > before)
    took = time.monotonic() - begun
    case.kill(pid)
    case.wait(pid)
    return took
