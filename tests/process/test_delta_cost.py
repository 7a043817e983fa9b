"""What a delta costs: few calls where nothing has changed, and more with the changes only."""

from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.process.stand_ins import Journey, journey, sizes
from tests.process.test_delta import configured, of
from tests.process.test_retry import told

pytestmark = [pytest.mark.process, pytest.mark.timeout(300)]

CONVERSATIONS = 1_200
# One search a stream that has a window, one page a small list, who the key is; describes and counts.
MOST_SOURCE_CALLS = 30
MOST_TARGET_CALLS = 25


def calls(run: Journey) -> tuple[int, int]:
    """Requests that both sides have counted so far."""
    routes = Counter(run.stats(run.source)["routes"])
    asked = sum(count for route, count in routes.items() if "__admin" not in route)
    return asked, int(run.stats(run.target)["api_calls"])


def cost(run: Journey, changed: int, round_number: int) -> tuple[int, int, Any]:
    """Change so many conversations, run a delta; returns its calls on both sides and its document."""
    ids = sorted(of(run, "conversation"))[:changed]
    with httpx.Client() as client:
        for each in ids:
            url = f"{run.source}/__admin/records/conversation/{each}"
            given = {"attributes": {"name": f"round {round_number} of {each}"}}
            client.put(url, json=given).raise_for_status()
    before = calls(run)
    document = told(run, "delta", code=5)
    after = calls(run)
    return after[0] - before[0], after[1] - before[1], document


def test_calls_of_a_delta_are_few_without_changes_and_grow_with_the_changes_alone(
    tmp_path: Path,
) -> None:
    with journey(tmp_path, sizes(CONVERSATIONS, CONVERSATIONS)) as run:
        configured(run, overlap_seconds=0)
        told(run, "migrate", code=5)
        told(run, "delta", code=5)
        nothing = [cost(run, 0, number) for number in range(2)]
        for source, target, document in nothing:
            assert source <= MOST_SOURCE_CALLS
            assert target <= MOST_TARGET_CALLS
            assert document["jobs_sent"] == 0
        assert nothing[0][:2] == nothing[1][:2], "the same each time"
        few, many = cost(run, 10, 2), cost(run, 1_000, 3)
        books = many[2]["phases"]["conversations"]
        assert books["changed"] == 1_010
        assert few[0] - nothing[0][0] <= 12, "a page, its look, and the names of small things"
        assert many[0] - few[0] <= 1 + 1_000 // 500, "a page more for each 500 records"
        assert many[1] - few[1] <= 4 * (1_000 // 500), "a look by id for each 500 records"
