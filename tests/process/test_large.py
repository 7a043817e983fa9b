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


def test_a_list_that_stops_short_is_read_by_search_windows_and_the_archive(tmp_path: Path) -> None:
    options = [*sizes(300, 10_400), "--list-cap=100"]
    with journey(tmp_path, options) as run:
        code, _, err = run.run("migrate", "--json")
        assert code == 5, err
        code, out, _ = run.run("report", "--json")
        ways = {each["name"]: each["way"] for each in json.loads(out)["phases"]}
        assert ways["messages"] == "search windows"
        assert ways["conversations"] == "list"
        assert check_everything(run)["messages"] == 10_400
