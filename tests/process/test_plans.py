"""A sample, then a larger one, then all; what is hot first; filters: one crosswalk, no record twice."""

import json
import signal
import sqlite3
import time
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.crash_points import VARIABLE
from state.workspace import DATABASE
from tests.process.expected import check_case, check_everything, keyed, parent
from tests.process.stand_ins import Journey, journey, sizes
from tests.process.test_changed_map import NEW, OLD
from tests.process.test_delta import DAY
from tests.process.test_retry import told

pytestmark = [pytest.mark.process, pytest.mark.timeout(300)]


def configured(run: Journey, **sections: Any) -> None:
    with (run.folder / "deskferry.yaml").open("a", encoding="utf-8") as config:
        for name, values in {"delta": {"lag_seconds": 0}, **sections}.items():
            config.write(f"{name}: {json.dumps(values)}\n")


def there(run: Journey, kind: str) -> dict[str, dict[str, Any]]:
    """The living records of a kind in the source."""
    rows = run.source_records(kind).items()
    return {key: row for key, row in rows if not row["attributes"].get("deleted")}


def cases(run: Journey) -> set[str]:
    return set(keyed(run.target_records("Case")))


def assert_each_was_made_once(run: Journey) -> None:
    inserts = Counter(
        (each["object"], each["external_id"])
        for each in run.effects()
        if each["op"] == "insert" and each["external_id"]
    )
    assert max(inserts.values()) == 1


def with_files(run: Journey) -> set[str]:
    messages = run.source_records("message")
    found = {parent(row, "message") for row in run.source_records("attachment").values()}
    return {parent(messages[each], "conversation") or "" for each in found if each in messages}


def assert_whole(run: Journey, chosen: set[str]) -> None:
    """Every chosen conversation is there, with all that belongs to it, and nothing of others."""
    source = there(run, "conversation")
    made = keyed(run.target_records("Case"))
    assert set(made) == chosen
    contacts, leads = keyed(run.target_records("Contact")), keyed(run.target_records("Lead"))
    for key in chosen:
        check_case(source[key], made[key], contacts, leads)
    mails = keyed(run.target_records("EmailMessage"))
    wanted = {
        key: row
        for key, row in run.source_records("message").items()
        if parent(row, "conversation") in chosen
    }
    assert mails.keys() == wanted.keys()
    for key, row in wanted.items():
        assert mails[key]["ParentId"] == made[parent(row, "conversation") or ""]["Id"]
    notes = Counter(parent(row, "conversation") for row in run.source_records("note").values())
    ids = {row["Id"]: key for key, row in made.items()}
    commented = {ids[row["ParentId"]] for row in run.target_records("CaseComment")}
    assert commented == chosen & notes.keys()


def assert_all(run: Journey, conversations: int) -> None:
    assert check_everything(run)["conversations"] == conversations
    assert_each_was_made_once(run)


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
        a_day_between(run)
        done = told(run, "migrate", code=5)
        assert [each["name"] for each in done["stages"]] == ["hot", "all"]
        assert "later" not in done["phases"]["conversations"]["skipped"]
        told(run, "delta", code=5)
        assert check_everything(run, second_passes=False)["conversations"] > len(source)
        assert_each_was_made_once(run)
        effects = len(run.effects())
        assert told(run, "delta", code=5)["jobs_sent"] == 0
        assert len(run.effects()) == effects


def a_day_between(run: Journey) -> None:
    asked = {"burst": 150, "weights": dict.fromkeys(DAY, 1)}
    httpx.post(f"{run.source}/__admin/churn", json=asked, timeout=60).raise_for_status()


def put_brands(run: Journey) -> str:
    """Give a brand to a third of the conversations; returns its id."""
    brand = min(run.source_records("brand"))
    for key in sorted(there(run, "conversation"))[::3]:
        relation = {"brand": {"data": {"type": "brand", "id": brand}}}
        url = f"{run.source}/__admin/records/conversation/{key}?touch=false"
        httpx.put(url, json={"relationships": relation}).raise_for_status()
    return brand


def filters(run: Journey) -> dict[str, tuple[list[str], Any]]:
    """For each filter the options that set it, and which conversations it takes."""
    brand = put_brands(run)
    tag = min(run.source_records("tag"))
    team, named = next(iter(sorted(run.source_records("team").items())))
    return {
        "created": (
            ["--created-since", "2025-06-01", "--created-before", "2026-06-01T00:00:00Z"],
            lambda row: "2025-06-01" <= row["attributes"]["createdAt"] < "2026-06-01",
        ),
        "touched": (
            ["--since", "2026-01-01"],
            lambda row: row["attributes"]["updatedAt"] >= "2026-01-01",
        ),
        "team": (
            ["--team", named["attributes"]["name"].upper()],
            lambda row: team in row["attributes"]["assignedTeams"],
        ),
        "brand": (["--brand", brand], lambda row: parent(row, "brand") == brand),
        "tag": (["--tag", tag], lambda row: tag in row["attributes"]["tags"]),
    }


@pytest.mark.parametrize("name", ["created", "touched", "team", "brand", "tag"])
def test_a_filter_takes_its_conversations_whole_and_counts_what_stays(
    tmp_path: Path, name: str
) -> None:
    with journey(tmp_path, sizes(240, 600)) as run:
        configured(run)
        options, takes = filters(run)[name]
        assert told(run, "plan", "set", *options, "--by", "Ada", code=0)["plan"]["set_by"] == "Ada"
        books = told(run, "migrate", code=5)["phases"]
        source = there(run, "conversation")
        chosen = {key for key, row in source.items() if takes(row)}
        assert 5 < len(chosen) < len(source) - 5
        assert_whole(run, chosen)
        skipped = {each: books[each]["skipped"].get("outside-plan", 0) for each in books}
        assert skipped["conversations"] == len(source) - len(chosen)
        for kind in ("message", "note"):
            rows = run.source_records(kind).values()
            outside = sum(parent(row, "conversation") not in chosen for row in rows)
            assert skipped[f"{kind}s"] == outside
        assert skipped["customers"] == 0
        left = told(run, "plan", "show", code=0)["left_out"]
        assert left == skipped["conversations"]
        report = told(run, "report", code=0)
        assert "outside-plan" in {each["reason"] for each in report["reasons"]}
        assert "Set by Ada" in Path(report["path"]).read_text(encoding="utf-8")
        effects = len(run.effects())
        assert told(run, "delta", code=5)["jobs_sent"] == 0
        again = told(run, "migrate", code=5)
        assert again["jobs_sent"] == 0
        assert len(run.effects()) == effects


def test_a_wider_plan_brings_what_was_left_out_and_a_narrower_one_takes_nothing_away(
    tmp_path: Path,
) -> None:
    with journey(tmp_path, sizes(200, 500)) as run:
        configured(run)
        said = told(run, "plan", "set", "--since", "2026-03-01", code=0)
        assert said["change"] == "narrower"
        told(run, "migrate", code=5)
        few = cases(run)
        wider = told(run, "plan", "set", "--since", "2025-06-01", code=0)
        assert (wider["change"], wider["read_again"]) == ("wider", True)
        told(run, "migrate", code=5)
        more = cases(run)
        assert few < more
        assert_whole(run, more)
        narrower = told(run, "plan", "set", "--since", "2026-09-01", code=0)
        assert (narrower["change"], narrower["read_again"]) == ("narrower", False)
        assert told(run, "migrate", code=5)["jobs_sent"] == 0
        assert cases(run) == more
        told(run, "plan", "set", code=0)
        books = told(run, "migrate", code=5)["phases"]
        assert "outside-plan" not in books["conversations"]["skipped"]
        assert "outside-plan" not in books["messages"]["skipped"]
        assert_all(run, len(there(run, "conversation")))


def test_a_conversation_that_enters_the_plan_brings_its_earlier_messages(tmp_path: Path) -> None:
    with journey(tmp_path, sizes(150, 600)) as run:
        configured(run, delta={"lag_seconds": 0, "overlap_seconds": 0})
        tag = min(run.source_records("tag"))
        told(run, "plan", "set", "--tag", tag, code=0)
        told(run, "migrate", code=5)
        chosen = cases(run)
        outside = sorted(there(run, "conversation").keys() - chosen)
        for key in outside[:5]:
            tagged = {"attributes": {"tags": [tag]}}
            httpx.put(f"{run.source}/__admin/records/conversation/{key}", json=tagged)
        touched = {"attributes": {"priority": 1}}
        httpx.put(f"{run.source}/__admin/records/conversation/{outside[9]}", json=touched)
        before = told(run, "status", code=0)["phases"]
        skipped = {each["name"]: each["skipped"] for each in before}["conversations"]
        for point in ("entered-uncommitted", "entered-begun"):
            child = run.start("delta", environment={VARIABLE: point})
            assert child.wait(120) == -signal.SIGKILL
            child.communicate()
            if point == "entered-uncommitted":
                assert chosen < cases(run)
        books = told(run, "delta", code=5)["phases"]
        assert_whole(run, chosen | set(outside[:5]))
        left = books["conversations"]["skipped"]["outside-plan"]
        assert left == skipped["outside-plan"] - 5
        assert_each_was_made_once(run)
        assert told(run, "delta", code=5)["jobs_sent"] == 0


def people_of(run: Journey, conversations: set[str]) -> tuple[set[str], set[str]]:
    """The customers of conversations, and the companies of those."""
    source = there(run, "conversation")
    customers = {parent(source[key], "customer") for key in conversations}
    rows = there(run, "customer")
    companies = {parent(rows[key], "company") for key in customers if key in rows}
    return {each for each in customers if each}, {each for each in companies if each}


def assert_people(run: Journey, conversations: set[str]) -> None:
    """Only the customers and companies of the conversations are there."""
    customers, companies = people_of(run, conversations)
    made = keyed(run.target_records("Contact")).keys() | keyed(run.target_records("Lead")).keys()
    assert made == customers
    assert keyed(run.target_records("Account")).keys() <= companies


@pytest.mark.parametrize("hot", [False, True])
def test_only_chosen_customers_go_where_the_plan_says_so_until_it_is_widened(
    tmp_path: Path, hot: bool
) -> None:
    with journey(tmp_path, sizes(100, 250)) as run:
        delta = {"lag_seconds": 0, "overlap_seconds": 0}
        configured(run, delta=delta, plans={"by_conversation": 0})
        tag = min(run.source_records("tag"))
        plan = ("plan", "set", "--tag", tag, "--customers", "chosen")
        told(run, *plan, *(["--open-first"] if hot else []), code=0)
        if hot:
            told(run, "migrate", "--hot-only", code=5)
            assert_people(run, cases(run))
        books = told(run, "migrate", code=5)["phases"]
        chosen = cases(run)
        assert_whole(run, chosen)
        assert_people(run, chosen)
        customers, companies = people_of(run, chosen)
        skipped = {name: book["skipped"].get("outside-plan", 0) for name, book in books.items()}
        assert skipped["customers"] == len(there(run, "customer")) - len(customers) > 0
        assert skipped["companies"] == len(there(run, "company")) - len(companies) > 0
        source = there(run, "conversation")
        others = {key for key in source if parent(source[key], "customer") not in customers}
        entering = set(sorted(others)[:6])
        for key in entering:
            url = f"{run.source}/__admin/records/conversation/{key}"
            httpx.put(url, json={"attributes": {"tags": [tag]}}).raise_for_status()
        after = told(run, "delta", code=5)["phases"]
        assert_whole(run, chosen | entering)
        assert_people(run, chosen | entering)
        grown = people_of(run, chosen | entering)[0]
        left = after["customers"]["skipped"]["outside-plan"]
        assert left == len(there(run, "customer")) - len(grown)
        assert told(run, "delta", code=5)["jobs_sent"] == 0
        assert told(run, "plan", "set", code=0)["change"] == "wider"
        last = told(run, "migrate", code=5)["phases"]
        assert not any("outside-plan" in book["skipped"] for book in last.values())
        assert check_everything(run, second_passes=False)["conversations"] == len(source)
        assert_each_was_made_once(run)


KILLS = (
    "sample-picked",
    "stage-planned",
    "stage-uncommitted",
    "stage-begun",
    "page-queued:6",
    "batch-sealed:4",
    "job-closed:2",
    "harvest-uncommitted",
    "gate-closed:2",
    "stage-ended",
)


def killed(run: Journey, point: str, *arguments: str) -> None:
    child = run.start(*arguments, environment={VARIABLE: point})
    _, err = child.communicate(timeout=120)
    assert child.returncode == -signal.SIGKILL, f"{point}: {err}"


def test_a_sample_that_dies_anywhere_goes_on_and_so_does_what_follows_it(tmp_path: Path) -> None:
    with journey(tmp_path, sizes(120, 300)) as run:
        configured(run)
        for point in KILLS:
            killed(run, point, "migrate", "--sample", "30")
        told(run, "migrate", "--sample", "30", code=5)
        picked = cases(run)
        assert len(picked) == 30
        assert_whole(run, picked)
        for point in ("stage-planned", "stage-uncommitted", "stage-begun", "batch-sealed:3"):
            killed(run, point, "migrate")
        assert told(run, "delta", code=3)["error"]["code"] == "not-loaded"
        told(run, "migrate", code=5)
        assert_all(run, len(there(run, "conversation")))


def test_a_death_within_and_between_the_stages_of_a_plan_loses_and_doubles_nothing(
    tmp_path: Path,
) -> None:
    with journey(tmp_path, sizes(120, 300)) as run:
        configured(run)
        plan = ("plan", "set", "--open-first", "--recent", "60", "--since", "2025-01-01")
        for point in ("plan-uncommitted", "plan-saved"):
            killed(run, point, *plan)
            said = told(run, "plan", "show", code=0)["plan"]
            assert bool(said["set_at"]) is (point == "plan-saved")
        killed(run, "batch-sealed:3", "migrate")
        refused = told(run, "plan", "set", "--since", "2026-01-01", code=3)
        assert refused["error"]["code"] == "plan-in-use"
        told(run, "plan", "set", "--open-first", "--recent", "60", code=3)
        wider = ("--open-first", "--recent", "60", "--since", "2024-06-01", "--under-way")
        told(run, "plan", "set", *wider, code=0)
        killed(run, "stage-ended", "migrate")
        [hot] = told(run, "status", code=0)["plan"]["stages"]
        assert (hot["name"], bool(hot["done_at"])) == ("hot", True)
        for point in ("stage-uncommitted", "stage-begun", "job-closed:2", "gate-closed:4"):
            killed(run, point, "migrate")
        told(run, "migrate", code=5)
        source = there(run, "conversation").items()
        since = "2024-06-01"
        assert_whole(run, {key for key, row in source if row["attributes"]["updatedAt"] >= since})
        assert_each_was_made_once(run)
