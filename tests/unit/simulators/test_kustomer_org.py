import hashlib
from collections import Counter
from pathlib import Path

import pytest

from simulators.kustomer.__main__ import read_arguments
from simulators.kustomer.generate import generate
from simulators.kustomer.org import DatasetInvalid, Org, load_dataset
from simulators.kustomer.serve import build_org
from simulators.kustomer.settings import KustomerSettings
from tests.unit.simulators.kustomer_desk import desk


def digest(settings: KustomerSettings) -> str:
    org = build_org(settings)
    kinds = sorted(org.shelves)
    return hashlib.sha256(b"".join(line for kind in kinds for line in org.dump(kind))).hexdigest()


@pytest.mark.parametrize("wild", [False, True])
def test_the_same_seed_makes_the_same_bytes_and_another_one_does_not(wild: bool) -> None:
    first = KustomerSettings(wild=wild)
    assert digest(first) == digest(KustomerSettings(wild=wild))
    assert digest(first) != digest(KustomerSettings(seed=8, wild=wild))


def test_wild_records_have_unique_ids_and_name_parents_that_exist() -> None:
    settings = KustomerSettings(
        wild=True, conversations=1500, messages=4000, customers=900, notes=900
    )
    records = list(generate(settings))
    ids = [(each["type"], each["id"]) for each in records]
    assert len(ids) == len(set(ids))
    by_kind = Org(records).shelves
    for kind, parent in (
        ("message", "conversation"),
        ("note", "conversation"),
        ("message", "customer"),
    ):
        for row in by_kind[kind].everything:
            linked = row.resource["relationships"][parent]["data"]
            assert linked["id"] in by_kind[parent].rows
            if (kind, parent) == ("message", "customer"):
                assert linked["type"] == "customers"


def test_wild_records_hold_what_real_orgs_gather() -> None:
    settings = KustomerSettings(
        wild=True, conversations=3000, messages=9000, customers=2000, notes=2000
    )
    org = build_org(settings)
    rows = {
        kind: [row.resource["attributes"] for row in shelf.everything]
        for kind, shelf in org.shelves.items()
    }
    storm = Counter(row.updated for row in org.shelves["conversation"].everything).most_common(1)[
        0
    ][1]
    assert storm > 100
    shapes = {type(each["meta"].get("to")) for each in rows["message"] if each["meta"]}
    assert {list, dict, str} <= shapes
    assert max(len(each["body"]) for each in rows["note"]) == 10_240
    assert any(each.get("deleted") for each in rows["note"])
    assert any("name" in each and each["name"] is None for each in rows["conversation"])
    assert any("futureKey-2" in each for each in rows["customer"])
    assert any("phase" not in each for each in rows["conversation"])
    keys = {key for each in rows["conversation"] for key in each["custom"]}
    assert {"amountNum", "dueAt", "vipBool", "summaryTxt", "trackingUrl", "reasonTree"} <= keys
    merged = org.shelves["customer_merge"].everything
    assert merged
    for row in merged:
        source, target = row.parents
        assert org.shelves["customer"].rows[source].deleted
        assert not org.children("message", source)
        assert target in org.shelves["customer"].rows
    bodies = Counter(
        (row.parents, row.created, row.resource["attributes"]["body"])
        for row in org.shelves["note"].everything
    )
    assert max(bodies.values()) > 1


async def test_a_dump_loaded_as_a_dataset_gives_the_same_org(tmp_path: Path) -> None:
    async with desk(wild=True) as client:
        everything = (await client.get("/__admin/dump")).text
    path = tmp_path / "org.jsonl"
    path.write_text(everything, encoding="utf-8")
    org = build_org(KustomerSettings(dataset=path))
    again = b"".join(line + b"\n" for kind in sorted(org.shelves) for line in org.dump(kind))
    assert again.decode() == everything


@pytest.mark.parametrize("line", ["{", "[]", '{"id":"x"}', '{"type":"note","attributes":[]}'])
def test_a_bad_line_of_a_dataset_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "org.jsonl"
    path.write_text('{"type":"note","id":"1","attributes":{}}\n\n' + line, encoding="utf-8")
    with pytest.raises(DatasetInvalid, match=r"org\.jsonl:3:"):
        load_dataset(path)


async def test_a_change_moves_rev_and_time_on_and_search_sees_it() -> None:
    async with desk() as client:
        row = (await client.dump("conversation"))[0]
        changed = await client.admin(
            "PUT", f"records/conversation/{row['id']}", {"attributes": {"status": "done"}}
        )
        attributes = changed.json()["attributes"]
        assert attributes["rev"] == row["attributes"]["rev"] + 1
        assert attributes["updatedAt"] == "2026-11-21T12:00:00.000Z"
        assert attributes["name"] == row["attributes"]["name"]
        body = {
            "queryContext": "conversation",
            "and": {"conversation_updated_at": {"gte": "2026-11-21"}},
        }
        found = (await client.search(**body)).json()["data"]
        assert [each["id"] for each in found] == [row["id"]]
        path = f"records/conversation/{row['id']}?touch=false"
        quiet = (await client.admin("PUT", path, {"attributes": {"messageCount": 9}})).json()
        assert quiet["attributes"]["rev"] == attributes["rev"]
        assert (await client.admin("PUT", "records/note/nobody", {})).status_code == 404


async def test_a_record_made_while_it_runs_is_at_the_end_of_its_list() -> None:
    async with desk() as client:
        made = (await client.admin("POST", "records/note", {"attributes": {"body": "new"}})).json()
        assert (await client.data("/v1/notes?pageSize=100"))[-1] == made


async def test_a_hard_delete_takes_the_children_and_shifts_the_pages() -> None:
    async with desk() as client:
        message = (await client.dump("message"))[0]
        parent = message["relationships"]["conversation"]["data"]["id"]
        await client.admin("DELETE", f"records/conversation/{parent}?hard=true")
        assert (await client.data("/v1/messages?pageSize=1"))[0]["id"] != message["id"]
        left = [
            row["relationships"]["conversation"]["data"]["id"]
            for row in await client.dump("message")
        ]
        assert parent not in left


async def test_merged_customers_leave_a_tombstone_a_record_and_a_survivor_with_all() -> None:
    async with desk() as client:
        message = (await client.dump("message"))[0]
        source = message["relationships"]["customer"]["data"]["id"]
        target = next(row["id"] for row in await client.dump("customer") if row["id"] != source)
        lost = await client.data(f"/v1/customers/{source}")
        done = await client.admin(
            "POST", "merge", {"kind": "customer", "source": source, "target": target}
        )
        assert done.json()["type"] == "customer_merge"
        assert (await client.get(f"/v1/customers/{source}")).status_code == 404
        survivor = await client.data(f"/v1/customers/{target}")
        for mail in lost["attributes"]["emails"]:
            assert mail in survivor["attributes"]["emails"]
        moved = await client.data(f"/v1/messages/{message['id']}")
        assert moved["relationships"]["customer"]["data"] == {"type": "customers", "id": target}
        merges = await client.data(f"/v1/customers/{target}/merges")
        assert [each["id"] for each in merges] == [done.json()["id"]]


def test_arguments_become_settings() -> None:
    settings, port = read_arguments(
        ["--port", "8123", "--wild", "--rate-limit", "5", "--now", "1e9"]
    )
    moving, _ = read_arguments(["--churn-rate", "2.5", "--churn-seed", "9", "--churn-writes", "7"])
    assert (moving.churn_rate, moving.churn_seed, moving.churn_writes) == (2.5, 9, 7)
    assert (settings.wild, settings.rate_limit, settings.now, port) == (True, 5, 1e9, 8123)
