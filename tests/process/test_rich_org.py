"""An org with klasses of every kind goes from a proposal to Salesforce without hand-editing."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.process.expected import check_everything
from tests.process.stand_ins import Journey, journey, sizes

pytestmark = [pytest.mark.process, pytest.mark.timeout(240)]


def told(run: Journey, *command: str, code: int) -> dict[str, Any]:
    ended, out, err = run.run(*command, "--json")
    assert ended == code, err
    found: dict[str, Any] = json.loads(out)
    return found


def by_key(run: Journey, name: str) -> dict[str, dict[str, Any]]:
    return {each["Kustomer_Id__c"]: each for each in run.target_records(name)}


def test_four_klasses_and_their_references_arrive_on_a_bare_org(tmp_path: Path) -> None:
    options = [*sizes(40, 80), "--rich", "--kobjects=100", "--tags=700"]
    with journey(tmp_path, options, ["--bare"]) as run:
        run.confirmed = True
        proposal = told(run, "map", "propose", code=0)
        assert proposal["disabled"] == ["kobject.warranty-claim"]
        told(run, "map", "confirm", "--by=Ada", code=0)
        told(run, "schema", "deploy", code=0)  # making the map's own fields voids nothing
        books = told(run, "migrate", code=5)["phases"]
        check_everything(run)
        assert "kobject.warranty-claim" not in books
        orders = by_key(run, "Order__c")
        items = by_key(run, "Order_Item__c")
        products = by_key(run, "Product__c")
        source = run.source_records("kobject")
        kinds = Counter(each["type"] for each in source.values())
        assert len(orders) == kinds["kobject.order"] == 40
        assert len(items) == kinds["kobject.order-item"] == 40
        assert len(products) == kinds["kobject.product"] == 10
        ids = {record["Id"]: key for key, record in {**orders, **items, **products}.items()}
        cases = by_key(run, "Case")
        for key, record in source.items():
            custom = record["attributes"]["custom"]
            if key in items:
                assert ids[items[key]["Kustomer_Order__c"]] == custom["orderId"]
            if key in orders:
                main = orders[key].get("Kustomer_Main_Item__c")
                assert (ids[main] if main else None) == custom.get("mainItemId")
            if key in products:
                other = products[key].get("Kustomer_Replaced_By__c")
                assert (ids[other] if other else None) == custom.get("replacedById")
        for key, record in run.source_records("conversation").items():
            if key in cases:
                about = cases[key].get("Kustomer_About_Order__c")
                named = record["attributes"]["custom"].get("aboutOrderId")
                assert (ids[about] if about else None) == named
        pairs = [
            (key, product)
            for key, record in source.items()
            for product in record["attributes"]["custom"].get("productsId") or ()
        ]
        assert books["kobject.order.productsId"]["loaded"] > 0
        made = [e for e in run.effects() if e["op"] == "insert" and "Product" in e["object"]]
        assert len(made) == len(products) + len(pairs)
        assert told(run, "migrate", code=5)["jobs_sent"] == 0


def test_a_record_with_an_odd_value_arrives_with_the_value_kept_and_the_report_tells(
    tmp_path: Path,
) -> None:
    with journey(tmp_path, [*sizes(20, 20), "--rich", "--kobjects=20"], ["--bare"]) as run:
        run.confirmed = True
        told(run, "map", "propose", code=0)
        told(run, "map", "confirm", "--by=Ada", code=0)
        told(run, "schema", "deploy", code=0)
        key, record = next(iter(run.source_records("conversation").items()))
        custom = {**record["attributes"]["custom"], "amountNum": "a lot", "dueAt": ["soon"]}
        body = {"attributes": {"custom": custom}}
        url = f"{run.source}/__admin/records/conversation/{key}?touch=false"
        httpx.put(url, json=body).raise_for_status()
        book = told(run, "migrate", code=5)["phases"]["conversations"]
        assert book["held"] == {}
        emptied = {line.partition(": ")[2]: count for line, count in book["emptied"].items()}
        assert emptied == {"not-a-number": 1, "bad-date": 1}
        case = by_key(run, "Case")[key]
        kept = json.loads(case["Kustomer_Unfit__c"])
        assert kept == {"attributes.custom.amountNum": "a lot", "attributes.custom.dueAt": ["soon"]}
        others = [each for other, each in by_key(run, "Case").items() if other != key]
        assert others
        assert not any(each.get("Kustomer_Unfit__c") for each in others)
        report = told(run, "report", code=0)
        page = json.dumps(report) + (tmp_path / "ferry" / "reports" / "report.json").read_text()
        assert "Case.Kustomer_Amount__c: not-a-number" in page
        assert "a lot" not in page
