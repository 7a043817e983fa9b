"""Filters: what they take is whole, what stays is counted, and later plans and deltas go on from it."""

import signal
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.crash_points import VARIABLE
from tests.process.expected import check_everything, parent
from tests.process.plan_checks import (
    assert_all,
    assert_each_was_made_once,
    assert_people,
    assert_whole,
    cases,
    configured,
    people_of,
    there,
)
from tests.process.stand_ins import Journey, journey, sizes
from tests.process.test_retry import told

pytestmark = [pytest.mark.process, pytest.mark.timeout(300)]


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
