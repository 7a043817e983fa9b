"""Counts for each branch before anything moves are the counts after, and their sum is the customers."""

import json
from pathlib import Path
from typing import Any

import pytest

from service.mapped import default_mapping
from simulators.kustomer.generate import generate
from simulators.kustomer.settings import KustomerSettings
from tests.process.expected import keyed
from tests.process.stand_ins import journey
from tests.process.test_retry import told

pytestmark = [pytest.mark.process, pytest.mark.timeout(240)]
FAST = ["--rate-limit=1000000", "--search-limit=1000000"]
BY_COMPANY = "choose: {source: relationships.company.data.id, present: Contact, absent: Lead}\n"
RULES = """choose:
      rules:
        - {source: attributes.custom.customerTypeStr, in: [b2b, partner], table: Contact}
        - {source: attributes.custom.botBool, equals: true, table: Lead}
        - {source: relationships.company.data.id, present: true, table: Contact}
        - {source: attributes.conversationCounts.all, over: 3, table: Contact}
      default: Lead
"""


def wanted(row: dict[str, Any]) -> str:
    """Which branch a customer belongs to, told apart from the product."""
    if row["attributes"]["deleted"]:
        return "deleted"
    if row["attributes"]["createdAt"] == "never":
        return "held"
    custom = row["attributes"]["custom"]
    if str(custom.get("customerTypeStr")).lower() in ("b2b", "partner"):
        return "Contact"
    if custom.get("botBool"):
        return "Lead"
    company = (row["relationships"].get("company") or {}).get("data")
    return "Contact" if company or row["attributes"]["conversationCounts"]["all"] > 3 else "Lead"


def two_thousand(folder: Path) -> tuple[list[str], dict[str, int]]:
    """An org with customers of every branch; returns its options, and how many there are of each."""
    counts = dict.fromkeys(("Contact", "Lead", "deleted", "held"), 0)
    lines = []
    settings = KustomerSettings(
        customers=2000, conversations=20, messages=20, notes=0, kobjects=0, companies=50
    )
    for number, row in enumerate(generate(settings)):
        if row["type"] == "customer":
            row["attributes"] |= {
                "custom": {
                    "customerTypeStr": (None, "B2B", "b2c", "Partner")[number % 4],
                    "botBool": number % 5 == 0,
                },
                "conversationCounts": {"all": number % 7},
                "deleted": number % 41 == 0,
            }
            if number % 53 == 0:
                row["attributes"]["createdAt"] = "never"
            counts[wanted(row)] += 1
        lines.append(json.dumps(row))
    path = folder / "org.jsonl"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return [f"--dataset={path}", *FAST], counts


def test_split_counts_of_two_thousand_customers_are_the_same_before_and_after_and_add_up(
    tmp_path: Path,
) -> None:
    options, counts = two_thousand(tmp_path)
    assert min(counts.values()) > 20
    assert sum(counts.values()) == 2000
    with journey(tmp_path, options) as run:
        path = run.folder / "ferry" / "mapping.yaml"
        path.parent.mkdir(mode=0o700)
        assert BY_COMPANY in default_mapping()
        path.write_text(default_mapping().replace(BY_COMPANY, RULES), encoding="utf-8")
        found = told(run, "map", "split", code=0)
        assert run.effects() == []
        assert [each.name for each in path.parent.iterdir()] == ["mapping.yaml"]
        (split,) = found["phases"]
        assert (split["phase"], split["gap"], split["way"]) == ("customers", None, "list")
        assert split["branches"] == {name: counts[name] for name in ("Contact", "Lead")}
        assert sum(split["held"].values()) == counts["held"]
        listed = 2000 - counts["deleted"] + split["skipped"].get("deleted", 0)
        assert split["records"] == listed, "each once; deleted ones as far as the list shows them"
        assert found["requests"] <= 40

        books = told(run, "migrate", code=5)["phases"]["customers"]
        assert books["chosen"] == split["branches"]
        assert books["held"] == split["held"]
        assert books["skipped"] == split["skipped"]
        assert books["extracted"] == split["records"]
        assert {
            name: len(keyed(run.target_records(name))) for name in ("Contact", "Lead")
        } == split["branches"]
        again = told(run, "map", "split", code=0)["phases"]
        assert again == [split]
