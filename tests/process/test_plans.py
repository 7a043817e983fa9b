"""A sample, then a larger one, then all; what is hot first: one crosswalk, no record twice."""

import sqlite3
import time
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from state.workspace import DATABASE
from tests.process.expected import check_everything, keyed, parent
from tests.process.plan_checks import (
    assert_all,
    assert_each_was_made_once,
    assert_whole,
    cases,
    configured,
    there,
    with_files,
)
from tests.process.stand_ins import Journey, journey, sizes
from tests.process.test_changed_map import NEW, OLD
from tests.process.test_delta import DAY, edit
from tests.process.test_retry import told

pytestmark = [pytest.mark.process, pytest.mark.timeout(300)]


def traits(run: Journey, keys: set[str]) -> dict[str, set[Any]]:
    """What kinds of conversations there are among `keys`, as a person would tell them."""
    rows = [row for key, row in there(run, "conversation").items() if key in keys]
    files = with_files(run)
    return {
        "channel": {row["attributes"]["channels"][0] for row in rows},
        "status": {row["attributes"]["status"] for row in rows},
        "older than two years": {row["attributes"]["createdAt"] < "2024-11-20" for row in rows},
        "younger than a month": {row["attributes"]["createdAt"] > "2026-10-30" for row in rows},
        "attachments": {row["id"] in files for row in rows},
    }


def test_a_sample_has_some_of_everything_and_later_runs_keep_it(tmp_path: Path) -> None:
    with journey(tmp_path, sizes(1000, 2500)) as run:
        configured(run)
        [stage] = told(run, "migrate", "--sample", "50", code=5)["stages"]
        assert stage["done_at"]
        assert stage["conversations"] == 50
        assert stage["files"] == "all"
        first = cases(run)
        assert_whole(run, first)
        assert traits(run, first) == traits(run, set(there(run, "conversation")))
        assert len(keyed(run.target_records("Contact"))) < 60
        effects = len(run.effects())
        assert told(run, "migrate", "--sample", "50", code=5)["jobs_sent"] == 0
        assert len(run.effects()) == effects
        stages = told(run, "migrate", "--sample", "300", code=5)["stages"]
        strata = stages[-1]["strata"]
        assert sum(each["conversations"] for each in strata) == len(there(run, "conversation"))
        assert all(each["picked"] for each in strata), "300 is more than there are strata"
        larger = cases(run)
        assert first < larger
        assert 300 <= len(larger) < 350
        assert_whole(run, larger)
        assert told(run, "delta", code=3)["error"]["code"] == "not-loaded"
        done = told(run, "migrate", code=5)
        assert [each["name"] for each in done["stages"]] == ["sample", "sample", "all"]
        assert_all(run, len(there(run, "conversation")))
        book = done["phases"]["conversations"]
        assert book["duplicates"] > 300
        assert told(run, "migrate", "--sample", "400", code=3)["error"]["code"] == "sample-too-late"
        effects = len(run.effects())
        assert told(run, "migrate", code=5)["jobs_sent"] == 0
        assert told(run, "delta", code=5)["jobs_sent"] == 0
        assert len(run.effects()) == effects


def test_the_same_seed_picks_the_same_and_another_one_others(tmp_path: Path) -> None:
    with journey(tmp_path, sizes(300, 400)) as run:
        configured(run)
        picked = []
        for folder, seed in (("a", "1"), ("b", "1"), ("c", "2")):
            (tmp_path / folder).mkdir()
            other = Journey(tmp_path / folder, run.source, run.target, run.org_id)
            other.configure()
            told(other, "migrate", "--sample", "40", "--seed", seed, code=5)
            exported = told(other, "status", code=0)["phases"]
            assert {each["name"]: each["difference"] for each in exported}["conversations"] == 0
            picked.append(picks(other))
        assert picked[0] == picked[1]
        assert picked[0] != picked[2]


def test_a_sample_follows_a_map_that_was_changed_for_it_and_brings_its_customers_klasses(
    tmp_path: Path,
) -> None:
    options = [*sizes(60, 120), "--rich", "--kobjects=100"]
    with journey(tmp_path, options, ["--bare"]) as run:
        run.confirmed = True
        configured(run)
        for command in (("map", "propose"), ("map", "confirm", "--by=Ada"), ("schema", "deploy")):
            told(run, *command, code=0)
        told(run, "migrate", "--sample", "12", code=5)
        picked = cases(run)
        assert len(picked) == 12
        source = there(run, "conversation")
        customers = {parent(source[key], "customer") for key in picked}
        orders = {
            key
            for key, row in run.source_records("kobject").items()
            if row["type"] == "kobject.order" and parent(row, "customer") in customers
        }
        assert keyed(run.target_records("Order__c")).keys() == orders != set()
        path = run.folder / "ferry" / "mapping.yaml"
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace(OLD, NEW), encoding="utf-8")
        told(run, "map", "confirm", "--by=Ada", code=0)
        told(run, "migrate", "--sample", "12", code=5)
        made = keyed(run.target_records("Case"))
        assert made.keys() == picked
        for key, row in made.items():
            assert row["Kustomer_Direction__c"] == source[key]["attributes"]["status"]
        told(run, "migrate", code=5)
        assert_all(run, len(source))
        wanted = Counter(row["type"] for row in run.source_records("kobject").values())
        assert len(run.target_records("Order__c")) == wanted["kobject.order"]
        assert len(run.target_records("Order_Item__c")) == wanted["kobject.order-item"]


def picks(run: Journey) -> set[str]:
    """The conversations that a workspace has read as its sample."""
    with closing(sqlite3.connect(run.folder / "ferry" / DATABASE)) as database:
        [(text,)] = database.execute("SELECT value FROM fact WHERE key = 'sample.picked'")
    return set(text.split(","))


@pytest.mark.parametrize("by_conversation", [10_000, 0])
def test_what_is_hot_is_whole_before_history_begins_and_then_all_is(
    tmp_path: Path, by_conversation: int
) -> None:
    with journey(tmp_path, sizes(300, 900)) as run:
        configured(run, plans={"by_conversation": by_conversation})
        assert told(run, "migrate", "--hot-only", code=2)["error"]["code"] == "usage-invalid"
        assert not cases(run)
        told(run, "plan", "set", "--open-first", "--recent", "60", "--by", "Ada", code=0)
        first = told(run, "migrate", "--hot-only", code=5)
        assert [each["name"] for each in first["stages"]] == ["hot"]
        source = there(run, "conversation")
        recent = datetime.fromtimestamp(time.time() - 60 * 86_400, UTC).isoformat()
        hot = {
            key
            for key, row in source.items()
            if row["attributes"]["status"] != "done" or row["attributes"]["updatedAt"] >= recent
        }
        found = cases(run)
        if by_conversation:  # search does not reach open ones that nobody touched for two years
            old = {key for key in hot - found if source[key]["attributes"]["updatedAt"] < "2025"}
            assert found | old == hot
        else:
            assert found == hot
            skipped = first["phases"]["conversations"]["skipped"]
            assert skipped["later"] == len(source) - len(hot)
        assert_whole(run, found)
        people = keyed(run.target_records("Contact")) | keyed(run.target_records("Lead"))
        assert people.keys() == there(run, "customer").keys(), "customers all go first"
        [stage] = told(run, "status", code=0)["plan"]["stages"]
        assert stage["done_at"] and stage["name"] == "hot"
        assert told(run, "delta", code=3)["error"]["code"] == "not-loaded"
        at_work = keyed(run.target_records("Case"))[min(found)]["Id"]
        edit(run, "Case", at_work, Description="an agent was here")
        a_day_between(run)
        done = told(run, "migrate", code=5)
        assert [each["name"] for each in done["stages"]] == ["hot", "all"]
        assert "later" not in done["phases"]["conversations"]["skipped"]
        told(run, "delta", code=5)
        assert check_everything(run, second_passes=False)["conversations"] > len(source)
        assert_each_was_made_once(run)
        [kept] = [each for each in run.target_records("Case") if each["Id"] == at_work]
        assert kept["Description"] == "an agent was here"
        effects = len(run.effects())
        assert told(run, "delta", code=5)["jobs_sent"] == 0
        assert len(run.effects()) == effects


def a_day_between(run: Journey) -> None:
    asked = {"burst": 150, "weights": dict.fromkeys(DAY, 1)}
    httpx.post(f"{run.source}/__admin/churn", json=asked, timeout=60).raise_for_status()
