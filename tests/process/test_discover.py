"""The inventory, by the real command: its figures are those of the stand-ins, and nothing leaks."""

import json
import stat
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.process.stand_ins import Journey, journey, sizes
from tests.process.test_retry import told
from tests.unit.service.discover_facts import assert_well_formed

pytestmark = [pytest.mark.process, pytest.mark.timeout(240)]
RICH = ["--rich", "--kobjects=40", "--tags=20"]
STREAMS = {
    "companies": "company",
    "customers": "customer",
    "conversations": "conversation",
    "messages": "message",
    "notes": "note",
}
RULES = {
    "queues": "queue",
    "queue-rules": "queue_rule",
    "slas": "sla",
    "schedules": "schedule",
    "satisfaction": "satisfaction",
    "brands": "brand",
    "email-hooks": "email_hook",
    "web-hooks": "web_hook",
    "outbound-webhooks": "outbound_webhook",
    "outbound-accounts": "outbound_account",
    "chat": "chat_settings",
    "kb-articles": "kb_article",
    "kb-categories": "kb_category",
    "kb-forms": "kb_form",
}


def live(run: Journey, kind: str) -> list[dict[str, Any]]:
    rows = run.source_records(kind).values()
    return [row for row in rows if not row["attributes"].get("deleted")]


def counted(shares: list[dict[str, Any]]) -> dict[str, int]:
    return {each["value"]: each["records"] for each in shares if each["records"]}


def check_volumes(run: Journey, found: dict[str, Any]) -> None:
    volumes = {each["name"]: each for each in found["volumes"]}
    for name, kind in STREAMS.items():
        each = volumes.pop(name)
        assert (each["records"], each["exact"]) == (len(live(run, kind)), True), name
        assert (each["way"], each["moves"]) == ("list", True)
    assert found["volumes"][1]["by_list"] == len(live(run, "customer"))
    klasses = Counter(row["type"] for row in live(run, "kobject"))
    assert {name: each["records"] for name, each in volumes.items()} == klasses
    stays = {name for name, each in volumes.items() if not each["moves"]}
    assert stays == {"kobject.warranty-claim"}
    tags = run.source_records("tag").values()
    gone = sum(bool(row["attributes"].get("deleted")) for row in tags)
    assert found["tags"] == {"live": len(tags) - gone, "deleted": gone}
    sizes_of_files = [
        row["attributes"]["contentLength"] for row in run.source_records("attachment").values()
    ]
    files = found["attachments"]
    assert (files["files"], files["bytes"]) == (len(sizes_of_files), sum(sizes_of_files))
    assert files["sampled_messages"] == len(live(run, "message"))


def check_people(run: Journey, found: dict[str, Any]) -> None:
    users = [row["attributes"] for row in run.source_records("user").values()]
    gone = [row for row in users if row.get("deletedAt")]
    machines = [row for row in users if row["userType"] == "machine" and not row.get("deletedAt")]
    known = Counter(row["Email"].lower() for row in run.target_records("User") if row["IsActive"])
    hits = Counter(min(2, known[row["email"].lower()]) for row in users)
    assert found["users"] == {
        "active": len(users) - len(gone) - len(machines),
        "pending": 0,
        "deactivated": len(gone),
        "machine": len(machines),
        "matched": hits[1],
        "unmatched": hits[0],
        "several": hits[2],
    }
    assert hits[0] > 0
    assert found["teams"]["live"] == found["teams"]["matched"] == len(live(run, "team"))


def check_conversations(run: Journey, found: dict[str, Any]) -> None:
    rows = [row["attributes"] for row in live(run, "conversation")]
    seam = f"{datetime.now(UTC) - timedelta(days=730):%Y-%m-%dT%H:%M:%S}"
    recent = [row for row in rows if row["updatedAt"] >= seam]
    assert 0 < len(recent) < len(rows)
    shares = found["conversations"]
    assert counted(shares["by_status"]) == Counter(row["status"] for row in recent)
    channels = Counter(each for row in recent for each in row["channels"])
    assert counted(shares["by_channel"]) == channels
    years = counted(shares["by_year"])
    assert sum(years.values()) == len(rows)
    last = str(datetime.now(UTC).year)
    assert years.get(last, 0) == sum(row["createdAt"].startswith(last) for row in rows)


def check_schema(run: Journey, found: dict[str, Any]) -> None:
    kinds = {each["name"]: {a["name"]: a for a in each["attributes"]} for each in found["kinds"]}
    told_by = {row["id"]: row for row in run.source_records("metadata").values()}
    assert kinds.keys() == told_by.keys()
    for name, metadata in told_by.items():
        assert metadata["attributes"]["properties"].keys() <= kinds[name].keys()
    secret = kinds["customer"]["secretStr"]
    assert (secret["sensitive"], secret["by_suffix"], secret["by_metadata"]) == (
        True,
        "string",
        "string",
    )
    assert 0 < secret["filled"] < 1
    values = [row["attributes"]["custom"].get("vipBool") for row in live(run, "customer")]
    filled = sum(value is not None for value in values) / len(values)
    assert kinds["customer"]["vipBool"]["filled"] == pytest.approx(filled)
    assert kinds["customer"]["regionTree"]["levels"]
    assert kinds["customer"]["oldStr"]["deleted"]
    wanted = {
        "kind": "kobject.order-item",
        "name": "orderId",
        "target": "kobject.order",
        "several": False,
        "by": "attribute",
    }
    assert wanted in found["relations"]


def check_rules(run: Journey, found: dict[str, Any]) -> None:
    rules = {each["kind"]: each for each in found["source_automation"]}
    for name, kind in RULES.items():
        assert (rules[name]["state"], rules[name]["count"]) == ("read", len(live(run, kind))), name
        assert rules[name]["count"] > 0
    assert rules["shortcuts"]["count"] == len(live(run, "shortcut"))
    assert rules["business-rules"]["state"] == "unlisted"
    firing = {each["name"] for each in found["target_automation"] if each["fires"]}
    assert firing == {
        "Case_Tell_Owner",
        "Case_Set_Region",  # an older version is the active one: IsActive is false
        "Contact_Welcome",
        "CaseTrigger",
        "AccountTrigger",
        "Case_Needs_Contact",
        "Case_Subject_Length",
        "Contact_Needs_Phone",
        "Standard_Contact",
    }
    unsure = {each["name"] for each in found["target_automation"] if each["fires"] is None}
    assert unsure == {"Case reminder"}


def secrets_of(run: Journey) -> set[str]:
    """What records say: names, addresses, numbers, texts, values. Short words may be anyone's."""
    found: set[str] = set()

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            for each in value.values():
                walk(each)
        elif isinstance(value, list):
            for each in value:
                walk(each)
        elif isinstance(value, str) and ("@" in value or " " in value.strip() or len(value) > 24):
            found.add(value.strip())

    for kind in ("customer", "company", "conversation", "message", "note", "kobject", "user"):
        for row in run.source_records(kind).values():
            walk({k: v for k, v in row["attributes"].items() if not k.endswith("At")})
    return {each for each in found if len(each) > 7}


def check_nothing_leaks(run: Journey, *outputs: str) -> None:
    said = "\n".join(outputs)
    hidden = secrets_of(run)
    assert len(hidden) > 300
    leaked = [each for each in hidden if each in said or json.dumps(each)[1:-1] in said]
    assert not leaked
    assert "ssn-" not in said
    assert "@acme.example" not in said


def test_the_inventory_is_what_the_stand_ins_hold_and_changes_neither(tmp_path: Path) -> None:
    options = ["--automation", "--data-storage=0"]
    with journey(tmp_path, [*sizes(60, 300), *RICH], options) as run:
        effects = run.effects()
        found = told(run, "discover", code=0)
        source, target = run.stats(run.source), run.stats(run.target)
        assert found["calls"]["kustomer"] == sum(source["calls"].values()) <= 150
        assert found["calls"]["searches"] == sum(source["searches"]["windows"])
        assert found["calls"]["salesforce"] == target["api_calls"] < 40
        assert all(each.startswith("GET ") for each in target["calls"])
        assert run.effects() == effects
        check_volumes(run, found)
        check_people(run, found)
        check_conversations(run, found)
        check_schema(run, found)
        check_rules(run, found)

        streams = {each["name"]: each for each in found["forecast"]["streams"]}
        assert streams["messages"]["rows"] == 300
        assert streams["kobject.order"]["jobs"] == 1
        figures = {each["key"]: each for each in found["forecast"]["figures"]}
        assert figures["kustomer-calls"]["available"] == found["requests_per_minute"] == 1_000_000
        assert figures["data-storage"]["suffices"] is False
        assert "Data storage does not suffice" in found["forecast"]["verdict"]
        areas = {each["area"] for each in found["gaps"]}
        wanted = {"masking", "fields", "klasses", "people", "channels", "automation", "storage"}
        assert wanted <= areas

        page = tmp_path / found["path"]
        kept = page.with_suffix(".json")
        assert sorted(each.name for each in (tmp_path / "ferry").iterdir()) == ["reports"]
        for each in (page, kept):
            assert stat.S_IMODE(each.stat().st_mode) == 0o600
        shown = page.read_text(encoding="utf-8")
        assert_well_formed(shown)
        assert json.loads(kept.read_bytes()) == {
            key: value for key, value in found.items() if key not in ("path", "exit_code")
        }
        check_nothing_leaks(run, json.dumps(found), shown)


def test_what_may_not_be_read_is_a_gap_and_the_rest_is_told(tmp_path: Path) -> None:
    with journey(tmp_path, sizes(20, 40), ["--bare"]) as run:
        refused = ["note", "queue_rule", "user", "search.create", "search"]
        reply = httpx.post(f"{run.source}/__admin/settings", json={"missing_roles": refused})
        reply.raise_for_status()
        run.fault(run.target, match="/limits", kind="status", status=403)
        code, out, err = run.run("discover")
        assert code == 0, err
        check_nothing = [each for each in ("Traceback", "@acme.example") if each in out + err]
        assert not check_nothing
        assert "cannot be read" in out
        found = json.loads((tmp_path / "ferry" / "reports" / "discover.json").read_bytes())
        volumes = {each["name"]: each for each in found["volumes"]}
        assert volumes["notes"]["records"] is None
        assert volumes["messages"]["records"] == 40
        assert volumes["messages"]["counted_by"] == "list"
        assert found["users"] is None
        rules = {each["kind"]: each["state"] for each in found["source_automation"]}
        assert (rules["queue-rules"], rules["queues"]) == ("refused", "read")
        figures = {each["key"]: each for each in found["forecast"]["figures"]}
        assert figures["data-storage"]["suffices"] is None
        assert "unknown" in found["forecast"]["verdict"]
        lacking = {each["object"]: each["missing"] for each in found["targets"]}
        assert "Kustomer_Id__c" in lacking["Case"]
        steps = " ".join(each["next_step"] for each in found["gaps"])
        assert "schema deploy" in steps


def test_another_org_than_the_configs_is_refused(tmp_path: Path) -> None:
    with journey(tmp_path, sizes(5, 5)) as run:
        run.configure(org_id="00D5f000000Zzz1")
        assert told(run, "discover", code=3)["error"]["code"] == "wrong-org"
        assert not (tmp_path / "ferry").exists()
