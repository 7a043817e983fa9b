"""The demo: what a newcomer runs first."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.process, pytest.mark.timeout(240)]


def test_the_demo_runs_the_whole_journey_and_ends_with_balanced_books(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "service", "demo", "--json", "--keep"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "Books balance" in done.stderr
    assert Path(json.loads(done.stdout)["report"]).is_file()
