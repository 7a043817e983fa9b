"""The full-size journey."""

import json
from pathlib import Path

import pytest

from tests.process.expected import check_everything
from tests.process.stand_ins import journey, sizes

pytestmark = [pytest.mark.process, pytest.mark.large, pytest.mark.timeout(1200)]


def test_100_000_messages_in_20_000_conversations_arrive_whole(tmp_path: Path) -> None:
    with journey(tmp_path, sizes(20_000, 100_000)) as run:
        code, out, err = run.run("migrate", "--json")
        assert code == 5, err
        told = json.loads(out)
        assert told["phases"]["messages"]["loaded"] == 100_000
        assert check_everything(run)["messages"] == 100_000
        before = len(run.effects())
        code, out, _ = run.run("migrate", "--json")
        assert (code, json.loads(out)["jobs_sent"]) == (5, 0)
        assert len(run.effects()) == before
        batches = run.stats(run.target)["rows_per_batch"]
        print(f"{told['seconds']} s, rows per batch {batches}")  # noqa: T201
