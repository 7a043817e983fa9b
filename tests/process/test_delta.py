"""Changes in Kustomer arrive in Salesforce; what has not changed costs nothing; agents' edits stay."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.process.expected import check_everything
from tests.process.stand_ins import Journey, journey, sizes
from tests.process.test_retry import told

pytestmark = [pytest.mark.process, pytest.mark.timeout(300)]

# What an agent's day is made of, without deletions, merges, and customers that change their kind.
DAY = [
    "conversation.create",
    "message.create",
    "note.create",
    "customer.create",
    "customer.name",
    "customer.emails",
    "customer.tags",
    "customer.custom",
    "company.custom",
    "conversation.name",
    "conversation.status",
    "conversation.priority",
    "conversation.assigned_users",
    "conversation.assigned_teams",
    "conversation.tags",
    "conversation.custom",
    "conversation.relink",
]
NOISE = ["customer.noise", "conversation.noise", "message.noise"]


def burst(run: Journey, writes: int, kinds: list[str]) -> None:
    asked = {"burst": writes, "weights": dict.fromkeys(kinds, 1)}
    httpx.post(f"{run.source}/__admin/churn", json=asked, timeout=60).raise_for_status()


def configured(run: Journey, **delta: Any) -> None:
    with (run.folder / "deskferry.yaml").open("a", encoding="utf-8") as config:
        config.write(f"delta: {json.dumps({'lag_seconds': 0, **delta})}\n")


def loaded(run: Journey) -> None:
    assert told(run, "migrate", code=5)["jobs_sent"] > 0


def written(run: Journey, since: int) -> Counter[tuple[str, str]]:
    return Counter((each["object"], each["op"]) for each in run.effects()[since:])


def test_a_day_of_changes_arrives_and_a_second_delta_writes_nothing(tmp_path: Path) -> None:
    with journey(tmp_path, sizes(60, 200)) as run:
        configured(run)
        loaded(run)
        burst(run, 200, DAY)
        before = len(run.effects())
        books = told(run, "delta", code=5)["phases"]
        assert books["conversations"]["changed"] > 10
        assert check_everything(run)["conversations"] > 60
        changes = written(run, before)
        assert changes["Case", "insert"] > 3
        assert changes["EmailMessage", "insert"] > 3
        assert {op for _, op in changes} == {"insert", "update"}
        before = len(run.effects())
        again = told(run, "delta", code=5)
        assert again["jobs_sent"] == 0
        assert len(run.effects()) == before


def test_noise_costs_no_write(tmp_path: Path) -> None:
    with journey(tmp_path, sizes(40, 100)) as run:
        configured(run)
        loaded(run)
        burst(run, 150, NOISE)
        before = len(run.effects())
        assert told(run, "delta", code=5)["jobs_sent"] == 0
        assert len(run.effects()) == before
