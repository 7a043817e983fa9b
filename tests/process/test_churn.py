"""The shipped command serves an org that changes by itself, and tells the truth of it in a file."""

import json
import time
from pathlib import Path

import httpx
import pytest

from tests.process.stand_ins import journey, sizes

pytestmark = pytest.mark.process


def test_an_org_served_with_churn_moves_until_its_writes_are_made(tmp_path: Path) -> None:
    truth = tmp_path / "truth.jsonl"
    churn = ["--churn=500", "--churn-seed=3", "--churn-writes=120", f"--truth={truth}"]
    with journey(tmp_path, [*sizes(60, 200), *churn]) as run:
        end = time.monotonic() + 30
        while (told := httpx.get(f"{run.source}/__admin/churn").json())["rate"]:
            assert time.monotonic() < end, "churn does not end"
            time.sleep(0.02)
        lines = httpx.get(f"{run.source}/__admin/truth").text
        while len(truth.read_text(encoding="utf-8")) < len(lines):
            assert time.monotonic() < end, "the file lags"
            time.sleep(0.02)
    assert (told["seed"], told["writes"], told["seq"]) == (3, 120, 120)
    assert truth.read_text(encoding="utf-8") == lines
    assert [json.loads(line)["seq"] for line in lines.splitlines()] == list(range(1, 121))
