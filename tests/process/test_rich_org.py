"""An org with klasses of every kind goes from a proposal to Salesforce without hand-editing."""

import json
import re
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.process.expected import check_everything, plain
from tests.process.stand_ins import Journey, journey, sizes
from transforms.mapping import parse_mapping

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
        found = told(run, "discover", code=0)
        assert found
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
        attributes, values = compare_attributes(run)
        assert attributes >= 40
        assert values > 1_000
        made = [e for e in run.effects() if e["op"] == "insert" and "Product" in e["object"]]
        assert len(made) == len(products) + len(pairs)
        assert told(run, "migrate", code=5)["jobs_sent"] == 0


def compare_attributes(run: Journey) -> tuple[int, int]:
    """Compare the value of every custom attribute that has a line of its own with its field.

    Returns how many attributes had values, and how many values were compared.
    """
    text = (run.folder / "ferry" / "mapping.yaml").read_text(encoding="utf-8")
    seen: set[tuple[str, str]] = set()
    compared = 0
    for line in parse_mapping(text, "mapping.yaml").phases.values():
        kind = "kobject" if line.kind.startswith("kobject.") else line.kind
        if (
            not line.move
            or line.of
            or kind not in ("company", "customer", "conversation", "kobject")
        ):
            continue
        source = run.source_records(kind)
        for name, table in line.tables.items():
            for key, made in by_key(run, name).items():
                record = source.get(str(key))
                if record is None or record["type"] not in (kind, line.kind):
                    continue
                custom = record["attributes"].get("custom") or {}
                for field, each in table.fields.items():
                    path = each.source[0]
                    attribute = path.removeprefix("attributes.custom.")
                    if attribute == path or attribute not in custom or len(each.source) > 1:
                        continue
                    assert same(custom[attribute], made.get(field)), (name, field, each.convert)
                    seen.add((line.kind, attribute))
                    compared += 1
    return len(seen), compared


def same(value: Any, field: Any) -> bool:
    """Whether a field holds a source value, in the form that its type has in Salesforce."""
    if value is None or value in ("", []):
        return field in (None, "", False)
    if isinstance(value, bool):
        return field is value
    if isinstance(value, int | float):
        return float(field) == float(value)
    if isinstance(value, list):
        return all(str(each) in str(field) for each in value)
    text = plain(str(value)).strip()
    if isinstance(field, bool):
        return field is (text.lower() == "true")
    if isinstance(field, int | float):
        return float(text.replace(".", "").replace(",", ".")) == field or float(text) == field
    if re.match(r"\d{4}-\d\d-\d\d", text) and re.match(r"\d{4}-", str(field)):
        meant, shown = datetime.fromisoformat(text), datetime.fromisoformat(str(field))
        if shown.tzinfo is None:  # a day
            return shown.date() == meant.date()
        meant = meant if meant.tzinfo else meant.replace(tzinfo=UTC)
        return shown == meant.replace(microsecond=0)
    return plain(str(field)).strip() == text


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
        emptied = {
            line.partition(": ")[2]: count
            for line, count in book["emptied"].items()
            if line.startswith("Case.Kustomer_")
        }
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
