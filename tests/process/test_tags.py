"""Tags become topics or choices of a picklist, chosen by what the org has, and every one arrives."""

import json
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from simulators.kustomer.generate import generate
from simulators.kustomer.settings import KustomerSettings
from tests.process.expected import check_everything, keyed
from tests.process.stand_ins import Journey, journey, sizes
from tests.process.test_rich_org import by_key, told

pytestmark = [pytest.mark.process, pytest.mark.timeout(240)]
Change = Callable[[str, list[dict[str, Any]]], None]


def dataset(folder: Path, change: Change, *, tags: int) -> list[str]:
    """Options that serve a generated org after `change` was made to each kind's records."""
    settings = KustomerSettings(
        companies=8, customers=30, conversations=60, messages=60, notes=20, kobjects=0, tags=tags
    )
    by_kind: dict[str, list[dict[str, Any]]] = {}
    for record in generate(settings):
        by_kind.setdefault(record["type"], []).append(record)
    for kind, records in by_kind.items():
        change(kind, records)
    lines = [json.dumps(each) for records in by_kind.values() for each in records]
    path = folder / "org.jsonl"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return [f"--dataset={path}", "--rate-limit=1000000", "--search-limit=1000000"]


def names_of(run: Journey) -> dict[str, str]:
    return {key: row["attributes"]["name"] for key, row in run.source_records("tag").items()}


def wanted_of(run: Journey, kind: str, records: dict[str, Any]) -> Counter[tuple[str, str]]:
    """Every (target record, tag name in small letters) that the source knows, each once."""
    names = names_of(run)
    found: set[tuple[str, str]] = set()
    for key, row in run.source_records(kind).items():
        if key in records:
            found |= {(records[key]["Id"], names[t].lower()) for t in row["attributes"]["tags"]}
    return Counter(found)


def assigned(run: Journey) -> Counter[tuple[str, str]]:
    topics = {each["Id"]: each["Name"].lower() for each in run.target_records("Topic")}
    return Counter(
        (each["EntityId"], topics[each["TopicId"]])
        for each in run.target_records("TopicAssignment")
    )


def journey_to_the_end(run: Journey, *options: str) -> dict[str, Any]:
    """Propose, confirm, deploy and migrate, with nothing edited by hand."""
    run.confirmed = True
    proposal = told(run, "map", "propose", *options, code=0)
    told(run, "map", "confirm", "--by=Ada", code=0)
    told(run, "schema", "deploy", code=0)
    return {**proposal, "books": told(run, "migrate", code=5)["phases"]}


def test_an_org_of_700_tags_gets_topics_and_every_assignment_is_there_once(tmp_path: Path) -> None:
    options = [*sizes(80, 80), "--rich", "--kobjects=20", "--tags=700"]
    with journey(tmp_path, options, ["--bare"]) as run:
        told_of = journey_to_the_end(run)
        (line,) = [each for each in told_of["lines"] if each["object"] == "Topic"]
        assert "700 tags are more than the 500 values" in line["reason"]
        assert "semicolon" in line["reason"]
        check_everything(run)
        tags = run.source_records("tag")
        assert sum(row["attributes"]["deleted"] for row in tags.values()) > 100
        assert sorted(each["Name"] for each in run.target_records("Topic")) == sorted(
            set(names_of(run).values())
        )
        wanted = wanted_of(run, "conversation", by_key(run, "Case"))
        assert len(wanted) > 80
        assert assigned(run) == wanted
        assert told_of["books"]["tags"]["loaded"] == 700
        again = told(run, "migrate", code=5)
        assert again["jobs_sent"] == 0
        assert assigned(run) == wanted


def test_tags_that_fit_become_choices_and_every_value_names_all_tags_of_its_record(
    tmp_path: Path,
) -> None:
    def change(kind: str, records: list[dict[str, Any]]) -> None:
        if kind == "tag":
            for number, record in enumerate(records):
                record["attributes"]["name"] = f"Größe/{number}"
            records[1]["attributes"]["name"] = "größe/0"  # the first one's, in small letters
        if kind == "customer":
            for record in records:
                record["attributes"]["tags"] = list(tags[:3])
        if kind == "conversation":
            records[0]["attributes"]["tags"] = ["6a" * 12]  # nobody knows this tag any more

    settings = KustomerSettings(
        companies=8, customers=30, conversations=60, messages=60, notes=20, kobjects=0, tags=12
    )
    tags = [each["id"] for each in generate(settings) if each["type"] == "tag"]
    options = dataset(tmp_path, change, tags=12)
    with journey(tmp_path, options, ["--bare"]) as run:
        told_of = journey_to_the_end(run)
        fields = {(e["object"], e["field"]) for e in told_of["lines"] if "Tag_List" in e["field"]}
        assert fields == {(name, "Kustomer_Tag_List__c") for name in ("Case", "Contact", "Lead")}
        check_everything(run)
        names = names_of(run)
        spelled = {name: name for name in names.values()} | {"größe/0": "Größe/0"}
        for kind, objects in (("conversation", ["Case"]), ("customer", ["Contact", "Lead"])):
            source = run.source_records(kind)
            for name in objects:
                records = by_key(run, name)
                assert records
                for key, made in records.items():
                    ids = source[key]["attributes"]["tags"]
                    shown = [spelled[names[each]] if each in names else each for each in ids]
                    value = made.get("Kustomer_Tag_List__c")
                    assert value == (";".join(dict.fromkeys(shown)) or None)
        assert told(run, "migrate", code=5)["jobs_sent"] == 0
        assert told(run, "map", "propose", "--tags=topics", code=0)["warnings"] == [
            "The map has tags as picklist already; take those lines out to have them as topics."
        ]
        assert told(run, "schema", "plan", code=0)["nothing_to_do"]


def test_a_picklist_that_cannot_be_is_refused_with_all_reasons_and_nothing_is_written(
    tmp_path: Path,
) -> None:
    with journey(tmp_path, [*sizes(20, 20), "--tags=700"], ["--bare"]) as run:
        run.confirmed = True
        error = told(run, "map", "propose", "--tags=picklist", code=3)["error"]
        assert error["code"] == "tags-do-not-fit"
        assert "700 tags are more than" in error["message"]
        assert "semicolon" in error["message"]
        told(run, "map", "propose", "--tags=text", code=0)
        text = (tmp_path / "ferry" / "mapping.yaml").read_text(encoding="utf-8")
        assert "Tag_List" not in text
        assert "TopicAssignment" not in text
        assert told(run, "map", "propose", "--tags=sorted", code=2)["error"]["code"] == (
            "usage-invalid"
        )


def test_check_tells_of_a_user_who_may_not_make_topics_before_anything_moves(
    tmp_path: Path,
) -> None:
    options = [*sizes(20, 20), "--tags=700", "--kobjects=0"]
    with journey(tmp_path, options, ["--no-topics"]) as run:
        run.confirmed = True
        before = {each["name"]: each for each in told(run, "check", code=0)["items"]}
        assert "salesforce topics" not in before
        told(run, "map", "propose", code=0)
        items = {each["name"]: each for each in told(run, "check", code=3)["items"]}
        assert items["salesforce topics"]["ok"] is False
        assert "Create Topics, Assign Topics" in items["salesforce topics"]["detail"]


def test_topics_that_are_there_are_matched_and_odd_names_are_neither_lost_nor_doubled(
    tmp_path: Path,
) -> None:
    """Names over 99 characters, in other letter case, twice, and of a topic that the org has."""
    long = "x" * 120

    def change(kind: str, records: list[dict[str, Any]]) -> None:
        if kind == "tag":
            odd = ["Billing", "billing", "Refund", "Refund", long + "1", long + "2", "Already here"]
            for record, name in zip(records, odd, strict=False):
                record["attributes"]["name"] = name
                tags.append(record["id"])
        if kind in ("conversation", "customer", "company"):
            chance = random.Random(kind)
            for record in records:
                record["attributes"]["tags"] = chance.sample(tags, k=5)

    tags: list[str] = []
    options = dataset(tmp_path, change, tags=12)
    with journey(tmp_path, options, ["--bare"]) as run:
        httpx.post(
            f"{run.target}/__admin/records/Topic", json={"Name": "ALREADY HERE"}
        ).raise_for_status()
        told_of = journey_to_the_end(run, "--tags=topics")
        books = told_of["books"]
        assert books["tags"]["matched"] == 3  # two twins, and the one that was there
        assert books["tags"]["loaded"] == 9
        topics = run.target_records("Topic")
        by_name = {each["Name"].lower(): each for each in topics}
        assert len(topics) == len(by_name) == 10
        shortened = [each for each in topics if each["Name"].startswith("xxx")]
        assert sorted(each["Description"] for each in shortened) == [long + "1", long + "2"]
        assert all(len(each["Name"]) <= 99 for each in topics)
        whole = {each["Id"]: (each.get("Description") or each["Name"]).lower() for each in topics}
        made = Counter(
            (each["EntityId"], whole[each["TopicId"]])
            for each in run.target_records("TopicAssignment")
        )
        records = {
            name: keyed(run.target_records(name)) for name in ("Case", "Contact", "Lead", "Account")
        }
        people = {**records["Contact"], **records["Lead"]}
        wanted = wanted_of(run, "conversation", records["Case"])
        wanted += wanted_of(run, "customer", people)
        companies = wanted_of(run, "company", records["Account"])
        matched = {
            each["Id"] for each in run.target_records("Account") if not each.get("Kustomer_Id__c")
        }
        assert Counter({k: n for k, n in made.items() if k[0] not in matched}) == wanted + companies
        assert set(made.values()) == {1}
        for each in ("conversations", "customers", "companies"):
            assert books[f"{each}.topics"]["failed"] == {}
            assert books[f"{each}.topics"]["loaded"] > 0
        shown = told(run, "map", "show", code=0)
        assert shown["faults"] == []
        assert {"tags", "companies.topics"} <= {each["phase"] for each in shown["tables"]}
        known = told(run, "trace", tags[0], code=0)
        assert "Topic" in json.dumps(known)
